//! Caddy: the sites of a Caddyfile, the servers of its JSON, and `caddy reverse-proxy` (docs/clearml.md#proxies).

mod guard;
mod import;
mod json;

use std::collections::HashMap;

use self::guard::{redirects, targets};
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::condition::Holds;
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule, Target};

/// Blocks that import blocks make no site of more lines.
const MOST_LINES: usize = 20_000;

/// The words of a line.
type Line<'a> = Vec<&'a str>;
/// The addresses of a site, or the name of a snippet, and the lines in its braces.
type Block<'a> = (Vec<&'a str>, Vec<Line<'a>>);

/// What the files or the command say; none where nothing of Caddy's is among them.
pub(super) fn rules(
    words: &[String],
    files: &[&File],
    variable: &dyn Fn(&str) -> String,
) -> Option<Vec<Rule>> {
    if words.iter().any(|word| word == "reverse-proxy") {
        return Some(of_command(words));
    }
    let roots = files.iter().filter(|file| {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let is_one = name.to_ascii_lowercase().contains("caddyfile") || name.ends_with(".caddy");
        let is_main = is_one || words.contains(&file.path);
        is_main && !files.iter().any(|other| import::imports(other, file))
    });
    let texts = roots.map(|file| import::with_arguments(&import::with_files(file, files)));
    let rules = texts.flat_map(|text| {
        let text = variable(&as_shell(&text));
        json::rules(&text).unwrap_or_else(|| of_text(&text))
    });
    let rules: Vec<Rule> = rules.collect();
    // Without a site of its own it is not here.
    (!rules.is_empty()).then_some(rules)
}

/// `{$NAME}`, `{$NAME:default}` and `{env.NAME}` as a shell writes them.
fn as_shell(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let marked = rest.strip_prefix("{$").or(rest.strip_prefix("{env."));
        let Some((inner, behind)) = marked.and_then(|inner| inner.split_once('}')) else {
            out.push('{');
            rest = &rest[1..];
            continue;
        };
        match inner.split_once(':') {
            Some((name, default)) => out.extend(["${", name, ":-", default, "}"]),
            None => out.extend(["${", inner, "}"]),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// `caddy reverse-proxy --from :80 --to apiserver:8008`.
fn of_command(words: &[String]) -> Vec<Rule> {
    let option = |name: &str| -> Vec<&str> {
        let all = words.iter().enumerate();
        let found = all.filter_map(|(at, word)| match word.strip_prefix(name) {
            Some("") => words.get(at + 1).map(String::as_str),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        });
        found.collect()
    };
    let mut from = option("--from");
    if from.is_empty() {
        from.push("localhost");
    }
    let mut to = option("--to");
    to.extend(option("-t"));
    let to = to.into_iter().filter_map(Address::of);
    let to: Vec<Target> = to.map(Target::from).collect();
    from.into_iter()
        .map(|site| rule(site, &Options::default(), &to))
        .collect()
}

/// What holds for all sites.
struct Options {
    /// No site gets a certificate by itself.
    is_off: bool,
    /// Where sites without a port listen.
    http: u16,
    https: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            is_off: false,
            http: 80,
            https: 443,
        }
    }
}

impl Options {
    fn of(lines: &[Line<'_>]) -> Self {
        let mut options = Self::default();
        for words in lines {
            match words[..] {
                ["auto_https", "off", ..] => options.is_off = true,
                ["http_port", port] => options.http = port.parse().unwrap_or(options.http),
                ["https_port", port] => options.https = port.parse().unwrap_or(options.https),
                _ => {}
            }
        }
        options
    }
}

/// The sites of a file, with the blocks that they import.
fn of_text(text: &str) -> Vec<Rule> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .map(|line| {
            line.split(" #")
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .collect()
        })
        .filter(|words: &Line<'_>| words.first().is_some_and(|word| !word.starts_with('#')))
        .collect();
    let options = Options::of(&lines);
    let blocks = blocks(&lines);
    let of_all = blocks.iter().filter(|(heads, _)| heads.is_empty());
    let by_default = of_all
        .flat_map(|(_, inner)| inner)
        .find_map(|words| at(words, "default_bind"));
    // Of two blocks of a name the first one counts.
    let named = blocks.iter().rev();
    let named = named.filter_map(|block| Some((*block.0.first()?, block)));
    let named: HashMap<&str, &Block<'_>> = named.collect();
    let mut rules = Vec::new();
    for (heads, inner) in &blocks {
        // Options of all, blocks to import, and files that are not here.
        if heads.is_empty() || heads[0].starts_with('(') || heads[0] == "import" {
            continue;
        }
        let inner = with_imports(inner, &named);
        let to = targets(&inner);
        let sends_away = redirects(&inner);
        let has_tls = inner.iter().any(|words| words[0] == "tls");
        let is_loopback = bound(&inner).or(by_default).unwrap_or(false);
        rules.extend(heads.iter().map(|site| {
            let rule = rule(site, &options, &to);
            Rule {
                is_loopback,
                is_tls: has_tls || rule.is_tls,
                sends_away,
                ..rule
            }
        }));
    }
    rules
}

/// The sites, the options of all and what may be imported. Without braces all of a file is one site.
fn blocks<'a>(lines: &[Line<'a>]) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut heads = Vec::new();
    let mut depth = 0_usize;
    let mut is_bare = false;
    for words in lines {
        let opens = words.last() == Some(&"{");
        if depth == 0 && !is_bare {
            let own = words.iter().copied().filter(|word| *word != "{");
            heads.extend(own.map(|word| word.trim_end_matches(',')));
            if words.last().is_some_and(|word| word.ends_with(',')) {
                continue;
            }
            is_bare = !opens && words[0] != "import";
            blocks.push((std::mem::take(&mut heads), Vec::new()));
        } else if let Some((_, inner)) = blocks.last_mut() {
            inner.push(words.clone());
        }
        depth += usize::from(opens);
        depth -= usize::from(words.first() == Some(&"}")).min(depth);
    }
    blocks
}

/// The lines of a block, with those of the blocks that it imports in their place. A block that imports itself ends there.
fn with_imports<'a>(
    inner: &'a [Line<'a>],
    blocks: &HashMap<&str, &'a Block<'a>>,
) -> Vec<&'a Line<'a>> {
    let mut found = Vec::new();
    let mut open = vec![(None, inner.iter())];
    while let Some((_, lines)) = open.last_mut() {
        let Some(words) = lines.next() else {
            open.pop();
            continue;
        };
        let block = match words[..] {
            ["import", name, ..] => blocks.get(&*format!("({name})")),
            _ => None,
        };
        match block {
            Some((heads, lines)) => {
                let is_open = open.iter().any(|(name, _)| *name == Some(heads[0]));
                if !is_open && found.len() < MOST_LINES {
                    open.push((Some(heads[0]), lines.iter()));
                }
            }
            None => found.push(words),
        }
    }
    found
}

/// Whether a site listens at the loopback address alone, where it says at which.
fn bound(lines: &[&Line<'_>]) -> Option<bool> {
    let told: Vec<bool> = lines.iter().filter_map(|words| at(words, "bind")).collect();
    (!told.is_empty()).then(|| told.iter().all(|is_loopback| *is_loopback))
}

fn at(words: &[&str], name: &str) -> Option<bool> {
    let (first, addresses) = words.split_first()?;
    let is_own = |address: &&str| is_loopback(address) || address.starts_with("unix/");
    (*first == name).then(|| {
        addresses
            .iter()
            .take_while(|word| **word != "{")
            .all(is_own)
    })
}

/// Whom `reverse_proxy` passes on to, by HTTP where nothing else is said; a path of the request is none.
fn upstream(word: &str) -> Option<Address> {
    let is_socket = word.starts_with("unix/");
    if !is_socket && word.contains(['{', '$']) {
        return Some(Address::untold());
    }
    let address = (!word.starts_with(['/', '@', '*'])).then(|| Address::of(word))??;
    let port = address.port.or(Some(80));
    Some(Address { port, ..address })
}

/// A site: HTTPS with a certificate of its own, unless its address says HTTP or has no name.
fn rule(site: &str, options: &Options, to: &[Target]) -> Rule {
    let (scheme, rest) = match site.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, site),
    };
    let rest = rest.split('/').next().unwrap_or_default();
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (rest, None),
    };
    let is_tls = match (scheme, port) {
        (Some("http"), _) => false,
        (None, Some(port)) if port == options.http => false,
        (Some(_), _) => true,
        (None, Some(port)) if port == options.https => true,
        (None, _) => !name.is_empty() && !options.is_off,
    };
    let port = port.unwrap_or(if is_tls { options.https } else { options.http });
    Rule {
        at: Some(port..=port),
        is_loopback: false,
        how: How::Requests,
        is_tls,
        sends_away: Holds::Never,
        to: to.to_vec(),
    }
}

#[cfg(test)]
mod tests;
