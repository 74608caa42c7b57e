//! Which format a text is in, by its content.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::{Fault, Format};
use crate::encrypted::Encrypted;
use crate::yaml::{Node, parse_documents};

/// What the entries of a `secure.conf` start with that a keyset is about.
const HOCON_NAMES: [&str; 4] = ["auth", "credentials", "http", "secure"];
/// The entries of the model that JSON, TOML and YAML share.
const MODEL_NAMES: [&str; 3] = ["version", "settings", "users"];
/// What ClearML's Helm chart calls its own parts.
const CHART_NAMES: [&str; 4] = ["apiserver", "clearml", "fileserver", "webserver"];
/// One of these is in every compose file. No keyset has either.
const COMPOSE_NAMES: [&str; 2] = ["services", "include"];
/// The entries that every object of Kubernetes has.
const OBJECT_NAMES: [&str; 2] = ["apiVersion", "kind"];

/// The format of the first line that tells.
pub(super) fn format(text: &str) -> Result<Format, Fault> {
    let body = text.trim_start_matches('\u{feff}');
    let none = || {
        let offset = text.len() - body.trim_start().len();
        if let Some(by) = Encrypted::of_text(body) {
            return Fault::new(offset.min(text.len()), by.message()).help(by.help());
        }
        let (what, first) = match body.trim().is_empty() {
            true => ("it is empty", ""),
            false => (
                "it is not env, json, yaml, toml, hocon or a Secret of Kubernetes",
                "name the file that clearml-keygen wrote, or ",
            ),
        };
        Fault::new(offset.min(text.len()), format!("not a keyset: {what}"))
            .help(format!("{first}make one:\n  clearml-keygen -o keys.env"))
    };
    if text.contains('\0') {
        return Err(none());
    }
    match deployment(text) {
        Some((Deployment::Compose, offset)) => {
            return Err(Fault::new(offset, "this is a compose file, not a keyset")
                .help("name the file that clearml-keygen wrote"));
        }
        Some((Deployment::Chart, offset)) => {
            return Err(Fault::new(offset, "these are values of ClearML's Helm chart, not a keyset")
                .help("name the file that clearml-keygen wrote, or what `kubectl get secret NAME -o yaml` prints"));
        }
        None => {}
    }
    let first = body
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with(['#', '/']));
    match first.and_then(|line| line.strip_prefix('{')) {
        Some(_) => Ok(of_braces(body)),
        None => body.lines().find_map(of_line).ok_or_else(none),
    }
}

/// Whether it is something that keys are put into.
pub(super) fn is_deployment(text: &str) -> bool {
    deployment(text).is_some()
}

/// What keys are put into.
#[derive(Clone, Copy)]
enum Deployment {
    Chart,
    Compose,
}

/// What of these a text is, and where it says so: by the keys at its top, in whatever way these are written.
fn deployment(text: &str) -> Option<(Deployment, usize)> {
    let names = || COMPOSE_NAMES.iter().chain(&CHART_NAMES);
    if !names().any(|name| text.contains(name)) {
        return None;
    }
    if let Some(start) = first_line(text, |line| line.trim_end() == "services:") {
        return Some((Deployment::Compose, start));
    }
    // What JSON has at its top is known without a tree, but not where.
    if let Ok(object) = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text) {
        of_keys(|name| object.contains_key(name).then_some(0))?;
    }
    match parse_documents(Path::new(""), text) {
        Ok(documents) => documents.iter().find_map(of_document),
        // With a mistake in it, it is no less what it is.
        Err(_) => of_lines(text),
    }
}

fn of_document(root: &Arc<Node>) -> Option<(Deployment, usize)> {
    of_keys(|name| Some(root.get(name)?.key.range().start))
}

/// The same of the keys at the top of a document, of each of which it is known where it is.
fn of_keys(at: impl Fn(&str) -> Option<usize>) -> Option<(Deployment, usize)> {
    if let Some(start) = COMPOSE_NAMES.iter().find_map(|name| at(name)) {
        return Some((Deployment::Compose, start));
    }
    // A `secure.conf` may be among the values, deeper in.
    let is_told = [&HOCON_NAMES[..], &MODEL_NAMES, &OBJECT_NAMES].concat();
    let is_told = is_told.iter().any(|name| at(name).is_some());
    let first = first_of_two(CHART_NAMES.map(&at)).filter(|_| !is_told)?;
    Some((Deployment::Chart, first))
}

/// The same of a text that is no YAML. The accounts of a `secure.conf` have the names of the chart's parts, below a line that tells
/// what it is.
fn of_lines(text: &str) -> Option<(Deployment, usize)> {
    let is_key = |line: &str, name: &str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    let starts = CHART_NAMES.map(|name| first_line(text, |line| is_key(line, name)));
    let first = first_of_two(starts)?;
    let is_told = text[..first].lines().any(|line| of_line(line).is_some());
    (!is_told).then_some((Deployment::Chart, first))
}

/// The first of two or more: the chart's names are anybody's.
fn first_of_two<const N: usize>(starts: [Option<usize>; N]) -> Option<usize> {
    let there = starts.into_iter().flatten();
    there.clone().min().filter(|_| there.count() > 1)
}

/// Where the first line of a kind begins.
fn first_line(text: &str, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    let mut offset = 0;
    text.split_inclusive('\n').find_map(|line| {
        let at = offset;
        offset += line.len();
        is_it(line).then_some(at)
    })
}

/// What a text in braces is, by the first key that tells.
fn of_braces(body: &str) -> Format {
    let lines = body.lines().map(str::trim_start);
    let mut keys = lines.filter_map(|line| {
        let line = line.trim_start_matches(['{', ' ', '\t']);
        let name = line.trim_start_matches('"');
        let word = word(name);
        if HOCON_NAMES.contains(&word) {
            Some(Format::Hocon)
        } else if OBJECT_NAMES.contains(&word) {
            Some(Format::Kubernetes)
        } else if !MODEL_NAMES.contains(&word) {
            None
        } else if name.len() == line.len() {
            Some(Format::Yaml)
        } else {
            Some(Format::Json)
        }
    });
    // JSON's message says best what is wrong.
    keys.next().unwrap_or(Format::Json)
}

fn of_line(line: &str) -> Option<Format> {
    let is_indented = line.starts_with([' ', '\t']);
    let line = line.trim();
    if line.starts_with(['#', '/']) {
        return None;
    }
    if line.starts_with('[') {
        let name = line.trim_start_matches(['[', ' ', '\t']);
        return MODEL_NAMES
            .contains(&word(name))
            .then_some(Format::Toml)
            // A list is no keyset, yet JSON's message says best what is wrong.
            .or_else(|| {
                (!name.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(Format::Json)
            });
    }
    let line = line.strip_prefix("export").map_or(line, |rest| {
        if rest.starts_with([' ', '\t']) {
            rest.trim_start()
        } else {
            line
        }
    });
    let name = line.trim_start_matches(['"', '\'']);
    let word = word(name);
    let after = name[word.len()..].trim_start_matches(['"', '\'', ' ', '\t']);
    // `NAME: value` deeper in is an `environment` of a compose file, which is no keyset.
    if is_variable(word) && (after.starts_with('=') || after.starts_with(':') && !is_indented) {
        return Some(Format::Env);
    }
    if OBJECT_NAMES.contains(&word) && after.starts_with(':') && !is_indented {
        return Some(Format::Kubernetes);
    }
    if MODEL_NAMES.contains(&word) {
        return match after.chars().next()? {
            ':' => Some(Format::Yaml),
            '=' | '.' => Some(Format::Toml),
            _ => None,
        };
    }
    let is_hocon = HOCON_NAMES.contains(&word) && after.starts_with(['.', ':', '=', '{', '+']);
    // HOCON's reader says what either of these means for the keys. `include:` is a compose file's.
    let is_include = word == "include" && !after.is_empty() && !after.starts_with([':', '=']);
    let is_dash = name
        .strip_prefix('-')
        .is_some_and(|name| HOCON_NAMES.contains(&self::word(name)));
    if is_include || is_dash {
        return Some(Format::Hocon);
    }
    // A brace may stand on the next line.
    (is_hocon || (HOCON_NAMES.contains(&word) && after.is_empty())).then_some(Format::Hocon)
}

/// ClearML's names, in any spelling that somebody might have meant one by.
fn is_variable(word: &str) -> bool {
    ["CLEARML_", "TRAINS_"].iter().any(|prefix| {
        word.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    })
}

/// The letters, digits and underscores at the start.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}
