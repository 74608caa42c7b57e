//! clearml-inject: puts a keyset into a ClearML docker-compose file, or the name of its Secret into Helm values, and proves
//! that every server will read it.

mod cli;
mod diff;
mod error;
mod ports;
mod run;
mod talk;
mod values;
mod witness;
mod write;

use std::process::ExitCode;

use clearml_secure_cli::{begin, general, talk::complain, version};
use clearml_secure_core::{exit, known};

fn main() -> ExitCode {
    begin("clearml-inject");
    let cli: cli::Cli = general::parse(version::text(&[("defaults", known::DATE)]));
    match run::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let help = error.help_for(&cli);
            complain("clearml-inject", cli.general.color, &error, help.as_deref());
            ExitCode::from(exit::FAILED)
        }
    }
}
