//! How the programs end: one set of exit codes, one form of error, and a closed pipe that is no error.

use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{self, UnwindSafe};
use std::process::ExitCode;

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

/// Runs a program. Of a panic, `say` gets the place in our code and not the payload, which may hold text of a user's file;
/// the exit code is that of any other error.
pub fn guarded(
    program: &'static str,
    say: fn(&str),
    run: impl FnOnce() -> ExitCode + UnwindSafe,
) -> ExitCode {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, |location| {
            format!(" at {}:{}", location.file(), location.line())
        });
        let what = format!("this is a bug of {program}{place}");
        let help =
            "please report that line, the command and the version; it holds nothing of your files";
        say(&message(program, &what, Some(help)));
    }));
    panic::catch_unwind(run).unwrap_or(ExitCode::from(FAILED))
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
