//! This crate's Dockerfiles against docker's own builder: generated ones, built from nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clearml_secure_core::dockerfile::{Build, Image, read};
use clearml_secure_core::knowable::Knowable;
use serde_json::Value;

use crate::none_differ;
use crate::oracles::number;
use crate::random::Random;

const FILES: u64 = 64;
/// Building is waiting for disks.
const WORKERS: usize = 4;
const NAMES: [&str; 4] = ["A", "B", "CLEARML__X", "_c1"];

/// A word with whatever changes a word: quotes, escapes, variables. `${B-y}` is left out: only builders after
/// docker 20 know it.
fn word(random: &mut Random) -> String {
    const PARTS: [&str; 29] = [
        "a",
        "b c",
        "'s q'",
        "\"d q\"",
        "\"d $A\"",
        "'$A'",
        "$A",
        "${B}",
        "${A:-x}",
        "${A:+z}",
        "${_c1:-$A}",
        "\\$A",
        "\\\\",
        "\\ ",
        "\\'",
        "\"\\\"\"",
        "\"\\a\"",
        "=",
        "$",
        "$1",
        "${A:-'}'}",
        "#",
        "é",
        "\\\n",
        "\\\n  # comment\n\n",
        "\"a\\\nb\"",
        "''",
        "${CLEARML__X}",
        "-",
    ];
    let count = random.below(4) + 1;
    (0..count).map(|_| random.pick(&PARTS)).collect()
}

fn instruction(random: &mut Random, text: &mut String) {
    let name = random.pick(&NAMES);
    // Docker takes a bare word of several for a mistake, which is tried in its own right.
    let value = match random.below(6) {
        0 => word(random),
        _ => word(random).replace("b c", "b"),
    };
    let line = match random.below(12) {
        0 => format!("ARG {name}"),
        1 => format!("arg {name}={value}"),
        2 => format!("ENV {name} {value}"),
        3 => format!("CMD {value}x"),
        4 => format!("CMD [\"a b\", \"{name}\", \"$A\"]"),
        5 => format!("EntryPoint [\"/{name}\"]"),
        6 => format!("WORKDIR {}{name}", random.pick(&["/", "", "../", "./$A/"])),
        7 => format!(
            "ENV {name}={value} {}={}",
            random.pick(&NAMES),
            word(random)
        ),
        8 => format!("USER {name}"),
        9 => format!("# ENV {name}={value}"),
        _ => format!("ENV {name}={value}"),
    };
    text.push_str(&line);
    text.push_str(random.pick(&["\n", "\n", "\r\n", "\n\n"]));
}

fn file(random: &mut Random) -> String {
    let mut text = random
        .pick(&["", "", "# escape=\\\n", "# a comment\n# escape=`\n"])
        .to_string();
    if random.below(3) == 0 {
        text.push_str("ARG A=global\nARG BASE=scratch\nFROM ${BASE}\n");
    } else {
        text.push_str("FROM scratch AS one\n");
    }
    for _ in 0..random.below(8) + 3 {
        instruction(random, &mut text);
    }
    if random.below(4) == 0 && text.contains("AS one") {
        // Builders differ in whether a stage inherits arguments, so that none may be left to it.
        text = text.replace("ARG ", "ENV Z=").replace("arg ", "ENV Z=");
        text.push_str("FROM nothing AS two\nENV NEVER=1\nFROM One\n");
        text = text.replace("FROM nothing", "FROM scratch");
        for _ in 0..random.below(4) {
            instruction(random, &mut text);
        }
    }
    text
}

fn ours(text: &str, arguments: &BTreeMap<String, Knowable<String>>) -> Knowable<Image> {
    let build = Build {
        target: None,
        arguments,
        contexts: &std::collections::BTreeMap::new(),
        working_directory: &|_| None,
    };
    read(text, &build)
}

/// The images that were built. Files share their first steps: one that is removed at once may be what another is built on.
#[derive(Default)]
struct Images(Mutex<BTreeSet<String>>);

impl Drop for Images {
    fn drop(&mut self) {
        let images = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut remove = Command::new("docker");
        remove.args(["rmi", "-f"]).args(images.iter());
        drop(remove.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// What docker makes of the text: the image's configuration, or what it says when it refuses it.
fn theirs(
    text: &str,
    arguments: &BTreeMap<String, Knowable<String>>,
    images: &Images,
) -> Result<Value, String> {
    let mut command = Command::new("docker");
    command.args(["build", "-q", "--force-rm"]);
    for (name, value) in arguments {
        command.arg(format!("--build-arg={name}={}", value.known().unwrap()));
    }
    let mut child = command
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let built = child.wait_with_output().unwrap();
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let id = String::from_utf8(built.stdout).unwrap().trim().to_owned();
    let shown = Command::new("docker")
        .args(["inspect", "--format", "{{json .Config}}", &id])
        .output()
        .unwrap();
    images.0.lock().unwrap().insert(id);
    Ok(serde_json::from_slice(&shown.stdout).unwrap())
}

fn list(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// What differs, and how many values were known.
fn compare(image: &Image, config: &Value) -> (Vec<String>, usize) {
    let mut differences = Vec::new();
    let mut known = 0;
    let environment = list(&config["Env"]);
    let theirs: BTreeMap<&str, &str> = environment
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .filter(|(name, _)| *name != "PATH")
        .collect();
    let names: Vec<&str> = image
        .environment
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    if names.len() != theirs.len() {
        differences.push(format!("names {names:?}, docker {:?}", theirs.keys()));
    }
    for entry in &image.environment {
        let value = theirs.get(entry.name.as_str()).copied();
        if let Some(own) = entry.value.known() {
            known += 1;
            if value != Some(own.expose()) {
                differences.push(format!(
                    "{}={:?}, docker {value:?}",
                    entry.name,
                    own.expose()
                ));
            }
        }
    }
    for (what, own) in [("Cmd", &image.command), ("Entrypoint", &image.entrypoint)] {
        let value = list(&config[what]);
        if own.clone().unwrap_or_default() != value {
            differences.push(format!("{what} {own:?}, docker {value:?}"));
        }
    }
    for (what, own) in [
        ("WorkingDir", &image.working_directory),
        ("User", &image.user),
    ] {
        let value = config[what].as_str().unwrap_or_default();
        let own = own.as_ref().map(|own| own.known().map(String::as_str));
        if own
            .unwrap_or(Some(""))
            .is_some_and(|own| own != value.trim_end_matches('/') && own != value)
        {
            differences.push(format!("{what} {own:?}, docker {value:?}"));
        }
    }
    (differences, known)
}

#[test]
fn dockerfiles_are_read_as_docker_builds_them() {
    if !crate::oracles::docker_engine() {
        crate::oracles::skip("Dockerfiles against docker's builder: no Docker engine answers");
        return;
    }
    let seed = number("CLEARML_SECURE_SEED", 20_261_126);
    let mut random = Random::new(seed);
    let mut cases = Vec::new();
    for _ in 0..FILES * number("CLEARML_SECURE_FUZZ", 1) {
        let text = file(&mut random);
        let mut arguments = BTreeMap::new();
        if text.contains("ARG A") && random.below(2) == 0 {
            arguments.insert("A".to_owned(), Knowable::Known("given 1".to_owned()));
        }
        cases.push((text, arguments));
    }
    let told = Mutex::new(Told::default());
    let images = Images::default();
    thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(WORKERS)) {
            let (told, images) = (&told, &images);
            scope.spawn(move || {
                for (text, arguments) in part {
                    let ours = ours(text, arguments);
                    let mut made = theirs(text, arguments, images);
                    // An engine that builds several at once fails at times; what it refuses, it refuses again.
                    if ours.known().is_some() && made.is_err() {
                        made = theirs(text, arguments, images);
                    }
                    told.lock().unwrap().add(text, &ours, &made);
                }
            });
        }
    });
    let Told {
        failures,
        built,
        known,
    } = told.into_inner().unwrap();
    eprintln!("{built} images, {known} known values (seed {seed})");
    none_differ(&failures);
    assert!(
        built >= cases.len() / 2 && known >= built,
        "{built} images, {known} values"
    );
}

/// What came of all cases.
#[derive(Default)]
struct Told {
    failures: Vec<String>,
    built: usize,
    known: usize,
}

impl Told {
    fn add(&mut self, text: &str, ours: &Knowable<Image>, theirs: &Result<Value, String>) {
        match (ours, theirs) {
            (Knowable::Known(image), Ok(config)) => {
                let (differences, values) = compare(image, config);
                self.built += 1;
                self.known += values;
                if !differences.is_empty() {
                    self.failures
                        .push(format!("{text:?}\n  {}", differences.join("\n  ")));
                }
            }
            (Knowable::Unknown(_), Err(_)) => {}
            (Knowable::Known(_), Err(refusal)) => self
                .failures
                .push(format!("{text:?}\n  only docker refuses it: {refusal}")),
            (Knowable::Unknown(reason), Ok(_)) => {
                self.failures.push(format!("{text:?}\n  {reason}"))
            }
        }
    }
}
