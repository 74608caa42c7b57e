//! GitLab's Code Quality report: an array, in which everything has a place.

use clearml_secure_core::shown::text_of;
use clearml_secure_core::source::Place;
use serde_json::{Value, json};

use super::text::looked_at;
use crate::finding::Severity;
use crate::report::Report;
use crate::report::fingerprint::{Fingerprints, digest};

pub(super) fn findings(reports: &[Report]) -> String {
    let mut fingerprints = Fingerprints::default();
    let mut entries = Vec::new();
    for report in reports {
        let subject = looked_at(report);
        for finding in &report.findings {
            let severity = match finding.severity {
                Severity::Error => "critical",
                Severity::Warning => "major",
                Severity::Note => "info",
            };
            let text = format!("{}. {}", finding.message, finding.help);
            let fingerprint = fingerprints.of(&finding.identity);
            let place = finding.spot.as_ref().map(|spot| &spot.place);
            entries.push(entry(
                finding.rule,
                severity,
                &text,
                &fingerprint,
                place,
                &subject,
            ));
        }
        // What was not checked is never clean.
        for one in &report.unknown {
            let text = format!("not checked: {}", one.words());
            let fingerprint = digest(&format!("{subject}\n{text}"));
            let place = one.place.as_ref();
            entries.push(entry(
                "not-checked",
                "major",
                &text,
                &fingerprint,
                place,
                &subject,
            ));
        }
    }
    format!("{:#}\n", Value::Array(entries))
}

fn entry(
    rule: &str,
    severity: &str,
    text: &str,
    fingerprint: &str,
    place: Option<&Place>,
    subject: &str,
) -> Value {
    let path = place.map(|place| text_of(&place.file));
    let path = path.as_deref().unwrap_or(subject);
    json!({
        "check_name": rule,
        "description": text,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {
            "path": path.strip_prefix("./").unwrap_or(path),
            "lines": {"begin": place.map_or(1, |place| place.line)},
        },
    })
}
