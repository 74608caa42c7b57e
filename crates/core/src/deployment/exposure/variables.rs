//! The variables of a container that passes something on, as what it runs asks for them.

use std::cell::OnceCell;

use crate::container::Container;
use crate::knowable::{Knowable, Reason};
use crate::secret::Secret;

/// What one container is asked for, and why an answer may be another one.
pub(super) struct Variables<'a> {
    container: &'a Container,
    doubt: OnceCell<Reason>,
}

impl<'a> Variables<'a> {
    /// Those of a container.
    pub(super) fn of(container: &'a Container) -> Self {
        Self {
            container,
            doubt: OnceCell::new(),
        }
    }

    /// The text of one; none where nothing sets it. The same where that is not known, which is kept.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        match self.container.variable(name) {
            Knowable::Known(value) => value.map(Secret::expose),
            Knowable::Unknown(reason) => {
                // The first one says enough.
                self.doubt.get_or_init(|| reason);
                None
            }
        }
    }

    /// Why one that was asked for is not known.
    pub(super) fn doubt(&self) -> Option<&Reason> {
        self.doubt.get()
    }

    /// A word of a command with `$NAME`, `${NAME}` and `${NAME:-default}` replaced, where they are known.
    pub(super) fn expanded(&self, word: &str) -> String {
        expanded(word, &|name| self.text(name))
    }

    /// The same of a file. In a line that has no part in whom it passes on to, nothing has to be known.
    pub(super) fn expanded_file(&self, text: &str, may_be_one: &dyn Fn(&str) -> bool) -> String {
        let known = |name: &str| Some(self.container.known_variable(name)?.expose());
        let mut out = String::new();
        for line in text.split_inclusive('\n') {
            let first = line.split_whitespace().next().unwrap_or_default();
            let is_alone = line
                .trim_end()
                .find(';')
                .is_none_or(|at| at + 1 == line.trim_end().len());
            let has_no_part = is_alone && NO_PART.contains(&&*first.to_ascii_lowercase());
            let value = |name: &str| match (may_be_one(name), has_no_part) {
                (false, _) => None,
                (true, true) => known(name),
                (true, false) => self.text(name),
            };
            out.push_str(&expanded(line, &value));
        }
        out
    }
}

/// What lines of proxies begin with that say neither whom they pass on to, nor for whom, nor where they listen.
const NO_PART: [&str; 24] = [
    "access_log",
    "acme_ca",
    "acme_dns",
    "acme_eab",
    "add_header",
    "customlog",
    "dns",
    "email",
    "encode",
    "error_log",
    "errorlog",
    "header",
    "log",
    "resolver",
    "resolvers",
    "server_name",
    "serveradmin",
    "serveralias",
    "servername",
    "ssl_certificate",
    "ssl_certificate_key",
    "sslcertificatefile",
    "sslcertificatekeyfile",
    "tls",
];

fn expanded<'a>(text: &str, value: &dyn Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (inner, behind) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((inner, behind)) => (inner, behind),
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()))
            }
        };
        let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let known = is_name.then(|| value(name)).flatten();
        match known {
            Some(known) if !known.is_empty() => out.push_str(known),
            _ if !default.is_empty() => out.push_str(default),
            _ => {
                out.push('$');
                continue;
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}
