//! Files and servers, however they are written.

use std::collections::HashMap;
use std::path::Path;

use clearml_secure_core::shown::text_of;

use crate::address::normalized;
use crate::target::is_url;

/// One name for all spellings, of those that were met.
#[derive(Default)]
pub(super) struct Spellings(HashMap<String, String>);

impl Spellings {
    /// The same for every spelling of a file or an address.
    pub(super) fn one(&mut self, name: &str) -> String {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let one = match Path::new(name).canonicalize() {
            _ if is_url(name) => normalized(name),
            Ok(real) => text_of(&real).into_owned(),
            Err(_) => name.trim_start_matches("./").to_owned(),
        };
        self.0.insert(name.to_owned(), one.clone());
        one
    }

    /// The same of what a report says that it looked at.
    pub(super) fn subject(&mut self, told: &str) -> String {
        self.one(without_parts(told))
    }
}

/// What was looked at, without the servers that were found there.
fn without_parts(told: &str) -> &str {
    let start = match is_url(told) {
        true => told.find(" ("),
        false => told.rfind(" (").filter(|_| told.ends_with(')')),
    };
    start.map_or(told, |start| &told[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_what_was_looked_at() {
        let mut spellings = Spellings::default();
        for (told, one) in [
            ("./nowhere.yml (apiserver, fileserver)", "nowhere.yml"),
            ("copy (1).yml (apiserver)", "copy (1).yml"),
            ("HTTP://x", "http://x"),
            (
                "http://X:80/ (apiserver 2.3.0 at http://X:8008)",
                "http://x",
            ),
            ("clients", "clients"),
        ] {
            assert_eq!(spellings.subject(told), one);
        }
    }
}
