//! Containers that an engine has, as `docker inspect` and `podman inspect` print them: what a process was really given,
//! whatever the files say by now (docs/clearml.md#what-docker-inspect-tells).
//!
//! JSON is YAML, so the tree is read by [`crate::yaml`], and every value knows where it stands.

mod container;
mod group;
mod network;
mod ports;
mod swarm;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::compose::Loader;
use crate::deployment::{Deployment, Given, started};
use crate::error::Error;
use crate::instance::Instance;
use crate::setting::Server;
use crate::source::{Place, Sources};
use crate::yaml::below::{at, is_true, text, texts};
use crate::yaml::{self, Node};
use container::Inspected;
use group::Group;
use network::Networks;
use swarm::Swarm;

/// The deployments among the containers of an engine.
pub struct Engine {
    /// Each deployment with a ClearML server in it.
    pub deployments: Vec<Running>,
    /// How many containers do not run. What they were given makes no difference.
    pub stopped: usize,
}

/// A deployment that runs.
pub struct Running {
    /// What its containers are given.
    pub deployment: Deployment,
    /// The trees of the text.
    pub roots: Arc<[Arc<Node>]>,
    /// What docker compose has written on its containers.
    pub project: Option<ComposeProject>,
}

/// From what docker compose has made containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposeProject {
    /// Its name.
    pub name: String,
    /// The files, with their whole paths on the machine where it ran.
    pub files: Vec<PathBuf>,
    /// The env files that were named there.
    pub env_files: Vec<PathBuf>,
    /// Whether another project of the engine runs the same services, so that these do not tell the one from the other.
    pub has_twin: bool,
}

/// Whether a text is what `docker inspect` prints of containers: nothing else is JSON with these names.
pub fn is_inspected(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with(['[', '{']) && text.contains("\"Config\"") && text.contains("\"HostConfig\"")
}

/// Whether a text is what `docker ps` and `docker compose ps` print, as a table or with a line of JSON for each container. It does not
/// tell what they are given.
pub fn is_listed(text: &str) -> bool {
    let first = text.trim_start_matches('\u{feff}').lines().next();
    first.is_some_and(|line| match line.starts_with('{') {
        true => ["\"Image\"", "\"Status\""]
            .iter()
            .all(|name| line.contains(name)),
        false => {
            let columns: Vec<&str> = line.split_whitespace().collect();
            ["CONTAINER", "NAME"].contains(columns.first().unwrap_or(&""))
                && columns.contains(&"IMAGE")
        }
    })
}

impl Engine {
    /// Reads the deployments, with every mounted `.conf` that is on this machine.
    ///
    /// # Errors
    /// What is not JSON; a `.conf` that cannot be read although it is there.
    pub fn read(
        path: &Path,
        text: &Zeroizing<String>,
        config_dir: Option<&Path>,
    ) -> Result<Self, Error> {
        let roots: Arc<[Arc<Node>]> = trees(path, text)?.into();
        let mut objects: Vec<&Arc<Node>> = Vec::new();
        for root in roots.iter() {
            match root.items() {
                Some(items) => objects.extend(items),
                None => objects.push(root),
            }
        }
        let objects = latest(objects);
        let networks = Networks::of(&objects);
        let swarm = Swarm::of(&objects);
        let all = objects.iter().copied().filter_map(Inspected::of);
        let (running, stopped): (Vec<_>, Vec<_>) = all.partition(|one| one.is_running);
        let running = without_replicas(running);
        let (mut sources, mut loader) = (Sources::new(), Loader::default());
        let first = loader.give(&mut sources, path, text.clone());
        let read = |group: &Group| {
            let (mut sources, mut loader) = (sources.clone(), loader.clone());
            let mut containers = Vec::new();
            let members: Vec<_> = group.members.iter().map(|at| &running[*at]).collect();
            for one in &members {
                let mut container = one.container(&running, &members, (&networks, &swarm));
                started::apply(&mut container, &mut loader, &mut sources);
                containers.push(Arc::new(container));
            }
            let given = Given {
                first,
                containers,
                unseen: Vec::new(),
                config_dir,
            };
            Deployment::of_containers(given, sources, &mut loader)
        };
        let mut found = Vec::new();
        for group in group::all(&running) {
            let deployment = read(&group)?;
            let servers = deployment.instances.iter();
            let servers = servers.map(|one| group.members[one.service]).collect();
            found.push((group, deployment, servers));
        }
        let mut deployments = Vec::new();
        for (group, deployment, is_changed) in joined(found, &running) {
            let deployment = match is_changed {
                true => read(&group)?,
                false => deployment,
            };
            if !deployment.instances.is_empty() || !deployment.unseen.is_empty() {
                deployments.push(Running {
                    deployment,
                    roots: Arc::clone(&roots),
                    project: group.project,
                });
            }
        }
        let services: Vec<_> = deployments.iter().map(services).collect();
        for (at, own) in services.iter().enumerate() {
            let has_twin = services.iter().filter(|other| *other == own).count() > 1;
            if let Some(project) = &mut deployments[at].project {
                project.has_twin = has_twin;
            }
        }
        Ok(Self {
            deployments,
            stopped: stopped.len(),
        })
    }
}

/// Those of which each is something else: of a swarm's service, one of the containers that were given the same.
fn without_replicas(running: Vec<Inspected<'_>>) -> Vec<Inspected<'_>> {
    let mut kept: Vec<Inspected<'_>> = Vec::new();
    let mut known: HashMap<&str, Vec<usize>> = HashMap::new();
    for one in running {
        let of_service = one.of_swarm().map(|id| known.entry(id).or_default());
        let mut before = of_service.iter().flat_map(|of_service| of_service.iter());
        if before.any(|at| kept[*at].is_given_the_same(&one)) {
            continue;
        }
        of_service.into_iter().for_each(|all| all.push(kept.len()));
        kept.push(one);
    }
    kept
}

/// A group, what is known of it, and its servers by their places among all containers.
type Found = (Group, Deployment, Vec<usize>);

/// A group without servers of its own: its containers, and with them what is near.
struct Guest {
    at: usize,
    own: Vec<usize>,
    near: Vec<usize>,
}

/// Puts to each group with servers of its own what it reaches of others: groups without such, as a proxy of another project leads to
/// its servers, and others of that project to the proxy; and whatever publishes a port of the host that its servers are told. Which
/// groups have changed by it.
fn joined(mut found: Vec<Found>, running: &[Inspected<'_>]) -> Vec<(Group, Deployment, bool)> {
    let own = |group: &Group| group.members[..group.own].to_vec();
    let is_served = |(group, _, servers): &Found| {
        let own = &group.members[..group.own];
        servers.iter().any(|server| own.contains(server))
    };
    let served: Vec<bool> = found.iter().map(is_served).collect();
    let is_elsewhere: HashSet<usize> = { found.iter().zip(&served) }
        .filter(|(_, is_served)| **is_served)
        .flat_map(|((group, ..), _)| own(group))
        .collect();
    let is_guest = |at: &usize| {
        let (_, _, servers) = &found[*at];
        !served[*at] && servers.iter().all(|server| is_elsewhere.contains(server))
    };
    let guest = |at: usize| Guest {
        at,
        own: own(&found[at].0),
        near: found[at].0.members.clone(),
    };
    let guests = (0..found.len()).filter(is_guest);
    let guests: Vec<Guest> = guests.map(guest).collect();
    let mut taken = HashSet::new();
    let mut changed = vec![false; found.len()];
    for (at, (group, deployment, _)) in found.iter_mut().enumerate() {
        if !served[at] {
            continue;
        }
        let before = group.members.len();
        let mut joined = own(group);
        let mut left: Vec<&Guest> = guests.iter().collect();
        let is_near = |group: &Group, joined: &[usize], guest: &Guest| {
            guest.own.iter().any(|one| group.members.contains(one))
                || guest.near.iter().any(|one| joined.contains(one))
        };
        while let Some(next) = { left.iter() }.position(|guest| is_near(group, &joined, guest)) {
            let guest = left.remove(next);
            taken.insert(guest.at);
            joined.extend(&guest.own);
            add(group, guest.own.clone());
        }
        let ports = deployment.ports_of_the_host();
        let asked = running.iter().enumerate();
        let asked =
            asked.filter(|(one, other)| !is_elsewhere.contains(one) && other.publishes(&ports));
        add(group, asked.map(|(one, _)| one).collect());
        changed[at] = group.members.len() > before;
    }
    let kept = found.into_iter().zip(changed).enumerate();
    let kept = kept.filter(|(at, _)| !taken.contains(at));
    kept.map(|(_, ((group, deployment, _), is_changed))| (group, deployment, is_changed))
        .collect()
}

/// Adds to a group those that are not in it yet.
fn add(group: &mut Group, others: Vec<usize>) {
    for one in others {
        if !group.members.contains(&one) {
            group.members.push(one);
        }
    }
}

/// What was printed last of each: what is appended to a file is newer than what it had.
fn latest(objects: Vec<&Arc<Node>>) -> Vec<&Arc<Node>> {
    let mut known = BTreeSet::new();
    let mut kept: Vec<&Arc<Node>> = Vec::new();
    for object in objects.into_iter().rev() {
        let id = text(object, &["Id"]).or_else(|| text(object, &["ID"]));
        // Somebody may have put the same for every id.
        let name = text(object, &["Name"]);
        if id.is_none_or(|id| known.insert((id, name))) {
            kept.push(object);
        }
    }
    kept.reverse();
    kept
}

/// The servers that run, with the services of which they are.
fn services(running: &Running) -> BTreeSet<(Server, Option<String>)> {
    let instances = running.deployment.instances.iter();
    let service = |instance: &Instance| {
        let container = running.deployment.service(instance);
        let made = container.made.as_ref();
        (instance.server, made.and_then(|made| made.service.clone()))
    };
    instances.map(service).collect()
}

/// The trees of all that was printed: an array for each `docker inspect`, an object for each line of `--format`.
fn trees(path: &Path, text: &str) -> Result<Vec<Arc<Node>>, Error> {
    yaml::parse_json(path, text).map_err(|error| match error {
        Error::Yaml { place, message } => refused(place, message),
        other => other,
    })
}

fn refused(place: Place, message: String) -> Error {
    Error::Compose {
        place,
        message,
        help: Some("print it again: docker inspect $(docker ps -q) | clearml-verify -".to_owned()),
    }
}
