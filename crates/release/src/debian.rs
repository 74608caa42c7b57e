//! The Debian package: an `ar` archive of two tar archives, as deb(5) describes it.

use md5::{Digest, Md5};

use crate::hex;
use crate::product::Product;
use crate::tree::{Folders, Tree, gzip};

/// The revision of the package, for this version of the product.
const REVISION: &str = "1";
const MAINTAINER: &str = "clearml-secure <clearml-secure@users.noreply.github.com>";
const SERVICE: &str = include_str!("../debian/clearml-verify.service");
const TIMER: &str = include_str!("../debian/clearml-verify.timer");
const SETTINGS: &str = include_str!("../debian/default");
const OVERRIDES: &str = include_str!("../debian/lintian-overrides");
/// What dpkg runs.
const SCRIPTS: [(&str, &str); 3] = [
    ("postinst", include_str!("../debian/postinst")),
    ("prerm", include_str!("../debian/prerm")),
    ("postrm", include_str!("../debian/postrm")),
];
/// The folder of Prometheus' textfile collector, where Debian's node exporter looks.
const COLLECTOR: &str = "var/lib/prometheus/node-exporter/";
const CONFFILE: &str = "etc/default/clearml-verify";

/// The package, with its name.
pub(crate) fn package(product: &Product) -> (String, Vec<u8>) {
    let version = format!("{}-{REVISION}", product.origin.version);
    let seconds = product.origin.seconds;
    let tree = tree(product, &version);
    let data = tree.tar("./", Folders::AllAnd(&[COLLECTOR]), seconds);
    let control = control(&tree, &version).tar("./", Folders::AllAnd(&[]), seconds);
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", gzip(&control)),
        ("data.tar.gz", gzip(&data)),
    ] {
        member(&mut bytes, name, seconds, &content);
    }
    (format!("clearml-secure_{version}_amd64.deb"), bytes)
}

/// A member of an `ar` archive begins at an even byte.
fn member(archive: &mut Vec<u8>, name: &str, seconds: u64, content: &[u8]) {
    let (owner, mode, length) = (0, 0o100_644, content.len());
    let header = format!("{name:<16}{seconds:<12}{owner:<6}{owner:<6}{mode:<8o}{length:<10}`\n");
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    if !length.is_multiple_of(2) {
        archive.push(b'\n');
    }
}

fn tree(product: &Product, version: &str) -> Tree {
    let mut tree = Tree::default();
    for (name, bytes) in &product.programs {
        tree.add_program(format!("usr/bin/{name}"), bytes.clone());
    }
    for (name, page) in &product.manuals {
        tree.add(format!("usr/share/man/man1/{name}.1.gz"), gzip(page));
    }
    for completion in &product.completions {
        let path = completion.path("vendor-completions");
        tree.add(format!("usr/share/{path}"), completion.text.clone());
    }
    for (path, bytes) in &product.documents {
        let documents = "usr/share/doc/clearml-secure";
        match path.as_str() {
            // These are in `copyright`.
            "LICENSE" | "LICENSE-APACHE" | "LICENSE-MIT" => {}
            "CHANGELOG.md" => tree.add(format!("{documents}/changelog.gz"), gzip(bytes)),
            "THIRD-PARTY.txt" | "clearml-secure.cdx.json" => {
                tree.add(format!("{documents}/{path}.gz"), gzip(bytes));
            }
            _ => tree.add(format!("{documents}/{path}"), bytes.clone()),
        }
    }
    let documents = "usr/share/doc/clearml-secure";
    let changes = changes(version, &product.origin.rfc2822());
    tree.add(
        format!("{documents}/changelog.Debian.gz"),
        gzip(changes.as_bytes()),
    );
    tree.add(format!("{documents}/copyright"), copyright(product));
    tree.add("usr/lib/systemd/system/clearml-verify.service", SERVICE);
    tree.add("usr/lib/systemd/system/clearml-verify.timer", TIMER);
    tree.add("usr/share/lintian/overrides/clearml-secure", OVERRIDES);
    tree.add(CONFFILE, SETTINGS);
    tree
}

fn changes(version: &str, date: &str) -> String {
    format!(
        "clearml-secure ({version}) unstable; urgency=medium\n\n  \
         * /usr/share/doc/clearml-secure/changelog.gz says what is new.\n\n \
         -- {MAINTAINER}  {date}\n"
    )
}

/// In the shape that programs read; the MIT license in full, since Debian has it in no file of its own.
fn copyright(product: &Product) -> String {
    let documents = &product.documents;
    let mit = documents.iter().find(|(path, _)| path == "LICENSE-MIT");
    let mit = mit.map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    let mit = mit.unwrap_or_default();
    let lines = mit.lines().map(|line| match line.trim() {
        "" => " .".to_owned(),
        text => format!(" {text}"),
    });
    include_str!("../debian/copyright")
        .replace("@REPOSITORY@", env!("CARGO_PKG_REPOSITORY"))
        .replace("@MIT@", &lines.collect::<Vec<_>>().join("\n"))
}

/// What dpkg reads and runs.
fn control(data: &Tree, version: &str) -> Tree {
    let size: usize = data
        .files()
        .map(|(_, bytes)| bytes.len().div_ceil(1024))
        .sum();
    let sums: String = data
        .files()
        .filter(|(path, _)| *path != CONFFILE)
        .map(|(path, bytes)| format!("{}  {path}\n", hex(&Md5::digest(bytes))))
        .collect();
    let text = include_str!("../debian/control")
        .replace("@VERSION@", version)
        .replace("@MAINTAINER@", MAINTAINER)
        .replace("@SIZE@", &size.to_string())
        .replace("@REPOSITORY@", env!("CARGO_PKG_REPOSITORY"));
    let mut tree = Tree::default();
    tree.add("control", text);
    tree.add("conffiles", format!("/{CONFFILE}\n"));
    tree.add("md5sums", sums);
    for (name, text) in SCRIPTS {
        tree.add_program(name, text);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_begins_at_an_even_byte() {
        let mut archive = Vec::new();
        member(&mut archive, "a", 1, b"odd");
        assert_eq!(archive.len(), 60 + 4);
        assert_eq!(
            String::from_utf8_lossy(&archive[..60]),
            "a               1           0     0     100644  3         `\n"
        );
    }
}
