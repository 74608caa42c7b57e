//! From a deployment and a keyset to edits. Pure: no file is read or written here.
//!
//! First [`wanted`] decides which variable of which service gets which value. A value that stands in the file
//! is replaced where it stands, if everybody who gets it from there is meant to have the new one. All others
//! are added to the service's own `environment`, in whatever shape that is ([`container`]).

mod container;
mod indent;
mod overlay;
mod ports;
mod slot;
mod value;
mod wanted;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use clearml_secure_core::compose::Service;
use clearml_secure_core::container::{Origin, Variable};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::instance::Instance;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::{Place, SourceId, Span};
use clearml_secure_core::version::Version;
use clearml_secure_core::yaml::{Node, Value};
use zeroize::Zeroizing;

use slot::{Slot, Slots};
use wanted::{OfServices, Wanted};

pub(crate) use ports::{IntendedPort, Ports, is_bound};

/// What is asked for beside the keyset.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    /// What is to become of the ports.
    pub ports: Ports,
    /// The values are to stand in an env file.
    pub is_apart: bool,
    /// The file stays as it is, and a document is merged over it.
    pub is_overlay: bool,
}

/// What to do to the file, and what to say about it.
pub(crate) struct Plan {
    /// Replacements of byte ranges, sorted, none overlapping another.
    pub edits: Vec<Edit>,
    /// The document that is merged over the file instead.
    pub overlay: Option<Zeroizing<String>>,
    /// Every variable that is to have a value, changed or not.
    pub intended: Vec<Intended>,
    /// Every place that is to say something else about ports.
    pub ports: Vec<IntendedPort>,
    /// Every variable of the env file that the compose file takes a value from.
    pub taken: Vec<(String, Secret)>,
    /// Settings of the keyset that no server of the deployment reads.
    pub unused: Vec<Unused>,
}

/// A setting of the keyset that no server of the deployment reads.
pub(crate) struct Unused {
    /// The setting.
    pub setting: Setting,
    /// The API server's version, which does not know it; none where there is no API server.
    pub version: Option<Version>,
}

impl Plan {
    /// Whether all is as it was asked for.
    pub(crate) fn is_idle(&self) -> bool {
        self.edits.is_empty()
            && self.ports.is_empty()
            && self.intended.iter().all(|one| one.change == Change::Kept)
    }
}

/// One variable of one service, and what the container is to get.
pub(crate) struct Intended {
    /// The service's name.
    pub service: String,
    /// The variable's name, as it stands or will stand.
    pub name: String,
    /// What the compose file says, before YAML's quotes.
    pub written: Zeroizing<String>,
    /// The setting; none for what else an API server reads.
    pub setting: Option<Setting>,
    /// What is done.
    pub change: Change,
}

/// What is done to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It was not there, or only by way of something shared with others.
    Added,
    /// It has the value already.
    Kept,
    /// It stands there with another value.
    Replaced,
}

impl Intended {
    fn of(one: &Wanted, service: &Service, stands: bool) -> Self {
        let found = variable(service, &one.name);
        Self {
            service: service.name.clone(),
            name: one.name.clone(),
            written: one.written.clone(),
            setting: one.setting,
            change: if one.has(found) && one.is_right(found) {
                Change::Kept
            } else if stands || one.is_right(found) {
                Change::Replaced
            } else {
                Change::Added
            },
        }
    }
}

fn variable<'a>(service: &'a Service, name: &str) -> Option<&'a Variable> {
    let mut variables = service.environment.iter();
    variables.find(|variable| variable.name == name)
}

/// Why a file cannot be edited.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// Where.
    pub place: Place,
    /// Why.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The file that is edited, and what all steps need to know of it.
struct Target<'a> {
    deployment: &'a Deployment,
    source: SourceId,
    text: &'a str,
    wanted: &'a OfServices,
    /// Nodes that an alias stands for.
    aliased: HashSet<*const Node>,
    /// Single values that an alias stands for: where each stands, and where it is used again.
    aliased_values: HashMap<usize, Vec<usize>>,
    /// Anchors of the file, so that a new one has a new name.
    anchors: HashSet<String>,
    /// Environments that were set apart from what their service adds, and their anchors.
    set_apart: Vec<(Arc<Node>, String)>,
    /// Aliases of lists.
    list_aliases: Vec<Arc<Node>>,
    /// Lists that were changed for their own service alone: all others get a copy of what was there.
    split_lists: Vec<Arc<Node>>,
    /// New texts of items that all who have them are to get, by the item's first byte.
    new_items: HashMap<usize, Zeroizing<String>>,
    /// Aliases, by their first byte, that were written out.
    written_out: HashSet<usize>,
    /// Services, by name, that got an `environment` of their own or already had one that was changed.
    edited: HashSet<String>,
}

/// For every variable that is written in a file, by its first byte: what each service that gets it from there is meant to
/// have.
type Standing = HashMap<(SourceId, usize), Vec<Option<Wanted>>>;

/// Works out the edits of the deployment's first file.
///
/// # Errors
/// A shape that cannot be edited without changing what others get; the reason says what to do.
pub(crate) fn plan(
    deployment: &Deployment,
    keyset: &Keyset,
    asked: Asked,
) -> Result<Plan, Refusal> {
    let document = &deployment.project.documents[0];
    let (wanted, taken) = wanted::wanted(deployment, keyset, asked.is_apart)?;
    let mut target = Target {
        deployment,
        source: document.source,
        text: deployment.sources.text(document.source),
        wanted: &wanted,
        aliased: HashSet::new(),
        aliased_values: HashMap::new(),
        anchors: HashSet::new(),
        set_apart: Vec::new(),
        list_aliases: Vec::new(),
        split_lists: Vec::new(),
        new_items: HashMap::new(),
        written_out: HashSet::new(),
        edited: HashSet::new(),
    };
    if asked.is_overlay {
        let overlay = overlay::plan(&target, asked.ports)?;
        return Ok(Plan {
            edits: Vec::new(),
            overlay: Some(overlay.text),
            intended: overlay.intended,
            ports: overlay.ports,
            taken,
            unused: unused(deployment, keyset),
        });
    }
    let documents = deployment.project.documents.iter();
    let roots: Vec<&Arc<Node>> = documents
        .filter(|document| document.source == target.source)
        .map(|document| &document.root)
        .collect();
    for root in &roots {
        target.note_aliases(root);
    }
    let standing = standing(deployment, &wanted);
    let mut edits = Edits::default();
    // First, because a line that both add behind belongs to the ports before it.
    let ports = ports::plan(&target, asked.ports, &mut edits)?;
    let mut written = Written::of(&target, &roots, &standing);
    let mut intended = Vec::new();
    for (service, variables) in &wanted {
        let service = &deployment.project.services[*service];
        let additions =
            written.replace(&mut target, service, variables, &mut intended, &mut edits)?;
        if !additions.is_empty() {
            container::add(&mut target, service, &additions, &mut edits)?;
        }
    }
    container::keep_heirs(&target, &mut edits);
    for start in &written.values {
        target.refuse_other_users(*start, &written.values)?;
    }
    Ok(Plan {
        edits: edits.in_order(),
        overlay: None,
        intended,
        ports,
        taken,
        unused: unused(deployment, keyset),
    })
}

/// For every variable that is written in a file: the services that get it from there.
fn standing(deployment: &Deployment, wanted: &OfServices) -> Standing {
    let mut standing = Standing::new();
    let names: HashSet<&String> = wanted.values().flatten().map(|one| &one.name).collect();
    for (index, service) in deployment.project.services.iter().enumerate() {
        for variable in service.environment.iter().filter(|variable| {
            names.contains(&variable.name) && variable.origin == Origin::Environment
        }) {
            let of_service = wanted.get(&index).map(Vec::as_slice).unwrap_or_default();
            let meant = of_service
                .iter()
                .find(|one| one.name == variable.name)
                .cloned();
            let at = (variable.span.source, variable.span.start);
            standing.entry(at).or_default().push(meant);
        }
    }
    standing
}

/// What is replaced where it is written.
struct Written<'a> {
    standing: &'a Standing,
    slots: Slots,
    /// First bytes of variables that have their new values.
    done: HashSet<usize>,
    /// First bytes of these values.
    values: HashSet<usize>,
}

impl<'a> Written<'a> {
    fn of(target: &Target<'_>, roots: &[&Arc<Node>], standing: &'a Standing) -> Self {
        let starts = standing
            .keys()
            .filter(|(source, _)| *source == target.source);
        let starts = starts.map(|(_, start)| *start).collect();
        let mut slots = Slots::new();
        for root in roots {
            slot::note(root, &starts, &mut slots);
        }
        Self {
            standing,
            slots,
            done: HashSet::new(),
            values: HashSet::new(),
        }
    }

    /// Replaces what can be where it is written, and returns what has to be added to the service.
    fn replace(
        &mut self,
        target: &mut Target<'_>,
        service: &Service,
        variables: &[Wanted],
        intended: &mut Vec<Intended>,
        edits: &mut Edits,
    ) -> Result<Vec<Wanted>, Refusal> {
        let mut slots: Vec<Option<Slot>> = variables
            .iter()
            .map(|one| self.slot(target, service, one))
            .collect();
        let is_wrong = |one: &Wanted| !one.is_right(variable(service, &one.name));
        let mut pairs = variables.iter().zip(&slots);
        if pairs.any(|(one, slot)| slot.is_none() && is_wrong(one)) {
            // The service gets a list of its own, in which all that it is to have is written anew.
            for (slot, one) in slots.iter_mut().zip(variables) {
                if slot.as_ref().is_some_and(Slot::is_item)
                    && slot::own(target, service, &one.name).is_none()
                {
                    *slot = None;
                }
            }
        }
        let mut additions = Vec::new();
        for (one, slot) in variables.iter().zip(slots) {
            intended.push(Intended::of(one, service, slot.is_some()));
            match slot {
                _ if !is_wrong(one) => {}
                Some(slot) => self.set(target, service, one, &slot, edits)?,
                None => additions.push(one.clone()),
            }
        }
        Ok(additions)
    }

    /// Where the variable's value may be replaced: everybody who gets it from there is meant to have the same, or gets
    /// a copy of what was there.
    fn slot(&self, target: &Target<'_>, service: &Service, one: &Wanted) -> Option<Slot> {
        let own = slot::own(target, service, &one.name);
        if let Some(own) = own.filter(|own| own.is_item() || self.agree(target, own.start(), one)) {
            return Some(own);
        }
        let found = variable(service, &one.name)?;
        let is_here = found.origin == Origin::Environment && found.span.source == target.source;
        let start = found.span.start;
        let slot = self.slots.get(&start).filter(|_| is_here)?;
        self.agree(target, start, one).then(|| slot.clone())
    }

    /// Whether all who get what starts at a byte are meant to have this.
    fn agree(&self, target: &Target<'_>, start: usize, one: &Wanted) -> bool {
        let takers = self.standing.get(&(target.source, start));
        takers
            .into_iter()
            .flatten()
            .all(|meant| meant.as_ref().is_some_and(|meant| meant.is_same(one)))
    }

    fn set(
        &mut self,
        target: &mut Target<'_>,
        service: &Service,
        one: &Wanted,
        slot: &Slot,
        edits: &mut Edits,
    ) -> Result<(), Refusal> {
        if self.agree(target, slot.start(), one) {
            if slot.is_item() {
                target.new_items.insert(slot.start(), slot.text_for(one));
            }
        } else {
            container::split_list(target, service, one)?;
        }
        if let Some(double) = slot::double(target, service, slot, one) {
            return Err(target.refuse(
                double,
                format!("this item would be in the list twice with {} as it is to be, which compose refuses", one.name),
                "remove this line, then run this again",
            ));
        }
        if self.done.insert(slot.start()) && !slot.says(one) {
            self.values.insert(slot.value_start());
            slot.set(target, one, edits);
        }
        Ok(())
    }
}

fn unused(deployment: &Deployment, keyset: &Keyset) -> Vec<Unused> {
    let mut unused = Vec::new();
    for setting in clearml_secure_core::setting::SETTINGS {
        if keyset.get(setting).is_none()
            || deployment
                .instances
                .iter()
                .any(|instance| instance.reads(setting))
        {
            continue;
        }
        let apiserver = deployment.of(Server::Apiserver).next();
        let version = apiserver.and_then(Instance::known_version);
        unused.push(Unused { setting, version });
    }
    unused
}

impl Target<'_> {
    /// Whether a service, by its place in the project, is to have a variable of this very value.
    fn is_wanted(&self, service: usize, variable: &Wanted) -> bool {
        let of_service = self.wanted.get(&service);
        of_service.is_some_and(|ones| ones.iter().any(|one| one.is_same(variable)))
    }

    fn note_aliases(&mut self, node: &Arc<Node>) {
        if let Some((name, _)) = node.anchor() {
            self.anchors.insert(name.to_owned());
        }
        match &node.value {
            Value::Alias(shared) => {
                self.aliased.insert(Arc::as_ptr(shared));
                if matches!(shared.value, Value::Sequence(..)) {
                    self.list_aliases.push(Arc::clone(node));
                }
                if matches!(shared.value, Value::Scalar(_)) {
                    let uses = self
                        .aliased_values
                        .entry(shared.span(self.source).start)
                        .or_default();
                    uses.push(node.span(self.source).start);
                }
            }
            Value::Mapping(_, entries) => {
                for entry in entries {
                    self.note_aliases(&entry.key);
                    self.note_aliases(&entry.value);
                }
            }
            Value::Sequence(_, items) => {
                for item in items {
                    self.note_aliases(item);
                }
            }
            Value::Scalar(_) => {}
        }
    }

    /// A value with an anchor may only be replaced if everybody who uses it again gets a new one as well.
    fn refuse_other_users(&self, start: usize, replaced: &HashSet<usize>) -> Result<(), Refusal> {
        let users = self.aliased_values.get(&start);
        let mut users = users.into_iter().flatten();
        match users.find(|user| !replaced.contains(user)) {
            Some(user) => Err(self.refuse(
                *user,
                "this is an alias of a value that is to be replaced, and would change with it",
                "write the value here instead of the alias",
            )),
            None => Ok(()),
        }
    }

    fn refuse(&self, at: usize, message: impl Into<String>, help: impl Into<String>) -> Refusal {
        let span = Span {
            source: self.source,
            start: at,
            end: at,
        };
        Refusal {
            place: self.deployment.sources.place(span),
            message: message.into(),
            help: help.into(),
        }
    }
}
