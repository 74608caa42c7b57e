//! The lines that findings are about, fit to be shown, and the comments on them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use clearml_secure_core::redact::{Line, Text};
use clearml_secure_core::source::{SourceId, Span};
use clearml_secure_core::yaml::{Node, parse_part_last};

use crate::report::described::Described;

/// The texts of a deployment.
pub(crate) struct Lines<'a> {
    deployment: &'a Described,
    compose: HashMap<SourceId, Text<'a>>,
    /// The objects of manifests that were asked about, by where they begin. Most never are.
    objects: RefCell<HashMap<(SourceId, usize), Rc<Text<'a>>>>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(deployment: &'a Described) -> Self {
        let mut roots: HashMap<SourceId, Vec<Arc<Node>>> = HashMap::new();
        for (source, root) in deployment.trees() {
            roots.entry(source).or_default().push(Arc::clone(root));
        }
        let compose = roots
            .into_iter()
            .map(|(source, roots)| {
                let sources = &deployment.sources;
                let text = sources.text(source);
                let text = Text::of_known(text, sources.line_starts(source), roots);
                (source, shown(deployment, text))
            })
            .collect();
        Self {
            deployment,
            compose,
            objects: RefCell::default(),
        }
    }

    /// The line on which a span starts, masked.
    pub(crate) fn line(&self, span: Span) -> Line {
        self.with(span, |text| text.line(span.start..span.end))
    }

    /// The comments on the line where a span starts and alone on the line above.
    pub(crate) fn comments(&self, span: Span) -> Vec<&'a str> {
        self.with(span, |text| {
            let own = text.comment(span.start);
            let above = text.comment_above(span.start);
            own.into_iter().chain(above).collect()
        })
    }

    /// The comment on the line where a span starts.
    pub(crate) fn comment(&self, span: Span) -> Option<&'a str> {
        self.with(span, |text| text.comment(span.start))
    }

    fn with<T>(&self, span: Span, look: impl FnOnce(&Text<'a>) -> T) -> T {
        let source = span.source;
        if let Some(text) = self.object(span) {
            return look(&text);
        }
        match self.compose.get(&source) {
            Some(text) => look(text),
            None => {
                let sources = &self.deployment.sources;
                let (text, starts) = (sources.text(source), sources.line_starts(source));
                look(&shown(self.deployment, Text::of_known_lines(text, starts)))
            }
        }
    }

    /// The object of a manifest that a span is in.
    fn object(&self, span: Span) -> Option<Rc<Text<'a>>> {
        let parts = self.deployment.manifests.iter();
        let mut parts = parts.flat_map(|manifests| &manifests.parts);
        let is_in = |part: &&(SourceId, Range<usize>)| {
            part.0 == span.source && part.1.contains(&span.start)
        };
        let (source, range) = parts.find(is_in)?;
        let key = (*source, range.start);
        if let Some(text) = self.objects.borrow().get(&key) {
            return Some(Rc::clone(text));
        }
        let sources = &self.deployment.sources;
        let whole = sources.text(*source);
        let path = sources.path(*source);
        // It was read before, with what is around it.
        let tree = parse_part_last(path, whole, range.clone());
        let roots = tree.map(|(roots, _)| roots).unwrap_or_default();
        let text = Text::of_known(whole, sources.line_starts(*source), roots);
        let text = Rc::new(text.without_references());
        self.objects.borrow_mut().insert(key, Rc::clone(&text));
        Some(text)
    }
}

/// What the engine prints of what runs has values, and no names of them.
fn shown<'a>(deployment: &Described, text: Text<'a>) -> Text<'a> {
    match deployment.is_running() {
        true => text.without_references(),
        false => text,
    }
}
