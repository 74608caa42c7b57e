//! The pages about rules and probes, docs/rules.md and docs/probes.md, as the program prints them.

use clearml_secure_cli::wrap::row;
use clearml_secure_core::nearest::nearest;
use memchr::memmem;
use serde_json::{Value, json};

use crate::probes::PROBES;
use crate::rules::RULES;

/// Of the shape of what programs read. It changes only by addition.
const VERSION: u32 = 1;

/// The names of all rules and probes, sorted. A rule and a probe of one name look for the same thing in files and
/// on a running server.
pub(crate) fn ids() -> Vec<&'static str> {
    let rules = RULES.iter().map(|rule| rule.id());
    let mut ids: Vec<&str> = rules.chain(PROBES.iter().map(|probe| probe.id())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What to say of a name that is no rule's: the one that was probably meant, or where they are.
pub(crate) fn meant(name: &str) -> String {
    let known: Vec<String> = ids().into_iter().map(str::to_owned).collect();
    let part = |known: &&String| name.len() > 3 && known.contains(name);
    let near = nearest(name, &known);
    match near.or_else(|| known.iter().find(part).map(String::as_str)) {
        Some(known) => format!("did you mean {known}? clearml-verify --list-rules lists them all"),
        None => "clearml-verify --list-rules lists them".to_owned(),
    }
}

/// The list of `--list-rules`: a line each, with how bad it is; on a terminal of so many columns it may take more.
pub(crate) fn list(columns: Option<usize>) -> String {
    let ids = ids();
    let rows: Vec<(&str, String, String)> = ids
        .into_iter()
        .map(|id| {
            let levels = match severities(id) {
                // It only tells what kept others from looking.
                none if none.is_empty() => "not checked".to_owned(),
                levels => levels.join(", "),
            };
            (id, levels, headline(id))
        })
        .collect();
    let name = rows.iter().map(|(id, ..)| id.len()).max().unwrap_or(0);
    let level = rows
        .iter()
        .map(|(_, level, _)| level.len())
        .max()
        .unwrap_or(0);
    let line = |(id, levels, what): &(&str, String, String)| {
        row(&format!("{id:name$}  {levels:level$}  "), what, columns) + "\n"
    };
    rows.iter().map(line).collect()
}

/// The same for programs.
pub(crate) fn list_json() -> Value {
    let rules: Vec<Value> = ids().into_iter().map(rule_json).collect();
    json!({"version": VERSION, "rules": rules})
}

/// For programs, a rule and what there is to read about it.
pub(crate) fn explain_json(id: &str, page: &str) -> Value {
    let mut document = match self::page(id).is_some() {
        true => rule_json(id),
        // It is one no more.
        false => json!({"rule": id}),
    };
    document["version"] = VERSION.into();
    document["page"] = page.into();
    document
}

fn rule_json(id: &str) -> Value {
    json!({"rule": id, "severities": severities(id), "what": headline(id), "url": address(id)})
}

/// How bad the findings of a rule are, and those of the probe of its name.
fn severities(id: &str) -> Vec<&'static str> {
    let pages = [section(RULE_PAGES, id), section(PROBE_PAGES, id)];
    let lines = pages.into_iter().flatten().flat_map(str::lines);
    let lines: Vec<&str> = lines
        .filter(|line| line.starts_with("**Severity**"))
        .collect();
    let known = ["error", "warning", "note"].into_iter();
    known
        .filter(|name| lines.iter().any(|line| line.contains(name)))
        .collect()
}

/// What there is to read about a rule, a probe, or both.
pub(crate) fn explain(id: &str) -> Option<String> {
    let pages: Vec<&str> = [section(RULE_PAGES, id), section(PROBE_PAGES, id)]
        .into_iter()
        .flatten()
        .collect();
    (!pages.is_empty()).then(|| pages.join("\n\n"))
}

const RULE_PAGES: &str = include_str!("../../../docs/rules.md");
const PROBE_PAGES: &str = include_str!("../../../docs/probes.md");

/// The section of docs/rules.md about a rule, or of docs/probes.md about a probe.
pub(crate) fn page(id: &str) -> Option<&'static str> {
    section(RULE_PAGES, id).or_else(|| section(PROBE_PAGES, id))
}

fn section(pages: &'static str, id: &str) -> Option<&'static str> {
    // Both pages are long, and every finding asks for one of their sections.
    let start = memmem::find(pages.as_bytes(), format!("\n## {id}\n").as_bytes())? + 1;
    let end = memmem::find(&pages.as_bytes()[start + 1..], b"\n## ")
        .map_or(pages.len(), |end| start + 1 + end);
    Some(pages[start..end].trim_end())
}

/// Where the page of a rule or a probe is on the web, in the repository that Cargo.toml names.
pub(crate) fn address(id: &str) -> String {
    let is_rule = section(RULE_PAGES, id).is_some();
    let page = if is_rule { "rules" } else { "probes" };
    let repository = env!("CARGO_PKG_REPOSITORY");
    // HEAD is the default branch, whatever it is called.
    format!("{repository}/blob/HEAD/docs/{page}.md#{id}")
}

/// The first sentence of a rule's page.
pub(crate) fn headline(id: &str) -> String {
    let first = page(id).and_then(|page| page.lines().skip(1).find(|line| !line.is_empty()));
    let mut text = first.unwrap_or(id).trim_end_matches('.').to_owned();
    if let Some(letter) = text.get_mut(..1) {
        letter.make_ascii_lowercase();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The files of a folder of this package as names, sorted.
    fn stems(folder: &str) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut stems: Vec<String> = std::fs::read_dir(folder)
            .expect("a folder of the package")
            .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.replace('_', "-")))
            .collect();
        stems.sort();
        stems
    }

    /// One word is the file, the id, the fixture folder and the section.
    #[test]
    fn ids_are_file_names_fixtures_and_sections() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let ids: Vec<&str> = RULES.iter().map(|rule| rule.id()).collect();
        assert_eq!(stems("src/rules"), ids);
        for id in ids {
            assert!(
                root.join("../../tests/fixtures/rules").join(id).is_dir(),
                "{id}: no fixtures"
            );
            assert!(
                section(RULE_PAGES, id).is_some(),
                "{id}: no section in docs/rules.md"
            );
        }
        let ids: Vec<&str> = PROBES.iter().map(|probe| probe.id()).collect();
        assert_eq!(stems("src/probes"), ids);
        for id in ids {
            assert!(
                section(PROBE_PAGES, id).is_some(),
                "{id}: no section in docs/probes.md"
            );
        }
    }
}
