//! `cargo xtask test`: sets up what the tests need, then runs all of them.
//!
//! A test that cannot run a part says so with `oracle::skip`, which adds a line to the file that
//! `CLEARML_SECURE_SKIPS` names: what a passing test prints is not shown, and a skipped part must be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::oracles::{self, Oracles};
use crate::packages;
use crate::shell::{self, Result};

/// Tests that run beside the others, each list one after the other: those that wait for containers most of the time, the
/// longest of those that take no more than one core, and as many more that all lists end at about the same time.
const BESIDE: [&[&str]; 2] = [
    &[
        "docker",
        "engine",
        "gunicorn",
        "hardened",
        "helm_values",
        "hostile",
        "outputs",
        "rotate_engine",
        "schema",
        "standin",
        "unsteady",
    ],
    &[
        "compose_oracle",
        "fix",
        "formats",
        "generated_values",
        "hocon_oracle",
        "in_place",
        "manners",
        "rotate",
        "rotate_places",
        "secure_conf",
    ],
];

/// Runs the task; the arguments go to `cargo test`, but for `--install`, and so do the variables.
pub(crate) fn run(arguments: &[String], variables: &[(&str, &str)]) -> Result {
    let (install, arguments): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| *argument == "--install");
    // What fetches waits for others, and what builds does not.
    let (oracles, built) = thread::scope(|scope| {
        let building = scope.spawn(|| build(arguments.is_empty()));
        (oracles::set_up(!install.is_empty()), building.join())
    });
    let oracles = oracles?;
    print_missing(&oracles);
    built.map_err(|_| "the build ended without a word".to_owned())??;
    let target = shell::target()?;
    let skips = target.join("skipped.txt");
    fs::write(&skips, "").map_err(|error| format!("{}: {error}", skips.display()))?;
    let test = || {
        let mut test = shell::cargo();
        test.args(["test", "--workspace", "--no-fail-fast"])
            .envs(variables.iter().copied())
            .env("CLEARML_SECURE_ORACLES", &oracles.folder)
            .env("CLEARML_SECURE_BIN", target.join("debug"))
            .env("CLEARML_SECURE_SKIPS", &skips);
        test
    };
    let result = match arguments.is_empty() {
        true => all(&test, &target),
        false => shell::run(test().args(arguments)),
    };
    print_skipped(&fs::read_to_string(&skips).unwrap_or_default(), &oracles);
    result
}

/// Builds the programs, and all tests where all will run.
fn build(with_all_tests: bool) -> Result {
    // The end-to-end tests are a package of their own, and cargo builds programs only for the package they are in.
    shell::run(shell::cargo().args(["build", "--workspace", "--bins"]))?;
    match with_all_tests {
        true => shell::run(shell::cargo().args(["test", "--workspace", "--no-run"])),
        false => Ok(()),
    }
}

/// Runs all tests, some beside the others. What these print follows when all have ended.
fn all(test: &impl Fn() -> Command, target: &Path) -> Result {
    let named = |names: &[&str]| -> Vec<String> {
        let arguments = names.iter().flat_map(|name| ["--test", name]);
        arguments.map(str::to_owned).collect()
    };
    let names = integration_tests()?;
    let others: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !BESIDE.concat().contains(name))
        .collect();
    println!(
        "Beside these run {}; what they print follows.",
        BESIDE.concat().join(", ")
    );
    let mut beside = Vec::new();
    for (at, names) in BESIDE.iter().enumerate() {
        let path = target.join(format!("beside-{at}.txt"));
        beside.push((spawn(test().args(named(names)), &path)?, path));
    }
    let mut results = vec![
        shell::run(test().args(["--lib", "--bins"]).args(named(&others))),
        shell::run(test().arg("--doc")),
    ];
    for ((mut child, path), names) in beside.into_iter().zip(BESIDE) {
        let status = child
            .wait()
            .map_err(|error| format!("cargo test cannot be waited for: {error}"))?;
        let printed = fs::read_to_string(&path);
        print!(
            "{}",
            printed.map_err(|error| format!("{}: {error}", path.display()))?
        );
        results.push(match status.success() {
            true => Ok(()),
            false => Err(format!(
                "cargo test of {} ended with {status}",
                names.join(", ")
            )),
        });
    }
    results.into_iter().collect()
}

/// Starts a command that writes what it prints to a file.
fn spawn(command: &mut Command, path: &Path) -> Result<Child> {
    let cannot = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = File::create(path).map_err(cannot)?;
    command
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(cannot)?)
        .stderr(file)
        .spawn()
        .map_err(|error| format!("cargo test cannot be run: {error}"))
}

/// The names of the integration tests of all packages: files and folders with a `main.rs`, as cargo finds them.
fn integration_tests() -> Result<BTreeSet<String>> {
    let entries = |folder: &Path| -> Result<Vec<PathBuf>> {
        let cannot = |error: std::io::Error| format!("{}: {error}", folder.display());
        let entries = fs::read_dir(folder).map_err(cannot)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths.collect::<std::io::Result<_>>().map_err(cannot)
    };
    let mut folders = ["fuzz/tests", "tests/tests"]
        .map(|path| shell::root().join(path))
        .to_vec();
    let packages = entries(&shell::root().join("crates"))?.into_iter();
    folders.extend(packages.map(|package| package.join("tests")));
    let mut names = BTreeSet::new();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        let is_test = |path: &PathBuf| {
            path.extension().is_some_and(|extension| extension == "rs")
                || path.join("main.rs").is_file()
        };
        let tests = entries(folder)?.into_iter().filter(is_test);
        names.extend(tests.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())));
    }
    Ok(names)
}

fn print_missing(oracles: &Oracles) {
    if oracles.missing.is_empty() {
        return;
    }
    println!("Missing on this machine; what needs it is skipped:");
    for missing in &oracles.missing {
        println!("  {missing}");
    }
    if !oracles.packages.is_empty() {
        println!(
            "On Debian or Ubuntu, this installs it (`cargo xtask test --install` does, too, and starts no service):\n  \
             sudo {}",
            packages::command(&oracles.packages)
        );
    }
}

fn print_skipped(skips: &str, oracles: &Oracles) {
    let lines = skipped(skips);
    if lines.is_empty() && oracles.missing.is_empty() {
        println!("\nNothing was skipped.");
        return;
    }
    println!();
    for line in lines {
        println!("{line}");
    }
    if !oracles.missing.is_empty() {
        println!("Missing: {}", oracles.missing.join("; "));
    }
}

/// A line for each reason, with the tests that gave it: a test and a reason, apart by a tab, are a line of `skips`.
fn skipped(skips: &str) -> Vec<String> {
    let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (test, reason) in skips.lines().filter_map(|line| line.split_once('\t')) {
        reasons.entry(reason).or_default().insert(test);
    }
    let line = |(reason, tests): (&str, BTreeSet<&str>)| {
        let tests = match tests.len() {
            1 => "1 test".to_owned(),
            count => format!("{count} tests"),
        };
        let package = packages::of_reason(reason);
        let fix = package.map(|package| format!(" (Debian, Ubuntu: apt install {package})"));
        format!("skipped {tests}: {reason}{}", fix.unwrap_or_default())
    };
    reasons.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_that_runs_beside_the_others_is_one() {
        let names = integration_tests().unwrap();
        for name in BESIDE.concat() {
            assert!(names.contains(name), "{name}");
        }
        for name in ["cases", "bad_input", "clean", "hocon_oracle", "seeds"] {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn a_reason_is_one_line_with_its_tests_and_the_package_that_ends_it() {
        let skips = "certificates\tTLS: nginx not found\nplain\tTLS: nginx not found\ncertificates\tTLS: nginx not found\n\
                     a\tthe stand-in server: no Python environment\n";
        assert_eq!(
            skipped(skips),
            [
                "skipped 2 tests: TLS: nginx not found (Debian, Ubuntu: apt install nginx)",
                "skipped 1 test: the stand-in server: no Python environment",
            ]
        );
        assert!(skipped("").is_empty());
    }
}
