//! Whether a condition of a proxy holds for the requests that come to it in clear text, from no other proxy.

/// For which of them: the later one decides where all of several have to hold, and the earlier one where any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    /// For all, but for those with which certificates are got.
    Always,
    /// For those that use one of some names of the host. Whether others come is not in the files.
    ByName,
    /// For some, or nobody knows for which.
    Sometimes,
    /// For none.
    #[default]
    Never,
}

impl Holds {
    pub(super) fn of(is_so: bool) -> Self {
        match is_so {
            true => Self::Always,
            false => Self::Never,
        }
    }

    pub(super) fn negated_if(self, is_negated: bool) -> Self {
        match self {
            Self::Always if is_negated => Self::Never,
            Self::Never if is_negated => Self::Always,
            same => same,
        }
    }

    /// Where both have to.
    pub(super) fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Where one has to.
    pub(super) fn or(self, other: Self) -> Self {
        self.min(other)
    }

    /// Where a value has to be found by a regular expression.
    pub(super) fn found(value: &str, expression: &str) -> Self {
        if fits_all(expression) {
            return Self::Always;
        }
        let inner = expression.strip_prefix('^').unwrap_or(expression);
        let is_start = inner.len() < expression.len();
        let text = inner.strip_suffix('$').unwrap_or(inner);
        let is_end = text.len() < inner.len();
        let text = text.strip_prefix('(').unwrap_or(text);
        let text = text.strip_suffix(')').unwrap_or(text);
        let fits = |text: &str| match (is_start, is_end) {
            (true, true) => value == text,
            (true, false) => value.starts_with(text),
            (false, true) => value.ends_with(text),
            (false, false) => value.contains(text),
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '|';
        match text.chars().all(is_plain) {
            true => Self::of(text.split('|').any(fits)),
            false => Self::Sometimes,
        }
    }
}

/// Whether an expression of a redirect fits every path.
pub(super) fn fits_all(expression: &str) -> bool {
    let rest = expression.trim_start_matches('^');
    let rest = rest.trim_start_matches('/').trim_start_matches('?');
    ["", ".*", ".*$", "(.*)", "(.*)$", "(/.*)", "(/.*)$"].contains(&rest)
}
