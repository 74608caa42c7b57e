//! What tells a finding from others, also after its line has moved.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clearml_secure_core::shown::text_of;
use clearml_secure_core::source::Sources;
use sha2::{Digest, Sha256};

use crate::case::UNLESS;
use crate::finding::Finding;

/// What a finding says, digested: the same for findings that are alike.
#[derive(Clone)]
pub(crate) struct Identity(Sha256);

impl Identity {
    /// Of what tells findings from each other: rule, file, setting, server and message; empty where there is none.
    pub(crate) fn of(parts: [&str; 5]) -> Self {
        Self(Sha256::new_with_prefix(parts.join("\n")))
    }

    /// The fingerprint of one of the findings that are alike, counted from 1.
    pub(crate) fn numbered(&self, count: u32) -> String {
        hex(&self.digest(count)[..16])
    }

    fn digest(&self, count: u32) -> [u8; 32] {
        let text = format!("\n{count}");
        self.0.clone().chain_update(text).finalize().into()
    }
}

/// Gives out fingerprints; findings that are alike are told apart by their order.
#[derive(Default)]
pub(crate) struct Fingerprints {
    /// The first bytes of all that were given out for the first of its kind. If two that are not alike began the same, the second would only
    /// be numbered as if it had been met before.
    met: HashSet<u64>,
    /// How often those were met that were met again.
    again: HashMap<u64, u32>,
}

impl Fingerprints {
    /// 32 hexadecimal digits. No finding holds a value, so nothing can be guessed from them.
    pub(crate) fn of(&mut self, identity: &Identity) -> String {
        let digest = identity.digest(1);
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        let key = u64::from_be_bytes(first);
        if self.met.insert(key) {
            return hex(&digest[..16]);
        }
        let times = self.again.entry(key).or_insert(1);
        *times = times.saturating_add(1);
        identity.numbered(*times)
    }
}

/// What files are called that findings speak of.
#[derive(Default)]
pub(crate) struct Names(HashMap<PathBuf, String>);

impl Names {
    /// What a file is called, however its path was typed: from the root of the repository that this program runs in, or
    /// from here.
    pub(crate) fn name(&mut self, path: &Path) -> String {
        if let Some(name) = self.0.get(path) {
            return name.clone();
        }
        let name = name_of(path);
        self.0.insert(path.to_owned(), name.clone());
        name
    }

    /// What tells a finding about a file from others.
    pub(crate) fn identity(
        &mut self,
        finding: &Finding,
        file: Option<&str>,
        sources: &Sources,
    ) -> Identity {
        let setting = finding.setting.map(|setting| setting.path());
        let server = finding.server.map(|server| server.name());
        let paths = sources.ids().map(|id| sources.path(id));
        Identity::of([
            finding.rule,
            file.unwrap_or_default(),
            setting.unwrap_or_default(),
            server.unwrap_or_default(),
            // On a machine that has the configuration folder, too, it is the same finding.
            &self.without_typing(paths, &finding.message.replace(UNLESS, "")),
        ])
    }

    /// A message may name places by the paths that were typed.
    pub(crate) fn without_typing<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a Path>,
        message: &str,
    ) -> String {
        let mut text = message.to_owned();
        for path in paths {
            let typed = text_of(path);
            // A name without a folder and without an end may be any word.
            if typed.contains(['/', '.']) && text.contains(&*typed) {
                text = replaced(&text, &typed, &self.name(path));
            }
        }
        text
    }
}

/// A text with another path in place of one, where that is not a part of a longer one.
fn replaced(text: &str, typed: &str, name: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    let mut out = String::new();
    let mut done = 0;
    for (start, found) in text.match_indices(typed) {
        let end = start + found.len();
        let mut after = text[end..].chars();
        // A point ends a sentence, or comes before more of the name.
        let is_longer = match after.next() {
            Some('.') => after.next().is_some_and(is_part),
            next => next.is_some_and(is_part),
        };
        if !is_longer && !text[..start].ends_with(is_part) {
            out.push_str(&text[done..start]);
            out.push_str(name);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// 32 hexadecimal digits of a text.
pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text)[..16])
}

fn hex(digest: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

/// Repositories count that this program runs in: in another one, of which there may be several, a path is that of any.
fn name_of(path: &Path) -> String {
    let (Ok(real), Ok(here)) = (path.canonicalize(), Path::new(".").canonicalize()) else {
        return text_of(path).trim_start_matches("./").to_owned();
    };
    let is_root = |folder: &&Path| here.starts_with(folder) && folder.join(".git").exists();
    let base = real.ancestors().skip(1).find(is_root).unwrap_or(&here);
    text_of(real.strip_prefix(base).unwrap_or(&real)).into_owned()
}
