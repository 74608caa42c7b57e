//! What the sections beside the services say over all files: `configs`, `networks`, `secrets` and `volumes`.

use super::{Document, Project};
use crate::yaml::Node;

impl Project {
    /// What documents say at a path, e.g. `networks`, `back`, `internal`, the one that wins first. A tag of compose's on the way
    /// takes away what the documents before say.
    pub(super) fn said<'a>(&'a self, path: &[&str]) -> Vec<(&'a Document, &'a Node)> {
        let mut said = Vec::new();
        for document in self.whole_documents().rev() {
            let mut node = Some(&*document.root);
            let mut clears = false;
            for (at, key) in path.iter().enumerate() {
                clears |= document.tags.at(&path[..=at]).is_some();
                let field = node.and_then(|node| node.get(key));
                node = field.map(|field| &**field.value);
            }
            said.extend(
                node.filter(|node| !node.is_null())
                    .map(|node| (document, node)),
            );
            if clears {
                break;
            }
        }
        said
    }
}
