//! How the programs end: one set of exit codes, one form of error, and a closed pipe that is no error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Nothing to report.
pub const FINE: u8 = 0;
/// Findings; with `--check`, "would change".
pub const FINDINGS: u8 = 1;
/// Could not run, or could not look.
pub const FAILED: u8 = 2;

/// An error as all programs print it: what happened, and what to do.
pub fn message(program: &str, what: &dyn Display, help: Option<&str>) -> String {
    let what = what.to_string();
    // `-` alone is easily overlooked.
    let what = match what.strip_prefix("-:") {
        Some(rest) => format!("standard input:{rest}"),
        None => what,
    };
    match help {
        Some(help) => {
            let help = help.replace('\n', "\n    ");
            format!("{program}: {what}\n  help: {help}\n")
        }
        None => format!("{program}: {what}\n"),
    }
}

/// What a program takes from standard input where its path is `-`.
pub struct Input<'a> {
    /// As it was given, if it was.
    pub path: Option<&'a Path>,
    /// `a keyset`.
    pub what: &'static str,
    /// How to name a file: `-k FILE`.
    pub named: &'static str,
}

/// What to tell a person at a terminal before the first of these is read: without it, a program that waits looks like one
/// that hangs. None where standard input is a pipe or a file, or is not read.
pub fn waiting(program: &str, inputs: &[Input<'_>]) -> Option<String> {
    let is_stdin = |input: &&Input<'_>| input.path == Some(Path::new("-"));
    let input = inputs.iter().find(is_stdin)?;
    io::stdin().is_terminal().then(|| {
        let Input { what, named, .. } = input;
        format!("{program}: waiting for {what} on standard input. Ctrl-D ends it. To read a file, use {named}\n")
    })
}

/// Whether a file or the product has begun to change.
static IS_WRITING: AtomicBool = AtomicBool::new(false);

/// To be called before the first byte of a file or of the product changes: after that, a panic must not say that nothing
/// was written.
pub(crate) fn writing() {
    IS_WRITING.store(true, Ordering::Relaxed);
}

/// From now on a panic of any thread ends the program with `end`, which gets the place in the code and not the payload: that
/// may hold text of a user's file. Nothing is unwound, for what is released cannot be.
pub fn at_panic(program: &'static str, end: fn(&str) -> !) {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or_else(String::new, |location| {
            format!(" at {}:{}", location.file(), location.line())
        });
        let written = if IS_WRITING.load(Ordering::Relaxed) {
            "while it was writing: check what it has changed"
        } else {
            "nothing was written"
        };
        let what = format!("internal error{place}, {written}");
        let help = "this is a bug. Please report that place, the version and the options (none of them shows your files)";
        end(&message(program, &what, Some(help)))
    }));
}

/// Writes a program's product. Anyone who closed the pipe has seen enough: that is no error. Returns whether all of
/// it was taken.
///
/// # Errors
/// Anything else, such as a full disk.
pub fn write_product(mut out: impl Write, product: &[u8]) -> io::Result<bool> {
    writing();
    match out.write_all(product).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => other.map(|()| true),
    }
}
