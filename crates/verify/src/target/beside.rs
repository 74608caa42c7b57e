//! What compose files below a folder are to one another: deployments, parts of those beside them, or neighbours on a network.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clearml_secure_core::compose::Service;
use clearml_secure_core::container::NetworkKind;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::deployment::exposure::may_lead;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;

use crate::error::Error;
use crate::report::NotChecked;
use crate::target::loader::Loader;
use crate::target::unopened::{Target, Unopened, Way, has_default_name, is_overlay};
use crate::target::walk::Found;

/// A compose file below a folder, and what is known of it. Of one that is alone in its folder and reads no others nothing
/// has to be, before its turn comes.
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) has_words: bool,
    pub(super) named_in: Option<PathBuf>,
    pub(super) is_beside: bool,
    pub(super) surveyed: Option<Surveyed>,
}

/// What a compose file is among those beside it.
enum Role {
    /// One that is started by itself.
    Alone,
    /// It only changes these services, and compose refuses it alone.
    Changes(Vec<String>),
    /// It has no server of ClearML's, but containers that may be in the project of one that has.
    Joins {
        /// Whether compose refuses it alone.
        is_refused: bool,
    },
}

/// What others have to know of a compose file.
pub(super) struct Surveyed {
    /// Where it really is.
    pub(super) file: Option<PathBuf>,
    /// The files that it reads besides those that docker compose would be given.
    pub(super) parts: Vec<PathBuf>,
    /// Of these, those of which it takes everything.
    pub(super) included: Vec<PathBuf>,
    services: HashSet<String>,
    /// The networks of its containers, by the engine's names, and whether another project makes them.
    networks: HashMap<String, bool>,
    /// Whether it names software by which its containers may lead to others.
    may_lead: bool,
    /// The project that compose makes of it.
    project: Option<String>,
    role: Role,
    has_server: bool,
}

impl Surveyed {
    pub(super) fn of(loader: &Loader<'_>, found: &Found) -> Result<Self, CoreError> {
        // It is read again, and what is to be said is said then.
        let deployment = loader.found(&found.path, found.named_in.as_deref(), &mut Vec::new())?;
        let (project, sources) = (&deployment.project, &deployment.sources);
        let read = sources.ids().filter(|id| !project.files.contains(id));
        let name = |service: &Service| service.name.clone();
        let path = |id| sources.file(id).map(Path::to_owned);
        Ok(Self {
            file: sources.file(deployment.first).map(Path::to_owned),
            parts: read.filter_map(path).collect(),
            included: project.included().filter_map(path).collect(),
            services: project.services.iter().map(name).collect(),
            networks: networks(&deployment),
            may_lead: may_lead(sources.text(deployment.first)),
            project: project.name().map(str::to_owned),
            role: Role::of(&found.path, &deployment),
            has_server: !deployment.instances.is_empty(),
        })
    }
}

/// The networks of all containers, as far as it is known what an engine calls them.
fn networks(deployment: &Composed) -> HashMap<String, bool> {
    let containers = deployment.containers.iter();
    let networks = containers.flat_map(|one| &one.attached);
    let external = Knowable::Known(NetworkKind::External);
    let named = networks.filter_map(|one| Some((one.called.clone()?, one.kind == external)));
    named.collect()
}

impl Role {
    fn of(path: &Path, deployment: &Composed) -> Self {
        let project = &deployment.project;
        if is_overlay(path, deployment) {
            let changed = project.incomplete();
            return Self::Changes(changed.map(|service| service.name.clone()).collect());
        }
        let is_refused = !project.refused.is_empty();
        let text = deployment.sources.text(deployment.first);
        match has_default_name(path) || !deployment.instances.is_empty() {
            false if is_refused || may_lead(text) => Self::Joins { is_refused },
            _ => Self::Alone,
        }
    }
}

/// The files that are deployments, each with those beside it that only change it; and what is not known of such.
pub(super) fn with_overlays(candidates: Vec<Candidate>, loader: &Loader<'_>) -> Vec<Target> {
    let is_alone = |one: &Candidate| !one.has_role(|role| !matches!(role, Role::Alone));
    let (mut bases, others): (Vec<Candidate>, Vec<Candidate>) =
        candidates.into_iter().partition(is_alone);
    bases.retain(|one| !one.is_beside);
    let mut in_folder: HashMap<PathBuf, Vec<usize>> = HashMap::new();
    for (place, base) in bases.iter().enumerate().filter(|_| !others.is_empty()) {
        let folder = base.path.parent().unwrap_or(Path::new(""));
        in_folder.entry(folder.to_owned()).or_default().push(place);
    }
    let mut over: Vec<Vec<PathBuf>> = bases.iter().map(|_| Vec::new()).collect();
    let mut targets = Vec::new();
    let mut left = Vec::new();
    for other in others {
        let folder = other.path.parent().unwrap_or(Path::new(""));
        let beside = in_folder.get(folder).into_iter().flatten().copied();
        let mut of_it = beside.filter(|base| other.may_be_over(&bases[*base]));
        let (first, second) = (of_it.next(), of_it.next());
        let joins = other.has_role(|role| matches!(role, Role::Joins { .. }));
        let only = first.filter(|_| second.is_none() && !loader.has_merge());
        match only.filter(|base| !joins || other.is_part_of(&bases[*base], loader)) {
            Some(base) => over[base].push(other.path),
            None if joins && second.is_some() && other.is_refused() => {
                targets.push(of_several(&other));
            }
            None if joins => left.push(other),
            None => targets.extend(not_over(&other, first.map(|base| &bases[base]))),
        }
    }
    let guests = bases.iter().chain(&left);
    targets.extend(guests.filter_map(|guest| on_a_network(guest, &bases)));
    left.retain(|one| !one.is_beside);
    over.extend(left.iter().map(|_| Vec::new()));
    bases.extend(left);
    let bases = bases.into_iter().zip(over);
    targets.extend(bases.map(|(base, overlays)| {
        Target::Unopened(Unopened {
            path: base.path,
            way: Way::Found {
                has_words: base.has_words,
                overlays,
                named_in: base.named_in,
            },
        })
    }));
    targets
}

/// What is to be said of a file that only changes others, of which nothing tells which.
fn not_over(overlay: &Candidate, base: Option<&Candidate>) -> Option<Target> {
    let surveyed = base.and_then(|base| base.surveyed.as_ref());
    if !overlay.has_words && !surveyed.is_some_and(|one| one.has_server) {
        return None;
    }
    let error = Error::Overlay {
        path: overlay.path.clone(),
        base: base.map(|base| base.path.clone()),
    };
    Some(Target::failed(&overlay.path, &error))
}

/// That a file that compose refuses alone may belong to several.
fn of_several(part: &Candidate) -> Target {
    let file = part.path.to_string_lossy().into_owned();
    let reason = format!(
        "compose takes it only with another file, and several beside it may be meant; name both: clearml-verify BASE --merge {}",
        quoted(&part.path)
    );
    let one = NotChecked {
        what: file,
        reason,
        place: None,
    };
    Target::Nothing(part.path.clone(), vec![one])
}

/// That containers of another project are on a network with servers or their databases, and may lead to them.
fn on_a_network(guest: &Candidate, all: &[Candidate]) -> Option<Target> {
    let own = guest.surveyed.as_ref();
    let own = own.filter(|own| own.may_lead && !own.has_server)?;
    let shared = |host: &Surveyed| {
        let mut names = own.networks.keys();
        let name = names.find(|name| host.networks.contains_key(*name))?;
        host.has_server.then(|| name.clone())
    };
    let mut hosts = all.iter();
    let (host, network) = hosts.find_map(|host| {
        let network = shared(host.surveyed.as_ref()?)?;
        Some((host, network))
    })?;
    let reason = format!(
        "it may lead to servers and databases of {}: its containers are on their network {}, in another project; where all run: docker inspect $(docker ps -q) | clearml-verify -",
        host.path.display(),
        escape(&network)
    );
    let one = NotChecked {
        what: guest.path.to_string_lossy().into_owned(),
        reason,
        place: None,
    };
    Some(Target::Nothing(guest.path.clone(), vec![one]))
}

impl Candidate {
    fn is_refused(&self) -> bool {
        self.has_role(|role| matches!(role, Role::Joins { is_refused: true }))
    }

    fn has_role(&self, is_one: impl Fn(&Role) -> bool) -> bool {
        let surveyed = self.surveyed.as_ref();
        surveyed.is_some_and(|one| is_one(&one.role))
    }

    /// Whether it may be merged over a file beside it, by the names of their services.
    fn may_be_over(&self, base: &Self) -> bool {
        let (Some(own), Some(base)) = (&self.surveyed, &base.surveyed) else {
            return false;
        };
        match &own.role {
            Role::Alone => false,
            Role::Changes(names) => names.iter().all(|name| base.services.contains(name)),
            Role::Joins { is_refused } => {
                let is_own = |name: &String| base.networks.get(name) == Some(&false);
                let mut networks = own.networks.iter();
                let is_beside =
                    *is_refused || networks.any(|(name, external)| !external && is_own(name));
                base.has_server && is_beside && own.services.is_disjoint(&base.services)
            }
        }
    }

    /// Whether its containers are in the project of a file beside it: compose calls both the same, or takes it only with that.
    fn is_part_of(&self, base: &Self, loader: &Loader<'_>) -> bool {
        let (Some(own), Some(of_base)) = (&self.surveyed, &base.surveyed) else {
            return false;
        };
        let is_same = own.project.is_some() && own.project == of_base.project;
        let is_refused = matches!(own.role, Role::Joins { is_refused: true });
        let named_in = base.named_in.as_deref();
        let both = || loader.merged(&base.path, &self.path, named_in, &mut Vec::new());
        (is_same || is_refused) && both().is_ok_and(|both| both.project.refused.is_empty())
    }
}
