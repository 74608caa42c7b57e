//! The licenses of all that is in the programs, in one text.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::parts::Part;

/// How the names of files with licenses begin, in lower case.
const NAMES: [&str; 6] = [
    "copying",
    "copyright",
    "licence",
    "license",
    "notice",
    "unlicense",
];
/// The license of which the text is the same for everybody, so that ours stands for one that a package leaves out.
const APACHE: &str = "Apache-2.0";

/// What is in every program and is no package: who owns it, and under which terms.
pub(crate) const LIBRARIES: &str = "\
The Rust standard library
Copyright (c) The Rust Project Contributors
MIT OR Apache-2.0; https://github.com/rust-lang/rust

The GNU C Library, linked statically
Copyright (C) 1992-2022 Free Software Foundation, Inc. and others
LGPL-2.1-or-later; https://www.gnu.org/software/libc
Anyone may link the programs with another version of it: they are built again from their public sources, with
`cargo build --release` or, linked statically, with `cargo xtask dist`. The text of this license comes first.
";

/// All texts, each once, with the packages that come with it. Our own licenses are files of their own.
pub(crate) fn text(parts: &[Part], apache: &str, lgpl: &str) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for part in parts.iter().filter(|part| !part.is_ours()) {
        let license = part.license.clone().unwrap_or_default();
        let name = format!("{} {}", part.name, part.version);
        list.push_str(&format!("  {name}: {license}\n"));
        let mut found = of(part)?;
        if found.is_empty() {
            if !license.contains(APACHE) {
                return Err(Error::License(name));
            }
            found.push(apache.to_owned());
        }
        for text in found {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    let line = "-".repeat(100);
    let mut out = format!(
        "The programs of clearml-secure contain these packages, under these licenses:\n\n{list}\n{LIBRARIES}\n{line}\n{}\n",
        lgpl.trim()
    );
    for (text, names) in texts {
        out.push_str(&format!("\n{line}\n{}:\n\n{text}\n", names.join(", ")));
    }
    Ok(out)
}

/// The texts that a package comes with.
fn of(part: &Part) -> Result<Vec<String>> {
    let folder = part.folder();
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|it| Some(it.ok()?.path())).collect();
    paths.sort_unstable();
    let is_license = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_file()
            && NAMES
                .iter()
                .any(|start| name.to_lowercase().starts_with(start))
    };
    paths.retain(is_license);
    let read = |path: &PathBuf| {
        let bytes = fs::read(path).map_err(Error::file(path))?;
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        Ok(text.trim_matches('\n').to_owned())
    };
    paths.iter().map(read).collect()
}
