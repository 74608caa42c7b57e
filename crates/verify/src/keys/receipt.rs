//! What a proof of keys is about: when and where it was made, by what, and which keys, without a value.

use std::fs;
use std::time::SystemTime;

use clearml_secure_core::fingerprint::fingerprint;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::{SETTINGS, Setting};
use clearml_secure_core::shown::escape;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::keys::Keys;
use crate::keys::check;

/// When, where, by what and about which keys.
pub(crate) struct Receipt {
    /// In UTC, to the second.
    pub(crate) date: String,
    /// The machine that asked.
    pub(crate) host: String,
    /// Of each keyset of the command line, the fingerprints of its secrets.
    pub(crate) keysets: Vec<(check::Keyset, Vec<(Setting, String)>)>,
    /// Whether `--keys` has web-login users.
    has_users: bool,
    /// Whether files are looked at beside the server.
    has_files: bool,
}

impl Receipt {
    /// None where the command line names no keyset.
    pub(crate) fn of(keys: &Keys, has_files: bool) -> Option<Self> {
        let all = [
            (check::Keyset::New, &keys.new),
            (check::Keyset::Old, &keys.old),
        ];
        let given = all.into_iter().filter_map(|(which, keyset)| {
            let keyset = keyset.as_deref()?;
            Some((which, fingerprints(keyset)))
        });
        let keysets: Vec<_> = given.collect();
        (!keysets.is_empty()).then(|| Self {
            date: date(),
            host: host(),
            keysets,
            has_users: keys.new.as_ref().is_some_and(|new| !new.users().is_empty()),
            has_files,
        })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let mut receipt = json!({
            "date": self.date,
            "host": self.host,
            "version": env!("CARGO_PKG_VERSION"),
        });
        for (which, fingerprints) in &self.keysets {
            let entries = fingerprints.iter();
            let entries =
                entries.map(|(setting, text)| (setting.path().to_owned(), text.as_str().into()));
            receipt[which.name()] = Value::Object(entries.collect());
        }
        receipt
    }

    /// For people. No server tells its session secret, or what its users' passwords are.
    pub(crate) fn words(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let users = match (self.has_users, self.has_files) {
            (true, true) => ". Web-login users are compared in the files only",
            (true, false) => {
                ". Web-login users are compared in files only: name the compose file, too"
            }
            (false, _) => "",
        };
        format!(
            "asked on {} by clearml-verify {version} on {}; no server tells which session secret it has{users}",
            self.date, self.host
        )
    }
}

fn fingerprints(keyset: &Keyset) -> Vec<(Setting, String)> {
    let of = |setting: Setting| Some((setting, fingerprint(keyset.get(setting)?, setting.kind())?));
    SETTINGS.into_iter().filter_map(of).collect()
}

/// Now, in UTC.
pub(crate) fn date() -> String {
    let now = OffsetDateTime::from(SystemTime::now()).replace_nanosecond(0);
    let text = now.ok().and_then(|now| now.format(&Rfc3339).ok());
    text.unwrap_or_default()
}

/// This machine's name.
pub(crate) fn host() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/hostname");
    escape(text.as_deref().unwrap_or("unknown").trim()).into_owned()
}
