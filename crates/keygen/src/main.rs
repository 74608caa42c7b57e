//! clearml-keygen: generates keys for every account of a ClearML Server.

mod beside;
mod changes;
mod chosen;
mod cli;
mod count;
mod error;
mod existing;
mod from;
mod helm;
mod output;
mod product;
mod run;
mod talk;
mod users;

use std::process::ExitCode;

use clearml_secure_cli::{begin, general, talk::complain, version};
use clearml_secure_core::{exit, known};

fn main() -> ExitCode {
    begin("clearml-keygen");
    let cli: cli::Cli = general::parse(version::text(&[("defaults", known::DATE)]));
    match run::run(&cli) {
        Ok(()) => ExitCode::from(exit::FINE),
        Err(error) => {
            let help = error.help();
            complain("clearml-keygen", cli.general.color, &error, help.as_deref());
            ExitCode::from(exit::FAILED)
        }
    }
}
