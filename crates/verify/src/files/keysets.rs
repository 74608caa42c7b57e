//! Keyset files beside a deployment or below it, or elsewhere in its repository: nobody loads them, and they hold everything.
//! So do files of clients (`clearml.conf`), which have the keys of a user and those of stores.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clearml_secure_core::compose::files::default_in;
use clearml_secure_core::generate;
use clearml_secure_core::hocon::{self, Include, Included, Lookup};
use clearml_secure_core::io::{entries, is_link, read_text};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::placeholder;
use clearml_secure_core::public;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Kind, SETTINGS};
use clearml_secure_core::source::{Place, place_of};
use zeroize::Zeroizing;

use super::{KeysetFile, Leak};
use super::{index_of, is_tracked, readers, tracked, tracked_around};

/// No keyset is larger, and no list of keysets for a fleet.
const LARGEST: u64 = 256 << 10;
const LARGEST_LIST: u64 = 16 << 20;

/// So many files are looked at, and so deep below the deployment.
const MOST_FILES: usize = 5000;
const DEEPEST: usize = 4;

/// So many files of a repository are searched for the values of a keyset, up to this size each.
const MOST_TRACKED: usize = 20_000;
const LARGEST_TRACKED: u64 = 1 << 20;

/// Every keyset has one of these, in whatever format.
const WORDS: [&str; 4] = [
    "CLEARML__SECURE",
    "CLEARML__secure",
    "token_secret",
    "user_secret",
];

/// Elsewhere in a repository files are read that are called like what has keys, because there may be any number of others.
const NAMED: [&str; 6] = ["key", "secret", "cred", "clearml", "login", "passw"];
const TYPES: [&str; 8] = [
    ".conf", ".env", ".json", ".jsonl", ".toml", ".txt", ".yaml", ".yml",
];

/// What messages call a file of `clearml-keygen --count`.
const LIST: &str = "the keysets in";

/// What messages call a file of `clearml-keygen --passwords`.
pub(crate) const PASSWORDS: &str = "the passwords of the web login in";

/// The name of a user, and the hash of a password.
pub(super) type Hashed = (String, Secret);

/// A keyset that was found, with its secrets.
struct Found {
    path: PathBuf,
    what: &'static str,
    secrets: Vec<Secret>,
    /// Its web-login users, each with the hash of a password.
    users: Vec<Hashed>,
}

/// The keyset files in a folder and below it and those of clients, but for those that are loaded. Some may be elsewhere.
pub(super) fn beside(
    folder: &Path,
    elsewhere: Vec<PathBuf>,
    loaded: &HashSet<&Path>,
    is_in_use: &dyn Fn(&[Secret], &[Hashed]) -> bool,
) -> Vec<KeysetFile> {
    let mut paths = elsewhere;
    walk(folder, 0, &mut paths);
    paths.extend(tracked_elsewhere(folder));
    // A file is known by its real path, and loaded ones are looked at already.
    let mut known: HashSet<PathBuf> = loaded.iter().map(|path| path.to_path_buf()).collect();
    paths.retain(|path| fs::canonicalize(path).is_ok_and(|real| known.insert(real)));
    let found = paths.into_iter().filter_map(|path| {
        keyset(&path)
            .or_else(|| client(&path))
            .or_else(|| logins(&path))
    });
    let found: Vec<Found> = found.collect();
    let mut known: HashSet<PathBuf> = loaded.iter().map(|path| path.to_path_buf()).collect();
    known.extend(
        found
            .iter()
            .filter_map(|one| fs::canonicalize(&one.path).ok()),
    );
    let looked_at = |one: &Found| KeysetFile {
        // A list is nobody's keyset.
        is_in_use: one.what != LIST && is_in_use(&one.secrets, &one.users),
        ..looked_at(one, &known)
    };
    found.iter().map(looked_at).collect()
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for path in entries(folder).unwrap_or_default() {
        if found.len() >= MOST_FILES {
            return;
        }
        match fs::metadata(&path) {
            Ok(data) if data.is_dir() => {
                // Another deployment's are its own.
                let is_passed =
                    is_link(&path) || path.ends_with(".git") || path.ends_with("node_modules");
                if !is_passed && depth < DEEPEST && default_in(&path).is_none() {
                    walk(&path, depth + 1, found);
                }
            }
            Ok(data) if data.is_file() && data.len() <= largest(&path) => found.push(path),
            _ => {}
        }
    }
}

/// Files of the repository around a folder that git tracks and that may be keysets. Those below it are walked over, and
/// another deployment's are its own.
fn tracked_elsewhere(folder: &Path) -> Vec<PathBuf> {
    let Ok(real) = fs::canonicalize(folder) else {
        return Vec::new();
    };
    let is_candidate = |path: &PathBuf| {
        let mut between = path
            .ancestors()
            .skip(1)
            .take_while(|one| !real.starts_with(one));
        !path.starts_with(&real)
            && fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= largest(path))
            && !between.any(|one| default_in(one).is_some())
    };
    let candidates = tracked_and_named(&real).into_iter().filter(is_candidate);
    candidates
        .take(MOST_FILES)
        .map(|path| seen_from(folder, &real, path))
        .collect()
}

/// Files of the repository around a folder that git tracks and that are called like what has keys. A repository may have a
/// thousand deployments, and its index is read for the first of them.
fn tracked_and_named(folder: &Path) -> Vec<PathBuf> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Vec<PathBuf>>> = Mutex::new(BTreeMap::new());
    let Some((root, _)) = folder.ancestors().find_map(index_of) else {
        return Vec::new();
    };
    let is_named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase();
        NAMED.iter().any(|word| name.contains(word)) && TYPES.iter().any(|end| name.ends_with(end))
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let named = known.entry(root.to_owned()).or_insert_with(|| {
        // That an index cannot be read is said of the files beside the deployment.
        let tracked = tracked_around(root).unwrap_or_default();
        tracked.into_iter().filter(is_named).collect()
    });
    named.clone()
}

/// A path as somebody sees it who named a folder by a path of their own.
fn seen_from(folder: &Path, real: &Path, path: PathBuf) -> PathBuf {
    let mut base = folder.to_owned();
    for above in real.ancestors() {
        if let Ok(below) = path.strip_prefix(above) {
            let seen = base.join(below);
            let is_it = fs::canonicalize(&seen).is_ok_and(|real| real == path);
            return if is_it { seen } else { path };
        }
        match base.components().next_back() {
            Some(Component::Normal(_)) => drop(base.pop()),
            Some(Component::CurDir) if base == Path::new(".") => base = "..".into(),
            _ => base.push(".."),
        }
    }
    path
}

/// How large a file may be for what it may be.
fn largest(path: &Path) -> u64 {
    match path.extension().is_some_and(|end| end == "jsonl") {
        true => LARGEST_LIST,
        false => LARGEST,
    }
}

/// A file that is a keyset, or has one on each line.
fn keyset(path: &Path) -> Option<Found> {
    let text = read_text(path).ok()?;
    if !WORDS.iter().any(|word| text.contains(word)) {
        return None;
    }
    let of = |what, (secrets, users)| Found {
        path: path.to_owned(),
        what,
        secrets,
        users,
    };
    if let Some(found) = of_keyset(&text, path) {
        return Some(of("the keyset", found));
    }
    let is_object = |line: &&str| line.starts_with('{');
    let lines = text.lines().take_while(is_object);
    let lines: Vec<_> = lines.filter_map(|line| of_keyset(line, path)).collect();
    let (secrets, users): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    (!secrets.is_empty()).then(|| of(LIST, (secrets.concat(), users.concat())))
}

/// The secrets and the users of a keyset with secrets of somebody's own. A few settings are a configuration, and no keyset.
fn of_keyset(text: &str, path: &Path) -> Option<(Vec<Secret>, Vec<Hashed>)> {
    const FEW: usize = 3;
    let (keyset, _) = Keyset::read_incomplete(text, path).ok()?;
    let secrets = SETTINGS
        .into_iter()
        .filter(|setting| setting.kind() == Kind::Secret);
    let secrets = secrets
        .filter_map(|setting| keyset.get(setting))
        .filter(|secret| {
            let text = secret.expose();
            !placeholder::is_placeholder(text) && public::of(text).is_none()
        });
    let secrets: Vec<Secret> = secrets.cloned().collect();
    let users = keyset.users().iter();
    let users = users.map(|user| (user.username.clone(), user.password_hash.clone()));
    (secrets.len() >= FEW).then(|| (secrets, users.collect()))
}

/// The configuration of an agent or of the SDK, with the keys of a user or of a store.
fn client(path: &Path) -> Option<Found> {
    // Nobody's secret is shorter.
    const SHORTEST: usize = 8;
    let name = path.file_name()?.to_str()?;
    if !(name.ends_with("clearml.conf") || name.ends_with("trains.conf")) {
        return None;
    }
    let text = read_text(path).ok()?;
    // What a variable has is not in the file.
    let lookup = |_: &str| Lookup::Unknown(String::new());
    let include = |_: &Include<'_>| Included::Absent;
    let tree = hocon::parse(&text, &hocon::Context::new(&lookup, &include)).ok()?;
    let mut secrets = Vec::new();
    super::of_stores(&tree, &mut |secret, _| {
        let is_own = secret.len() >= SHORTEST
            && text.contains(secret)
            && !placeholder::is_placeholder(secret)
            && public::of(secret).is_none();
        secrets.extend(is_own.then(|| Secret::from(secret)));
    });
    (!secrets.is_empty()).then(|| Found {
        path: path.to_owned(),
        what: "the keys of a client in",
        secrets,
        users: Vec::new(),
    })
}

/// The passwords that clearml-keygen wrote, and nothing else: on each line `NAME:PASSWORD`, maybe with `:FULL NAME`, or JSON.
fn logins(path: &Path) -> Option<Found> {
    // A list of a thousand users is no larger.
    const LARGEST: u64 = 64 << 10;
    let is_small = fs::metadata(path).is_ok_and(|data| data.len() <= LARGEST);
    let text = is_small.then(|| read_text(path).ok()).flatten()?;
    let password = |line: &str| {
        let words = line.split([':', '"']).skip(1);
        let mut passwords = words.filter(|word| generate::is_password(word));
        passwords.next().map(Secret::from)
    };
    let name = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(user) => Some(user.get("username")?.as_str()?.to_owned()),
        Err(_) => Some(line.split_once(':')?.0.to_owned()),
    };
    let lines = text.lines().map(str::trim);
    let lines = || {
        let lines = lines.clone();
        lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
    };
    let secrets: Vec<Secret> = lines().map(password).collect::<Option<_>>()?;
    (!secrets.is_empty()).then(|| Found {
        path: path.to_owned(),
        what: PASSWORDS,
        secrets,
        // No hash is in it.
        users: lines()
            .filter_map(|line| Some((name(line)?, Secret::from(""))))
            .collect(),
    })
}

fn looked_at(found: &Found, known: &HashSet<PathBuf>) -> KeysetFile {
    let mut unseen = None;
    let is_tracked = is_tracked(&found.path).unwrap_or_else(|reason| {
        unseen = Some(reason);
        false
    });
    let leaks = match leaks(found, known) {
        Ok(leaks) => leaks,
        Err(reason) => {
            unseen.get_or_insert(reason);
            Vec::new()
        }
    };
    KeysetFile {
        path: found.path.clone(),
        users: found.users.iter().map(|(name, _)| name.clone()).collect(),
        what: found.what,
        readers: readers(&found.path),
        is_tracked,
        leaks,
        unseen,
        is_in_use: false,
    }
}

/// The files that git tracks around a keyset and that hold one of its secrets, but for these.
fn leaks(found: &Found, known: &HashSet<PathBuf>) -> Result<Vec<Leak>, String> {
    let paths = tracked(&found.path)?;
    if paths.len() > MOST_TRACKED {
        return Err(format!("the repository has more than {MOST_TRACKED} files"));
    }
    let mut leaks = Vec::new();
    for path in paths {
        let is_small =
            fs::metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= LARGEST_TRACKED);
        if !is_small || fs::canonicalize(&path).is_ok_and(|path| known.contains(&path)) {
            continue;
        }
        let text = read_text(&path).ok();
        leaks.extend(text.and_then(|text| {
            Some(Leak {
                place: first(&path, &text, &found.secrets)?,
            })
        }));
    }
    Ok(leaks)
}

/// Where the first of the secrets is in a text.
fn first(path: &Path, text: &Zeroizing<String>, secrets: &[Secret]) -> Option<Place> {
    let at = secrets
        .iter()
        .filter_map(|secret| text.find(secret.expose()))
        .min()?;
    Some(place_of(path, text, at))
}
