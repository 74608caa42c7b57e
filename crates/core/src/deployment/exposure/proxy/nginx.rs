//! nginx: `server` blocks, their `listen`, and where `proxy_pass` leads.

use std::collections::HashSet;

use crate::deployment::exposure::address::Address;
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule};

/// One directive: its words, and what is in its braces.
#[derive(Clone, Debug, Default)]
struct Directive {
    words: Vec<String>,
    block: Vec<Directive>,
}

/// Servers in one another are none of nginx's.
const DEEPEST: usize = 12;

/// What the files say; none where none of them has a server.
pub(super) fn rules(files: &[&File], variable: &dyn Fn(&str) -> String) -> Option<Vec<Rule>> {
    let mut trees = Vec::new();
    for file in files {
        let text = match file.path.ends_with(".template") {
            true => variable(&file.text),
            false => file.text.to_string(),
        };
        let mut words = words(&text).into_iter();
        trees.push((file.path.as_str(), parse(&mut words, 0)));
    }
    let mut config = Config {
        trees: &trees,
        upstreams: Vec::new(),
        rules: Vec::new(),
        has_server: false,
    };
    for (_, tree) in &trees {
        config.find_upstreams(tree, 0);
    }
    for (_, tree) in &trees {
        config.walk(tree, How::Requests, 0);
    }
    config.has_server.then_some(config.rules)
}

struct Config<'a> {
    trees: &'a [(&'a str, Vec<Directive>)],
    upstreams: Vec<(String, Vec<String>)>,
    rules: Vec<Rule>,
    has_server: bool,
}

impl Config<'_> {
    fn find_upstreams(&mut self, tree: &[Directive], depth: usize) {
        for directive in tree {
            if let ["upstream", name] = strs(&directive.words)[..] {
                let servers = directive.block.iter().filter(|one| is(one, "server"));
                let servers = servers
                    .filter_map(|one| one.words.get(1).cloned())
                    .collect();
                self.upstreams.push((name.to_owned(), servers));
            } else if depth < DEEPEST {
                self.find_upstreams(&directive.block, depth + 1);
            }
        }
    }

    fn walk(&mut self, tree: &[Directive], how: How, depth: usize) {
        for directive in tree {
            if is(directive, "server") && !directive.block.is_empty() {
                self.has_server = true;
                self.server(&directive.block, how);
            } else if depth < DEEPEST {
                let how = if is(directive, "stream") {
                    How::Bytes
                } else {
                    how
                };
                self.walk(&directive.block, how, depth + 1);
            }
        }
    }

    fn server(&mut self, block: &[Directive], how: How) {
        let mut all = Vec::new();
        self.flatten(block, 0, &mut HashSet::new(), &mut all);
        let has_tls = all.iter().any(|words| strs(words) == ["ssl", "on"]);
        let listens = all
            .iter()
            .filter(|words| words.first().is_some_and(|word| word == "listen"));
        let mut listens: Vec<(u16, bool)> = listens.filter_map(|words| listen(words)).collect();
        if listens.is_empty() && how == How::Requests {
            listens.push((80, false));
        }
        let mut to = Vec::new();
        for words in &all {
            let passes = ["proxy_pass", "grpc_pass", "uwsgi_pass", "fastcgi_pass"];
            if let [name, target, ..] = &words[..]
                && passes.contains(&name.as_str())
            {
                self.add_target(target, &all, &mut to);
            }
        }
        let redirects = redirects(block);
        let asks = |words: &Vec<String>| match &strs(words)[..] {
            ["auth_basic", realm, ..] => *realm != "off",
            ["auth_request", uri, ..] => *uri != "off",
            _ => false,
        };
        let is_guarded = all.iter().any(asks);
        for (at, is_tls) in listens {
            let is_tls = is_tls || has_tls;
            self.rules.push(Rule {
                at: Some(at),
                how,
                is_tls,
                is_guarded,
                to: match redirects && !is_tls {
                    true => Vec::new(),
                    false => to.clone(),
                },
            });
        }
    }

    /// The directives of a block and of all below it, with what they include; each file counts once.
    fn flatten<'a>(
        &'a self,
        block: &'a [Directive],
        depth: usize,
        seen: &mut HashSet<&'a str>,
        all: &mut Vec<Vec<String>>,
    ) {
        for directive in block {
            all.push(directive.words.clone());
            if depth >= DEEPEST {
                continue;
            }
            self.flatten(&directive.block, depth + 1, seen, all);
            let ["include", path] = strs(&directive.words)[..] else {
                continue;
            };
            for (known, tree) in self.trees {
                let is_part = !tree.iter().any(|one| is(one, "server"));
                if is_part && fits(known, path) && seen.insert(known) {
                    self.flatten(tree, depth + 1, seen, all);
                }
            }
        }
    }

    fn add_target(&self, target: &str, all: &[Vec<String>], to: &mut Vec<Address>) {
        let mut target = target.to_owned();
        // `set $up http://apiserver:8008;`, and a variable in a variable.
        for _ in 0..4 {
            let set = all.iter().rev().find_map(|words| match &strs(words)[..] {
                ["set", name, value] if target.contains(name) => Some((*name, *value)),
                _ => None,
            });
            match set {
                Some((name, value)) => target = target.replace(name, value),
                None => break,
            }
        }
        // What follows is a path of the request.
        let cut = target.find('$').unwrap_or(target.len());
        let Some(address) = Address::of(&target[..cut]) else {
            return;
        };
        match self
            .upstreams
            .iter()
            .find(|(name, _)| *name == address.host)
        {
            Some((_, servers)) => to.extend(servers.iter().filter_map(|server| {
                let address = Address::of(server)?;
                let port = address.port.or(Some(80));
                Some(Address { port, ..address })
            })),
            None => to.push(address),
        }
    }
}

/// Whether a server sends all who come without TLS to where it is spoken.
fn redirects(block: &[Directive]) -> bool {
    let leads_to_tls = |one: &Directive| {
        let is_there = one.words.iter().any(|word| word.starts_with("https://"));
        (is(one, "return") || is(one, "rewrite")) && is_there
    };
    block.iter().any(|one| {
        let asks = |word: &String| {
            ["scheme", "https", "forwarded_proto", "server_port"]
                .iter()
                .any(|part| word.contains(part))
        };
        leads_to_tls(one)
            || is(one, "if") && one.words.iter().any(asks) && one.block.iter().any(leads_to_tls)
    })
}

/// Whether a file is the one that an include names, as far as its last part tells.
fn fits(path: &str, include: &str) -> bool {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (path, include) = (name(path), name(include));
    match include.split_once('*') {
        Some((start, end)) => path.starts_with(start) && path.ends_with(end),
        None => path == include,
    }
}

/// `listen 80;`, `listen [::]:443 ssl;`, `listen 10.0.0.1:8008;`, `listen 53 udp;`.
fn listen(words: &[String]) -> Option<(u16, bool)> {
    let address = words.get(1)?;
    let is = |word: &str| words.iter().any(|known| known == word);
    if is("udp") || address.starts_with("unix:") {
        return None;
    }
    let port = address.rsplit(':').next()?;
    let port = port
        .parse()
        .or(match address.contains("[::]") || !address.contains(':') {
            true => Ok(80),
            false => Err(()),
        });
    Some((port.ok()?, is("ssl") || is("quic")))
}

fn is(directive: &Directive, name: &str) -> bool {
    directive.words.first().is_some_and(|word| word == name)
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn parse(words: &mut impl Iterator<Item = String>, depth: usize) -> Vec<Directive> {
    let mut tree = Vec::new();
    let mut now = Directive::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            ";" => tree.push(std::mem::take(&mut now)),
            "{" if depth < DEEPEST => {
                now.block = parse(words, depth + 1);
                tree.push(std::mem::take(&mut now));
            }
            "}" => break,
            _ => now.words.push(word),
        }
    }
    tree
}

/// Words, and the signs between them; text in quotes and after `#` is none of these.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut now = String::new();
    let mut chars = text.chars().peekable();
    let flush = |now: &mut String, all: &mut Vec<String>| {
        if !now.is_empty() {
            all.push(std::mem::take(now));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '#' if now.is_empty() => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' if now.is_empty() => {
                let mut quoted = String::new();
                while let Some(inner) = chars.next().filter(|inner| *inner != c) {
                    quoted.push(if inner == '\\' {
                        chars.next().unwrap_or(inner)
                    } else {
                        inner
                    });
                }
                // Not a sign, whatever is in it.
                all.push(match quoted.as_str() {
                    ";" | "{" | "}" => format!(" {quoted}"),
                    _ => quoted,
                });
            }
            '{' if now.ends_with('$') => {
                now.push(c);
                for inner in chars.by_ref() {
                    now.push(inner);
                    if inner == '}' {
                        break;
                    }
                }
            }
            ';' | '{' | '}' => {
                flush(&mut now, &mut all);
                all.push(c.to_string());
            }
            c if c.is_whitespace() => flush(&mut now, &mut all),
            c => now.push(c),
        }
    }
    flush(&mut now, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    /// The port, whether it speaks TLS, whether bytes are passed on, and to whom.
    type Read = (u16, bool, bool, Vec<String>);

    fn read(texts: &[(&str, &str)]) -> Option<Vec<Read>> {
        let files: Vec<File> = texts
            .iter()
            .map(|(path, text)| File {
                path: (*path).to_owned(),
                text: Zeroizing::new((*text).to_owned()),
            })
            .collect();
        let rules = rules(&files.iter().collect::<Vec<_>>(), &|text| {
            text.replace("${API}", "apiserver")
        })?;
        let shown = |address: &Address| format!("{}:{}", address.host, address.port.unwrap_or(0));
        Some(
            rules
                .iter()
                .map(|rule| {
                    let to = rule.to.iter().map(shown).collect();
                    (rule.at.unwrap(), rule.is_tls, rule.how == How::Bytes, to)
                })
                .collect(),
        )
    }

    #[test]
    fn servers_are_read() {
        let to = |text: &str| vec![text.to_owned()];
        for (text, expected) in [
            (
                "server { listen 80; location / { proxy_pass http://apiserver:8008; } }",
                (80, false, false, to("apiserver:8008")),
            ),
            (
                "http { upstream a { server apiserver:8008 max_fails=3; } server { listen 443 ssl http2; location / { proxy_pass http://a/x; } } }",
                (443, true, false, to("apiserver:8008")),
            ),
            (
                "server { listen [::]:80; set $up http://apiserver:8008; location / { proxy_pass $up$request_uri; } } # server {",
                (80, false, false, to("apiserver:8008")),
            ),
            (
                "stream { server { listen 27017; proxy_pass mongo:27017; } }",
                (27017, false, true, to("mongo:27017")),
            ),
            (
                "server { listen 80 default_server; return 301 https://$host$request_uri; }",
                (80, false, false, Vec::new()),
            ),
            (
                "server { listen 80; if ($scheme = http) { return 301 https://$host$request_uri; } location / { proxy_pass http://a:1; } }",
                (80, false, false, Vec::new()),
            ),
            (
                "server { location / { proxy_pass http://web; } }",
                (80, false, false, to("web:80")),
            ),
        ] {
            assert_eq!(
                read(&[("/etc/nginx/nginx.conf", text)]),
                Some(vec![expected]),
                "{text}"
            );
        }
        assert_eq!(
            read(&[("/etc/nginx/mime.types", "types { text/html html; }")]),
            None
        );
    }

    #[test]
    fn includes_and_templates_are_read() {
        let found = read(&[
            (
                "/etc/nginx/templates/a.conf.template",
                "server { listen 8008; location / { include snippets/p.conf; } }",
            ),
            (
                "/etc/nginx/snippets/p.conf",
                "proxy_pass http://apiserver:8008;",
            ),
        ]);
        assert_eq!(
            found,
            Some(vec![(
                8008,
                false,
                false,
                vec!["apiserver:8008".to_owned()]
            )])
        );
        let found = read(&[(
            "/etc/nginx/templates/a.conf.template",
            "server { listen 81; location / { proxy_pass http://${API}:8008; } }",
        )]);
        assert_eq!(
            found,
            Some(vec![(81, false, false, vec!["apiserver:8008".to_owned()])])
        );
    }
}
