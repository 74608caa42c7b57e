//! The keyset to start from: what it lacks, what of it is kept, and what is wrong with that.

use std::path::Path;

use clearml_secure_core::io::read_argument;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::known::{self, Class};
use clearml_secure_core::setting::{SETTINGS, Setting};
use clearml_secure_core::strength::{Weakness, weakness};
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::talk::name;

/// A keyset that is there already.
pub(crate) struct From<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: Zeroizing<String>,
    pub(crate) keyset: Keyset,
    /// The settings that it names without a value.
    empty: Vec<Setting>,
}

impl<'a> From<'a> {
    /// The file of `--from`; none without it.
    pub(crate) fn read(cli: &'a Cli) -> Result<Option<Self>, Error> {
        let Some(path) = cli.from.as_deref() else {
            return Ok(None);
        };
        let text = read_argument(path)?;
        let (keyset, empty) = Keyset::read_incomplete(&text, path)?;
        Ok(Some(Self {
            path,
            text,
            keyset,
            empty,
        }))
    }

    /// What to know about it, where these settings are not kept.
    pub(crate) fn remarks(&self, renewed: &[Setting]) -> Vec<String> {
        let path = name(self.path);
        let mut remarks = Vec::new();
        let count = self.keyset.passed_over();
        if count > 0 {
            let what = "web-login users left out, because their passwords are plain";
            let help = "list them with --users-from, which hashes passwords";
            remarks.push(format!("warning: {path}: {what}: {count}; {help}"));
        }
        let mut empty = self.empty.clone();
        empty.retain(|setting| !renewed.contains(setting));
        if !empty.is_empty() {
            let words = words(&empty).join(", ");
            remarks.push(format!("{path}: empty, so a value was generated: {words}"));
        }
        for flaw in Flaw::ALL {
            let is_kept = |setting: &Setting| !renewed.contains(setting);
            let has = |setting: &Setting| {
                let value = self.keyset.get(*setting);
                value.is_some_and(|value| Flaw::of(value.expose(), *setting) == Some(flaw))
            };
            let flawed: Vec<Setting> = SETTINGS.into_iter().filter(is_kept).filter(has).collect();
            if !flawed.is_empty() {
                let words = words(&flawed);
                remarks.push(format!(
                    "warning: {path}: kept, and {}: {}\n  help: --only {} makes new ones",
                    flaw.text(),
                    words.join(", "),
                    words.join(" --only ")
                ));
            }
        }
        remarks
    }
}

/// Why a value should not be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    Guessable,
    Placeholder,
    Public,
    Short,
}

impl Flaw {
    /// The worst first.
    const ALL: [Self; 4] = [
        Self::Public,
        Self::Placeholder,
        Self::Short,
        Self::Guessable,
    ];

    fn of(value: &str, setting: Setting) -> Option<Self> {
        if known::lookup(value).is_some_and(|known| known.class != Class::Placeholder) {
            return Some(Self::Public);
        }
        weakness(value, setting.kind()).map(|weakness| match weakness {
            Weakness::Guessable => Self::Guessable,
            Weakness::Placeholder => Self::Placeholder,
            Weakness::Short => Self::Short,
        })
    }

    fn text(self) -> &'static str {
        match self {
            Self::Guessable => "easily guessed",
            Self::Placeholder => "only a placeholder",
            Self::Public => "public",
            Self::Short => "too short",
        }
    }
}

/// Words of `--only` for these settings: an account for both of its settings, else the path.
fn words(settings: &[Setting]) -> Vec<&'static str> {
    let word = |setting: &Setting| {
        let group = Setting::by_word(setting.group());
        let is_whole = group.iter().all(|setting| settings.contains(setting));
        if is_whole {
            setting.group()
        } else {
            setting.path()
        }
    };
    let mut words: Vec<&str> = settings.iter().map(word).collect();
    words.dedup();
    words
}
