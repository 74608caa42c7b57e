//! What tells a finding from others, also after its line has moved.

use std::collections::HashMap;

use clearml_secure_core::source::Sources;
use sha2::{Digest, Sha256};

use crate::finding::Finding;

/// Gives out fingerprints; equal findings are told apart by their order.
#[derive(Default)]
pub(crate) struct Fingerprints(HashMap<String, usize>);

impl Fingerprints {
    /// 32 hexadecimal digits. No finding holds a value, so nothing can be guessed from them.
    pub(crate) fn of(&mut self, sources: &Sources, finding: &Finding) -> String {
        let file = finding
            .span
            .map(|span| sources.path(span.source).to_string_lossy().into_owned());
        let text = format!(
            "{}\n{}\n{}\n{}\n{}",
            finding.rule,
            file.as_deref().unwrap_or_default().trim_start_matches("./"),
            finding
                .setting
                .map(|setting| setting.path())
                .unwrap_or_default(),
            finding
                .server
                .map(|server| server.name())
                .unwrap_or_default(),
            finding.message
        );
        let count = self.0.entry(text.clone()).or_default();
        *count += 1;
        let digest = Sha256::digest(format!("{text}\n{count}"));
        let hex: Vec<String> = digest[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hex.concat()
    }
}
