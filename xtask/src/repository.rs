//! The address of the repository and the version, on every page and in the files for other people's machines: those of
//! `workspace.package` in Cargo.toml. Programs and tests take them from `CARGO_PKG_REPOSITORY` and `CARGO_PKG_VERSION`;
//! pages cannot, so `cargo xtask docs` writes them there.

use std::collections::BTreeMap;

use crate::shell::{self, Result};

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What a version of ours stands behind; the first two follow our name.
const BEFORE_VERSION: [&str; 4] = ["@v", "/v", " rev: v", " CLEARML_VERSION: "];
/// Where GitHub has the files of a repository as they are.
const RAW: &str = "raw.githubusercontent.com";
/// Where a vulnerability is reported, on the page that says so.
const REPORTS: (&str, &str) = ("SECURITY.md", "/security/advisories/new");

/// The pages of these texts whose addresses are not those of Cargo.toml, as they must be.
pub(crate) fn outdated(texts: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let is_page = |path: &str| {
        let is_in = |folder: &&str| path.starts_with(folder);
        path.ends_with(".md")
            || ["action.yml", "templates/", "packaging/", ".github/"]
                .iter()
                .any(is_in)
    };
    let pages = texts.iter().filter(|(path, _)| is_page(path));
    let renewed = pages.map(|(path, text)| {
        let text_now = with_version(&renewed(text, REPOSITORY), REPOSITORY, VERSION);
        (path, text, text_now)
    });
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
        if let (true, Some(host), Some(_)) = (is_ours, host, owner) {
            match host {
                RAW => out.push_str(&repository.replacen("github.com", RAW, 1)),
                _ => out.push_str(repository),
            }
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

/// A text with this version wherever it names one of ours.
fn with_version(text: &str, repository: &str, version: &str) -> String {
    let (_, name) = repository.rsplit_once('/').unwrap_or_default();
    let mut out = text.to_owned();
    for (at, before) in BEFORE_VERSION.into_iter().enumerate() {
        let before = if at < 2 {
            format!("{name}{before}")
        } else {
            before.to_owned()
        };
        let mut parts = out.split(&before);
        let mut renewed = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
            let there = &part[..part.len() - rest.len()];
            let is_version = there.split('.').count() == 3;
            renewed.push_str(&before);
            renewed.push_str(if is_version { version } else { there });
            renewed.push_str(rest);
        }
        out = renewed;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_ours_is_renewed_and_no_other() {
        let text = "uses: x/tool@v1.2.3\nuses: other/one@v1.2.3\n/tool/v1.2.3/a.yml\n  rev: v0.1.0\n  CLEARML_VERSION: 0.1.0\n\
                    CLEARML_VERSION: installed /tool/vendor";
        assert_eq!(
            with_version(text, "https://x.org/x/tool", "2.0.0"),
            "uses: x/tool@v2.0.0\nuses: other/one@v1.2.3\n/tool/v2.0.0/a.yml\n  rev: v2.0.0\n  CLEARML_VERSION: 2.0.0\n\
             CLEARML_VERSION: installed /tool/vendor"
        );
    }

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
