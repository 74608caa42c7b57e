//! Findings for programs. The shape is a promise: it changes only by addition (`version`).

mod shape;

use std::path::Path;

use clearml_secure_core::shown::text_of;
use clearml_secure_core::source::Place;
use serde::Serialize;
use serde_json::{Value, json};

use super::text::looked_at;
use super::{Printer, Seen};
use crate::clients::client::Client;
use crate::finding::Severity;
use crate::keys::check::Check;
use crate::live::people::{People, Whose};
use crate::report::fingerprint::Fingerprints;
use crate::report::trees::Trees;
use crate::report::{Report, Subject, Told};
use crate::since::Trend;
use shape::{Finding, Frame, Unknown};

/// Of the shape.
const VERSION: u32 = 1;

/// One object, written as its parts are known: running servers and clients come first, and what is asked about keys and
/// who the clients are stands before the findings.
#[derive(Default)]
pub(super) struct Document {
    fingerprints: Fingerprints,
    checks: Vec<Value>,
    clients: Vec<Value>,
    people: Vec<Value>,
    /// As it is going to be written: there may be one for each of many deployments.
    unknown: String,
    counts: [usize; 3],
    /// Findings before which something may still come, as they are going to be written.
    waiting: String,
    has_begun: bool,
    has_findings: bool,
}

impl Printer for Document {
    fn add(&mut self, report: &Report, _: Option<&Trees>) -> String {
        self.checks.extend(report.checks.iter().map(check));
        self.clients.extend(report.clients().iter().map(client));
        self.people.extend(people(report));
        let subject = subject(report);
        let named = Frame {
            kind: None,
            subject: Some(&subject),
        };
        for one in &report.unknown {
            let is_first = self.unknown.is_empty();
            element(&mut self.unknown, &Unknown::of(one, named), is_first);
        }
        for told in &report.findings {
            self.counts[told.severity as usize] += 1;
            let fingerprint = self.fingerprints.of(&told.identity);
            let frame = match is_told_by_place(told, report) {
                true => Frame::default(),
                false => named,
            };
            let entry = Finding::of(told, &fingerprint, frame);
            element(&mut self.waiting, &entry, !self.has_findings);
            self.has_findings = true;
        }
        match report.subject {
            Subject::Clients(_) | Subject::Server { .. } => String::new(),
            Subject::Deployment(_) | Subject::Nothing(_) => self.written(),
        }
    }

    fn end(&mut self, seen: &Seen<'_>) -> String {
        let mut out = self.written();
        out.push_str(match self.has_findings {
            true => "\n  ]",
            false => "]",
        });
        let [error, warning, note] = self.counts;
        let mut rest = json!({
            "version": VERSION,
            "tool": {"name": "clearml-verify", "version": env!("CARGO_PKG_VERSION")},
            "summary": {"error": error, "warning": warning, "note": note},
            "unknown": [],
        });
        if !self.people.is_empty() {
            rest["people"] = std::mem::take(&mut self.people).into();
        }
        if let Some(hidden) = seen.hidden.json() {
            rest["hidden"] = hidden;
        }
        if let Some(receipt) = seen.receipt {
            rest["receipt"] = receipt.json();
        }
        if let Some(trend) = seen.trend {
            rest["since"] = since(trend);
        }
        for (name, value) in rest.as_object().into_iter().flatten() {
            out.push(',');
            match name == "unknown" && !self.unknown.is_empty() {
                true => out.push_str(&format!("\n  \"{name}\": [{}\n  ]", self.unknown)),
                false => out.push_str(&field(name, value)),
            }
        }
        out.push_str("\n}\n");
        out
    }
}

impl Document {
    /// What can be written of it.
    fn written(&mut self) -> String {
        let mut out = String::new();
        if !self.has_begun {
            self.has_begun = true;
            out.push('{');
            let lists = [
                ("checks", std::mem::take(&mut self.checks)),
                ("clients", std::mem::take(&mut self.clients)),
            ];
            for (name, list) in lists {
                if !list.is_empty() {
                    out.push_str(&field(name, &list.into()));
                    out.push(',');
                }
            }
            out.push_str("\n  \"findings\": [");
        }
        out.push_str(&std::mem::take(&mut self.waiting));
        out
    }
}

/// An element of a list in the object.
fn element(out: &mut String, entry: &impl Serialize, is_first: bool) {
    const START: &str = "\n    ";
    if !is_first {
        out.push(',');
    }
    out.push_str(START);
    // Only keys that are no texts could fail.
    let text = serde_json::to_string_pretty(entry).unwrap_or_default();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str(START);
        }
        out.push_str(line);
    }
}

/// A field of the object.
fn field(name: &str, value: &Value) -> String {
    format!("\n  \"{name}\": {}", indented(value, "\n  "))
}

/// A value on lines that begin further in. No text in it has a line break of its own.
fn indented(value: &Value, start: &str) -> String {
    format!("{value:#}").replace('\n', start)
}

/// An object a line: findings, what was not checked, questions of the proof, clients, who is at a server, and at the end of
/// each deployment and server how many findings it has; last, the receipt of a proof, and how many are not shown.
#[derive(Default)]
pub(super) struct Lines(Fingerprints);

impl Printer for Lines {
    fn add(&mut self, report: &Report, _: Option<&Trees>) -> String {
        let subject = subject(report);
        let framed = |kind| Frame {
            kind: Some(kind),
            subject: Some(&subject),
        };
        let mut lines = String::new();
        for told in &report.findings {
            let fingerprint = self.0.of(&told.identity);
            let entry = Finding::of(told, &fingerprint, framed("finding"));
            line(&mut lines, &entry);
        }
        for one in &report.unknown {
            line(&mut lines, &Unknown::of(one, framed("unknown")));
        }
        let mut entries: Vec<(&str, Value)> = Vec::new();
        entries.extend(report.checks.iter().map(|one| ("check", check(one))));
        entries.extend(report.clients().iter().map(|one| ("client", client(one))));
        entries.extend(people(report).map(|entry| ("people", entry)));
        // Who is there is no result, and the clients of a run may be in several.
        if !report.is_of_people() && !matches!(report.subject, Subject::Clients(_)) {
            entries.push(("summary", summary(report)));
        }
        for (kind, mut entry) in entries {
            entry["version"] = VERSION.into();
            entry["kind"] = kind.into();
            entry["subject"] = subject.as_str().into();
            line(&mut lines, &entry);
        }
        lines
    }

    fn end(&mut self, seen: &Seen<'_>) -> String {
        let mut lines = String::new();
        if let Some(receipt) = seen.receipt {
            line(
                &mut lines,
                &json!({"version": VERSION, "kind": "receipt", "receipt": receipt.json()}),
            );
        }
        if let Some(hidden) = seen.hidden.json() {
            line(
                &mut lines,
                &json!({"version": VERSION, "kind": "hidden", "hidden": hidden}),
            );
        }
        if let Some(trend) = seen.trend {
            let mut entry = since(trend);
            entry["version"] = VERSION.into();
            entry["kind"] = "since".into();
            line(&mut lines, &entry);
        }
        lines
    }
}

/// What was looked at, on the lines about it.
fn subject(report: &Report) -> String {
    match report.subject {
        // How many there are says nothing of one.
        Subject::Clients(_) => "clients".to_owned(),
        _ => looked_at(report),
    }
}

/// Whether the place of a finding tells what was looked at.
fn is_told_by_place(told: &Told, report: &Report) -> bool {
    let spot = told.spot.as_ref().zip(report.deployment());
    spot.is_some_and(|(spot, outline)| spot.place.file == Path::new(&outline.name))
}

/// What has come of the findings of an earlier run, as that told them.
fn since(trend: &Trend) -> Value {
    let not_known = trend.not_known.iter().map(|(entry, why)| {
        let mut entry = json!(entry);
        entry["reason"] = why.words().into();
        entry
    });
    json!({
        "file": text_of(&trend.file),
        "summary": {
            "new": trend.new,
            "still": trend.still,
            "fixed": trend.fixed.len(),
            "not_known": trend.not_known.len(),
        },
        "fixed": trend.fixed,
        "not_known": not_known.collect::<Vec<_>>(),
    })
}

/// An object on a line.
fn line(lines: &mut String, entry: &impl Serialize) {
    // Only keys that are no texts could fail.
    lines.push_str(&serde_json::to_string(entry).unwrap_or_default());
    lines.push('\n');
}

/// How many findings a deployment or server has. Without it, one that is clean would leave no trace.
fn summary(report: &Report) -> Value {
    json!({
        "error": report.count(Severity::Error),
        "warning": report.count(Severity::Warning),
        "note": report.count(Severity::Note),
        "not_checked": report.unknown.len(),
    })
}

/// One question of the proof. `right` is null where nothing is proved.
fn check(check: &Check) -> Value {
    let mut entry = json!({
        "keyset": check.keyset.option(),
        "server": check.server.name(),
        "address": check.address,
        "subject": check.subject,
        // On a line of its own, `subject` is the server.
        "asked": check.subject,
        "expected": check.keyset.expected(),
        "answer": check.answer.word(),
        "right": check.is_right(),
    });
    if let Some(reason) = check.answer.reason() {
        entry["reason"] = reason.into();
    }
    entry
}

/// A client, and what it logs in with.
fn client(client: &Client) -> Value {
    let mut entry = json!({"place": place(&client.place), "pair": client.pair.word()});
    if let Some(container) = &client.container {
        entry["container"] = container.as_str().into();
    }
    if let Some(account) = client.pair.account() {
        entry["account"] = account.into();
    }
    entry
}

/// Who is at a server.
fn people(report: &Report) -> Option<Value> {
    let (People { agents, users }, Subject::Server { target, .. }) =
        (report.people.as_ref()?, &report.subject)
    else {
        return None;
    };
    let agent = |(whose, count): &(Whose, usize)| match whose {
        Whose::Account(name) => json!({"account": name, "count": count}),
        Whose::User(name) => json!({"user": name, "count": count}),
        Whose::Others => json!({"count": count}),
    };
    let agents = agents
        .as_ref()
        .map(|agents| agents.iter().map(agent).collect::<Vec<_>>());
    let users = users
        .as_ref()
        .map(|users| json!({"known": users.known, "others": users.others, "all": !users.is_cut}));
    Some(json!({"server": target, "agents": agents, "users": users}))
}

/// What could not be looked at.
pub(super) fn unknown(reports: &[Report]) -> Vec<Value> {
    let all = reports.iter().flat_map(|report| &report.unknown);
    // Only keys that are no texts could fail.
    all.map(|one| serde_json::to_value(Unknown::of(one, Frame::default())).unwrap_or_default())
        .collect()
}

/// File, line and column.
pub(super) fn place(place: &Place) -> Value {
    json!({"file": text_of(&place.file), "line": place.line, "column": place.column})
}
