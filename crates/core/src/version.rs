//! Versions of the ClearML server, as image tags and data files write them.

use std::fmt;

/// A released version: `2.3.0`, or `2.3` with the patch taken as 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

impl Version {
    /// The first with file server authentication and with today's defaults (clearml-facts.md, 7).
    pub const FILE_SERVER_AUTHENTICATION: Self = Self::new(1, 16, 0);

    /// From its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads an image tag: `2.3.0`, `v2.3`, `1.16.2-478`. Nothing for `latest` and for what is no version.
    pub fn parse(tag: &str) -> Option<Self> {
        let tag = tag.strip_prefix('v').unwrap_or(tag);
        let core = tag.split(['-', '+', '_']).next()?;
        let mut numbers = core.split('.').map(|part| part.parse::<u16>().ok());
        let version = Self::new(
            numbers.next()??,
            numbers.next()??,
            numbers.next().unwrap_or(Some(0))?,
        );
        numbers.next().is_none().then_some(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions_or_nothing() {
        assert_eq!(Version::parse("v2.3"), Some(Version::new(2, 3, 0)));
        assert_eq!(Version::parse("1.16.2-478"), Some(Version::new(1, 16, 2)));
        for tag in ["latest", "2", "2.x", "", "1.2.3.4", "2.3.0rc1"] {
            assert_eq!(Version::parse(tag), None, "{tag}");
        }
    }
}
