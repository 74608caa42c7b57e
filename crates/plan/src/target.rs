//! The file that is edited, and what all steps need to know of it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::extensions::Extensions;
use crate::merging::Merging;
use crate::refusal::Refusal;
use crate::wanted::{OfServices, Wanted};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::source::{SourceId, Span};
use clearml_secure_core::yaml::lines::column;
use clearml_secure_core::yaml::{Node, Value};

/// The file that is edited, and what all steps need to know of it.
pub(crate) struct Target<'a> {
    pub(crate) deployment: &'a Composed,
    pub(crate) source: SourceId,
    pub(crate) text: &'a str,
    /// Runs of other files.
    pub(crate) others: Others<'a>,
    pub(crate) wanted: &'a OfServices,
    /// Which services extend which.
    pub(crate) extensions: &'a Extensions<'a>,
    /// Which services merge which `environment`.
    pub(crate) merging: Merging<'a>,
    /// Nodes that an alias stands for.
    pub(crate) aliased: HashSet<*const Node>,
    /// Single values that an alias stands for: where each stands, and where it is used again.
    pub(crate) aliased_values: HashMap<usize, Vec<usize>>,
    /// Anchors of the file, so that a new one has a new name.
    pub(crate) anchors: HashSet<String>,
    /// Environments that were set apart from what their service adds, and their anchors.
    pub(crate) set_apart: Vec<(Arc<Node>, String)>,
    /// Services that got an `environment` that they had not written, by their mappings.
    pub(crate) new_environments: HashSet<*const Node>,
    /// Aliases of lists.
    pub(crate) list_aliases: Vec<Arc<Node>>,
    /// Lists that were changed for their own service alone: all others get a copy of what was there.
    pub(crate) split_lists: Vec<Arc<Node>>,
    /// New texts of items that all who have them are to get, by the item's first byte.
    pub(crate) new_items: HashMap<usize, String>,
    /// Aliases, by their first byte, that were written out.
    pub(crate) written_out: HashSet<usize>,
    /// Services, by name, that got an `environment` of their own or already had one that was changed.
    pub(crate) edited: HashSet<String>,
}

/// Runs like this one, over other files.
#[derive(Clone, Copy)]
pub(crate) struct Others<'a> {
    /// The env files that the command line names.
    pub(crate) env_files: &'a [PathBuf],
    /// The options with which ports are asked for.
    pub(crate) port_options: &'a str,
    /// Whether a run would be accepted over these files, the one that is edited first.
    pub(crate) are_accepted: &'a dyn Fn(&[SourceId]) -> bool,
}

impl Others<'_> {
    pub(crate) fn accept(&self, files: &[SourceId]) -> bool {
        (self.are_accepted)(files)
    }
}

impl Target<'_> {
    /// The column of a place, in its own file: not every span is one of the edited text.
    pub(crate) fn column(&self, span: Span) -> usize {
        column(self.deployment.sources.text(span.source), span.start)
    }

    /// Whether a service, by its place in the project, is to have a variable of this very value.
    pub(crate) fn is_wanted(&self, service: usize, variable: &Wanted) -> bool {
        let of_service = self.wanted.get(&service);
        of_service.is_some_and(|ones| ones.iter().any(|one| one.is_same(variable)))
    }

    /// Whether a service is kept from what one that it extends is to have by that name.
    pub(crate) fn is_kept_from(&self, service: usize, name: &str) -> bool {
        let mut of_service = self.wanted.get(&service).into_iter().flatten();
        of_service.any(|one| one.is_of_inheritor() && one.name == name)
    }

    pub(crate) fn note_aliases(&mut self, node: &Arc<Node>) {
        if let Some((name, _)) = node.anchor() {
            self.anchors.insert(name.to_owned());
        }
        match &node.value {
            Value::Alias(shared) => {
                self.aliased.insert(Arc::as_ptr(shared));
                if matches!(shared.value, Value::Sequence(..)) {
                    self.list_aliases.push(Arc::clone(node));
                }
                if matches!(shared.value, Value::Scalar(..)) {
                    let uses = self
                        .aliased_values
                        .entry(shared.span(self.source).start)
                        .or_default();
                    uses.push(node.span(self.source).start);
                }
            }
            Value::Mapping(_, entries) => {
                for entry in entries {
                    self.note_aliases(&entry.key);
                    self.note_aliases(&entry.value);
                }
            }
            Value::Sequence(_, items) => {
                for item in items {
                    self.note_aliases(item);
                }
            }
            Value::Scalar(..) => {}
        }
    }

    /// A value with an anchor may only be replaced if everybody who uses it again gets a new one as well.
    pub(crate) fn refuse_other_users(
        &self,
        start: usize,
        replaced: &HashSet<usize>,
    ) -> Result<(), Refusal> {
        let users = self.aliased_values.get(&start);
        let mut users = users.into_iter().flatten();
        match users.find(|user| !replaced.contains(user)) {
            Some(user) => Err(self.refuse(
                *user,
                "this is an alias of a value that the edit replaces, and would change too",
                "write the value here instead of the alias",
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn refuse(
        &self,
        at: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Refusal {
        let span = Span {
            source: self.source,
            start: at,
            end: at,
        };
        Refusal {
            place: self.deployment.sources.place(span),
            message: message.into(),
            help: help.into(),
        }
    }
}
