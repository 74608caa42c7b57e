//! What a release is made of, and when.

use std::env;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use crate::error::{Error, Result};
use crate::shell::output;

/// The version, the commit, and its time.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) version: &'static str,
    pub(crate) commit: Option<String>,
    /// Since 1970; every file has this time.
    pub(crate) seconds: u64,
}

impl Origin {
    /// The commit and its time, unless `SOURCE_DATE_EPOCH` says another.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        let of_commit = |format: &str| {
            let format = format!("--format={format}");
            let text = output("git", &["log", "-1", &format], root).ok()?;
            Some(text.trim().to_owned())
        };
        let given = env::var("SOURCE_DATE_EPOCH").ok();
        let seconds = given.or_else(|| of_commit("%ct"));
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: of_commit("%H"),
            seconds: seconds
                .and_then(|text| text.parse().ok())
                .ok_or(Error::NoDate)?,
        })
    }

    fn moment(&self) -> OffsetDateTime {
        i64::try_from(self.seconds)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// `2026-01-02T03:04:05Z`.
    pub(crate) fn rfc3339(&self) -> String {
        self.moment().format(&Rfc3339).unwrap_or_default()
    }

    /// `Fri, 02 Jan 2026 03:04:05 +0000`.
    pub(crate) fn rfc2822(&self) -> String {
        self.moment().format(&Rfc2822).unwrap_or_default()
    }
}
