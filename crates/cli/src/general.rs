//! The options that every program has, at the end of its help, and the one way to read a command line.

use std::env;
use std::ffi::OsString;

use clap::{ArgAction, Args, ColorChoice, Command, Parser};

use crate::wrap::WIDEST;

/// What every program can be told.
#[derive(Clone, Debug, Args)]
pub struct General {
    /// Say nothing on standard error but errors
    #[arg(short, long, help_heading = "General")]
    pub quiet: bool,

    /// When to use colors
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "General"
    )]
    pub color: ColorChoice,

    /// Print help; `-h` is the short one
    // Ours, because clap's own would stand above what people look for.
    #[arg(short, long, action = ArgAction::Help, help_heading = "General")]
    help: Option<bool>,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = "General")]
    version: Option<bool>,
}

/// Reads the command line. What is wrong with it is printed and ends the program, as do its help and the version, which is
/// made of what the program was built from ([`crate::version::text`]).
pub fn parse<C: Parser>(version: String) -> C {
    let command = command::<C>(version).color(color_of(env::args_os()));
    C::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// A program's command line.
pub fn command<C: Parser>(version: String) -> Command {
    let command = C::command().max_term_width(WIDEST).version(version);
    command.disable_help_flag(true).disable_version_flag(true)
}

/// The color that was asked for. It is looked for beforehand, because it also counts for the help and for clap's own
/// errors.
fn color_of(arguments: impl Iterator<Item = OsString>) -> ColorChoice {
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let mut choice = ColorChoice::Auto;
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--color") {
            Some("") => arguments.next().unwrap_or_default(),
            Some(value) => value.trim_start_matches('=').to_owned(),
            None => continue,
        };
        choice = value.parse().unwrap_or(choice);
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_is_known_before_the_rest() {
        let of = |text: &str| color_of(text.split(' ').map(OsString::from));
        assert_eq!(of("keygen -q"), ColorChoice::Auto);
        assert_eq!(of("keygen --color never --nonsense"), ColorChoice::Never);
        assert_eq!(of("keygen --color=always"), ColorChoice::Always);
        assert_eq!(of("keygen --color=blue --color"), ColorChoice::Auto);
    }
}
