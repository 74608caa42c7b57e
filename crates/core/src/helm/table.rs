//! data/chart.toml.

use crate::version::{Lifetime, Version};

/// What runs of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Apiserver,
    Asyncdelete,
    Fileserver,
    Webserver,
}

/// A variable that the chart sets.
pub(super) struct SetVariable {
    pub(super) parts: &'static [Part],
    pub(super) name: &'static str,
    pub(super) from: From,
    /// A value, and whether it has to count as true or must not.
    pub(super) condition: Option<(&'static str, bool)>,
    /// Whether the chart prints the text without quotes, so that it is YAML once more.
    pub(super) is_unquoted: bool,
    pub(super) lifetime: Lifetime,
}

/// What a variable is taken from.
pub(super) enum From {
    /// A key of the Secret.
    Key(&'static str),
    /// A text with values in braces.
    Text(&'static str),
}

const IMAGES: &[(&str, Lifetime)] = include!(concat!(env!("OUT_DIR"), "/chart_images.rs"));

/// Names of keys in the Secret, and the values that are in them.
pub(super) const KEYS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/chart_keys.rs"));

pub(super) const VARIABLES: &[SetVariable] =
    include!(concat!(env!("OUT_DIR"), "/chart_variables.rs"));

/// Paths and the chart's own values, and whether that is a text.
pub(super) const DEFAULTS: &[(&str, &str, bool)] =
    include!(concat!(env!("OUT_DIR"), "/chart_defaults.rs"));

/// Paths that are read; below `.*` all of them.
pub(super) const READ: &[(&str, Lifetime)] = {
    const GROUPS: &[(&str, Lifetime)] = include!(concat!(env!("OUT_DIR"), "/chart_paths.rs"));
    GROUPS
};

/// Paths that nothing reads, and what to write instead.
pub(super) const INSTEAD: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/chart_instead.rs"));

/// The oldest chart whose effect is known.
pub fn oldest() -> Version {
    version(env!("CHART_OLDEST"))
}

/// The newest one.
pub fn newest() -> Version {
    version(env!("CHART_NEWEST"))
}

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or(Version::new(0, 0, 0))
}

/// The tag of the servers' images.
pub(super) fn tag(chart: Version) -> &'static str {
    let mut fitting = IMAGES.iter().rev();
    let fitting = fitting.find(|(_, lifetime)| lifetime.includes(Some(chart)));
    fitting.map_or("", |(tag, _)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_of_the_chart_has_its_image() {
        for (chart, expected) in [
            ("7.2.0", "1.11.0-373"),
            ("7.4.9", "1.12.0-393"),
            ("7.8.2", "1.15.0-472"),
            ("7.10.1", "1.15.1-478"),
            ("7.11.0", "1.16.0-494"),
            ("7.12.0", "1.16.2-502"),
            ("7.14.7", "2.0.0-613"),
        ] {
            assert_eq!(tag(version(chart)), expected, "{chart}");
        }
    }

    #[test]
    fn what_the_table_uses_is_read_and_has_a_value() {
        let texts = VARIABLES.iter().filter_map(|row| match row.from {
            From::Text(text) => Some(text),
            From::Key(_) => None,
        });
        let conditions = VARIABLES.iter().filter_map(|row| row.condition);
        let used = texts
            .flat_map(super::super::shape::places)
            .filter(|path| !["name", "release"].contains(path))
            .chain(conditions.map(|(path, _)| path))
            .chain(KEYS.iter().map(|(_, path)| *path));
        for path in used {
            let is_read = READ.iter().any(|(read, _)| {
                read.strip_suffix(".*").map_or(*read == path, |above| {
                    path.strip_prefix(above)
                        .is_some_and(|rest| rest.starts_with('.'))
                })
            });
            assert!(is_read, "{path}");
        }
        let keys: Vec<_> = KEYS.iter().map(|(name, _)| *name).collect();
        for row in VARIABLES {
            if let From::Key(key) = row.from {
                assert!(keys.contains(&key), "{key}");
            }
        }
    }
}
