//! The attributes of a service, each read from the parts that hold it.

use std::sync::Arc;

use super::{Loader, Part, Project, Service, environment, port};
use crate::container::{Container, Text};
use crate::error::Error;
use crate::source::{Sources, Span};
use crate::unseen::{Hides, Unseen};
use crate::yaml::{Clears, Node};

impl Project {
    pub(super) fn service(
        &mut self,
        loader: &mut Loader,
        sources: &mut Sources,
        name: String,
        name_span: Span,
        parts: Vec<Part>,
    ) -> Result<Service, Error> {
        let image = attribute(&parts, "image").and_then(|(part, node)| {
            Some(Text {
                text: self.text_of(part, node)?,
                span: node.span(part.source),
            })
        });
        let container_name =
            attribute(&parts, "container_name").and_then(|(part, node)| self.text_of(part, node));
        let words = ["entrypoint", "command"]
            .into_iter()
            .filter_map(|key| last(&parts, key))
            .flat_map(|(part, node)| self.words(part, node))
            .collect();
        let environment = environment::of_service(self, loader, sources, &name, &parts)?;
        let ports = port::of_service(self, &name, &parts);
        let networks = self.networks(&parts);
        let network_mode = self.network_mode(&name, &parts);
        let privileged = attribute(&parts, "privileged")
            .filter(|(part, node)| self.text_of(part, node).as_deref() == Some("true"))
            .map(|(part, node)| node.span(part.source));
        let container = Container {
            name,
            name_span,
            image,
            container_name,
            words,
            environment,
            // They may come from services that are not read yet.
            mounts: Vec::new(),
            ports,
            networks,
            network_mode,
            privileged,
        };
        Ok(Service {
            parts,
            container: Arc::new(container),
        })
    }

    fn network_mode(&mut self, name: &str, parts: &[Part]) -> Option<Text> {
        let (part, node) = attribute(parts, "network_mode")?;
        let span = node.span(part.source);
        let text = self.text_of(part, node);
        if text.is_none() {
            // It may be the host's, on which everything is published.
            self.unseen.push(Unseen {
                what: port::UNSEEN.to_owned(),
                hides: Hides::Port,
                reason: "`network_mode` is a variable without a value".to_owned(),
                service: Some(name.to_owned()),
                span: Some(span),
            });
        }
        Some(Text { text: text?, span })
    }

    /// Lists and mappings of networks add up over files.
    fn networks(&self, parts: &[Part]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for part in parts {
            let Some(field) = part.node.get("networks") else {
                continue;
            };
            match field.value.clears() {
                Some(Clears::All) => {
                    found.clear();
                    continue;
                }
                Some(Clears::Before) => found.clear(),
                None => {}
            }
            if let Some(items) = field.value.items() {
                found.extend(items.iter().filter_map(|item| self.text_of(part, item)));
            } else {
                let fields = field.value.fields().into_iter();
                found.extend(fields.filter_map(|field| Some(field.key.text()?.to_owned())));
            }
        }
        if found.is_empty() {
            found.push("default".to_owned());
        }
        found
    }

    /// A command as words: a list's items, or a text split as a shell would, quotes and operators dropped.
    /// Only used to recognise what runs.
    fn words(&self, part: &Part, node: &Node) -> Vec<String> {
        let texts: Vec<String> = match node.items() {
            Some(items) => items
                .iter()
                .filter_map(|item| self.text_of(part, item))
                .collect(),
            None => self.text_of(part, node).into_iter().collect(),
        };
        let separator =
            |c: char| c.is_whitespace() || matches!(c, '&' | ';' | '|' | '(' | ')' | '"' | '\'');
        texts
            .iter()
            .flat_map(|text| text.split(separator))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// The value of a key in the last part that has it, null included: compose forgets a command for a null.
fn last<'a>(parts: &'a [Part], key: &str) -> Option<(&'a Part, &'a Arc<Node>)> {
    let mut last_first = parts.iter().rev();
    let found = last_first.find_map(|part| Some((part, part.node.get(key)?.value)))?;
    (found.1.clears() != Some(Clears::All)).then_some(found)
}

/// The last part's value of a key that is not null; none where it is reset.
fn attribute<'a>(parts: &'a [Part], key: &str) -> Option<(&'a Part, &'a Arc<Node>)> {
    let mut last_first = parts.iter().rev();
    let found = last_first.find_map(|part| {
        let node = part.node.get(key)?.value;
        let counts = !node.is_null() || node.clears() == Some(Clears::All);
        counts.then_some((part, node))
    })?;
    (found.1.clears() != Some(Clears::All)).then_some(found)
}
