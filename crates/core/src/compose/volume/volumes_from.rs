//! `volumes_from`, and what is in volumes without a name. As a Docker engine was seen to do it: a tmpfs and a config that
//! is a text stay with their own service, and a volume without a name begins with what the image has there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{of_service, put};
use crate::compose::{Project, Service};
use crate::container::{Mount, MountSource};
use crate::container_path::is_below;
use crate::knowable::Knowable;
use crate::source::Span;

const FOREIGN: &str = "`volumes_from` names a container that is in none of these files";
const OF_ITS_IMAGE: &str = "`volumes_from` also brings the volumes that an image declares (`VOLUME`), and those of this one are not known";
const TOO_MANY: &str = "services take over more mounts by `volumes_from` than are followed";
const SHARED: &str =
    "it is in a volume that services share by `volumes_from`, and only docker can open it";
const FILLED: &str =
    "it is in a volume without a name, which may hold what an earlier build put there";

/// Images that declare no volume where a server looks for anything.
const IMAGES: [&str; 21] = [
    "allegroai/clearml",
    "allegroai/trains",
    "alpine",
    "bash",
    "busybox",
    "caddy",
    "clearml/server",
    "debian",
    "docker.elastic.co/elasticsearch/elasticsearch",
    "elasticsearch",
    "haproxy",
    "httpd",
    "mongo",
    "nginx",
    "node",
    "postgres",
    "python",
    "redis",
    "traefik",
    "ubuntu",
    "valkey/valkey",
];

/// Nobody takes over more in one project. Each of ten thousand services may take over what ten thousand have.
const MOST: usize = 100_000;

/// Gives every service its mounts, and what it takes over from others by `volumes_from`. What it mounts itself wins.
pub(in crate::compose) fn inherit(project: &mut Project) {
    let named = |(index, service): (usize, &'_ Service)| (service.name.clone(), index);
    let places: HashMap<String, usize> = project.services.iter().enumerate().map(named).collect();
    let services = project.services.iter();
    let sources = services.map(|service| sources(project, service, &places));
    let sources: Vec<_> = sources.collect();
    let all = sources.iter().flatten();
    let given: HashSet<usize> = all.filter_map(|(from, _)| *from).collect();
    let mut left = MOST;
    for index in order(&sources) {
        let mut volumes = mounts(project, index, &sources[index], &mut left);
        if given.contains(&index) {
            share(&mut volumes);
        }
        volumes.shrink_to_fit();
        // Nobody else has it yet.
        if let Some(container) = Arc::get_mut(&mut project.services[index].container) {
            fill(&mut volumes, &container.copies);
            container.mounts = volumes;
        }
    }
}

/// What a service takes over: from which service, none where it is another container, and where it says so.
type Source = (Option<usize>, Span);

/// All services, each after those that it takes from. A circle compose refuses.
fn order(sources: &[Vec<Source>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(sources.len());
    let mut is_met = vec![false; sources.len()];
    for start in 0..sources.len() {
        if is_met[start] {
            continue;
        }
        is_met[start] = true;
        let mut way = vec![(start, sources[start].iter())];
        while let Some((at, rest)) = way.last_mut() {
            match rest.next() {
                Some((Some(from), _)) if !is_met[*from] => {
                    is_met[*from] = true;
                    way.push((*from, sources[*from].iter()));
                }
                Some(_) => {}
                None => {
                    order.push(*at);
                    way.pop();
                }
            }
        }
    }
    order
}

/// What a service mounts, where those that it takes from have theirs.
fn mounts(project: &Project, index: usize, sources: &[Source], left: &mut usize) -> Vec<Mount> {
    let mut volumes = Vec::new();
    let mut targets = HashSet::new();
    for (from, span) in sources {
        let somewhere = |reason| Mount {
            source: Knowable::unknown(reason),
            target: Knowable::unknown(reason),
            span: *span,
            is_interpolated: false,
        };
        let Some(from) = from.map(|from| &project.services[from]) else {
            volumes.push(somewhere(FOREIGN));
            continue;
        };
        if may_declare(from) {
            volumes.push(somewhere(OF_ITS_IMAGE));
        }
        let given = from.container.mounts.iter().filter(|mount| is_given(mount));
        for mount in given {
            let Some(fewer) = left.checked_sub(1) else {
                volumes.push(somewhere(TOO_MANY));
                break;
            };
            *left = fewer;
            put(&mut volumes, &mut targets, mount.clone());
        }
    }
    for volume in of_service(project, &project.services[index].parts) {
        put(&mut volumes, &mut targets, volume);
    }
    volumes
}

/// Whether a service's image may declare a volume where a server looks for its files: one that is built, or of which nothing is
/// known.
fn may_declare(service: &Service) -> bool {
    let is_built = service.counting("build").next().is_some();
    let image = service.container.known_image();
    let is_known = image.is_some_and(|image| {
        let name = image.text.split('@').next().unwrap_or_default();
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        IMAGES.contains(&name.strip_prefix("library/").unwrap_or(name))
    });
    is_built || !is_known
}

/// Whether `volumes_from` gives it to other services. A tmpfs and what is copied into a container stay in that one.
fn is_given(mount: &Mount) -> bool {
    let source = mount.source.known();
    !matches!(source, Some(MountSource::Empty | MountSource::Text(_)))
}

/// What several containers have of one another, any of them may fill.
fn share(volumes: &mut [Mount]) {
    for volume in anonymous(volumes) {
        volume.source = Knowable::unknown(SHARED);
    }
}

/// What a build puts into a volume without a name, the next build leaves as it is.
fn fill(volumes: &mut [Mount], copies: &[Mount]) {
    let is_below = |mount: &Mount, folder: &Mount| {
        let (path, folder) = (mount.target.known(), folder.target.known());
        path.zip(folder)
            .is_none_or(|(path, folder)| is_below(path, folder))
    };
    for volume in anonymous(volumes) {
        let is_there = |copy: &Mount| is_below(copy, volume) || is_below(volume, copy);
        if copies.iter().any(is_there) {
            volume.source = Knowable::unknown(FILLED);
        }
    }
}

fn anonymous(volumes: &mut [Mount]) -> impl Iterator<Item = &mut Mount> {
    let is_one = |volume: &&mut Mount| volume.source.known() == Some(&MountSource::Anonymous);
    volumes.iter_mut().filter(is_one)
}

/// The services that `volumes_from` names; none where it is another container.
fn sources(project: &Project, service: &Service, places: &HashMap<String, usize>) -> Vec<Source> {
    let mut found = Vec::new();
    for (part, field) in service.counting("volumes_from") {
        for item in field.value.seen_items() {
            let text = project.text_of(part, item);
            let text = text.filter(|text| !text.starts_with("container:"));
            let from = text.and_then(|text| {
                let name = text.split(':').next()?;
                places.get(name).copied()
            });
            found.push((from, item.span(part.source)));
        }
    }
    found
}
