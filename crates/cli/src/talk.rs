//! Standard error, and whether a stream has colors.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstream::stream::RawStream;
use clap::ColorChoice;
use clap::builder::styling::AnsiColor;
use clearml_secure_core::exit;

use crate::wrap::{width, wrapped};

/// Talk goes to standard error; that nobody may be listening is no error.
pub fn say(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Whether a stream has colors. Without a choice that is what clap does with its help: on a terminal that has some, unless
/// `NO_COLOR` is set.
pub fn has_color(choice: ColorChoice, stream: &impl RawStream) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}

/// Says why a program could not do its work, and what to do now.
pub fn complain(program: &str, choice: ColorChoice, error: &dyn Display, help: Option<&str>) {
    let stream = io::stderr();
    let mut message = exit::message(program, error, help);
    if stream.is_terminal() {
        let width = width(&stream);
        let lines = message.lines().map(|line| {
            let text = line.trim_start();
            let (indent, _) = line.split_at(line.len() - text.len());
            wrapped(indent, indent.len() + 2, text, width) + "\n"
        });
        message = lines.collect();
    }
    if has_color(choice, &stream) {
        // As clap does with its own errors.
        let style = AnsiColor::Red.on_default().bold();
        let name = format!("{style}{program}:{style:#}");
        message = message.replacen(&format!("{program}:"), &name, 1);
    }
    say(&message);
}
