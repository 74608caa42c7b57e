//! The project's own tasks: `cargo xtask TASK`. One file a task.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a person reads this in a terminal; there is no product on standard output"
)]

mod anchors;
mod audit;
mod bench;
mod ci;
mod demo;
mod dist;
mod docs;
mod evidence;
mod formulas;
mod opening;
mod oracles;
mod packages;
mod repository;
mod shell;
mod site;
mod standin;
mod test;
mod tidy;
mod translation;
mod values;

use std::env;
use std::process::ExitCode;

const TASKS: &str = "\
Usage: cargo xtask TASK

  demo [COMPOSE]      the whole pipeline on a stock deployment (or yours): before, after, what changed;
  demo --kubernetes   the same for a release of Helm, with a chart that gives servers what ClearML's gives them
  test [--install] [ARGUMENT]...
                      set up what the tests need under target/, then run all of them; arguments go to `cargo test`;
                      --install also installs system packages (root, Debian or Ubuntu), and starts no service
  ci                  format, clippy, docs, cargo doc, tidy, audit, then all tests, with every oracle required
  docs [--check]      write what pages take from the code and from the programs' output, or fail if it is
                      out of date or a cited anchor of docs does not exist
  docs --site         the pages as a site, in target/site/html; builds mdBook once, which takes minutes
  tidy                no circles between files, a library that says nothing, and what else holds in this house
  audit               where the packages in the programs come from, their licenses, none in two versions, and
                      none with a vulnerability that RustSec knows, where cargo-audit and its database are
  bench [--programs DIR]
                      speed and memory beside openssl, compose-lint, ripgrep, PyYAML and others; writes docs/benchmarks.md
  dist [--sign KEY] [--out DIR] [--programs DIR]
                      build the programs as they are released, or take those of DIR, and pack them in dist/:
                      archive, Debian package, image, list of parts, checksums, and their signature
  dist --check        what a release promises, of the last commit: the same bytes twice, sizes, no library, tests
  formulas DIST       a formula for Homebrew and a flake for Nix, beside the release that they fetch";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("", &[] as &[String]),
    };
    let result = match task {
        "audit" => audit::run(),
        "bench" => bench::run(rest),
        "ci" => ci::run(),
        "demo" => demo::run(rest),
        "dist" => dist::run(rest),
        "docs" if rest == ["--site"] => site::run(),
        "docs" => docs::run(rest.iter().any(|argument| argument == "--check")),
        "test" => test::run(rest, &[]),
        "formulas" => formulas::run(rest),
        "tidy" => tidy::run(),
        "" | "help" | "-h" | "--help" => {
            println!("{TASKS}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("no such task\n\n{TASKS}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\nxtask {task}: {why}");
            ExitCode::FAILURE
        }
    }
}
