//! The section of docs/rules.md about the paths that open something, from `crates/core/data/opening_paths.toml`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::shell::Result;

const DATA: &str = "crates/core/data/opening_paths.toml";

const HEAD: &str = "
## Paths that open something

Beside the twelve settings, these paths of a server's configuration decide what is open. Each is judged by the rules named
here, by what the server really reads: variables, `.conf` files and the image's default for its version. What a server
reads is not known if only the shell has it, a file is missing or a folder cannot be seen: then the path is reported as
not checked, and the exit code is 2. A switch is read [as Python reads it](clearml.md#what-counts-as-true).

| path | read by | read as | what it can open | rules |
|---|---|---|---|---|
";

/// The section.
pub(crate) fn section(root: &Path) -> Result<String> {
    let text = fs::read_to_string(root.join(DATA)).map_err(|error| format!("{DATA}: {error}"))?;
    let mut section = HEAD.to_owned();
    for entry in text.split("\n[[path]]\n").skip(1) {
        let field =
            |name| field(entry, name).ok_or_else(|| format!("{DATA}: no {name} in {entry}"));
        let rules: Vec<String> = list(field("rules")?)
            .map(|rule| format!("[{rule}](#{rule})"))
            .collect();
        let mut servers = list(field("servers")?).collect::<Vec<_>>().join(", ");
        if let Ok(since) = field("since") {
            let _ = write!(servers, " from {}", since.trim_matches('"'));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            section,
            "| `{}` | {servers} | {} | {} | {} |",
            field("path")?.trim_matches('"'),
            shown(field("reads")?.trim_matches('"'))?,
            field("opens")?.trim_matches('"'),
            rules.join(", ")
        );
    }
    Ok(section)
}

/// What follows a name and `=`, on a line of its own.
fn field<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = entry.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
}

/// The texts of a list.
fn list(value: &str) -> impl Iterator<Item = &str> {
    let inside = value.trim_start_matches('[').trim_end_matches(']');
    inside.split(", ").map(|text| text.trim_matches('"'))
}

/// How a path is read, in words.
fn shown(reads: &str) -> Result<&'static str> {
    match reads {
        "accounts" => Ok("accounts"),
        "cookie" => Ok("keys of a cookie"),
        "origins" => Ok("texts or regular expressions"),
        "text" => Ok("text"),
        "texts" => Ok("texts"),
        "truth" => Ok("switch"),
        "users" => Ok("users"),
        other => Err(format!("{DATA}: {other} is no way to read a path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn every_entry_is_a_line() {
        let text = fs::read_to_string(shell::root().join(DATA)).unwrap();
        let section = section(&shell::root()).unwrap();
        assert_eq!(
            section.matches("\n| `").count(),
            text.matches("\n[[path]]\n").count()
        );
        assert!(
            section.contains("| `fileserver.auth.enabled` | fileserver from 1.16.0 | switch |")
        );
    }
}
