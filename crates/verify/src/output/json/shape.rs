//! What there are thousands of in one output: written from structs, because a tree of each costs more than the text.
//! The fields are in the order of the alphabet, as those of all other objects.

use std::borrow::Cow;

use clearml_secure_core::shown::text_of;
use clearml_secure_core::source::Place;
use serde::Serialize;

use crate::report::{Age, NotChecked, Told};

/// What an entry has besides: its kind on a line of JSON Lines, and what was looked at.
#[derive(Clone, Copy, Default)]
pub(super) struct Frame<'a> {
    pub(super) kind: Option<&'static str>,
    pub(super) subject: Option<&'a str>,
}

impl Frame<'_> {
    fn version(self) -> Option<u32> {
        self.kind.map(|_| super::VERSION)
    }
}

/// File, line and column.
#[derive(Serialize)]
struct At<'a> {
    column: usize,
    file: Cow<'a, str>,
    line: usize,
}

/// A finding.
#[derive(Serialize)]
pub(super) struct Finding<'a> {
    fingerprint: &'a str,
    help: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<At<'a>>,
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
}

/// Something that was not checked.
#[derive(Serialize)]
pub(super) struct Unknown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<At<'a>>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    what: &'a str,
}

impl<'a> Finding<'a> {
    pub(super) fn of(told: &'a Told, fingerprint: &'a str, frame: Frame<'a>) -> Self {
        Self {
            fingerprint,
            help: &told.help,
            kind: frame.kind,
            message: &told.message,
            place: told.spot.as_ref().map(|spot| At::of(&spot.place)),
            rule: told.rule,
            server: told.server.map(|server| server.name()),
            setting: told.setting.map(|setting| setting.path()),
            severity: told.severity.name(),
            since: told.age.map(Age::name),
            subject: frame.subject,
            version: frame.version(),
        }
    }
}

impl<'a> Unknown<'a> {
    pub(super) fn of(one: &'a NotChecked, frame: Frame<'a>) -> Self {
        Self {
            kind: frame.kind,
            place: one.place.as_ref().map(At::of),
            reason: &one.reason,
            subject: frame.subject,
            version: frame.version(),
            what: &one.what,
        }
    }
}

impl<'a> At<'a> {
    fn of(place: &'a Place) -> Self {
        Self {
            column: place.column,
            file: text_of(&place.file),
            line: place.line,
        }
    }
}
