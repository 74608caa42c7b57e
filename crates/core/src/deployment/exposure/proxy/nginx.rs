//! nginx: `server` blocks, their `listen`, and where `proxy_pass` leads.

mod guard;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;

use zeroize::Zeroizing;

use self::guard::Guards;
use super::{included, port_range};
use crate::container::Container;
use crate::container_path::is_below;
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::condition::{Holds, fits_all};
use crate::deployment::exposure::files::{File, Files};
use crate::deployment::exposure::hop::{How, Rule, Target};
use crate::deployment::exposure::variables;

/// One directive: its words, and what is in its braces.
#[derive(Clone, Debug, Default)]
struct Directive {
    words: Vec<String>,
    block: Vec<Directive>,
}

/// Where a server listens.
struct Listen {
    ports: RangeInclusive<u16>,
    is_loopback: bool,
    is_tls: bool,
}

/// Servers in one another are none of nginx's.
const DEEPEST: usize = 12;
/// Nobody leads a target to more than this by variables.
const MOST: usize = 64;
/// Directives that a server includes more than once, in several of its blocks. With more of them nothing counts as a guard.
const MOST_INCLUDED: usize = 20_000;
/// A target begins with its host and port; they are no longer.
const LONGEST: usize = 1024;
/// The server of an upstream of which a program chooses: those that are written there are none.
const CHOSEN: &str = "$";

/// The values that variables may have, by their names with the `$`.
type Variables<'a> = HashMap<&'a str, BTreeSet<&'a str>>;

/// What a container's command and variables make a part of its configuration: the directives of `-g`, and the templates of another
/// folder than the usual one, which the image's start fills in.
pub(super) fn own(
    container: &Container,
    files: &Files,
    variables: &variables::Variables<'_>,
) -> Vec<File> {
    let words: Vec<&str> = container
        .command
        .iter()
        .map(|word| word.known().map_or("", String::as_str))
        .collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == "-g");
    let directives: Vec<File> = pairs
        .map(|pair| File {
            path: "-g".to_owned(),
            text: Zeroizing::new(pair[1].to_owned()),
        })
        .collect();
    // What its name does not end so in is no template.
    let outside: Vec<&File> = { files.texts.iter() }
        .filter(|file| !is_below(&file.path, "/etc/nginx") && file.path.ends_with(".template"))
        .collect();
    let folder = match outside.is_empty() {
        true => None,
        false => variables.text(TEMPLATES),
    };
    let folder = folder.filter(|one| one.starts_with('/') && !is_below(one, "/etc/nginx"));
    let templates = outside.into_iter().filter_map(|file| {
        let is_own = is_below(&file.path, folder?);
        let name = file.path.rsplit('/').next().unwrap_or_default();
        is_own.then(|| File {
            path: format!("/etc/nginx/templates/{name}"),
            text: file.text.clone(),
        })
    });
    directives.into_iter().chain(templates).collect()
}

/// The variable with the folder of templates, at the official image.
const TEMPLATES: &str = "NGINX_ENVSUBST_TEMPLATE_DIR";

/// One of its servers.
pub(super) struct Server {
    /// A rule for each of its `listen`.
    pub(super) rules: Vec<Rule>,
    /// Whether what it does with `/` is to serve pages.
    pub(super) has_pages: bool,
}

/// What the files say; none where none of them has a server.
pub(super) fn rules(files: &[&File], variable: &dyn Fn(&str) -> String) -> Option<Vec<Rule>> {
    let servers = servers(files, variable);
    let is_any = !servers.is_empty();
    is_any.then(|| servers.into_iter().flat_map(|one| one.rules).collect())
}

/// The servers of the files.
pub(super) fn servers(files: &[&File], variable: &dyn Fn(&str) -> String) -> Vec<Server> {
    let mut trees = Vec::new();
    for file in files {
        let is_template = file.path.ends_with("template") || file.path.contains("/templates/");
        let text = match is_template {
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
        servers: Vec::new(),
    };
    for (_, tree) in &trees {
        config.find_names(tree, 0);
    }
    let mut includes = Vec::new();
    for (_, tree) in &trees {
        find_includes(tree, How::Requests, Guards::default(), 0, &mut includes);
    }
    for (path, tree) in &trees {
        let of_path = includes.iter().filter(|one| names(one.path, path));
        let of_path: Vec<&Include<'_>> = of_path.collect();
        // The image makes these part of a `stream` block.
        let is_stream =
            path.ends_with(".stream-template") || of_path.iter().any(|one| one.how == How::Bytes);
        let how = if is_stream { How::Bytes } else { How::Requests };
        // Of several places nothing counts that is not asked at each of them.
        let mut guards = of_path.iter().map(|one| one.guards);
        let first = guards.next().unwrap_or_default();
        let is_one = guards.all(|other| other == first);
        config.walk(tree, how, if is_one { first } else { Guards::default() }, 0);
    }
    config.servers
}

struct Config<'a> {
    trees: &'a [(&'a str, Vec<Directive>)],
    upstreams: HashMap<&'a str, Vec<&'a str>>,
    /// What `map` sets, for all servers.
    maps: Variables<'a>,
    servers: Vec<Server>,
}

/// What a server says.
#[derive(Default)]
struct Found<'a> {
    /// Its own directives, outside of any block in it.
    own: Vec<&'a Directive>,
    listens: Vec<&'a [String]>,
    has_tls: bool,
    variables: Variables<'a>,
    /// Whom it passes on to, and what it asks there.
    targets: Vec<(&'a str, Guards)>,
    named: HashSet<(&'a str, Guards)>,
    seen: HashSet<(*const Directive, Guards)>,
    files: HashSet<&'a str>,
    /// How many directives were included once more.
    again: usize,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.again > MOST_INCLUDED
    }
}

impl<'a> Config<'a> {
    fn find_names(&mut self, tree: &'a [Directive], depth: usize) {
        for directive in tree {
            let second = |one: &'a Directive| one.words.get(1).map(String::as_str);
            match strs(&directive.words)[..] {
                ["upstream", name] => {
                    let servers = directive.block.iter().filter(|one| is(one, "server"));
                    let mut servers: Vec<&str> = servers.filter_map(second).collect();
                    let is_chosen = |one: &Directive| {
                        let name = one.words.first();
                        name.is_some_and(|name| name.starts_with("balancer_by_lua"))
                    };
                    if directive.block.iter().any(is_chosen) {
                        servers = vec![CHOSEN];
                    }
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

    fn walk(&mut self, tree: &[Directive], how: How, outer: Guards, depth: usize) {
        let guards = outer.within(&tree.iter().collect::<Vec<_>>());
        for directive in tree {
            if is(directive, "server") && !directive.block.is_empty() {
                let server = self.server(&directive.block, how, guards);
                self.servers.push(server);
            } else if depth < DEEPEST {
                let how = if is(directive, "stream") {
                    How::Bytes
                } else {
                    how
                };
                self.walk(&directive.block, how, guards, depth + 1);
            }
        }
    }

    fn server(&self, block: &[Directive], how: How, outer: Guards) -> Server {
        let mut found = Found::default();
        self.find(block, 0, outer, &mut found);
        let mut listens: Vec<Listen> = found.listens.iter().filter_map(|one| listen(one)).collect();
        if found.listens.is_empty() && how == How::Requests {
            listens.push(Listen {
                ports: 80..=80,
                is_loopback: false,
                is_tls: false,
            });
        }
        let variables = [&found.variables, &self.maps];
        let rule = |listen: Listen| {
            let is_tls = listen.is_tls || found.has_tls;
            let target = |(text, guards): &(&str, Guards)| {
                let is_guarded = !found.is_full() && guards.cover_all(is_tls);
                let addresses = told(text, &variables).into_iter();
                let addresses = addresses.flat_map(|text| self.addresses(text.as_deref()));
                addresses.map(move |address| Target {
                    address,
                    is_guarded,
                })
            };
            Rule {
                sends_away: sends_away(&found.own, *listen.ports.start()),
                at: Some(listen.ports),
                is_loopback: listen.is_loopback,
                how,
                is_tls,
                to: found.targets.iter().flat_map(target).collect(),
            }
        };
        Server {
            rules: listens.into_iter().map(rule).collect(),
            has_pages: how == How::Requests && has_pages(&found.own),
        }
    }

    /// Adds what is in a block and below it, with what they include.
    fn find<'s>(
        &'s self,
        block: &'s [Directive],
        depth: usize,
        outer: Guards,
        found: &mut Found<'s>,
    ) {
        let mut all = Vec::new();
        self.include(block, depth, &mut HashSet::new(), found, &mut all);
        let guards = outer.within(&all);
        if depth == 0 {
            found.own.clone_from(&all);
        }
        for one in all {
            if !found.seen.insert((std::ptr::from_ref(one), guards)) {
                continue;
            }
            match strs(&one.words)[..] {
                ["listen", ..] => found.listens.push(&one.words),
                ["ssl", "on"] => found.has_tls = true,
                ["set", name, value] => {
                    found.variables.entry(name).or_default().insert(value);
                }
                [
                    "proxy_pass" | "grpc_pass" | "uwsgi_pass" | "fastcgi_pass",
                    target,
                    ..,
                ] if found.named.insert((target, guards)) => found.targets.push((target, guards)),
                _ => {}
            }
            if depth < DEEPEST {
                self.find(&one.block, depth + 1, guards, found);
            }
        }
    }

    /// The directives of a block, and those of the files that it includes.
    fn include<'s>(
        &'s self,
        block: &'s [Directive],
        depth: usize,
        here: &mut HashSet<&'s str>,
        found: &mut Found<'s>,
        all: &mut Vec<&'s Directive>,
    ) {
        for directive in block {
            all.push(directive);
            let ["include", path] = strs(&directive.words)[..] else {
                continue;
            };
            if depth >= DEEPEST {
                continue;
            }
            for (known, tree) in self.trees {
                let is_part = fits(known, path) && !tree.iter().any(|one| is(one, "server"));
                if !is_part || !here.insert(known) {
                    continue;
                }
                if !found.files.insert(known) {
                    found.again = found.again.saturating_add(tree.len());
                }
                if !found.is_full() {
                    self.include(tree, depth + 1, here, found, all);
                }
            }
        }
    }

    /// The servers of an upstream, or the address itself. Without a target, nothing here tells it.
    fn addresses(&self, target: Option<&str>) -> Vec<Address> {
        let Some(target) = target else {
            return vec![Address::untold()];
        };
        let Some(address) = Address::of(target) else {
            return Vec::new();
        };
        let host = address.host.as_deref().unwrap_or_default();
        let Some(servers) = self.upstreams.get(host) else {
            return vec![address];
        };
        let servers = servers.iter().filter_map(|server| match *server {
            CHOSEN => Some(Address::untold()),
            server => Address::of(server),
        });
        let with_port = |address: Address| Address {
            port: address.port.or(Some(80)),
            ..address
        };
        servers.map(with_port).collect()
    }
}

/// What a target may be when its variables have their values: `set $up http://apiserver:8008;`, in one place or in several,
/// and a variable in a variable. Of a target, what follows a variable without a value is a path of the request; none where that
/// variable is the host itself.
fn told(target: &str, variables: &[&Variables<'_>]) -> Vec<Option<String>> {
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
            told.push((!is_cut_off(start, &name)).then(|| start.to_owned()));
        }
        open.extend(values.map(|value| {
            let mut text = [start, value, rest].concat();
            text.truncate(text.floor_char_boundary(LONGEST));
            text
        }));
    }
    told
}

/// Whether a variable without a value is where a target has its host or its port: `http://$arg_host:9200`.
fn is_cut_off(start: &str, variable: &str) -> bool {
    const PATHS: [&str; 6] = [
        "$args",
        "$document_uri",
        "$is_args",
        "$query_string",
        "$request_uri",
        "$uri",
    ];
    let host = start.split_once("://").map_or(start, |(_, rest)| rest);
    let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
    let is_whole = host.contains('/') || port.is_some_and(|port| port.is_ok());
    let is_group = variable[1.min(variable.len())..].parse::<u8>().is_ok();
    let is_path = is_group || PATHS.contains(&variable);
    !variable.is_empty() && !is_whole && (host.is_empty() || !is_path)
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

/// Whether a server has pages at `/`: without a `location` for it, those of its `root`, or of nginx' own one.
fn has_pages(own: &[&Directive]) -> bool {
    let is_root = |one: &&&Directive| {
        matches!(
            strs(&one.words)[..],
            ["location", "/"] | ["location", "^~", "/"]
        )
    };
    let passes_on = |one: &Directive| {
        let name = one.words.first();
        name.is_some_and(|name| name.ends_with("_pass"))
    };
    own.iter().find(is_root).is_none_or(|root| {
        let inner: Vec<&Directive> = root.block.iter().collect();
        !inner.iter().any(|one| passes_on(one)) && sends_away(&inner, 80) != Holds::Always
    })
}

/// Which requests without TLS a server answers itself, before it looks whom it may pass them on to.
fn sends_away(own: &[&Directive], port: u16) -> Holds {
    let ends = |one: &Directive| match &strs(&one.words)[..] {
        ["return", ..] => true,
        ["rewrite", expression, to, ..] => to.starts_with("https://") && fits_all(expression),
        _ => false,
    };
    own.iter().fold(Holds::Never, |before, one| {
        before.or(match is(one, "if") && one.block.iter().any(ends) {
            true => holds(&one.words, port),
            false => Holds::of(ends(one)),
        })
    })
}

/// When the condition of an `if` holds. Only a proxy says in a header how a request came to it.
fn holds(words: &[String], port: u16) -> Holds {
    let text = words[1..].join(" ");
    let text = text.trim().strip_prefix('(').unwrap_or(&text);
    let text = text.trim().strip_suffix(')').unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let (name, operator, expected) = match words[..] {
        [name] => (name, "", ""),
        [name, operator] => (name, operator, ""),
        [name, operator, expected] => (name, operator, expected),
        _ => return Holds::Sometimes,
    };
    let port = port.to_string();
    let value = match name {
        "$scheme" => "http",
        "$server_port" => port.as_str(),
        "$https" | "$ssl_protocol" => "",
        "$host" | "$http_host" | "$server_name" => return Holds::ByName,
        _ if name.starts_with("$http_x_forwarded_") => "",
        _ => return Holds::Sometimes,
    };
    match operator {
        "" => Holds::of(!["", "0"].contains(&value)),
        "=" | "!=" => Holds::of(value == expected).negated_if(operator == "!="),
        "~" | "~*" | "!~" | "!~*" => {
            Holds::found(value, expected).negated_if(operator.starts_with('!'))
        }
        _ => Holds::Sometimes,
    }
}

/// What a block includes, and what holds around it.
struct Include<'a> {
    path: &'a str,
    how: How,
    guards: Guards,
}

/// Adds what is included in any block.
fn find_includes<'a>(
    tree: &'a [Directive],
    how: How,
    outer: Guards,
    depth: usize,
    found: &mut Vec<Include<'a>>,
) {
    let guards = outer.within(&tree.iter().collect::<Vec<_>>());
    for one in tree {
        match strs(&one.words)[..] {
            ["include", path] => found.push(Include { path, how, guards }),
            _ if depth < DEEPEST => {
                let how = if is(one, "stream") { How::Bytes } else { how };
                find_includes(&one.block, how, guards, depth + 1, found);
            }
            _ => {}
        }
    }
}

/// Whether an include names a file, by its whole path.
fn names(include: &str, path: &str) -> bool {
    included::fits(&included::beside("/etc/nginx", include), path)
}

/// Whether a file is the one that an include names, as far as its last part tells.
fn fits<'a>(path: &'a str, include: &'a str) -> bool {
    let name = |path: &'a str| path.rsplit('/').next().unwrap_or_default();
    included::fits(name(include), name(path))
}

/// `listen 80;`, `listen [::]:443 ssl;`, `listen 10.0.0.1:8008;`, `listen 53 udp;`, `listen 9200-9300;`.
fn listen(words: &[String]) -> Option<Listen> {
    let address = words.get(1)?;
    let is = |word: &str| words.iter().any(|known| known == word);
    if is("udp") || address.starts_with("unix:") {
        return None;
    }
    let is_host_alone = address.contains("[::]") || !address.contains(':');
    let ports = port_range(address.rsplit(':').next()?);
    Some(Listen {
        ports: ports.or_else(|| is_host_alone.then_some(80..=80))?,
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
mod tests;
