//! What tells a finding from others, also after its line has moved.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clearml_secure_core::source::Sources;
use sha2::{Digest, Sha256};

use crate::finding::Finding;
use crate::report::Report;

/// Gives out fingerprints; equal findings are told apart by their order.
#[derive(Default)]
pub(crate) struct Fingerprints {
    given: HashMap<String, usize>,
    names: HashMap<PathBuf, String>,
}

impl Fingerprints {
    /// 32 hexadecimal digits. No finding holds a value, so nothing can be guessed from them.
    pub(crate) fn of(&mut self, report: &Report, finding: &Finding) -> String {
        let sources = report.sources();
        let mut file = finding
            .span
            .map(|span| self.name(sources.name(span.source)));
        // One text has several deployments, whose findings are alike.
        let running = report.deployment();
        if let Some(name) = running.and_then(|(deployment, _)| deployment.running_name()) {
            file = file.map(|file| format!("{file}/{name}"));
        }
        let text = format!(
            "{}\n{}\n{}\n{}\n{}",
            finding.rule,
            file.unwrap_or_default(),
            finding
                .setting
                .map(|setting| setting.path())
                .unwrap_or_default(),
            finding
                .server
                .map(|server| server.name())
                .unwrap_or_default(),
            self.without_typing(sources, &finding.message)
        );
        let count = self.given.entry(text.clone()).or_default();
        *count += 1;
        digest(&format!("{text}\n{count}"))
    }

    /// What a file is called, however its path was typed: from the folder that git keeps it in, or from here.
    pub(crate) fn name(&mut self, path: &Path) -> String {
        let name = self.names.entry(path.to_owned());
        name.or_insert_with(|| name_of(path)).clone()
    }

    /// A message may name places by the paths that were typed.
    fn without_typing(&mut self, sources: &Sources, message: &str) -> String {
        let mut text = message.to_owned();
        for id in sources.ids() {
            let path = sources.path(id);
            let typed = path.to_string_lossy();
            // In what was typed without a folder there is nothing to change.
            if typed.contains('/') && text.contains(&*typed) {
                text = text.replace(&*typed, &self.name(path));
            }
        }
        text
    }
}

/// 32 hexadecimal digits of a text.
pub(crate) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
    hex.collect()
}

fn name_of(path: &Path) -> String {
    let typed = || path.to_string_lossy().trim_start_matches("./").to_owned();
    let Ok(real) = path.canonicalize() else {
        return typed();
    };
    let mut folders = real.ancestors().skip(1);
    let repository = folders.find(|folder| folder.join(".git").exists());
    let here = || Path::new(".").canonicalize().ok();
    let base = repository.map(Path::to_owned).or_else(here);
    let below = base.and_then(|base| Some(real.strip_prefix(base).ok()?.to_owned()));
    below.unwrap_or(real).to_string_lossy().into_owned()
}
