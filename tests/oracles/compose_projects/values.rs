//! The values of a service's attributes.

use super::node::{Node, Yaml, list, map, plain, text};
use super::{NAMES, Role, SERVER, Writer, is_server};

impl Writer<'_> {
    pub(super) fn attribute(&mut self, key: &str, service: &str) -> Node {
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
            "cap_add" => list(vec![text(self.random.pick(&[
                "ALL",
                "SYS_ADMIN",
                "NET_RAW",
            ]))])
            .or_text(self.role, "[]"),
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
        let items = self.some(&PORTS).into_iter();
        let items = items.map(|item| match self.random.chance(4) {
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
        list(self.some(&all))
    }

    /// Up to two of these.
    fn some(&mut self, all: &[&str]) -> Vec<Node> {
        let count = self.random.below(3);
        (0..count).map(|_| text(self.random.pick(all))).collect()
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
}
