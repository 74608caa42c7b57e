//! What an earlier run printed with `-f json` or `-f jsonl`; of shards, one text after the other. It is somebody's file:
//! only its shape is believed.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use clearml_secure_core::io::read_argument;
use clearml_secure_core::source::place_of;
use serde::{Deserialize, Serialize};

use crate::decisions::hidden::NOT_CHECKED;
use crate::error::Error;
use crate::words::of_json;

/// The version of the shape.
const VERSION: u32 = 1;

/// What is compared of it.
#[derive(Default)]
pub(super) struct Earlier {
    pub(super) findings: Vec<FindingThen>,
    pub(super) unknown: HashSet<UncheckedThen>,
    /// The options of the keysets that it asked servers about.
    pub(super) keysets: HashSet<String>,
    /// How many findings it left out.
    pub(super) left_out: u64,
}

/// A finding.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct FindingThen {
    pub(crate) fingerprint: String,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<PlaceThen>,
    pub(crate) rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) setting: Option<String>,
    pub(crate) severity: SeverityThen,
    /// What was looked at, as it was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SeverityThen {
    Error,
    Warning,
    Note,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PlaceThen {
    pub(crate) column: usize,
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// Something that was not checked.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct UncheckedThen {
    pub(super) subject: String,
    pub(super) what: String,
    pub(super) reason: String,
    pub(super) file: Option<String>,
}

/// A document, or a line.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Part {
    version: Option<u32>,
    kind: Option<String>,
    subject: Option<String>,
    // Of a document; `hidden` of a line, too.
    findings: Option<Vec<FindingThen>>,
    #[serde(default)]
    unknown: Vec<UnknownThen>,
    #[serde(default)]
    checks: Vec<CheckThen>,
    #[serde(default)]
    hidden: HashMap<String, u64>,
    // Of a line.
    fingerprint: Option<String>,
    message: Option<String>,
    rule: Option<String>,
    server: Option<String>,
    setting: Option<String>,
    severity: Option<SeverityThen>,
    place: Option<PlaceThen>,
    what: Option<String>,
    reason: Option<String>,
    keyset: Option<String>,
}

#[derive(Deserialize)]
struct UnknownThen {
    what: String,
    reason: String,
    place: Option<PlaceThen>,
    subject: Option<String>,
}

#[derive(Deserialize)]
struct CheckThen {
    keyset: String,
}

impl Earlier {
    /// # Errors
    /// A text that cannot be read, or is none of ours: with its line and column.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = read_argument(path)?;
        Self::parse(&text).map_err(|(offset, message)| Error::Since {
            place: place_of(path, &text, offset),
            message,
        })
    }

    /// What is in a text; where it is none of ours, and why.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut earlier = Self::default();
        let mut parts = serde_json::Deserializer::from_str(text).into_iter::<Part>();
        let start = |end: usize| text.len() - text[end..].trim_start().len();
        let mut offset = start(0);
        if offset == text.len() {
            return Err((0, "it is empty".to_owned()));
        }
        while let Some(part) = parts.next() {
            let part = part.map_err(|error| {
                let line = text.split_inclusive('\n').take(error.line().max(1) - 1);
                let line: usize = line.map(str::len).sum();
                // The column is one of bytes, and of the last that was read.
                let at = (line + error.column().max(1) - 1).min(text.len());
                (floor(text, at), of_json(&error))
            })?;
            earlier
                .add(part)
                .map_err(|what| (offset, what.to_owned()))?;
            offset = start(parts.byte_offset());
        }
        Ok(earlier)
    }

    fn add(&mut self, part: Part) -> Result<(), &'static str> {
        if part.version != Some(VERSION) {
            return Err("it has no version 1");
        }
        match (part.kind.as_deref(), part.findings) {
            (None, Some(findings)) => {
                self.findings.extend(findings);
                let unknown = part.unknown.into_iter();
                self.unknown.extend(unknown.filter_map(|one| {
                    Some(UncheckedThen {
                        subject: one.subject?,
                        what: one.what,
                        reason: one.reason,
                        file: one.place.map(|place| place.file),
                    })
                }));
                let keysets = part.checks.into_iter().map(|check| check.keyset);
                self.keysets.extend(keysets);
                self.left_out += findings_in(&part.hidden);
            }
            (None, None) => return Err("it has no findings"),
            (Some("finding"), _) => {
                let missing = "this finding is not whole";
                self.findings.push(FindingThen {
                    fingerprint: part.fingerprint.ok_or(missing)?,
                    message: part.message.ok_or(missing)?,
                    place: part.place,
                    rule: part.rule.ok_or(missing)?,
                    server: part.server,
                    setting: part.setting,
                    severity: part.severity.ok_or(missing)?,
                    subject: Some(part.subject.ok_or(missing)?),
                });
            }
            (Some("unknown"), _) => {
                let missing = "this line is not whole";
                self.unknown.insert(UncheckedThen {
                    subject: part.subject.ok_or(missing)?,
                    what: part.what.ok_or(missing)?,
                    reason: part.reason.ok_or(missing)?,
                    file: part.place.map(|place| place.file),
                });
            }
            (Some("check"), _) => self.keysets.extend(part.keyset),
            (Some("hidden"), _) => self.left_out += findings_in(&part.hidden),
            // How many there are, clients, and what later versions may add.
            (Some(_), _) => {}
        }
        Ok(())
    }
}

/// How many findings were left out: what was not checked, and accepted, is none.
fn findings_in(hidden: &HashMap<String, u64>) -> u64 {
    let counts = hidden.iter().filter(|(by, _)| *by != NOT_CHECKED);
    counts.map(|(_, count)| count).sum()
}

/// The last start of a character up to an offset.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"version":1,"kind":"finding","subject":"s","fingerprint":"f","message":"m","rule":"r","severity":"note"}"#;
    const DOCUMENT: &str = r#"{"findings":[{"fingerprint":"f","message":"m","rule":"r","severity":"error"}],
        "unknown":[{"what":"w","reason":"r","subject":"s"}],"hidden":{"comments":2},"version":1}"#;

    #[test]
    fn documents_and_lines_are_told_apart_by_their_text() {
        let summary = r#"{"version":1,"kind":"summary","subject":"s","error":0}"#;
        let hidden =
            r#"{"version":1,"kind":"hidden","hidden":{"baseline":3,"comments":1,"not_checked":9}}"#;
        for (text, findings, left_out) in [
            (format!("{LINE}\n{summary}\n"), 1, 0),
            (format!("{LINE}\n{summary}\n{hidden}\n"), 1, 4),
            (format!("\n {DOCUMENT}\n{DOCUMENT}"), 2, 4),
            (DOCUMENT.replace(['\n', ' '], ""), 1, 2),
        ] {
            let earlier = Earlier::parse(&text).expect("one of ours");
            assert_eq!(earlier.findings.len(), findings, "{text}");
            assert_eq!(earlier.left_out, left_out, "{text}");
        }
    }

    #[test]
    fn what_is_none_of_ours_is_refused_where_that_is_seen() {
        for (text, at, says) in [
            ("", 0, "empty"),
            (" \n", 0, "empty"),
            ("services: {}", 0, "this is not JSON"),
            ("[]", 1, "expected an object"),
            ("{\"message\": [\"secret\"]}", 11, "expected a string"),
            ("\n {\"version\":2,\"findings\":[]}", 2, "version 1"),
            ("{\"version\":1,\"effective\":[]}", 0, "no findings"),
            (
                "{\"version\":1,\"findings\":[{\"rule\":1}]}",
                33,
                "expected a string",
            ),
            (
                "{\"version\":1,\"findings\":[",
                24,
                "the JSON is incomplete",
            ),
        ] {
            let (offset, message) = Earlier::parse(text).err().expect(text);
            assert!(
                offset == at && message.contains(says),
                "{text}: {offset} {message}"
            );
        }
        let cut = format!("{LINE}\n{}", &LINE[..40]);
        let (offset, _) = Earlier::parse(&cut).err().expect("it is cut");
        assert!(offset > LINE.len(), "{offset}");
    }
}
