//! `cargo xtask docs --check`: every anchor that the project cites exists.
//!
//! Code, tests, data and messages cite a fact as `docs/<page>.md#<anchor>`, and the pages link to each other. A heading
//! that is renamed would leave these behind without a word.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::{fs, iter};

use crate::shell::{self, Result};

/// Where a citation is, and what it cites, as paths from the project's folder.
#[derive(Debug, PartialEq)]
struct Citation {
    file: String,
    line: usize,
    page: String,
    anchor: String,
}

/// Checks the tracked text files.
pub(crate) fn check(texts: &BTreeMap<String, String>) -> Result {
    let citations: Vec<Citation> = texts
        .iter()
        .flat_map(|(file, text)| citations(file, text))
        .collect();
    let missing = missing(texts, &citations);
    if missing.is_empty() {
        println!("{} cited anchors exist", citations.len());
        return Ok(());
    }
    Err(format!(
        "{}\nName a heading that exists; docs/clearml.md has a list of its headings on top.",
        missing.join("\n")
    ))
}

/// The tracked files that are text, by their path from the project's folder.
pub(crate) fn tracked(root: &Path) -> Result<BTreeMap<String, String>> {
    let list = shell::output(
        Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(root),
    )?;
    let read = |file: &str| Some((file.to_owned(), fs::read_to_string(root.join(file)).ok()?));
    Ok(list.split_terminator('\0').filter_map(read).collect())
}

/// One line for each citation of a page or of an anchor that does not exist.
fn missing(texts: &BTreeMap<String, String>, citations: &[Citation]) -> Vec<String> {
    let mut known: HashMap<&str, Option<HashSet<String>>> = HashMap::new();
    let mut missing = Vec::new();
    for citation in citations {
        let page = citation.page.as_str();
        let anchors = known
            .entry(page)
            .or_insert_with(|| texts.get(page).map(|text| anchors(text)));
        let why = match anchors {
            None => format!("{page} does not exist"),
            Some(anchors) if anchors.contains(&citation.anchor) => continue,
            Some(_) => format!("{page} has no heading #{}", citation.anchor),
        };
        missing.push(format!("{}:{}: {why}", citation.file, citation.line));
    }
    missing
}

/// What a text cites: pages of docs by their path from the project's folder, and in a page of Markdown also what it
/// links to by a path of its own.
fn citations(file: &str, text: &str) -> Vec<Citation> {
    let is_page = file.ends_with(".md");
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for (hash, _) in line.match_indices('#') {
            let before = &line[..hash];
            let anchor = anchor_at(&line[hash + 1..]);
            let page = match before.rsplit_once("](") {
                Some((_, target)) if is_page && !target.contains([' ', ')', ':']) => {
                    Some(linked(file, folder, target))
                }
                _ => cited(before),
            };
            if let Some(page) = page.filter(|page| page.ends_with(".md") && !anchor.is_empty()) {
                found.push(Citation {
                    file: file.to_owned(),
                    line: at + 1,
                    page,
                    anchor: anchor.to_owned(),
                });
            }
        }
    }
    found
}

/// The anchor that a text begins with.
fn anchor_at(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
    &text[..end.unwrap_or(text.len())]
}

/// The page of docs that a text ends with. The address of somebody else's page is none.
fn cited(before: &str) -> Option<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    let path = before.rsplit(|c| !is_path(c)).next()?;
    (path.starts_with("docs/") && path.ends_with(".md")).then(|| path.to_owned())
}

/// Where a link of a page leads, from the project's folder.
pub(crate) fn linked(file: &str, folder: &str, target: &str) -> String {
    if target.is_empty() {
        return file.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.join("/")
}

/// The anchors of a page's headings, as GitHub makes them: a repeated one gets a number.
fn anchors(page: &str) -> HashSet<String> {
    let mut seen = HashSet::new();
    let mut is_code = false;
    for line in page.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        let title = line[level..].strip_prefix(' ');
        let (1..=6, Some(title), false) = (level, title, is_code) else {
            continue;
        };
        let anchor = anchor(title.trim().trim_end_matches('#').trim_end());
        let free = iter::once(anchor.clone())
            .chain((1..).map(|number| format!("{anchor}-{number}")))
            .find(|one| !seen.contains(one));
        seen.extend(free);
    }
    seen
}

/// GitHub's anchor of a heading: lower case, without punctuation, with a dash for each space.
fn anchor(title: &str) -> String {
    title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# The page\n\n## A `b`, and C's\n\n## Twice\n\n## Twice\n\n```sh\n# no heading\n```\n#no-heading\n";

    /// The lines that complain, for files with these texts beside the page.
    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let mut texts = BTreeMap::from([("docs/page.md".to_owned(), PAGE.to_owned())]);
        texts.extend(
            files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned())),
        );
        let citations: Vec<Citation> = texts
            .iter()
            .flat_map(|(file, text)| citations(file, text))
            .collect();
        missing(&texts, &citations)
    }

    #[test]
    fn headings_have_the_anchors_that_github_gives_them() {
        let expected = ["the-page", "a-b-and-cs", "twice", "twice-1"];
        assert_eq!(anchors(PAGE), expected.map(str::to_owned).into());
    }

    // Put together here, so that this file cites nothing.
    #[test]
    fn a_missing_anchor_or_page_is_named_with_its_line() {
        let code = [
            "// (docs/",
            "page.md#twice-1)\n// docs/",
            "page.md#thrice.\n// docs/",
            "none.md#a",
        ]
        .concat();
        assert_eq!(
            complaints(&[("src/a.rs", &code)]),
            [
                "src/a.rs:2: docs/page.md has no heading #thrice",
                "src/a.rs:3: docs/none.md does not exist",
            ]
        );
    }

    #[test]
    fn links_of_pages_are_followed_and_other_addresses_are_not() {
        let page = ["docs/", "page.md"].concat();
        let readme = format!(
            "[a]({page}#a-b-and-cs) [b]({page}#b) [c](https://x.org/{page}#c) [d](a.toml#e)"
        );
        let page = "# Top\n[a](#top) [b](#bottom) [c](page.md#c) [d](../README.md#d)";
        assert_eq!(
            complaints(&[("README.md", &readme), ("docs/other.md", page)]),
            [
                "README.md:1: docs/page.md has no heading #b",
                "docs/other.md:2: docs/other.md has no heading #bottom",
                "docs/other.md:2: docs/page.md has no heading #c",
                "docs/other.md:2: README.md has no heading #d",
            ]
        );
    }
}
