//! Every switch of the list of opening paths, against pyhocon and Python: whether it is on, in whatever way it is written, and
//! whatever replaces it or what is above it, in files and in variables.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use clearml_secure_core::compose::files::Files;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::opening::{self, Reads};
use clearml_secure_core::setting::Server;
use serde_json::{Value as Json, json};

use crate::oracles::number;
use crate::oracles::{self, Conversation};
use crate::random::Random;
use crate::spellings::SPELLINGS;

const TREES: usize = 2000;

/// What each server's image of 2.3.0 has at these paths, and beside them.
const IMAGE: [(Server, &[(&str, &str)]); 2] = [
    (
        Server::Apiserver,
        &[
            (
                "apiserver",
                "debug: false, return_stack: false, return_stack_to_caller: false, auth { delete_missing_autocreated_users: true, cookies { httponly: true, secure: false } }, cors { origins: \"*\", supports_credentials: true }",
            ),
            (
                "services.auth",
                "fixed_users.guest { enabled: false, name: Guest }",
            ),
        ],
    ),
    (
        Server::Fileserver,
        &[(
            "fileserver",
            "debug: false, auth { enabled: true, cookie_names: [clearml_token_basic] }, cors.origins: \"*\"",
        )],
    ),
];

/// The folder's files, the keys that they are loaded at, and what is in them.
type ConfigFiles = Vec<(&'static str, &'static str, String)>;

/// What a server is given.
struct Given {
    server: Server,
    files: ConfigFiles,
    /// Path and value, in the order in which they are read.
    variables: Vec<(String, String)>,
}

impl Given {
    /// Whether each switch is on here, as far as it is known; none where the server does not start.
    fn ours(&self, paths: &[&str]) -> Option<Vec<Option<bool>>> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (name, _, text) in &self.files {
            write(&format!("c/{name}"), text);
        }
        write("compose.yml", &self.compose());
        let compose = [folder.path().join("compose.yml")];
        let deployment = Composed::load(Files::read(&compose, &[], None).unwrap()).unwrap();
        let effective = Effective::of(&deployment);
        let server = &effective.servers[0];
        let is_on = |path: &&str| match server.switch(&deployment, path).is_on {
            Knowable::Known(is_on) => Some(is_on),
            Knowable::Unknown(_) => None,
        };
        server
            .fatal
            .is_empty()
            .then(|| paths.iter().map(is_on).collect())
    }

    fn compose(&self) -> String {
        let name = self.server.name();
        let mut text = format!(
            "services:\n  {name}:\n    image: clearml/server:2.3.0\n    command: {name}\n    volumes: [\"./c:/opt/clearml/config\"]\n    environment:\n      A: b\n"
        );
        for (path, value) in &self.variables {
            let name = path.replace('.', "__");
            let value = value.replace('\'', "''").replace('$', "$$");
            writeln!(text, "      CLEARML__{name}: '{value}'").unwrap();
        }
        text
    }

    /// What Python says.
    fn theirs(&self, oracle: &mut Conversation, paths: &[&str]) -> Option<Vec<bool>> {
        let (_, image) = IMAGE
            .iter()
            .find(|(server, _)| *server == self.server)
            .unwrap();
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(_, key, text)| (key, text))
            .collect();
        let question = json!({
            "mode": "server",
            "layers": [image, files],
            "variables": self.variables,
            "paths": paths.iter().map(|path| (path, is_on_without_a_value(path))).collect::<Vec<_>>(),
        });
        let answer: Json = serde_json::from_str(&oracle.ask(&question.to_string())).unwrap();
        let truths = answer["ok"].as_object()?;
        Some(
            paths
                .iter()
                .map(|path| truths[*path].as_bool().unwrap())
                .collect(),
        )
    }
}

fn switches(server: Server) -> Vec<&'static str> {
    let read = opening::all()
        .iter()
        .filter(|entry| entry.reads == Reads::Truth && entry.servers.contains(&server));
    read.map(|entry| entry.path).collect()
}

fn is_on_without_a_value(path: &str) -> bool {
    let mut all = opening::all().iter();
    all.any(|entry| entry.path == path && entry.absent)
}

fn oracle() -> Option<Conversation> {
    let Some(python) = oracles::python() else {
        oracles::skip("Python's truth of switches: it is not set up (cargo xtask test sets it up)");
        return None;
    };
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/pyhocon_oracle.py");
    Some(Conversation::start(Command::new(python).arg(script)).unwrap())
}

/// Compares, and counts what was on, off, not known, and what does not start.
fn compare(oracle: &mut Conversation, all: impl Iterator<Item = Given>) -> [usize; 4] {
    let mut counts = [0; 4];
    for given in all {
        let paths = switches(given.server);
        let shown = || {
            let files: Vec<_> = given
                .files
                .iter()
                .map(|(name, _, text)| (name, text))
                .collect();
            format!("{} {files:?} {:?}", given.server, given.variables)
        };
        let (ours, theirs) = (given.ours(&paths), given.theirs(oracle, &paths));
        let (Some(ours), Some(theirs)) = (&ours, &theirs) else {
            assert_eq!(ours.is_some(), theirs.is_some(), "{}", shown());
            counts[3] += 1;
            continue;
        };
        for ((path, ours), theirs) in paths.iter().zip(ours).zip(theirs) {
            assert!(
                ours.is_none_or(|ours| ours == *theirs),
                "{path}: here {ours:?}, Python {theirs}: {}",
                shown()
            );
            counts[ours.map_or(2, usize::from)] += 1;
        }
    }
    counts
}

#[test]
fn every_spelling_of_every_switch() {
    let Some(mut oracle) = oracle() else {
        return;
    };
    let mut all = Vec::new();
    for (server, _) in IMAGE {
        for path in switches(server) {
            all.extend(SPELLINGS.iter().map(|value| Given {
                server,
                files: Vec::new(),
                variables: vec![(path.to_owned(), (*value).to_owned())],
            }));
        }
    }
    assert!(all.len() >= 5 * 59, "{}", all.len());
    let [off, on, unknown, dead] = compare(&mut oracle, all.into_iter());
    eprintln!("{off} off, {on} on, {unknown} not known, {dead} do not start");
    assert!(off > 500 && on > 500 && dead > 10 && unknown < 100);
}

#[test]
fn whatever_replaces_a_switch_or_what_is_above_it() {
    let Some(mut oracle) = oracle() else {
        return;
    };
    let seed = number("CLEARML_SECURE_SEED", 0x7a_57e5);
    let count = TREES * number("CLEARML_SECURE_FUZZ", 1) as usize;
    eprintln!("seed {seed}");
    let mut generator = Generator(Random::new(seed));
    let all = (0..count).map(|_| generator.given());
    let [off, on, unknown, dead] = compare(&mut oracle, all);
    eprintln!("{off} off, {on} on, {unknown} not known, {dead} do not start");
    assert!(off > count && on > count / 2 && dead > count / 100 && unknown < count / 2);
}

struct Generator(Random);

impl Generator {
    fn given(&mut self) -> Given {
        let server = [Server::Apiserver, Server::Fileserver][self.0.below(2)];
        let loaded: &[(&str, &str)] = match server {
            Server::Apiserver => &[
                ("apiserver.conf", "apiserver"),
                ("services/auth.conf", "services.auth"),
            ],
            _ => &[("fileserver.conf", "fileserver")],
        };
        let mut files = Vec::new();
        for (name, key) in loaded {
            if self.0.below(3) > 0 {
                files.push((*name, *key, self.file(server, key)));
            }
        }
        let mut variables: Vec<(String, String)> =
            (0..self.0.below(4)).map(|_| self.entry(server)).collect();
        variables.sort_by_key(|(one, _)| one.replace('.', "__"));
        variables.dedup_by(|(one, _), (other, _)| one == other);
        Given {
            server,
            files,
            variables,
        }
    }

    /// Lines of a file that is loaded at a key.
    fn file(&mut self, server: Server, key: &str) -> String {
        let mut lines = String::new();
        for _ in 0..self.0.below(4) {
            let (path, value) = self.entry(server);
            if let Some(path) = path.strip_prefix(&format!("{key}.")) {
                writeln!(lines, "{path}: {value}").unwrap();
            }
        }
        lines
    }

    /// A switch or what is above it, and a value.
    fn entry(&mut self, server: Server) -> (String, String) {
        let paths = switches(server);
        let path = paths[self.0.below(paths.len())];
        let steps: Vec<&str> = path.split('.').collect();
        let depth = 1 + self.0.below(steps.len());
        let (above, below) = steps.split_at(depth);
        (above.join("."), self.value(below))
    }

    /// A value of any kind; often an object with what is below.
    fn value(&mut self, below: &[&str]) -> String {
        match (self.0.below(4), below) {
            (0..=1, [first, rest @ ..]) => {
                let value = self.value(rest);
                let other =
                    self.0
                        .pick(&["", ", other: 1", ", enabled: null", ", b { enabled: 0s }"]);
                format!("{{{first}: {value}{other}}}")
            }
            (0, []) => self
                .0
                .pick(&["null", "false", "true", "0s", "\"\"", "no"])
                .to_owned(),
            _ => self.0.pick(SPELLINGS).to_owned(),
        }
    }
}
