//! Which folders a server loads its `*.conf` files from: `CLEARML_CONFIG_DIR`, as the server reads it.
//!
//! Each part of `a:b` is `Path(expandvars(part)).expanduser()` of Python (docs/clearml.md#configuration-folders).

use crate::container_path::cleaned;
use crate::instance::Family;
use crate::knowable::{Knowable, Reason};
use crate::setting::Server;
use crate::shown::escape;

/// What the server's process finds.
pub struct Process<'a> {
    /// A variable of its environment: its value, or that it has none.
    pub variable: &'a dyn Fn(&str) -> Knowable<Option<String>>,
    /// The user that the container runs as, as compose or the image names it; none for the image's own, root.
    pub user: Option<&'a str>,
    /// The folder that it runs in: an absolute path. ClearML's images have `/opt/clearml`.
    pub working_directory: Knowable<&'a str>,
}

/// The folders of a server, in the order in which they are loaded: later ones win. Each is an absolute path of the
/// container, which need not exist.
pub fn folders(process: &Process<'_>, family: Family, server: Server) -> Knowable<Vec<String>> {
    let names: &[&str] = match family {
        Family::Clearml => &["CLEARML_CONFIG_DIR", "TRAINS_CONFIG_DIR"],
        Family::Trains => &["TRAINS_CONFIG_DIR"],
    };
    for name in names {
        match (process.variable)(name) {
            // An empty one counts as one that is not set.
            Knowable::Known(value) => {
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    return value.split(':').map(|part| process.folder(part)).collect();
                }
            }
            Knowable::Unknown(_) => {
                return Knowable::unknown(format!("the value of {name} is not known"));
            }
        }
    }
    let defaults: &[&str] = match (family, server) {
        (Family::Trains, _) => &["/opt/trains/config"],
        (Family::Clearml, Server::Fileserver) => &["/opt/clearml/config"],
        (Family::Clearml, _) => &["/opt/trains/config", "/opt/clearml/config"],
    };
    Knowable::Known(defaults.iter().map(|path| (*path).to_owned()).collect())
}

impl Process<'_> {
    /// One part of the list as an absolute path.
    fn folder(&self, part: &str) -> Knowable<String> {
        self.expand_variables(part)
            .and_then(|path| self.expand_home(&path))
            .and_then(|path| match path.starts_with('/') {
                true => Knowable::Known(cleaned(&path)),
                false => self
                    .working_directory
                    .as_ref()
                    .map(|folder| cleaned(&format!("{folder}/{path}"))),
            })
    }

    /// `$NAME` and `${NAME}`; what is not set stays as it is written.
    fn expand_variables(&self, text: &str) -> Knowable<String> {
        let mut done = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            done.push_str(before);
            let (written, name) = reference(from);
            rest = &from[written..];
            // Docker sets this one in every container.
            let value = |name| match (self.variable)(name) {
                Knowable::Known(None) if name == "HOME" => self.home().map(Some),
                value => value,
            };
            match name.map(|name| (value(name), name)) {
                Some((Knowable::Known(Some(value)), _)) => done.push_str(&value),
                None | Some((Knowable::Known(None), _)) => done.push_str(&from[..written]),
                Some((Knowable::Unknown(_), name)) => {
                    return Knowable::unknown(format!(
                        "the configuration folder is made from {}, of which the value is not known",
                        escape(name)
                    ));
                }
            }
        }
        done.push_str(rest);
        Knowable::Known(done)
    }

    /// `~`, and `~root`. Python's `Path` looks at the first part of the path alone.
    fn expand_home(&self, path: &str) -> Knowable<String> {
        let Some(first) = first_part(path).filter(|first| first.starts_with('~')) else {
            return Knowable::Known(path.to_owned());
        };
        let rest = path.split_once(first).map_or("", |(_, rest)| rest);
        let home = match first {
            "~" => self.home(),
            "~root" => Knowable::Known("/root".to_owned()),
            _ => Knowable::unknown("the configuration folder is in the home of another user"),
        };
        home.map(|home| format!("{home}/{rest}"))
    }

    /// `HOME`, which docker sets by the user where nothing else does.
    fn home(&self) -> Knowable<String> {
        let unknown = || {
            Reason::from("the configuration folder is in the home of its user, which is not known")
        };
        match (self.variable)("HOME") {
            Knowable::Known(Some(home)) if !home.is_empty() => Knowable::Known(home),
            Knowable::Known(None) => {
                match self.user.map(|user| user.split(':').next().unwrap_or(user)) {
                    None | Some("" | "0" | "root") => Knowable::Known("/root".to_owned()),
                    Some(_) => Knowable::Unknown(unknown()),
                }
            }
            // Python's versions differ in what an empty one means.
            Knowable::Known(Some(_)) | Knowable::Unknown(_) => Knowable::Unknown(unknown()),
        }
    }
}

/// How long the reference at the start of a text is, which starts with a `$`, and its name.
fn reference(text: &str) -> (usize, Option<&str>) {
    if let Some(braced) = text.strip_prefix("${") {
        return match braced.find('}') {
            Some(end) => (end + 3, Some(&braced[..end])),
            None => (1, None),
        };
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = text[1..].bytes().take_while(is_part).count();
    (1 + length, (length > 0).then(|| &text[1..=length]))
}

/// The first part of a relative path; `./~` begins with the tilde, since Python drops the dot.
fn first_part(path: &str) -> Option<&str> {
    if path.starts_with('/') {
        return None;
    }
    path.split('/')
        .find(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &[(&str, &str)], family: Family, server: Server) -> Knowable<Vec<String>> {
        let variable = |name: &str| match given.iter().find(|(own, _)| *own == name) {
            Some((_, "?")) => Knowable::unknown("nobody says"),
            found => Knowable::Known(found.map(|(_, value)| (*value).to_owned())),
        };
        let user = given
            .iter()
            .find(|(name, _)| *name == "user")
            .map(|(_, user)| *user);
        let process = Process {
            variable: &variable,
            user,
            working_directory: Knowable::Known("/opt/clearml"),
        };
        folders(&process, family, server)
    }

    fn known(given: &[(&str, &str)]) -> Option<Vec<String>> {
        of(given, Family::Clearml, Server::Apiserver).into_known()
    }

    #[test]
    fn the_default_depends_on_server_and_family() {
        let defaults = |family, server| of(&[], family, server).into_known().unwrap();
        let both = ["/opt/trains/config", "/opt/clearml/config"];
        assert_eq!(defaults(Family::Clearml, Server::Apiserver), both);
        assert_eq!(defaults(Family::Clearml, Server::AsyncDelete), both);
        assert_eq!(defaults(Family::Clearml, Server::Fileserver), both[1..]);
        assert_eq!(defaults(Family::Trains, Server::Fileserver), both[..1]);
    }

    #[test]
    fn an_empty_variable_counts_as_none() {
        let trains = ("TRAINS_CONFIG_DIR", "/t");
        assert_eq!(
            known(&[("CLEARML_CONFIG_DIR", "/c"), trains]).unwrap(),
            ["/c"]
        );
        assert_eq!(
            known(&[("CLEARML_CONFIG_DIR", ""), trains]).unwrap(),
            ["/t"]
        );
        assert_eq!(known(&[("CLEARML_CONFIG_DIR", "")]).unwrap().len(), 2);
        let given = [("CLEARML_CONFIG_DIR", "/c"), trains];
        assert_eq!(
            of(&given, Family::Trains, Server::Apiserver)
                .into_known()
                .unwrap(),
            ["/t"]
        );
    }

    #[test]
    fn a_value_is_a_list_of_paths_as_the_server_expands_them() {
        let own = [("A", "/a:b"), ("EMPTY", ""), ("X", "x")];
        for (value, expected) in [
            ("/a:/b", &["/a", "/b"][..]),
            ("/a:", &["/a", "/opt/clearml"]),
            ("config", &["/opt/clearml/config"]),
            ("./config/../extra/", &["/opt/clearml/extra"]),
            ("/opt/clearml/../trains//./x/", &["/opt/trains/x"]),
            ("/../..", &["/"]),
            ("~/c", &["/root/c"]),
            ("~", &["/root"]),
            ("./~/c", &["/root/c"]),
            ("~root/c", &["/root/c"]),
            ("/x/~", &["/x/~"]),
            ("$A/c", &["/a:b/c"]),
            ("/${X}y/$X", &["/xy/x"]),
            ("/$NONE/${NONE}", &["/$NONE/${NONE}"]),
            ("$EMPTY", &["/opt/clearml"]),
            ("/$", &["/$"]),
            ("/${X", &["/${X"]),
        ] {
            let mut given = own.to_vec();
            given.push(("CLEARML_CONFIG_DIR", value));
            assert_eq!(known(&given).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_not_known_stays_so() {
        for given in [
            &[("CLEARML_CONFIG_DIR", "?")][..],
            &[("CLEARML_CONFIG_DIR", ""), ("TRAINS_CONFIG_DIR", "?")],
            &[("CLEARML_CONFIG_DIR", "/$X"), ("X", "?")],
            &[("CLEARML_CONFIG_DIR", "~/x"), ("user", "1000:1000")],
            &[("CLEARML_CONFIG_DIR", "~/x"), ("HOME", "?")],
            &[("CLEARML_CONFIG_DIR", "~jane/x")],
        ] {
            assert_eq!(known(given), None, "{given:?}");
        }
        let home = [
            ("CLEARML_CONFIG_DIR", "~/x"),
            ("user", "1000"),
            ("HOME", "/h"),
        ];
        assert_eq!(known(&home).unwrap(), ["/h/x"]);
    }
}
