//! What the three programs have in common on a terminal: `-h`, `-V`, `-q` and `--color`, how wide a line is, how an error
//! looks, and that neither a crash nor a signal leaves keys behind.
//!
//! Each program says the rest of its command line itself.

mod core_dump;
pub mod general;
pub mod interrupt;
pub mod talk;
pub mod version;
pub mod wrap;

use std::process;

use clearml_secure_core::exit;
use clearml_secure_core::io::{abandon, before_temporary_files};

/// The first thing that each program does: neither a core dump, nor a signal, nor a bug leaves keys behind.
pub fn begin(program: &'static str) {
    core_dump::forbid();
    before_temporary_files(interrupt::watch);
    exit::at_panic(program, crashed);
}

#[expect(
    clippy::exit,
    reason = "a bug ends a program wherever it is, as any error does, and what is released cannot unwind"
)]
fn crashed(what: &str) -> ! {
    talk::say(what);
    abandon();
    process::exit(exit::FAILED.into())
}
