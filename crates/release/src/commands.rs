//! The command lines of the programs, as they themselves declare them.
//!
//! A program's `cli.rs` knows only clap, the standard library and what the programs share, so it is compiled here a second
//! time: the programs carry nothing for their man pages, and this crate depends on none of them.

use clap::Command;
use clearml_secure_cli::general;

use crate::error::Result;
use crate::script;

#[path = "../../inject/src/cli.rs"]
#[expect(
    dead_code,
    reason = "what the program asks of its options is not asked here"
)]
mod inject;
#[path = "../../keygen/src/cli.rs"]
mod keygen;
#[path = "../../verify/src/cli.rs"]
mod verify;

/// What is installed to be run: the three programs and the script over them.
pub(crate) const NAMES: [&str; 4] = [
    "clearml-keygen",
    "clearml-inject",
    "clearml-verify",
    script::NAME,
];

/// The command lines in the order of [`NAMES`]. That of the script is what its `--help` says.
pub(crate) fn all(version: &str, script_help: &str) -> Result<[Command; 4]> {
    let version = || version.to_owned();
    let [keygen, inject, verify, _] = NAMES;
    // Of its own accord clap takes the name of the crate that is compiled.
    Ok([
        general::command::<keygen::Cli>(version()).name(keygen),
        general::command::<inject::Cli>(version()).name(inject),
        general::command::<verify::Cli>(version()).name(verify),
        script::command(script_help)?.version(version()),
    ])
}
