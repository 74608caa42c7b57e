//! Compose projects from a seed that use all of what compose merges: several files and documents, `include`, `extends`, anchors,
//! merge keys, tags at every depth, env files, profiles, and interpolation with all operators. Compose refuses some of them.
//!
//! The file belongs to no package: tests include it with `#[path]` beside `random.rs`, so it uses nothing else but std.

use std::fmt::Write;

use super::random::Random;

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

enum Yaml {
    Alias(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    Text(String),
}

struct Node {
    /// A tag and an anchor, as they are written.
    properties: String,
    value: Yaml,
}

fn text(text: impl Into<String>) -> Node {
    plain(Yaml::Text(text.into()))
}

fn plain(value: Yaml) -> Node {
    Node {
        properties: String::new(),
        value,
    }
}

fn map(entries: Vec<(&str, Node)>) -> Node {
    let entries = entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    plain(Yaml::Map(entries.collect()))
}

fn list(items: Vec<Node>) -> Node {
    plain(Yaml::List(items))
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
        self.write_block(&mut out, &map(top), 0);
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
        const KEYS: [&str; 23] = [
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

/// The values of attributes.
impl Writer<'_> {
    fn attribute(&mut self, key: &str, service: &str) -> Node {
        let word = self.random.pick(&["one", "two"]);
        match key {
            "environment" => self.variables(&[
                "V",
                "W",
                "X",
                "CLEARML__SECURE__AUTH__TOKEN_SECRET",
                "A",
                "ONLY",
            ]),
            "labels" => self.variables(&["l.one", "l.two", "l.three"]),
            "env_file" => self.env_files(),
            "ports" => self.ports(),
            "volumes" => self.volumes(),
            "networks" => match self.random.below(4) {
                0 => list(vec![text("front")]),
                1 => list(vec![text("back"), text("front")]),
                2 => map(vec![("front", text(""))]),
                _ => map(vec![(
                    "back",
                    map(vec![("aliases", list(vec![text(word)]))]),
                )]),
            }
            .or_text(self.role, "{default: {aliases: [near]}}"),
            "command" if is_server(service) => text(service),
            "command" => match self.random.below(4) {
                0 => list(vec![text(service)]),
                1 => text(format!("{service} --x \"a b\" '$$c'")),
                2 => list(vec![text("run"), self.quoted()]),
                _ => text("run $A it"),
            },
            "entrypoint" if is_server(service) => text("''"),
            "entrypoint" => match self.random.below(3) {
                0 => text("/bin/run -x"),
                1 => list(vec![text("/bin/run"), self.quoted()]),
                _ => text("''"),
            },
            // What nobody takes for a server of ClearML's stays so.
            "image" if is_server(service) => text(
                self.random
                    .pick(&[SERVER, "\"clearml/${UNSET:-server}:2.3.0\""]),
            ),
            "image" => text(
                self.random
                    .pick(&["\"example/${UNSET:-other}:2\"", "\"x:${B:+b}1\""]),
            ),
            "user" => text(self.random.pick(&["root", "\"1000:1000\"", "\"${A:-1}\""])),
            "working_dir" => text(self.random.pick(&["/srv", "\"/${UNSET-x}\""])),
            "privileged" => text(self.random.pick(&["true", "false"])),
            "profiles" => list(vec![text(word)]),
            "secrets" => list(vec![match self.random.below(3) {
                0 => text("s1"),
                1 => text("s2"),
                _ => text("{source: s1, target: other}"),
            }])
            .or_text(self.role, "[]"),
            "configs" => list(vec![match self.random.below(2) {
                0 => text("c1"),
                _ => text("{source: c2, target: /etc/other.conf}"),
            }])
            .or_text(self.role, "[]"),
            "tmpfs" => match self.random.chance(50) {
                true => text("/run"),
                false => list(vec![text("/run"), text("/tmp/x:size=1m")]),
            },
            _ => list(vec![text("\"9000\"")]),
        }
    }

    /// A mapping or a list of names with values.
    fn variables(&mut self, names: &[&str]) -> Node {
        let mut names = names.to_vec();
        self.random.shuffle(&mut names);
        names.truncate(self.random.below(4));
        if self.random.chance(35) {
            let mut items = Vec::new();
            for name in names {
                let value = self.inner();
                let item = match self.random.chance(12) {
                    true => text(name),
                    false => text(format!("\"{name}={}\"", value.replace('"', "\\\""))),
                };
                items.push(self.odd(item));
            }
            return list(items);
        }
        let mut entries = Vec::new();
        for name in names {
            let value = match self.random.chance(10) {
                true => text(self.random.pick(&["", "null", "~"])),
                false => self.scalar(),
            };
            entries.push((name, self.odd(value)));
        }
        if let Some(shared) = self
            .known("environment map")
            .filter(|_| self.random.chance(20))
        {
            entries.push(("<<", plain(Yaml::Alias(shared))));
        }
        map(entries)
    }

    /// With a tag, by chance.
    fn odd(&mut self, mut node: Node) -> Node {
        if self.random.chance(10) {
            node.properties = self
                .random
                .pick(&["!reset", "!reset", "!override", "!!str"])
                .to_owned();
        }
        node
    }

    fn env_files(&mut self) -> Node {
        let mut items = Vec::new();
        for _ in 0..self.random.below(2) + 1 {
            items.push(match self.random.below(6) {
                0 => text("a.env"),
                1 => text("./b.env"),
                2 => text("{path: raw.env, format: raw}"),
                3 => text("{path: none.env, required: false}"),
                4 => text("\"${UNSET:-a}.env\""),
                _ => text("{path: a.env, required: true}"),
            });
        }
        match items.len() {
            1 if self.random.chance(40) => text(self.random.pick(&["a.env", "a.env"])),
            _ => list(items),
        }
        .or_files(self.role)
    }

    fn ports(&mut self) -> Node {
        const PORTS: [&str; 14] = [
            "\"8008:8008\"",
            "8081",
            "\"127.0.0.1:80:80\"",
            "\"${UNSET:-9000}:80\"",
            "\"9000-9001:80-81\"",
            "\"[::1]:53:53/udp\"",
            "{target: 80, published: 8080}",
            "{target: 80, published: \"8080\", host_ip: 127.0.0.1}",
            "\"8008:8008/tcp\"",
            "{target: 90, protocol: udp}",
            "\"0.0.0.0:8008:8008\"",
            "{target: 80, published: 8080, mode: host}",
            "\"7000-7001\"",
            "\"${UNSET-127.0.0.1:}1:1\"",
        ];
        let items: Vec<Node> = (0..self.random.below(3))
            .map(|_| text(self.random.pick(&PORTS)))
            .collect();
        let items = items.into_iter().map(|item| match self.random.chance(4) {
            true => Node {
                properties: "!reset".to_owned(),
                ..item
            },
            false => item,
        });
        list(items.collect())
    }

    fn volumes(&mut self) -> Node {
        const VOLUMES: [&str; 12] = [
            "data:/data",
            "./conf:/opt/clearml/config",
            "./conf:/data:ro",
            "logs:/var/log",
            "/srv/x:/srv",
            "/anonymous",
            "{type: bind, source: ./conf, target: /conf}",
            "{type: volume, source: data, target: /data}",
            "{type: tmpfs, target: /tmp}",
            "\"${UNSET:-./conf}:/srv/\"",
            "\"./conf/../x:/x/./y\"",
            "{type: volume, target: /anonymous}",
        ];
        let is_named = |one: &&&str| {
            one.starts_with("data") || one.starts_with("logs") || one.contains("source: data")
        };
        let all: Vec<&str> = VOLUMES
            .iter()
            .filter(|one| {
                self.role != Role::Included && self.role != Role::IncludedOver || !is_named(one)
            })
            .copied()
            .collect();
        let items = (0..self.random.below(3)).map(|_| text(self.random.pick(&all)));
        list(items.collect())
    }

    fn scalar(&mut self) -> Node {
        const PLAIN: [&str; 13] = [
            "1",
            "0x1F",
            "1.50",
            "010",
            "word",
            "\"true\"",
            "1e3",
            "plain text",
            "$A",
            "0o17",
            "1_000",
            ".5",
            "+1",
        ];
        match self.random.chance(33) {
            true => text(self.random.pick(&PLAIN)),
            false => self.quoted(),
        }
    }

    fn quoted(&mut self) -> Node {
        let inner = self.inner();
        text(match self.random.chance(50) {
            true => format!("'{}'", inner.replace('\'', "''")),
            false => format!("\"{}\"", inner.replace('"', "\\\"")),
        })
    }

    fn inner(&mut self) -> String {
        const FORMS: [&str; 16] = [
            "$@",
            "${@}",
            "${@:-x}",
            "${@-x}",
            "${@:+y}",
            "${@+y}",
            "${@:-${A}}",
            "${@:-$$}",
            "${@-${UNSET:-deep}}",
            "$$@",
            "a b",
            "=",
            "$$$@",
            "${PWD:?needed}",
            "100%",
            "${@:+${B-z}}",
        ];
        let count = self.random.below(3);
        let name = self.random.pick(&NAMES);
        (0..count)
            .map(|_| self.random.pick(&FORMS).replace('@', name))
            .collect()
    }

    fn write_block(&mut self, out: &mut String, node: &Node, depth: usize) {
        let properties = &node.properties;
        let space = if properties.is_empty() { "" } else { " " };
        let is_flow = depth > 1 && self.random.chance(30);
        match &node.value {
            Yaml::Alias(name) => drop(writeln!(out, " *{name}")),
            Yaml::Text(text) => drop(writeln!(out, " {properties}{space}{text}")),
            Yaml::Map(entries) if !entries.is_empty() && !is_flow => {
                let _ = writeln!(out, "{space}{properties}");
                for (key, value) in entries {
                    let _ = write!(out, "{}{key}:", "  ".repeat(depth));
                    self.write_block(out, value, depth + 1);
                }
            }
            Yaml::List(items) if !items.is_empty() && !is_flow => {
                let _ = writeln!(out, "{space}{properties}");
                for item in items {
                    let _ = writeln!(out, "{}- {}", "  ".repeat(depth), flow(item));
                }
            }
            _ => drop(writeln!(out, " {}", flow(node))),
        }
    }
}

fn flow(node: &Node) -> String {
    let value = match &node.value {
        Yaml::Alias(name) => format!("*{name} "),
        // A comma would be part of a tag.
        Yaml::Text(text) if text.is_empty() => "null".to_owned(),
        Yaml::Text(text) => text.clone(),
        Yaml::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Yaml::List(items) => format!(
            "[{}]",
            items.iter().map(flow).collect::<Vec<_>>().join(", ")
        ),
    };
    format!("{} {value}", node.properties).trim().to_owned()
}

impl Node {
    /// Something else where the file has no top level of its own.
    fn or_text(self, role: Role, other: &str) -> Self {
        match role {
            Role::Included | Role::IncludedOver => text(other),
            _ => self,
        }
    }

    /// An included file has other files beside it.
    fn or_files(self, role: Role) -> Self {
        match role {
            Role::Included | Role::IncludedOver | Role::Extended => text("a.env"),
            _ => self,
        }
    }
}
