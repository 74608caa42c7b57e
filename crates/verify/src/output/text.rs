//! Findings for people: the line they are about, with every value masked.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clearml_secure_core::setting::{SETTINGS, Server};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::SourceId;

use super::{count, grouped};
use crate::check::Check;
use crate::finding::{Finding, Severity};
use crate::lines::Lines;
use crate::pages;
use crate::receipt::Receipt;
use crate::report::{NotChecked, Report, Subject};
use crate::words::and;

/// So many things that were not checked for one cause are named.
const SHOWN: usize = 3;
/// The longest path of a setting has so many characters.
const SETTING_WIDTH: usize = 46;

pub(super) fn findings(reports: &[Report], receipt: Option<&Receipt>, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut out = String::new();
    for report in reports {
        let lines = report.lines();
        for group in grouped(&report.findings) {
            out.push_str(&render(&renderer, report, lines.as_ref(), &group));
            out.push_str("\n\n");
        }
        if report.findings.is_empty() && report.unknown.is_empty() {
            let other = if report.is_besides { "other " } else { "" };
            out.push_str(&format!("{}: no {other}findings\n", looked_at(report)));
        }
    }
    for report in reports {
        out.push_str(&checks(report));
    }
    if let Some(receipt) = receipt {
        out.push_str(&of_receipt(reports, receipt));
    }
    let total: usize = reports.iter().map(|report| report.findings.len()).sum();
    let unknown = not_checked(reports);
    out.push_str(&unknown.concat());
    if total > 0 || !unknown.is_empty() {
        let mut parts = vec![
            plural(count(reports, Severity::Error), "error"),
            plural(count(reports, Severity::Warning), "warning"),
            plural(count(reports, Severity::Note), "note"),
        ];
        if !unknown.is_empty() {
            parts.push(format!("{} not checked", unknown.len()));
        }
        let was_looked_at = |report: &&Report| !matches!(report.subject, Subject::Nothing(_));
        let subjects = reports.iter().filter(was_looked_at).map(looked_at);
        let subjects = subjects.collect::<Vec<_>>().join(", ");
        if !subjects.is_empty() {
            out.push_str(&format!("{subjects}: "));
        }
        out.push_str(&format!("{}\n", parts.join(", ")));
    }
    out
}

/// What a server was asked about keysets, and what it answered.
fn checks(report: &Report) -> String {
    let width = |of: fn(&Check) -> usize| report.checks.iter().map(of).max().unwrap_or_default();
    let (option, server, subject) = (
        width(|check| check.keyset.option().len()),
        width(|check| check.server.name().len()),
        width(|check| check.subject.len()),
    );
    let mut out = String::new();
    for check in &report.checks {
        let mark = match check.is_right() {
            Some(true) => "ok   ",
            Some(false) => "WRONG",
            None => "?    ",
        };
        let words = check.words();
        out.push_str(&format!(
            "{mark}  {:option$}  {:server$}  {:subject$}  {}\n",
            check.keyset.option(),
            check.server.name(),
            check.subject,
            escape(&words),
        ));
    }
    if !out.is_empty() {
        let address = escape(&looked_at(report)).into_owned();
        out = format!("{address}\n{out}\n");
    }
    out
}

/// What the checks come to, when and where they were made, and about which keys. No server tells its session secret.
fn of_receipt(reports: &[Report], receipt: &Receipt) -> String {
    let checks = || reports.iter().flat_map(|report| &report.checks);
    let count = |right: Option<bool>| checks().filter(|check| check.is_right() == right).count();
    let (right, wrong, open) = (count(Some(true)), count(Some(false)), count(None));
    let verdict = match right == checks().count() && right > 0 {
        true => format!(
            "proved: all {} are as they must be",
            plural(right, "answer")
        ),
        false => format!(
            "not proved: {} right, {wrong} wrong, {open} not checked",
            plural(right, "answer")
        ),
    };
    let mut out = format!(
        "{verdict}\n{}; no server tells which session secret it has\n",
        receipt.words()
    );
    let options = receipt.keysets.iter().map(|(keyset, _)| keyset.option());
    let head: String = options.map(|option| format!("  {option:10}")).collect();
    out.push_str(&format!(
        "\n{:SETTING_WIDTH$}{}\n",
        "fingerprints",
        head.trim_end()
    ));
    for setting in SETTINGS {
        let marks = receipt.keysets.iter().map(|(_, marks)| {
            let mark = marks.iter().find(|(known, _)| *known == setting);
            format!("  {:10}", mark.map_or("-", |(_, mark)| mark))
        });
        let marks: String = marks.collect();
        out.push_str(&format!(
            "{:SETTING_WIDTH$}{}\n",
            setting.path(),
            marks.trim_end()
        ));
    }
    out.push('\n');
    out
}

fn render(
    renderer: &Renderer,
    report: &Report,
    lines: Option<&Lines<'_>>,
    group: &[&Finding],
) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let level = match first.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = if group.len() == 1 {
        first.message.clone()
    } else {
        format!("{} ({} times)", pages::headline(first.rule), group.len())
    };
    let mut element = Group::with_title(level.primary_title(title).id(first.rule));
    let shown;
    if let Some((span, lines)) = first.span.zip(lines) {
        shown = lines.line(span);
        let path = report
            .sources()
            .path(span.source)
            .to_string_lossy()
            .into_owned();
        element = element.element(
            Snippet::source(shown.text.clone())
                .line_start(report.sources().place(span).line)
                .path(escape(&path).into_owned())
                .annotation(AnnotationKind::Primary.span(shown.range.clone())),
        );
    }
    if group.len() > 1 {
        let mut last = "";
        for finding in group {
            // What follows from it is said once for all to which it applies.
            let (what, consequence) = finding
                .message
                .split_once("; ")
                .unwrap_or((&finding.message, ""));
            let text = if consequence == last {
                what
            } else {
                &finding.message
            };
            last = consequence;
            element = element.element(Level::NOTE.no_name().message(text.to_owned()));
        }
    }
    element = element.element(Level::HELP.message(first.help.clone()));
    renderer.render(&[element])
}

/// What was not checked, a line for each cause: however much it hides, there is one thing to do about it.
pub(super) fn not_checked(reports: &[Report]) -> Vec<String> {
    let mut causes: Vec<Vec<&NotChecked>> = Vec::new();
    for one in reports.iter().flat_map(|report| &report.unknown) {
        // What is a file has a place of its own to go to.
        let is_same = |known: &&mut Vec<&NotChecked>| {
            known
                .iter()
                .all(|known| known.reason == one.reason && !known.is_file())
                && !one.is_file()
        };
        match causes.iter_mut().find(is_same) {
            Some(known) => known.push(one),
            None => causes.push(vec![one]),
        }
    }
    causes.iter().map(|cause| line(cause)).collect()
}

/// A line about what one cause kept from being checked.
fn line(cause: &[&NotChecked]) -> String {
    let place = cause.iter().find_map(|one| one.place.as_ref());
    let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
    let words = match cause {
        [] => String::new(),
        [one] => one.words(),
        [first, ..] => {
            let mut what: Vec<&str> = Vec::new();
            for one in cause {
                if !what.contains(&one.what.as_str()) {
                    what.push(&one.what);
                }
            }
            let rest = format!("{} more", what.len().saturating_sub(SHOWN));
            if what.len() > SHOWN + 1 {
                what.truncate(SHOWN);
                what.push(&rest);
            }
            format!("{}: {}", escape(&and(&what)), escape(&first.reason))
        }
    };
    format!("not checked: {place}{words}\n")
}

/// What was looked at, and which servers were found there.
pub(super) fn looked_at(report: &Report) -> String {
    let (name, servers): (String, Vec<String>) = match &report.subject {
        Subject::Deployment(deployment, _) => {
            let path = |file: &SourceId| deployment.sources.name(*file).to_string_lossy();
            let files = match &deployment.project {
                Some(project) => &project.files[..],
                None => std::slice::from_ref(&deployment.first),
            };
            let paths: Vec<_> = files.iter().map(path).collect();
            let servers = deployment.instances.iter().map(|instance| instance.server);
            (
                paths.join(" with "),
                servers.map(|server| server.name().to_owned()).collect(),
            )
        }
        Subject::Nothing(path) => (path.to_string_lossy().into_owned(), Vec::new()),
        Subject::Server {
            target,
            version,
            parts,
        } => {
            let part = |(server, address): &(Server, String)| match version {
                Some(version) if *server == Server::Apiserver => {
                    format!("{server} {version} at {address}")
                }
                _ => format!("{server} at {address}"),
            };
            (target.clone(), parts.iter().map(part).collect())
        }
    };
    let mut unique: Vec<String> = Vec::new();
    for server in servers {
        if !unique.contains(&server) {
            unique.push(server);
        }
    }
    if unique.is_empty() {
        return escape(&name).into_owned();
    }
    format!("{} ({})", escape(&name), escape(&unique.join(", ")))
}

pub(super) fn plural(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
