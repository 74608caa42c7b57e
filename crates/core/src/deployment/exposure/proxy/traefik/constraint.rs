//! Which containers a Traefik looks at: ``--providers.docker.constraints=Label(`tier`,`public`) && !Label(`on`,`no`)``
//! (docs/clearml.md#proxies).

use super::{PROVIDERS, Software, Traefik, is_on};
use crate::container::{Container, Label, LabelReader};
use crate::deployment::recognise::has_official_image;
use crate::traefik::expression;

impl Traefik {
    /// What gives it labels, and whose.
    pub(super) fn providers(&self) -> impl Iterator<Item = (&'static str, LabelReader)> {
        let has = |name: &&str| is_on(&self.settings.own, &format!("providers.{name}"));
        let is_swarm = |name: &str| {
            let mode = self
                .settings
                .own
                .get(&format!("providers.{name}.swarmmode"));
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
            let told = self
                .settings
                .own
                .get(&format!("providers.{name}.constraints"));
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
    // What other functions make of a label is not known.
    let is_so = |function: &str, arguments: &[&str]| match (function, arguments) {
        ("Label", [name, value]) => has(labels, has_more, name, value),
        _ => None,
    };
    expression::holds(expression, &is_so)
}

fn has(labels: &[&Label], has_more: bool, name: &str, value: &str) -> Option<bool> {
    // Compose adds some.
    let is_added = has_more || name.starts_with("com.docker.");
    match labels.iter().rfind(|label| label.name == name) {
        Some(label) => Some(label.value.known()? == value),
        // A label that is not there counts as an empty one.
        None => (!is_added).then_some(value.is_empty()),
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
    }
}
