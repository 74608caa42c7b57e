//! Which containers a Traefik looks at: ``--providers.docker.constraints=Label(`tier`,`public`) && !Label(`on`,`no`)``
//! (docs/clearml.md#proxies).

use super::{PROVIDERS, Software, Traefik};
use crate::container::{Container, Label, LabelReader};
use crate::deployment::recognise::has_official_image;

/// Parentheses and `!` may be nested so deep; what is deeper is not read.
const DEPTH_LIMIT: usize = 32;

impl Traefik {
    /// What gives it labels, and whose.
    pub(super) fn providers(&self) -> impl Iterator<Item = (&'static str, LabelReader)> {
        let has = |name: &&str| self.has(&format!("providers.{name}"));
        let is_swarm = |name: &str| {
            let mode = self.own.get(&format!("providers.{name}.swarmmode"));
            name == "swarm" || mode.is_some_and(|told| told != "false")
        };
        PROVIDERS
            .into_iter()
            .filter(has)
            .map(move |name| match is_swarm(name) {
                true => (name, LabelReader::Swarm),
                false => (name, LabelReader::Engine),
            })
    }

    /// Whether it reads these labels; any where nothing of its configuration says.
    pub(super) fn reads(&self, reader: LabelReader) -> bool {
        let mut all = self.providers().map(|(_, own)| own).peekable();
        all.peek().is_none() || all.any(|own| own == reader)
    }

    /// Whether a container may be one of those that it is told to look at.
    pub(super) fn looks_at(&self, container: &Container) -> bool {
        let may_look = |(name, reader): (&str, LabelReader)| {
            let told = self.own.get(&format!("providers.{name}.constraints"));
            let read = container.labels.iter().filter(|one| one.reader == reader);
            let labels: Vec<&Label> = read.collect();
            // An engine gives a container the labels of its image, too.
            let has_more = reader == LabelReader::Engine && !has_usual_image(container);
            told.is_none_or(|text| is_met(text, &labels, has_more) != Some(false))
        };
        let mut all = self.providers().peekable();
        all.peek().is_none() || all.any(may_look)
    }
}

/// Whether a container's image has no labels that anybody would name to Traefik.
fn has_usual_image(container: &Container) -> bool {
    const DATABASES: [&str; 3] = ["elasticsearch", "mongo", "redis"];
    let is_known = DATABASES.contains(&container.image_name()) || Software::of(container).is_some();
    container.built_as.is_none() && is_known || has_official_image(container)
}

/// Whether the labels of a container, of which its image may have more, meet an expression; none where that is not known.
fn is_met(expression: &str, labels: &[&Label], has_more: bool) -> Option<bool> {
    let mut reader = Reader {
        rest: expression,
        labels,
        has_more,
        depth: 0,
    };
    let met = reader.any()?;
    reader.rest.trim().is_empty().then_some(met)?
}

struct Reader<'a> {
    rest: &'a str,
    labels: &'a [&'a Label],
    has_more: bool,
    depth: usize,
}

/// Of what is read: whether it is met, where that is known. None where it is no expression.
type Met = Option<Option<bool>>;

impl<'a> Reader<'a> {
    /// `one || other`.
    fn any(&mut self) -> Met {
        let mut met = self.all()?;
        while self.takes("||") {
            met = decided(met, self.all()?, true);
        }
        Some(met)
    }

    /// `one && other`.
    fn all(&mut self) -> Met {
        let mut met = self.one()?;
        while self.takes("&&") {
            met = decided(met, self.one()?, false);
        }
        Some(met)
    }

    fn one(&mut self) -> Met {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return None;
        }
        let met = if self.takes("!") {
            self.one()?.map(|met| !met)
        } else if self.takes("(") {
            let met = self.any()?;
            self.takes(")").then_some(met)?
        } else {
            self.call()?
        };
        self.depth -= 1;
        Some(met)
    }

    /// `Label(name, value)`; what other functions make of a label is not known.
    fn call(&mut self) -> Met {
        let (function, rest) = self.rest.split_once('(')?;
        self.rest = rest;
        let name = self.text()?;
        let value = match self.takes(",") {
            true => Some(self.text()?),
            false => None,
        };
        self.takes(")").then_some(())?;
        Some(match (function.trim(), value) {
            ("Label", Some(value)) => self.has(name, value),
            _ => None,
        })
    }

    fn text(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '`' | '"'))?;
        let (text, after) = rest[1..].split_once(quote)?;
        self.rest = after;
        // Go's escapes are not read.
        (quote == '`' || !text.contains('\\')).then_some(text)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn has(&self, name: &str, value: &str) -> Option<bool> {
        // Compose adds some.
        let is_added = self.has_more || name.starts_with("com.docker.");
        match self.labels.iter().rfind(|label| label.name == name) {
            Some(label) => Some(label.value.known()? == value),
            // A label that is not there counts as an empty one.
            None => (!is_added).then_some(value.is_empty()),
        }
    }
}

/// What two parts make, of which one that is `enough` decides.
fn decided(one: Option<bool>, other: Option<bool>, enough: bool) -> Option<bool> {
    match (one, other) {
        (Some(met), _) | (_, Some(met)) if met == enough => Some(met),
        (Some(met), Some(_)) => Some(met),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_traefik_reads_them() {
        for (text, met) in [
            ("Label(`a`,`b`)", Some(false)),
            ("!Label(`a`, \"b\")", Some(true)),
            ("Label(`a`,``)", Some(true)),
            ("!Label(`a`, \"\")", Some(false)),
            (
                "(Label(`a`,`b`) || !Label(`a`,`b`)) && !!Label(`a`,`b`)",
                Some(false),
            ),
            (
                "Label(`a`,`b`) || !Label(`a`,`b`) && Label(`a`,`b`)",
                Some(false),
            ),
            ("!Label(`a`,`b`) || LabelRegex(`a`,`b`)", Some(true)),
            ("Label(`a`,`b`) && LabelRegex(`a`,`b`)", Some(false)),
            ("!Label(`a`,`b`) && LabelRegex(`a`,`b`)", None),
            ("Label(`com.docker.compose.project`,`b`)", None),
            ("Label(`a`,`b`", None),
            ("Label(`a`,`b`) Label(`a`,`b`)", None),
            ("Label(\"a\\x62\",`b`)", None),
            ("", None),
        ] {
            assert_eq!(is_met(text, &[], false), met, "{text}");
        }
        assert_eq!(is_met(&"(".repeat(100_000), &[], false), None);
    }
}
