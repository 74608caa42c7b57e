//! Compose files in every shape that people write them in, from a seed: the same seed, the same file.
//!
//! Only what both compose oracles accept is generated, because a file that an oracle refuses proves nothing;
//! the shapes that they refuse are in `tests/fixtures/shapes`.

use std::fs;
use std::path::Path;

use crate::mode::{COMPOSE, MERGED};

/// The files of one compose project.
#[derive(Debug, PartialEq)]
pub struct Project(Vec<(String, String)>);

impl Project {
    /// Writes them below a folder.
    pub fn write(&self, folder: &Path) {
        for (name, text) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

/// A project, from a seed.
pub fn project(seed: u64, merged: bool) -> Project {
    let mut files = vec![(COMPOSE.to_owned(), compose_file(seed))];
    if merged {
        files.push((
            MERGED.to_owned(),
            "services: {apiserver: {labels: {a: b}}}\n".to_owned(),
        ));
    }
    Project(files)
}

/// One compose file.
fn compose_file(seed: u64) -> String {
    let mut random = Random(seed);
    let writer = Writer {
        step: random.pick(&[2, 2, 2, 4, 3]),
        dashes_indented: random.chance(60),
        comments: random.chance(50),
        quoted_keys: random.chance(15),
        out: String::new(),
        random,
    };
    writer.write()
}

struct Writer {
    /// Spaces a level.
    step: usize,
    dashes_indented: bool,
    comments: bool,
    quoted_keys: bool,
    out: String,
    random: Random,
}

/// How a service's environment is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Alias,
    EmptyList,
    EmptyMap,
    FlowList,
    FlowMap,
    List,
    Map,
    MergeAndMore,
    MergeOnly,
    Missing,
}

const STYLES: [Style; 12] = [
    Style::Alias,
    Style::EmptyList,
    Style::EmptyMap,
    Style::FlowList,
    Style::FlowMap,
    Style::List,
    Style::List,
    Style::Map,
    Style::Map,
    Style::MergeAndMore,
    Style::MergeOnly,
    Style::Missing,
];

/// Variables that are no settings, with values that YAML and compose could change.
const ORDINARY: [(&str, &str); 12] = [
    ("TZ", "UTC"),
    ("CLEARML_REDIS_SERVICE_HOST", "redis"),
    ("CLEARML_REDIS_SERVICE_PORT", "6379"),
    ("DOLLAR", "a$$b"),
    ("DEFAULTED", "${NOT_SET_ANYWHERE:-fall back}"),
    ("DEFAULTED_TOO", "${NOT_SET_ANYWHERE-$$5}"),
    ("GREETING", "Grüße, 你好"),
    ("HASHED", "a#b # c"),
    ("QUOTED", "it's \"so\""),
    ("EQUATION", "a=b=c"),
    ("EMPTY", ""),
    ("CLEARML__apiserver__pre_populate__enabled", "true"),
];

/// Settings that are there already, in every spelling. They are replaced.
const SETTINGS: [(&str, &str); 7] = [
    ("CLEARML__SECURE__AUTH__TOKEN_SECRET", "to-be-replaced"),
    ("CLEARML__secure__auth__token_secret", "to be replaced"),
    ("TRAINS__SECURE__CREDENTIALS__TESTS__USER_KEY", "old"),
    (
        "CLEARML__Secure__Credentials__Tests__User_Secret",
        "old # old",
    ),
    (
        "CLEARML__secure__credentials__services_agent__user_key",
        "${CLEARML_AGENT_ACCESS_KEY:-}",
    ),
    (
        "CLEARML__secure__credentials__services_agent__user_secret",
        "${CLEARML_AGENT_SECRET_KEY:-}",
    ),
    (
        "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
        "\u{e4}lt",
    ),
];

impl Writer {
    fn write(mut self) -> String {
        if self.random.chance(50) {
            self.out.push_str("version: \"3.8\"\n");
        }
        self.comment(0);
        let anchored = self.variables(&ORDINARY, 3);
        self.out.push_str("x-common: &common\n");
        self.map(1, &anchored);
        self.line(0, "services:");
        let mut services = vec!["apiserver", "fileserver"];
        for (name, percent) in [
            ("webserver", 60),
            ("async_delete", 60),
            ("agent-services", 50),
            ("redis", 60),
            ("shop", 30),
        ] {
            if self.random.chance(percent) {
                services.push(name);
            }
        }
        self.random.shuffle(&mut services);
        for name in services {
            self.service(name);
        }
        if self.random.chance(40) {
            let line = self.key("volumes") + " {data: {}}";
            self.line(0, &line);
        }
        self.finish()
    }

    fn finish(mut self) -> String {
        let mut text = self.out;
        if self.random.chance(20) {
            text.truncate(text.trim_end().len());
        }
        if self.random.chance(25) {
            text = text.replace('\n', "\r\n");
        }
        if self.random.chance(10) {
            text.insert(0, '\u{feff}');
        }
        text
    }

    fn service(&mut self, name: &str) {
        self.comment(1);
        let is_renamed = self.random.chance(25);
        let shown = if is_renamed {
            format!("my-{name}")
        } else {
            name.to_owned()
        };
        let line = self.key(&shown);
        self.line(1, &line);
        let server = "clearml/server:2.3.0";
        let (image, run) = match name {
            "async_delete" => (server, "entrypoint: python3 -m jobs.async_urls_delete"),
            "agent-services" => ("clearml/clearml-agent-services:latest", ""),
            "redis" => ("redis:7.4.1", "command: redis-server --save ''"),
            "shop" => ("example/shop:4", ""),
            _ => (server, ""),
        };
        let command = match run {
            "" if image == server => self.random.pick(&[
                "command: [NAME]",
                "command: NAME",
                "command: \"NAME\"",
                "command: >\n  NAME",
                "command:\n  - NAME",
            ]),
            run => run,
        };
        let image = self.key("image") + " " + image;
        let mut parts = vec![image];
        if !command.is_empty() {
            parts.push(command.replace("NAME", name));
        }
        if self.random.chance(30) {
            parts.push("restart: unless-stopped".to_owned());
        }
        let place = self.random.below(parts.len() + 1);
        for (index, part) in parts.iter().enumerate() {
            if index == place {
                self.environment(name);
            }
            for line in part.lines() {
                // Not `line`, which might add a comment inside a folded command.
                let indent = " ".repeat(2 * self.step);
                self.out.push_str(&format!("{indent}{line}\n"));
            }
        }
        if place == parts.len() {
            self.environment(name);
        }
        self.ports(name);
    }

    /// What the service publishes, in every syntax.
    fn ports(&mut self, service: &str) {
        let port: u16 = match service {
            "apiserver" => 8008,
            "fileserver" => 8081,
            "redis" => 6379,
            _ => return,
        };
        if self.random.chance(30) {
            return;
        }
        let step = self.step;
        let indent = |depth: usize| " ".repeat(depth * step);
        // No two entries publish the same port, which compose refuses.
        let published = [port, port + 1000];
        let count = 1 + self.random.below(2);
        let mut entries = Vec::new();
        for published in published.into_iter().take(count) {
            entries.push(self.port(port, published));
        }
        if self.random.chance(30) {
            let line = format!("{}ports: [{}]\n", indent(2), entries.join(", "));
            self.out.push_str(&line);
            return;
        }
        self.out.push_str(&format!("{}ports:\n", indent(2)));
        for (number, entry) in entries.iter().enumerate() {
            if self.random.chance(30) {
                self.out
                    .push_str(&format!("{}# for port {port}\n", indent(3)));
            }
            let comment = self.random.pick(&["", " # why"]);
            let line = if self.random.chance(10) {
                let published = published[number];
                let (dash, below) = (indent(3), indent(3));
                format!("{dash}- target: {port}\n{below}  published: {published}{comment}\n")
            } else {
                format!("{}- {entry}{comment}\n", indent(3))
            };
            self.out.push_str(&line);
        }
    }

    /// One entry of `ports`, on one line.
    fn port(&mut self, target: u16, published: u16) -> String {
        if self.random.chance(10) {
            // Versions of compose before 2 do not know `host_ip`.
            let address = self.random.pick(&["", "host_ip: 0.0.0.0, "]);
            return format!("{{{address}published: {published}, target: {target}}}");
        }
        match self.random.below(6) {
            0 => format!("{published}:{target}/tcp"),
            1 => format!("'0.0.0.0:{published}:{target}'"),
            2 => format!("\"127.0.0.1:{published}:{target}\""),
            3 => format!("\"[::]:{published}:{target}\""),
            4 => format!("\"${{PORT:-{published}}}:{target}\""),
            _ => format!("\"{published}:{target}\""),
        }
    }

    fn environment(&mut self, service: &str) {
        let mut variables = self.variables(&ORDINARY, 4);
        let holds_settings = matches!(service, "apiserver" | "fileserver" | "async_delete");
        if holds_settings && self.random.chance(60) {
            let settings: Vec<_> = if service == "apiserver" {
                SETTINGS.to_vec()
            } else {
                vec![SETTINGS[if service == "fileserver" { 6 } else { 0 }]]
            };
            variables.extend(self.variables(&settings, 3));
        }
        if service == "agent-services" && self.random.chance(70) {
            variables.push((
                "CLEARML_API_ACCESS_KEY",
                "${CLEARML_AGENT_ACCESS_KEY:-$CLEARML_API_ACCESS_KEY}",
            ));
        }
        self.random.shuffle(&mut variables);
        let key = self.key("environment");
        self.comment(2);
        match self.random.pick(&STYLES) {
            Style::Missing => {}
            Style::Alias => self.line(2, &(key + " *common")),
            Style::EmptyList => self.line(2, &(key + " []")),
            Style::EmptyMap => self.line(2, &(key + " {}")),
            Style::FlowList => {
                let items: Vec<_> = variables
                    .iter()
                    .map(|(name, value)| double(&format!("{name}={value}")))
                    .collect();
                self.line(2, &format!("{key} [{}]", items.join(", ")));
            }
            Style::FlowMap => {
                let items: Vec<_> = variables
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", double(value)))
                    .collect();
                self.line(2, &format!("{key} {{{}}}", items.join(", ")));
            }
            Style::List => {
                self.line(2, &key);
                let depth = if self.dashes_indented { 3 } else { 2 };
                for (name, value) in &variables {
                    self.comment(depth);
                    let item = self.scalar(&format!("{name}={value}"));
                    self.line(depth, &format!("- {item}"));
                }
                if variables.is_empty() {
                    self.line(depth, "- TZ=UTC");
                }
            }
            Style::Map => {
                self.line(2, &key);
                self.map(3, &variables);
            }
            Style::MergeAndMore => {
                self.line(2, &key);
                self.line(3, "<<: *common");
                self.map(3, &variables);
            }
            Style::MergeOnly => {
                self.line(2, &key);
                self.line(3, "<<: *common");
            }
        }
    }

    /// A block map; never an empty one, which would be null.
    fn map(&mut self, depth: usize, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.comment(depth);
            let key = self.key(name);
            let value = if !value.is_empty() && value.is_ascii() && self.random.chance(8) {
                // A block scalar needs one level more, and `-` drops the line's end again.
                format!(
                    "{}\n{}{value}",
                    self.random.pick(&["|-", ">-"]),
                    " ".repeat((depth + 1) * self.step)
                )
            } else {
                self.scalar(value)
            };
            self.line(depth, &format!("{key} {value}"));
        }
        if variables.is_empty() {
            self.line(depth, "LANG: C");
        }
    }

    /// Some of these variables, each at most once.
    fn variables<'v>(
        &mut self,
        from: &[(&'v str, &'v str)],
        at_most: usize,
    ) -> Vec<(&'v str, &'v str)> {
        let mut all = from.to_vec();
        self.random.shuffle(&mut all);
        all.truncate(self.random.below(at_most + 1));
        all
    }

    fn key(&mut self, name: &str) -> String {
        match self.random.below(2) {
            _ if !self.quoted_keys => format!("{name}:"),
            0 => format!("'{name}':"),
            _ => format!("\"{name}\":"),
        }
    }

    /// A value in one of the three ways; plain only where that is the same text.
    fn scalar(&mut self, text: &str) -> String {
        let is_plain = !text.is_empty()
            && !text.contains(" #")
            && !text.contains(": ")
            && text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '$')
            // Booleans are an error in an environment, and a number is a number only where it stands alone.
            && text != "true";
        match self.random.below(3) {
            0 if is_plain => text.to_owned(),
            1 => format!("'{}'", text.replace('\'', "''")),
            _ => double(text),
        }
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&" ".repeat(depth * self.step));
        self.out.push_str(text);
        // No comment after what may end in a block scalar: it would be part of it.
        if self.comments && !text.contains(['\n', '>', '|']) && self.random.chance(15) {
            self.out.push_str(" # comment: with a colon");
        }
        self.out.push('\n');
    }

    fn comment(&mut self, depth: usize) {
        if self.comments && self.random.chance(15) {
            let indent = " ".repeat(depth * self.step);
            self.out.push_str(&format!("{indent}# environment: none\n"));
        } else if self.comments && self.random.chance(10) {
            self.out.push('\n');
        }
    }
}

fn double(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// SplitMix64: a few lines, and the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
