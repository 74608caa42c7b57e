//! The paths of the configuration that open something, beside the settings: one list, `data/opening_paths.toml`.
//!
//! Rules ask for no other path, and a path of the list that is not known is never passed over.

use crate::setting::Server;
use crate::version::{Lifetime, Version};

/// The accounts.
pub const ACCOUNTS: &str = "secure.credentials";

/// Whether only fixed users sign in.
pub const FIXED_USERS: &str = "apiserver.auth.fixed_users.enabled";

/// One of them.
#[derive(Debug)]
pub struct OpeningPath {
    /// The path; what is below it belongs to it.
    pub path: &'static str,
    /// The servers that read it.
    pub servers: &'static [Server],
    /// The versions that read it.
    lifetime: Lifetime,
    /// How a server takes what it finds there.
    pub reads: Reads,
    /// Whether a switch is on that is nowhere.
    pub absent: bool,
    /// What it can open, for people.
    pub opens: &'static str,
    /// The rules that judge it.
    pub rules: &'static [&'static str],
    /// Values, `PATH = HOCON`, with which one of these rules finds something.
    pub open: &'static [&'static str],
    /// Values with which none of them does.
    pub closed: &'static [&'static str],
}

/// How a server takes what it finds at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Each key is an account.
    Accounts,
    /// What a cookie has.
    Cookie,
    /// Texts that are compared, or regular expressions.
    Origins,
    /// A text.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// As Python takes a value for true or false (docs/clearml.md#what-counts-as-true).
    Truth,
    /// A list of users.
    Users,
}

impl OpeningPath {
    /// Whether a server of a version (none: the newest) reads it.
    pub fn is_read_by(&self, server: Server, version: Option<Version>) -> bool {
        self.servers.contains(&server) && self.lifetime.includes(version)
    }
}

/// The whole list.
pub fn all() -> &'static [OpeningPath] {
    static ALL: &[OpeningPath] = include!(concat!(env!("OUT_DIR"), "/opening_paths.rs"));
    ALL
}

/// Whether a switch is on that is nowhere.
pub(crate) fn is_on_without_a_value(path: &str) -> bool {
    all().iter().any(|entry| entry.path == path && entry.absent)
}

/// Whether a path is in the list, or below one that is.
pub fn is_listed(path: &str) -> bool {
    all().iter().any(|listed| {
        let below = path.strip_prefix(listed.path);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image;
    use crate::knowable::Knowable;

    #[test]
    fn the_list_is_sorted_and_whole() {
        let paths: Vec<&str> = all().iter().map(|entry| entry.path).collect();
        assert!(paths.is_sorted_by(|a, b| a < b), "{paths:?}");
        for entry in all() {
            assert!(
                !entry.servers.is_empty() && !entry.rules.is_empty(),
                "{entry:?}"
            );
            assert!(entry.rules.is_sorted(), "{entry:?}");
            let readers = entry.servers.iter();
            assert!(readers.clone().all(|server| server.reads_configuration()));
        }
    }

    #[test]
    fn what_is_below_a_path_belongs_to_it() {
        assert!(is_listed("secure.credentials.mine.role"));
        assert!(is_listed("fileserver.auth.enabled"));
        assert!(!is_listed("fileserver.auth"));
        assert!(!is_listed("fileserver.auth.enabled_not"));
    }

    /// A switch that is never set is what the image has, so that has to be known for every version.
    #[test]
    fn the_default_of_every_switch_is_known() {
        let versions = (9..=17).map(|minor| Version::new(0, minor, 0));
        let versions = versions.chain((0..=17).map(|minor| Version::new(1, minor, 0)));
        let versions = versions.chain((0..=3).map(|minor| Version::new(2, minor, 0)));
        let versions: Vec<_> = versions.map(Some).chain([None]).collect();
        for entry in all().iter().filter(|entry| entry.reads == Reads::Truth) {
            for (server, version) in entry
                .servers
                .iter()
                .flat_map(|server| versions.iter().map(move |version| (*server, *version)))
            {
                let default = image::find(server, entry.path, version);
                // Where the image has no other default, it is the one that the server has for itself.
                if entry.absent && default.known().is_none() {
                    continue;
                }
                let Knowable::Known(default) = default else {
                    panic!("{}: {version:?} is not known", entry.path);
                };
                // Where the server has no such path, the image has none either.
                let is_read = entry.is_read_by(server, version);
                assert!(is_read || default.is_none(), "{} {version:?}", entry.path);
            }
        }
    }
}
