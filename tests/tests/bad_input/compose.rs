//! Compose files that cannot be used.

use std::fs;
use std::path::Path;

use e2e::keyset::Keyset;
use e2e::program::{Run, clearml};

use super::{COMPOSE, MARK, leaked};

/// A compose file that cannot be used: what to call it, the bytes, and where the message must point.
struct Bad {
    name: &'static str,
    bytes: Vec<u8>,
    place: Place,
}

enum Place {
    /// This line, whatever the column.
    Line(u32),
    /// Some line and column of the file.
    Somewhere,
    /// No position: the file as a whole.
    File,
}

/// A text, with a marked value for every `MARK`.
fn bad(name: &'static str, text: String, place: Place) -> Bad {
    Bad {
        name,
        bytes: text.replace("MARK", MARK).into_bytes(),
        place,
    }
}

/// The line of the compose file that sets a variable.
const SETTING: &str = "      CLEARML__SECURE__AUTH__TOKEN_SECRET: MARK\n";

/// The compose file with more lines after that one.
fn with(lines: &str) -> String {
    COMPOSE.replace(SETTING, &format!("{SETTING}{lines}"))
}

fn bad_compose_files() -> Vec<Bad> {
    let mut files = bad_yaml();
    files.extend(bad_projects());
    files
}

/// What is not YAML, or more of it than is read.
fn bad_yaml() -> Vec<Bad> {
    let mut not_utf8 = bad("not UTF-8", with("      NAME: \u{1}\n"), Place::Line(7));
    for byte in &mut not_utf8.bytes {
        if *byte == 1 {
            *byte = 0xff;
        }
    }
    let bomb: String = (1..40)
        .map(|level| {
            format!(
                "  l{level}: &a{level} [{}]\n",
                format!("*a{},", level - 1).repeat(10)
            )
        })
        .collect();
    vec![
        not_utf8,
        bad(
            "a list that is not closed",
            with("  webserver: [MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "a quote that is not closed",
            with("      NAME: \"MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "indentation that fits nowhere",
            with("   NAME: MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "a tab for indentation",
            with("\t\tNAME: MARK\n"),
            Place::Somewhere,
        ),
        bad(
            "an alias without an anchor",
            with("      NAME: *MARK\n"),
            Place::Line(7),
        ),
        bad("a variable twice", with(SETTING), Place::Line(7)),
        bad(
            "a service twice",
            with("  apiserver:\n    image: MARK\n"),
            Place::Line(7),
        ),
        bad(
            "nesting deeper than 128",
            with(&format!("      NAME: {}MARK\n", "[".repeat(200))),
            Place::Line(7),
        ),
        bad(
            "nesting deeper than 128, in blocks",
            format!(
                "{COMPOSE}x-deep:\n{}",
                (1..200)
                    .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                    .collect::<String>()
            ),
            Place::Somewhere,
        ),
        bad(
            "an alias bomb",
            format!("x-bomb:\n  l0: &a0 [MARK, MARK\n]\n{bomb}{COMPOSE}"),
            Place::Somewhere,
        ),
    ]
}

/// What is YAML and no compose file of a ClearML server.
fn bad_projects() -> Vec<Bad> {
    vec![
        bad(
            "services that are a list",
            "services:\n  - MARK\n".to_owned(),
            Place::Line(2),
        ),
        bad(
            "a service that is a text",
            "services:\n  apiserver: MARK\n".to_owned(),
            Place::Line(2),
        ),
        bad(
            "an environment that is a text",
            COMPOSE.replace(":\n      CLEARML__SECURE__AUTH__TOKEN_SECRET", ""),
            Place::Line(5),
        ),
        bad(
            "a variable that is a list",
            with("      NAME: [MARK]\n"),
            Place::Line(7),
        ),
        bad(
            "a second document that is a list",
            format!("{COMPOSE}---\n- MARK\n"),
            Place::Line(11),
        ),
        bad("no services", "name: MARK\n".to_owned(), Place::File),
        bad(
            "no ClearML server",
            "services:\n  web:\n    image: nginx:1.27\n    environment:\n      A: MARK\n"
                .to_owned(),
            Place::File,
        ),
        bad("an empty file", String::new(), Place::File),
        bad("a text", "MARK\n".to_owned(), Place::File),
    ]
}

impl Bad {
    /// Runs a program over it, and fails unless it is refused as it should be.
    fn refused_by(&self, run: Run, file: &Path) -> Result<(), String> {
        let done = run.done();
        let context = format!("{}: {}", self.name, done.report());
        if done.status != Some(2) {
            return Err(format!("not refused: {context}"));
        }
        if !done.stdout.is_empty() {
            return Err(format!("output all the same: {context}"));
        }
        let name = file.file_name().unwrap().to_str().unwrap();
        let place = match self.place {
            Place::Line(line) => format!("{name}:{line}:"),
            Place::Somewhere => format!("{name}:"),
            Place::File => name.to_owned(),
        };
        if !done.stderr.contains(&place) {
            return Err(format!("does not point at {place} {context}"));
        }
        leaked(&done).map_err(|why| format!("{why}: {}", self.name))?;
        if fs::read(file).unwrap() != self.bytes {
            return Err(format!("the original was touched: {}", self.name));
        }
        Ok(())
    }

    /// With `-f json` a program may say on standard output what it could not look at (`unknown`).
    fn refused_by_unless_json(
        &self,
        run: Run,
        file: &Path,
        arguments: &[&str],
    ) -> Result<(), String> {
        if !arguments.contains(&"json") {
            return self.refused_by(run, file);
        }
        let done = run.done();
        leaked(&done).map_err(|why| format!("{why}: {}", self.name))?;
        if done.status == Some(2) {
            Ok(())
        } else {
            Err(format!("not refused: {}: {}", self.name, done.report()))
        }
    }
}

#[test]
fn bad_compose_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keyset = Keyset::generate();
    fs::write(folder.path().join("keys.json"), &keyset.text).unwrap();
    let file = folder.path().join("bad.yml");
    let mut failures = Vec::new();
    for bad in bad_compose_files() {
        fs::write(&file, &bad.bytes).unwrap();
        for arguments in [
            vec!["inject", "-k", "keys.json", "bad.yml"],
            vec!["inject", "-k", "keys.json", "-i", "bad.yml"],
            vec!["inject", "-k", "keys.json", "-o", "out.yml", "bad.yml"],
            vec!["inject", "-k", "keys.json", "--diff", "bad.yml"],
            vec!["inject", "-k", "keys.json", "--check", "bad.yml"],
            vec!["verify", "bad.yml"],
            vec!["verify", "-f", "json", "bad.yml"],
            vec!["verify", "--effective", "bad.yml"],
        ] {
            let run = clearml(arguments[0])
                .args(&arguments[1..])
                .within(folder.path());
            if let Err(why) = bad.refused_by_unless_json(run, &file, &arguments) {
                failures.push(why);
            }
            if folder.path().join("out.yml").exists() {
                failures.push(format!("{}: a file was written", bad.name));
                fs::remove_file(folder.path().join("out.yml")).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
