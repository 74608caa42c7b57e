//! Which of the files in its folders a proxy reads: its main file, and what one of these includes. What else is there are copies
//! of before (`default.conf.bak`) and sites that nobody has enabled, and what is included may be anywhere and have any name.

use super::Software;
use crate::container::Container;
use crate::container_path::{cleaned, is_below};
use crate::deployment::exposure::files::{File, Files};

/// Files of distributions and of certbot that many include, and that name no server.
const PASSES_NOTHING_ON: [&str; 7] = [
    "fastcgi_params",
    "mime.types",
    "options-ssl-apache.conf",
    "options-ssl-nginx.conf",
    "proxy_params",
    "scgi_params",
    "uwsgi_params",
];

/// Nobody includes more by one file.
pub(super) const MOST: usize = 1000;

/// The files, in their order. Where it is not known what is included, all that are here.
pub(super) fn read<'a>(
    container: &Container,
    software: Software,
    files: &'a Files,
) -> Vec<&'a File> {
    let folders = software.folders();
    let is_named = |file: &File| match software {
        // It reads all that is in a folder.
        Software::Haproxy => { container.option("-f") }.any(|path| is_below(&file.path, path)),
        _ => container.words.contains(&file.path),
    };
    let is_below_one = |file: &File| folders.iter().any(|folder| is_below(&file.path, folder));
    let own = files.texts.iter();
    let own: Vec<&File> = own
        .filter(|file| is_below_one(file) || is_named(file))
        .collect();
    let mut read = match files.is_hidden(folders) {
        true => own.clone(),
        false => roots(container, software, &own),
    };
    let mut at = 0;
    while let Some(file) = read.get(at) {
        at += 1;
        let patterns = includes(software, file);
        if patterns.len() > MOST || patterns.iter().any(|one| is_unseen(one, files)) {
            let others = own.iter().filter(|one| !is_among(one, &read));
            let others: Vec<&File> = others.copied().collect();
            read.extend(others);
        }
        for pattern in patterns.into_iter().take(MOST) {
            for one in &files.texts {
                if fits(&pattern, &one.path) && !is_among(one, &read) {
                    read.push(one);
                }
            }
        }
    }
    let texts = files.texts.iter();
    texts.filter(|one| is_among(one, &read)).collect()
}

/// Whether something that a pattern may name cannot be looked into.
fn is_unseen(pattern: &str, files: &Files) -> bool {
    pattern.contains(['$', '{']) || files.is_hidden(&[literal(pattern)])
}

/// Whether one of the files that a proxy reads includes others that cannot be looked into, wherever they are.
pub(super) fn is_hidden(container: &Container, software: Software, files: &Files) -> bool {
    let read = read(container, software, files).into_iter();
    let mut patterns = read.flat_map(|file| includes(software, file));
    patterns.any(|pattern| is_unseen(&pattern, files))
}

/// Whether one of the files that a proxy reads includes others from a folder.
pub(super) fn is_included(
    container: &Container,
    software: Software,
    files: &Files,
    folder: &str,
) -> bool {
    let read = read(container, software, files).into_iter();
    let mut patterns = read.flat_map(|file| includes(software, file));
    patterns.any(|pattern| meets(&pattern, folder))
}

/// Whether the main file of a proxy is among those that are here.
pub(super) fn has_main(container: &Container, software: Software, files: &Files) -> bool {
    let told = main(container, software);
    files.texts.iter().any(|file| told.contains(&&*file.path))
}

fn is_among(file: &File, others: &[&File]) -> bool {
    others.iter().any(|other| std::ptr::eq(*other, file))
}

/// Where the main file of a proxy is.
fn main(container: &Container, software: Software) -> Vec<&str> {
    let (options, mains): (&[&str], &[&str]) = match software {
        Software::Caddy => (&["--config", "-c"], &["/etc/caddy/Caddyfile", "/Caddyfile"]),
        Software::Haproxy => (
            &["-f"],
            &[
                "/usr/local/etc/haproxy/haproxy.cfg",
                "/etc/haproxy/haproxy.cfg",
            ],
        ),
        Software::Httpd => (
            &["-f"],
            &[
                "/usr/local/apache2/conf/httpd.conf",
                "/etc/apache2/apache2.conf",
                "/etc/httpd/conf/httpd.conf",
            ],
        ),
        Software::Nginx => (
            &["-c"],
            &[
                "/etc/nginx/nginx.conf",
                "/usr/local/openresty/nginx/conf/nginx.conf",
            ],
        ),
        Software::Traefik | Software::Other => (&[], &[]),
    };
    let told = options.iter().flat_map(|name| container.option(name));
    let told: Vec<&str> = told.collect();
    match told.is_empty() {
        true => mains.to_vec(),
        false => told,
    }
}

/// What a proxy reads by itself. Without its main file that is known only of the folder `conf.d` of nginx' image.
fn roots<'a>(container: &Container, software: Software, own: &[&'a File]) -> Vec<&'a File> {
    let mains = main(container, software);
    let is_main = |file: &File| mains.contains(&file.path.as_str());
    // The image's start fills in these, and puts what becomes of them into `conf.d`.
    let is_template = |file: &File| software == Software::Nginx && file.path.contains("template");
    let is_left_out = |file: &File| {
        let name = file.path.strip_prefix("/etc/nginx/conf.d/");
        name.is_some_and(|name| !name.ends_with(".conf"))
    };
    let has_main = own.iter().any(|file| is_main(file));
    let is_root = |file: &File| match has_main {
        true => is_main(file) || is_template(file),
        false => !is_left_out(file) || is_template(file),
    };
    let roots = own.iter().copied().filter(|file| is_root(file));
    roots.collect()
}

/// The paths that a file includes, with wildcards in them.
fn includes(software: Software, file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for line in file.text.lines() {
        let spaced = line.replace(['{', '}', ';'], " ");
        // Names in braces are variables, of which nobody knows what they name.
        let words: Vec<&str> = match line.contains("${") || line.contains("{$") {
            true => line.split_whitespace().collect(),
            false => spaced.split_whitespace().collect(),
        };
        for pair in words.windows(2) {
            let is_one = match software {
                Software::Nginx => pair[0] == "include",
                Software::Caddy => pair[0] == "import",
                Software::Httpd => {
                    let first = pair[0].to_ascii_lowercase();
                    first == "include" || first == "includeoptional"
                }
                Software::Haproxy | Software::Traefik | Software::Other => false,
            };
            let name = pair[1].trim_matches(['"', '\'', ';']).rsplit('/').next();
            let is_plain = name.is_some_and(|name| PASSES_NOTHING_ON.contains(&name));
            if is_one && words[0] != "#" && !is_plain {
                let path = pair[1].trim_matches(['"', '\'', ';']);
                let bases = bases(software, &file.path);
                found.extend(bases.map(|base| beside(base, path)));
            }
        }
    }
    found
}

/// The folders that a relative path may begin at: that of the file, and for most also that of the main file, which is above it.
fn bases(software: Software, path: &str) -> impl Iterator<Item = &str> {
    let most = if software == Software::Caddy { 1 } else { 3 };
    let is_own = |base: &&str| base.matches('/').count() > 1;
    let first = folder(path);
    let above = std::iter::successors(first.and_then(folder), |path| folder(path));
    first.into_iter().chain(above.filter(is_own)).take(most)
}

pub(super) fn folder(path: &str) -> Option<&str> {
    Some(path.rsplit_once('/')?.0)
}

/// A path as it is from a folder.
pub(super) fn beside(folder: &str, path: &str) -> String {
    match path.starts_with('/') {
        true => cleaned(path),
        false => cleaned(&format!("{folder}/{path}")),
    }
}

/// Whether a pattern names a path, something below it, or a folder that it is in.
fn meets(pattern: &str, path: &str) -> bool {
    let path = path.split('/');
    let mut pairs = pattern.trim_end_matches('/').split('/').zip(path);
    pairs.all(|(one, part)| fits_part(one, part))
}

/// The folders of a pattern before its first wildcard.
fn literal(pattern: &str) -> &str {
    match pattern.find(['*', '?', '[']) {
        Some(at) => folder(&pattern[..at]).unwrap_or_default(),
        None => pattern,
    }
}

/// Whether a pattern names a file, or a folder that it is in.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let mut path = path.split('/');
    let mut pattern = pattern.trim_end_matches('/').split('/');
    pattern.all(|one| path.next().is_some_and(|part| fits_part(one, part)))
}

/// `*` is any number of characters, `?` and a list in brackets are one.
fn fits_part(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut text) = begins(first, text) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return text.is_empty();
    };
    for piece in pieces {
        match behind(piece, text).next() {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    behind(last, text).any(str::is_empty)
}

/// What follows behind each place of a text where a piece of a pattern is.
fn behind<'a>(piece: &str, text: &'a str) -> impl Iterator<Item = &'a str> {
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.filter_map(move |at| begins(piece, &text[at..]))
}

/// What follows in a text behind what a pattern without `*` names.
fn begins<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
    let mut text = text.chars();
    let mut pattern = pattern.chars();
    while let Some(c) = pattern.next() {
        let now = text.next()?;
        let is_any = match c {
            '[' => pattern.by_ref().any(|inner| inner == ']'),
            c => c == '?',
        };
        if !is_any && c != now {
            return None;
        }
    }
    Some(text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files() {
        for (pattern, path, expected) in [
            ("/etc/nginx/conf.d/*.conf", "/etc/nginx/conf.d/a.conf", true),
            (
                "/etc/nginx/conf.d/*.conf",
                "/etc/nginx/conf.d/a.conf.bak",
                false,
            ),
            ("/etc/nginx/*.conf", "/etc/nginx/conf.d/a.conf", false),
            ("/etc/nginx/*/*", "/etc/nginx/conf.d/a.conf", true),
            ("/a/[ab]?.inc", "/a/b1.inc", true),
            ("/a/[ab]?.inc", "/a/b.inc", false),
            ("/a/*x*y", "/a/1x2x3y", true),
            ("/a/*x*y", "/a/1x2x3", false),
            ("/vhosts", "/vhosts/deep/a.conf", true),
            ("/vhosts", "/vhosts2", false),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
        let many = format!("/{}y", "*x".repeat(1000));
        assert!(!fits(&many, &format!("/{}", "x".repeat(5000))));
    }
}
