//! `cargo xtask ci`: what must hold before a change is merged. The first failure ends it.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{self, Result};
use crate::{audit, docs, tidy};

/// Runs the task.
pub(crate) fn run() -> Result {
    let start = Instant::now();
    step("format", || {
        shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
    })?;
    step("clippy", || {
        shell::run(
            shell::cargo()
                .args(["clippy", "--workspace", "--all-targets", "--quiet"])
                .args(["--", "--deny", "warnings"]),
        )
    })?;
    step("docs", || docs::run(true))?;
    step("cargo doc", || {
        shell::run(
            shell::cargo()
                .args(["doc", "--no-deps", "--quiet"])
                .args(["--package", "pyhocon", "--package", "clearml-secure-core"])
                .env("RUSTDOCFLAGS", "--deny warnings"),
        )
    })?;
    step("tidy", tidy::run)?;
    step("audit", audit::run)?;
    // The README's command, as it is there for a machine that is nobody's.
    step("cargo xtask test --install", || {
        shell::run(
            Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(["xtask", "test", "--install"])
                .current_dir(shell::root())
                .env("CLEARML_SECURE_REQUIRE_ORACLES", "1"),
        )
    })?;
    println!("\nAll of it passed in {}.", seconds(start.elapsed()));
    Ok(())
}

fn step(name: &str, task: impl FnOnce() -> Result) -> Result {
    println!("\n== {name}");
    let start = Instant::now();
    let result = task();
    let end = if result.is_ok() { "passed" } else { "FAILED" };
    println!("== {name}: {end} in {}", seconds(start.elapsed()));
    result
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
