//! What the sections beside the services say over all files: `configs`, `networks`, `secrets` and `volumes`.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Document, Project};
use crate::yaml::Node;

/// The names that a document has in each section, and what it says of them: a file may have thousands, and each is asked for.
pub(super) type Sections = HashMap<&'static str, HashMap<String, Arc<Node>>>;

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
        let mut said = Vec::new();
        for document in self.whole_documents().rev() {
            let mut node = document.named(section, name);
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

impl Document {
    fn named(&self, section: &str, name: &str) -> Option<&Node> {
        let sections = self.sections.get_or_init(|| {
            let said = SECTIONS.map(|section| (section, names(&self.root, section)));
            said.into_iter().collect()
        });
        sections.get(section)?.get(name).map(|node| &**node)
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
