//! `volumes_from`, and what is in volumes without a name. As a Docker engine was seen to do it: a tmpfs and a config that
//! is a text stay with their own service, and a volume without a name begins with what the image has there.

use std::collections::HashSet;
use std::sync::Arc;

use super::{of_service, put};
use crate::compose::{Project, Service};
use crate::container::{Mount, MountSource};
use crate::container_path::is_below;
use crate::knowable::Knowable;
use crate::source::Span;

const FOREIGN: &str = "`volumes_from` names a container that is in none of these files";
const OF_ITS_IMAGE: &str = "`volumes_from` also brings the volumes that an image declares (`VOLUME`), and those of this one are not known";
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

/// Gives every service its mounts, and what it takes over from others by `volumes_from`. What it mounts itself wins.
pub(in crate::compose) fn inherit(project: &mut Project) {
    let services = project.services.iter();
    let sources: Vec<_> = services.map(|service| sources(project, service)).collect();
    let all = sources.iter().flatten();
    let given: HashSet<usize> = all.filter_map(|(from, _)| *from).collect();
    for index in 0..project.services.len() {
        let mut taking = Taking {
            project,
            sources: &sources,
            around: Vec::new(),
            volumes: Vec::new(),
            targets: HashSet::new(),
        };
        taking.take(index);
        let mut volumes = taking.volumes;
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

/// What one service takes over from others.
struct Taking<'a> {
    project: &'a Project,
    sources: &'a [Vec<(Option<usize>, Span)>],
    /// The services on the way to this one.
    around: Vec<usize>,
    volumes: Vec<Mount>,
    targets: HashSet<String>,
}

impl Taking<'_> {
    fn take(&mut self, index: usize) {
        self.around.push(index);
        for (from, span) in &self.sources[index] {
            let somewhere = |reason| Mount {
                source: Knowable::unknown(reason),
                target: Knowable::unknown(reason),
                span: *span,
                is_interpolated: false,
            };
            match from {
                Some(other) if self.around.contains(other) => {}
                Some(other) => {
                    if may_declare(&self.project.services[*other]) {
                        self.volumes.push(somewhere(OF_ITS_IMAGE));
                    }
                    self.take(*other);
                }
                None => self.volumes.push(somewhere(FOREIGN)),
            }
        }
        self.around.pop();
        let mut own = of_service(self.project, &self.project.services[index].parts);
        if !self.around.is_empty() {
            own.retain(is_given);
            share(&mut own);
        }
        for volume in own {
            put(&mut self.volumes, &mut self.targets, volume);
        }
    }
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
fn sources(project: &Project, service: &Service) -> Vec<(Option<usize>, Span)> {
    let mut found = Vec::new();
    for (part, field) in service.counting("volumes_from") {
        for item in field.value.seen_items() {
            let text = project.text_of(part, item);
            let text = text.filter(|text| !text.starts_with("container:"));
            let from = text.and_then(|text| {
                let name = text.split(':').next()?;
                project.services.iter().position(|other| other.name == name)
            });
            found.push((from, item.span(part.source)));
        }
    }
    found
}
