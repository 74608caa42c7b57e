//! Why a text is no keyset, with the place and what to do.

use std::path::Path;

use super::{Keyset, Misfit};
use crate::error::Error;
use crate::fault::Fault;
use crate::nearest::nearest;
use crate::secret::Secret;
use crate::setting::Setting;
use crate::source::place_of;

impl Fault {
    /// The same in a text with this many bytes more in front.
    pub(super) fn behind(self, bytes: usize) -> Self {
        let offset = self.offset + bytes;
        self.at(offset)
    }

    /// What a user is told, who calls the text by this path.
    pub(super) fn of(self, path: &Path, text: &str) -> Error {
        Error::Keyset {
            place: place_of(path, text, self.offset),
            message: self.message,
            help: self.help,
        }
    }

    /// An entry that no keyset has. Its name is not repeated, because it may be a value in the wrong place.
    pub(super) fn unknown(offset: usize, name: &str, known: &[String]) -> Self {
        let fault = Self::new(offset, "unknown entry");
        match nearest(name, known) {
            Some(known) => fault.help(format!("did you mean `{known}`?")),
            None => fault.help("remove it. `clearml-keygen` prints a keyset with every entry"),
        }
    }

    /// A setting that has a value already.
    pub(super) fn doubled(offset: usize, setting: Setting) -> Self {
        Self::new(offset, format!("{setting} is in the keyset twice")).help("remove one of the two")
    }

    /// A value that a setting cannot have.
    pub(super) fn misfit(offset: usize, setting: Setting, misfit: Misfit) -> Self {
        let fault = Self::new(offset, format!("{setting}: {misfit}"));
        let to_get = match misfit {
            Misfit::Replaced(replaced) => replaced.advice(),
            _ => None,
        };
        fault.help(
            to_get.unwrap_or("remove the entry, and generate a value with `clearml-keygen --from`"),
        )
    }
}

/// Gives a setting its value from an entry at these places, unless it has one.
pub(super) fn put(
    keyset: &mut Keyset,
    setting: Setting,
    value: Secret,
    name_at: usize,
    value_at: usize,
) -> Result<(), Fault> {
    if keyset.get(setting).is_some() {
        return Err(Fault::doubled(name_at, setting));
    }
    if value.expose().is_empty() {
        keyset.empty.push((setting, value_at));
        return Ok(());
    }
    keyset
        .set(setting, value)
        .map_err(|misfit| Fault::misfit(value_at, setting, misfit))
}
