//! `cargo xtask dist`: the programs as they are released, and what they are released in.
//!
//! They are linked statically and know no folder of this machine, so that two builds of one commit are the same bytes. What
//! packs them, clearml-secure-release, is a program of its own: it takes any programs, and so the tests pack theirs.

mod check;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, PROGRAMS, Profile, Result};

/// The only kind of machine that programs are released for.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// What packs them.
const PACKER: &str = "clearml-secure-release";

/// No library, and half a megabyte less: addresses that are set at the start are packed, and functions that are equal are one
/// (`safe` would leave all of them, for the compiler does not say of which the address matters, and in Rust of none).
/// And random numbers by the system call alone: a program without libraries finds no function for it, and would open
/// /dev/urandom, which an empty root does not have.
/// Names are left out here, because cargo leaves them in where a program has an override in its profile.
/// And no table of how to unwind, which is a twelfth: a panic ends a program where it is. The compiler's own linker reads the
/// file, from the folder in which cargo starts the compiler.
const LINKING: [&str; 7] = [
    "--cfg=getrandom_backend=\"linux_getrandom\"",
    "-Ctarget-feature=+crt-static",
    "-Clink-arg=-Wl,-z,pack-relative-relocs",
    "-Clink-arg=-Wl,--icf=all",
    "-Clink-arg=-Wl,--no-eh-frame-hdr",
    "-Clink-arg=-Wl,-T,packaging/linked.ld",
    "-Cstrip=symbols",
];

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    check: bool,
    /// Programs that were built before.
    programs: Option<PathBuf>,
    out: Option<PathBuf>,
    sign: Option<PathBuf>,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result {
    let options = Options::of(arguments)?;
    if options.check {
        return check::run();
    }
    let programs = match options.programs {
        Some(programs) => programs,
        None => build()?,
    };
    let out = options.out.unwrap_or_else(|| shell::root().join("dist"));
    let mut pack = shell::cargo();
    pack.args(["run", "--quiet", "--locked", "--package", PACKER, "--"]);
    pack.arg("--programs").arg(here(&programs)?);
    pack.arg("--out").arg(here(&out)?);
    if let Some(key) = options.sign {
        pack.arg("--sign").arg(here(&key)?);
    }
    shell::run(&mut pack)
}

impl Options {
    fn of(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let option = match argument.as_str() {
                "--check" => {
                    options.check = true;
                    continue;
                }
                "--out" => &mut options.out,
                "--programs" => &mut options.programs,
                "--sign" => &mut options.sign,
                _ => return Err(format!("{argument} is no option of this task")),
            };
            let value = arguments
                .next()
                .ok_or_else(|| format!("{argument} takes a value"))?;
            *option = Some(value.into());
        }
        Ok(options)
    }
}

/// A path from where the task was started; cargo runs what it builds elsewhere.
fn here(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Builds the programs and returns their folder.
fn build() -> Result<PathBuf> {
    let root = shell::root();
    let git =
        |arguments: &[&str]| shell::output(Command::new("git").args(arguments).current_dir(&root));
    if !git(&["status", "--porcelain"])?.trim().is_empty() {
        return Err(
            "there are changes without a commit, and a release is built from one. Commit them, or pack programs that are built: \
             --programs DIR"
                .to_owned(),
        );
    }
    linked(&[])
}

/// Builds the programs of what is here, as they are released, with these examples of the core, and returns their folder.
pub(crate) fn linked(examples: &[&str]) -> Result<PathBuf> {
    let root = shell::root();
    let commit = shell::output(
        Command::new("git")
            .args(["rev-parse", "--short=9", "HEAD"])
            .current_dir(&root),
    )?;
    let mut build = shell::cargo();
    build.args(["build", "--locked", "--target", TARGET]);
    build.args(["--profile", Profile::Dist.name()]);
    for program in PROGRAMS {
        build.args(["--package", program]);
    }
    for example in examples {
        build.args([
            "--bins",
            "--package",
            "clearml-secure-core",
            "--example",
            example,
        ]);
    }
    build
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&root)?)
        .env("CLEARML_SECURE_COMMIT", commit.trim());
    shell::run(&mut build)?;
    Ok(shell::target()?.join(TARGET).join(Profile::Dist.name()))
}

/// What the compiler is told, one after the other as cargo reads it.
fn flags(root: &Path) -> Result<String> {
    let sysroot = shell::output(
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--print", "sysroot"])
            .current_dir(root),
    )?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let mut folders = vec![
        (root.to_owned(), "/clearml-secure"),
        (shell::target()?, "/target"),
        (
            Path::new(sysroot.trim()).join("lib/rustlib/src/rust"),
            "/rust",
        ),
    ];
    folders.extend(home.map(|home| (home.join("registry/src"), "/crates")));
    let mut flags = LINKING.map(str::to_owned).to_vec();
    for (folder, name) in folders {
        flags.push(format!("--remap-path-prefix={}={name}", folder.display()));
    }
    Ok(flags.join("\u{1f}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_their_values() {
        let of = |text: &str| {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            Options::of(&words)
        };
        assert_eq!(of(""), Ok(Options::default()));
        let options = of("--programs a --sign key --out b").unwrap();
        assert_eq!(options.programs, Some("a".into()));
        assert_eq!(
            (options.out, options.sign),
            (Some("b".into()), Some("key".into()))
        );
        assert!(of("--check").unwrap().check);
        assert_eq!(of("--out"), Err("--out takes a value".to_owned()));
        assert!(of("--sing key").is_err());
    }
}
