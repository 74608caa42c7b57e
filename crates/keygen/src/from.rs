//! The keyset to start from: what it lacks, what of it is kept, and what is wrong with that.

use std::path::Path;

use clearml_secure_core::io::{is_same, read_argument};
use clearml_secure_core::keyset::{self, Keyset};
use clearml_secure_core::setting::Setting;
use zeroize::Zeroizing;

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::output::is_of_users;
use crate::talk::name;

/// A keyset that is there already.
pub(crate) struct From<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: Zeroizing<String>,
    pub(crate) keyset: Keyset,
    /// Whether it is an `apiserver.conf`, and no keyset.
    pub(crate) is_apiserver: bool,
    /// The settings that it has no value for.
    missing: Vec<Setting>,
}

impl<'a> From<'a> {
    /// The file of `--from`; none without it.
    pub(crate) fn read(cli: &'a Cli) -> Result<Option<Self>, Error> {
        let Some(path) = cli.from.as_deref() else {
            return Ok(None);
        };
        let text = read_argument(path)?;
        let is_apiserver = Keyset::is_apiserver(&text);
        let (keyset, missing) = match is_apiserver {
            // Its users stay where they are.
            true if is_of_users(cli, true) => (Keyset::new(), Vec::new()),
            // In this format it would have to be merged with a `secure.conf`.
            true if matches!(cli.format, Format::Hocon) => {
                // One that cannot tell them, because of an include for instance, may be a `secure.conf`.
                Keyset::read_apiserver(&text, path)?;
                return Err(Error::UsersOnly(path.to_owned()));
            }
            true => (Keyset::read_apiserver(&text, path)?, Vec::new()),
            false => Keyset::read_incomplete(&text, path)?,
        };
        Ok(Some(Self {
            path,
            text,
            keyset,
            is_apiserver,
            missing,
        }))
    }

    /// What to say where it is written over in another format.
    fn other_format(&self, cli: &Cli) -> Option<String> {
        let before = Keyset::format(&self.text).filter(|_| !self.is_apiserver)?;
        let output = cli.output.as_deref()?;
        let is_other = before != cli.format.into() && is_same(self.path, output);
        is_other.then(|| {
            let (path, before) = (name(self.path), before.name());
            let now = keyset::Format::from(cli.format).name();
            format!(
                "warning: {path}: it is {before}, and will be {now}; -f {before} keeps the format"
            )
        })
    }

    /// What was made because it lacks it, where these settings were asked for.
    pub(crate) fn completed(&self, renewed: &[Setting]) -> Option<String> {
        let mut missing = self.missing.clone();
        missing.retain(|setting| !renewed.contains(setting));
        let words = Setting::words(&missing).join(", ");
        let path = name(self.path);
        (!missing.is_empty()).then(|| {
            format!("{path} had no value for these settings, so new values were generated: {words}")
        })
    }

    /// What to know about it, where these settings are not kept.
    pub(crate) fn remarks(&self, cli: &Cli, renewed: &[Setting]) -> Vec<String> {
        let path = name(self.path);
        let mut remarks = Vec::new();
        let count = self.keyset.passed_over();
        if count > 0 {
            let what =
                "web-login users that were left out, because their passwords are in clear text";
            let help = "list them in a file for --users-from, which hashes passwords";
            remarks.push(format!("warning: {path}: {what}: {count}\n  help: {help}"));
        }
        remarks.extend(self.other_format(cli));
        for (flaw, settings) in self.keyset.flaws(renewed) {
            let words = Setting::words(&settings);
            remarks.push(format!(
                "warning: {path}: kept, although {}: {}\n  help: make new ones with --only {}",
                flaw.text(),
                words.join(", "),
                words.join(" --only ")
            ));
        }
        remarks
    }
}
