//! `cargo xtask docs --site`: the pages as a site, with a search that works without a network, in `TARGET/site`. mdBook builds
//! it; every link of the site must lead somewhere, or the task fails.
//!
//! Pages keep their paths, so that links between them stay what they are, and so each rule has the address
//! `docs/rules.html#RULE`. Only a README is called index there. What is no page is linked to in the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::anchors;
use crate::shell::{self, Result};

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");
/// The version of mdBook, which `cargo install` builds.
const MDBOOK: &str = "0.5.4";
/// The pages in the order of the contents; pages of docs that are not named follow.
const ORDER: [&str; 14] = [
    "README.md",
    "README.zh-CN.md",
    "docs/recipes.md",
    "examples/hardened/README.md",
    "docs/rotation.md",
    "docs/kubernetes.md",
    "docs/rules.md",
    "docs/probes.md",
    "docs/clearml.md",
    "docs/evidence.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
];
/// Pages that nobody looks for, but that others link to.
const LAST: [&str; 1] = ["CODE_OF_CONDUCT.md"];

/// Pages by their path in the repository.
type Pages = BTreeMap<String, String>;

/// Runs the task.
pub(crate) fn run() -> Result {
    let mdbook = mdbook()?;
    let texts = anchors::tracked(&shell::root())?;
    let names = names(&texts);
    let folder = shell::target()?.join("site");
    drop(fs::remove_dir_all(&folder));
    let source = folder.join("source/src");
    for name in &names {
        let text = linked(name, &texts[*name], &names, &texts);
        write(&source.join(renamed(name)), &text)?;
    }
    for (name, text) in texts.iter().filter(|(name, _)| is_picture(name)) {
        write(&source.join(name), text)?;
    }
    write(&source.join("SUMMARY.md"), &summary(&names, &texts))?;
    write(&folder.join("source/book.toml"), &settings())?;
    let site = folder.join("html");
    shell::run(
        Command::new(mdbook)
            .arg("build")
            .arg("--dest-dir")
            .arg(&site)
            .arg(folder.join("source")),
    )?;
    check(&site)?;
    println!("The site is {}", site.join("index.html").display());
    Ok(())
}

/// mdBook of the right version: on the `PATH`, or built once under `TARGET/tools`.
fn mdbook() -> Result<PathBuf> {
    let is_right = |program: &Path| {
        shell::output(Command::new(program).arg("--version"))
            .is_ok_and(|version| version.trim().trim_start_matches("mdbook v") == MDBOOK)
    };
    let tools = shell::target()?.join("tools");
    let built = tools.join("bin/mdbook");
    let mut there = shell::on_path("mdbook").into_iter().chain([built.clone()]);
    if let Some(program) = there.find(|program| is_right(program)) {
        return Ok(program);
    }
    println!("Building mdBook {MDBOOK} in {} …", tools.display());
    shell::run(
        shell::cargo()
            .args([
                "install",
                "--locked",
                "--quiet",
                "mdbook",
                "--version",
                MDBOOK,
            ])
            .args(["--no-default-features", "--features", "search", "--root"])
            .arg(&tools),
    )
    .map_err(|why| {
        format!(
            "{why}\nOr put mdBook {MDBOOK} on the PATH: cargo install mdbook --version {MDBOOK}"
        )
    })?;
    Ok(built)
}

/// The pages of the site, in their order.
fn names(texts: &Pages) -> Vec<&str> {
    let is_page = |name: &&str| name.starts_with("docs/") && name.ends_with(".md");
    let mut names: Vec<&str> = ORDER.to_vec();
    let more = texts.keys().map(String::as_str).filter(is_page);
    names.extend(more.filter(|name| !ORDER.contains(name)));
    names.extend(LAST);
    names.retain(|name| texts.contains_key(*name));
    names
}

fn is_picture(name: &str) -> bool {
    name.starts_with("docs/") && name.ends_with(".svg")
}

/// What a page is called on the site: that of a folder is its index.
fn renamed(name: &str) -> String {
    match name.strip_suffix("README.md") {
        Some(folder) => format!("{folder}index.md"),
        None => name.to_owned(),
    }
}

/// A page with the links of the site.
fn linked(name: &str, text: &str, names: &[&str], texts: &Pages) -> String {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut out = String::new();
    let mut is_code = false;
    for line in text.split_inclusive('\n') {
        is_code ^= line.trim_start().starts_with("```");
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("](").filter(|_| !is_code) {
            let end = after.find(')').unwrap_or(after.len());
            out.push_str(before);
            out.push_str("](");
            out.push_str(&target(name, folder, &after[..end], names, texts));
            rest = &after[end..];
        }
        out.push_str(rest);
    }
    out
}

/// Where a link leads.
fn target(name: &str, folder: &str, link: &str, names: &[&str], texts: &Pages) -> String {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let anchor = if anchor.is_empty() {
        String::new()
    } else {
        format!("#{anchor}")
    };
    if path.is_empty() || path.contains(':') {
        return link.to_owned();
    }
    let path = anchors::linked(name, folder, path);
    let path = path.trim_end_matches('/');
    if names.contains(&path) {
        let up = "../".repeat(folder.split('/').filter(|part| !part.is_empty()).count());
        return format!("{up}{}{anchor}", renamed(path));
    }
    let kind = if texts.contains_key(path) {
        "blob"
    } else {
        "tree"
    };
    format!("{REPOSITORY}/{kind}/HEAD/{path}{anchor}")
}

/// The list of contents. A page is called as its title says.
fn summary(names: &[&str], texts: &Pages) -> String {
    let mut out = "# Contents\n\n".to_owned();
    for name in names {
        let title = texts[*name]
            .lines()
            .find_map(|line| line.strip_prefix("# "));
        let title = match *name {
            "README.zh-CN.md" => "简体中文",
            _ => title.unwrap_or(name),
        };
        let is_start = name.starts_with("README");
        let mark = if is_start { "" } else { "- " };
        out.push_str(&format!("{mark}[{title}]({})\n", renamed(name)));
    }
    out
}

fn settings() -> String {
    format!(
        "[book]\ntitle = \"clearml-secure\"\nlanguage = \"en\"\n\n\
         [build]\ncreate-missing = false\n\n\
         [output.html]\ngit-repository-url = \"{REPOSITORY}\"\nno-section-label = true\n\n\
         [output.html.print]\nenable = false\n\n\
         [output.html.search]\nheading-split-level = 2\n\n\
         # Names of tests would hide the pages that people look for.\n\
         [output.html.search.chapter]\n\"docs/evidence.md\" = {{ enable = false }}\n"
    )
}

fn write(path: &Path, text: &str) -> Result {
    let cannot = |error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    fs::write(path, text).map_err(cannot)
}

/// Whether every link between the pages of a site leads to a page and to a heading of it.
fn check(site: &Path) -> Result {
    let mut pages = BTreeMap::new();
    read_pages(site, site, &mut pages)?;
    // mdBook's own page for an address that is none is made for the root of a server.
    pages.remove("404.html");
    let (mut count, mut broken) = (0, Vec::new());
    for (name, page) in &pages {
        for link in values(page, "href") {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if path.contains(':') || !(path.is_empty() || path.ends_with(".html")) {
                continue;
            }
            count += 1;
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let there = pages.get(&anchors::linked(name, folder, path));
            let is_there =
                there.is_some_and(|page| anchor.is_empty() || values(page, "id").contains(anchor));
            if !is_there {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    if !broken.is_empty() {
        return Err(format!("links that lead nowhere:\n{}", broken.join("\n")));
    }
    println!("{count} links between {} pages lead somewhere", pages.len());
    Ok(())
}

fn read_pages(site: &Path, folder: &Path, pages: &mut Pages) -> Result {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            read_pages(site, &path, pages)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.strip_prefix(site).unwrap_or(&path);
            pages.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    Ok(())
}

/// The values of an attribute.
fn values<'a>(page: &'a str, attribute: &str) -> BTreeSet<&'a str> {
    let before = format!(" {attribute}=\"");
    let parts = page.split(&before).skip(1);
    parts.filter_map(|part| part.split('"').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_pages_of_the_site_or_into_the_repository() {
        let texts: Pages = ["README.md", "docs/a.md", "docs/b.md", "docs/x.json"]
            .map(|name| (name.to_owned(), format!("# {name}\n")))
            .into();
        let names = names(&texts);
        assert_eq!(names, ["README.md", "docs/a.md", "docs/b.md"]);
        let text = "[1](../README.md#c) [2](b.md) [3](x.json) [4](#d) [5](https://e.org/f.md)\n```\n[6](b.md)\n```\n[7](../crates)\n";
        let there = format!("{REPOSITORY}/blob/HEAD/docs/x.json");
        let folder = format!("{REPOSITORY}/tree/HEAD/crates");
        assert_eq!(
            linked("docs/a.md", text, &names, &texts),
            format!(
                "[1](../index.md#c) [2](../docs/b.md) [3]({there}) [4](#d) [5](https://e.org/f.md)\n```\n[6](b.md)\n```\n[7]({folder})\n"
            )
        );
        assert!(
            summary(&names, &texts).contains("\n[README.md](index.md)\n- [docs/a.md](docs/a.md)\n")
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let folder = std::env::temp_dir().join(format!("xtask-site-{}", std::process::id()));
        let page = |text: &str| write(&folder.join("docs/a.html"), text).unwrap();
        write(&folder.join("index.html"), "<h1 id=\"top\">").unwrap();
        page(
            "<a href=\"../index.html#top\"> <a href=\"https://x.org/a.html\"> <h2 id=\"b\"> <a href=\"#b\">",
        );
        assert_eq!(check(&folder), Ok(()));
        page("<a href=\"../index.html#nowhere\"> <a href=\"c.html\"> <a href=\"#d\">");
        let said = check(&folder).unwrap_err();
        for link in ["../index.html#nowhere", "c.html", "#d"] {
            assert!(said.contains(&format!("docs/a.html: {link}")), "{said}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
