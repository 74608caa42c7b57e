//! Findings for programs. The shape is a promise: it changes only by addition (`version`).

use clearml_secure_core::source::{Place, Sources};
use serde_json::{Map, Value, json};

use super::text::looked_at;
use super::{Seen, count};
use crate::check::Check;
use crate::client::Client;
use crate::finding::{Finding, Severity};
use crate::fingerprint::Fingerprints;
use crate::people::{People, Whose};
use crate::report::{Report, Subject};

pub(super) fn findings(seen: &Seen<'_>) -> String {
    let reports = seen.reports;
    let mut fingerprints = Fingerprints::default();
    let mut findings: Vec<Value> = Vec::new();
    for report in reports {
        let sources = report.sources();
        let of_report = report.findings.iter();
        findings.extend(of_report.map(|one| finding(sources, one, &fingerprints.of(report, one))));
    }
    let mut document = json!({
        "version": 1,
        "tool": {"name": "clearml-verify", "version": env!("CARGO_PKG_VERSION")},
        "findings": findings,
        "summary": {
            "error": count(reports, Severity::Error),
            "warning": count(reports, Severity::Warning),
            "note": count(reports, Severity::Note),
        },
        "unknown": unknown(reports),
    });
    let checks: Vec<Value> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .map(check)
        .collect();
    if !checks.is_empty() {
        document["checks"] = checks.into();
    }
    let clients: Vec<Value> = reports
        .iter()
        .flat_map(Report::clients)
        .map(client)
        .collect();
    if !clients.is_empty() {
        document["clients"] = clients.into();
    }
    let people: Vec<Value> = reports.iter().filter_map(people).collect();
    if !people.is_empty() {
        document["people"] = people.into();
    }
    if let Some(hidden) = seen.hidden.json() {
        document["hidden"] = hidden;
    }
    if let Some(receipt) = seen.receipt {
        document["receipt"] = receipt.json();
    }
    format!("{document:#}\n")
}

/// An object a line: findings, what was not checked, questions of the proof, clients, and who is at a server.
pub(super) fn lines(reports: &[Report]) -> String {
    let mut fingerprints = Fingerprints::default();
    let mut lines = String::new();
    for report in reports {
        let sources = report.sources();
        let subject = match report.subject {
            // How many there are says nothing of one.
            Subject::Clients { .. } => "clients".to_owned(),
            _ => looked_at(report),
        };
        let of_report = report.findings.iter();
        let of_report = of_report.map(|one| finding(sources, one, &fingerprints.of(report, one)));
        let mut entries: Vec<(&str, Value)> = of_report.map(|entry| ("finding", entry)).collect();
        entries.extend(unknown_of(report).map(|entry| ("unknown", entry)));
        entries.extend(report.checks.iter().map(|one| ("check", check(one))));
        entries.extend(report.clients().iter().map(|one| ("client", client(one))));
        entries.extend(people(report).map(|entry| ("people", entry)));
        for (kind, mut entry) in entries {
            entry["version"] = 1.into();
            entry["kind"] = kind.into();
            entry["subject"] = subject.as_str().into();
            lines.push_str(&format!("{entry}\n"));
        }
    }
    lines
}

/// One question of the proof. `right` is null where nothing is proved.
fn check(check: &Check) -> Value {
    let mut entry = json!({
        "keyset": check.keyset.option(),
        "server": check.server.name(),
        "address": check.address,
        "subject": check.subject,
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
    reports.iter().flat_map(unknown_of).collect()
}

fn unknown_of(report: &Report) -> impl Iterator<Item = Value> {
    report.unknown.iter().map(|one| {
        let mut entry = json!({"what": one.what, "reason": one.reason});
        if let Some(at) = &one.place {
            entry["place"] = place(at);
        }
        entry
    })
}

fn finding(sources: &Sources, finding: &Finding, fingerprint: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("rule".to_owned(), finding.rule.into());
    entry.insert("severity".to_owned(), finding.severity.name().into());
    entry.insert("message".to_owned(), finding.message.as_str().into());
    entry.insert("help".to_owned(), finding.help.as_str().into());
    entry.insert("fingerprint".to_owned(), fingerprint.into());
    if let Some(setting) = finding.setting {
        entry.insert("setting".to_owned(), setting.path().into());
    }
    if let Some(server) = finding.server {
        entry.insert("server".to_owned(), server.name().into());
    }
    if let Some(span) = finding.span {
        entry.insert("place".to_owned(), place(&sources.place(span)));
    }
    Value::Object(entry)
}

/// File, line and column.
pub(super) fn place(place: &Place) -> Value {
    json!({"file": place.file.to_string_lossy(), "line": place.line, "column": place.column})
}
