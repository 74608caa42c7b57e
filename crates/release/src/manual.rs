//! Man pages.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::commands::NAMES;
use crate::script;

const EXAMPLES: &str = "Examples:\n";
const EXIT: &str = "Exit codes: ";

/// The man page of a program. What comes after the options of its help is put into the sections that man pages have for it.
pub(crate) fn page(command: &Command, date: &str) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let after = command
        .get_after_help()
        .map(|text| text.to_string())
        .unwrap_or_default();
    let version = command.get_version().unwrap_or_default().to_owned();
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .date(date)
        .source(format!("clearml-secure {version}"))
        .manual("clearml-secure");
    let mut out = Vec::new();
    let parts = [
        Man::render_title,
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    for part in parts {
        // A vector takes everything.
        drop(part(&man, &mut out));
    }
    let mut roff = Roff::default();
    let after = After::of(&after);
    exit_status(&mut roff, after.exit);
    examples(&mut roff, after.examples);
    notes(&mut roff, after.notes);
    see_also(&mut roff, &name);
    drop(roff.to_writer(&mut out));
    out
}

/// What follows the options in a help text.
#[derive(Debug, PartialEq, Eq)]
struct After<'t> {
    examples: &'t str,
    notes: &'t str,
    exit: &'t str,
}

impl<'t> After<'t> {
    fn of(text: &'t str) -> Self {
        let text = text.strip_prefix(EXAMPLES).unwrap_or(text);
        let (text, exit) = text.split_once(EXIT).unwrap_or((text, ""));
        let (examples, notes) = text.split_once("\n\n").unwrap_or((text, ""));
        Self {
            examples,
            notes: notes.trim_end(),
            exit,
        }
    }
}

/// `0 fine, 1 findings.`: each number with what it means, and the sentences behind that.
fn statuses(text: &str) -> (Vec<(char, String)>, String) {
    let text = text.lines().collect::<Vec<_>>().join(" ");
    let (list, more) = text.split_once(". ").unwrap_or((&text, ""));
    let mut statuses: Vec<(char, String)> = Vec::new();
    for part in list.trim_end_matches('.').split(", ") {
        let mut letters = part.chars();
        match (letters.next(), letters.as_str().strip_prefix(' ')) {
            (Some(number @ '0'..='9'), Some(meaning)) => {
                statuses.push((number, meaning.to_owned()))
            }
            _ => {
                if let Some((_, meaning)) = statuses.last_mut() {
                    meaning.push_str(", ");
                    meaning.push_str(part);
                }
            }
        }
    }
    (statuses, more.to_owned())
}

fn exit_status(roff: &mut Roff, text: &str) {
    roff.control("SH", ["EXIT STATUS"]);
    let (statuses, more) = statuses(text);
    for (number, meaning) in statuses {
        roff.control("TP", ["4"]);
        roff.text([bold(number.to_string())]);
        roff.text([roman(meaning)]);
    }
    if !more.is_empty() {
        roff.control("PP", []);
        roff.text([roman(more)]);
    }
}

fn examples(roff: &mut Roff, text: &str) {
    roff.control("SH", ["EXAMPLES"]);
    verbatim(roff, text.lines());
}

/// Commands and lines of files, none of which may be broken.
fn verbatim<'t>(roff: &mut Roff, lines: impl Iterator<Item = &'t str>) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
}

fn notes(roff: &mut Roff, text: &str) {
    if text.is_empty() {
        return;
    }
    roff.control("SH", ["NOTES"]);
    for line in text.lines() {
        if line.starts_with("  ") {
            roff.control("PP", []);
            verbatim(roff, std::iter::once(line));
        } else {
            roff.text([roman(line)]);
        }
    }
}

fn see_also(roff: &mut Roff, name: &str) {
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<&str> = NAMES.into_iter().filter(|other| *other != name).collect();
    let mut line = Vec::new();
    for (index, other) in others.iter().enumerate() {
        line.push(bold(*other));
        let is_last = index + 1 == others.len();
        line.push(roman(if is_last { "(1)" } else { "(1), " }));
    }
    roff.text(line);
    roff.control("PP", []);
    let page = match name {
        script::NAME => "/blob/HEAD/docs/rotation.md",
        _ => "",
    };
    roff.text([roman(format!("{}{page}", env!("CARGO_PKG_REPOSITORY")))]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_options_is_taken_apart() {
        let text = "Examples:\n  a b\n  c\n\nNote.\n\nExit codes: 0 fine, 2 could not, at all; so.";
        let after = After::of(text);
        assert_eq!(
            after,
            After {
                examples: "  a b\n  c",
                notes: "Note.",
                exit: "0 fine, 2 could not, at all; so."
            }
        );
        assert_eq!(
            statuses(after.exit),
            (
                vec![
                    ('0', "fine".to_owned()),
                    ('2', "could not, at all; so".to_owned())
                ],
                String::new()
            )
        );
    }

    /// The exit codes of a program are sentences in its help, and each has a line of its own here.
    #[test]
    fn every_exit_code_has_its_line() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/clearml-rotate");
        let script = std::fs::read_to_string(path).expect("the script");
        let help = script.split_once("<<'END'\n").expect("its help").1;
        let help = help.split_once("\nEND\n").expect("the end of its help").0;
        let commands = crate::commands::all("1", help).expect("command lines");
        for (command, expected) in commands.iter().zip(["02", "012", "012", "0123"]) {
            let after = command.get_after_help().expect("examples").to_string();
            let (statuses, more) = statuses(After::of(&after).exit);
            let numbers: String = statuses.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, expected, "{}", command.get_name());
            let is_number = |letter: char| letter.is_ascii_digit();
            let all = statuses.iter().map(|(_, meaning)| meaning);
            for text in all.chain([&more]) {
                assert!(!text.contains(is_number), "{}: {text}", command.get_name());
            }
        }
    }
}
