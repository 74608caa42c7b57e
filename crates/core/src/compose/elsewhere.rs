//! Files that compose would read besides those that are given.

use super::{Project, files};
use crate::io;
use crate::source::Sources;
use crate::unseen::{Hides, Unseen};

impl Project {
    /// Files that `docker compose` takes instead of those it finds, where it is told none.
    pub(super) fn note_compose_file(&mut self, sources: &Sources) {
        let named: Vec<_> = files::compose_file(&|name| self.env().value(name))
            .map(|name| self.folder.join(name))
            .collect();
        if named.is_empty() {
            return;
        }
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
