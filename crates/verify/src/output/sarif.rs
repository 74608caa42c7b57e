//! SARIF 2.1.0, for code scanning.
//!
//! What could not be looked at is a notification of a run that was not successful, so that nobody takes it for
//! clean. Written by hand: the crate with SARIF's types does not build with this compiler.

use clearml_secure_core::source::Place;
use serde_json::{Value, json};

use crate::finding::Severity;
use crate::fingerprint::Fingerprints;
use crate::pages;
use crate::pages::ids;
use crate::report::{Age, Report, Told};

pub(super) fn findings(reports: &[Report]) -> String {
    let mut fingerprints = Fingerprints::default();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for report in reports {
        for finding in &report.findings {
            let fingerprint = fingerprints.of(&finding.identity);
            results.push(result(finding, &fingerprint));
        }
        for one in &report.unknown {
            let mut entry = json!({
                "level": "error",
                "message": {"text": format!("not checked: {}: {}", one.what, one.reason)},
            });
            if let Some(place) = &one.place {
                entry["locations"] = json!([location(place)]);
            }
            notifications.push(entry);
        }
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "clearml-verify",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": ids().into_iter().map(describe).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn describe(id: &str) -> Value {
    let page = pages::page(id).unwrap_or_default();
    // The heading is the id, which a viewer shows anyway.
    let body = page.split_once('\n').map_or("", |(_, body)| body.trim());
    json!({
        "id": id,
        "shortDescription": {"text": pages::headline(id)},
        "helpUri": pages::address(id),
        "help": {"text": body, "markdown": body},
    })
}

fn result(finding: &Told, fingerprint: &str) -> Value {
    let mut entry = json!({
        "ruleId": finding.rule,
        "ruleIndex": ids().iter().position(|id| *id == finding.rule),
        "level": match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "message": {"text": format!("{}. {}", finding.message, finding.help)},
        "partialFingerprints": {"clearmlVerify/v1": fingerprint},
    });
    if let Some(age) = finding.age {
        entry["baselineState"] = match age {
            Age::New => "new",
            Age::Still => "unchanged",
        }
        .into();
    }
    if let Some(spot) = &finding.spot {
        entry["locations"] = json!([location(&spot.place)]);
    }
    entry
}

fn location(place: &Place) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&place.file.to_string_lossy())},
        "region": {"startLine": place.line, "startColumn": place.column},
    }})
}

/// A path as a URI reference: absolute ones with their scheme.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            b'\\' if cfg!(windows) => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./a b/ä.yml"), "a%20b/%C3%A4.yml");
        assert_eq!(uri("/srv/x#1.yml"), "file:///srv/x%231.yml");
    }
}
