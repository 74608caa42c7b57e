//! Tags that Docker Compose does not apply in every run. It takes the services of a file in an order that changes, and what
//! `!reset` and `!override` take away of what a service inherits is there or not, as it happens, where a third service of
//! the file extends that one: at both, and at all that extend them in turn. Where what is inherited is in another
//! file, the service itself is read in one way, and those that extend it are not.
//!
//! Found by running Docker Compose 2.40.3 many times over the same files: `tests/tests/unsteady.rs`.

use std::collections::{BTreeSet, HashSet};

use super::attribute::{attribute, counting};
use super::{DocumentId, Part, Project};
use crate::container::{Variable, VariableValue};
use crate::knowable::Reason;
use crate::source::Span;
use crate::unseen::{Hides, Unseen};

const WHY: &str = "docker compose does not apply `!reset` and `!override` in every run where another service extends the one that has them; extend a service without such tags";

/// Keys that change nothing of what a server reads, who reaches it, or what its container may do; and those of variables, which
/// are compared one by one.
const PASSED_OVER: [&str; 36] = [
    "annotations",
    "attach",
    "blkio_config",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "depends_on",
    "env_file",
    "environment",
    "extends",
    "healthcheck",
    "init",
    "logging",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "oom_kill_disable",
    "oom_score_adj",
    "pids_limit",
    "pull_policy",
    "restart",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tty",
    "ulimits",
];
/// Keys that only say who reaches a container.
const OF_PORTS: [&str; 5] = ["expose", "labels", "network_mode", "networks", "ports"];
/// Keys whose lists are one value, of which the last part counts.
const COMMANDS: [&str; 2] = ["command", "entrypoint"];

impl Project {
    /// A service's parts as compose reads them in other runs; none where it reads them in one way.
    pub(super) fn in_other_runs(&self, name: &str, parts: &[Part]) -> Option<Vec<Part>> {
        let mut other = parts.to_vec();
        for part in &mut other {
            part.ignores_tags = self.is_unsteady(name, part);
        }
        other.iter().any(|part| part.ignores_tags).then_some(other)
    }

    /// Whether the tags of a part may not be applied for a service.
    fn is_unsteady(&self, name: &str, part: &Part) -> bool {
        let Some(extends) = part.node.get("extends") else {
            return false;
        };
        // What another file has that only `extends` names is read in one way.
        if extends.value.is_null() || !self.order.contains(&part.document) {
            return false;
        }
        let is_of_file = extends.value.get("file").is_some();
        (part.service != name || !is_of_file)
            && has_tag(part)
            && self.extended(part.document).contains(&part.service)
    }

    /// The services that others of the same document extend.
    fn extended(&self, document: DocumentId) -> &HashSet<String> {
        let document = &self.documents[document];
        let from = |(heir, named): (&String, &super::NamedNode)| {
            let node = named.node.get("extends")?.value;
            let from = match node.get("service") {
                Some(_) if node.get("file").is_some() => None,
                Some(service) => self.interpolated(document.scope, service.value),
                None => self.interpolated(document.scope, node),
            };
            from.filter(|from| from != heir)
        };
        let all = || document.services.iter().filter_map(from).collect();
        document.extended.get_or_init(all)
    }

    /// Says which keys of a service differ from run to run. Variables are compared one by one.
    pub(super) fn note_unsteady(&mut self, name: &str, parts: &[Part], other: &[Part]) {
        let keys = parts.iter().flat_map(|part| {
            let said = part.node.fields().into_iter();
            let said = said.filter_map(|field| Some(field.key.scalar()?.text()));
            let taken = part.clears_below(&[]).into_iter();
            said.chain(taken.filter_map(|path| path.split('.').next()))
        });
        let keys: BTreeSet<&str> = keys.collect();
        let differing = |key: &&str| {
            let last =
                |parts: &[Part]| attribute(parts, key).map(|(part, node)| node.span(part.source));
            let count = |parts: &[Part]| counting(parts, key).count();
            let adds_up = attribute(parts, key).is_some_and(|(_, node)| node.scalar().is_none())
                && !COMMANDS.contains(key);
            let is_tagged = || {
                let mut unsteady = unsteady(parts, other);
                unsteady.any(|part| {
                    part.clears(&[key]).is_some() || !part.clears_below(&[key]).is_empty()
                })
            };
            !PASSED_OVER.contains(key)
                && (last(parts) != last(other)
                    || adds_up && (count(parts) != count(other) || is_tagged()))
        };
        for key in keys.into_iter().filter(differing) {
            let hides = match OF_PORTS.contains(&key) {
                true => Hides::Port,
                false => Hides::Anything,
            };
            self.unseen.push(Unseen {
                what: format!("`{key}`"),
                hides,
                reason: WHY.to_owned(),
                service: Some(name.to_owned()),
                span: tag(parts, other, key),
            });
        }
    }
}

/// Whether a part has one of compose's tags.
fn has_tag(part: &Part) -> bool {
    part.clears(&[]).is_some() || !part.clears_below(&[]).is_empty()
}

/// The parts of which the tags are not applied in some runs.
fn unsteady<'a>(parts: &'a [Part], other: &'a [Part]) -> impl DoubleEndedIterator<Item = &'a Part> {
    let both = parts.iter().zip(other);
    both.filter_map(|(part, other)| other.ignores_tags.then_some(part))
}

/// Where a key is written that has the tag.
fn tag(parts: &[Part], other: &[Part], key: &str) -> Option<Span> {
    let tagged = { unsteady(parts, other) }
        .rev()
        .find_map(|part| Some((part, part.clears(&[key])?)));
    let (part, cleared) = tagged?;
    Some(Span {
        source: part.source,
        start: cleared.key.start,
        end: cleared.key.end,
    })
}

/// Puts variables together that differ from run to run; both lists are sorted by name.
pub(super) fn put_together(variables: &mut Vec<Variable>, others: Vec<Variable>) {
    let of_all_runs = |one: &Variable, other: &Variable| match (&one.value, &other.value) {
        (VariableValue::Known(one), VariableValue::Known(other)) => one == other,
        _ => one.value_span == other.value_span,
    };
    for variable in &mut *variables {
        let same = others.iter().find(|other| other.name == variable.name);
        if !same.is_some_and(|other| of_all_runs(variable, other)) {
            variable.value = VariableValue::Unknown(Reason::from(WHY));
        }
    }
    for mut other in others {
        let place = variables.binary_search_by(|known| known.name.cmp(&other.name));
        if let Err(place) = place {
            other.value = VariableValue::Unknown(Reason::from(WHY));
            variables.insert(place, other);
        }
    }
}
