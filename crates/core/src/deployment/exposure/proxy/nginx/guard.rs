//! What nginx asks of those who come to a block: each of its directives holds where no block within has one of its own.

use super::{Directive, strs};

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Guards {
    password: bool,
    request: bool,
    certificate: bool,
    addresses: Addresses,
    /// One of them is enough.
    is_any: bool,
}

/// Which addresses may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Addresses {
    /// Nothing is said of all the others.
    #[default]
    Unsaid,
    /// All the others, too.
    All,
    /// No others.
    Some,
}

impl Guards {
    /// Those of a block within.
    pub(super) fn within(mut self, block: &[&Directive]) -> Self {
        let mut addresses = None;
        for one in block {
            match strs(&one.words)[..] {
                // A variable may be `off`.
                ["auth_basic", what, ..] => self.password = what != "off" && !what.contains('$'),
                ["auth_request", uri, ..] => self.request = uri != "off",
                ["ssl_verify_client", what] => self.certificate = what == "on",
                ["satisfy", what] => self.is_any = what == "any",
                // The first one that fits counts.
                ["deny", "all"] => addresses = addresses.or(Some(Addresses::Some)),
                ["allow", "all" | "0.0.0.0/0" | "::/0"] => {
                    addresses = addresses.or(Some(Addresses::All));
                }
                _ => {}
            }
        }
        let is_own = |one: &&Directive| matches!(strs(&one.words)[..], ["allow" | "deny", ..]);
        if block.iter().any(is_own) {
            self.addresses = addresses.unwrap_or_default();
        }
        self
    }

    /// Whether something is asked of all. Who speaks no TLS shows no certificate, and is not asked for one.
    pub(super) fn cover_all(self, is_tls: bool) -> bool {
        let asks = self.password || self.request || self.addresses == Addresses::Some;
        let lets_all_in = self.is_any && self.addresses == Addresses::All;
        self.certificate && is_tls || asks && !lets_all_in
    }
}
