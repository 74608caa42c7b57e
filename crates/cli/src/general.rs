//! The options that every program has, at the end of its help, and the one way to read a command line.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process;

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{Arg, ArgAction, Args, ColorChoice, Command, Parser};
use clearml_secure_core::exit;
use clearml_secure_core::shell::quoted;

use crate::talk::complain;
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
    let mut command = command::<C>(version).color(color_of(env::args_os()));
    let matches = command.try_get_matches_from_mut(env::args_os());
    matches
        .and_then(|matches| C::from_arg_matches(&matches))
        .unwrap_or_else(|error| {
            end(
                &explained(error, &command, env::args_os().skip(1)),
                &command,
            )
        })
}

/// Prints what is asked for or wrong, and ends the program. clap's own way takes a full disk for done.
#[expect(
    clippy::exit,
    reason = "what is asked for is answered, as clap's own way ends it"
)]
fn end(error: &Error, command: &Command) -> ! {
    let printed = error.print().and_then(|()| io::stdout().flush());
    let code = match printed {
        Err(failed) if !error.use_stderr() && failed.kind() != io::ErrorKind::BrokenPipe => {
            let what = format!(
                "standard output cannot be written: {}",
                clearml_secure_core::error::words(&failed)
            );
            complain(command.get_name(), command.get_color(), &what, None);
            i32::from(exit::FAILED)
        }
        _ => error.exit_code(),
    };
    process::exit(code)
}

/// An error that names a command that works where options are missing beside others; clap names a line without them. And
/// one that knows `-user`.
fn explained(mut error: Error, command: &Command, words: impl Iterator<Item = OsString>) -> Error {
    if error.kind() == ErrorKind::UnknownArgument {
        let words: Vec<OsString> = words.collect();
        if let Some(option) = taker(&error, command, &words) {
            let message = format!(
                "{option} needs a value. One that begins with a dash is written behind `=`:\n  {} {option}=VALUE\n\nFor more information, try '--help'.\n",
                command.get_name()
            );
            return Error::raw(error.kind(), message).with_cmd(command);
        }
        let words = words.into_iter();
        // No file is called like an option.
        error.remove(ContextKind::Suggested);
        if let Some(long) = long_of(command, words) {
            error.insert(ContextKind::SuggestedArg, ContextValue::String(long));
        }
        return error;
    }
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing))
            if error.kind() == ErrorKind::MissingRequiredArgument =>
        {
            missing
        }
        _ => return error,
    };
    // Of a group, each alternative is a command.
    let alternatives: Vec<String> = match &missing[..] {
        [group] if group.starts_with("<-") => group.split('|').map(bare).collect(),
        _ if missing.iter().all(|name| name.starts_with('-')) => {
            vec![bare(&missing.join(" "))]
        }
        // One of several files is the user's choice.
        _ => return error,
    };
    let options = alternatives.join(" or ");
    let is_one = alternatives.len() > 1 || !options.contains(" --");
    let verb = if is_one { "is" } else { "are" };
    let run = match alternatives.len() {
        1 => "Run this",
        _ => "Run one of these",
    };
    let words: Vec<String> = words.map(|word| as_typed(&word)).collect();
    let commands = alternatives
        .iter()
        .map(|missing| format!("\n  {} {} {missing}", command.get_name(), words.join(" ")));
    let message = format!(
        "{options} {verb} missing. {run}:{}\n\nFor more information, try '--help'.\n",
        commands.collect::<String>()
    );
    Error::raw(error.kind(), message).with_cmd(command)
}

/// Options as they are typed: without the brackets around a value, and without what may be left out.
fn bare(options: &str) -> String {
    let mut depth = 0;
    let is_kept = |c: &char| {
        depth += i32::from(*c == '[');
        let is_kept = depth == 0 && !matches!(c, '<' | '>');
        depth -= i32::from(*c == ']');
        is_kept
    };
    options.chars().filter(is_kept).collect()
}

/// The option that takes a value and stands before the word that is no option.
fn taker(error: &Error, command: &Command, words: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let before = words.windows(2).find_map(|pair| match pair {
        [before, word] if word.to_str()?.starts_with(unknown.as_str()) => before.to_str(),
        _ => None,
    })?;
    let is_it = |known: &Arg| {
        let long = known.get_long().map(|name| format!("--{name}"));
        let short = known.get_short().map(|name| format!("-{name}"));
        [long, short].contains(&Some(before.to_owned())) && known.get_action().takes_values()
    };
    let mut known = command.get_arguments();
    known.any(is_it).then(|| before.to_owned())
}

/// The option that is written with one dash, if one is.
fn long_of(command: &Command, words: impl Iterator<Item = OsString>) -> Option<String> {
    let is_long = |name: &str| {
        let mut known = command.get_arguments();
        name.len() > 1 && known.any(|known| known.get_long() == Some(name))
    };
    let words = words.map(|word| word.to_string_lossy().into_owned());
    let mut names = words.filter_map(|word| {
        let name = word.strip_prefix('-')?;
        Some(name.split('=').next().unwrap_or_default().to_owned())
    });
    names
        .find(|name| is_long(name))
        .map(|name| format!("--{name}"))
}

/// A whole number within bounds, for an option's value.
///
/// # Errors
/// Any other text, in words.
pub fn whole<N: TryFrom<u32>>(text: &str, bounds: RangeInclusive<u32>) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| bounds.contains(number));
    let number = number.and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| {
        let (least, most) = bounds.into_inner();
        format!("it is a whole number from {least} to {most}")
    })
}

/// A word of the command line, in quotes where a shell needs them.
fn as_typed(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    match text.strip_prefix('-') {
        Some(option)
            if option
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-=_".contains(&byte)) =>
        {
            text.into_owned()
        }
        _ => quoted(Path::new(word)),
    }
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
    use clap::ArgGroup;

    use super::*;

    #[test]
    fn color_is_known_before_the_rest() {
        let of = |text: &str| color_of(text.split(' ').map(OsString::from));
        assert_eq!(of("keygen -q"), ColorChoice::Auto);
        assert_eq!(of("keygen --color never --nonsense"), ColorChoice::Never);
        assert_eq!(of("keygen --color=always"), ColorChoice::Always);
        assert_eq!(of("keygen --color=blue --color"), ColorChoice::Auto);
    }

    #[test]
    fn an_option_with_one_dash_is_known() {
        let command = Command::new("keys").arg(Arg::new("user").long("user").num_args(1));
        let told = |words: &[&str]| {
            let error = command.clone().try_get_matches_from(words).unwrap_err();
            let words = words.iter().skip(1).map(OsString::from);
            explained(error, &command, words).to_string()
        };
        assert!(told(&["keys", "-user", "jane"]).contains("'--user'"));
        assert!(!told(&["keys", "-k", "jane"]).contains("tip"));
        assert!(told(&["keys", "--user", "-x"]).contains("\n  keys --user=VALUE\n"));
    }

    #[test]
    fn a_number_is_within_bounds() {
        assert_eq!(whole("7", 1..=9), Ok(7_u16));
        for wrong in ["0", "10", "x", "-1", "7s", ""] {
            let words = "it is a whole number from 1 to 9".to_owned();
            assert_eq!(whole::<u16>(wrong, 1..=9), Err(words), "{wrong}");
        }
    }

    #[test]
    fn what_is_missing_is_told_with_a_command_that_has_it() {
        let file = |name: &'static str| Arg::new(name).long(name).value_name("FILE");
        let command = Command::new("keys")
            .arg(file("only").requires_all(["from", "passwords"]))
            .args([file("from"), file("passwords")]);
        let words = ["keys", "--only", "a b"];
        let error = command.clone().try_get_matches_from(words);
        let words = words.iter().skip(1).map(OsString::from);
        let text = explained(error.unwrap_err(), &command, words).to_string();
        let run = "  keys --only 'a b' --from FILE --passwords FILE\n";
        assert!(text.contains(run), "{text}");
        assert!(text.starts_with("error: --from FILE --passwords FILE are missing. Run this:\n"));
    }

    #[test]
    fn each_of_several_that_are_missing_is_a_command() {
        let name = |name: &'static str, value| Arg::new(name).long(name).value_name(value);
        let command = Command::new("keys")
            .arg(
                Arg::new("passwords")
                    .long("passwords")
                    .requires("who")
                    .num_args(1),
            )
            .args([name("user", "NAME[=FULL NAME]"), name("reset", "NAME")])
            .group(ArgGroup::new("who").args(["user", "reset"]));
        let words = ["keys", "--passwords", "x"];
        let error = command.clone().try_get_matches_from(words);
        let words = words.iter().skip(1).map(OsString::from);
        let text = explained(error.unwrap_err(), &command, words).to_string();
        let expected = "error: --user NAME or --reset NAME is missing. Run one of these:\n  \
                        keys --passwords x --user NAME\n  keys --passwords x --reset NAME\n";
        assert!(text.starts_with(expected), "{text}");
    }
}
