//! Whom httpd lets in where: `Require` in its sections, and the certificates that it asks for.

use super::Holds;
use crate::container_path::is_below;

/// What a section is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `<Location PATH>`.
    Path(String),
    /// An expression, and whether it fits every path.
    Expression(bool),
    /// `<Proxy *>`.
    Proxy,
    If(Holds),
    All,
    Any,
    None,
    /// It changes nothing of what is in it: `<IfModule>`.
    Nothing,
    Other,
}

/// One section, with whether its `Require` lets everybody in: in a section by itself one of them is enough.
#[derive(Debug)]
struct Section {
    kind: Kind,
    is_open: Option<bool>,
    /// What the directives of mod_access_compat say.
    old: Old,
    has_certificate: bool,
}

/// `Order`, and whether `Allow from` and `Deny from` are of all.
#[derive(Debug, Default)]
struct Old {
    is_deny_last: bool,
    allows_all: bool,
    denies_all: bool,
    is_enough: bool,
}

impl Old {
    /// Whether it turns strangers away, so that no `Require` is asked.
    fn is_closed(&self) -> bool {
        let is_let_in = match self.is_deny_last {
            true => self.allows_all && !self.denies_all,
            false => self.allows_all || !self.denies_all,
        };
        !is_let_in && !self.is_enough
    }
}

/// The sections of a host.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// Those that are over.
    sections: Vec<Section>,
    /// Those around the current line.
    around: Vec<Section>,
    has_certificate: bool,
}

impl Access {
    pub(super) fn open(&mut self, kind: Kind) {
        self.around.push(Section {
            kind,
            is_open: None,
            old: Old::default(),
            has_certificate: false,
        });
    }

    pub(super) fn close(&mut self) {
        let Some(mut section) = self.around.pop() else {
            return;
        };
        if section.old.is_closed() {
            section.is_open = Some(false);
        }
        match section.kind {
            Kind::All | Kind::Any | Kind::Nothing => {
                if let Some(is_open) = section.is_open {
                    self.add(is_open);
                }
            }
            // It only turns away.
            Kind::None => self.add(true),
            _ => self.sections.push(section),
        }
    }

    /// Adds what one `Require` lets in.
    fn add(&mut self, is_open: bool) {
        if let Some(section) = self.around.last_mut() {
            section.is_open = Some(match (section.is_open, &section.kind) {
                (None, _) => is_open,
                (Some(before), Kind::All) => before && is_open,
                (Some(before), _) => before || is_open,
            });
        }
    }

    /// Adds `Require`: what is not known lets everybody in.
    pub(super) fn require(&mut self, words: &[&str]) {
        let is_guard = match words {
            ["all", what, ..] => *what == "denied",
            ["ip", addresses @ ..] => !addresses.iter().any(|one| one.ends_with("/0")),
            [what, ..] => {
                let names = ["valid-user", "user", "group", "host", "local", "claim"];
                names.contains(what) || what.starts_with("ldap-")
            }
            [] => false,
        };
        self.add(!is_guard);
    }

    /// Adds `Order`, `Allow`, `Deny` or `Satisfy`.
    pub(super) fn old(&mut self, words: &[&str]) {
        let Some(section) = self.around.last_mut() else {
            return;
        };
        let words: Vec<String> = words.iter().map(|one| one.to_ascii_lowercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            ["order", order, ..] => section.old.is_deny_last = order == "allow,deny",
            ["allow", "from", ref whom @ ..] => {
                let is_all =
                    |one: &&str| *one == "all" || one.ends_with("/0") || one.starts_with("env=");
                section.old.allows_all |= whom.iter().any(is_all);
            }
            ["deny", "from", ref whom @ ..] => section.old.denies_all |= whom.contains(&"all"),
            ["satisfy", what, ..] => section.old.is_enough = what == "any",
            _ => {}
        }
    }

    pub(super) fn certificate(&mut self, is_asked: bool) {
        match self.around.last_mut() {
            Some(section) => section.has_certificate = is_asked,
            None => self.has_certificate = is_asked,
        }
    }

    /// Whether the current line is of all requests.
    pub(super) fn is_of_all(&self) -> bool {
        self.around.iter().all(|one| one.kind == Kind::Nothing)
    }

    /// Of which requests a line is that counts only in a section.
    pub(super) fn of_section(&self) -> Holds {
        let mut own = self.around.iter().filter(|one| one.kind != Kind::Nothing);
        match (own.next().map(|one| &one.kind), own.next()) {
            (Some(Kind::Path(path)), None) => Holds::of(is_below("/", path)),
            (Some(Kind::Expression(fits_all)), None) => Holds::of(*fits_all),
            (Some(Kind::If(holds)), None) => *holds,
            _ => Holds::Never,
        }
    }

    /// The path of the section around the current line.
    pub(super) fn path(&self) -> &str {
        let mut paths = self.around.iter().rev().filter_map(|one| match &one.kind {
            Kind::Path(path) => Some(path.as_str()),
            _ => None,
        });
        paths.next().unwrap_or_default()
    }

    /// Whether something is asked of all who come to a path. A later `<Location>` wins, and each over `<Proxy>`; those outside
    /// of all hosts come first.
    pub(super) fn covers(&self, outer: &Self, path: &str, has_tls: bool) -> bool {
        let sections = || outer.sections.iter().chain(&self.sections);
        let covers = |one: &&Section| match &one.kind {
            Kind::Path(own) => is_below(path, own),
            Kind::Expression(fits_all) => *fits_all,
            kind => *kind == Kind::Proxy,
        };
        // Of a part of the path.
        let opens = |one: &Section| match &one.kind {
            Kind::Path(own) => one.is_open == Some(true) && is_below(own, path),
            Kind::Expression(_) | Kind::If(_) => one.is_open == Some(true),
            _ => false,
        };
        let all = || sections().filter(covers);
        let is_proxy = |one: &&Section| one.kind == Kind::Proxy;
        let said = |one: &Section| one.is_open;
        let last = all()
            .filter(|one| !is_proxy(one))
            .filter_map(said)
            .next_back();
        let last = last.or_else(|| all().filter(is_proxy).filter_map(said).next_back());
        let asks = last == Some(false) && !sections().any(opens);
        let has_certificate = self.has_certificate || all().any(|one| one.has_certificate);
        asks || has_tls && has_certificate
    }
}
