//! Lines that are no wider than the terminal, in which no command is broken.

use std::env;
use std::io::IsTerminal;
use std::os::fd::AsFd;

use unicode_width::UnicodeWidthStr;

/// The widest line that we write.
pub const WIDEST: usize = 100;

/// On a narrower terminal lines are left to it: columns of three words are worse.
const NARROWEST: usize = 40;

/// How a line begins that is a command and nothing else. It is never joined with another one.
const COMMAND: &str = "  ";

/// What a command begins with.
const PROGRAMS: [&str; 9] = [
    "chmod",
    "chown",
    "clearml-inject",
    "clearml-keygen",
    "clearml-rotate",
    "clearml-verify",
    "docker",
    "git",
    "sudo",
];

/// How many columns there are: what `COLUMNS` says, or the terminal, and never more than [`WIDEST`].
pub fn width(stream: &impl AsFd) -> usize {
    let asked = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let terminal = || {
        let (width, _) = terminal_size::terminal_size_of(stream)?;
        Some(usize::from(width.0))
    };
    // A terminal that says nothing of itself has no columns.
    let known = asked.or_else(terminal).filter(|columns| *columns > 0);
    known.unwrap_or(WIDEST).clamp(NARROWEST, WIDEST)
}

/// A row of a table: what is in its columns, and a last one that may be long. On a terminal of so many columns that one is broken,
/// and begins a line of its own where little room is left; anywhere else a row is a line.
pub fn row(first: &str, last: &str, columns: Option<usize>) -> String {
    const LITTLE: usize = 30;
    let used = visible(first);
    match columns {
        Some(columns) if used + visible(last) > columns => match columns < used + LITTLE {
            true => format!(
                "{}\n{}",
                first.trim_end(),
                wrapped("    ", 4, last, columns)
            ),
            false => wrapped(first, used, last, columns),
        },
        _ => format!("{first}{last}"),
    }
}

/// The columns of a stream that is a terminal.
pub fn columns(stream: &(impl AsFd + IsTerminal)) -> Option<usize> {
    stream.is_terminal().then(|| width(stream))
}

/// Breaks a text into lines. The first stands behind `first`, the others behind as many spaces as `indent`; neither `first` nor
/// the spaces break. A word or a command that is wider than a line has one of its own.
pub fn wrapped(first: &str, indent: usize, text: &str, width: usize) -> String {
    let mut out = first.to_owned();
    let mut column = visible(first);
    let mut is_fresh = true;
    let lines = text
        .lines()
        .flat_map(|line| match line.starts_with(COMMAND) {
            true => vec![line],
            false => units(line),
        });
    for unit in lines {
        if unit.starts_with(COMMAND) {
            out.push_str(&format!("\n{}{unit}", " ".repeat(indent)));
            column = usize::MAX;
            continue;
        }
        let length = visible(unit);
        let space = usize::from(!is_fresh);
        if column > indent && column.saturating_add(space + length) > width {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
            is_fresh = true;
        }
        if !is_fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(unit);
        column += length;
        is_fresh = false;
    }
    out
}

/// Whether there is a command in a text, of which no word may change.
pub fn has_command(text: &str) -> bool {
    let is_one = |unit: &&str| begins_command(unit) && unit.contains(' ') || unit.contains('`');
    text.lines()
        .any(|line| line.starts_with(COMMAND) || units(line).iter().any(is_one))
}

/// The columns that a text takes, without what only colors it.
fn visible(text: &str) -> usize {
    // Most words are of such letters alone, and of these each takes one.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    let mut rest = text;
    let mut columns = 0;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        columns += before.width();
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    columns + rest.width()
}

/// What is not broken: words, commands, and what is between backticks.
fn units(text: &str) -> Vec<&str> {
    let mut units = Vec::new();
    let mut rest = text.trim_start();
    let mut is_start = true;
    while !rest.is_empty() {
        let length = rest.bytes().position(|byte| byte == b' ');
        let word = &rest[..length.unwrap_or(rest.len())];
        let end = match () {
            () if is_start && PROGRAMS.contains(&word) => command(rest),
            () => quoted(rest, word).unwrap_or(word.len()),
        };
        let (unit, after) = rest.split_at(end);
        is_start = unit.ends_with(':');
        units.push(unit);
        rest = after.trim_start();
    }
    units
}

fn begins_command(text: &str) -> bool {
    let word = text.split(' ').next().unwrap_or_default();
    PROGRAMS.contains(&word)
}

/// Where a command ends: with its clause, or with the text.
fn command(text: &str) -> usize {
    [", ", "; ", ". "]
        .iter()
        .filter_map(|end| Some(text.find(end)? + 1))
        .min()
        .unwrap_or(text.trim_end().len())
}

/// Where a word ends in which a backtick opens, the first of a text: behind the one that closes, and what follows without a
/// space.
fn quoted(text: &str, word: &str) -> Option<usize> {
    let open = word.bytes().position(|byte| byte == b'`')?;
    if word[open + 1..].contains('`') {
        return None;
    }
    let close = open + 1 + text[open + 1..].find('`')?;
    Some(close + text[close..].find(' ').unwrap_or(text.len() - close))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_broken_on_narrow_terminals_alone() {
        let first = "unset-variable  error  ";
        let last = "a variable that compose replaces has no value in these files";
        assert_eq!(row(first, last, None), format!("{first}{last}"));
        assert_eq!(
            row(first, last, Some(60)),
            format!(
                "{first}a variable that compose replaces has\n{}no value in these files",
                " ".repeat(23)
            )
        );
        assert_eq!(
            row(first, last, Some(50)),
            "unset-variable  error\n    a variable that compose replaces has no value\n    in these files"
        );
    }

    #[test]
    fn lines_break_at_words() {
        assert_eq!(
            wrapped("help: ", 4, "one two three  four", 14),
            "help: one two\n    three four"
        );
        assert_eq!(wrapped("", 0, "", 10), "");
        assert_eq!(
            wrapped("> ", 2, "incomprehensible", 10),
            "> incomprehensible"
        );
    }

    #[test]
    fn no_command_breaks() {
        let text = "add them: clearml-keygen --from KEYS --user NAME, and inject it";
        assert_eq!(
            wrapped("", 2, text, 30),
            "add them:\n  clearml-keygen --from KEYS --user NAME,\n  and inject it"
        );
        assert_eq!(
            wrapped("", 0, "run `a b c d`, then e", 10),
            "run\n`a b c d`,\nthen e"
        );
    }

    #[test]
    fn a_line_that_is_a_command_stays_one() {
        let text = "run these:\n  openssl rand -hex 30\n  clearml-keygen -o keys.env\nThen restart";
        assert_eq!(
            wrapped("help: ", 4, text, 30),
            "help: run these:\n      openssl rand -hex 30\n      clearml-keygen -o keys.env\n    Then restart"
        );
        assert!(has_command("run:\n  openssl rand"));
    }

    #[test]
    fn a_color_takes_no_column() {
        assert_eq!(visible("\u{1b}[1;31merror\u{1b}[0m"), 5);
        assert_eq!(visible("日本"), 4);
    }
}
