//! Every publicly known value: defaults of the server and of its Helm charts, examples, stand-ins.
//!
//! The list is `data/known_defaults.toml`, where each value stands with its source.

use crate::setting::Setting;
use crate::version::{Lifetime, Version};

/// One publicly known value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The value itself.
    pub value: &'static str,
    /// The setting it is for, if it is one of the twelve.
    pub setting: Option<Setting>,
    /// What sort of thing it is.
    pub class: Class,
    /// What it is there, for people.
    pub what: &'static str,
    /// Where everybody can read it.
    pub source: &'static str,
    /// The versions of the server that have it.
    pub lifetime: Lifetime,
    /// Whether an image uses it where nothing sets the setting.
    pub built_in: bool,
}

impl Known {
    /// Whether ClearML's documentation writes it where a value belongs, so that anyone who copies a line has it.
    pub fn is_documented_stand_in(&self) -> bool {
        self.class == Class::Placeholder && self.what.contains("documentation")
    }
}

/// Where a known value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The values of ClearML's Helm charts.
    Chart,
    /// The server's own configuration files.
    Default,
    /// What documentation, a standard or a widely copied example shows.
    Example,
    /// What stands where somebody is to write a value.
    Placeholder,
}

/// The known value that this is. Stand-ins are recognised in any case.
pub fn lookup(value: &str) -> Option<&'static Known> {
    all().iter().find(|known| match known.class {
        Class::Placeholder => known.value.eq_ignore_ascii_case(value),
        _ => known.value == value,
    })
}

/// Whether this is what somebody is to replace: one that is known, or `<anything>` as a whole.
pub fn is_stand_in(value: &str) -> bool {
    let inner = value
        .trim()
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    inner.is_some_and(|inner| !inner.contains(['<', '>']))
        || lookup(value).is_some_and(|known| known.class == Class::Placeholder)
}

/// What an image of this version (none: the newest) uses where nothing sets the setting. None where that is
/// empty, as for the services agent since 1.16.0, or where the version does not have the setting.
pub fn built_in(setting: Setting, version: Option<Version>) -> Option<&'static Known> {
    all()
        .iter()
        .filter(|known| known.built_in && known.setting == Some(setting))
        .find(|known| known.lifetime.includes(version))
}

/// Whether the server of this version (none: the newest) reads the setting at all.
pub fn has_setting(setting: Setting, version: Option<Version>) -> bool {
    match (setting.account().and_then(first_with), version) {
        (Some(first), Some(version)) => version >= first,
        _ => true,
    }
}

/// The first version with an account, of those that not every version has (docs/clearml.md#internal-accounts).
pub fn first_with(account: &str) -> Option<Version> {
    match account {
        "fileserver" => Some(Version::FILE_SERVER_AUTHENTICATION),
        "services_agent" => Some(Version::new(1, 11, 0)),
        _ => None,
    }
}

/// When the list was changed last.
pub const DATE: &str = env!("KNOWN_DEFAULTS_DATE");

/// Every known value, sorted.
pub fn all() -> &'static [Known] {
    static ALL: &[Known] = include!(concat!(env!("OUT_DIR"), "/known_defaults.rs"));
    ALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::SETTINGS;

    #[test]
    fn the_list_is_sorted_unique_and_sourced() {
        for pair in all().windows(2) {
            assert!(pair[0].value < pair[1].value, "{:?}", pair);
        }
        for known in all() {
            assert!(!known.value.is_empty(), "{known:?}");
            assert!(!known.what.is_empty(), "{known:?}");
            assert!(!known.source.is_empty(), "{known:?}");
            assert!(
                !known.built_in || (known.class == Class::Default && known.setting.is_some()),
                "{known:?}"
            );
            if known.class == Class::Placeholder {
                assert_eq!(known.value, known.value.to_ascii_lowercase());
            }
        }
    }

    /// The published values were collected once; none of them may get lost.
    #[test]
    fn no_published_value_is_missing() {
        let count = |class| all().iter().filter(|known| known.class == class).count();
        assert_eq!(count(Class::Default), 21);
        assert_eq!(count(Class::Chart), 12);
        assert!(count(Class::Example) >= 80);
        assert!(count(Class::Placeholder) >= 40);
        assert_eq!(all().iter().filter(|known| known.built_in).count(), 17);
    }

    #[test]
    fn every_setting_has_its_default_in_every_version_that_reads_it() {
        for minor in 9..=17 {
            let version = Some(Version::new(1, minor, 1));
            for setting in SETTINGS {
                let is_emptied = setting.account() == Some("services_agent") && minor >= 16;
                assert_eq!(
                    built_in(setting, version).is_some(),
                    has_setting(setting, version) && !is_emptied,
                    "{setting} in 1.{minor}.1"
                );
            }
        }
        let newest = SETTINGS.map(|setting| built_in(setting, None).is_some());
        assert_eq!(newest.iter().filter(|is_there| **is_there).count(), 10);
    }

    #[test]
    fn one_version_has_one_default() {
        let built_in: Vec<_> = all().iter().filter(|known| known.built_in).collect();
        for (index, a) in built_in.iter().enumerate() {
            for b in &built_in[index + 1..] {
                let apart =
                    |a: Lifetime, b: Lifetime| a.until.is_some_and(|until| Some(until) <= b.since);
                assert!(
                    a.setting != b.setting
                        || apart(a.lifetime, b.lifetime)
                        || apart(b.lifetime, a.lifetime),
                    "{a:?} {b:?}"
                );
            }
        }
    }

    #[test]
    fn defaults_changed_in_1_16() {
        let token_secret = Setting::by_path("secure.auth.token_secret").unwrap();
        let at = |version| built_in(token_secret, version).unwrap().value;
        let old = "7E1ua3xP9GT2(cIQOfhjp+gwN6spBeCAmN-XuugYle00I=Wc+u";
        assert_eq!(at(Some(Version::new(0, 17, 0))), old);
        assert_eq!(at(Some(Version::new(1, 15, 1))), old);
        assert_eq!(
            at(Some(Version::new(1, 16, 0))),
            "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA"
        );
        assert_eq!(at(None), at(Some(Version::new(2, 3, 0))));
    }

    #[test]
    fn stand_ins_are_known_in_any_case_and_defaults_as_they_are() {
        assert_eq!(
            lookup("New-Secret-String").unwrap().class,
            Class::Placeholder
        );
        assert_eq!(lookup("CHANGEME").unwrap().class, Class::Placeholder);
        assert_eq!(lookup("GGS9F4M6XB2DXJ5AFT9F").unwrap().class, Class::Chart);
        assert!(lookup("ggs9f4m6xb2dxj5aft9f").is_none());
        assert!(lookup("").is_none());
    }
}
