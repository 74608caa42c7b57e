//! What the sections beside the services say over all files: `configs`, `networks`, `secrets` and `volumes`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Document, Project};
use crate::yaml::Node;

/// Which documents say something of a name in a section: a project may have thousands of either, and each name is asked for.
#[derive(Default)]
pub(super) struct Sections {
    /// What they say, with their places in the project's order.
    named: HashMap<&'static str, HashMap<String, Vec<Saying>>>,
    /// The places of those that take something from the documents before.
    tagged: Vec<usize>,
}

/// What a document says of a name, with its place.
type Saying = (usize, Arc<Node>);

/// The sections whose entries services name.
pub(super) const SECTIONS: [&str; 4] = ["configs", "networks", "secrets", "volumes"];

impl Project {
    /// What documents say of a name in a section, or at a path below, e.g. `networks`, `back`, `[internal]`, the one that wins
    /// first. A tag of compose's on the way takes away what the documents before say.
    pub(super) fn said<'a>(
        &'a self,
        section: &str,
        name: &str,
        below: &[&str],
    ) -> Vec<(&'a Document, &'a Node)> {
        let names = self.sections.named.get(section);
        let named = names.and_then(|names| names.get(name));
        let mut said = Vec::new();
        let mut tagged = self.sections.tagged.iter().rev().copied().peekable();
        for (at, node) in named.into_iter().flatten().rev() {
            let is_behind = |tagged: &usize| tagged > at;
            let mut behind = std::iter::from_fn(|| tagged.next_if(is_behind));
            if behind.any(|tagged| self.takes_away(tagged, section, name, below)) {
                break;
            }
            let mut node = Some(&**node);
            for key in below {
                let field = node.and_then(|node| node.get(key));
                node = field.map(|field| &**field.value);
            }
            let document = &self.documents[self.order[*at]];
            said.extend(
                node.filter(|node| !node.is_null())
                    .map(|node| (document, node)),
            );
        }
        said
    }

    /// Whether a tag of a document is on the way to a path.
    fn takes_away(&self, place: usize, section: &str, name: &str, below: &[&str]) -> bool {
        let document = &self.documents[self.order[place]];
        let path = [&[section, name], below].concat();
        let mut ways = 1..=path.len();
        ways.any(|length| document.tags.at(&path[..length]).is_some())
    }
}

impl Sections {
    /// Of documents in the project's order.
    pub(super) fn of<'a>(documents: impl Iterator<Item = &'a Document>) -> Self {
        let mut sections = Self::default();
        for (at, document) in documents.enumerate() {
            for section in SECTIONS {
                let of_section = sections.named.entry(section).or_default();
                for (name, node) in names(&document.root, section) {
                    of_section.entry(name).or_default().push((at, node));
                }
            }
            if !document.tags.is_empty() {
                sections.tagged.push(at);
            }
        }
        sections
    }
}

fn names(root: &Node, section: &str) -> HashMap<String, Arc<Node>> {
    let mut names = HashMap::new();
    let fields = root.get(section).map(|field| field.value.fields());
    for field in fields.into_iter().flatten() {
        if let Some(name) = field.key.scalar() {
            // Of two entries of a name, the first one counts.
            names
                .entry(name.text().to_owned())
                .or_insert_with(|| Arc::clone(field.value));
        }
    }
    names
}
