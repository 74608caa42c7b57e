//! clearml-keygen: generates keys for every account of a ClearML Server.

mod changes;
mod chosen;
mod cli;
mod error;
mod from;
mod output;
mod product;
mod run;
mod talk;
mod users;

use std::io::{self, Write};
use std::process::ExitCode;

use clearml_secure_core::exit;

fn main() -> ExitCode {
    exit::guarded(
        "clearml-keygen",
        |text| drop(io::stderr().write_all(text.as_bytes())),
        outcome,
    )
}

fn outcome() -> ExitCode {
    let cli = cli::parse();
    match run::run(&cli) {
        Ok(()) => ExitCode::from(exit::FINE),
        Err(error) => {
            talk::complain(cli.color, &error);
            ExitCode::from(exit::FAILED)
        }
    }
}
