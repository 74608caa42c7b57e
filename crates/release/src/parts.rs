//! The packages that the programs are made of, as cargo resolves them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::commands::NAMES;
use crate::error::Result;
use crate::shell::output;

/// The only kind of machine that programs are released for.
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A package of the programs.
#[derive(Debug, Deserialize)]
pub(crate) struct Part {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) repository: Option<String>,
    /// Where it is from; nothing for our own.
    pub(crate) source: Option<String>,
    manifest_path: PathBuf,
    /// What `Cargo.lock` says its archive digests to.
    #[serde(skip)]
    pub(crate) sha256: Option<String>,
    /// The packages that it uses itself, as [`Part::key`].
    #[serde(skip)]
    pub(crate) uses: BTreeSet<String>,
}

impl Part {
    /// What it is called in a list of parts: an address that vulnerability databases know.
    pub(crate) fn key(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }

    /// Whether it is one of this project.
    pub(crate) fn is_ours(&self) -> bool {
        self.source.is_none()
    }

    /// The folder of its sources.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Part>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

/// The packages in the programs, by name and version. What only builds or tests them is not among these; a macro that wrote
/// a part of them is.
pub(crate) fn all(root: &Path) -> Result<Vec<Part>> {
    let mut tree = vec!["tree", "--locked", "--edges", "normal", "--no-dedupe"];
    tree.extend(["--target", TARGET, "--prefix", "none", "--format", "{p}"]);
    let programs = NAMES.into_iter().take(3);
    tree.extend(programs.flat_map(|program| ["--package", program]));
    let tree = output("cargo", &tree, root)?;
    let metadata = output(
        "cargo",
        &[
            "metadata",
            "--locked",
            "--format-version=1",
            "--filter-platform",
            TARGET,
        ],
        root,
    )?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    chosen(&tree, serde_json::from_str(&metadata)?, &digests(&lock))
}

/// The packages of `metadata` that `tree` lists: in a workspace, cargo's metadata has the features of all members together.
fn chosen(tree: &str, metadata: Metadata, digests: &Digests<'_>) -> Result<Vec<Part>> {
    let listed: BTreeSet<(&str, &str)> = tree.lines().filter_map(listed).collect();
    let is_in = |part: &Part| listed.contains(&(part.name.as_str(), part.version.as_str()));
    let mut parts: Vec<Part> = metadata.packages.into_iter().filter(is_in).collect();
    let keys = parts.iter().map(|part| (part.id.clone(), part.key()));
    let keys: BTreeMap<String, String> = keys.collect();
    for part in &mut parts {
        let digest = digests.get(&(part.name.as_str(), part.version.as_str()));
        part.sha256 = digest.map(|digest| (*digest).to_owned());
        let node = metadata
            .resolve
            .nodes
            .iter()
            .find(|node| node.id == part.id);
        let uses = node.into_iter().flat_map(|node| &node.dependencies);
        part.uses = uses.filter_map(|id| keys.get(id).cloned()).collect();
    }
    parts.sort_by_key(Part::key);
    Ok(parts)
}

/// `NAME vVERSION`, and more that does not matter.
fn listed(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

/// Digests of packages by name and version.
type Digests<'t> = BTreeMap<(&'t str, &'t str), &'t str>;

/// Those of a `Cargo.lock`, which cargo writes in one shape.
fn digests(lock: &str) -> Digests<'_> {
    let of = |package: &str, key: &str| {
        let at = package.find(&format!("\n{key} = \""))? + key.len() + 5;
        let end = package[at..].find('"')?;
        Some((at, at + end))
    };
    let packages = lock.split("[[package]]").skip(1);
    let digests = packages.filter_map(|package| {
        let value = |key| of(package, key).map(|(start, end)| &package[start..end]);
        Some(((value("name")?, value("version")?), value("checksum")?))
    });
    digests.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_has_digests() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"s\"\nchecksum = \"00ff\"\n\n\
            [[package]]\nname = \"ours\"\nversion = \"2.0.0\"\n";
        assert_eq!(digests(lock), BTreeMap::from([(("a", "1.0.0"), "00ff")]));
    }

    #[test]
    fn packages_that_are_not_in_the_programs_are_left_out() {
        let package = |name: &str| {
            format!(
                r#"{{"id": "{name}", "name": "{name}", "version": "1.0.0", "manifest_path": "/x/Cargo.toml"}}"#
            )
        };
        let metadata = format!(
            r#"{{"packages": [{}, {}, {}], "resolve": {{"nodes": [{{"id": "b", "dependencies": ["a", "c"]}}]}}}}"#,
            package("b"),
            package("a"),
            package("c")
        );
        let tree = "a v1.0.0\nb v1.0.0 (/x/b)\nb v1.0.0 (/x/b)\nc v2.0.0\n";
        let parts = chosen(
            tree,
            serde_json::from_str(&metadata).unwrap(),
            &Digests::new(),
        )
        .unwrap();
        let keys: Vec<String> = parts.iter().map(Part::key).collect();
        assert_eq!(keys, ["pkg:cargo/a@1.0.0", "pkg:cargo/b@1.0.0"]);
        assert_eq!(parts[1].uses, BTreeSet::from([keys[0].clone()]));
    }
}
