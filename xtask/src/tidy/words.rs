//! Words that a reader at three in the morning has to read twice, and which therefore are in no text that a user sees.

use std::fs;
use std::path::Path;

use super::code::{texts, without_tests};
use super::{Files, is_test};
use crate::shell::{self, Result};

/// Each with what to write. Ids of rules, options and keys of JSON are none of these words.
const OLD: [(&str, &str); 19] = [
    ("anew", "again, or a new one"),
    ("anybody on the way", "sniff, read in transit"),
    ("anyone on the way", "sniff, read in transit"),
    ("anyone who reaches", "anyone who can reach"),
    ("cannot be told", "is not known"),
    ("could not be looked at", "not checked"),
    ("entity already exists", "exists"),
    ("heir", "inherited, an alias"),
    ("heirs", "inherited, an alias"),
    ("let people in", "add users"),
    ("lets anybody in", "asks nobody for …"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("mending", "fixing"),
    ("public constant", "public default"),
    ("published on all interfaces", "open to every network"),
    ("stands before", "overrides, is in front of"),
    ("stands twice", "is twice"),
    ("whoever", "anyone who"),
];

/// The texts of the programs and the pages that have one of these words.
pub(super) fn old_words(files: &Files) -> Result<Vec<String>> {
    let root = shell::root();
    let mut wrong = Vec::new();
    for (path, text) in files {
        let Some((_, file)) = path
            .strip_prefix("crates/")
            .and_then(|path| path.split_once("/src/"))
        else {
            continue;
        };
        if !is_test(file) {
            for (line, text) in texts(&without_tests(text)) {
                wrong.extend(found(text).map(|what| format!("{path}:{line}: {what}")));
            }
        }
    }
    for page in pages(&root)? {
        let text = fs::read_to_string(root.join(&page));
        let text = text.map_err(|error| format!("{page}: {error}"))?;
        for (index, line) in text.lines().enumerate() {
            wrong.extend(found(line).map(|what| format!("{page}:{}: {what}", index + 1)));
        }
    }
    Ok(wrong)
}

/// The pages, which hold what `--explain` prints, and what `--help` prints.
fn pages(root: &Path) -> Result<Vec<String>> {
    let mut pages: Vec<String> = [
        "crates/core/data/opening_paths.toml",
        "crates/inject/tests/help.txt",
        "crates/keygen/tests/help.txt",
        "crates/verify/data/advisories.toml",
        "crates/verify/tests/help.txt",
    ]
    .map(str::to_owned)
    .into();
    for folder in ["", "docs/"] {
        let entries =
            fs::read_dir(root.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let is_page = |name: &String| {
            name.ends_with(".md") && (!folder.is_empty() || name.starts_with("README"))
        };
        pages.extend(names.filter(is_page).map(|name| format!("{folder}{name}")));
    }
    pages.sort_unstable();
    Ok(pages)
}

/// The old words of a text, with what to write.
fn found(text: &str) -> impl Iterator<Item = String> {
    let text = text.to_lowercase();
    OLD.into_iter()
        .filter(move |(old, _)| has(&text, old))
        .map(|(old, new)| format!("`{old}` is read twice; write: {new}"))
}

/// Whether a text has these words as whole words. `shadowed-variable` is one word.
fn has(text: &str, words: &str) -> bool {
    let is_in_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    text.match_indices(words).any(|(at, _)| {
        !text[..at].ends_with(is_in_word) && !text[at + words.len()..].starts_with(is_in_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_words_are_found_in_texts_alone() {
        let file = |text: &str| Files::from([("crates/x/src/a.rs".to_owned(), text.to_owned())]);
        let count = |text: &str| {
            let wrong = old_words(&file(text)).unwrap();
            wrong
                .iter()
                .filter(|one| one.starts_with("crates/x/"))
                .count()
        };
        assert_eq!(count("fn f() { g(\"Whoever starts\n it anew\"); }"), 2);
        assert_eq!(
            count("// whoever\nfn mend() { g(\"amend, whoever_else, re-mend\"); }"),
            0
        );
        assert_eq!(
            count("#[cfg(test)]\nmod tests {\n    f(\"whoever\");\n}\n"),
            0
        );
    }
}
