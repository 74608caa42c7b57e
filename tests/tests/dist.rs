//! What is released, held against the programs that people unpack, read and check it with: tar, sha256sum, man, bash, OpenSSH,
//! dpkg and systemd.
//!
//! The programs in it are small stand-ins here, because packing large ones takes long. `cargo xtask dist --check` runs the same
//! tests over a release that was made.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use e2e::files::root;
use e2e::oracle;
use e2e::packed::{PROGRAMS, Packed, SECONDS, VERSION, pack, stand_in};
use e2e::program::{clearml, other};
use serde_json::Value;

/// A release, or a visible skip.
fn released() -> Option<Arc<Packed>> {
    Packed::get()
        .inspect_err(|why| oracle::skip(&format!("what is released: {why}")))
        .ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs it and returns what it prints; fails, with what it said, if it does.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn the_archive_unpacks_and_its_sum_holds() {
    let Some(released) = released() else {
        return;
    };
    succeed(
        Command::new("sha256sum")
            .args(["--strict", "-c", "SHA256SUMS"])
            .current_dir(&released.folder),
    );
    let listed = succeed(
        Command::new("tar")
            .args(["--numeric-owner", "--full-time", "--utc", "-tvzf"])
            .arg(released.file("-linux.tar.gz")),
    );
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let names: Vec<&str> = lines.iter().map(|line| line[5]).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert!(names.iter().all(|name| !name.ends_with('/')), "{names:?}");
    let start = format!("clearml-secure-{VERSION}-x86_64-linux/");
    assert!(names.iter().all(|name| name.starts_with(&start)));
    let owners: BTreeSet<&str> = lines.iter().map(|line| line[1]).collect();
    assert_eq!(owners, BTreeSet::from(["0/0"]));
    let times: BTreeSet<&[&str]> = lines.iter().map(|line| &line[3..5]).collect();
    assert_eq!(times.len(), 1, "{times:?}");
    if !released.is_real {
        assert_eq!(times.first().unwrap(), &["2026-01-02", "03:04:05"]);
    }
    for line in &lines {
        let mode = match line[5].contains("/bin/") {
            true => "-rwxr-xr-x",
            false => "-rw-r--r--",
        };
        assert_eq!(line[0], mode, "{}", line[5]);
    }
    let unpacked = released.unpacked();
    let mut versions = BTreeSet::new();
    for program in PROGRAMS {
        let said = other(&unpacked.path().join("bin").join(program));
        let said = said.arg("-V").done().exit(0).stdout;
        assert!(
            said.starts_with(&format!("{program} {VERSION} (")),
            "{said}"
        );
        versions.insert(said.trim_end().to_owned());
    }
    let rotate = unpacked.path().join("bin/clearml-rotate");
    other(&rotate).arg("--help").done().exit(0);
    let bin = unpacked.path().join("bin");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let said = other(&rotate).arg("-V").env("PATH", &path).done().exit(0);
    let said: BTreeSet<String> = said.stdout.lines().map(str::to_owned).collect();
    assert_eq!(said, versions);
}

/// The commands of the page that unpack it, over a folder in place of /usr/local.
#[test]
fn the_readme_unpacks_it() {
    let Some(released) = released() else {
        return;
    };
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let start = readme.find("sha256sum -c").unwrap();
    let commands = &readme[start..start + readme[start..].find("```").unwrap()];
    let prefix = tempfile::tempdir().unwrap();
    let here = prefix.path().display().to_string();
    let commands = commands.replace("sudo ", "").replace("/usr/local", &here);
    let mut shell = Command::new("sh");
    shell
        .args(["-euc", &commands])
        .current_dir(&released.folder);
    succeed(&mut shell);
    assert!(prefix.path().join("bin/clearml-rotate").is_file());
    for file in [released.file(".deb"), released.file(".image.tar.gz")] {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(readme.contains(name), "README.md does not name {name}");
    }
    assert!(readme.contains(&format!(" clearml-secure:{VERSION} ")));
}

#[test]
fn every_option_is_on_the_man_page() {
    let Some(released) = released() else {
        return;
    };
    if oracle::on_path("man").is_none() {
        return oracle::skip("man pages: man not found");
    }
    let unpacked = released.unpacked();
    for name in ["keygen", "inject", "verify", "rotate"] {
        let program = format!("clearml-{name}");
        let page = unpacked.path().join(format!("share/man/man1/{program}.1"));
        let output = Command::new("man")
            .args(["--warnings", "-E", "UTF-8", "-l"])
            .arg(&page)
            // Wide, so that no option is broken into two lines.
            .env("MANWIDTH", "500")
            .output()
            .unwrap();
        assert_eq!(text(&output.stderr), "", "{program}");
        let shown = text(&output.stdout);
        let help = match name {
            "rotate" => other(&root().join("scripts/clearml-rotate")),
            _ => clearml(name),
        };
        let help = help.arg("--help").done().exit(0).stdout;
        let options = options(&help);
        assert!(options.len() > 10, "{program}: {options:?}");
        for option in options {
            assert!(shown.contains(&option), "{program}: {option}\n{shown}");
        }
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXIT STATUS",
            "EXAMPLES",
            "SEE ALSO",
        ] {
            let is_heading = |line: &str| line == section;
            // A program without an argument has no options but those with headings of their own.
            let is_needed = section != "OPTIONS" || name != "keygen";
            assert!(
                !is_needed || shown.lines().any(is_heading),
                "{program}: {section}\n{shown}"
            );
        }
        // The examples of the help, each on a line of its own.
        let examples = help.split_once("Examples:\n").unwrap().1;
        for example in examples.lines().take_while(|line| !line.is_empty()) {
            let is_it = |line: &str| line.trim() == example.trim();
            assert!(shown.lines().any(is_it), "{program}: {example}\n{shown}");
        }
        assert!(
            shown.contains(&format!("clearml-secure {VERSION}")),
            "{shown}"
        );
    }
}

/// The long options of a help text.
fn options(help: &str) -> BTreeSet<String> {
    let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let options = words.filter(|word| word.starts_with("--") && word.len() > 3);
    options.map(str::to_owned).collect()
}

#[test]
fn bash_completes_options_and_values() {
    let Some(released) = released() else {
        return;
    };
    let unpacked = released.unpacked();
    for (program, words, completed) in [
        ("clearml-verify", "--conf", "--config-dir --config"),
        ("clearml-verify", "--format s", "sarif"),
        ("clearml-keygen", "-f k", "kubernetes"),
        ("clearml-inject", "--close", "--close-ports"),
        ("clearml-rotate", "--dry", "--dry-run"),
    ] {
        let script = unpacked
            .path()
            .join("share/bash-completion/completions")
            .join(program);
        let ask = format!(
            ". {} && COMP_WORDS=({program} {words}) && COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) && \
             complete=$(complete -p {program}) && complete=${{complete#*-F }} && \
             ${{complete%% *}} {program} \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\" && \
             echo ${{COMPREPLY[@]}}",
            script.display()
        );
        let said = succeed(Command::new("bash").args(["--norc", "-c", &ask]));
        assert_eq!(said.trim(), completed, "{program} {words}");
    }
    for (shell, path) in [
        ("zsh", "share/zsh/site-functions/_clearml-"),
        ("fish", "share/fish/vendor_completions.d/clearml-"),
    ] {
        if oracle::on_path(shell).is_none() {
            // Both are large, and nobody needs them for anything else here.
            oracle::note_skipped(&format!("completion: {shell} not found"));
            continue;
        }
        for name in ["keygen", "inject", "verify", "rotate"] {
            let ending = if shell == "fish" { ".fish" } else { "" };
            let script = unpacked.path().join(format!("{path}{name}{ending}"));
            succeed(Command::new(shell).arg("-n").arg(script));
        }
    }
}

#[test]
fn the_list_of_parts_is_whole() {
    let Some(released) = released() else {
        return;
    };
    let list = fs::read_to_string(released.file(".cdx.json")).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["bomFormat"], "CycloneDX");
    let components = list["components"].as_array().unwrap();
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let digests: BTreeMap<(&str, &str), &str> = lock["package"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|package| {
            let value = |key: &str| package.get(key)?.as_str();
            Some(((value("name")?, value("version")?), value("checksum")?))
        })
        .collect();
    let mut names = BTreeSet::new();
    for component in components {
        let value = |key: &str| component[key].as_str().unwrap_or_default();
        let name = (value("name"), value("version"));
        names.insert(name.0);
        if value("bom-ref") == "glibc" {
            continue;
        }
        assert_eq!(
            component["purl"],
            format!("pkg:cargo/{}@{}", name.0, name.1)
        );
        let digest = &component["hashes"][0]["content"];
        assert_eq!(digest.as_str(), digests.get(&name).copied(), "{name:?}");
        let license = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(
            !license.contains('/') && license != "NOASSERTION",
            "{name:?}"
        );
    }
    for inside in [
        "clap",
        "clearml-secure-core",
        "glibc",
        "ring",
        "rustls",
        "zxcvbn",
    ] {
        assert!(names.contains(inside), "{inside}");
    }
    // What tests and packs them.
    for outside in ["clap_mangen", "e2e", "proptest", "rcgen", "xtask"] {
        assert!(!names.contains(outside), "{outside}");
    }
    let reached = reached(&list);
    for component in components {
        let key = component["bom-ref"].as_str().unwrap();
        assert!(
            reached.contains(key) || key == "glibc",
            "nothing uses {key}"
        );
    }
    let unpacked = released.unpacked();
    let documents = unpacked.path().join("share/doc/clearml-secure");
    let licenses = fs::read_to_string(documents.join("THIRD-PARTY.txt")).unwrap();
    for component in components.iter().filter(|it| it["hashes"].is_array()) {
        let name = format!(
            "{} {}",
            component["name"].as_str().unwrap(),
            component["version"].as_str().unwrap()
        );
        // In the list, and above a text.
        assert!(licenses.matches(&name).count() >= 2, "{name}");
    }
    assert!(licenses.contains("GNU LESSER GENERAL PUBLIC LICENSE"));
}

/// What the whole product uses, directly or not.
fn reached(list: &Value) -> BTreeSet<&str> {
    let dependencies = list["dependencies"].as_array().unwrap();
    let uses: BTreeMap<&str, Vec<&str>> = dependencies
        .iter()
        .map(|one| {
            let on = one["dependsOn"].as_array().unwrap().iter();
            let on = on.map(|it| it.as_str().unwrap()).collect();
            (one["ref"].as_str().unwrap(), on)
        })
        .collect();
    let start = list["metadata"]["component"]["bom-ref"].as_str().unwrap();
    let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(key) = open.pop() {
        if reached.insert(key) {
            open.extend(uses.get(key).expect(key));
        }
    }
    reached
}

#[test]
fn the_same_programs_are_packed_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    if let Err(why) = stand_in(&programs, VERSION) {
        return oracle::skip(&format!("what is released: {why}"));
    }
    let packed = |name: &str, seconds| {
        let out = folder.path().join(name);
        let output = pack(&programs, &out, seconds, &[]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let files = fs::read_dir(out).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        });
        files.collect::<BTreeMap<String, Vec<u8>>>()
    };
    let one = packed("a", SECONDS);
    assert_eq!(one.len(), 5, "{:?}", one.keys());
    assert!(one == packed("b/c", SECONDS), "two runs differ");
    let later = packed("later", SECONDS + 86400);
    for (name, bytes) in &one {
        assert!(later[name] != *bytes, "{name} has no time of its commit");
    }
}

#[test]
fn programs_of_another_version_are_not_packed() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    if let Err(why) = stand_in(&programs, "0.0.9") {
        return oracle::skip(&format!("what is released: {why}"));
    }
    let out = folder.path().join("dist");
    let output = pack(&programs, &out, SECONDS, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains(&format!("is version 0.0.9, not {VERSION}")),
        "{said}"
    );
    assert!(!out.exists());
}

#[test]
fn a_signature_holds_for_these_sums_alone() {
    if oracle::on_path("ssh-keygen").is_none() {
        return oracle::skip("signatures: ssh-keygen not found");
    }
    let folder = tempfile::tempdir().unwrap();
    let (programs, out) = (folder.path().join("programs"), folder.path().join("dist"));
    if let Err(why) = stand_in(&programs, VERSION) {
        return oracle::skip(&format!("what is released: {why}"));
    }
    let new_key = |name: &str| {
        let key = folder.path().join(name);
        let mut generate = Command::new("ssh-keygen");
        generate
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key);
        succeed(&mut generate);
        key
    };
    let (key, other) = (new_key("key"), new_key("other"));
    let output = pack(&programs, &out, SECONDS, &["--sign", key.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let sums = fs::read(out.join("SHA256SUMS")).unwrap();
    let holds = |key: &Path, namespace: &str, sums: &[u8]| {
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let allowed = folder.path().join("allowed");
        fs::write(&allowed, format!("releases@example.com {public}")).unwrap();
        let mut verify = Command::new("ssh-keygen");
        verify.args([
            "-Y",
            "verify",
            "-I",
            "releases@example.com",
            "-n",
            namespace,
            "-f",
        ]);
        verify
            .arg(allowed)
            .arg("-s")
            .arg(out.join("SHA256SUMS.sig"));
        fed(&mut verify, sums).status.success()
    };
    assert!(holds(&key, "clearml-secure", &sums));
    assert!(!holds(&other, "clearml-secure", &sums), "of another key");
    assert!(!holds(&key, "git", &sums), "for something else");
    let mut changed = sums;
    changed[0] ^= 1;
    assert!(!holds(&key, "clearml-secure", &changed), "of other sums");
}

/// Runs it with an input.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}
