//! `cargo xtask tidy`: the rules of this house that neither compiler nor clippy knows.
//!
//! Files take from each other in one direction. The library neither prints nor knows the command line. A secret is laid open
//! in files that are listed. A rule's name is its file's. A function is one thought. No text of ours has to be read twice.

mod code;
mod imports;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use code::{code_of, functions, without_tests};
use imports::{Imports, Module};

use crate::shell::{self, Result};

/// The crates that are libraries: they do not print, exit, or look around themselves.
const LIBRARIES: [&str; 3] = ["core", "plan", "pyhocon"];

/// What a library must not use.
const NOT_IN_LIBRARIES: [&str; 11] = [
    "clap",
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "process::exit",
    "std::env",
    "env::args",
    "env::current",
    "env::var",
];

/// The files that lay open what a `Secret` holds, one a line. A new one is a decision.
const EXPOSE: &str = include_str!("tidy/expose.txt");

/// A function has at most so many lines in its body.
const LONGEST: usize = 80;

/// How many functions are longer nevertheless. The number only goes down, and then to nothing.
const TOO_LONG: usize = 0;

/// A file of Rust by its path from the project's folder, with `/`.
type Files = BTreeMap<String, String>;

/// Runs the task.
pub(crate) fn run() -> Result {
    let files = files(&shell::root())?;
    let mut wrong = circles(&files);
    wrong.extend(libraries(&files));
    wrong.extend(exposed(&files, EXPOSE));
    wrong.extend(names(&files));
    wrong.extend(long(&files, LONGEST, TOO_LONG));
    wrong.extend(words::old_words(&files)?);
    if wrong.is_empty() {
        println!("{} files are tidy", files.len());
        return Ok(());
    }
    Err(wrong.join("\n"))
}

/// Every file of Rust that is the project's own.
fn files(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    for folder in ["crates", "tests", "xtask"] {
        collect(root, &root.join(folder), &mut files)?;
    }
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Files) -> Result {
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(failed)?;
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.insert(name.to_string_lossy().into_owned(), text);
        }
    }
    Ok(())
}

/// The files of every crate's source, by crate.
fn sources(files: &Files) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut crates: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in files {
        let source = path.strip_prefix("crates/");
        if let Some((name, file)) = source.and_then(|path| path.split_once("/src/")) {
            crates.entry(name).or_default().push((file, text));
        }
    }
    crates
}

fn is_test(file: &str) -> bool {
    file == "tests.rs" || file.ends_with("/tests.rs") || file.contains("/tests/")
}

fn circles(files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, files) in sources(files) {
        let sources = files.iter().filter(|(file, _)| !is_test(file));
        let modules = sources.map(|(file, text)| (module(file), without_tests(&code_of(text))));
        for circle in Imports::of(&modules.collect()).circles() {
            let way = circle
                .iter()
                .map(|module| format!("{}.rs", module.join("/")));
            wrong.push(format!(
                "crates/{name}: a circle: {}. Move what they share to a file of its own",
                way.collect::<Vec<_>>().join(" -> ")
            ));
        }
    }
    wrong
}

/// The module that a file is: `live/find.rs` is `live::find`.
fn module(file: &str) -> Module {
    match file.strip_suffix(".rs").unwrap_or(file) {
        "lib" | "main" => Module::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

fn libraries(files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, files) in sources(files) {
        if !LIBRARIES.contains(&name) {
            continue;
        }
        for (file, text) in files.iter().filter(|(file, _)| !is_test(file)) {
            let code = without_tests(&code_of(text));
            for word in NOT_IN_LIBRARIES {
                if is_word_in(&code, word) {
                    wrong.push(format!("crates/{name}/src/{file}: {word} in a library"));
                }
            }
        }
    }
    wrong
}

/// Whether code has a word that does not go on before it.
fn is_word_in(code: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(is_word))
}

fn exposed(files: &Files, listed: &str) -> Vec<String> {
    let listed: BTreeSet<&str> = listed.lines().collect();
    let mut wrong = Vec::new();
    let mut found = BTreeSet::new();
    for (name, files) in sources(files) {
        for (file, text) in files.into_iter().filter(|(file, _)| !is_test(file)) {
            if is_word_in(&without_tests(&code_of(text)), "expose(") {
                found.insert(format!("crates/{name}/src/{file}"));
            }
        }
    }
    for file in &found {
        if !listed.contains(file.as_str()) {
            wrong.push(format!(
                "{file}: expose() in a file that xtask/src/tidy/expose.txt does not list"
            ));
        }
    }
    for file in listed {
        if !found.contains(file) {
            wrong.push(format!(
                "{file}: no expose() in it; take it out of xtask/src/tidy/expose.txt"
            ));
        }
    }
    wrong
}

/// A rule's and a probe's name is that of its file.
fn names(files: &Files) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in files {
        let of = |folder: &str| path.strip_prefix(folder)?.strip_suffix(".rs");
        let Some(stem) = of("crates/verify/src/rules/").or_else(|| of("crates/verify/src/probes/"))
        else {
            continue;
        };
        if stem.contains('/') {
            continue;
        }
        let id = text.split_once("fn id(&self) -> &'static str {");
        let id = id
            .and_then(|(_, rest)| rest.split('"').nth(1))
            .unwrap_or_default();
        if id != stem.replace('_', "-") {
            wrong.push(format!(
                "{path}: its id is {id:?}, which is not the file's name"
            ));
        }
    }
    wrong
}

/// The functions that are too long; nothing if there are as many as are known.
fn long(files: &Files, longest: usize, known: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        let code = code_of(text);
        for (line, name, length) in functions(&code) {
            if length > longest {
                found.push(format!(
                    "{path}:{line}: {name} has {length} lines, over {longest}"
                ));
            }
        }
    }
    if found.len() < known {
        found.push(format!(
            "{} functions are too long, and no longer {known}: lower TOO_LONG in xtask/src/tidy.rs",
            found.len()
        ));
    } else if found.len() == known {
        for one in &found {
            println!("{one}");
        }
        found.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Files {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn a_circle_in_one_crate_is_named() {
        let files = tree(&[
            ("crates/x/src/lib.rs", "mod a;\nmod b;\n"),
            ("crates/x/src/a.rs", "use crate::b::B;\nstruct A;\n"),
            ("crates/x/src/b.rs", "use crate::a::A; // why\nstruct B;\n"),
            ("crates/y/src/main.rs", "mod a;\n"),
            (
                "crates/y/src/a.rs",
                "use x::b::B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
            ),
        ]);
        let wrong = circles(&files);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(
            wrong[0].contains("crates/x: a circle: a.rs -> b.rs -> a.rs"),
            "{wrong:?}"
        );
    }

    #[test]
    fn a_library_says_nothing() {
        let print = "fn a() {\n    println!(\"x\");\n}\n";
        let files = tree(&[
            ("crates/core/src/a.rs", print),
            ("crates/core/src/b.rs", "use clap::Parser;\n"),
            (
                "crates/core/src/c.rs",
                "// println!\nfn a() {\n    sprint!(\"println!\");\n}\n",
            ),
            (
                "crates/core/src/d.rs",
                "#[cfg(test)]\nmod tests {\n    use std::env;\n}\n",
            ),
            ("crates/verify/src/a.rs", print),
        ]);
        let wrong = libraries(&files);
        assert_eq!(
            wrong,
            [
                "crates/core/src/a.rs: println! in a library",
                "crates/core/src/b.rs: clap in a library"
            ]
        );
    }

    #[test]
    fn a_secret_is_laid_open_where_it_is_listed() {
        let files = tree(&[
            ("crates/x/src/a.rs", "fn a() {\n    b.expose()\n}\n"),
            ("crates/x/src/b.rs", "// expose()\n"),
        ]);
        assert!(exposed(&files, "crates/x/src/a.rs\n").is_empty());
        assert_eq!(exposed(&files, "").len(), 1);
        assert_eq!(
            exposed(&files, "crates/x/src/a.rs\ncrates/x/src/b.rs\n").len(),
            1
        );
    }

    #[test]
    fn a_name_is_its_files() {
        let id = |id: &str| format!("fn id(&self) -> &'static str {{\n        \"{id}\"\n    }}\n");
        let (one, other) = (id("open-cors"), id("open-core"));
        let files = tree(&[
            ("crates/verify/src/rules/open_cors.rs", &one),
            ("crates/verify/src/probes/open_cors.rs", &other),
            ("crates/verify/src/rules/none.rs", ""),
            ("crates/verify/src/rules/open_cors/part.rs", ""),
        ]);
        assert_eq!(names(&files).len(), 2, "{:?}", names(&files));
    }

    #[test]
    fn the_number_of_long_functions_only_goes_down() {
        let text = format!("fn a() {{\n{}}}\n", "    b();\n".repeat(5));
        let files = tree(&[("crates/x/src/a.rs", &text)]);
        assert!(long(&files, 5, 0).is_empty());
        assert_eq!(
            long(&files, 4, 0),
            ["crates/x/src/a.rs:1: a has 5 lines, over 4"]
        );
        assert!(long(&files, 4, 1).is_empty());
        assert_eq!(long(&files, 5, 1).len(), 1);
    }
}
