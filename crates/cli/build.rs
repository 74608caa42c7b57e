//! Finds out which commit the programs are built from, for `-V`.
//!
//! `CLEARML_SECURE_COMMIT` names it, or git does. Debug builds only take the variable: with git, each commit would build
//! the programs anew. Outside of our own repository nothing is said.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "CLEARML_SECURE_COMMIT";

fn main() {
    println!("cargo::rerun-if-env-changed={NAME}");
    println!("cargo::rerun-if-changed=build.rs");
    let given = env::var(NAME).ok();
    let commit =
        given.or_else(|| (env::var("PROFILE").as_deref() == Ok("release")).then(from_git)?);
    if let Some(commit) = commit.filter(|text| !text.is_empty()) {
        println!("cargo::rustc-env={NAME}={commit}");
    }
}

fn from_git() -> Option<String> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).join("../..");
    let top = PathBuf::from(git(&root, &["rev-parse", "--show-toplevel"])?);
    // A copy of our code in somebody else's repository has their commits.
    if top.canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    let branch = git(&root, &["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = git(&root, &["rev-parse", "--git-path", name]).map(|path| root.join(path));
        // Cargo takes what does not exist for changed, each time.
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&root, &["rev-parse", "--short=9", "HEAD"])
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
