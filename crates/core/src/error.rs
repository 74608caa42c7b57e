use std::io;
use std::path::{Path, PathBuf};

use crate::encrypted::Encrypted;
use crate::nearest::nearest_path;
use crate::source::Place;

/// What can go wrong in reading what a user brought, said in one line each, without a secret in it.
///
/// [`Error::help`] is the second line: what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that is not any more what it was when it was read. Nothing was written.
    #[error(
        "{}: somebody changed it while this ran",
        crate::shown::escape_path(path)
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Users of a `secure.conf` whose passwords are in clear text in the file that counts.
    #[error(
        "{}: the passwords of these users are in clear text: {}",
        crate::shown::escape_path(path),
        users
    )]
    ClearText {
        /// The file that counts.
        path: PathBuf,
        /// Their names.
        users: String,
    },
    /// Users whose password should be a hash, and is none (docs/clearml.md#password-hashes).
    #[error(
        "{}: the passwords of these users should be hashes, and are not base64 of a bcrypt hash: {}",
        crate::shown::escape_path(path),
        users
    )]
    NotHashed {
        /// The file that has them.
        path: PathBuf,
        /// Their names.
        users: String,
    },
    /// The compose file is YAML, yet not what compose takes, or something this program cannot follow.
    #[error("{place}: {message}")]
    Compose {
        /// Where.
        place: Place,
        /// What is wrong, in words that hold no value of the file.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// An `.env` file or an `env_file` that compose would refuse.
    #[error("{place}: {message}")]
    Dotenv {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// Bytes that are not UTF-8.
    #[error("{place}: {}", by.map_or_else(|| "not UTF-8".to_owned(), Encrypted::message))]
    Encoding {
        /// The first byte that is not.
        place: Place,
        /// The program that has encrypted the file, if it looks like that.
        by: Option<Encrypted>,
    },
    /// A `.conf` file that pyhocon would refuse.
    #[error("{place}: {message}")]
    Hocon {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// Something that a file has and its new text would not have. Nothing was written.
    #[error(
        "{}: the new file could not get the {what} of the old one: {}",
        crate::shown::escape_path(path),
        words(source)
    )]
    Keep {
        /// The file.
        path: PathBuf,
        /// E.g. its owner.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A keyset that is not one.
    #[error("{place}: {message}")]
    Keyset {
        /// Where; line and column are those of the entry.
        place: Place,
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// A folder that somebody else has locked for too long. Nothing was written.
    #[error("{}: locked by another program", crate::shown::escape_path(folder))]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// Something under a file's name that may never end.
    #[error("{} is {kind}, not a regular file", crate::shown::escape_path(path))]
    NoFile {
        /// What was to be read.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// A file that has its new text although another one could not be written. Each of them is whole.
    #[error(
        "{}: was already replaced and could not be restored: {}",
        crate::shown::escape_path(path),
        words(source)
    )]
    PutBack {
        /// The file.
        path: PathBuf,
        /// What has its old text, where there was one.
        kept: Option<PathBuf>,
        /// Why.
        source: io::Error,
    },
    /// The operating system's random generator failed.
    #[error("the operating system gave no random bytes: {0}")]
    Random(String),
    /// A file that cannot be read.
    #[error("{}: {}", crate::shown::escape_path(path), unread(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file over the bound.
    #[error("{}: larger than {limit} MiB", crate::shown::escape_path(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound in MiB.
        limit: u64,
    },
    /// A file that cannot be written. Nothing of it was left behind.
    #[error("{}: {}", crate::shown::escape_path(path), unwritten(path, source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Text that is not YAML, or YAML beyond the bounds.
    #[error("{place}: {message}")]
    Yaml {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
}

impl Error {
    /// The same error of reading a file, which is called something else.
    pub(crate) fn of_file(mut self, name: PathBuf) -> Self {
        match &mut self {
            Self::Encoding { place, .. } => place.file = name,
            Self::NoFile { path, .. } | Self::Read { path, .. } | Self::TooLarge { path, .. } => {
                *path = name;
            }
            _ => {}
        }
        self
    }

    /// Where in a file it is, where that can be said.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Compose { place, .. }
            | Self::Dotenv { place, .. }
            | Self::Encoding { place, .. }
            | Self::Hocon { place, .. }
            | Self::Keyset { place, .. }
            | Self::Yaml { place, .. } => Some(place),
            _ => None,
        }
    }

    /// What to do about it, where there is something to say beyond the message.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Changed { .. } => Some("run it again".to_owned()),
            Self::ClearText { .. } => Some(CLEAR_TEXT.to_owned()),
            Self::NotHashed { .. } => Some(NOT_HASHED.to_owned()),
            Self::Compose { help, .. } | Self::Keyset { help, .. } => help.clone(),
            Self::Dotenv { .. } => {
                Some("fix the line; `docker compose config` refuses it too".to_owned())
            }
            Self::Encoding { by: Some(by), .. } => Some(by.help()),
            Self::Encoding { by: None, .. } => Some("save the file as UTF-8".to_owned()),
            Self::Hocon { .. } => {
                Some("fix the file; what loads it does not start".to_owned())
            }
            Self::Keep { .. } => {
                Some("nothing was written; run this as the owner of the file or as root".to_owned())
            }
            Self::Locked { .. } => Some(
                "wait until that program has ended, then run this again. If it started this one (flock), start this one without it"
                    .to_owned(),
            ),
            Self::NoFile { .. } => Some(NO_FILE.to_owned()),
            Self::PutBack { path, kept, .. } => Some(match kept {
                Some(kept) => format!(
                    "restore it:\n  mv {} {}",
                    crate::shell::quoted(kept),
                    crate::shell::quoted(path)
                ),
                None => "remove it, or run this again".to_owned(),
            }),
            Self::Random(_) => {
                Some("generate the keys on another machine".to_owned())
            }
            Self::Read { path, source } => match source.kind() {
                io::ErrorKind::IsADirectory => Some("name a file in the folder".to_owned()),
                io::ErrorKind::NotFound => Some(match nearest_path(path, Path::is_file) {
                    Some(near) => format!("did you mean {}?", crate::shown::escape_path(&near)),
                    None => "check the path".to_owned(),
                }),
                io::ErrorKind::PermissionDenied => Some(
                    "run this as a user who can read it, with sudo for instance: sudo env PATH=\"$PATH\" …".to_owned(),
                ),
                _ => None,
            },
            Self::TooLarge { .. } => {
                Some("nothing of ClearML is that large: check the path".to_owned())
            }
            Self::Write { path, source } => match source.kind() {
                io::ErrorKind::NotFound if path.is_symlink() => Some("name the file itself".to_owned()),
                io::ErrorKind::NotFound if has_folder(path) => {
                    Some("name a file in another folder".to_owned())
                }
                io::ErrorKind::NotFound => {
                    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
                    Some(format!("make it:\n  mkdir -p {}", crate::shell::quoted(folder)))
                }
                io::ErrorKind::AlreadyExists => Some("name another file, or add --force to overwrite it".to_owned()),
                io::ErrorKind::IsADirectory => Some("name a file in the folder".to_owned()),
                io::ErrorKind::NotADirectory => {
                    let file = path.ancestors().skip(1).find(|part| part.exists() && !part.is_dir())?;
                    Some(format!("{} is a file: name a folder before the last `/`", crate::shown::escape_path(file)))
                }
                // A new file takes the place of the old one, so that it is the folder that counts.
                io::ErrorKind::PermissionDenied => Some(
                    "run this as a user who may write in its folder, with sudo for instance: sudo env PATH=\"$PATH\" …".to_owned(),
                ),
                io::ErrorKind::ReadOnlyFilesystem => {
                    Some("name a file elsewhere, or run this where its folder can be written".to_owned())
                }
                io::ErrorKind::QuotaExceeded | io::ErrorKind::StorageFull => {
                    Some("free some space on the disk".to_owned())
                }
                io::ErrorKind::ResourceBusy => {
                    Some("if the file itself is mounted (a bind mount), run this where the file really is".to_owned())
                }
                _ => None,
            },
            Self::Yaml { message, .. } => Some(help_with_yaml(message).to_owned()),
        }
    }
}

/// What to do about users of whom it is not known which of two passwords is theirs.
const CLEAR_TEXT: &str = "what the secure.conf beside it has of them may be older. Give each a password with clearml-keygen's \
     --users-from FILE, or a new one with --reset-password NAME";

const NOT_HASHED: &str = "they cannot log in. Give each a password with clearml-keygen's --users-from FILE, or a new one with \
     --reset-password NAME";

const NO_FILE: &str = "put a regular file there: only a path on the command line may be a pipe";

fn help_with_yaml(message: &str) -> &'static str {
    // Docker Compose reads what is beyond our bounds.
    const BOUNDS: [&str; 4] = [
        "nested deeper",
        "excessive aliasing",
        "aliases nest it too deep",
        "its aliases bring tags to too many places",
    ];
    if BOUNDS.iter().any(|bound| message.starts_with(bound)) {
        return "simplify it, or use what `docker compose config` prints instead";
    }
    if message == crate::yaml::READ_OTHERWISE {
        return "put it in quotes";
    }
    // It takes these, or some of them.
    if message == crate::yaml::TAG || message.starts_with("while scanning a tag") {
        return "put a space behind the tag";
    }
    if message.starts_with("comments must be separated") {
        return "put a space before the `#`";
    }
    if message.starts_with("tabs disallowed") {
        return "put spaces in place of the tab";
    }
    // It also takes some texts in brackets that are none for YAML.
    if message.contains("flow") || message.starts_with("plain scalar") {
        return "fix the line, or put the texts in its brackets in quotes";
    }
    "fix the line; `docker compose config` refuses it too"
}

/// What the operating system says, in words that tell what to look at.
pub fn words(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::AlreadyExists => "it exists",
        io::ErrorKind::IsADirectory => "it is a folder",
        io::ErrorKind::NotADirectory => "a folder of its path is a file",
        io::ErrorKind::NotFound => "it does not exist",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::QuotaExceeded => "the disk quota is used up",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        io::ErrorKind::ResourceBusy => "it is in use",
        io::ErrorKind::StorageFull => "the disk is full",
        _ => return error.to_string(),
    };
    text.to_owned()
}

/// Why a file was not read, as the end of a sentence that begins with its name.
fn unread(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
        _ => format!("cannot be read: {}", words(error)),
    }
}

/// Whether the folder of a file is there. That of `/proc` takes no file, and says that it is not found.
fn has_folder(path: &Path) -> bool {
    path.parent().is_some_and(Path::is_dir)
}

/// Why a file was not written, likewise.
fn unwritten(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if path.is_symlink() => {
            "is a link to a file that does not exist".to_owned()
        }
        io::ErrorKind::AlreadyExists => "exists".to_owned(),
        io::ErrorKind::NotFound if has_folder(path) => {
            "cannot be written: no file can be made in its folder".to_owned()
        }
        io::ErrorKind::NotFound => "cannot be written: its folder does not exist".to_owned(),
        io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
        _ => format!("cannot be written: {}", words(error)),
    }
}
