//! clearml-verify: says what is unsafe in a ClearML deployment, and where.

mod address;
mod advisory;
mod arguments;
mod asked;
mod baseline;
mod case;
mod check;
mod cli;
mod client;
mod clients;
mod crew;
mod described;
mod drift;
mod entry;
mod error;
mod files;
mod finding;
mod fingerprint;
mod fix;
mod fleet;
mod folder;
mod guess;
mod hash;
mod hidden;
mod ignore;
mod installer;
mod judgment;
mod keys;
mod kustomization;
mod launcher;
mod lines;
mod live;
mod loader;
mod login;
mod look;
mod openings;
mod origins;
mod output;
mod pages;
mod people;
mod policy;
mod probes;
mod products;
mod progress;
mod protection;
mod reader;
mod readout;
mod receipt;
mod report;
mod retired;
mod rules;
mod run;
mod shard;
mod since;
mod stream;
mod sweep;
mod target;
mod trees;
mod unopened;
mod unread;
mod until;
mod walk;
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
