//! Generated compose projects as this crate reads them, against Docker Compose: which services there are, and what the container
//! of each is given.
//!
//! A failure names its seed: with that, `CLEARML_SECURE_PROJECTS=1` and `CLEARML_SECURE_KEEP=FOLDER` its files are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clearml_secure_core::compose::Service;
use clearml_secure_core::compose::files::{Files, merged_over};
use clearml_secure_core::container::{LabelReader, MountSource, Origin, Port, VariableValue};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::knowable::Knowable;
use serde_json::Value;

use crate::compose_projects::generate;
use crate::none_differ;
use crate::oracles::{docker_compose, number, skip};
use crate::tagged;

const PROJECTS: u64 = 150;
/// Compose is not always of one mind, so a difference counts only if it is there each time.
const TRIES: usize = 12;

#[test]
fn projects_are_read_as_compose_reads_them() {
    all_held(PROJECTS, generate);
}

/// Of a hundred, some thirty were read otherwise before compose's own walk was followed.
const TAGGED: u64 = 200;

#[test]
fn tags_take_away_what_they_take_away_for_compose() {
    all_held(TAGGED, tagged::generate);
}

/// What a seed makes: the names and texts of files.
type Generate = fn(u64) -> Vec<(String, String)>;

/// Holds as many projects of a kind against compose as are asked for.
fn all_held(usual: u64, generate: Generate) {
    let Some(compose) = docker_compose() else {
        skip("generated compose projects against Docker Compose: it is not set up");
        return;
    };
    let count = number(
        "CLEARML_SECURE_PROJECTS",
        usual * number("CLEARML_SECURE_FUZZ", 1),
    );
    let first = number("CLEARML_SECURE_SEED", 0);
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let refused = AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return;
            }
            match held(&compose, generate, seed) {
                Ok(true) => {}
                Ok(false) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                Err(why) => failures.lock().unwrap().push(format!("seed {seed}: {why}")),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let (failures, refused) = (failures.into_inner().unwrap(), refused.into_inner());
    eprintln!("{count} projects, of which compose refuses {refused}");
    none_differ(&failures);
    // What compose refuses proves nothing.
    assert!(
        refused <= count / 4 + 1,
        "compose refuses {refused} of {count}"
    );
}

/// Whether compose takes the project; the error says what differs.
fn held(compose: &Path, generate: Generate, seed: u64) -> Result<bool, String> {
    let folder = tempfile::tempdir().unwrap();
    // Compose shows real paths.
    let folder = folder.path().canonicalize().unwrap();
    write(&generate(seed), &folder);
    if let Some(kept) = env::var_os("CLEARML_SECURE_KEEP") {
        write(&generate(seed), Path::new(&kept));
    }
    let Some(view) = config(compose, &folder) else {
        return Ok(false);
    };
    let file = folder.join("docker-compose.yml");
    let mut files = vec![file.clone()];
    files.extend(merged_over(&file));
    let loaded = Files::read(&files, &[], None).and_then(Composed::load);
    let ours = loaded.map_err(|error| format!("is refused: {error}"))?;
    let mut wrong = differences(&ours, &view);
    for _ in 0..TRIES {
        if wrong.is_empty() {
            return Ok(true);
        }
        if let Some(view) = config(compose, &folder) {
            wrong = differences(&ours, &view);
        }
    }
    Err(wrong.join("; "))
}

fn write(files: &[(String, String)], folder: &Path) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn config(compose: &Path, folder: &Path) -> Option<Value> {
    let done = Command::new(compose)
        .args(["--profile", "*", "config", "--format", "json"])
        .env_clear()
        .env("HOME", folder)
        .env("PWD", folder)
        .current_dir(folder)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    done.status
        .success()
        .then(|| serde_json::from_slice(&done.stdout).unwrap())
}

/// What differs, by service and attribute. What is not known is no difference.
fn differences(ours: &Composed, view: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let theirs = view["services"].as_object().unwrap_or(&empty);
    let names: BTreeSet<&str> = theirs.keys().map(String::as_str).collect();
    let services = &ours.project.services;
    let known: BTreeSet<&str> = services.iter().map(|service| &*service.name).collect();
    let mut wrong: Vec<String> = names
        .symmetric_difference(&known)
        .map(|name| format!("{name}: the service itself"))
        .collect();
    let refused = ours.project.refused.iter();
    wrong.extend(refused.map(|one| format!("{}: {}", one.what, one.reason)));
    for service in services {
        let Some(theirs) = theirs.get(&service.name) else {
            continue;
        };
        let mut compare = |what: &str, ours: Option<String>, theirs: String| {
            if let Some(ours) = ours.filter(|ours| *ours != theirs) {
                wrong.push(format!("{}, {what}: {ours} and not {theirs}", service.name));
            }
        };
        compare(
            "environment",
            environment(service, theirs),
            shown(&theirs["environment"]),
        );
        compare("command", command(service), process(theirs));
        compare("image", image(service), shown(&theirs["image"]));
        let name = service.container_name.clone();
        compare(
            "container_name",
            Some(name.unwrap_or_default()),
            text(&theirs["container_name"]),
        );
        compare("user", told(service.user.as_ref()), text(&theirs["user"]));
        let own_folder = text(&theirs["working_dir"]);
        // That of the image is not in compose's files.
        let own = told(service.working_directory.as_ref()).filter(|_| !own_folder.is_empty());
        compare("working_dir", own, own_folder);
        let is_privileged = theirs["privileged"] == Value::Bool(true);
        compare(
            "privileged",
            Some(service.privileged.is_some().to_string()),
            is_privileged.to_string(),
        );
        let added = theirs["cap_add"].as_array().into_iter().flatten();
        let mut added = added.filter_map(Value::as_str);
        compare(
            "cap_add",
            Some(service.capability.is_some().to_string()),
            added
                .any(|name| ["ALL", "SYS_ADMIN"].contains(&name))
                .to_string(),
        );
        compare(
            "ports",
            Some(format!("{:?}", ports(&service.ports))),
            format!("{:?}", published(theirs)),
        );
        compare("mounts", mounts(service), mounted(theirs));
        compare("labels", labels(service, theirs), shown(&theirs["labels"]));
        let networks: BTreeSet<&str> = service.networks.iter().map(String::as_str).collect();
        let attached = theirs["networks"].as_object().unwrap_or(&empty);
        let attached: BTreeSet<&str> = attached.keys().map(String::as_str).collect();
        compare(
            "networks",
            Some(format!("{networks:?}")),
            format!("{attached:?}"),
        );
    }
    wrong
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace("$$", "$")
}

/// Names and texts; a name without a value is none.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let set = entries.iter().filter(|(_, value)| !value.is_null());
            let set: BTreeMap<&String, String> =
                set.map(|(name, value)| (name, text(value))).collect();
            format!("{set:?}")
        }
        Value::Null => format!("{:?}", BTreeMap::<String, String>::new()),
        value => text(value),
    }
}

fn told(value: Option<&Knowable<String>>) -> Option<String> {
    match value {
        None => Some(String::new()),
        Some(Knowable::Known(text)) => Some(text.clone()),
        Some(Knowable::Unknown(_)) => None,
    }
}

/// The variables. What is not known is taken from the other side.
fn environment(service: &Service, theirs: &Value) -> Option<String> {
    let mut set = BTreeMap::new();
    for variable in &service.environment {
        if !matches!(variable.origin, Origin::EnvFile | Origin::Environment) {
            continue;
        }
        let value = match &variable.value {
            VariableValue::Known(value) => value.expose().to_owned(),
            VariableValue::Unset => continue,
            _ => match theirs["environment"].get(&variable.name) {
                Some(Value::String(_)) => text(&theirs["environment"][&variable.name]),
                _ => continue,
            },
        };
        set.insert(&variable.name, value);
    }
    // A doubt is that any variable may be set.
    service.doubts.is_empty().then(|| format!("{set:?}"))
}

fn labels(service: &Service, theirs: &Value) -> Option<String> {
    let of_engine = service
        .labels
        .iter()
        .filter(|label| label.reader == LabelReader::Engine);
    let set: BTreeMap<&String, String> = of_engine
        .map(|label| match &label.value {
            Knowable::Known(value) => (&label.name, value.clone()),
            Knowable::Unknown(_) => (&label.name, text(&theirs["labels"][&label.name])),
        })
        .collect();
    Some(format!("{set:?}"))
}

fn image(service: &Service) -> Option<String> {
    match &service.image {
        Knowable::Known(image) => Some(
            image
                .as_ref()
                .map(|image| image.text.clone())
                .unwrap_or_default(),
        ),
        Knowable::Unknown(_) => None,
    }
}

fn command(service: &Service) -> Option<String> {
    let words: Option<Vec<&String>> = service.command.iter().map(Knowable::known).collect();
    Some(format!("{:?}", words?))
}

fn process(theirs: &Value) -> String {
    let words =
        ["entrypoint", "command"].map(|key| theirs[key].as_array().cloned().unwrap_or_default());
    let words: Vec<String> = words.iter().flatten().map(text).collect();
    format!("{words:?}")
}

/// No address and this one are the same to compose, which keeps one of two entries.
const EVERYWHERE: &str = "0.0.0.0";

type Published = (u64, String, String, String);

fn ports(ours: &[Port]) -> BTreeSet<Published> {
    let mut all = BTreeSet::new();
    for port in ours {
        let address = port
            .address
            .map_or_else(|| EVERYWHERE.to_owned(), |address| address.to_string());
        let count = port.target.clone().count();
        for (number, target) in port.target.clone().enumerate() {
            let published = match &port.published {
                None => String::new(),
                Some(range) if range.clone().count() == count => {
                    (usize::from(*range.start()) + number).to_string()
                }
                Some(range) if range.start() == range.end() => range.start().to_string(),
                Some(range) => format!("{}-{}", range.start(), range.end()),
            };
            all.insert((
                u64::from(target),
                published,
                address.clone(),
                port.protocol.clone(),
            ));
        }
    }
    all
}

fn published(theirs: &Value) -> BTreeSet<Published> {
    let ports = theirs["ports"].as_array().into_iter().flatten();
    ports
        .map(|port| {
            let published = text(&port["published"]);
            (
                port["target"].as_u64().unwrap(),
                published,
                match text(&port["host_ip"]) {
                    address if address.is_empty() => EVERYWHERE.to_owned(),
                    address => address,
                },
                text(&port["protocol"]),
            )
        })
        .collect()
}

/// What is mounted where: a path of the host, a volume's name, or nothing of either.
fn mounts(service: &Service) -> Option<String> {
    let mut all = BTreeSet::new();
    for mount in &service.mounts {
        let (Knowable::Known(source), Knowable::Known(target)) = (&mount.source, &mount.target)
        else {
            return None;
        };
        let source = match source {
            MountSource::Bind(host)
                if target.starts_with("/run/secrets")
                    || target.starts_with("/etc/other")
                    || !host.path.is_absolute() =>
            {
                String::new()
            }
            MountSource::Bind(host) => cleaned(&host.path),
            MountSource::Named(name) => name.clone(),
            _ => String::new(),
        };
        all.insert((target.clone(), source));
    }
    Some(format!("{all:?}"))
}

fn mounted(theirs: &Value) -> String {
    let mut all = BTreeSet::new();
    let items = |key: &str| theirs[key].as_array().cloned().unwrap_or_default();
    for volume in items("volumes") {
        let source = match volume["type"].as_str() {
            Some("bind" | "volume") => text(&volume["source"]),
            _ => String::new(),
        };
        all.insert((cleaned(Path::new(&text(&volume["target"]))), source));
    }
    for one in items("tmpfs") {
        let target = text(&one);
        all.insert((target.split(':').next().unwrap().to_owned(), String::new()));
    }
    for (key, folder) in [("secrets", "/run/secrets"), ("configs", "")] {
        for one in items(key) {
            let name = one["target"].as_str().or(one["source"].as_str()).unwrap();
            let target = if name.starts_with('/') {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            all.insert((target, String::new()));
        }
    }
    format!("{all:?}")
}

fn cleaned(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => drop(clean.pop()),
            std::path::Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean.to_string_lossy().into_owned()
}
