//! What compose makes of a file before and after injection, asked of compose itself.
//!
//! For each file: every service's environment after is that of before with exactly the keyset's values where
//! they belong, and everything else is what it was. Over generated files, the fixtures and the corpus.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use e2e::expected;
use e2e::files::{self, ENVIRONMENT};
use e2e::generator;
use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::clearml;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Files that must have been compared, at the least.
const ENOUGH: usize = 200;
/// Some more are generated, because not every one counts.
const GENERATED: u64 = 260;

/// A file that was injected: its folder has `docker-compose.yml` and `after.yml`.
struct Injected {
    name: String,
    folder: TempDir,
}

/// Other files with each `CLEARML_SECURE_SEED`.
fn first_seed() -> u64 {
    let seed = std::env::var("CLEARML_SECURE_SEED").ok();
    seed.and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

#[test]
fn the_generator_is_deterministic_and_writes_yaml() {
    for seed in 0..GENERATED {
        let text = generator::compose_file(seed);
        assert_eq!(text, generator::compose_file(seed));
        // This parser takes a byte order mark for a document of its own.
        let marked = text.trim_start_matches('\u{feff}');
        if let Err(error) = serde_yaml::from_str::<serde_yaml::Value>(marked) {
            panic!("seed {seed}: {error}\n{text}");
        }
    }
}

#[test]
fn compose_sees_the_keyset_where_it_belongs_and_nothing_else_changed() {
    let oracles = Oracle::all();
    if oracles.is_empty() {
        return;
    }
    let keyset = Keyset::generate();
    let injected = inject_all(&keyset, &[]);
    let mut failures = Vec::new();
    let mut most = 0;
    for mut oracle in oracles {
        let mut agreed = 0;
        for file in &injected {
            // What the oracle refuses as it was says nothing about the injection.
            let Ok(before) = oracle.ask(&file.folder.path().join("docker-compose.yml")) else {
                continue;
            };
            let verdict = oracle
                .ask(&file.folder.path().join("after.yml"))
                .map_err(|why| format!("refused after injection: {}", why.trim()))
                .and_then(|after| {
                    expected::check(&before, &after, &keyset)?;
                    if before["rest"] == after["rest"] {
                        Ok(())
                    } else {
                        Err("changed outside the services".to_owned())
                    }
                });
            match verdict {
                Ok(()) => agreed += 1,
                Err(why) => failures.push(format!("{}: {}: {why}", oracle.name(), file.name)),
            }
        }
        println!("{}: {agreed} files compared", oracle.name());
        most = most.max(agreed);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(most >= ENOUGH, "only {most} files were compared");
}

#[test]
fn compose_sees_the_ports_that_were_asked_for_and_no_others() {
    let oracles = Oracle::all();
    if oracles.is_empty() {
        return;
    }
    let keyset = Keyset::generate();
    let injected = inject_all(&keyset, &["--close-ports", "--bind", "127.0.0.1"]);
    let mut failures = Vec::new();
    let mut changed = 0;
    for mut oracle in oracles {
        for file in &injected {
            let ask = |oracle: &mut Oracle, name: &str| oracle.ask(&file.folder.path().join(name));
            let Ok(mut before) = ask(&mut oracle, "docker-compose.yml") else {
                continue;
            };
            let after = ask(&mut oracle, "after.yml");
            // The long form's address came with version 2, and neither of the two here knows it.
            if after.as_ref().is_err_and(|why| why.contains("host_ip")) {
                continue;
            }
            let verdict = after.and_then(|mut after| {
                changed += ports(&mut before, &mut after)?;
                expected::check(&before, &after, &keyset)
            });
            if let Err(why) = verdict {
                failures.push(format!("{}: {}: {why}", oracle.name(), file.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(changed >= ENOUGH, "only {changed} ports were changed");
}

/// Takes the ports out of both views, and counts those that differ; an error where they differ in another way than asked.
fn ports(before: &mut Value, after: &mut Value) -> Result<usize, String> {
    let mut changed = 0;
    let Some(services) = before["services"].as_object_mut() else {
        return Ok(0);
    };
    for (name, service) in services {
        let image = service["image"].as_str().unwrap_or_default().to_owned();
        let take = |service: &mut Value| -> Vec<String> {
            let ports = service.as_object_mut().and_then(|map| map.remove("ports"));
            let ports = ports.as_ref().and_then(Value::as_array);
            ports.into_iter().flatten().map(port).collect()
        };
        let old = take(service);
        let new = take(&mut after["services"][name.as_str()]);
        let is_database = ["redis", "mongo", "elasticsearch"].iter().any(|database| {
            image
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .starts_with(database)
        });
        if is_database && !new.is_empty() {
            return Err(format!("{name} still publishes {new:?}"));
        }
        if !is_database && old != new {
            let bound: Vec<String> = old
                .iter()
                .map(|one| format!("127.0.0.1{}", &one[one.find('|').unwrap_or_default()..]))
                .collect();
            if bound != new {
                return Err(format!("{name} publishes {new:?}, not {bound:?}"));
            }
        }
        changed += usize::from(old != new);
    }
    Ok(changed)
}

/// `address|published|target/protocol`. docker-compose shows target, published, protocol, mode and address in a list,
/// docker's stack has no addresses at all.
fn port(port: &Value) -> String {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let [address, published, target, protocol] = match port {
        Value::Array(_) => [&port[4], &port[1], &port[0], &port[2]],
        _ => ["host_ip", "published", "target", "protocol"].map(|key| &port[key]),
    }
    .map(word);
    let protocol = if protocol.is_empty() {
        "tcp"
    } else {
        &protocol
    };
    format!("{address}|{published}|{target}/{protocol}")
}

/// Injects every file. Refusals are counted: a generated file has nothing that would excuse many.
fn inject_all(keyset: &Keyset, more: &[&str]) -> Vec<Injected> {
    let generated = (first_seed()..first_seed() + GENERATED).map(|seed| {
        let folder = tempfile::tempdir().unwrap();
        let text = generator::compose_file(seed);
        fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
        (format!("generated from seed {seed}"), folder)
    });
    let given = files::fixture_deployments()
        .into_iter()
        .chain(files::corpus())
        .map(|deployment| (deployment.name.clone(), deployment.copy()));
    let mut refused = Vec::new();
    let mut injected = Vec::new();
    for (name, folder) in generated.chain(given) {
        let done = clearml("inject")
            .args(more.iter().copied())
            .arg("docker-compose.yml")
            .within(folder.path())
            .stdin(keyset.text.as_str())
            .done();
        if done.status == Some(0) {
            fs::write(folder.path().join("after.yml"), done.stdout).unwrap();
            injected.push(Injected { name, folder });
        } else {
            let done = done.refused();
            if name.starts_with("generated") {
                refused.push(format!("{name}: {}", done.stderr));
            }
        }
    }
    assert!(
        refused.len() <= GENERATED as usize / 20,
        "{} generated files were refused, the first ones:\n{}",
        refused.len(),
        refused[..refused.len().min(5)].join("\n")
    );
    injected
}

/// Something that reads compose files as compose does.
enum Oracle {
    /// `tests/oracles/compose_oracle.py`, which asks docker-compose.
    Compose {
        child: Child,
        answers: BufReader<std::process::ChildStdout>,
    },
    /// `docker stack config`: the real YAML parser. It needs no daemon.
    Stack,
}

impl Oracle {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        match oracle::docker_compose().and_then(|program| Self::compose(&program)) {
            Some(compose) => all.push(compose),
            None => oracle::skip("compose files against docker-compose: it is not installed"),
        }
        if oracle::docker_stack() {
            all.push(Self::Stack);
        } else {
            oracle::note_skipped(
                "compose files against `docker stack config`: no docker client here",
            );
        }
        all
    }

    /// Version 1 is a script, and its first line names the Python that has its library. Version 2 is a program,
    /// which any Python can run.
    fn compose(program: &Path) -> Option<Self> {
        let start = fs::read(program).ok()?;
        let first = start.split(|byte| *byte == b'\n').next()?;
        let script_python = std::str::from_utf8(first)
            .ok()
            .and_then(|line| line.strip_prefix("#!"))
            .filter(|line| line.contains("python"))
            .and_then(|line| line.split_whitespace().next_back())
            .map(PathBuf::from);
        let mut child = Command::new(script_python.or_else(oracle::python)?)
            .arg(files::root().join("tests/oracles/compose_oracle.py"))
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let answers = BufReader::new(child.stdout.take()?);
        Some(Self::Compose { child, answers })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Compose { .. } => "docker-compose",
            Self::Stack => "docker stack config",
        }
    }

    /// The oracle's view: `{"services": …, "rest": …}`, or why it does not accept the file.
    fn ask(&mut self, file: &Path) -> Result<Value, String> {
        match self {
            Self::Compose { child, answers } => {
                let variables: serde_json::Map<String, Value> = ENVIRONMENT
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), json!(value)))
                    .collect();
                let question = json!({"file": file, "environment": variables});
                writeln!(child.stdin.as_mut().unwrap(), "{question}").unwrap();
                let mut answer = String::new();
                answers.read_line(&mut answer).unwrap();
                let answer: Value = serde_json::from_str(&answer).unwrap();
                match answer["error"].as_str() {
                    Some(why) => Err(why.to_owned()),
                    None => Ok(answer),
                }
            }
            Self::Stack => {
                let folder = file.parent().unwrap();
                let output = Command::new("docker")
                    .args(["stack", "config", "-c"])
                    .arg(file)
                    .env_clear()
                    .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                    // Its own settings are looked for there, and there are none.
                    .env("HOME", folder)
                    .envs(ENVIRONMENT)
                    .stdin(Stdio::null())
                    .output()
                    .unwrap();
                if !output.status.success() {
                    return Err(String::from_utf8_lossy(&output.stderr).into_owned());
                }
                let mut view: Value =
                    serde_yaml::from_slice(&output.stdout).map_err(|error| error.to_string())?;
                let services = view["services"].take();
                Ok(json!({"services": services, "rest": view}))
            }
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        if let Self::Compose { child, .. } = self {
            // Its input ends, and so does it.
            drop(child.stdin.take());
            drop(child.wait());
        }
    }
}
