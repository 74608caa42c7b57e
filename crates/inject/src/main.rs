//! clearml-inject: puts a keyset into a ClearML docker-compose file, and proves that every server will read it.

mod cli;
mod diff;
mod error;
mod run;
mod talk;
mod witness;
mod write;

use std::process::ExitCode;

use clap::Parser;
use clearml_secure_core::exit;

fn main() -> ExitCode {
    exit::guarded("clearml-inject", talk::say, outcome)
}

fn outcome() -> ExitCode {
    let outcome = run::run(&cli::Cli::parse());
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            talk::say(&exit::message(
                "clearml-inject",
                &error,
                error.help().as_deref(),
            ));
            ExitCode::from(exit::FAILED)
        }
    }
}
