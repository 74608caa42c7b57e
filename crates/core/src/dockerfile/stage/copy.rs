//! `COPY` and `ADD`: what comes from where, and where it goes.

use std::ops::Range;

use super::{Stage, exec_form};
use crate::container_path::cleaned;
use crate::dockerfile::Refused;
use crate::dockerfile::parse::{self, Instruction};
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;

/// One source of a `COPY` or `ADD`.
#[derive(Clone, Debug)]
pub struct Copied {
    /// What is copied.
    pub source: CopySource,
    /// Where to: an absolute path of the image.
    pub to: Knowable<String>,
    /// Whether that is a folder for certain; otherwise a single file takes the name unless a folder is there.
    pub is_folder: bool,
    /// The instruction, in bytes.
    pub span: Range<usize>,
}

/// What is copied.
#[derive(Clone, Debug)]
pub enum CopySource {
    /// A file, a folder or a pattern (`*`, `?`, `[`) below the build's context, without a slash in front.
    Context(String),
    /// A here-document.
    Inline {
        /// The name of the file.
        name: String,
        /// Its text.
        text: Knowable<Secret>,
    },
    /// Another stage, another image, an address, an archive, or a path that is not known.
    Unknown(Reason),
}

/// The words of one instruction, understood.
pub(super) struct Written {
    pub(super) sources: Vec<CopySource>,
    pub(super) destination: Knowable<String>,
    pub(super) is_folder: bool,
}

pub(super) fn read(instruction: &Instruction, stage: &Stage) -> Result<Written, Refused> {
    let text = instruction.rest.text.as_str();
    let words: Vec<String> = match exec_form(text) {
        Some(words) => words,
        None => text
            .split(parse::is_blank)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    let Some((destination, sources)) = words
        .split_last()
        .filter(|(_, sources)| !sources.is_empty())
    else {
        return Err(Refused);
    };
    let elsewhere = flagged(instruction);
    let mut heredocs = instruction.heredocs.iter();
    let mut read = Vec::new();
    for word in sources {
        let heredoc = heredocs.next_if_announced(word);
        read.push(match (heredoc, &elsewhere) {
            (Some(heredoc), _) => CopySource::Inline {
                name: heredoc.name.clone(),
                text: stage.document(heredoc)?.map(Secret::new),
            },
            (None, Some(reason)) => CopySource::Unknown(reason.clone()),
            (None, None) => of_context(stage.expand(word)?, &instruction.keyword),
        });
    }
    let destination = stage.expand(destination)?;
    let is_folder = read.len() > 1
        || destination
            .known()
            .is_some_and(|path| path.ends_with('/') || path.ends_with("/.") || path == ".");
    Ok(Written {
        sources: read,
        destination,
        is_folder,
    })
}

/// Takes the next here-document where a word announces one.
trait NextIfAnnounced<'a> {
    fn next_if_announced(&mut self, word: &str) -> Option<&'a parse::Heredoc>;
}

impl<'a> NextIfAnnounced<'a> for std::slice::Iter<'a, parse::Heredoc> {
    fn next_if_announced(&mut self, word: &str) -> Option<&'a parse::Heredoc> {
        if word
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with("<<")
        {
            self.next()
        } else {
            None
        }
    }
}

/// Why a flag makes the sources something else than the context's files.
fn flagged(instruction: &Instruction) -> Option<Reason> {
    instruction
        .flags
        .iter()
        .find_map(|flag| match flag.split('=').next().unwrap_or_default() {
            "--from" => Some(Reason::from("it is copied from another stage or image")),
            "--exclude" | "--parents" => {
                Some(Reason::from("it is copied in part, or with its folders"))
            }
            _ => None,
        })
}

fn of_context(path: Knowable<String>, keyword: &str) -> CopySource {
    /// What `ADD` unpacks.
    const ARCHIVES: [&str; 9] = [
        ".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tar.zst", ".tbz2", ".tgz", ".txz", ".tzst",
    ];
    let path = match path {
        Knowable::Known(path) => path,
        Knowable::Unknown(reason) => return CopySource::Unknown(reason),
    };
    if keyword == "ADD" {
        if path.contains("://") || path.starts_with("git@") {
            return CopySource::Unknown("it is downloaded when the image is built".into());
        }
        let lower = path.to_ascii_lowercase();
        if ARCHIVES.iter().any(|end| lower.ends_with(end)) {
            return CopySource::Unknown("it is unpacked from an archive".into());
        }
    }
    CopySource::Context(cleaned(&path).trim_start_matches('/').to_owned())
}
