//! Findings for programs. The shape is a promise: it changes only by addition (`version`).

use clearml_secure_core::compose::Unseen;
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::source::Sources;
use serde_json::{Map, Value, json};

use super::count;
use crate::report::Report;

pub(super) fn findings(reports: &[Report]) -> String {
    let findings: Vec<Value> = reports
        .iter()
        .flat_map(|report| {
            report
                .findings
                .iter()
                .map(|one| finding(report.sources(), one))
        })
        .collect();
    let document = json!({
        "version": 1,
        "findings": findings,
        "summary": {
            "error": count(reports, Severity::Error),
            "warning": count(reports, Severity::Warning),
            "note": count(reports, Severity::Note),
        },
        "unknown": unknown(reports),
    });
    format!("{document:#}\n")
}

/// What could not be looked at.
pub(super) fn unknown(reports: &[Report]) -> Vec<Value> {
    let entries = |report: &Report| {
        let entry = |unseen: &Unseen| {
            let mut entry = json!({"what": unseen.what, "reason": unseen.reason});
            if let Some(span) = unseen.span {
                entry["place"] = place(report.sources(), span);
            }
            entry
        };
        report.unseen.iter().map(entry).collect::<Vec<_>>()
    };
    reports.iter().flat_map(entries).collect()
}

fn finding(sources: &Sources, finding: &Finding) -> Value {
    let mut entry = Map::new();
    entry.insert("rule".to_owned(), finding.rule.into());
    entry.insert("severity".to_owned(), finding.severity.name().into());
    entry.insert("message".to_owned(), finding.message.as_str().into());
    entry.insert("help".to_owned(), finding.help.as_str().into());
    if let Some(setting) = finding.setting {
        entry.insert("setting".to_owned(), setting.path().into());
    }
    if let Some(server) = finding.server {
        entry.insert("server".to_owned(), server.name().into());
    }
    if let Some(span) = finding.span {
        entry.insert("place".to_owned(), place(sources, span));
    }
    Value::Object(entry)
}

/// File, line and column of a span.
pub(super) fn place(sources: &Sources, span: clearml_secure_core::source::Span) -> Value {
    let place = sources.place(span);
    json!({"file": place.file.to_string_lossy(), "line": place.line, "column": place.column})
}
