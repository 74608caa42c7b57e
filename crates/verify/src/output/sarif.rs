//! SARIF 2.1.0, for code scanning.
//!
//! What could not be looked at is a notification of a run that was not successful, so that nobody takes it for
//! clean. Written by hand: the crate with SARIF's types does not build with this compiler.

use std::path::Path;

use clearml_secure_core::source::Place;
use serde_json::{Value, json};

use super::Seen;
use crate::finding::Severity;
use crate::pages;
use crate::pages::ids;
use crate::report::fingerprint::Fingerprints;
use crate::report::{Age, Told};

pub(super) fn findings(seen: &Seen<'_>) -> String {
    let mut fingerprints = Fingerprints::default();
    let mut results = Vec::new();
    let mut notifications = Vec::new();
    for report in seen.reports {
        for finding in &report.findings {
            let fingerprint = fingerprints.of(&finding.identity);
            results.push(result(finding, &fingerprint));
        }
        for one in &report.unknown {
            let mut entry = json!({
                "level": "error",
                "message": message(&format!("not checked: {}: {}", one.what, one.reason)),
            });
            if let Some(place) = &one.place {
                entry["locations"] = json!([location(place)]);
            }
            notifications.push(entry);
        }
    }
    let is_whole = notifications.is_empty();
    if let Some(words) = seen.hidden.words() {
        notifications.push(json!({"level": "note", "message": message(&words)}));
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
                "executionSuccessful": is_whole,
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
        "message": message(&format!("{}. {}", finding.message, finding.help)),
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

/// A text in which nothing is a link, which `[x](y)` is in a message.
fn message(text: &str) -> Value {
    let text = match text.contains("](") {
        true => text.replace('[', "\\[").replace(']', "\\]"),
        false => text.to_owned(),
    };
    json!({"text": text})
}

fn location(place: &Place) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&place.file)},
        "region": {"startLine": place.line, "startColumn": place.column},
    }})
}

/// A path as a URI reference: absolute ones with their scheme.
fn uri(path: &Path) -> String {
    let path = path.as_os_str().as_encoded_bytes();
    let path = path.strip_prefix(b"./").unwrap_or(path);
    let mut out = String::from(if path.starts_with(b"/") {
        "file://"
    } else {
        ""
    });
    for &byte in path {
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
    fn nothing_of_a_file_is_a_link() {
        assert_eq!(message("a [x](y)"), json!({"text": "a \\[x\\](y)"}));
        assert_eq!(message("a[0]"), json!({"text": "a[0]"}));
    }

    #[test]
    fn paths_become_uris() {
        let uri = |path| uri(Path::new(path));
        assert_eq!(uri("./a b/ä.yml"), "a%20b/%C3%A4.yml");
        assert_eq!(uri("/srv/x#1.yml"), "file:///srv/x%231.yml");
    }
}
