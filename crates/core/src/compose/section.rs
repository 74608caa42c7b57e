//! What the sections beside the services say over all files: `configs`, `networks`, `secrets` and `volumes`.

use std::collections::{BTreeSet, HashMap};
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
        let path = [&[section, name], below].concat();
        let names = self.sections.named.get(section);
        let named = names.and_then(|names| names.get(name));
        let named = named.map(Vec::as_slice).unwrap_or_default();
        let tagged = self.sections.tagged.iter().copied();
        let places = named.iter().map(|(at, _)| *at).chain(tagged);
        let places: BTreeSet<usize> = places.collect();
        let mut said = Vec::new();
        for at in places.into_iter().rev() {
            let document = &self.documents[self.order[at]];
            let own = named.binary_search_by_key(&at, |(at, _)| *at);
            let mut node = own.ok().map(|own| &*named[own].1);
            for key in below {
                let field = node.and_then(|node| node.get(key));
                node = field.map(|field| &**field.value);
            }
            said.extend(
                node.filter(|node| !node.is_null())
                    .map(|node| (document, node)),
            );
            let mut ways = 1..=path.len();
            if ways.any(|length| document.tags.at(&path[..length]).is_some()) {
                break;
            }
        }
        said
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
