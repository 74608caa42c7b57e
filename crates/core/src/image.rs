//! The configuration that ClearML's own images come with: which paths there are, by server and version, and their
//! defaults.
//!
//! The list is `data/image_configuration.toml`, where each file of the images has its source.

use crate::knowable::Knowable;
use crate::setting::{Server, Setting};
use crate::version::{Lifetime, Version};

/// The repositories of the images that hold ClearML's servers (docs/clearml.md#image-names).
pub const REPOSITORIES: [&str; 3] = ["allegroai/clearml", "allegroai/trains", "clearml/server"];

/// A server's own default folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageTree {
    /// The API server's, which `async_delete` reads as well.
    Apiserver,
    /// The file server's.
    Fileserver,
}

impl ImageTree {
    /// The tree that a server starts with; none for one that reads no configuration.
    pub fn of(server: Server) -> Option<Self> {
        match server {
            Server::Apiserver | Server::AsyncDelete => Some(Self::Apiserver),
            Server::Fileserver => Some(Self::Fileserver),
            Server::Webserver | Server::AgentServices => None,
        }
    }
}

/// One path of the images' configuration.
#[derive(Clone, Debug)]
pub struct ImagePath {
    /// The server's folder that it is in.
    pub tree: ImageTree,
    /// The whole path, e.g. `services.auth.fixed_users.guest.enabled`.
    pub path: &'static str,
    /// What the image has there.
    pub default: ImageDefault,
    /// Where everybody can read it.
    pub source: &'static str,
    /// The versions that have it.
    lifetime: Lifetime,
    /// One that has it for certain; nothing is known of older ones.
    by: Option<Version>,
}

/// What an image has at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum ImageDefault {
    /// Nothing: the server reads the path where somebody sets it.
    Absent,
    /// A list that is of no interest here.
    List,
    /// `null`.
    Null,
    /// The default of a setting, which [`crate::known::built_in`] has.
    Setting(Setting),
    /// A text that is of no interest here.
    Text,
    /// A number, a boolean, a list or an object.
    Value {
        /// Whether Python takes it for true (docs/clearml.md#what-counts-as-true).
        is_true: bool,
    },
    /// This very text.
    Word(&'static str),
}

impl ImageDefault {
    /// Whether a server takes the default for true, where that can be told from its kind
    /// (docs/clearml.md#what-counts-as-true).
    pub fn is_true(&self) -> bool {
        match self {
            Self::Absent | Self::Null => false,
            Self::List | Self::Setting(_) | Self::Text => true,
            Self::Value { is_true } => *is_true,
            Self::Word(text) => !text.is_empty(),
        }
    }
}

impl ImagePath {
    /// Whether a version (none: the newest) has it.
    fn is_in(&self, version: Option<Version>) -> Knowable<bool> {
        let is_in = self.lifetime.includes(version);
        match version {
            Some(version) if is_in && self.by.is_some_and(|by| version < by) => {
                Knowable::unknown(format!("the defaults of version {version} are not known"))
            }
            _ => Knowable::Known(is_in),
        }
    }
}

/// What a server's image of a version (none: the newest) has at a path: nothing, or its default.
pub fn find(
    server: Server,
    path: &str,
    version: Option<Version>,
) -> Knowable<Option<&'static ImagePath>> {
    let mut unknown = None;
    for entry in at(server, path) {
        match entry.is_in(version) {
            Knowable::Known(true) => return Knowable::Known(Some(entry)),
            Knowable::Known(false) => {}
            Knowable::Unknown(reason) => unknown = Some(reason),
        }
    }
    unknown.map_or(Knowable::Known(None), Knowable::Unknown)
}

/// What the server's images of all versions have at a path.
pub fn at(server: Server, path: &str) -> impl Iterator<Item = &'static ImagePath> {
    let tree = ImageTree::of(server);
    let start = all().partition_point(|entry| entry.path < path);
    let entries = all()[start..].iter();
    entries
        .take_while(move |entry| entry.path == path)
        .filter(move |entry| Some(entry.tree) == tree)
}

/// Every path that a server of some version reads.
pub fn of(server: Server) -> impl Iterator<Item = &'static ImagePath> {
    let tree = ImageTree::of(server);
    all().iter().filter(move |entry| Some(entry.tree) == tree)
}

/// Every path of every server and version, in their order.
pub fn all() -> &'static [ImagePath] {
    static ALL: &[ImagePath] = include!(concat!(env!("OUT_DIR"), "/image_configuration.rs"));
    ALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known;
    use crate::setting::SETTINGS;

    const NEW: Option<Version> = None;

    fn value(
        server: Server,
        path: &str,
        version: Option<Version>,
    ) -> Option<&'static ImageDefault> {
        find(server, path, version)
            .into_known()
            .unwrap()
            .map(|entry| &entry.default)
    }

    fn boolean(server: Server, path: &str, version: Option<Version>) -> Option<bool> {
        value(server, path, version).map(ImageDefault::is_true)
    }

    #[test]
    fn the_list_is_unique_and_sourced() {
        for entry in all() {
            let is_link = entry.source.starts_with("https://github.com/");
            assert!(
                is_link || entry.source.starts_with("docs/clearml.md#"),
                "{entry:?}"
            );
            let alike = all()
                .iter()
                .filter(|other| (other.tree, &other.path) == (entry.tree, &entry.path));
            for version in [
                NEW,
                Some(Version::new(1, 17, 0)),
                Some(Version::new(2, 0, 0)),
                Some(Version::new(2, 1, 0)),
            ] {
                let there = alike
                    .clone()
                    .filter(|other| other.is_in(version).known() == Some(&true));
                assert!(there.count() <= 1, "{entry:?}");
            }
        }
    }

    #[test]
    fn every_setting_is_there_where_it_is_read() {
        for setting in SETTINGS {
            for server in setting
                .servers()
                .iter()
                .copied()
                .filter(|server| server.reads_configuration())
            {
                for minor in 9..=17 {
                    let version = Some(Version::new(1, minor, 1));
                    let there = value(server, setting.path(), version);
                    let expected = known::has_setting(setting, version)
                        .then_some(ImageDefault::Setting(setting));
                    assert_eq!(
                        there,
                        expected.as_ref(),
                        "{setting} at {server} of 1.{minor}.1"
                    );
                }
                assert_eq!(
                    value(server, setting.path(), NEW),
                    Some(&ImageDefault::Setting(setting))
                );
            }
        }
    }

    #[test]
    fn what_opens_something_has_its_default_by_version() {
        use Server::{Apiserver, AsyncDelete, Fileserver};
        let old = Some(Version::new(2, 0, 0));
        for path in ["apiserver.return_stack", "apiserver.return_stack_to_caller"] {
            assert_eq!(boolean(Apiserver, path, old), Some(true));
            assert_eq!(
                boolean(Apiserver, path, Some(Version::new(2, 1, 0))),
                Some(false)
            );
            assert_eq!(boolean(AsyncDelete, path, NEW), Some(false));
        }
        let guest = "services.auth.fixed_users.guest.enabled";
        assert_eq!(boolean(Apiserver, guest, NEW), Some(false));
        assert_eq!(boolean(Apiserver, "apiserver.debug", NEW), Some(false));
        assert_eq!(
            boolean(Apiserver, "apiserver.auth.cookies.httponly", NEW),
            Some(true)
        );
        assert_eq!(
            boolean(Apiserver, "apiserver.cors.supports_credentials", NEW),
            Some(true)
        );
        assert_eq!(
            boolean(Fileserver, "fileserver.auth.enabled", NEW),
            Some(true)
        );
        assert_eq!(
            value(
                Fileserver,
                "fileserver.auth.enabled",
                Some(Version::new(1, 15, 0))
            ),
            None
        );
        assert_eq!(value(Fileserver, guest, NEW), None);
        let s3 = "services.storage_credentials.aws.s3.credentials";
        assert_eq!(boolean(Apiserver, s3, old), Some(true));
        assert_eq!(boolean(Apiserver, s3, NEW), Some(false));
        assert_eq!(
            value(Apiserver, "apiserver.auth.fixed_users.enabled", NEW),
            Some(&ImageDefault::Absent)
        );
        assert_eq!(value(Server::Webserver, guest, NEW), None);
    }

    #[test]
    fn what_older_versions_have_is_not_guessed() {
        let old = Some(Version::new(1, 2, 0));
        assert!(
            find(Server::Apiserver, "apiserver.watch", old)
                .known()
                .is_none()
        );
        assert!(
            find(Server::Apiserver, "apiserver.nothing", old)
                .known()
                .is_some()
        );
    }
}
