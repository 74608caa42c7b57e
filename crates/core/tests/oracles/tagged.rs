//! Documents full of `!reset`, `!override`, anchors, aliases and merge keys, also where nobody would write them.

use std::collections::BTreeMap;

use crate::random::Random;

/// A base, an override, and a file that both extend services of.
pub(crate) fn generate(seed: u64) -> Vec<(String, String)> {
    let mut random = Random::new(seed);
    let other = Writer::new(&mut random, "o", 15).document(&["a", "b"], &[]);
    let extended = ["{file: other.yml, service: a}", "{service: b}"];
    let base = Writer::new(&mut random, "b", 8).document(&["a", "b"], &extended);
    let over = Writer::new(&mut random, "c", 25).document(&["a", "b"], &extended[..1]);
    let named = [
        ("other.yml", other),
        ("docker-compose.yml", base),
        ("docker-compose.override.yml", over),
    ];
    named.map(|(name, text)| (name.to_owned(), text)).into()
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Command,
    Deploy,
    Environment,
    Item,
    Labels,
    List,
    Mount,
    Mounts,
    Port,
    Ports,
    Service,
    Text,
}

use Kind::{
    Command, Deploy, Environment, Item, Labels, List, Mount, Mounts, Port, Ports, Service, Text,
};

struct Writer<'r> {
    random: &'r mut Random,
    /// Of the names of extensions, which two files have in two kinds.
    prefix: &'static str,
    /// How many of a hundred nodes have a tag.
    tags: usize,
    anchors: BTreeMap<Kind, Vec<usize>>,
    count: usize,
}

impl<'r> Writer<'r> {
    fn new(random: &'r mut Random, prefix: &'static str, tags: usize) -> Self {
        Self {
            random,
            prefix,
            tags,
            anchors: BTreeMap::new(),
            count: 0,
        }
    }

    fn document(&mut self, names: &[&str], extended: &[&str]) -> String {
        let services_first = self.random.one_in(4);
        let mut text = String::new();
        if services_first {
            text += &self.services(names, extended);
        }
        for number in 0..self.random.below(4) {
            let extension = self.extension(0);
            text += &format!("x-{}{number}: {extension}\n", self.prefix);
        }
        if !services_first {
            text += &self.services(names, extended);
        }
        text
    }

    fn services(&mut self, names: &[&str], extended: &[&str]) -> String {
        let mut text = format!("services: {}\n", self.rare_tag());
        for name in names {
            let tag = self.rare_tag();
            let own = self.body(Service, 0);
            let own = own[1..own.len() - 1].to_owned();
            let mut lines = vec!["image: x".to_owned()];
            lines.extend((!own.is_empty()).then_some(own));
            if !extended.is_empty() && self.random.chance(30) {
                let from = self.random.pick(extended);
                if !from.contains(&format!("{{service: {name}}}")) {
                    lines.push(format!("extends: {from}"));
                }
            }
            text += &format!("  {name}: {tag}{{{}}}\n", lines.join(", "));
        }
        text
    }

    fn rare_tag(&mut self) -> &'static str {
        match self.random.one_in(25) {
            true => "!override ",
            false => "",
        }
    }

    /// What is only there for aliases, often below a tag.
    fn extension(&mut self, depth: usize) -> String {
        if depth < 3 && self.random.chance(35) {
            let tag = self.random.pick(&["", "", "!reset ", "!override "]);
            let one = self.extension(depth + 1);
            return match self.random.chance(70) {
                true => format!("{tag}{{one: {one}, other: {}}}", self.extension(depth + 1)),
                false => format!("{tag}[{one}]"),
            };
        }
        let kinds = [
            Environment,
            Environment,
            Labels,
            Ports,
            Mounts,
            Service,
            Text,
            List,
            Command,
        ];
        let kind = self.random.pick(&kinds);
        self.node(kind, depth)
    }

    fn node(&mut self, kind: Kind, depth: usize) -> String {
        let known = self.anchors.get(&kind).map_or(&[][..], Vec::as_slice);
        if !known.is_empty() && self.random.chance(35) {
            return format!("*f{}", self.random.pick(known));
        }
        let is_tagged = self.random.chance(self.tags);
        let tag = if is_tagged {
            self.random.pick(&["!reset ", "!override "])
        } else {
            ""
        };
        let is_anchored = self.random.chance(35);
        let body = self.body(kind, depth);
        if !is_anchored {
            return format!("{tag}{body}");
        }
        self.count += 1;
        self.anchors.entry(kind).or_default().push(self.count);
        match self.random.one_in(2) {
            true => format!("&f{} {tag}{body}", self.count),
            false => format!("{tag}&f{} {body}", self.count),
        }
    }

    fn body(&mut self, kind: Kind, depth: usize) -> String {
        let number = self.random.below(100);
        let letter = self.random.pick(&["A", "B", "C", "D"]);
        match kind {
            Command => format!("[c{number}, {}]", self.node(Text, depth)),
            Item => format!("{letter}=w{number}"),
            Mount => format!("/h{number}:/c{}", number % 5),
            Port => format!("\"80{number:02}:80\""),
            Text => format!("v{number}"),
            List => self.list(Item, 4),
            Mounts => self.list(Mount, 3),
            Ports => self.list(Port, 3),
            Environment => {
                let all = ["A", "B", "C", "D"].map(|name| (name, Text, 40));
                self.mapping(kind, &all, depth)
            }
            Labels => {
                let all = ["L", "M", "N"].map(|name| (name, Text, 40));
                self.mapping(kind, &all, depth)
            }
            Deploy => self.mapping(kind, &[("labels", Labels, 100)], depth),
            Service => {
                let form = self.random.pick(&[Environment, Environment, List]);
                let all = [
                    ("environment", form, 80),
                    ("ports", Ports, 40),
                    ("volumes", Mounts, 40),
                    ("labels", Labels, 30),
                    ("command", Command, 20),
                    ("deploy", Deploy, 20),
                ];
                self.mapping(kind, &all, depth)
            }
        }
    }

    fn list(&mut self, of: Kind, fewer_than: usize) -> String {
        let count = self.random.below(fewer_than);
        let items: Vec<String> = (0..count).map(|_| self.node(of, 0)).collect();
        format!("[{}]", items.join(", "))
    }

    /// Of keys, each with how often of a hundred times it is there, and a merge key among them.
    fn mapping(&mut self, kind: Kind, keys: &[(&str, Kind, usize)], depth: usize) -> String {
        let mut keys: Vec<_> = keys.to_vec();
        self.random.shuffle(&mut keys);
        keys.retain(|(.., often)| self.random.chance(*often));
        let merge =
            (depth < 3 && self.random.chance(30)).then(|| self.random.below(keys.len() + 1));
        let mut entries = Vec::new();
        for at in 0..=keys.len() {
            if merge == Some(at) {
                let merged = match self.random.chance(30) {
                    true => format!(
                        "[{}, {}]",
                        self.node(kind, depth + 1),
                        self.node(kind, depth + 1)
                    ),
                    false => self.node(kind, depth + 1),
                };
                entries.push(format!("<<: {merged}"));
            }
            if let Some((key, of, _)) = keys.get(at) {
                entries.push(format!("{key}: {}", self.node(*of, depth + 1)));
            }
        }
        format!("{{{}}}", entries.join(", "))
    }
}
