//! What the file system says of a deployment's files: which hold secrets, who reads them, whether git keeps them,
//! and which were written for a server that does not load them.

mod keysets;
mod pages;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clearml_secure_core::container::{Mount, MountSource};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Origin, Reading, Value};
use clearml_secure_core::fixed_users::FixedUser;
use clearml_secure_core::hocon::{self, Node, Object};
use clearml_secure_core::io::{Readers, entries, read_text, readers};
use clearml_secure_core::placeholder;
use clearml_secure_core::public;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Kind, Server};
use clearml_secure_core::source::{Place, SourceId, Span};
use clearml_secure_core::unseen::{Hides, Unseen};
use gix_index::hash::Kind as Hash;
use zeroize::Zeroizing;

use crate::login::Login;
use crate::report::described::Described;
pub(crate) use keysets::PASSWORDS;
pub(crate) use pages::Published;

/// What rules ask of the file system.
#[derive(Default)]
pub(crate) struct Files {
    /// The files that hold a secret of the user's own.
    pub(crate) secret: Vec<SecretFile>,
    /// Keyset files beside the deployment or below it, which nobody loads.
    pub(crate) keysets: Vec<KeysetFile>,
    /// Files beside the deployment that define users of the web login and that no server loads.
    pub(crate) stray_logins: Vec<PathBuf>,
    /// The same of keys and secrets.
    pub(crate) stray_secrets: Vec<PathBuf>,
    /// Credentials in the pages of web servers.
    pub(crate) published: Vec<Published>,
    /// What could not be looked at.
    pub(crate) unseen: Vec<Unseen>,
}

/// A file that holds a secret.
pub(crate) struct SecretFile {
    /// What messages call it.
    pub(crate) path: PathBuf,
    /// Where the first secret stands.
    pub(crate) span: Span,
    /// Who reads it besides its owner.
    pub(crate) readers: Option<Readers>,
    /// Whether git tracks it.
    pub(crate) is_tracked: bool,
}

/// A file with keys that no server loads.
pub(crate) struct KeysetFile {
    pub(crate) path: PathBuf,
    /// What it is, in words before its name.
    pub(crate) what: &'static str,
    /// The names of the web-login users in it.
    pub(crate) users: Vec<String>,
    /// Who reads it besides its owner.
    pub(crate) readers: Option<Readers>,
    /// Whether git tracks it.
    pub(crate) is_tracked: bool,
    /// Other files with a secret of it that git tracks.
    pub(crate) leaks: Vec<Leak>,
    /// Why it is not known whether git tracks a value of it.
    unseen: Option<String>,
    /// Whether the servers have all their secrets from it.
    is_in_use: bool,
}

/// A file of a repository with a secret of a keyset.
pub(crate) struct Leak {
    pub(crate) place: Place,
}

impl Files {
    /// Looks for keysets that are kept beside a deployment of compose files.
    fn note_keysets(
        &mut self,
        deployment: &Described,
        effective: &Effective,
        logins: &[Login<'_>],
    ) {
        let file = deployment.sources.file(deployment.first);
        let Some(project) = deployment.project.as_ref().filter(|_| file.is_some()) else {
            return;
        };
        let folder = match project.folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &project.folder,
        };
        let is_in_use = |secrets: &[Secret], users: &[keysets::Hashed]| {
            let readings = effective.readings();
            let of_secrets = readings.filter(|reading| reading.setting.kind() == Kind::Secret);
            let mut texts = of_secrets.filter_map(|reading| match &reading.value {
                Value::Text(text) => Some(text),
                _ => None,
            });
            let first = texts.next();
            // One with other users would take those away that are there, and one with older passwords bring these back.
            let mut listed = logins.iter().flat_map(|login| &login.users.users);
            let has = |user: &FixedUser| {
                let hash = user.password.as_ref();
                let mut users = users.iter();
                users.any(|(name, own)| *name == user.username && hash == Some(own))
            };
            first.is_some_and(|text| secrets.contains(text))
                && texts.all(|text| secrets.contains(text))
                && (users.is_empty() || listed.all(has))
        };
        let (clients, loaded) = (of_clients(deployment), loaded(deployment));
        self.keysets = keysets::beside(folder, clients, &loaded, &is_in_use);
        for keyset in &self.keysets {
            self.unseen
                .extend(keyset.unseen.as_ref().map(|reason| Unseen {
                    what: format!("whether git tracks a value of {}", keyset.path.display()),
                    hides: Hides::Anything,
                    reason: reason.clone(),
                    service: None,
                    span: None,
                }));
        }
    }

    /// The keyset beside the deployment that its servers have; of several, the one with the usual name.
    pub(crate) fn in_use(&self) -> Option<&Path> {
        let all = || self.keysets.iter().filter(|keyset| keyset.is_in_use);
        let mut usual = all().filter(|keyset| keyset.path.ends_with("keys.env"));
        let only = all().next().filter(|_| all().nth(1).is_none());
        usual.next().or(only).map(|keyset| keyset.path.as_path())
    }

    /// Looks at the files of a deployment. Texts that come from no file, such as standard input, have no state.
    pub(crate) fn of(deployment: &Described, effective: &Effective, logins: &[Login<'_>]) -> Self {
        let mut files = Self {
            stray_logins: stray_logins(deployment, logins),
            stray_secrets: stray_secrets(deployment, effective),
            ..Self::default()
        };
        pages::look(
            deployment,
            effective,
            &mut files.published,
            &mut files.unseen,
        );
        files.note_keysets(deployment, effective, logins);
        let secrets = secrets(deployment, effective, logins);
        for source in deployment.sources.ids() {
            let path = deployment.sources.path(source);
            if deployment.sources.file(source).is_none() {
                continue;
            }
            let Some(span) = first(deployment, source, &secrets) else {
                continue;
            };
            let is_tracked = is_tracked(path).unwrap_or_else(|reason| {
                files.unseen.push(Unseen {
                    what: format!(
                        "whether git tracks {}",
                        deployment.sources.name(source).display()
                    ),
                    hides: Hides::Anything,
                    reason,
                    service: None,
                    span: Some(span),
                });
                false
            });
            files.secret.push(SecretFile {
                path: deployment.sources.name(source).to_owned(),
                span,
                readers: readers(path),
                is_tracked,
            });
        }
        files
    }
}

/// The files that a deployment is read from, by their real paths.
fn loaded(deployment: &Deployment) -> HashSet<&Path> {
    let sources = &deployment.sources;
    sources.ids().filter_map(|id| sources.file(id)).collect()
}

/// The configurations of clients that are mounted into containers, by paths that hold no value of an env file.
fn of_clients(deployment: &Deployment) -> Vec<PathBuf> {
    let mounts = deployment.containers.iter().flat_map(|one| &one.mounts);
    let mut paths: Vec<PathBuf> = mounts
        .filter(|mount| {
            let target = mount.target.known();
            target.is_some_and(|target| target.ends_with("clearml.conf"))
        })
        .filter_map(|mount| match mount.source.known()? {
            MountSource::Bind(host) => Some(host.path.clone()),
            _ => None,
        })
        .filter(|path| path.is_file() && deployment.referenced(path).is_none())
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The secrets of the user's own, and where the effective configuration takes them from. A published value is no
/// secret, and a key without its secret opens nothing.
fn secrets(
    deployment: &Described,
    effective: &Effective,
    logins: &[Login<'_>],
) -> Vec<(Vec<Zeroizing<String>>, Span)> {
    let mut found: Vec<(Vec<Zeroizing<String>>, Span)> = Vec::new();
    let mut add = |text: &str, span: Span| {
        // In a compose file a `$` is written twice.
        let mut spellings = vec![Zeroizing::new(text.to_owned())];
        if text.contains('$') {
            spellings.push(Zeroizing::new(text.replace('$', "$$")));
        }
        if !found.iter().any(|(known, _)| *known == spellings) {
            found.push((spellings, span));
        }
    };
    for reading in effective.readings() {
        let is_own = matches!(reading.origin, Origin::File(_) | Origin::Variable(_));
        let text = reading.value.text().map(|text| text.expose());
        if let Some(text) = text
            && is_own
            && !text.is_empty()
            && reading.setting.kind() == Kind::Secret
            && !placeholder::is_placeholder(text)
            && public::of(text).is_none()
        {
            let variable = reading.variable(deployment);
            let variable = variable.filter(|_| deployment.manifests.is_some());
            // A keyset stands for a Secret that was not given: nothing of it is in the files.
            if variable.is_some_and(|variable| variable.written_length == 0) {
                continue;
            }
            // A Secret may be in another file than the reference to it.
            let span = variable.map(|variable| variable.value_span);
            add(text, span.unwrap_or_else(|| reading.span(deployment)));
        }
    }
    for instance in &deployment.instances {
        for file in instance.config.iter().filter(|file| !file.is_default) {
            let Ok(tree) = &file.tree else {
                continue;
            };
            of_stores(tree, &mut |text, node| add(text, file.span(node)));
        }
    }
    for login in logins {
        if login.users.is_hashed == Some(false) {
            for (user, password) in login.users.passwords() {
                add(password, user.span);
            }
        }
    }
    found
}

/// The secrets of stores for files in a configuration: those of S3, of Azure and of Google's, under any path
/// (docs/clearml.md#storage-placeholder).
fn of_stores(tree: &Object, add: &mut dyn FnMut(&str, &Node)) {
    const NAMES: [&str; 7] = [
        "secret",
        "secret_key",
        "account_key",
        "aws_secret_access_key",
        "session_token",
        "token",
        "private_key",
    ];
    fn of_value(name: &str, node: &Node, add: &mut dyn FnMut(&str, &Node)) {
        match &node.value {
            hocon::Value::Object(tree) => of_stores(tree, add),
            hocon::Value::Array(items) => items.iter().for_each(|item| of_value("", item, add)),
            hocon::Value::String(text) if NAMES.contains(&name) => {
                let text = text.expose();
                let is_own = !text.is_empty()
                    && !placeholder::is_placeholder(text)
                    && public::of(text).is_none();
                if is_own {
                    add(text, node);
                }
            }
            _ => {}
        }
    }
    for (name, node) in tree.iter() {
        of_value(name, node, add);
    }
}

/// Where the first secret stands in a text.
fn first(
    deployment: &Described,
    source: SourceId,
    secrets: &[(Vec<Zeroizing<String>>, Span)],
) -> Option<Span> {
    if deployment.manifests.is_some() {
        // What is base64 there cannot be looked for, and every place is known.
        let places = secrets
            .iter()
            .map(|(_, span)| deployment.sources.outer(*span));
        return places.filter(|span| span.source == source).min();
    }
    let text = deployment.sources.text(source);
    let places = secrets.iter().filter_map(|(spellings, span)| {
        let written = spellings
            .iter()
            .filter(|spelling| !spelling.is_empty())
            .find_map(|spelling| Some((text.find(spelling.as_str())?, spelling.len())));
        match written {
            Some((start, length)) => Some(Span {
                source,
                start,
                end: start + length,
            }),
            // Escapes hide it from the search; a variable's value stands elsewhere.
            None => Some(*span).filter(|span| {
                span.source == source && !deployment.sources.slice(*span).contains('$')
            }),
        }
    });
    places.min()
}

/// Whether others than its owner read a file, and whether git tracks it; what is not known counts as no.
pub(crate) fn state(path: &Path) -> (bool, bool) {
    (readers(path).is_some(), is_tracked(path).unwrap_or(false))
}

/// Whether git tracks a file, or the link by which it is named: whether it is in the index of the working tree
/// around it.
fn is_tracked(path: &Path) -> Result<bool, String> {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else {
        return Ok(false);
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let as_named = fs::canonicalize(folder).map(|folder| folder.join(name));
    let in_truth = fs::canonicalize(path);
    for path in [as_named, in_truth].into_iter().flatten() {
        if is_in_index(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_in_index(path: &Path) -> Result<bool, String> {
    let Some((root, index)) = path.ancestors().skip(1).find_map(index_of) else {
        return Ok(false);
    };
    let relative = path.strip_prefix(root).unwrap_or(path);
    let Some(file) = read_index(&index)? else {
        return Ok(false);
    };
    Ok(file
        .entry_by_path(relative.as_os_str().as_bytes().into())
        .is_some())
}

/// All files that git tracks in the working tree around one.
fn tracked(path: &Path) -> Result<Vec<PathBuf>, String> {
    let real = fs::canonicalize(path);
    match real.as_deref().ok().and_then(Path::parent) {
        Some(folder) => tracked_around(folder),
        None => Ok(Vec::new()),
    }
}

/// All files that git tracks in the working tree around a folder, which is named by its real path.
fn tracked_around(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let Some((root, index)) = folder.ancestors().find_map(index_of) else {
        return Ok(Vec::new());
    };
    let Some(file) = read_index(&index)? else {
        return Ok(Vec::new());
    };
    let path = |entry: &gix_index::Entry| root.join(OsStr::from_bytes(entry.path(&file)));
    Ok(file.entries().iter().map(path).collect())
}

/// The index of a working tree; none where nothing was ever added.
fn read_index(index: &Path) -> Result<Option<gix_index::File>, String> {
    if !index.is_file() {
        return Ok(None);
    }
    let options = gix_index::decode::Options::default();
    gix_index::File::at(index, Hash::Sha1, true, options)
        .map(Some)
        .map_err(|error| format!("{} cannot be read: {error}", index.display()))
}

/// The working tree whose root a folder is, and its index. In a linked working tree and in a submodule `.git` is a
/// file that says where the rest is.
fn index_of(folder: &Path) -> Option<(&Path, PathBuf)> {
    let git = folder.join(".git");
    let kept = if git.is_dir() {
        git
    } else {
        let text = read_text(&git).ok()?;
        folder.join(text.strip_prefix("gitdir:")?.trim())
    };
    Some((folder, kept.join("index")))
}

/// Files of users for the web login beside a deployment whose API servers have none: `apiserver.conf` in the folder
/// of the compose file or in one below it, and what is named nearly so.
///
/// Where not all of the configuration can be seen, such a file may be on its way to where it is loaded from.
fn stray_logins(deployment: &Described, logins: &[Login<'_>]) -> Vec<PathBuf> {
    let is_closed = logins.is_empty()
        || logins
            .iter()
            .any(|login| !login.server.is_seen(deployment) || login.users.enabled != Some(false));
    if is_closed {
        return Vec::new();
    }
    let is_name = |name: &str| {
        name.starts_with("apiserver")
            || name.starts_with("api-server")
            || name.starts_with("api_server")
    };
    stray(deployment, is_name, |text| text.contains("fixed_users"))
}

/// Files of keys and secrets beside a deployment in which some setting has the image's default: `secure.conf` and what is
/// named nearly so.
fn stray_secrets(deployment: &Described, effective: &Effective) -> Vec<PathBuf> {
    let mut servers = effective
        .servers
        .iter()
        .filter(|server| server.server == Server::Apiserver)
        .peekable();
    let is_default = |reading: &Reading| matches!(reading.origin, Origin::BuiltIn(_));
    let is_set = servers.peek().is_none()
        || servers
            .any(|server| !server.is_seen(deployment) || !server.readings.iter().any(is_default));
    if is_set {
        return Vec::new();
    }
    let is_name = |name: &str| {
        let name = name.strip_prefix("clearml-").unwrap_or(name);
        let rest = name.strip_prefix("secure");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_', '~']))
    };
    // A compose file, or one of variables, is none.
    stray(deployment, is_name, |text| {
        (text.contains("token_secret") || text.contains("user_secret"))
            && !text.contains("services:")
            && !text.contains("CLEARML__")
    })
}

/// Files in the folder of the compose file, in one below it, or in one that is mounted as a configuration folder, that no
/// server loads.
fn stray(
    deployment: &Described,
    is_name: impl Fn(&str) -> bool,
    has: impl Fn(&str) -> bool,
) -> Vec<PathBuf> {
    let file = deployment.sources.file(deployment.first);
    let Some(project) = deployment.project.as_ref().filter(|_| file.is_some()) else {
        return Vec::new();
    };
    let of = |folder: &Path| entries(folder).unwrap_or_default();
    let folder = match &project.folder {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let mut candidates = of(folder);
    let folders: Vec<PathBuf> = candidates
        .iter()
        .filter(|path| path.is_dir())
        .cloned()
        .collect();
    candidates.extend(folders.iter().flat_map(|folder| of(folder)));
    let loaded = loaded(deployment);
    candidates.extend(
        config_folders(deployment)
            .iter()
            .flat_map(|folder| of(folder)),
    );
    let is_stray = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        is_name(&name.to_ascii_lowercase())
            && path.is_file()
            && !fs::canonicalize(path).is_ok_and(|path| loaded.contains(path.as_path()))
            && read_text(path).is_ok_and(|text| has(&text))
    };
    candidates.retain(is_stray);
    candidates.sort();
    candidates.dedup_by_key(|path| fs::canonicalize(&*path).unwrap_or_else(|_| path.clone()));
    candidates
}

/// The folders of the host that are mounted where API servers look for configuration.
fn config_folders(deployment: &Deployment) -> Vec<PathBuf> {
    let containers = deployment
        .of(Server::Apiserver)
        .map(|one| deployment.service(one));
    let mounts = containers.flat_map(|container| &container.mounts);
    let folder = |mount: &Mount| match (mount.source.known()?, mount.target.known()?.as_str()) {
        (MountSource::Bind(host), "/opt/clearml/config" | "/opt/trains/config") => {
            Some(host.path.clone())
        }
        _ => None,
    };
    mounts.filter_map(folder).collect()
}
