//! `cargo xtask dist --check`: what a release promises, of the programs as they are released. It takes a quarter of an hour, and
//! is run before each release and not for every change.
//!
//! Two clones of the commit, in folders of different depth, must make the same bytes. The tests of what is released then run
//! over these and not over what a test builds, with those that take a program without any library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TARGET;
use crate::shell::{self, Profile, Result};
use crate::{oracles, packages};

/// No program is larger than so many bytes.
const LARGEST: [(&str, u64); 3] = [
    ("clearml-keygen", 4_000_000),
    ("clearml-inject", 4_000_000),
    ("clearml-verify", 10_000_000),
];
/// Where the clones are, in the folder of this check.
const CLONES: [&str; 2] = ["a", "another/folder/b"];

/// Runs the check.
pub(super) fn run() -> Result {
    let folder = shell::target()?.join("dist-check");
    // Once and for both, for the first build takes long enough for another commit, or for this one to go.
    let mut head = Command::new("git");
    let commit = shell::output(head.args(["rev-parse", "HEAD"]).current_dir(shell::root()))?;
    let mut outs = Vec::new();
    let clones = CLONES.map(|name| folder.join(name));
    for clone in &clones {
        check_out(clone, commit.trim())?;
    }
    for clone in &clones {
        outs.push(released(clone)?);
    }
    compare(&outs[0], &outs[1])?;
    let programs = folder.join(CLONES[0]).join("target").join(TARGET);
    let programs = programs.join(Profile::Dist.name());
    let mut too_large = Vec::new();
    for (program, largest) in LARGEST {
        let path = programs.join(program);
        let size = fs::metadata(&path)
            .map_err(|error| format!("{program}: {error}"))?
            .len();
        println!("{size:>10}  {program}, at most {largest}");
        if size > largest {
            too_large.push(format!("{program} is larger than {largest} bytes"));
        }
        is_static(&path)?;
    }
    lint(&outs[0])?;
    parts(&outs[0])?;
    test(&outs[0])?;
    // Last: what else is wrong with a release is worth knowing, too.
    match too_large.is_empty() {
        true => Ok(()),
        false => Err(too_large.join("; ")),
    }
}

/// Puts a commit into a clone, which an earlier check may have left.
fn check_out(clone: &Path, commit: &str) -> Result {
    if !clone.join(".git").exists() {
        fs::create_dir_all(clone).map_err(|error| format!("{}: {error}", clone.display()))?;
        shell::output(Command::new("git").arg("init").arg("--quiet").arg(clone))?;
    }
    let git = |arguments: &[&str]| {
        shell::output(Command::new("git").args(arguments).current_dir(clone)).map(drop)
    };
    let from = shell::root().display().to_string();
    git(&["fetch", "--quiet", &from, "HEAD"])?;
    git(&["checkout", "--quiet", "--force", "--detach", commit])
}

/// Makes a release in a clone, and returns its folder. What an earlier check has built is used.
fn released(clone: &Path) -> Result<PathBuf> {
    let out = clone.join("dist");
    drop(fs::remove_dir_all(&out));
    println!("== {}", clone.display());
    shell::run(
        shell::cargo()
            .args(["xtask", "dist"])
            .current_dir(clone)
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_TARGET_DIR"),
    )?;
    Ok(out)
}

/// Whether two folders have the same files.
fn compare(one: &Path, other: &Path) -> Result {
    let names = |folder: &Path| -> Result<Vec<String>> {
        let entries =
            fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    };
    let files = names(one)?;
    if files != names(other)? {
        return Err("two builds have files of different names".to_owned());
    }
    let read =
        |path: PathBuf| fs::read(&path).map_err(|error| format!("{}: {error}", path.display()));
    for name in &files {
        if read(one.join(name))? != read(other.join(name))? {
            return Err(format!("two builds differ in {name}"));
        }
    }
    println!(
        "two builds in two folders are the same bytes: {}",
        files.join(", ")
    );
    Ok(())
}

fn is_static(program: &Path) -> Result {
    // It fails for what takes no library, so that only its words are read.
    let output = Command::new("ldd").arg(program).output();
    let output = output.map_err(|error| format!("ldd: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    println!(
        "ldd {}: {said}",
        program.file_name().unwrap_or_default().to_string_lossy()
    );
    match said.contains("statically linked") || said.contains("not a dynamic executable") {
        true => Ok(()),
        false => Err(format!("{} takes libraries", program.display())),
    }
}

/// What Debian's own checker says.
fn lint(out: &Path) -> Result {
    if shell::on_path("lintian").is_none() {
        println!("skipped: lintian not found (Debian, Ubuntu: apt install lintian)");
        return Ok(());
    }
    let package = file(out, ".deb")?;
    shell::run(
        Command::new("lintian")
            .args([
                "--fail-on",
                "error",
                "--suppress-tags",
                "initial-upload-closes-no-bugs",
            ])
            .arg(package),
    )?;
    println!("lintian finds no error");
    Ok(())
}

/// Whether the list of parts is what the schema of CycloneDX asks for.
fn parts(out: &Path) -> Result {
    let folder = shell::target()?.join("dist-check/cyclonedx");
    let python = folder.join("bin/python");
    if !python.exists() {
        if !packages::has_venv() {
            println!("skipped: the schema of CycloneDX: it takes python3-venv");
            return Ok(());
        }
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    shell::run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg("cyclonedx-python-lib[json-validation]==11.12.0"),
    )?;
    shell::run(
        Command::new(&python)
            .arg(shell::root().join("tests/oracles/check_parts.py"))
            .arg(file(out, ".cdx.json")?),
    )
}

/// The file of a folder with this ending.
fn file(folder: &Path, ending: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.to_string_lossy().ends_with(ending))
        .ok_or_else(|| format!("no {ending} in {}", folder.display()))
}

/// The tests of what is released, over this release.
fn test(out: &Path) -> Result {
    let oracles = oracles::set_up(false)?;
    shell::run(shell::cargo().args(["build", "--workspace", "--bins"]))?;
    shell::run(
        shell::cargo()
            .args(["test", "--package", "e2e"])
            .args([
                "--test", "dist", "--test", "deb", "--test", "image", "--test", "alone",
            ])
            .args(["--", "--include-ignored"])
            .env("CLEARML_SECURE_ORACLES", &oracles.folder)
            .env("CLEARML_SECURE_DIST", out),
    )
}
