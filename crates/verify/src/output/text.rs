//! Findings for people: the line they are about, with every value masked.

mod finding;
mod people;

use clearml_secure_cli::wrap::{WIDEST, wrapped};
use clearml_secure_core::setting::{SETTINGS, Server};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::SourceId;

use super::group::together;
use super::{Seen, count};
use crate::check::Check;
use crate::finding::Severity;
use crate::receipt::Receipt;
use crate::report::{NotChecked, Report, Subject};
use crate::words::and;

/// So many things that were not checked for one cause are named.
const SHOWN: usize = 3;
/// The longest path of a setting has so many characters.
const SETTING_WIDTH: usize = 46;

/// How the text is to look.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) color: bool,
    /// How many columns there are.
    pub(crate) width: usize,
}

impl Look {
    /// Of a text that is written to a file.
    pub(crate) const OF_A_FILE: Self = Self {
        color: false,
        width: WIDEST,
    };
}

pub(super) fn findings(seen: &Seen<'_>, look: Look) -> String {
    let reports = seen.reports;
    let left_out = seen.hidden.words();
    let mut out = String::new();
    for report in reports {
        let lines = report.lines();
        for group in together(&report.findings) {
            out.push_str(&finding::text(report, lines.as_ref(), &group, look));
            out.push('\n');
        }
        let is_clean = report.findings.is_empty() && report.unknown.is_empty();
        if is_clean && !report.is_of_people() {
            let other = if report.is_besides || left_out.is_some() {
                "other "
            } else {
                ""
            };
            let text = format!("{}: no {other}findings", looked_at(report));
            out.push_str(&(wrapped("", 2, &text, look.width) + "\n"));
        }
    }
    out.push_str(&people::text(reports, look.width));
    for report in reports {
        out.push_str(&checks(report));
    }
    if let Some(receipt) = seen.receipt {
        out.push_str(&of_receipt(reports, receipt, look.width));
    }
    let unknown = not_checked(reports, look.width);
    out.push_str(&unknown.concat());
    let has_caveats = !unknown.is_empty() || left_out.is_some();
    if let Some(words) = left_out {
        out.push_str(&(wrapped("", 2, &escape(&words), look.width) + "\n"));
    }
    if has_caveats && reports.iter().any(|report| !report.findings.is_empty()) {
        out.push('\n');
    }
    out.push_str(&summary(reports, unknown.len(), look.width));
    out
}

/// How many findings there are: of each rule, and of all.
fn summary(reports: &[Report], unknown: usize, width: usize) -> String {
    let mut rules: Vec<(Severity, &str, usize)> = Vec::new();
    for finding in reports.iter().flat_map(|report| &report.findings) {
        let key = (finding.severity, finding.rule);
        match rules
            .iter_mut()
            .find(|(severity, rule, _)| (*severity, *rule) == key)
        {
            Some((.., count)) => *count += 1,
            None => rules.push((finding.severity, finding.rule, 1)),
        }
    }
    let mut out = String::new();
    if rules.is_empty() && unknown == 0 {
        return out;
    }
    rules.sort_by_key(|(severity, ..)| *severity);
    if rules.len() > 1 {
        for (severity, rule, count) in &rules {
            out.push_str(&format!("{count:5}  {:7}  {rule}\n", severity.name()));
        }
    }
    let mut parts = vec![
        plural(count(reports, Severity::Error), "error"),
        plural(count(reports, Severity::Warning), "warning"),
        plural(count(reports, Severity::Note), "note"),
    ];
    if unknown > 0 {
        parts.push(format!("{unknown} not checked"));
    }
    let was_looked_at = |report: &&Report| !matches!(report.subject, Subject::Nothing(_));
    let subjects: Vec<String> = reports
        .iter()
        .filter(was_looked_at)
        .map(looked_at)
        .collect();
    let subjects = match subjects.len() {
        0 => String::new(),
        1..=SHOWN => format!("{}: ", subjects.join(", ")),
        more => format!("{more} deployments and servers: "),
    };
    let counts = parts.join(", ");
    // Numbers are read together.
    match subjects.len() + counts.len() > width {
        true => out.push_str(&format!(
            "{}\n  {counts}\n",
            wrapped("", 2, subjects.trim_end(), width)
        )),
        false => out.push_str(&format!("{subjects}{counts}\n")),
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
fn of_receipt(reports: &[Report], receipt: &Receipt, width: usize) -> String {
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
    let words = format!(
        "{}; no server tells which session secret it has",
        receipt.words()
    );
    let mut out = format!(
        "{}\n{}\n",
        wrapped("", 2, &verdict, width),
        wrapped("", 2, &words, width)
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

/// What was not checked, a line for each cause: however much it hides, there is one thing to do about it.
pub(super) fn not_checked(reports: &[Report], width: usize) -> Vec<String> {
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
    let lines = causes.iter().map(|cause| line(cause));
    let lines = lines.map(|text| wrapped("", 2, &text, width) + "\n");
    lines.collect()
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
    format!("not checked: {place}{words}")
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
            let project = deployment.made_from.as_ref();
            let project = project.map(|made| format!(", project {}", made.name));
            let servers = deployment.instances.iter().map(|instance| instance.server);
            (
                paths.join(" with ") + &project.unwrap_or_default(),
                servers.map(|server| server.name().to_owned()).collect(),
            )
        }
        Subject::Clients { clients, .. } => (plural(clients.len(), "client"), Vec::new()),
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
