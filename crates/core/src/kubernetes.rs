//! Manifests of Kubernetes: what is rendered, what `kubectl get -o yaml` prints, and what people keep in files. What a
//! process will really be given follows from them as from a compose file (docs/clearml.md#kubernetes).
//!
//! All manifests of one run are one pool, in which references are looked up. A text may have many thousands of objects; most
//! of them are passed over before anything is built of them.

mod ahead;
mod build;
mod doubt;
mod environment;
mod expose;
mod group;
mod object;
mod patch;
mod pool;
mod read;
mod scan;
mod shown;
mod split;
mod store;
mod values;
mod volume;
mod wrapped;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::compose::Loader;
use crate::container::VariableValue;
use crate::deployment::{Deployment, Given, started};
use crate::error::Error;
use crate::helm::UnreadValue;
use crate::keyset::Keyset;
use crate::setting::{SETTINGS, Setting};
use crate::source::{Place, SourceId, Span};
use crate::version::Version;
use build::{Among, Builder};
use doubt::Outside;
use group::Groups;
use object::Object;
use pool::Pool;
pub use read::{RENDER, Reader, is_manifest};
pub use shown::is_shown;

/// The deployments that manifests describe.
pub struct Manifests {
    /// Each deployment with a ClearML server in it.
    pub deployments: Vec<Rendered>,
    /// What may run a server and is not read.
    pub unread: Vec<Unread>,
    /// What a person should know about how they were read.
    pub remarks: Vec<String>,
}

/// A deployment that manifests describe.
pub struct Rendered {
    /// What its containers are given.
    pub deployment: Deployment,
    /// Where its objects are.
    pub parts: Vec<(SourceId, Range<usize>)>,
    /// Its namespace, where one is written.
    pub namespace: Option<String>,
    /// The release of Helm that its objects name.
    pub release: Option<String>,
    /// Whether Helm made any of its objects.
    pub is_of_helm: bool,
    /// Whether the same text has another deployment.
    pub has_neighbor: bool,
    /// The values of a chart that it is made of, where it is.
    pub values: Option<Arc<Values>>,
}

/// Values of a chart, of which objects were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// Where they are, the lowest ones first.
    pub parts: Vec<(SourceId, Range<usize>)>,
    /// The kind of object that they are in, where that is one and no file.
    pub inside: Option<String>,
    /// The version of the chart.
    pub chart: Version,
    /// Values that no template reads.
    pub unread: Vec<UnreadValue>,
}

/// An object that may run a server and is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub what: String,
    /// Why it is not read, and what to do.
    pub reason: String,
}

impl Reader {
    /// The deployments of all that was added.
    ///
    /// # Errors
    /// A folder of `.conf` files that cannot be read.
    pub fn finish(mut self, config_dir: Option<&Path>) -> Result<Manifests, Error> {
        self.unwrap_values();
        let Self {
            sources,
            objects,
            others,
            patches,
            mut unread,
            mut remarks,
            charts,
            ..
        } = self;
        let pool = Pool::new(objects);
        let groups = Groups::of(&pool, &sources);
        remarks.extend(groups.remarks);
        let builder = Builder::new(&pool, &sources);
        let outside = Outside::of(&pool, &others, &sources);
        let mut deployments: Vec<Rendered> = Vec::new();
        let mut of_ours = HashSet::new();
        for group in groups.groups {
            let members: Vec<&Object> = group.iter().map(|at| &pool.objects[*at]).collect();
            let is_ours = |member: &&Object| {
                member.release.is_some()
                    || group::may_be_clearml(member, sources.text(member.source))
            };
            if members.iter().any(is_ours) {
                let made = deployment(&builder, &members, &outside, config_dir)?;
                let is_server = |made: &Rendered| !made.deployment.instances.is_empty();
                if made.as_ref().is_some_and(is_server) {
                    of_ours.extend(members.iter().map(|one| (&*one.kind, &*one.name)));
                }
                let release = members.iter().find_map(|member| member.release);
                let made = made.map(|mut made| {
                    if let Some(chart) = release.and_then(|at| charts.get(at)) {
                        made.add_values(chart);
                    }
                    made
                });
                deployments.extend(made);
            }
        }
        let mut of_text: BTreeMap<SourceId, usize> = BTreeMap::new();
        for one in &deployments {
            *of_text.entry(one.deployment.first).or_default() += 1;
        }
        for one in &mut deployments {
            one.has_neighbor = of_text
                .get(&one.deployment.first)
                .is_some_and(|count| *count > 1);
        }
        let is_beside = |patch: &Object| of_ours.contains(&(&*patch.kind, &*patch.name));
        unread.extend(patch::unread(&patches, &sources, is_beside));
        Ok(Manifests {
            deployments,
            unread,
            remarks,
        })
    }
}

impl Deployment {
    /// Takes a keyset for what Secrets hold that were not given: of each setting that a variable takes from one, the keyset's
    /// value. Which Secrets these are.
    pub fn trust(&mut self, keyset: &Keyset) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for container in &mut self.containers {
            // Nobody else has it yet.
            let Some(container) = Arc::get_mut(container) else {
                continue;
            };
            for variable in &mut container.environment {
                let VariableValue::Elsewhere(elsewhere) = &variable.value else {
                    continue;
                };
                let is_raw = |setting: &Setting| setting.raw_variable() == Some(&variable.name);
                let setting = Setting::by_variable(&variable.name)
                    .or_else(|| SETTINGS.into_iter().find(is_raw));
                let value = setting.and_then(|setting| keyset.get(setting));
                if let Some(value) = value.filter(|_| elsewhere.kind == "Secret") {
                    if !names.contains(&elsewhere.name) {
                        names.push(elsewhere.name.clone());
                    }
                    variable.value = VariableValue::Known(value.clone());
                }
            }
        }
        names
    }
}

/// The deployment of workloads that belong together; none where there is no server and nothing that may hide one.
fn deployment(
    builder: &Builder<'_>,
    members: &[&Object],
    outside: &Outside<'_>,
    config_dir: Option<&Path>,
) -> Result<Option<Rendered>, Error> {
    let mut sources = builder.sources.clone();
    let mut loader = Loader::default();
    let mut containers = Vec::new();
    let home = members.iter().find_map(|one| one.namespace.as_deref());
    let is_partly_unnamed = members.iter().any(|one| one.namespace.is_none());
    for (number, member) in members.iter().enumerate() {
        let among = Among {
            number,
            home,
            is_partly_unnamed,
        };
        for mut container in builder.containers(member, among) {
            started::hide_encrypted(&mut container);
            started::apply(&mut container, &mut loader, &mut sources);
            containers.push(Arc::new(container));
        }
    }
    let given = Given {
        first: members[0].source,
        containers,
        unseen: Vec::new(),
        config_dir,
    };
    let mut deployment = Deployment::of_containers(given, sources, &mut loader)?;
    if deployment.instances.is_empty() && deployment.unseen.is_empty() {
        return Ok(None);
    }
    if !deployment.instances.is_empty() {
        doubt::servers(&mut deployment);
        outside.others(&mut deployment);
        outside.unselected(&mut deployment, members);
    }
    let parts = members.iter().map(|one| (one.source, one.range.clone()));
    let mut parts: Vec<_> = parts.collect();
    parts.extend(stores(builder.pool, &deployment));
    // What the servers ask, or are asked by, may be of another release.
    let mut servers = deployment.instances.iter();
    let of_servers = servers.next().map(|first| {
        let pod = deployment.service(first).pod.as_ref();
        pod.and_then(|pod| pod.release.clone())
    });
    let release = of_servers.unwrap_or_else(|| {
        let mut releases = members.iter().filter_map(|one| one.release());
        releases.next().map(str::to_owned)
    });
    let is_of_helm = {
        let mut own = members
            .iter()
            .filter(|one| one.release() == release.as_deref());
        own.any(|one| one.is_of_helm())
    };
    Ok(Some(Rendered {
        deployment,
        parts,
        namespace: home.map(str::to_owned),
        release,
        is_of_helm,
        has_neighbor: false,
        values: None,
    }))
}

/// The other objects that places of a deployment are in.
fn stores(pool: &Pool, deployment: &Deployment) -> Vec<(SourceId, Range<usize>)> {
    let mut spans: Vec<Span> = Vec::new();
    for container in &deployment.containers {
        spans.extend(container.ports.iter().map(|port| port.span));
        spans.extend(container.environment.iter().map(|one| one.value_span));
        let entrances = container.pod.iter().flat_map(|pod| &pod.entrances);
        spans.extend(entrances.map(|entrance| entrance.span));
    }
    let mut parts: Vec<(SourceId, Range<usize>)> = Vec::new();
    for span in spans {
        let object = pool.at(span).filter(|object| !object.is_workload());
        let part = object.map(|object| (object.source, object.range.clone()));
        if let Some(part) = part.filter(|part| !parts.contains(part)) {
            parts.push(part);
        }
    }
    parts
}
