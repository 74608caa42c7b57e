//! Files that compose would read besides those that are given.

use super::{Hides, Project, Unseen};
use crate::io;
use crate::source::Sources;

impl Project {
    /// Files that one of these includes.
    pub(super) fn note_includes(&mut self, sources: &Sources) {
        for layer in &self.layers {
            if let Some(include) = layer
                .root
                .get("include")
                .filter(|field| !field.value.is_null())
            {
                self.unseen.push(Unseen {
                    what: format!("include of {}", sources.path(layer.source).display()),
                    hides: Hides::Services,
                    reason: "included compose files are not followed; name them on the command line as well"
                        .to_owned(),
                    service: None,
                    span: Some(include.key.span(layer.source)),
                });
            }
        }
    }

    /// Files that `docker compose` takes instead of those it finds, where it is told none.
    pub(super) fn note_compose_file(&mut self, sources: &Sources) {
        let Some(list) = self
            .env
            .value("COMPOSE_FILE")
            .filter(|list| !list.is_empty())
        else {
            return;
        };
        let separator = self.env.value("COMPOSE_PATH_SEPARATOR").unwrap_or(":");
        let separator = if separator.is_empty() { ":" } else { separator };
        let named = list.split(separator).map(|name| self.folder.join(name));
        let mut layers = self.layers.iter().map(|layer| sources.path(layer.source));
        let are_these = named
            .into_iter()
            .all(|name| layers.next().is_some_and(|layer| io::is_same(layer, &name)))
            && layers.next().is_none();
        if !are_these {
            self.unseen.push(Unseen {
                what: "the files that COMPOSE_FILE names".to_owned(),
                hides: Hides::Services,
                reason:
                    "they are others than these; name the first, and each further one with --merge"
                        .to_owned(),
                service: None,
                span: self.env.span("COMPOSE_FILE"),
            });
        }
    }
}
