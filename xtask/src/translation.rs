//! README.zh-CN.md has the commands of README.md, and what they print, word for word; and as many headings and rows.

use std::fs;
use std::path::Path;

use crate::docs::read;
use crate::shell::Result;

const ORIGINAL: &str = "README.md";
const TRANSLATION: &str = "README.zh-CN.md";

/// Writes the blocks of README.md into the translation.
pub(crate) fn write(root: &Path) -> Result {
    let path = root.join(TRANSLATION);
    let text = renewed(&read(&root.join(ORIGINAL))?, &read(&path)?)?;
    fs::write(path, text).map_err(|error| format!("{TRANSLATION}: {error}"))
}

/// Whether the translation has them.
pub(crate) fn check(root: &Path) -> Result {
    let translation = read(&root.join(TRANSLATION))?;
    if renewed(&read(&root.join(ORIGINAL))?, &translation)? == translation {
        println!("{TRANSLATION} has the commands of {ORIGINAL}");
        return Ok(());
    }
    Err(format!(
        "{TRANSLATION} has other commands than {ORIGINAL}; run `cargo xtask docs` and commit it"
    ))
}

/// The translation with the blocks of the original.
fn renewed(original: &str, translation: &str) -> Result<String> {
    let (blocks, mut out) = (blocks(original), String::new());
    for (what, count) in COUNTS {
        let (one, other) = (count(original), count(translation));
        if one != other {
            return Err(format!(
                "{ORIGINAL} has {one} {what}, and {TRANSLATION} {other}"
            ));
        }
    }
    let mut blocks = blocks.into_iter();
    let mut is_block = false;
    for line in translation.split_inclusive('\n') {
        let is_fence = line.starts_with("```");
        if is_fence && !is_block {
            out.push_str(&blocks.next().unwrap_or_default());
        }
        if !is_fence && !is_block {
            out.push_str(line);
        }
        is_block ^= is_fence;
    }
    Ok(out)
}

/// Something to count, by its name.
type Count = (&'static str, fn(&str) -> usize);

/// What a page and its translation have equally many of.
const COUNTS: [Count; 3] = [
    ("blocks of commands", |page| blocks(page).len()),
    ("headings", |page| starting(page, "##")),
    ("rows of tables", |page| starting(page, "|")),
];

fn starting(page: &str, with: &str) -> usize {
    page.lines().filter(|line| line.starts_with(with)).count()
}

/// The fenced blocks, with their fences.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut is_block = false;
    for line in page.split_inclusive('\n') {
        let is_fence = line.starts_with("```");
        if is_fence && !is_block {
            blocks.push(String::new());
        }
        if let (true, Some(block)) = (is_fence || is_block, blocks.last_mut()) {
            block.push_str(line);
        }
        is_block ^= is_fence;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "## Head\n```sh\na\n```\ntext\n```sh\nb\n```\n";

    #[test]
    fn a_translation_gets_the_commands_and_keeps_its_text() {
        let old = "## 标题\n```sh\nold\nx\n```\n文\n```sh\nb\n```\n";
        let new = renewed(PAGE, old).unwrap();
        assert_eq!(new, "## 标题\n```sh\na\n```\n文\n```sh\nb\n```\n");
        assert_eq!(renewed(PAGE, &new).unwrap(), new);
    }

    #[test]
    fn what_is_missing_is_named() {
        let why = renewed(PAGE, "## 标题\n```sh\na\n```\n").unwrap_err();
        assert_eq!(
            why,
            "README.md has 2 blocks of commands, and README.zh-CN.md 1"
        );
        assert!(renewed(PAGE, &PAGE.replace("## Head", "Head")).is_err());
    }
}
