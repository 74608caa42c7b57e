//! `cargo xtask test`: sets up what the tests need, then runs all of them.
//!
//! A test that cannot run a part says so with `oracle::skip`, which adds a line to the file that
//! `CLEARML_SECURE_SKIPS` names: what a passing test prints is not shown, and a skipped part must be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::oracles::{self, Oracles};
use crate::packages;
use crate::shell::{self, Result};

/// Runs the task; the arguments go to `cargo test`, but for `--install`, and so do the variables.
pub(crate) fn run(arguments: &[String], variables: &[(&str, &str)]) -> Result {
    let (install, arguments): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| *argument == "--install");
    let oracles = oracles::set_up(!install.is_empty())?;
    print_missing(&oracles);
    // The end-to-end tests are a package of their own, and cargo builds programs only for the package they are in.
    shell::run(shell::cargo().args(["build", "--workspace", "--bins"]))?;
    let target = shell::target()?;
    let skips = target.join("skipped.txt");
    fs::write(&skips, "").map_err(|error| format!("{}: {error}", skips.display()))?;
    let result = shell::run(
        shell::cargo()
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(arguments)
            .envs(variables.iter().copied())
            .env("CLEARML_SECURE_ORACLES", &oracles.folder)
            .env("CLEARML_SECURE_BIN", target.join("debug"))
            .env("CLEARML_SECURE_SKIPS", &skips),
    );
    print_skipped(&fs::read_to_string(&skips).unwrap_or_default(), &oracles);
    result
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
