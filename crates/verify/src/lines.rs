//! The lines that findings are about, fit to be shown, and the comments on them.

use std::collections::HashMap;

use clearml_secure_core::redact::{Line, Text};
use clearml_secure_core::source::{SourceId, Span};
use clearml_secure_core::yaml::Node;

use crate::described::Described;

/// The texts of a deployment.
pub(crate) struct Lines<'a> {
    deployment: &'a Described,
    compose: HashMap<SourceId, Text<'a>>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(deployment: &'a Described) -> Self {
        let mut roots: HashMap<SourceId, Vec<&Node>> = HashMap::new();
        for (source, root) in deployment.trees() {
            roots.entry(source).or_default().push(root);
        }
        let compose = roots
            .into_iter()
            .map(|(source, roots)| {
                (
                    source,
                    Text::of_yaml(deployment.sources.text(source), roots),
                )
            })
            .collect();
        Self {
            deployment,
            compose,
        }
    }

    /// The line on which a span starts, masked.
    pub(crate) fn line(&self, span: Span) -> Line {
        self.with(span.source, |text| text.line(span.start..span.end))
    }

    /// The comments on the line where a span starts and alone on the line above.
    pub(crate) fn comments(&self, span: Span) -> Vec<&'a str> {
        self.with(span.source, |text| {
            let own = text.comment(span.start);
            let above = text.comment_above(span.start);
            own.into_iter().chain(above).collect()
        })
    }

    fn with<T>(&self, source: SourceId, look: impl FnOnce(&Text<'a>) -> T) -> T {
        match self.compose.get(&source) {
            Some(text) => look(text),
            None => look(&Text::of_lines(self.deployment.sources.text(source))),
        }
    }
}
