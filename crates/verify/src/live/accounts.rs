//! The accounts and the token secret of a keyset, as a running server knows them.

use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::known::has_setting;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Kind, SETTINGS, Setting};
use clearml_secure_core::version::Version;

/// An account of a keyset.
pub(crate) struct Account<'a> {
    pub(crate) name: &'static str,
    setting: Setting,
    pub(crate) key: &'a Secret,
    pub(crate) secret: &'a Secret,
    /// The role it should have (docs/clearml.md#internal-accounts).
    pub(crate) role: &'static str,
}

impl Account<'_> {
    /// What it is in words.
    pub(crate) fn subject(&self) -> String {
        format!("account {}", self.name)
    }

    /// Whether a server of this version has it.
    pub(crate) fn is_in(&self, version: Option<Version>) -> bool {
        version.is_none() || has_setting(self.setting, version)
    }

    /// Whether another is the same account with the same pair.
    pub(crate) fn is_same(&self, other: &Account<'_>) -> bool {
        self.name == other.name
            && self.key.expose() == other.key.expose()
            && self.secret.expose() == other.secret.expose()
    }
}

/// The accounts of which a keyset does not have both halves, as far as a server of this version has them.
pub(crate) fn lacking(keys: &Keyset, version: Option<Version>) -> Vec<&'static str> {
    let is_known = |setting: &Setting| version.is_none() || has_setting(*setting, version);
    let missing = keys.missing().into_iter().filter(is_known);
    let mut names: Vec<&str> = missing.filter_map(Setting::account).collect();
    names.dedup();
    names
}

/// The accounts of a keyset that have both halves.
pub(crate) fn accounts(keys: &Keyset) -> Vec<Account<'_>> {
    let account = |setting: Setting| {
        let name = setting.account().filter(|_| setting.kind() == Kind::Key)?;
        Some(Account {
            name,
            setting,
            key: keys.get(setting)?,
            secret: keys.get(setting.other_half()?)?,
            role: match name {
                "tests" => "user",
                "services_agent" => "admin",
                _ => "system",
            },
        })
    };
    SETTINGS.into_iter().filter_map(account).collect()
}

/// The token secret of a keyset.
pub(crate) fn token_secret(keys: Option<&Keyset>) -> Option<&Secret> {
    let setting = SETTINGS
        .into_iter()
        .find(|setting| setting.group() == "token_secret")?;
    keys?.get(setting)
}
