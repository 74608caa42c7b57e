//! Which containers a Traefik looks at: ``--providers.docker.constraints=Label(`tier`,`public`) && !Label(`on`,`no`)``
//! (docs/clearml.md#proxies).

use super::{PROVIDERS, Traefik};
use crate::container::{Container, Label, LabelReader};

/// Parentheses and `!` may be nested so deep; what is deeper is not read.
const DEPTH_LIMIT: usize = 32;

impl Traefik {
    /// Whose labels it reads; any where nothing of its configuration says.
    pub(super) fn reads(&self, reader: LabelReader) -> bool {
        let is_on = |path: &str| self.own.get(path).is_some_and(|told| told != "false");
        let is_swarm = self.has("providers.swarm") || is_on("providers.docker.swarmmode");
        let is_docker = self.has("providers.docker") && !is_on("providers.docker.swarmmode");
        match reader {
            LabelReader::Engine => is_docker || !is_swarm,
            LabelReader::Swarm => is_swarm || !is_docker,
        }
    }

    /// Whether a container may be one of those that it is told to look at.
    pub(super) fn looks_at(&self, container: &Container) -> bool {
        let provided = PROVIDERS
            .iter()
            .filter(|name| self.has(&format!("providers.{name}")));
        let constraints: Vec<Option<&String>> = provided
            .map(|name| self.own.get(&format!("providers.{name}.constraints")))
            .collect();
        let read = |label: &&Label| self.reads(label.reader);
        let labels: Vec<&Label> = container.labels.iter().filter(read).collect();
        // An engine gives a container the labels of its image, too.
        let has_more = !has_usual_image(container);
        let may_be_met = |one: &Option<&String>| {
            one.is_none_or(|text| is_met(text, &labels, has_more) != Some(false))
        };
        constraints.is_empty() || constraints.iter().any(may_be_met)
    }
}

/// Whether a container's image has no labels that anybody would name to Traefik.
fn has_usual_image(container: &Container) -> bool {
    const USUAL: [&str; 6] = [
        "clearml",
        "elasticsearch",
        "mongo",
        "redis",
        "server",
        "trains",
    ];
    container.built_as.is_none() && USUAL.contains(&container.image_name())
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
            None => (!is_added).then_some(false),
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
