//! What may not be known, as a type: code that uses such a value has to say what it does without it.

use std::borrow::Cow;
use std::fmt;

/// A value that a deployment tells, or the reason why it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knowable<T> {
    /// It is told.
    Known(T),
    /// It is not known, and why.
    Unknown(Reason),
}

/// Why something is not known: a part of a sentence for people, without any value of a user's file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reason(Cow<'static, str>);

impl<T> Knowable<T> {
    /// Not known, for this reason.
    pub fn unknown(reason: impl Into<Reason>) -> Self {
        Self::Unknown(reason.into())
    }

    /// The value, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The value itself, where it is known.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// Why it is not known.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(reason) => Some(reason),
        }
    }

    /// The same by reference.
    pub fn as_ref(&self) -> Knowable<&T> {
        match self {
            Self::Known(value) => Knowable::Known(value),
            Self::Unknown(reason) => Knowable::Unknown(reason.clone()),
        }
    }

    /// Something made of the value.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Knowable<U> {
        self.and_then(|value| Knowable::Known(make(value)))
    }

    /// Something made of the value that may itself not be known.
    pub fn and_then<U>(self, make: impl FnOnce(T) -> Knowable<U>) -> Knowable<U> {
        match self {
            Self::Known(value) => make(value),
            Self::Unknown(reason) => Knowable::Unknown(reason),
        }
    }
}

impl<T> FromIterator<Knowable<T>> for Knowable<Vec<T>> {
    /// All values, or the first reason why one is not known.
    fn from_iter<I: IntoIterator<Item = Knowable<T>>>(items: I) -> Self {
        let mut values = Vec::new();
        for item in items {
            match item {
                Knowable::Known(value) => values.push(value),
                Knowable::Unknown(reason) => return Self::Unknown(reason),
            }
        }
        Self::Known(values)
    }
}

impl Reason {
    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept() {
        let unknown: Knowable<u8> = Knowable::unknown("nobody says");
        let after = unknown
            .clone()
            .map(u16::from)
            .and_then(|_| Knowable::<u32>::unknown("another reason"));
        assert_eq!(after.reason().unwrap().as_str(), "nobody says");
        assert_eq!(unknown.as_ref().known(), None);
        assert_eq!(Knowable::Known(2).map(|two| two + 1), Knowable::Known(3));
    }
}
