//! Whom a site of Caddy's asks for something, and whom it passes on to behind that.

use std::collections::HashMap;

use super::{Line, upstream};
use crate::deployment::exposure::address::Address;
use crate::deployment::exposure::condition::Holds;
use crate::deployment::exposure::hop::Target;

/// A directive and what is in its braces.
struct Directive<'a> {
    /// Its name first, which is empty where braces follow nothing.
    words: &'a [&'a str],
    block: Vec<Directive<'a>>,
}

/// Which matchers fit only those who come from some addresses, and which all others.
type Matchers<'a> = HashMap<&'a str, Fits>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Few,
    AllOthers,
}

/// Blocks in one another are no more than this.
const DEEPEST: usize = 16;

/// Whom the lines of a site pass on to.
pub(super) fn targets(lines: &[&Line<'_>]) -> Vec<Target> {
    let mut lines = lines.iter().map(|line| &line[..]);
    let tree = parse(&mut lines, 0);
    let mut matchers = Matchers::new();
    find_matchers(&tree, &mut matchers);
    let mut found = Vec::new();
    let is_guarded = asks_for_certificate(&tree);
    walk(&tree, is_guarded, false, &matchers, &mut found);
    found
}

/// Which requests a site sends to where TLS is spoken: Caddy redirects before it passes on, in whatever order both are written.
pub(super) fn redirects(lines: &[&Line<'_>]) -> Holds {
    let mut depth = 0_usize;
    let mut found = Holds::Never;
    for words in lines {
        let is_own = depth == 0;
        depth += usize::from(words.last() == Some(&"{"));
        depth -= usize::from(words.first() == Some(&"}")).min(depth);
        let to = match words[..] {
            ["redir", "*", to, ..] | ["redir", to, ..] if is_own => to,
            _ => continue,
        };
        found = found.or(Holds::of(to.starts_with("https://")));
    }
    found
}

fn parse<'a>(lines: &mut impl Iterator<Item = &'a [&'a str]>, depth: usize) -> Vec<Directive<'a>> {
    let mut tree = Vec::new();
    while let Some(words) = lines.next() {
        match words {
            ["}", ..] if depth > 0 => break,
            [words @ .., "{"] => {
                let block = match depth < DEEPEST {
                    true => parse(&mut *lines, depth + 1),
                    false => Vec::new(),
                };
                let words = if words.is_empty() { &[""] } else { words };
                tree.push(Directive { words, block });
            }
            _ => tree.push(Directive {
                words,
                block: Vec::new(),
            }),
        }
    }
    tree
}

fn find_matchers<'a>(tree: &[Directive<'a>], matchers: &mut Matchers<'a>) {
    for one in tree {
        find_matchers(&one.block, matchers);
        let Some((name, rest)) = one
            .words
            .split_first()
            .filter(|(name, _)| name.starts_with('@'))
        else {
            continue;
        };
        let mut conditions: Vec<&[&str]> = one.block.iter().map(|one| one.words).collect();
        conditions.extend((!rest.is_empty()).then_some(rest));
        let is_of_few = |words: &&[&str]| matches!(words, ["remote_ip" | "client_ip", addresses @ ..] if !addresses.iter().any(|one| one.ends_with("/0")));
        // All conditions of a matcher have to hold.
        let fits = match &conditions[..] {
            [["not", rest @ ..]] if is_of_few(&rest) => Fits::AllOthers,
            all if all.iter().any(is_of_few) => Fits::Few,
            _ => continue,
        };
        matchers.insert(name, fits);
    }
}

fn asks_for_certificate(tree: &[Directive<'_>]) -> bool {
    let mut all = tree.iter();
    all.any(|one| {
        one.words == ["mode", "require_and_verify"]
            || ["tls", "client_auth"].contains(&one.words[0]) && asks_for_certificate(&one.block)
    })
}

/// The matcher of a directive; none where it is for all.
fn matcher<'a>(words: &[&'a str]) -> Option<&'a str> {
    let second = words.get(1).copied();
    second.filter(|word| word.starts_with(['@', '/']))
}

fn walk(
    tree: &[Directive<'_>],
    outer: bool,
    is_in_order: bool,
    matchers: &Matchers<'_>,
    found: &mut Vec<Target>,
) {
    let fits = |one: &Directive<'_>| matchers.get(matcher(one.words)?).copied();
    let asks = |one: &Directive<'_>| {
        let names = ["basic_auth", "basicauth", "forward_auth"];
        let is_of_all = matcher(one.words).is_none() || fits(one) == Some(Fits::AllOthers);
        names.contains(&one.words[0]) && is_of_all
    };
    // Caddy asks for passwords first of all, and turns away after `handle` and before `reverse_proxy`.
    let turns_away = |one: &Directive<'_>| {
        ["abort", "error", "respond"].contains(&one.words[0]) && fits(one) == Some(Fits::AllOthers)
    };
    for (at, one) in tree.iter().enumerate() {
        let before = if is_in_order { &tree[..at] } else { tree };
        let is_asked = outer || before.iter().any(asks);
        let is_left = is_asked || before.iter().any(turns_away);
        let is_for_few = fits(one) == Some(Fits::Few);
        match one.words[0] {
            "reverse_proxy" => {
                let inner = |name: &'static str| {
                    one.block.iter().filter(move |inner| inner.words[0] == name)
                };
                let words = inner("to").flat_map(|inner| &inner.words[1..]);
                let words = one.words[1..].iter().chain(words);
                let to = words.filter_map(|word| upstream(word));
                // It asks a name server.
                let untold = inner("dynamic").map(|_| Address::untold());
                found.extend(to.chain(untold).map(|address| Target {
                    address,
                    is_guarded: is_left || is_for_few,
                }));
                walk(&one.block, is_left || is_for_few, false, matchers, found);
            }
            name => {
                let is_guarded = match is_in_order {
                    true => is_left,
                    false => is_asked,
                };
                walk(
                    &one.block,
                    is_guarded || is_for_few,
                    name == "route",
                    matchers,
                    found,
                );
            }
        }
    }
}
