//! Findings that came or went, in the few words that a list has for each.

use std::collections::HashMap;

use clearml_secure_core::shown::escape;

use super::earlier::FindingThen;
use crate::report::Told;

/// What a list says of a finding. Two that are equal in all of this look the same to a person, whatever their messages say.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Listed {
    place: String,
    rule: String,
    /// The setting and the server, as far as it has them.
    about: String,
    /// What was looked at; nothing where an earlier run did not say it.
    subject: Option<String>,
}

/// One line of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it is, for people.
    pub(crate) place: String,
    /// The rule, as it is in the file.
    pub(crate) rule: String,
    /// `: ` and what tells it from others of the rule at that place; nothing where there is nothing to say.
    pub(crate) rest: String,
}

impl Listed {
    pub(crate) fn of(told: &Told, subject: &str) -> Self {
        let place = told.spot.as_ref().map(|spot| spot.place.to_string());
        let setting = told.setting.map(|setting| setting.path());
        Self {
            place: place.unwrap_or_else(|| escape(subject).into_owned()),
            rule: told.rule.to_owned(),
            about: about(setting, told.server.map(|server| server.name())),
            subject: Some(escape(subject).into_owned()),
        }
    }

    pub(crate) fn then(entry: &FindingThen) -> Self {
        Self {
            place: entry.at(),
            rule: entry.rule.clone(),
            about: about(entry.setting.as_deref(), entry.server.as_deref()),
            subject: entry
                .subject
                .as_deref()
                .map(|subject| escape(subject).into_owned()),
        }
    }

    /// All but what was looked at.
    fn here(&self) -> [String; 3] {
        [&self.place, &self.rule, &self.about].map(String::clone)
    }
}

fn about(setting: Option<&str>, server: Option<&str>) -> String {
    let parts: Vec<_> = [setting, server]
        .into_iter()
        .flatten()
        .map(escape)
        .collect();
    parts.join(" of ")
}

/// A line for each, in their order; one for those that look the same.
pub(crate) fn lines(all: impl IntoIterator<Item = Listed>) -> Vec<Line> {
    let mut order: Vec<Listed> = Vec::new();
    let mut counts: HashMap<Listed, usize> = HashMap::new();
    let mut subjects: HashMap<[String; 3], usize> = HashMap::new();
    for one in all {
        let count = counts.entry(one.clone()).or_default();
        *count += 1;
        if *count == 1 {
            *subjects.entry(one.here()).or_default() += 1;
            order.push(one);
        }
    }
    let line = |one: Listed| {
        let mut rest = Vec::new();
        if !one.about.is_empty() {
            rest.push(one.about.clone());
        }
        if let Some(subject) = one.subject.as_ref().filter(|_| subjects[&one.here()] > 1) {
            rest.push(format!("in {subject}"));
        }
        if counts[&one] > 1 {
            rest.push(format!("{} times", counts[&one]));
        }
        Line {
            place: one.place,
            rule: one.rule,
            rest: rest.iter().map(|part| format!(": {part}")).collect(),
        }
    };
    order.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_there_twice() {
        let without = |about: &str| Listed {
            place: "c.yml:1:1".to_owned(),
            rule: "r".to_owned(),
            about: about.to_owned(),
            subject: None,
        };
        let one = |about: &str, subject: &str| Listed {
            subject: Some(subject.to_owned()),
            ..without(about)
        };
        let all = [
            one("a of s", "x"),
            one("b of s", "x"),
            one("b of s", "y"),
            without("b of s"),
            one("a of s", "x"),
            one("", "x"),
        ];
        let rest: Vec<String> = lines(all).into_iter().map(|line| line.rest).collect();
        assert_eq!(
            rest,
            [
                ": a of s: 2 times",
                ": b of s: in x",
                ": b of s: in y",
                ": b of s",
                "",
            ]
        );
    }
}
