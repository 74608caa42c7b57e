//! What compose makes of a file before and after injection, asked of compose itself.
//!
//! For each file: every service's environment after is that of before with exactly the keyset's values where
//! they belong, and everything else is what it was. Over generated files, the fixtures and the corpus.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use e2e::compose::Oracle;
use e2e::expected;
use e2e::files;
use e2e::generator;
use e2e::keyset::Keyset;
use e2e::program::clearml;
use serde_json::Value;
use tempfile::TempDir;

/// Files that must have been compared, at the least.
const ENOUGH: usize = 200;
/// Some more are generated, because not every one counts.
const GENERATED: u64 = 260;

const BEFORE: &[&str] = &["docker-compose.yml"];

/// A file that was injected: its folder has `docker-compose.yml` and `after.yml`, `nothing.yml` with the services of the
/// latter and nothing in them, and `.env` as it is then.
struct Injected {
    name: String,
    folder: TempDir,
}

impl Injected {
    /// An oracle's view of some of the folder's files, with what `.env` says or without.
    fn ask(&self, oracle: &mut Oracle, names: &[&str], has_env: bool) -> Result<Value, String> {
        let paths: Vec<_> = names
            .iter()
            .map(|name| self.folder.path().join(name))
            .collect();
        let paths: Vec<_> = paths.iter().map(|path| path.as_path()).collect();
        let env = fs::read_to_string(self.folder.path().join(".env"));
        oracle.ask(&paths, &env.ok().filter(|_| has_env).unwrap_or_default())
    }
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
    agree(Oracle::all(), &[], BEFORE, &["after.yml"]);
}

#[test]
fn compose_sees_the_same_with_the_values_in_an_env_file() {
    let mut oracles = Oracle::all();
    // It does not know `:?`.
    oracles.retain(|oracle| !matches!(oracle, Oracle::Stack));
    agree(oracles, &["--env-file", ".env"], BEFORE, &["after.yml"]);
}

#[test]
fn compose_sees_the_same_with_an_override_merged_over_the_file() {
    // Where anything is merged over a service, compose writes its lists in another way.
    let before = ["docker-compose.yml", "nothing.yml"];
    let after = ["docker-compose.yml", "after.yml"];
    agree(Oracle::all(), &["--override"], &before, &after);
}

/// Injects every file, and holds what the oracles see then against what they saw before.
fn agree(oracles: Vec<Oracle>, options: &[&str], before: &[&str], after: &[&str]) {
    if oracles.is_empty() {
        return;
    }
    let keyset = Keyset::generate();
    let injected = inject_all(&keyset, options);
    let mut failures = Vec::new();
    let mut most = 0;
    for mut oracle in oracles {
        let mut agreed = 0;
        for file in &injected {
            // What the oracle refuses as it was says nothing about the injection.
            let Ok(before) = file.ask(&mut oracle, before, false) else {
                continue;
            };
            let verdict = file
                .ask(&mut oracle, after, true)
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
            let Ok(mut before) = file.ask(&mut oracle, &["docker-compose.yml"], false) else {
                continue;
            };
            let after = file.ask(&mut oracle, &["after.yml"], false);
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
            fs::write(folder.path().join("nothing.yml"), emptied(&done.stdout)).unwrap();
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

/// The services of a file with nothing in them.
fn emptied(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    let mut file: Value = serde_yaml::from_str(text).unwrap_or_default();
    for (_, service) in file["services"].as_object_mut().into_iter().flatten() {
        *service = serde_json::json!({"environment": {}});
    }
    let kept = ["version", "services"].map(|key| (key, &file[key]));
    let kept = kept.into_iter().filter(|(_, value)| !value.is_null());
    serde_json::to_string(&kept.collect::<std::collections::BTreeMap<_, _>>()).unwrap()
}
