//! The attributes of a service, each read from the parts that hold it.

use std::sync::Arc;

use super::attribute::{attribute, counting, is_on, left};
use super::build::{self, Built};
use super::network::{self, Networks};
use super::{
    Loader, Part, Project, Service, env_file, environment, label, port, shellwords, text_words,
    unsteady, volume, watch,
};
use crate::container::{Container, Hook, Text, Variable, capability_of_root};
use crate::error::Error;
use crate::knowable::Knowable;
use crate::source::{Sources, Span};
use crate::unseen::{Hides, Unseen};
use crate::yaml::{Field, Node};

impl Project {
    pub(super) fn service(
        &mut self,
        loader: &mut Loader,
        sources: &mut Sources,
        name: String,
        name_span: Span,
        parts: Vec<Part>,
    ) -> Result<Service, Error> {
        let built = build::of_service(self, loader, sources, &parts);
        let named = self.image(&parts);
        let container_name =
            attribute(&parts, "container_name").and_then(|(part, node)| self.text_of(part, node));
        let (command, words) = self.command(&parts, built.as_ref());
        let hooks = self.hooks(&parts);
        let mut environment = self.environment(loader, sources, &name, &parts)?;
        let mut ports = port::of_service(self, &name, &parts);
        let networks = Networks::of(self, &name, &parts, name_span);
        if let Some(address) = network::host_binding(self, &networks.names) {
            port::bind(&mut ports, &address);
        }
        let of_files = env_file::labels(self, loader, sources, &name, &parts)?;
        let labels = label::of_service(self, &parts, of_files);
        let network_mode = self.network_mode(&name, &parts);
        let privileged = self.privileged(&parts);
        let capability = self.capability(&parts);
        let of_image = |told: fn(&Built) -> &Option<Knowable<String>>| {
            built.as_ref().and_then(|built| told(built).clone())
        };
        let user = self.text(&parts, "user").or(of_image(|built| &built.user));
        let working_directory = self
            .text(&parts, "working_dir")
            .or(of_image(|built| &built.working_directory));
        let mut copies = Vec::new();
        let mut doubts = environment::take_nameless(&mut environment);
        let (image, built_as) = match built {
            None => {
                let image = self.told_image(&parts, named.as_ref());
                let written = named.filter(|_| image.known().is_none());
                (image, written)
            }
            Some(built) => {
                let of_image = self.of_image(&name, built.environment);
                add_image_variables(&mut environment, of_image);
                copies = built.copies;
                doubts.extend(built.doubts);
                (built.base.map(Some), named)
            }
        };
        let container = Container {
            pod: None,
            made: None,
            name,
            name_span,
            image,
            built_as,
            container_name,
            command,
            dropped: self.dropped(&parts),
            command_span: self.command_span(&parts),
            hooks,
            words,
            user,
            working_directory,
            environment,
            // They may come from services that are not read yet.
            mounts: Vec::new(),
            removed: Vec::new(),
            unread: None,
            copies,
            synced: watch::of_service(self, &parts),
            doubts,
            ports,
            networks: networks.names,
            attached: networks.attached,
            aliases: networks.aliases,
            hosts: networks.hosts,
            is_shared: networks.is_shared,
            network_mode,
            privileged,
            capability,
            labels,
        };
        Ok(Service {
            parts,
            container: Arc::new(container),
        })
    }

    /// The variables. Where compose reads the service in another way in other runs, what differs is not known.
    fn environment(
        &mut self,
        loader: &mut Loader,
        sources: &mut Sources,
        name: &str,
        parts: &[Part],
    ) -> Result<Vec<Variable>, Error> {
        let mut variables = environment::of_service(self, loader, sources, name, parts)?;
        if let Some(other) = self.in_other_runs(name, parts) {
            let seen = self.unseen.clone();
            let others = environment::of_service(self, loader, sources, name, &other)?;
            unsteady::put_together(&mut variables, others);
            let more = self.unseen.split_off(seen.len());
            self.unseen
                .extend(more.into_iter().filter(|one| !seen.contains(one)));
            self.note_unsteady(name, parts, &other);
        }
        Ok(variables)
    }

    /// What the image of a service sets, and what is not here may set to something else.
    fn of_image(&self, name: &str, mut variables: Vec<Variable>) -> Vec<Variable> {
        if let Some(unseen) = self.unread(name).next() {
            env_file::set_again(&mut variables, &unseen.may_set_variables());
        }
        variables
    }

    /// The text of a key; not known where a variable in it has no value here.
    fn text(&self, parts: &[Part], key: &str) -> Option<Knowable<String>> {
        let (part, node) = attribute(parts, key)?;
        let document = &self.documents[part.document];
        Some(volume::told(self, document, node))
    }

    /// What `image` says, where variables without a value are empty: that still tells what it is for.
    fn image(&self, parts: &[Part]) -> Option<Text> {
        let (part, node) = attribute(parts, "image")?;
        let span = node.span(part.source);
        Some(Text {
            text: self.text_of(part, node)?,
            span,
        })
    }

    /// The image that is named so; the shell may make another one of it.
    fn told_image(&self, parts: &[Part], named: Option<&Text>) -> Knowable<Option<Text>> {
        match self.text(parts, "image") {
            None => Knowable::Known(None),
            Some(Knowable::Known(_)) => Knowable::Known(named.cloned()),
            Some(Knowable::Unknown(_)) => {
                Knowable::unknown("its image is named by a variable that has no value here")
            }
        }
    }

    /// What the process is started with, and the words to recognize it by. Compose's entrypoint leaves out the image's
    /// command, too.
    fn command(
        &self,
        parts: &[Part],
        built: Option<&Built>,
    ) -> (Vec<Knowable<String>>, Vec<String>) {
        let (mut command, mut words) = (Vec::new(), Vec::new());
        let has_entrypoint = key_of(parts, "entrypoint").is_some();
        for (key, of_image) in [
            (
                "entrypoint",
                built.and_then(|built| built.entrypoint.as_ref()),
            ),
            (
                "command",
                built
                    .and_then(|built| built.command.as_ref())
                    .filter(|_| !has_entrypoint),
            ),
        ] {
            match last(parts, key).filter(|(_, field)| !field.value.is_null()) {
                Some((part, field)) => {
                    command.extend(self.process_words(part, field.value));
                    words.extend(self.words(part, field.value));
                }
                None => {
                    let of_image = of_image.into_iter().flatten();
                    command.extend(of_image.clone().cloned().map(Knowable::Known));
                    words.extend(of_image.flat_map(|word| plain_words(word)));
                }
            }
        }
        (command, words)
    }

    /// What compose drops of texts that are written for a shell.
    fn dropped(&self, parts: &[Part]) -> Option<String> {
        let text = |key| {
            let (part, field) = last(parts, key)?;
            let text = self.text_of(part, field.value)?;
            shellwords::dropped(&text).map(str::to_owned)
        };
        let texts: Vec<String> = ["entrypoint", "command"]
            .into_iter()
            .filter_map(text)
            .collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    /// Where the command is written: of the entrypoint and the command, the one that does more than name a program.
    fn command_span(&self, parts: &[Part]) -> Option<Span> {
        let is_more = |word: &String| word.contains([' ', '=', '\n']) || word.starts_with('-');
        // What is null names no program.
        let does_more = |(part, field): &(&Part, Field<'_>)| {
            let words = self.process_words(part, field.value).into_iter();
            words
                .filter_map(|word| word.known().cloned())
                .any(|word| is_more(&word))
        };
        let keys = match last(parts, "command").is_some_and(|command| does_more(&command)) {
            true => ["command", "entrypoint"],
            false => ["entrypoint", "command"],
        };
        keys.iter().find_map(|key| key_of(parts, key))
    }

    /// What compose runs in the container besides: the hooks of all parts.
    fn hooks(&self, parts: &[Part]) -> Vec<Hook> {
        let mut hooks = Vec::new();
        for name in ["post_start", "pre_stop"] {
            for (part, field) in counting(parts, name) {
                let items = field.value.seen_items();
                let commands = items.filter_map(|item| item.get("command"));
                hooks.extend(commands.map(|field| Hook {
                    name,
                    command: self.process_words(part, field.value),
                    span: field.value.span(part.source),
                }));
            }
        }
        hooks
    }

    /// The words that a process gets: a list's items, or a text as compose splits it.
    fn process_words(&self, part: &Part, node: &Node) -> Vec<Knowable<String>> {
        let told = |node: &Node| volume::told(self, &self.documents[part.document], node);
        if node.items().is_some() {
            return node.seen_items().map(|item| told(item)).collect();
        }
        let Some(text) = node.text() else {
            return vec![told(node)];
        };
        let scope = self.documents[part.document].scope;
        let lookup = |name: &str| self.variable(scope, name).map(str::to_owned);
        text_words::words(text, &lookup)
    }

    /// Where `privileged: true` is.
    fn privileged(&self, parts: &[Part]) -> Option<Span> {
        let (part, node) = attribute(parts, "privileged")?;
        let text = self.text_of(part, node)?;
        is_on(&text).then(|| node.span(part.source))
    }

    /// One of `cap_add`, which compose adds up.
    fn capability(&self, parts: &[Part]) -> Option<(&'static str, Span)> {
        counting(parts, "cap_add").find_map(|(part, field)| {
            field.value.seen_items().find_map(|item| {
                let name = capability_of_root(&self.text_of(part, item)?)?;
                Some((name, item.span(part.source)))
            })
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

    /// A command as words: a list's items, or a text split as a shell would, quotes and operators dropped.
    /// Only used to recognise what runs.
    fn words(&self, part: &Part, node: &Node) -> Vec<String> {
        let texts: Vec<String> = match node.items() {
            Some(_) => node
                .seen_items()
                .filter_map(|item| self.text_of(part, item))
                .collect(),
            None => match self.text_of(part, node) {
                Some(text) => vec![text],
                // Compose refuses it without a value of a variable: what it has besides is there in any case.
                None => self
                    .process_words(part, node)
                    .into_iter()
                    .filter_map(Knowable::into_known)
                    .collect(),
            },
        };
        texts.iter().flat_map(|text| plain_words(text)).collect()
    }
}

/// The words of a text for a shell, without quotes and operators.
pub(crate) fn plain_words(text: &str) -> Vec<String> {
    let separator =
        |c: char| c.is_whitespace() || matches!(c, '&' | ';' | '|' | '(' | ')' | '"' | '\'');
    text.split(separator)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Adds the variables of an image. What compose sets wins, also where it takes a variable away.
fn add_image_variables(environment: &mut Vec<Variable>, of_image: Vec<Variable>) {
    for variable in of_image {
        let place = environment.binary_search_by(|known| known.name.cmp(&variable.name));
        if let Err(place) = place {
            environment.insert(place, variable);
        }
    }
}

/// Where the key is of which [`last`] finds the value, if that is not null.
fn key_of(parts: &[Part], key: &str) -> Option<Span> {
    let (part, field) = last(parts, key)?;
    (!field.value.is_null()).then(|| field.key.span(part.source))
}

/// The value of a key in the last part that has it, null included: compose forgets a command for a null.
fn last<'a>(parts: &'a [Part], key: &str) -> Option<(&'a Part, Field<'a>)> {
    let mut rest = parts;
    while let Some((part, before)) = rest.split_last() {
        rest = before;
        if let Some(field) = part.node.get(key) {
            return Some((part, field));
        }
        if part.clears(&[key]).is_some() {
            rest = left(parts, part, rest);
        }
    }
    None
}
