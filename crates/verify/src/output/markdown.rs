//! A report for a merge request or a ticket: the same groups as on the screen.
//!
//! What comes from files is escaped, so that no name becomes a link, a picture or HTML.

use clearml_secure_core::setting::SETTINGS;
use clearml_secure_core::shown::escape;

use super::group::{Together, together};
use super::since::changes;
use super::text::{looked_at, plural};
use super::{Seen, count};
use crate::finding::Severity;
use crate::keys::receipt::Receipt;
use crate::report::{NotChecked, Proof, Report};
use crate::since::{Line, Trend};

pub(super) fn findings(seen: &Seen<'_>) -> String {
    let mut out = String::from("# clearml-verify\n\n");
    let reports = seen.reports;
    let unknown: usize = reports.iter().map(|report| report.unknown.len()).sum();
    out.push_str(&format!(
        "**{}, {}, {}, {unknown} not checked**\n",
        plural(count(reports, Severity::Error), "error"),
        plural(count(reports, Severity::Warning), "warning"),
        plural(count(reports, Severity::Note), "note"),
    ));
    for report in reports {
        out.push_str(&format!("\n## {}\n", plain(&looked_at(report))));
        for group in together(&report.findings) {
            out.push_str(&of_group(&group));
        }
        let mut unknown = String::new();
        if !report.unknown.is_empty() {
            unknown.push_str("\n### Not checked\n\n");
            unknown.extend(report.unknown.iter().map(not_checked));
        }
        let answers = checks(report) + &people(report);
        out.push_str(&match report.has_no_answer() {
            true => unknown + &answers,
            false => answers + &unknown,
        });
        let is_clean = report.findings.is_empty() && report.unknown.is_empty();
        if is_clean && !report.is_of_people() {
            out.push_str("\nNo findings.\n");
        }
    }
    if let Some(words) = seen.hidden.words() {
        out.push_str(&format!("\n{}\n", plain(&words)));
    }
    if let Some(trend) = seen.trend {
        out.push_str(&since(trend));
    }
    if let Some(receipt) = seen.receipt {
        let proof = Proof::of(reports).words();
        out.push_str(&format!("\n**{}**\n", plain(&proof)));
        out.push_str(&of_receipt(receipt));
    }
    out
}

/// When and where keys were asked about, and which: the fingerprints of each keyset.
fn of_receipt(receipt: &Receipt) -> String {
    let mut out = format!("\n{}\n\n| fingerprint of |", plain(&receipt.words()));
    for (keyset, _) in &receipt.keysets {
        out.push_str(&format!(" `{}` |", keyset.option()));
    }
    out.push_str(&format!(
        "\n|---|{}\n",
        "---|".repeat(receipt.keysets.len())
    ));
    for setting in SETTINGS {
        out.push_str(&format!("| {} |", plain(setting.path())));
        for (_, marks) in &receipt.keysets {
            let mark = marks.iter().find(|(known, _)| *known == setting);
            out.push_str(&format!(" {} |", mark.map_or("-", |(_, mark)| mark)));
        }
        out.push('\n');
    }
    out
}

/// What has come of the findings of an earlier run.
fn since(trend: &Trend) -> String {
    let mut out = format!("\n{}\n\n", plain(&trend.words()));
    for (change, lines, more) in changes(trend) {
        for Line { place, rule, rest } in lines {
            let (place, rule) = (code(&place), code(&rule));
            out.push_str(&format!("- {change}: {place}: {rule}{}\n", plain(&rest)));
        }
        if more > 0 {
            out.push_str(&format!("- and {more} more: `-f json` has all\n"));
        }
    }
    if let Some(caveat) = trend.caveat() {
        out.push_str(&format!("\n{}\n", plain(&caveat)));
    }
    out
}

fn of_group(group: &Together<'_>) -> String {
    let mut out = format!(
        "\n### {}: {}\n\n`{}`\n\n",
        group.severity(),
        plain(&group.title()),
        group.rule()
    );
    for place in group.places() {
        let at = place.spot.map(|spot| code(&spot.place.to_string()));
        if place.own.is_empty() {
            out.extend(at.map(|at| format!("- {at}\n")));
        } else {
            for own in place.own {
                let at = at.as_ref().map(|at| format!("{at}: "));
                out.push_str(&format!("- {}{}\n", at.unwrap_or_default(), plain(own)));
            }
        }
    }
    if let Some(consequence) = group.consequence() {
        out.push_str(&format!("\n{}\n", plain(consequence)));
    }
    out.push_str(&format!("\nFix: {}", help(group.help())));
    out
}

/// What to do: lines of text, and commands to copy.
fn help(text: &str) -> String {
    let mut out = String::new();
    let mut is_code = false;
    for line in text.lines() {
        let is_command = line.starts_with("  ");
        match (is_code, is_command) {
            (false, true) => out.push_str("\n\n```sh\n"),
            (true, false) => out.push_str("```\n\n"),
            _ => {}
        }
        is_code = is_command;
        match is_command {
            true => out.push_str(&format!("{}\n", escape(line.trim()))),
            false => out.push_str(&plain(line.trim())),
        }
    }
    out.push_str(if is_code { "```\n" } else { "\n" });
    out
}

fn checks(report: &Report) -> String {
    if report.checks.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n| | keyset | server | what | answer |\n|---|---|---|---|---|\n");
    for check in &report.checks {
        let mark = match check.is_right() {
            Some(true) => "ok",
            Some(false) => "**wrong**",
            None => "?",
        };
        out.push_str(&format!(
            "| {mark} | `{}` | {} | {} | {} |\n",
            check.keyset.option(),
            check.server.name(),
            plain(&check.subject),
            plain(&check.words())
        ));
    }
    out
}

/// The clients that a rotation leaves as they are, and who is at a server.
fn people(report: &Report) -> String {
    let mut out = String::new();
    for (number, client) in report.clients_left().enumerate() {
        if number == 0 {
            out.push_str("\n### Clients that keep working\n\n");
        }
        let place = code(&client.place.to_string());
        out.push_str(&format!("- {place}: {}\n", plain(&client.words())));
    }
    if let Some(people) = &report.people {
        out.push_str("\n### Agents and users\n\n");
        for words in people.words() {
            // What belongs to a line is indented.
            let indent = &words[..words.len() - words.trim_start().len()];
            out.push_str(&format!("{indent}- {}\n", plain(words.trim_start())));
        }
    }
    out
}

fn not_checked(one: &NotChecked) -> String {
    let place = one
        .place
        .as_ref()
        .map(|place| format!("{}: ", code(&place.to_string())));
    format!("- {}{}\n", place.unwrap_or_default(), plain(&one.words()))
}

/// A text in which nothing is markup. What looks like the name of a user or the number of an issue is code: an escaped
/// one GitHub and GitLab link all the same, and tell the user.
fn plain(text: &str) -> String {
    let escaped = escape(text);
    let words = escaped.split_inclusive(' ').map(|word| {
        let bare = word.trim_end_matches([' ', ')', '"', '\'', '`', ',', '.', ':', ';']);
        let bare = bare.trim_start_matches(['(', '"', '\'', '`']);
        match word.split_once(bare) {
            // A cell of a table ends at any bar.
            Some((before, after)) if bare.contains(['@', '#']) && !bare.contains('|') => {
                format!("{}{}{}", literal(before), code(bare), literal(after))
            }
            _ => literal(word),
        }
    });
    words.collect()
}

fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\`*_{}[]<>#|!&~@".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text as code, between as many backticks as it takes.
fn code(text: &str) -> String {
    let text = escape(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_to_be_copied() {
        assert_eq!(
            help("do it:\n  clearml-keygen -o x\n  chmod 600 x"),
            "do it:\n\n```sh\nclearml-keygen -o x\nchmod 600 x\n```\n"
        );
        assert_eq!(help("do <it>"), "do \\<it\\>\n");
    }

    #[test]
    fn nothing_of_a_file_is_markup() {
        assert_eq!(plain("<b>[x](y)"), "\\<b\\>\\[x\\](y)");
        assert_eq!(
            plain("see @alice, (#12) and ./@b/c.yml: *"),
            "see `@alice`, (`#12`) and `./@b/c.yml`: \\*"
        );
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("a b"), "`a b`");
    }
}
