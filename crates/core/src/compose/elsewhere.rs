//! Files that compose would read besides those that are given.

use super::Project;
use crate::io;
use crate::source::Sources;
use crate::unseen::{Hides, Unseen};

impl Project {
    /// Files that `docker compose` takes instead of those it finds, where it is told none.
    pub(super) fn note_compose_file(&mut self, sources: &Sources) {
        let Some(list) = self
            .env()
            .value("COMPOSE_FILE")
            .filter(|list| !list.is_empty())
        else {
            return;
        };
        let separator = self.env().value("COMPOSE_PATH_SEPARATOR").unwrap_or(":");
        let separator = if separator.is_empty() { ":" } else { separator };
        let named = list.split(separator).map(|name| self.folder.join(name));
        let mut given = self.files.iter().map(|file| sources.path(*file));
        let are_these = named
            .into_iter()
            .all(|name| given.next().is_some_and(|file| io::is_same(file, &name)))
            && given.next().is_none();
        if !are_these {
            self.unseen.push(Unseen {
                what: "the files that COMPOSE_FILE names".to_owned(),
                hides: Hides::Services,
                reason:
                    "they are others than these; name the first, and each further one with --merge"
                        .to_owned(),
                service: None,
                span: self.env().span("COMPOSE_FILE"),
            });
        }
    }
}
