//! The command line of clearml-rotate. A shell script declares none, so that its `--help` is read, which people read, too.

use clap::{Arg, ArgAction, Command, ValueHint};

use crate::error::{Error, Result};

/// The script.
pub(crate) const NAME: &str = "clearml-rotate";

/// Where an option's description begins, at the latest.
const COLUMN: usize = 25;

/// Reads a help text: paragraphs, `Usage:`, sections of options, and what comes after `Examples:`.
pub(crate) fn command(help: &str) -> Result<Command> {
    let (about, rest) = help
        .split_once("\n\nUsage: ")
        .ok_or(Error::Help("no usage"))?;
    let (rest, after) = rest
        .split_once("\nExamples:\n")
        .ok_or(Error::Help("no examples"))?;
    let (usage, sections) = rest
        .split_once("\n\n")
        .ok_or(Error::Help("no sections of options"))?;
    let (short, long) = about.split_once("\n\n").unwrap_or((about, ""));
    let usage: Vec<&str> = usage.lines().map(str::trim).collect();
    let mut command = Command::new(NAME)
        .about(joined(short))
        .long_about(format!("{}\n\n{}", joined(short), joined(long)))
        .override_usage(usage.join("\n"))
        .after_help(format!("Examples:\n{after}"))
        .disable_help_flag(true)
        .disable_version_flag(true);
    for section in sections.split("\n\n") {
        let (heading, items) = section
            .split_once(":\n")
            .ok_or(Error::Help("a section without a heading"))?;
        for (names, text) in entries(items) {
            for argument in arguments(&names) {
                let argument = argument.help(text.clone());
                command = command.arg(match heading {
                    "Arguments" => argument,
                    _ => argument.help_heading(heading.to_owned()),
                });
            }
        }
    }
    Ok(command)
}

/// What a section lists, with the description of each on one line.
fn entries(section: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in section.lines() {
        let text = line.trim_start();
        if line.len() - text.len() >= COLUMN {
            if let Some((_, before)) = entries.last_mut() {
                before.push_str(if before.is_empty() { "" } else { " " });
                before.push_str(text);
            }
            continue;
        }
        let (names, text) = text.split_once("  ").unwrap_or((text, ""));
        entries.push((names.to_owned(), text.trim_start().to_owned()));
    }
    entries
}

/// The arguments that a line of help names: `COMPOSE`, `-k, --keys KEYS`, or several options of one kind.
fn arguments(names: &str) -> Vec<Arg> {
    let mut arguments = Vec::new();
    let mut short = None;
    for name in names.split(", ") {
        let (name, value) = name.split_once(' ').unwrap_or((name, ""));
        let Some(long) = name.strip_prefix("--") else {
            match name.strip_prefix('-') {
                Some(letter) => short = letter.chars().next(),
                None => arguments.push(positional(name)),
            }
            continue;
        };
        let argument = Arg::new(long.to_owned()).long(long.to_owned());
        let argument = match short.take() {
            Some(letter) => argument.short(letter),
            None => argument,
        };
        arguments.push(match value {
            "" => argument.action(ArgAction::SetTrue),
            _ => argument
                .value_name(value.to_owned())
                .value_hint(hint(value)),
        });
    }
    arguments
}

/// The last of them is given once or more.
fn positional(name: &str) -> Arg {
    let argument = Arg::new(name.to_owned())
        .value_name(name.to_owned())
        .value_hint(hint(name));
    match name {
        "URL" => argument.action(ArgAction::Append).num_args(1..),
        _ => argument,
    }
}

/// What a shell completes in place of a value.
fn hint(value: &str) -> ValueHint {
    match value {
        "COMPOSE" | "FILE" | "KEYS" => ValueHint::FilePath,
        "PATH" => ValueHint::AnyPath,
        "URL" => ValueHint::Url,
        "COMMAND" => ValueHint::CommandString,
        _ => ValueHint::Other,
    }
}

fn joined(paragraph: &str) -> String {
    paragraph.lines().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Does it.\n\nIt does it\nwell.\n\n\
        Usage: clearml-rotate [OPTIONS] [COMPOSE] URL...\n       clearml-rotate --recover\n\n\
        Arguments:\n  COMPOSE                The file\n  URL                    The server\n\n\
        Keys:\n  -k, --keys KEYS        The keyset\n                         in use\n\
        \x20 -p, --project-name NAME\n                         Its name\n\
        \x20     --api URL, --plain\n                         As there\n\n\
        Examples:\n  clearml-rotate x\n\nExit codes: 0 fine.\n";

    #[test]
    fn a_help_text_is_a_command_line() {
        let command = command(HELP).unwrap();
        let shown: Vec<String> = command
            .get_arguments()
            .map(|argument| {
                format!(
                    "{:?} {:?} {:?}",
                    argument.get_short().map(String::from).unwrap_or_default(),
                    argument.get_long().unwrap_or_default(),
                    argument.get_help().unwrap().to_string(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "\"\" \"\" \"The file\"",
                "\"\" \"\" \"The server\"",
                "\"k\" \"keys\" \"The keyset in use\"",
                "\"p\" \"project-name\" \"Its name\"",
                "\"\" \"api\" \"As there\"",
                "\"\" \"plain\" \"As there\"",
            ]
        );
        command.debug_assert();
    }

    #[test]
    fn a_text_without_its_parts_is_refused() {
        for part in ["\n\nUsage: ", "\nExamples:\n"] {
            assert!(command(&HELP.replace(part, "\n")).is_err(), "{part:?}");
        }
    }
}
