//! What a container's own configuration tells of the ways through it.

use super::files::Files;
use super::hop::Rule;
use super::spoken::{Spoken, spoken};
use super::tunnel::Told;
use super::variables::Variables;
use super::{anywhere, mention, proxy, stunnel, tunnel};
use crate::container::Container;

/// What a container's configuration tells of whom it passes on to.
pub(super) struct Reading<'a> {
    pub(super) files: Files,
    pub(super) variables: Variables<'a>,
    pub(super) rules: Vec<Rule>,
    /// What it speaks with those who come in, where an address is all that is known.
    pub(super) spoken: Spoken,
    /// Whether the configuration of a proxy in it is here.
    is_proxy: bool,
    /// How much is read of the tunnels in it.
    pub(super) tunnels: Extent,
    /// Whether what it listens at is what the rules say.
    pub(super) is_known: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Nothing,
    Part,
    All,
}

impl<'a> Reading<'a> {
    pub(super) fn of(container: &'a Container) -> Self {
        let variables = Variables::of(container);
        // What is mounted into anything else may be a whole disk, and says nothing.
        let has_files = proxy::may_be_one(container)
            || mention::is_forwarder(container)
            || anywhere::has_name(container);
        let files = match has_files {
            true => Files::of(container),
            false => Files::default(),
        };
        let of_proxy = proxy::rules(container, &files, &variables);
        let is_proxy = of_proxy.is_some();
        let sections = stunnel::rules(container, &files, &variables);
        let is_read =
            !proxy::is_hidden(container, &files) && !proxy::is_told_otherwise(container, &files);
        let is_known = !sections.is_empty() || is_proxy && is_read;
        let spoken = spoken(container, &files, &variables);
        let (tunnels, of_tunnels) = match tunnel::told(container, &files, spoken, &variables) {
            Told::Nothing => (Extent::Nothing, Vec::new()),
            Told::Part => (Extent::Part, Vec::new()),
            Told::All(rules) => (Extent::All, rules),
        };
        let rules = of_proxy.into_iter().flatten();
        let rules = rules
            .chain(mention::socat(container, &variables))
            .chain(sections);
        Self {
            rules: rules.chain(of_tunnels).collect(),
            files,
            variables,
            spoken,
            is_proxy,
            tunnels,
            is_known,
        }
    }

    /// Whether it tells nothing, not even that there is no way.
    pub(super) fn is_silent(&self) -> bool {
        self.rules.is_empty() && !self.is_proxy && self.tunnels != Extent::All
    }
}
