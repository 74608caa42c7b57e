//! Versions of the ClearML server, as image tags and data files write them.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::knowable::Knowable;

/// A released version or a candidate for one: `2.3.0`, `2.3` with the patch taken as 0, `1.14.0rc1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
    /// The number of a release candidate, which comes before the release itself.
    pub candidate: Option<u16>,
}

/// What an image's name tells of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Release {
    /// `latest`, or no tag at all: the newest one.
    Newest,
    /// The one that the tag names.
    Numbered(Version),
}

impl Version {
    /// The first with file server authentication and with today's defaults (docs/clearml.md#what-changed-when).
    pub const FILE_SERVER_AUTHENTICATION: Self = Self::new(1, 16, 0);

    /// From its numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
            candidate: None,
        }
    }

    /// Reads an image tag: `2.3.0`, `v2.3`, `1.16.2-478`, `1.14.0rc1`, `amd64-1.14.0`, `2.3.0-alpine`.
    ///
    /// Nothing for `latest` and for what tells no version for certain: a bare `2`, a date, a tag with two
    /// versions in it, a build from between two releases, somebody's own numbers after a word of their own.
    pub fn parse(tag: &str) -> Option<Self> {
        let parts: Vec<&str> = tag.split(['-', '+', '_']).collect();
        let mut numbered = parts.iter().enumerate().filter_map(|(at, part)| {
            let version = Self::of_part(part)?;
            Some((at, version))
        });
        let (at, mut version) = numbered.next()?;
        if numbered.next().is_some() || !parts[..at].iter().all(|word| is_plain_prefix(word)) {
            return None;
        }
        for (index, word) in parts[at + 1..].iter().enumerate() {
            match after_version(word, index == 0) {
                After::Nothing => {}
                After::Candidate(number) if version.candidate.is_none() => {
                    version.candidate = Some(number);
                }
                After::Candidate(_) | After::Between => return None,
            }
        }
        Some(version)
    }

    /// `1.14.0`, `v1.14` or `1.14.0rc1`, and nothing around it.
    fn of_part(part: &str) -> Option<Self> {
        let part = part.strip_prefix(['v', 'V']).unwrap_or(part);
        let (core, candidate) = split_candidate(part)?;
        let numbers: Vec<u16> = core.split('.').map(number).collect::<Option<_>>()?;
        let (major, minor, patch) = match numbers[..] {
            [major, minor] => (major, minor, 0),
            [major, minor, patch] => (major, minor, patch),
            _ => return None,
        };
        (major < FIRST_YEAR).then_some(Self {
            major,
            minor,
            patch,
            candidate,
        })
    }
}

/// The versions that have something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// The first one.
    pub since: Option<Version>,
    /// The first one that no longer has it.
    pub until: Option<Version>,
}

impl Lifetime {
    /// Whether a version (none: the newest) has it.
    pub fn includes(self, version: Option<Version>) -> bool {
        match version {
            None => self.until.is_none(),
            Some(version) => {
                self.since.is_none_or(|since| since <= version)
                    && self.until.is_none_or(|until| version < until)
            }
        }
    }
}

/// A first number from here on is a year: `24.6.1`, `2024.6.1`.
const FIRST_YEAR: u16 = 20;

/// What may come before the version without making it somebody's own: ClearML's names and architectures
/// (`x86_64` is two parts).
const PREFIXES: [&str; 22] = [
    "64",
    "aarch64",
    "allegroai",
    "amd64",
    "apiserver",
    "arm",
    "arm64",
    "arm64v8",
    "armv7",
    "clearml",
    "fileserver",
    "linux",
    "ppc64le",
    "rel",
    "release",
    "s390x",
    "server",
    "trains",
    "v",
    "version",
    "webserver",
    "x86",
];

fn is_plain_prefix(word: &str) -> bool {
    PREFIXES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}

/// What a part of a tag after the version means.
enum After {
    /// A build from between two releases, which has some of what the next one has.
    Between,
    /// A release candidate's number.
    Candidate(u16),
    /// A build number, an architecture, a name: the version is what it says.
    Nothing,
}

fn after_version(word: &str, is_next: bool) -> After {
    /// Builds that come before a release or follow one, nobody knows how far.
    const BETWEEN: [&str; 12] = [
        "a", "alpha", "b", "beta", "canary", "dev", "edge", "head", "nightly", "pre", "preview",
        "snapshot",
    ];
    let word = word.to_ascii_lowercase();
    if is_next
        && let Some(rest) = word.strip_prefix("rc")
        && let Some(number) = candidate_number(rest)
    {
        return After::Candidate(number);
    }
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if BETWEEN.contains(&name) || name == "rc" || is_commit(&word) {
        return After::Between;
    }
    After::Nothing
}

/// `g1a2b3c4`, as `git describe` ends the name of what follows a tag.
fn is_commit(word: &str) -> bool {
    word.strip_prefix('g')
        .is_some_and(|hash| hash.len() >= 7 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The numbers of a version and a candidate's: `1.14.0rc1`, `1.14.0.rc1`.
fn split_candidate(part: &str) -> Option<(&str, Option<u16>)> {
    let Some(at) = part.find(['r', 'R']) else {
        return Some((part, None));
    };
    let rest = part
        .get(at..at + 2)
        .filter(|rc| rc.eq_ignore_ascii_case("rc"));
    let number = candidate_number(&part[at + rest?.len()..])?;
    let core = &part[..at];
    Some((core.strip_suffix('.').unwrap_or(core), Some(number)))
}

/// What follows `rc`: `1`, `.1`, or nothing.
fn candidate_number(text: &str) -> Option<u16> {
    match text.strip_prefix('.').unwrap_or(text) {
        "" if text.is_empty() => Some(0),
        digits => number(digits),
    }
}

/// Digits without a leading zero, which dates have and versions do not.
fn number(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| is_plain)
}

/// The first version that is not known here: in a repository of somebody's own, a number from here on is their own.
const AFTER_THE_LAST: Version = Version::new(2, 4, 0);

/// Whether an image is ClearML's own, in whatever registry it is copied to (docs/clearml.md#image-names).
fn is_clearmls(name: &str) -> bool {
    let owner = name.rsplit('/').nth(1);
    owner.is_some_and(|owner| {
        ["allegroai", "clearml"].contains(&owner.to_ascii_lowercase().as_str())
    })
}

impl Release {
    /// What an image's name tells: `clearml/server:1.15.0@sha256:…` is 1.15.0, and without a tag it is the newest.
    pub fn of_image(image: &str) -> Knowable<Self> {
        let (name, has_digest) = match image.split_once('@') {
            Some((name, _)) => (name, true),
            None => (image, false),
        };
        let last = name.rsplit('/').next().unwrap_or(name);
        let tag = last.split_once(':').map(|(_, tag)| tag);
        if let Some(version) = tag.and_then(Version::parse) {
            let is_of_clearml = is_clearmls(name) || version < AFTER_THE_LAST;
            return match is_of_clearml {
                true => Knowable::Known(Self::Numbered(version)),
                false => Knowable::unknown("the image's tag is no version of ClearML's"),
            };
        }
        match tag {
            // A digest holds on to one image, which was the newest when it was written down.
            None | Some("latest") if has_digest => {
                Knowable::unknown("the image is named by a digest, which tells no version")
            }
            None | Some("latest") if is_clearmls(name) => Knowable::Known(Self::Newest),
            None | Some("latest") if !last.is_empty() => Knowable::unknown(
                "the image is not in a repository of ClearML's, so that its newest version may be any",
            ),
            _ => Knowable::unknown("the image's tag tells no version"),
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |version: &Self| {
            (
                version.major,
                version.minor,
                version.patch,
                version.candidate.is_none(),
                version.candidate,
            )
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no version"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        match self.candidate {
            Some(number) => write!(f, "rc{number}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tag: &str) -> Option<String> {
        Version::parse(tag).map(|version| version.to_string())
    }

    #[test]
    fn a_tag_tells_its_version_whatever_is_around_it() {
        for (tag, version) in [
            ("v2.3", "2.3.0"),
            ("2.3.0", "2.3.0"),
            ("V1.0", "1.0.0"),
            ("1.16.2-478", "1.16.2"),
            ("1.16.2_478", "1.16.2"),
            ("1.14.0+build.7", "1.14.0"),
            ("1.14.0-472-amd64", "1.14.0"),
            ("2.3.0-alpine", "2.3.0"),
            ("2.3.0-alpine3.19", "2.3.0"),
            ("2.3.0-ubuntu22.04", "2.3.0"),
            ("2.3.0-2024.06.01", "2.3.0"),
            ("1.14.0-mycompany1", "1.14.0"),
            ("amd64-1.14.0", "1.14.0"),
            ("linux-arm64-v1.14.0", "1.14.0"),
            ("x86_64-1.14.0", "1.14.0"),
            ("server-2.0.0", "2.0.0"),
            ("clearml-server-1.16.2", "1.16.2"),
            ("release-1.17.0", "1.17.0"),
        ] {
            assert_eq!(shown(tag).as_deref(), Some(version), "{tag}");
        }
    }

    #[test]
    fn a_release_candidate_comes_before_its_release() {
        for tag in [
            "1.16.0rc1",
            "1.16.0-rc1",
            "1.16.0.rc1",
            "1.16.0-rc.1",
            "v1.16.0RC1",
            "amd64-1.16.0rc1-472",
        ] {
            assert_eq!(shown(tag).as_deref(), Some("1.16.0rc1"), "{tag}");
        }
        let order = ["1.15.1", "1.16.0rc", "1.16.0rc1", "1.16.0rc12", "1.16.0"];
        let versions: Vec<Version> = order
            .iter()
            .map(|tag| Version::parse(tag).unwrap())
            .collect();
        assert!(versions.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(Version::parse("1.16.0rc1") < Some(Version::FILE_SERVER_AUTHENTICATION));
    }

    #[test]
    fn a_version_is_there_from_its_first_one_until_the_one_without() {
        let [old, since, inside, until] = ["1.0", "1.1", "1.2", "1.3"].map(Version::parse);
        for (version, expected) in [(old, false), (since, true), (inside, true), (until, false)] {
            let both = Lifetime { since, until };
            assert_eq!(both.includes(version), expected, "{version:?}");
        }
        let [whole, first, last] = [(since, until), (since, None), (None, until)]
            .map(|(since, until)| Lifetime { since, until });
        assert!(!whole.includes(None));
        assert!(first.includes(None));
        assert!(last.includes(old));
    }

    #[test]
    fn a_list_of_data_names_only_versions() {
        let read = |text: &str| serde_json::from_str::<Version>(text).ok();
        assert_eq!(read("\"1.16.0\""), Some(Version::new(1, 16, 0)));
        assert_eq!(read("\"newest\""), None);
        assert_eq!(read("1.16"), None);
    }

    #[test]
    fn what_may_be_something_else_is_no_version() {
        for tag in [
            "",
            "latest",
            "stable",
            "main",
            "dev",
            "2",
            "v2",
            "2.x",
            "2.",
            ".2",
            "1.2.3.4",
            "2024.06.01",
            "2024.6.1",
            "24.6.1",
            "2.06",
            "20240601",
            "sha-abc1234",
            "1.14.0-beta",
            "1.14.0-alpha.2",
            "1.14.0-dev",
            "1.14.0-dev3",
            "1.14.0-SNAPSHOT",
            "1.14.0-nightly",
            "1.14.0-12-g1a2b3c4",
            "1.14.0rcx",
            "1.14.0rc1-rc2",
            "1.14.0a1",
            "1.14.0-2.0.0",
            "build-1.0.3",
            "mycompany-2.0.0",
            "python3.9",
            "+1.2",
            "1.+2",
            "1.99999",
            "١.٢",
        ] {
            assert_eq!(shown(tag), None, "{tag}");
        }
    }

    #[test]
    fn an_image_tells_by_its_tag_and_not_by_its_digest() {
        let of = |image| Release::of_image(image).known().copied();
        let numbered = |text| Version::parse(text).map(Release::Numbered);
        assert_eq!(of("clearml/server"), Some(Release::Newest));
        assert_eq!(of("registry:5000/clearml/server"), Some(Release::Newest));
        assert_eq!(of("clearml/server:latest"), Some(Release::Newest));
        assert_eq!(of("r:5000/clearml/server:1.15.0"), numbered("1.15.0"));
        assert_eq!(of("clearml/server:1.15.0@sha256:ab12"), numbered("1.15.0"));
        for image in [
            "",
            "clearml/server:stable",
            "clearml/server:2",
            "clearml/server:",
            "clearml/server:latest@sha256:ab12",
            "clearml/server@sha256:ab12",
        ] {
            assert_eq!(of(image), None, "{image}");
        }
        let candidate = numbered("1.16.0rc1").unwrap();
        assert!(matches!(candidate, Release::Numbered(own) if own < Version::new(1, 16, 0)));
    }
}
