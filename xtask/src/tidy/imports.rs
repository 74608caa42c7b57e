//! Which file of a crate takes something from which other file, and where that goes in a circle.
//!
//! A file and the folder of its name are one room: the file is its door and may use everything inside. All other ways
//! count, through a re-export to where the thing is really defined.

use std::collections::{BTreeMap, BTreeSet};

/// A module of a crate: `["live", "find"]`, and nothing for the root.
pub(super) type Module = Vec<String>;

/// What a file defines and takes.
struct File {
    items: BTreeSet<String>,
    /// The names that `pub use` gives to things of other files.
    shown: BTreeMap<String, Vec<String>>,
    taken: Vec<Vec<String>>,
}

/// The imports of a crate between its files.
pub(super) struct Imports {
    edges: BTreeMap<Module, BTreeSet<Module>>,
}

impl Imports {
    /// Reads them from the code of every file, tests left out.
    pub(super) fn of(files: &BTreeMap<Module, String>) -> Self {
        let is_module = |path: &[String]| files.contains_key(path);
        let read = |(module, code): (&Module, &String)| {
            (module.clone(), File::read(module, code, &is_module))
        };
        let read: BTreeMap<Module, File> = files.iter().map(read).collect();
        let edges = read.iter().map(|(module, file)| {
            let to = file.taken.iter().filter_map(|path| defined(&read, path, 0));
            let is_way = |to: &Module| !to.starts_with(module);
            (module.clone(), to.filter(is_way).collect())
        });
        Self {
            edges: edges.collect(),
        }
    }

    /// One circle of every knot of files, each as the way around.
    pub(super) fn circles(&self) -> Vec<Vec<Module>> {
        let mut circles = Vec::new();
        let mut done = BTreeSet::new();
        for start in self.edges.keys() {
            if done.contains(start) {
                continue;
            }
            if let Some(circle) = self.way_back(start) {
                done.extend(circle.iter().cloned());
                circles.push(circle);
            }
        }
        circles
    }

    /// The shortest way from a file back to itself.
    fn way_back(&self, start: &Module) -> Option<Vec<Module>> {
        let mut ways = vec![vec![start.clone()]];
        let mut met = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let here = way.last()?;
                for next in self.edges.get(here).into_iter().flatten() {
                    let mut way = way.clone();
                    way.push(next.clone());
                    if next == start {
                        return Some(way);
                    }
                    if met.insert(next) {
                        longer.push(way);
                    }
                }
            }
            ways = longer;
        }
        None
    }
}

/// The file that defines what a path names; nothing for a module as such.
fn defined(files: &BTreeMap<Module, File>, path: &[String], depth: usize) -> Option<Module> {
    let mut module = Module::new();
    for (at, name) in path.iter().enumerate() {
        let file = files.get(&module)?;
        let below: Module = module.iter().chain([name]).cloned().collect();
        let is_last = at + 1 == path.len();
        if let Some(real) = file
            .shown
            .get(name)
            .filter(|_| is_last || !files.contains_key(&below))
        {
            // A name that is shown in a circle does not compile.
            let rest = &path[at + 1..];
            return (depth < files.len())
                .then(|| defined(files, &[real.as_slice(), rest].concat(), depth + 1))?;
        }
        if file.items.contains(name) || !files.contains_key(&below) {
            return Some(module);
        }
        module = below;
    }
    None
}

impl File {
    fn read(module: &Module, code: &str, is_module: &dyn Fn(&[String]) -> bool) -> Self {
        let mut file = Self {
            items: code.lines().filter_map(item).collect(),
            shown: BTreeMap::new(),
            taken: Vec::new(),
        };
        let whole = |path: &[String]| whole(module, path, is_module);
        // What a name of this file stands for, if that is a module.
        let mut modules: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (uses, rest) = uses(code);
        for (is_shown, tree) in uses {
            for (path, name) in flat(&tree) {
                let Some(path) = whole(&path) else {
                    continue;
                };
                if is_module(&path) {
                    modules.insert(name.clone(), path.clone());
                }
                if is_shown {
                    file.shown.insert(name, path.clone());
                }
                file.taken.push(path);
            }
        }
        for path in paths(&rest) {
            let first = modules.get(&path[0]);
            file.taken.extend(match first {
                Some(module) => Some([module.as_slice(), &path[1..]].concat()),
                None => whole(&path),
            });
        }
        file
    }
}

/// A path from the root of the crate; none for one into another crate.
fn whole(
    module: &Module,
    path: &[String],
    is_module: &dyn Fn(&[String]) -> bool,
) -> Option<Vec<String>> {
    let mut from = module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            from.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while let Some(("super", below)) =
                rest.split_first().map(|(one, rest)| (one.as_str(), rest))
            {
                from.pop()?;
                rest = below;
            }
        }
        first => {
            let below: Module = module
                .iter()
                .map(String::as_str)
                .chain([first])
                .map(str::to_owned)
                .collect();
            if !is_module(&below) {
                return None;
            }
        }
    }
    Some([from.as_slice(), rest].concat())
}

/// The name of what a line at the left edge defines.
fn item(line: &str) -> Option<String> {
    const KINDS: [&str; 9] = [
        "fn",
        "struct",
        "enum",
        "trait",
        "const",
        "static",
        "type",
        "union",
        "macro_rules!",
    ];
    if line.starts_with(' ') {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let kind = words.iter().rposition(|word| KINDS.contains(word))?;
    let is_before =
        |word: &&str| word.starts_with("pub") || ["const", "unsafe", "async"].contains(word);
    if !words[..kind].iter().all(is_before) {
        return None;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let name = words.get(kind + 1)?.split(|c| !is_word(c)).next()?;
    Some(name.to_owned())
}

/// The trees of all `use` declarations, each with whether it is a public one, and the code without them.
fn uses(code: &str) -> (Vec<(bool, String)>, String) {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        let (is_shown, tree) = match text.split_once("use ") {
            Some(("", tree)) => (false, tree),
            Some((visible, tree)) if visible.starts_with("pub") && !visible.contains("fn") => {
                (true, tree)
            }
            _ => {
                rest.push_str(line);
                rest.push('\n');
                continue;
            }
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            match lines.next() {
                Some(line) => tree.push_str(line.trim()),
                None => break,
            }
        }
        found.push((is_shown, tree.trim_end_matches(';').to_owned()));
    }
    (found, rest)
}

/// Every path of a `use` tree, with the name that it gives.
fn flat(tree: &str) -> Vec<(Vec<String>, String)> {
    let Some((prefix, inner)) = tree.split_once('{') else {
        let (path, name) = match tree.split_once(" as ") {
            Some((path, name)) => (path, Some(name.trim().to_owned())),
            None => (tree, None),
        };
        let path: Vec<String> = path
            .split("::")
            .map(|name| name.trim().to_owned())
            .collect();
        let path = match path.split_last() {
            Some((last, module)) if last == "self" && !module.is_empty() => module.to_vec(),
            _ => path,
        };
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        return vec![(path, name)];
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let mut depth = 0;
    let parts = inner.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    parts
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| flat(&format!("{}{}", prefix.trim(), part.trim())))
        .collect()
}

/// Every path of two names or more in code.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    code.split(|c| !is_word(c))
        .filter(|word| word.contains("::") && !word.starts_with(':'))
        .map(|word| {
            let names = word.split("::").filter(|name| !name.is_empty());
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|path| !path.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let module = |path: &str| -> Module {
            let names = path.split('/').filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        let files = files
            .iter()
            .map(|(path, code)| (module(path), (*code).to_owned()));
        let circles = Imports::of(&files.collect()).circles();
        let named = |circle: &Vec<Module>| {
            let names = circle.iter().map(|module| module.join("/"));
            names.collect::<Vec<_>>().join(" ")
        };
        circles.iter().map(named).collect()
    }

    #[test]
    fn two_files_that_take_from_each_other_are_a_circle() {
        let root = ("", "mod a;\nmod b;\nuse a::x;\n");
        let a = ("a", "use crate::b::Y;\nfn x() {}\n");
        assert_eq!(
            circles(&[root, a, ("b", "use super::a::{\n    x,\n};\nstruct Y;\n")]),
            ["a b a"]
        );
        assert_eq!(
            circles(&[
                root,
                a,
                ("b", "use crate::a;\nstruct Y;\nfn z() { a::x() }\n")
            ]),
            ["a b a"]
        );
        assert_eq!(
            circles(&[root, a, ("b", "struct Y;\nfn z() { crate::a::x() }\n")]),
            ["a b a"]
        );
        // A module that is only named is nothing that is taken.
        assert!(circles(&[root, a, ("b", "use crate::a;\nstruct Y;\n")]).is_empty());
        assert!(circles(&[root, a, ("b", "use other::a::x;\nstruct Y;\n")]).is_empty());
    }

    #[test]
    fn what_is_shown_again_is_taken() {
        let a = ("a", "pub(crate) use crate::b::Y;\nfn x(y: Y) {}\n");
        let b = ("b", "use crate::a::x;\nstruct Y;\n");
        assert_eq!(circles(&[("", "mod a;\nmod b;\n"), a, b]), ["a b a"]);
    }

    #[test]
    fn a_file_may_use_what_is_in_its_folder_and_be_used_from_there() {
        let root = ("", "mod a;\n");
        let a = ("a", "mod b;\nmod c;\nuse b::B;\nstruct A;\n");
        assert!(
            circles(&[
                root,
                a,
                ("a/b", "use super::A;\nstruct B;\n"),
                ("a/c", "use super::b::B;\n")
            ])
            .is_empty()
        );
    }

    #[test]
    fn a_re_export_hides_no_circle() {
        let root = ("", "mod a;\nmod d;\n");
        let a = (
            "a",
            "mod b;\nmod c;\npub(crate) use b::B;\npub(crate) use c::C as Z;\n",
        );
        let b = ("a/b", "use super::Z;\nstruct B;\n");
        assert_eq!(
            circles(&[root, a, b, ("a/c", "use super::B;\nstruct C;\n")]),
            ["a/b a/c a/b"]
        );
        // Through another room and back.
        let d = ("d", "use crate::a::B;\nstruct D;\n");
        assert_eq!(
            circles(&[
                root,
                a,
                ("a/b", "use crate::d::D;\nstruct B;\n"),
                ("a/c", "struct C;\n"),
                d
            ]),
            ["a/b d a/b"]
        );
        assert!(circles(&[root, a, ("a/b", "struct B;\n"), ("a/c", "struct C;\n"), d]).is_empty());
    }

    #[test]
    fn a_name_is_taken_from_where_it_is_and_not_from_a_module_of_the_same_name() {
        let root = ("", "mod a;\n");
        let a = ("a", "mod run;\nmod c;\npub(crate) use run::run;\n");
        let c = ("a/c", "struct C;\nfn x() { super::run() }\n");
        assert_eq!(
            circles(&[
                root,
                a,
                c,
                ("a/run", "use super::c::C;\npub(crate) fn run() {}\n")
            ]),
            ["a/c a/run a/c"]
        );
    }
}
