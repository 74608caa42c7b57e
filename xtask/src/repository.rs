//! The address of the repository, on every page: that of `workspace.package.repository` in Cargo.toml. Programs and tests
//! take it from `CARGO_PKG_REPOSITORY`; pages cannot, so `cargo xtask docs` writes it there.

use std::collections::BTreeMap;

use crate::shell::{self, Result};

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
/// Where a vulnerability is reported, on the page that says so.
const REPORTS: (&str, &str) = ("SECURITY.md", "/security/advisories/new");

/// The pages of these texts whose addresses are not those of Cargo.toml, as they must be.
pub(crate) fn outdated(texts: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let pages = texts.iter().filter(|(path, _)| path.ends_with(".md"));
    let renewed = pages.map(|(path, text)| (path, text, renewed(text, REPOSITORY)));
    renewed
        .filter(|(_, text, renewed)| *text != renewed)
        .map(|(path, _, renewed)| (path.clone(), renewed))
        .collect()
}

/// Whether the pages that must name the repository do.
pub(crate) fn check(texts: &BTreeMap<String, String>) -> Result {
    let install = format!("{}\n", shell::install_command());
    let report = format!("{REPOSITORY}{}", REPORTS.1);
    let is_there = |page: &str, text: &str| texts.get(page).is_some_and(|it| it.contains(text));
    for (page, text) in [("README.md", &install), (REPORTS.0, &report)] {
        if !is_there(page, text) {
            return Err(format!("{page} does not have this: {}", text.trim()));
        }
    }
    Ok(())
}

/// A text with this repository in place of any other of the same name.
fn renewed(text: &str, repository: &str) -> String {
    let (_, name) = repository.rsplit_once('/').unwrap_or_default();
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("https://") {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let is_end = |c: char| c.is_whitespace() || matches!(c, ')' | '>' | '"' | '`' | ',');
        let address = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        // HOST, OWNER, NAME and what is below it.
        let mut parts = address["https://".len()..].splitn(4, '/');
        let (host, owner, third) = (parts.next(), parts.next(), parts.next());
        let is_ours = third.is_some_and(|third| third.trim_end_matches(".git") == name);
        let below = parts.next();
        if let (true, Some(_), Some(_)) = (is_ours, host, owner) {
            out.push_str(repository);
            if let Some(below) = below {
                out.push('/');
                out.push_str(below);
            }
        } else {
            out.push_str(address);
        }
        rest = &rest[address.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_repository_of_the_name_is_renewed() {
        let text = "[a](https://x.org/old/tool/blob/HEAD/a.md#b) https://x.org/old/tools \
                    `cargo install --git https://x.org/old/tool a`, https://x.org/old/tool";
        assert_eq!(
            renewed(text, "https://y.org/new/tool"),
            "[a](https://y.org/new/tool/blob/HEAD/a.md#b) https://x.org/old/tools \
             `cargo install --git https://y.org/new/tool a`, https://y.org/new/tool"
        );
    }
}
