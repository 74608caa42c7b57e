//! Stands in an image for a program of ours, and tells as JSON how it was started: that is what the image decides.
//!
//! The programs of the tests take libraries of the machine, which an empty image does not have; this one takes none.

use std::io::{self, Read, Write};
use std::{env, fs};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().collect();
    let name = words[0].rsplit('/').next().unwrap_or_default();
    let mut out = io::stdout();
    if words.iter().any(|word| word == "-V") {
        let version = option_env!("TOLD_VERSION").unwrap_or_default();
        return writeln!(out, "{name} {version} (stands in)");
    }
    let mut input = String::new();
    io::stdin().read_to_string(&mut input)?;
    let status = fs::read_to_string("/proc/self/status")?;
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let first = line.and_then(|line| line.split_whitespace().next());
        quoted(first.unwrap_or_default())
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(".")? {
        files.push(quoted(&entry?.file_name().to_string_lossy()));
    }
    files.sort();
    let words: Vec<String> = words[1..].iter().map(|word| quoted(word)).collect();
    let folder = env::current_dir()?.to_string_lossy().into_owned();
    for (start, key, value) in [
        ('{', "name", quoted(name)),
        (',', "words", format!("[{}]", words.join(","))),
        (',', "user", of("Uid:")),
        (',', "group", of("Gid:")),
        (',', "folder", quoted(&folder)),
        (',', "files", format!("[{}]", files.join(","))),
        (',', "input", quoted(&input)),
    ] {
        write!(out, "{start}\"{key}\":{value}")?;
    }
    writeln!(out, "}}")
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}
