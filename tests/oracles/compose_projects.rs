//! Compose projects from a seed that use all of what compose merges: several files and documents, `include`, `extends`, anchors,
//! merge keys, tags at every depth, env files, profiles, and interpolation with all operators. Compose refuses some of them.
//!
//! The file belongs to no package: tests include it with `#[path]` beside `random.rs`, so it uses nothing else but std.

#[path = "compose_projects/node.rs"]
mod node;
#[path = "compose_projects/values.rs"]
mod values;

use std::fmt::Write;

use super::random::Random;
use node::{Node, Yaml, list, map, plain, text, write_block};

/// The files of a project: path and text.
pub fn generate(seed: u64) -> Vec<(String, String)> {
    let mut random = Random::new(seed);
    let mut files = Vec::new();
    let mut add = |name: &str, text: String| files.push((name.to_owned(), text));
    let mut names = vec!["apiserver", "fileserver"];
    names.extend(["app", "worker"].into_iter().filter(|_| random.chance(60)));
    let has_include = random.chance(20);
    let mut base = Writer::new(&mut random, Role::Base);
    base.includes = has_include;
    add("docker-compose.yml", base.documents(&names));
    if random.chance(55) {
        let over = Writer::new(&mut random, Role::Over).documents(&names);
        add("docker-compose.override.yml", over);
    }
    add(
        "base/common.yml",
        Writer::new(&mut random, Role::Extended).documents(&EXTENDED),
    );
    if has_include {
        add(
            "parts/more.yml",
            Writer::new(&mut random, Role::Included).documents(&["mailer", "sender"]),
        );
        add(
            "parts/over.yml",
            Writer::new(&mut random, Role::IncludedOver).documents(&["mailer"]),
        );
        add("parts/.env", "A=included\nONLY=there\n".to_owned());
    }
    add("raw.env", "A=$B 'raw'\nRAW=\"x # y\"\n# no\nB\n".to_owned());
    for name in ["a.env", "b.env", "base/a.env", "parts/a.env"] {
        add(name, env_file(&mut random));
    }
    add("s.txt", "secret\n".to_owned());
    if random.chance(80) {
        add(".env", env_file(&mut random));
    }
    files
}

/// The services of the file that `extends` names.
const EXTENDED: [&str; 2] = ["root", "base"];
const SERVER: &str = "clearml/server:2.3.0";

fn is_server(service: &str) -> bool {
    ["apiserver", "fileserver"].contains(&service)
}

/// What is used; `UNSET` is set nowhere.
const NAMES: [&str; 5] = ["A", "B", "EMPTY", "ONLY", "UNSET"];

fn env_file(random: &mut Random) -> String {
    const LINES: [&str; 14] = [
        "A=1",
        "A='one $B'",
        "A=\"two ${B:-x}\"",
        "B=two words",
        "B=b # comment",
        "EMPTY=",
        "ONLY=${A}${UNSET:-u}",
        "export B=c",
        "# nothing",
        "C: colon",
        "FROM=$A-$EMPTY-",
        "A",
        "D=\"a\\nb\"",
        "EMPTY=''",
    ];
    let count = random.below(5) + 1;
    (0..count)
        .map(|_| random.pick(&LINES).to_owned() + "\n")
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Base,
    Extended,
    Included,
    IncludedOver,
    Over,
}

/// Writes one file.
struct Writer<'r> {
    random: &'r mut Random,
    role: Role,
    includes: bool,
    /// The anchors of the document so far, by the key whose value they are on.
    anchors: Vec<(&'static str, String)>,
}

impl<'r> Writer<'r> {
    fn new(random: &'r mut Random, role: Role) -> Self {
        Self {
            random,
            role,
            includes: false,
            anchors: Vec::new(),
        }
    }

    fn documents(&mut self, names: &[&str]) -> String {
        let mut out = self.document(names, false);
        if self.role != Role::Extended && self.random.chance(8) {
            let _ = write!(out, "---\n{}", self.document(&names[..1], true));
        }
        out
    }

    fn document(&mut self, names: &[&str], is_further: bool) -> String {
        self.anchors.clear();
        let mut top = Vec::new();
        // Compose refuses to merge extensions of two kinds.
        let [shared_key, service_key] = match (self.role, is_further) {
            (Role::Over | Role::IncludedOver, false) => ["x-shared-over", "x-service-over"],
            (_, false) => ["x-shared", "x-service"],
            (_, true) => ["x-shared-further", "x-service-further"],
        };
        if self.includes && !is_further {
            top.push(("include", self.include()));
        }
        if self.random.chance(50) {
            let key = self.random.pick(&["environment", "labels", "ports"]);
            let value = self.attribute(key, "apiserver");
            top.push((shared_key, self.anchored(key, value)));
        }
        if self.random.chance(35) {
            let count = self.random.below(3) + 1;
            let mut shared = self.attributes("apiserver", count);
            shared.retain(|(key, _)| !["image", "command"].contains(key));
            top.push((service_key, self.anchored("service", map(shared))));
        }
        let is_over = is_further || matches!(self.role, Role::Over | Role::IncludedOver);
        let mut services = Vec::new();
        for (at, name) in names.iter().enumerate() {
            if !is_over || self.random.chance(60) {
                services.push((*name, self.service(name, &names[..at], is_over)));
            }
        }
        if !services.is_empty() {
            top.push(("services", map(services)));
        }
        if self.role == Role::Base && !is_further {
            top.extend(top_level());
        }
        if top.is_empty() {
            top.push(("x-nothing", text("1")));
        }
        let mut out = String::new();
        write_block(self.random, &mut out, &map(top), 0);
        out.trim_start_matches('\n').to_owned()
    }

    fn include(&mut self) -> Node {
        let paths = list(vec![text("parts/more.yml"), text("parts/over.yml")]);
        let item = match self.random.below(5) {
            0 => text("parts/more.yml"),
            1 => map(vec![("path", text("./parts/more.yml"))]),
            2 => map(vec![("path", paths)]),
            3 => map(vec![("path", paths), ("project_directory", text("."))]),
            _ => map(vec![
                ("path", text("parts/more.yml")),
                ("env_file", text("parts/a.env")),
            ]),
        };
        list(vec![item])
    }

    fn service(&mut self, name: &str, before: &[&str], is_over: bool) -> Node {
        let shared = self.known("service");
        if let Some(shared) = shared.filter(|_| self.random.chance(7)) {
            return plain(Yaml::Alias(shared));
        }
        let count = self.random.below(5) + usize::from(is_over);
        let mut entries = self.attributes(name, count);
        let is_replaced = is_over && self.random.chance(6);
        if self.random.chance(if is_over { 4 } else { 18 }) {
            entries.extend(self.extends(before).map(|value| ("extends", value)));
        }
        // What it runs is its own, so that nobody else becomes a server.
        if !is_over || is_replaced || entries.iter().any(|(key, _)| *key == "extends") {
            entries.retain(|(key, _)| !["image", "command"].contains(key));
            let image = if is_server(name) {
                SERVER
            } else {
                "example/app:1"
            };
            entries.push(("image", text(image)));
            entries.push(("command", list(vec![text(name)])));
        }
        if name == "worker" && !is_over && self.random.chance(20) {
            entries.push(("container_name", text("a-worker")));
        }
        self.random.shuffle(&mut entries);
        let merged: Vec<String> = self
            .anchors
            .iter()
            .filter(|(kind, _)| *kind == "service")
            .map(|(_, name)| name.clone())
            .collect();
        if !merged.is_empty() && self.random.chance(35) {
            let alias = |name: &String| plain(Yaml::Alias(name.clone()));
            let all = merged.iter().map(alias).collect();
            let value = if self.random.chance(60) {
                alias(&merged[0])
            } else {
                list(all)
            };
            let at = self.random.below(entries.len() + 1);
            entries.insert(at, ("<<", value));
        } else if self.random.chance(7) {
            let mut brought = self.attributes(name, 2);
            brought.retain(|(key, _)| !["image", "command"].contains(key));
            entries.push(("<<", map(brought)));
        }
        let mut node = map(entries);
        if is_replaced {
            node.properties = "!override".to_owned();
            return node;
        }
        match self.random.chance(15) {
            true => self.anchored("service", node),
            false => node,
        }
    }

    fn extends(&mut self, before: &[&str]) -> Option<Node> {
        let here = before.last().filter(|_| self.random.chance(40));
        let file = match self.role {
            Role::Extended => "",
            Role::Included | Role::IncludedOver => "../base/common.yml",
            Role::Base | Role::Over => "base/common.yml",
        };
        match here {
            Some(before) if self.random.chance(50) => Some(text(*before)),
            Some(before) => Some(map(vec![("service", text(*before))])),
            None if file.is_empty() => None,
            None => {
                let service = self.random.pick(&EXTENDED);
                Some(map(vec![("file", text(file)), ("service", text(service))]))
            }
        }
    }

    /// So many attributes of a service.
    fn attributes(&mut self, name: &str, count: usize) -> Vec<(&'static str, Node)> {
        const KEYS: [&str; 24] = [
            "environment",
            "environment",
            "environment",
            "env_file",
            "env_file",
            "ports",
            "ports",
            "volumes",
            "volumes",
            "labels",
            "labels",
            "networks",
            "command",
            "entrypoint",
            "image",
            "user",
            "working_dir",
            "privileged",
            "cap_add",
            "profiles",
            "secrets",
            "configs",
            "tmpfs",
            "expose",
        ];
        let mut entries: Vec<(&'static str, Node)> = Vec::new();
        for _ in 0..count {
            let key = self.random.pick(&KEYS);
            if entries.iter().any(|(known, _)| *known == key) {
                continue;
            }
            let known = self.known(key);
            let mut value = match known.filter(|_| self.random.chance(40)) {
                Some(name) => plain(Yaml::Alias(name)),
                None => self.attribute(key, name),
            };
            if let Yaml::Alias(_) = value.value {
            } else if self.random.chance(14) {
                value = self.tagged(key, value);
            } else if self.random.chance(20) {
                value = self.anchored(key, value);
            }
            entries.push((key, value));
        }
        entries
    }

    fn tagged(&mut self, key: &'static str, mut value: Node) -> Node {
        let tag = self.random.pick(&["!reset", "!override"]);
        if tag == "!reset" && self.random.chance(50) {
            let nothing = ["null", "[]", "{}", ""];
            value = text(self.random.pick(&nothing));
        }
        value.properties = tag.to_owned();
        match self.random.chance(10) {
            true => self.anchored(key, value),
            false => value,
        }
    }

    fn anchored(&mut self, key: &'static str, mut node: Node) -> Node {
        if let Yaml::Alias(_) = node.value {
            return node;
        }
        let name = format!("{key}{}", self.anchors.len());
        node.properties = format!("{} &{name}", node.properties).trim().to_owned();
        if key == "environment" && matches!(node.value, Yaml::Map(_)) {
            self.anchors.push(("environment map", name.clone()));
        }
        self.anchors.push((key, name));
        node
    }

    fn known(&mut self, key: &str) -> Option<String> {
        let known: Vec<&String> = self
            .anchors
            .iter()
            .filter(|(kind, _)| *kind == key)
            .map(|(_, name)| name)
            .collect();
        match known.len() {
            0 => None,
            count => Some(known[self.random.below(count)].clone()),
        }
    }
}

fn top_level() -> Vec<(&'static str, Node)> {
    vec![
        (
            "volumes",
            map(vec![("data", text("{}")), ("logs", text(""))]),
        ),
        (
            "networks",
            map(vec![
                ("front", text("")),
                ("back", text("{internal: true}")),
            ]),
        ),
        (
            "secrets",
            map(vec![
                ("s1", text("{file: ./s.txt}")),
                ("s2", text("{environment: A}")),
            ]),
        ),
        (
            "configs",
            map(vec![
                ("c1", text("{content: \"is ${A:-none}\"}")),
                ("c2", text("{file: s.txt}")),
            ]),
        ),
    ]
}
