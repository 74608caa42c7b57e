//! clearml-verify: says what is unsafe in a ClearML deployment, and where.

mod address;
mod advisory;
mod case;
mod cli;
mod clients;
mod decisions;
mod drift;
mod entry;
mod error;
mod files;
mod finding;
mod fix;
mod keys;
mod live;
mod login;
mod output;
mod pages;
mod probes;
mod report;
mod rules;
mod run;
mod since;
mod target;
mod words;

use std::process::ExitCode;

use clearml_secure_cli::{begin, general, talk::complain, version};
use clearml_secure_core::{exit, known};

fn main() -> ExitCode {
    begin("clearml-verify");
    let lists = [("advisories", advisory::date()), ("defaults", known::DATE)];
    let mut cli: cli::Cli = general::parse(version::text(&lists));
    match run::run(&mut cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let help = error.help();
            complain("clearml-verify", cli.general.color, &error, help.as_deref());
            ExitCode::from(exit::FAILED)
        }
    }
}
