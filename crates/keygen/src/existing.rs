//! What is in the place of a file that is to be written.

use std::path::Path;

use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::read_text;
use clearml_secure_core::keyset::Keyset;

use crate::error::Error;

/// Refuses a file that `--force` is not meant for: it replaces keysets, and what else is in a file is nowhere else.
///
/// # Errors
/// What is no keyset, or has more in it where its lines are not kept, or cannot be read.
pub(crate) fn refuse_other(path: &Path, keeps_lines: bool) -> Result<(), Error> {
    if !path.is_file() {
        return Ok(());
    }
    let text = match read_text(path) {
        Err(CoreError::Encoding { .. }) => return Err(Error::NoKeyset(path.to_owned())),
        text => text?,
    };
    match () {
        () if Keyset::is_deployment(&text) => Err(Error::Deployment(path.to_owned())),
        () if !keeps_lines && Keyset::is_only_a_part_of(&text) => {
            Err(Error::OtherLines(path.to_owned()))
        }
        () if Keyset::is_none(&text) => Err(Error::NoKeyset(path.to_owned())),
        () => Ok(()),
    }
}
