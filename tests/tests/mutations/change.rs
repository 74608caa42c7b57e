//! What a seed changes, and in which of a project's files.

use std::fs;
use std::path::Path;

use super::node::{Node, map, quoted};
use super::random::Random;

pub(crate) const FILE: &str = "docker-compose.yml";
const VALID: &str = include_str!("valid.yml");

/// What anything may become.
const VALUES: [&str; 44] = [
    "null",
    "",
    "\"\"",
    "[]",
    "{}",
    "0",
    "5",
    "-1",
    "5.5",
    "5.0",
    "1e3",
    "0x10",
    "99999",
    "\"5\"",
    "\"-1\"",
    "\"5.5\"",
    "true",
    "\"true\"",
    "maybe",
    "\"yes\"",
    "[a]",
    "[a, a]",
    "[5]",
    "[5, 5]",
    "[5, \"5\"]",
    "[null]",
    "[[a]]",
    "[{}]",
    "{a: b}",
    "{a: null}",
    "{a: [b, b]}",
    "{a: {}}",
    "{\"\": a}",
    "\"a b\"",
    "a=b",
    "10s",
    "5m",
    "5x",
    "2024-01-02",
    "all",
    "\"service:base\"",
    "\"service:nobody\"",
    "nobody",
    "\"${\"",
];

/// A project as files.
pub(crate) struct Project {
    /// What is changed, for a person.
    pub(crate) what: String,
    base: String,
    pub(crate) over: Option<String>,
    extended: Option<String>,
}

impl Project {
    pub(crate) fn write(&self, folder: &Path) {
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write(FILE, &self.base);
        write("raw.env", "A=1\n");
        if let Some(text) = &self.over {
            write("docker-compose.override.yml", text);
        }
        if let Some(text) = &self.extended {
            fs::create_dir(folder.join("base")).unwrap();
            write("base/common.yml", text);
            write("base/raw.env", "A=1\n");
        }
    }

    fn of(what: String, base: &Node) -> Self {
        Self {
            what,
            base: lines(base),
            over: None,
            extended: None,
        }
    }
}

pub(crate) fn unchanged() -> Project {
    Project::of("nothing".to_owned(), &valid())
}

fn valid() -> Node {
    Node::of(&serde_yaml::from_str(VALID).unwrap())
}

/// The sections and services of a file, each in a line of its own.
fn lines(root: &Node) -> String {
    let Node::Map(entries) = root else {
        return root.text();
    };
    let mut text = String::new();
    for (key, value) in entries {
        text += &format!("{}:", quoted(key));
        match value {
            Node::Map(entries) if !entries.is_empty() => {
                text.push('\n');
                for (key, value) in entries {
                    text += &format!("  {}: {}\n", quoted(key), value.text());
                }
            }
            value => text += &format!(" {}\n", value.text()),
        }
    }
    text
}

/// One change, and where it is.
pub(crate) fn changed(seed: u64) -> Project {
    let mut random = Random::new(seed);
    let valid = valid();
    let mut root = valid.clone();
    let paths = valid.paths();
    let path = &paths[random.below(paths.len())];
    let donor = &paths[random.below(paths.len())];
    let donor = root.below(donor).clone();
    let how = change(&mut random, &mut root, path, donor);
    let what = format!("{}{how}", valid.words(path));
    match random.below(100) {
        0..50 => Project::of(what, &root),
        50..75 => over(&mut random, what, &valid, &root, path),
        _ => extended(&mut random, what, &valid, &root, path),
    }
}

fn change(random: &mut Random, root: &mut Node, path: &[usize], donor: Node) -> String {
    let (place, around) = path.split_last().unwrap();
    let holder = root.below(around);
    match random.below(100) {
        0..8 => {
            match holder {
                Node::List(items) => drop(items.remove(*place)),
                Node::Map(entries) => drop(entries.remove(*place)),
                Node::Raw(_) => {}
            }
            "left out".to_owned()
        }
        8..20 => {
            let twice = holder.at(*place).clone();
            match holder {
                Node::List(items) => items.push(twice),
                _ => *holder.at_mut(*place) = Node::List(vec![twice.clone(), twice]),
            }
            "twice".to_owned()
        }
        20..28 => {
            let name = random.pick(&["unknown", "x-unknown", "UPPER", "with blank", ""]);
            let node = holder.at_mut(*place);
            match node {
                Node::Map(entries) => {
                    entries.push((name.to_owned(), Node::Raw("1".to_owned())));
                }
                _ => *node = map(vec![(name, node.clone())]),
            }
            format!("with {name:?}")
        }
        28..34 => {
            let name = random.pick(&["unknown", "x-unknown", "base", "default"]);
            if let Node::Map(entries) = holder
                && !entries.iter().any(|(known, _)| known == name)
            {
                name.clone_into(&mut entries[*place].0);
            }
            format!("named {name}")
        }
        34..44 => {
            let text = donor.text();
            *holder.at_mut(*place) = donor;
            format!("as {text}")
        }
        44..54 => spelled(random, holder.at_mut(*place)),
        _ => {
            let value = random.pick(&VALUES);
            *holder.at_mut(*place) = Node::Raw(value.to_owned());
            format!("as {value:?}")
        }
    }
}

/// Spells a scalar in another way.
fn spelled(random: &mut Random, node: &mut Node) -> String {
    if let Node::Raw(text) = node {
        let bare = text.trim_matches('"').to_owned();
        let texts = [
            quoted(&format!("{bare} ")),
            quoted(&bare.to_uppercase()),
            quoted(&format!("{bare}x")),
            quoted(&format!("${{UNSET:-{bare}}}")),
            quoted(&bare),
            bare.clone(),
            format!("-{bare}"),
        ];
        // What is no scalar any more is another change.
        let is_plain = |text: &String| !text.contains([':', '{', '}', '#', '&', '*', '!', '|']);
        let chosen = &texts[random.below(texts.len())];
        if chosen.starts_with('"') || is_plain(chosen) {
            text.clone_from(chosen);
        }
    }
    format!("spelled {}", node.text())
}

/// The names and the value that a path goes through down to what files are merged by: a key of a service, or an entry of a section.
fn merged<'a>(root: &'a Node, path: &[usize]) -> Option<(Vec<String>, &'a Node)> {
    let mut node = root;
    let mut names = Vec::new();
    for place in path {
        let Node::Map(entries) = node else {
            return None;
        };
        let (name, value) = entries.get(*place)?;
        names.push(name.clone());
        node = value;
        if names.len() == if names[0] == "services" { 3 } else { 2 } {
            return Some((names, node));
        }
    }
    None
}

fn within(names: &[String], value: Node) -> Node {
    let wrap = |value, name: &String| map(vec![(name, value)]);
    names.iter().rev().fold(value, wrap)
}

/// With a tag of compose's, at times.
fn tagged(random: &mut Random, node: &Node) -> Node {
    match random.below(10) {
        0 => Node::Raw(format!("!reset {}", node.text())),
        1 => Node::Raw(format!("!override {}", node.text())),
        _ => node.clone(),
    }
}

/// The change in an override, or in the file with what is right in an override.
fn over(random: &mut Random, what: String, valid: &Node, root: &Node, path: &[usize]) -> Project {
    let parts = (merged(valid, path), merged(root, path));
    let (Some((names, right)), Some((new, changed))) = parts else {
        return Project::of(what, root);
    };
    if names != new {
        return Project::of(what, root);
    }
    let (base, over) = match random.chance(60) {
        true => (valid, tagged(random, changed)),
        false => (root, tagged(random, right)),
    };
    let over = lines(&within(&names, over));
    Project {
        what: format!("{what}, over it {}", over.trim()),
        over: Some(over),
        ..Project::of(String::new(), base)
    }
}

/// The change in a service that extends another, or in the other.
fn extended(
    random: &mut Random,
    what: String,
    valid: &Node,
    root: &Node,
    path: &[usize],
) -> Project {
    let parts = (merged(valid, path), merged(root, path));
    let (Some((names, right)), Some((new, changed))) = parts else {
        return Project::of(what, root);
    };
    if names != new || names[0] != "services" {
        return Project::of(what, root);
    }
    let (base, own) = match random.chance(60) {
        true => (valid, tagged(random, changed)),
        false => (root, tagged(random, right)),
    };
    let (key, name) = (names[2].as_str(), names[1].as_str());
    let file = Node::Raw("base/common.yml".to_owned());
    let service = Node::Raw(quoted(name));
    let extends = map(vec![("file", file), ("service", service)]);
    let own = map(vec![("extends", extends), (key, own)]);
    let mut project = valid.clone();
    // The services and the one that extends.
    let [section, place] = [path[0], path[1]];
    *project.below(&[section, place]) = own;
    let shown = project.below(&[section, place]).text();
    Project {
        what: format!("{what}, extended by {shown}"),
        extended: Some(lines(base)),
        ..Project::of(String::new(), &project)
    }
}
