//! What kubectl and helm print for people, and not for programs.

use std::ops::Range;

/// Whether a text is a table or a description of objects. It does not tell what their containers are given.
pub fn is_shown(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let first = text.lines().next().unwrap_or_default();
    let columns: Vec<&str> = first.split_whitespace().collect();
    let is_column = |word: &&str| {
        let is_part = |c: char| c.is_ascii_uppercase() || "-()/%".contains(c);
        word.chars().all(is_part)
    };
    let names = ["NAME", "NAMESPACE", "LAST"];
    let is_table =
        columns.len() > 1 && columns.iter().all(is_column) && names.contains(&columns[0]);
    // Spaces make columns of these, too.
    let mut lines = text.lines();
    let is_description =
        first.starts_with("Name:  ") && lines.any(|line| line.starts_with("Namespace:  "));
    is_table || is_description || first.starts_with("No resources found")
}

/// Which part is rendered of what helm prints of a release (`helm get all`, `helm install --dry-run`): its hooks and its manifests are
/// between its values and its notes.
pub(super) fn rendered(text: &str) -> Option<Range<usize>> {
    let body = text.trim_start_matches('\u{feff}').trim_start();
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (line.trim_end(), at - line.len()..at)
    });
    let first = lines.find(|(line, _)| is_head(line));
    let (_, first) = first.filter(|_| body.starts_with("NAME: "))?;
    // Of notes that have such a line themselves, too little is left out, and what is left is no YAML.
    let notes = lines.filter(|(line, _)| *line == "NOTES:").last();
    Some(first.start..notes.map_or(text.len(), |(_, line)| line.start))
}

/// Whether a line stands above hooks or manifests there.
pub(super) fn is_head(line: &str) -> bool {
    ["HOOKS:", "MANIFEST:"].contains(&line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_descriptions_are_told() {
        for text in [
            "NAME   READY   UP-TO-DATE   CONTAINERS   IMAGES\nclearml   1/1\n",
            "NAMESPACE   NAME   CLUSTER-IP   PORT(S)\n",
            "LAST SEEN   TYPE   REASON\n",
            "\nName:         clearml\nNamespace:    ml\n",
            "No resources found in clearml namespace.\n",
        ] {
            assert!(is_shown(text), "{text}");
        }
        for text in [
            "NAME: clearml\nNAMESPACE: ml\n",
            "Name: a\nNamespace: b\n",
            "services: {}\n",
            "NAME=a\n",
            "",
        ] {
            assert!(!is_shown(text), "{text}");
        }
    }

    #[test]
    fn a_release_is_between_its_values_and_its_notes() {
        let text = "NAME: a\nCOMPUTED VALUES:\nx: y\nHOOKS:\n---\na: b\nMANIFEST:\n---\nc: d\nNOTES:\nHello: {\n";
        let part = |text: &'static str| rendered(text).map(|range| &text[range]);
        assert_eq!(
            part(text),
            Some("HOOKS:\n---\na: b\nMANIFEST:\n---\nc: d\n")
        );
        let text = "NAME: a\nMANIFEST:\r\n---\r\nc: d\r\n";
        assert_eq!(part(text), Some("MANIFEST:\r\n---\r\nc: d\r\n"));
        for text in ["NAME: a\nx: y\n", "HOOKS:\nx: y\nNOTES:\n"] {
            assert_eq!(part(text), None);
        }
    }
}
