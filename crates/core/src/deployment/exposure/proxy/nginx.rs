//! nginx: `server` blocks, their `listen`, and where `proxy_pass` leads.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::fits_all;
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule};

/// One directive: its words, and what is in its braces.
#[derive(Clone, Debug, Default)]
struct Directive {
    words: Vec<String>,
    block: Vec<Directive>,
}

/// Where a server listens.
struct Listen {
    port: u16,
    is_loopback: bool,
    is_tls: bool,
}

/// Servers in one another are none of nginx's.
const DEEPEST: usize = 12;
/// Nobody leads a target to more than this by variables.
const MOST: usize = 64;
/// A target begins with its host and port; they are no longer.
const LONGEST: usize = 1024;

/// The values that variables may have, by their names with the `$`.
type Variables<'a> = HashMap<&'a str, BTreeSet<&'a str>>;

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
        upstreams: HashMap::new(),
        maps: Variables::new(),
        rules: Vec::new(),
        has_server: false,
    };
    for (_, tree) in &trees {
        config.find_names(tree, 0);
    }
    for (_, tree) in &trees {
        config.walk(tree, How::Requests, 0);
    }
    config.has_server.then_some(config.rules)
}

struct Config<'a> {
    trees: &'a [(&'a str, Vec<Directive>)],
    upstreams: HashMap<&'a str, Vec<&'a str>>,
    /// What `map` sets, for all servers.
    maps: Variables<'a>,
    rules: Vec<Rule>,
    has_server: bool,
}

impl<'a> Config<'a> {
    fn find_names(&mut self, tree: &'a [Directive], depth: usize) {
        for directive in tree {
            let second = |one: &'a Directive| one.words.get(1).map(String::as_str);
            match strs(&directive.words)[..] {
                ["upstream", name] => {
                    let servers = directive.block.iter().filter(|one| is(one, "server"));
                    let servers = servers.filter_map(second).collect();
                    self.upstreams.entry(name).or_insert(servers);
                }
                ["map" | "split_clients", _, name] => {
                    let values = directive.block.iter().filter_map(second);
                    self.maps.entry(name).or_default().extend(values);
                }
                _ if depth < DEEPEST => self.find_names(&directive.block, depth + 1),
                _ => {}
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
        let mut listens = listens.peekable();
        let is_told = listens.peek().is_some();
        let mut listens: Vec<Listen> = listens.filter_map(|words| listen(words)).collect();
        if !is_told && how == How::Requests {
            listens.push(Listen {
                port: 80,
                is_loopback: false,
                is_tls: false,
            });
        }
        let mut variables = Variables::new();
        let mut targets = BTreeSet::new();
        for words in &all {
            match strs(words)[..] {
                ["set", name, value] => drop(variables.entry(name).or_default().insert(value)),
                [
                    "proxy_pass" | "grpc_pass" | "uwsgi_pass" | "fastcgi_pass",
                    target,
                    ..,
                ] => {
                    targets.insert(target);
                }
                _ => {}
            }
        }
        let all_variables = [&variables, &self.maps];
        let targets = targets.iter();
        let targets = targets.flat_map(|target| told(target, &all_variables));
        let to: Vec<Address> = targets.flat_map(|target| self.addresses(&target)).collect();
        let redirects = redirects(block);
        let asks = |words: &Vec<String>| match &strs(words)[..] {
            ["auth_basic", realm, ..] => *realm != "off",
            ["auth_request", uri, ..] => *uri != "off",
            ["ssl_verify_client", "on"] | ["deny", "all"] => true,
            _ => false,
        };
        let lets_all_in = |words: &Vec<String>| {
            matches!(strs(words)[..], ["allow", "all" | "0.0.0.0/0" | "::/0"])
        };
        let is_guarded = all.iter().any(asks) && !all.iter().any(lets_all_in);
        for listen in listens {
            let is_tls = listen.is_tls || has_tls;
            self.rules.push(Rule {
                at: Some(listen.port),
                is_loopback: listen.is_loopback,
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
    fn flatten<'s>(
        &'s self,
        block: &'s [Directive],
        depth: usize,
        seen: &mut HashSet<&'s str>,
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

    /// The servers of an upstream, or the address itself.
    fn addresses(&self, target: &str) -> Vec<Address> {
        let Some(address) = Address::of(target) else {
            return Vec::new();
        };
        let Some(servers) = self.upstreams.get(address.host.as_str()) else {
            return vec![address];
        };
        let servers = servers.iter().filter_map(|server| Address::of(server));
        let with_port = |address: Address| Address {
            port: address.port.or(Some(80)),
            ..address
        };
        servers.map(with_port).collect()
    }
}

/// What a target may be when its variables have their values: `set $up http://apiserver:8008;`, in one place or in several,
/// and a variable in a variable. Of a target, what follows a variable without a value is a path of the request.
fn told(target: &str, variables: &[&Variables<'_>]) -> Vec<String> {
    let mut open = vec![target.to_owned()];
    let mut told = Vec::new();
    for _ in 0..MOST {
        let Some(text) = open.pop() else {
            break;
        };
        let at = text.find('$').unwrap_or(text.len());
        let (start, rest) = text.split_at(at);
        let (name, rest) = first_variable(rest);
        let values = variables.iter().filter_map(|some| some.get(name.as_str()));
        let mut values = values.flatten().take(MOST).peekable();
        if values.peek().is_none() {
            told.push(start.to_owned());
        }
        open.extend(values.map(|value| {
            let mut text = [start, value, rest].concat();
            text.truncate(text.floor_char_boundary(LONGEST));
            text
        }));
    }
    told
}

/// The name with which a text begins, `$up` or `${up}`, as `$up`, and what follows.
fn first_variable(text: &str) -> (String, &str) {
    let inner = text
        .strip_prefix("${")
        .and_then(|rest| rest.split_once('}'));
    if let Some((name, rest)) = inner {
        return (format!("${name}"), rest);
    }
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let name = text.strip_prefix('$').unwrap_or_default();
    let end = text.len() - name.len() + name.find(is_end).unwrap_or(name.len());
    (text[..end].to_owned(), &text[end..])
}

/// Whether a server sends all who come without TLS to where it is spoken.
fn redirects(block: &[Directive]) -> bool {
    let leads_to_tls = |one: &Directive| {
        let is_there = one.words.iter().any(|word| word.starts_with("https://"));
        let is_of_all = match &strs(&one.words)[..] {
            ["return", ..] => true,
            ["rewrite", expression, ..] => fits_all(expression),
            _ => false,
        };
        is_there && is_of_all
    };
    block.iter().any(|one| {
        leads_to_tls(one)
            || is(one, "if") && fits_clear_text(&one.words) && one.block.iter().any(leads_to_tls)
    })
}

/// Whether a condition is met by each request without TLS. Only a proxy says in a header how a request came to it: without
/// one there is no header, which is not `https`, and not `http` either.
fn fits_clear_text(words: &[String]) -> bool {
    let speaks_of = |part: &str| words.iter().any(|word| word.contains(part));
    let is_own = ["$scheme", "$https", "$server_port"]
        .into_iter()
        .any(speaks_of);
    is_own || speaks_of("forwarded_proto") && words.iter().any(|word| word.starts_with('!'))
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
fn listen(words: &[String]) -> Option<Listen> {
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
    Some(Listen {
        port: port.ok()?,
        is_loopback: is_loopback(address),
        is_tls: is("ssl") || is("quic"),
    })
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
            (
                "server { if ($http_x_forwarded_proto != 'https') { return 301 https://$host; } location / { proxy_pass http://web; } }",
                (80, false, false, Vec::new()),
            ),
            (
                "server { if ($http_x_forwarded_proto = http) { return 301 https://$host; } location / { proxy_pass http://web; } }",
                (80, false, false, to("web:80")),
            ),
            (
                "server { rewrite ^/login https://$host permanent; location / { proxy_pass http://web; } }",
                (80, false, false, to("web:80")),
            ),
            (
                "server { rewrite ^(.*)$ https://$host$1 permanent; location / { proxy_pass http://web; } }",
                (80, false, false, Vec::new()),
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
    fn a_target_is_followed_through_all_values_of_its_variables() {
        let to = |text: &str| {
            let found = read(&[("/etc/nginx/nginx.conf", text)]).unwrap();
            found
                .into_iter()
                .flat_map(|(.., to)| to)
                .collect::<Vec<_>>()
        };
        let both = ["a:1", "b:2"];
        for text in [
            "server { location /a { set $up http://a:1; proxy_pass $up; } location /b { set $up http://b:2; proxy_pass $up; } }",
            "map $host $up { default http://a:1; b.example.com http://b:2; } server { location / { proxy_pass $up$request_uri; } }",
            "server { set $up a; set $upstream b:2; location /a { proxy_pass http://${up}:1; } location /b { proxy_pass http://$upstream; } }",
            "server { set $port 1; set $up a:$port; location / { proxy_pass http://$up/x; } } server { listen 81; location / { proxy_pass http://b:2; } }",
        ] {
            let mut found = to(text);
            found.sort();
            assert_eq!(found, both, "{text}");
        }
    }

    #[test]
    fn variables_in_variables_end() {
        let many = |name: &str| format!("${name}").repeat(900);
        let (b, c, d) = (many("b"), many("c"), many("d"));
        let text = format!(
            "server {{ set $a '{b}'; set $b '{c}'; set $c '{d}'; set $d $a; location / {{ proxy_pass http://x$a; }} }}"
        );
        let found = read(&[("/etc/nginx/nginx.conf", &text)]);
        assert_eq!(found, Some(vec![(80, false, false, Vec::new())]));
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
