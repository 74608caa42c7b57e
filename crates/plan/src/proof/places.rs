//! Places in the files as the user has them.

use clearml_secure_core::deployment::Composed;
use clearml_secure_core::edit::{Edit, origin};
use clearml_secure_core::source::{Place, Span, place_of};

/// The deployment after the edits, and what leads back to the text before them.
pub(super) struct Places<'a> {
    pub(super) deployment: &'a Composed,
    pub(super) before: &'a str,
    pub(super) edits: &'a [Edit],
}

impl Places<'_> {
    /// Where something is, in the file that the user can open: the edited one does not exist yet.
    pub(super) fn of(&self, span: Span) -> Place {
        let sources = &self.deployment.sources;
        if span.source != self.deployment.project.files[0] {
            return sources.place(span);
        }
        let at = origin(self.edits, span.start);
        place_of(sources.path(span.source), self.before, at)
    }
}
