//! docs/benchmarks.md: what was measured, on which machine, with which command lines.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use super::row::Row;
use crate::shell::{self, Result};

const PATH: &str = "docs/benchmarks.md";

/// Writes the page.
pub(super) fn write(rows: &[Row], programs: &[(&str, Command)]) -> Result {
    let path = shell::root().join(PATH);
    let mut text = String::from(
        "# Benchmarks\n\n\
         <!-- `cargo xtask bench` writes this page. -->\n\n\
         One run of `cargo xtask bench` on one machine. Only ratios can be compared with another machine: what is compared ran in turns, and of \
         several runs the median counts. The programs are linked as those that are released.\n\n",
    );
    text.push_str(&machine());
    text.push_str(&versions(programs));
    text.push_str("\n## Work, bound and measured\n\n");
    text.push_str(
        "| work | bound | measured | clearml-secure | peer | |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            row.work,
            row.bound(),
            row.measured(),
            row.ours,
            row.theirs,
            if row.holds() { "" } else { "missed" }
        );
    }
    text.push_str(&missed(rows));
    text.push_str("\n## How it grows\n\n![time and memory of clearml-verify over the number of deployments](growth.svg)\n");
    text.push_str("\n## Command lines\n\n");
    for row in rows.iter().filter(|row| !row.how.is_empty()) {
        let _ = writeln!(text, "- {}: {}", row.work, row.how);
    }
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where a bound is missed: what remains, and why, each reason once.
fn missed(rows: &[Row]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows
        .iter()
        .filter(|row| !row.holds() && !row.why.is_empty())
    {
        match reasons.iter_mut().find(|(why, _)| *why == row.why) {
            Some((_, works)) => works.push(&row.work),
            None => reasons.push((row.why, vec![&row.work])),
        }
    }
    if reasons.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n## Where a bound is missed\n\nShares are of the instructions, counted with callgrind.\n\n",
    );
    for (why, works) in reasons {
        let _ = writeln!(text, "- {}: {why}", works.join("; "));
    }
    text
}

/// The machine, and how busy it is.
fn machine() -> String {
    let of = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(
            || "unknown".to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "| machine | |\n|---|---|\n| processor | {}, {cores} cores |\n| memory | {} |\n| Linux | {} |\n\
         | load at the end of the run, which has one of its own | {load} |\n",
        of("/proc/cpuinfo", "model name"),
        of("/proc/meminfo", "MemTotal"),
        read("/proc/sys/kernel/osrelease").trim(),
    )
}

/// What every program says of its version, on its first line.
fn versions(programs: &[(&str, Command)]) -> String {
    let mut text = String::new();
    for (name, program) in programs {
        let option = if *name == "openssl" {
            "version"
        } else {
            "--version"
        };
        let mut asked = Command::new(program.get_program());
        let said = shell::output(asked.arg(option)).unwrap_or_default();
        let first = said.lines().next().unwrap_or("unknown");
        let _ = writeln!(
            text,
            "| {name} | {} |",
            first.trim_start_matches(name).trim()
        );
    }
    text
}
