//! Files that compose would read besides those that are given.

use std::path::Path;

use super::{Project, files};
use crate::io;
use crate::shell::quoted;
use crate::source::Sources;
use crate::unseen::{Hides, Unseen};

/// What is named in an env file, and is not what is given.
pub const COMPOSE_FILES: &str = "the files that COMPOSE_FILE names";

impl Project {
    /// Files that `docker compose` takes instead of those it finds, where it is told none.
    pub(crate) fn note_compose_file(&mut self, sources: &Sources) {
        let span = self.env().span("COMPOSE_FILE");
        let named: Vec<_> = files::compose_file(&|name| self.env().value(name)).collect();
        if named.is_empty() {
            return;
        }
        let are_given = |folder: &Path| {
            let mut given = self.files.iter().map(|file| sources.path(*file));
            let is_next = |name: &&str| {
                let path = folder.join(name);
                given.next().is_some_and(|file| io::is_same(file, &path))
            };
            named.iter().all(is_next) && given.next().is_none()
        };
        // They are found from where compose runs: beside `.env`, in the project's folder, or here.
        let beside = span.and_then(|span| sources.path(span.source).parent());
        let folders = [beside, Some(&self.folder), Some(Path::new(""))];
        if !folders.into_iter().flatten().any(are_given) {
            let words: Vec<_> = named.iter().map(|name| quoted(Path::new(name))).collect();
            self.unseen.push(Unseen {
                what: COMPOSE_FILES.to_owned(),
                hides: Hides::Services,
                reason: format!(
                    "they are others than these; name all of them, in this order: {}",
                    words.join(" --merge ")
                ),
                service: None,
                span,
            });
        }
    }
}
