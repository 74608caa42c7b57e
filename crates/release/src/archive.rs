//! The archive: unpacked over /usr/local, or anywhere, as it is.

use crate::product::Product;
use crate::tree::{Folders, Tree, gzip};

/// The archive, with its name.
pub(crate) fn archive(product: &Product) -> (String, Vec<u8>) {
    let name = product.name();
    let tree = tree(product);
    // No folders: over /usr/local they would change the modes of those that are there.
    let bytes = gzip(&tree.tar(&format!("{name}/"), Folders::None, product.origin.seconds));
    (format!("{name}.tar.gz"), bytes)
}

fn tree(product: &Product) -> Tree {
    let mut tree = Tree::default();
    for (name, bytes) in &product.programs {
        tree.add_program(format!("bin/{name}"), bytes.clone());
    }
    for (name, page) in &product.manuals {
        tree.add(format!("share/man/man1/{name}.1"), page.clone());
    }
    for completion in &product.completions {
        let path = completion.path("site-functions");
        tree.add(format!("share/{path}"), completion.text.clone());
    }
    for (path, bytes) in &product.documents {
        tree.add(format!("share/doc/clearml-secure/{path}"), bytes.clone());
    }
    tree
}
