//! One self-contained page: the posture at a glance, the findings, and the effective configuration.
//!
//! It needs no network and runs no script, and its own policy forbids both. Every text is escaped by the template.

mod first;
mod matrix;
mod rule;
mod since;

use clearml_secure_core::setting::{SETTINGS, Setting};
use clearml_secure_core::shown::escape;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::group::{Together, together};
use super::text::{looked_at, plural};
use super::{Seen, count};
use crate::finding::Severity;
use crate::keys::receipt::{self, Receipt};
use crate::pages;
use crate::report::readout::Read;
use crate::report::{NotChecked, Outline, Proof, Report, Told};
use matrix::Matrix;

const STYLE: &str = include_str!("html.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn page(seen: &Seen<'_>) -> String {
    let Seen {
        reports, receipt, ..
    } = *seen;
    let matrix = Matrix::of(reports);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "ClearML deployment: what clearml-verify found" }
                style {
                    (PreEscaped(STYLE))
                    @if let Some(matrix) = &matrix {
                        (PreEscaped(matrix.style()))
                    }
                }
            }
            body {
                header {
                    h1 { "What clearml-verify found" }
                    @if let Some(matrix) = &matrix {
                        p.soft { (matrix.words()) }
                    } @else {
                        @for report in reports {
                            p.soft { (looked_at(report)) }
                        }
                    }
                    p.soft { (receipt::date()) " on " (receipt::host()) }
                    (verdict(reports))
                    @if let Some(words) = seen.hidden.words() {
                        p { (escape(&words)) }
                    }
                }
                main {
                    @if let Some(matrix) = &matrix {
                        (matrix.markup())
                    }
                    (first::steps(reports))
                    @if let Some(trend) = seen.trend {
                        (since::section(trend, reports))
                    }
                    @for (number, report) in reports.iter().enumerate() {
                        (subject(report, number, reports.len() > 1))
                    }
                    (legend(reports))
                    @if let Some(receipt) = receipt {
                        (of_receipt(Proof::of(reports), receipt))
                    }
                }
                footer { p.soft { "clearml-verify " (env!("CARGO_PKG_VERSION")) ". No value of a secret is on this page." } }
            }
        }
    };
    page.into_string()
}

/// The one line to read if only one is read. What could not be looked at is never clean.
fn verdict(reports: &[Report]) -> Markup {
    let numbers = [
        (count(reports, Severity::Error), "error", "bad"),
        (count(reports, Severity::Warning), "warning", "unknown"),
        (count(reports, Severity::Note), "note", "badge note"),
    ];
    let unseen: usize = reports.iter().map(|report| report.unknown.len()).sum();
    let mut words: Vec<String> = numbers
        .iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, word, _)| plural(*number, word))
        .collect();
    if unseen > 0 {
        words.push(format!("{unseen} not checked"));
    }
    let worst = numbers.iter().find(|(number, ..)| *number > 0);
    let class = match worst {
        Some((.., class @ ("bad" | "unknown"))) => class,
        _ if unseen > 0 => "unknown",
        Some((.., class)) => class,
        None => "good",
    };
    let text = if words.is_empty() && reports.iter().all(Report::is_of_people) {
        // Who is there is no verdict.
        return html! {};
    } else if words.is_empty() {
        "No findings".to_owned()
    } else {
        words.join(", ")
    };
    html! { p class={ "verdict " (class) } { (text) } }
}

fn subject(report: &Report, number: usize, is_named: bool) -> Markup {
    html! {
        section id=(matrix::id(number)) class=[matrix::class(report)] {
            @if is_named {
                h2 { (looked_at(report)) }
            }
            @if report.has_no_answer() {
                (not_checked(report))
            }
            @if !report.checks.is_empty() {
                h2 { "Proof of the keys" }
                (checks(report))
            }
            (people(report))
            @if !report.has_no_answer() {
                (not_checked(report))
            }
            (findings(report, number))
            @if let Some(outline) = report.deployment() {
                h2 { "Settings and servers" }
                (matrix(outline))
                h2 { "Effective configuration" }
                (effective(outline))
            }
        }
    }
}

fn not_checked(report: &Report) -> Markup {
    html! {
        @if !report.unknown.is_empty() {
            h2 { "Not checked" }
            ul {
                @for one in &report.unknown {
                    li { (unknown(one)) }
                }
            }
        }
    }
}

/// What the words and colors mean; only where there is a table with them.
fn legend(reports: &[Report]) -> Markup {
    const STATES: [(&str, &str, &str); 8] = [
        ("good", "yours", "a value of your own"),
        ("bad", "default", "printed in ClearML's public source"),
        ("bad", "placeholder", "text that somebody meant to replace"),
        ("bad", "weak", "a value that can be guessed"),
        (
            "bad",
            "misread",
            "the server reads something else than what is written",
        ),
        ("", "empty", "set to nothing"),
        ("", "absent", "the server has no such setting"),
        ("unknown", "unknown", "not checked"),
    ];
    html! {
        @if reports.iter().any(|report| report.deployment().is_some()) {
            h2 { "Legend" }
            table.legend { tbody {
                @for (class, name, meaning) in STATES {
                    tr { td class=(class) { (name) } td { (meaning) } }
                }
                tr { td { span class="badge error" { "error" } } td { "somebody gets in, or a server does not work" } }
                tr { td { span class="badge warning" { "warning" } } td { "one more mistake away from that" } }
                tr { td { span class="badge note" { "note" } } td { "worth knowing" } }
            } }
        }
    }
}

/// What was asked about keysets, and what was answered.
fn checks(report: &Report) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr {
                    th scope="col" { "Keyset" }
                    th scope="col" { "Server" }
                    th scope="col" { "What" }
                    th scope="col" { "Answer" }
                } }
                tbody {
                    @for check in &report.checks {
                        tr {
                            td { (check.keyset.option()) }
                            td { (check.server.name()) }
                            td { (check.subject) }
                            @let class = match check.is_right() {
                                Some(true) => "good",
                                Some(false) => "bad",
                                None => "unknown",
                            };
                            td class=(class) { (escape(&check.words())) }
                        }
                    }
                }
            }
        }
    }
}

/// The clients that a rotation leaves as they are, and who is at a server.
fn people(report: &Report) -> Markup {
    html! {
        @if report.clients_left().next().is_some() {
            h2 { "Clients that keep working" }
            ul {
                @for client in report.clients_left() {
                    li { code { (client.place) } " " (escape(&client.words())) }
                }
            }
        }
        @if let Some(people) = &report.people {
            h2 { "Agents and users" }
            ul {
                @for words in people.words() {
                    @let class = words.starts_with(' ').then_some("of-above");
                    li class=[class] { (escape(words.trim_start())) }
                }
            }
        }
    }
}

fn of_receipt(proof: Proof, receipt: &Receipt) -> Markup {
    html! {
        section {
            h2 { "Receipt" }
            p { strong { (proof.words()) } }
            p { (receipt.words()) }
            @for (keyset, fingerprints) in &receipt.keysets {
                h3 { "Fingerprints of " (keyset.option()) }
                table { tbody {
                    @for (setting, mark) in fingerprints {
                        tr { th scope="row" { (setting.path()) } td { code { (mark) } } }
                    }
                } }
            }
        }
    }
}

/// A row for each setting, a column for each server that reads any.
fn matrix(outline: &Outline) -> Markup {
    let readings = || outline.readout.readings.iter();
    let of = |column: usize| readings().filter(move |read| read.instance == column);
    let columns: Vec<usize> = (0..outline.servers.len())
        .filter(|column| of(*column).next().is_some())
        .collect();
    let cell = |setting, column| of(column).find(|read| read.setting == setting);
    html! {
        div.wide {
            table.matrix {
                thead {
                    tr {
                        th scope="col" { "Setting" }
                        @for column in &columns {
                            @let (server, service) = &outline.servers[*column];
                            th scope="col" {
                                (server.name())
                                @if service != server.name() {
                                    br;
                                    span.soft { (escape(service)) }
                                }
                            }
                        }
                    }
                }
                tbody {
                    @for setting in SETTINGS {
                        tr {
                            th scope="row" { code { (path(setting)) } }
                            @for column in &columns {
                                @match cell(setting, *column) {
                                    Some(read) => td class=(class(read)) { (read.state) },
                                    None => td.soft title="does not read it" { "–" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A setting, which breaks at its dots where there is no room.
fn path(setting: Setting) -> Markup {
    html! {
        @for (number, part) in setting.path().split('.').enumerate() {
            @if number > 0 { "." wbr; }
            (part)
        }
    }
}

/// The colour of a state.
fn class(read: &Read) -> &'static str {
    match read.state {
        "yours" => "good",
        "unknown" => "unknown",
        "absent" | "empty" => "",
        _ => "bad",
    }
}

fn findings(report: &Report, number: usize) -> Markup {
    let severities = [
        (Severity::Error, "Errors"),
        (Severity::Warning, "Warnings"),
        (Severity::Note, "Notes"),
    ];
    html! {
        @for (severity, title) in severities {
            @let of_it: Vec<&Told> = report.findings.iter().filter(|one| one.severity == severity).collect();
            @if !of_it.is_empty() {
                h2 { (title) " (" (of_it.len()) ")" }
                @for group in together(of_it.iter().copied()) {
                    (finding(number, &group))
                }
            }
        }
    }
}

/// Findings of one rule that the same help fixes.
fn finding(number: usize, group: &Together<'_>) -> Markup {
    let severity = group.severity().name();
    html! {
        article class=(severity) id=(first::id(number, group)) {
            h3 { span class={ "badge " (severity) } { (severity) } " " (group.title()) }
            @for place in group.places() {
                @if let Some((spot, line)) = place.spot.and_then(|spot| Some((spot, spot.line.as_ref()?))) {
                    pre { (spot.place) "\n" (line.text) }
                }
                @if let [one] = place.own[..] {
                    p { (one) }
                } @else if !place.own.is_empty() {
                    ul {
                        @for own in place.own {
                            li { (own) }
                        }
                    }
                }
            }
            @if let Some(consequence) = group.consequence() {
                p { (consequence) }
            }
            (first::help(group.help()))
            details {
                summary { "Rule " code { (group.rule()) } }
                (rule::text(group.rule()))
                p { a href=(pages::address(group.rule())) { "The same with examples" } }
            }
        }
    }
}

fn unknown(one: &NotChecked) -> Markup {
    html! {
        @if let Some(place) = &one.place {
            code { (place) } " "
        }
        (one.words())
    }
}

fn effective(outline: &Outline) -> Markup {
    html! {
        div.wide {
            table {
                thead {
                    tr {
                        th scope="col" { "Setting" }
                        th scope="col" { "Server" }
                        th scope="col" { "State" }
                        th scope="col" { "Origin" }
                    }
                }
                tbody {
                    @for read in &outline.readout.readings {
                        tr {
                            td { code { (path(read.setting)) } }
                            td { (read.server.name()) }
                            td class=(class(read)) { (read.state) }
                            td { (read.origin) }
                        }
                    }
                }
            }
        }
    }
}
