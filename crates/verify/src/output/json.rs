//! Findings for programs. The shape is a promise: it changes only by addition (`version`).

use clearml_secure_core::source::{Place, Sources};
use serde_json::{Map, Value, json};

use super::count;
use crate::finding::{Finding, Severity};
use crate::report::{NotChecked, Report};

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
    let entry = |one: &NotChecked| {
        let mut entry = json!({"what": one.what, "reason": one.reason});
        if let Some(at) = &one.place {
            entry["place"] = place(at);
        }
        entry
    };
    let all = reports.iter().flat_map(|report| &report.unknown);
    all.map(entry).collect()
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
        entry.insert("place".to_owned(), place(&sources.place(span)));
    }
    Value::Object(entry)
}

/// File, line and column.
pub(super) fn place(place: &Place) -> Value {
    json!({"file": place.file.to_string_lossy(), "line": place.line, "column": place.column})
}
