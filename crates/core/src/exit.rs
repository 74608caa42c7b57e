//! How the programs end: one set of exit codes, one form of error, and a closed pipe that is no error.

use std::fmt::Display;
use std::io::{self, Write};

/// Nothing to report.
pub const FINE: u8 = 0;
/// Findings; with `--check`, "would change".
pub const FINDINGS: u8 = 1;
/// Could not run, or could not look.
pub const FAILED: u8 = 2;

/// An error as all programs print it: what happened, and what to do.
pub fn message(program: &str, what: &dyn Display, help: Option<&str>) -> String {
    match help {
        Some(help) => format!("{program}: {what}\n  help: {help}\n"),
        None => format!("{program}: {what}\n"),
    }
}

/// Writes a program's product. Whoever closed the pipe has seen enough: that is no error. Returns whether all of
/// it was taken.
///
/// # Errors
/// Anything else, such as a full disk.
pub fn write_product(mut out: impl Write, product: &[u8]) -> io::Result<bool> {
    match out.write_all(product).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}
