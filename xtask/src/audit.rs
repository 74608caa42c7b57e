//! `cargo xtask audit`: the packages that the programs are made of. Where they come from, under which licenses they are, none in
//! two versions, and none with a known vulnerability, as far as RustSec's database can be had.

mod license;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use crate::shell::{self, PROGRAMS, Result};

/// The only place that packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages that are there in two versions, and why.
const TWICE: [(&str, &str); 2] = [
    ("getrandom", "0.2 is ring's, 0.4 that of rand"),
    ("syn", "while compiling only: not all macros have moved on"),
];

/// Runs the task.
pub(crate) fn run() -> Result {
    sources()?;
    let parts = parts()?;
    licenses(&parts)?;
    versions(&parts)?;
    vulnerabilities()
}

/// A package in the programs, or one that compiles them.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    license: String,
}

fn parts() -> Result<BTreeSet<Part>> {
    let mut tree = shell::cargo();
    tree.args(["tree", "--locked", "--edges", "normal,build"]);
    tree.args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"]);
    for program in PROGRAMS {
        tree.args(["--package", program]);
    }
    let parts: BTreeSet<Part> = shell::output(&mut tree)?.lines().filter_map(part).collect();
    match parts.is_empty() {
        true => Err("cargo tree names no package".to_owned()),
        false => Ok(parts),
    }
}

/// Of a line such as `syn v2.0.1 (proc-macro)|MIT OR Apache-2.0`.
fn part(line: &str) -> Option<Part> {
    let (package, license) = line.split_once('|')?;
    let mut words = package.split(' ');
    Some(Part {
        name: words.next()?.to_owned(),
        version: words.next()?.to_owned(),
        license: license.to_owned(),
    })
}

/// Everything that is locked comes from the registry, with its digest; ours come from nowhere.
fn sources() -> Result {
    let path = shell::root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|error| format!("Cargo.lock: {error}"))?;
    let mut count = 0;
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let mut lines = package.lines();
            lines.find_map(|line| Some(line.strip_prefix(key)?.trim_matches([' ', '=', '"'])))
        };
        let Some(source) = value("source") else {
            continue;
        };
        let name = value("name").unwrap_or_default();
        if source != REGISTRY || value("checksum").is_none() {
            return Err(format!(
                "{name} comes from {source}, not from crates.io with a checksum"
            ));
        }
        count += 1;
    }
    println!("{count} packages come from crates.io, each with its checksum");
    Ok(())
}

fn licenses(parts: &BTreeSet<Part>) -> Result {
    for part in parts {
        if !license::is_allowed(&part.license) {
            let Part {
                name,
                version,
                license,
            } = part;
            return Err(format!(
                "{name} {version}: its license ({license}) is none of those in xtask/src/audit/license.rs"
            ));
        }
    }
    println!(
        "{} packages of the programs have licenses that allow this",
        parts.len()
    );
    Ok(())
}

fn versions(parts: &BTreeSet<Part>) -> Result {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for part in parts {
        versions
            .entry(&part.name)
            .or_default()
            .insert(&part.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    for (name, versions) in &versions {
        if !TWICE.iter().any(|(known, _)| known == name) {
            let versions: Vec<&str> = versions.iter().copied().collect();
            return Err(format!(
                "{name} is there as {}. `cargo tree -d` says who takes it; what has to be is in TWICE of xtask/src/audit.rs",
                versions.join(" and ")
            ));
        }
    }
    for (name, why) in TWICE {
        if !versions.contains_key(name) {
            return Err(format!(
                "{name} is there once: it is no longer one for TWICE of xtask/src/audit.rs"
            ));
        }
        println!("{name} is there twice: {why}");
    }
    Ok(())
}

/// What RustSec knows. Neither its program nor its database comes with Rust, and nothing here fetches a program.
fn vulnerabilities() -> Result {
    if shell::on_path("cargo-audit").is_none() {
        println!(
            "skipped: known vulnerabilities: cargo-audit not found (cargo install --locked cargo-audit)"
        );
        return Ok(());
    }
    let output = Command::new("cargo-audit")
        .args(["audit", "--json"])
        .current_dir(shell::root())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo-audit: {error}"))?;
    let report = String::from_utf8_lossy(&output.stdout);
    // Without the database it prints no report.
    if !report.contains("\"vulnerabilities\"") {
        let said = String::from_utf8_lossy(&output.stderr);
        let why = said.lines().rfind(|line| !line.trim().is_empty());
        let why = why.unwrap_or("it says nothing").trim();
        println!("skipped: known vulnerabilities: cargo-audit has no database: {why}");
        return Ok(());
    }
    if !output.status.success() {
        return Err("a package has a known vulnerability: `cargo audit` names it".to_owned());
    }
    println!("no package has a vulnerability that RustSec knows");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_from_its_line() {
        let read = part("syn v2.0.1 (proc-macro)|MIT OR Apache-2.0").unwrap();
        assert_eq!(
            (read.name.as_str(), read.version.as_str()),
            ("syn", "v2.0.1")
        );
        assert_eq!(read.license, "MIT OR Apache-2.0");
        assert_eq!(part(""), None);
    }

    #[test]
    fn a_package_in_two_versions_is_named() {
        let of = |lines: &str| versions(&lines.lines().filter_map(part).collect());
        let known = "getrandom v0.2.1|MIT\ngetrandom v0.4.1|MIT\nsyn v2.0.0|MIT\nsyn v3.0.0|MIT\n";
        assert_eq!(of(known), Ok(()));
        let said = of(&format!("{known}rand v0.9.0|MIT\nrand v0.10.0|MIT\n")).unwrap_err();
        assert!(
            said.starts_with("rand is there as v0.10.0 and v0.9.0"),
            "{said}"
        );
        let said = of("syn v2.0.0|MIT\nsyn v3.0.0|MIT\n").unwrap_err();
        assert!(said.starts_with("getrandom is there once"), "{said}");
    }
}
