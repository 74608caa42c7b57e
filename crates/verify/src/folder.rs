//! From the compose files below a folder to the deployments that they make.
//!
//! Not every file is a deployment. Some are parts that others read (`extends`, `include`), and some only change one
//! beside them, as `docker-compose.prod.yml` does: such a file is checked merged over its base.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::is_default;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::io::read_text;

use crate::error::Error;
use crate::reader::{Reader, Target};
use crate::report::NotChecked;
use crate::walk::{Found, Manifest, Walk};
use clearml_secure_core::shell::quoted;

/// A compose file, understood.
struct Candidate {
    path: PathBuf,
    has_words: bool,
    deployment: Composed,
}

/// Every deployment below a folder, and whatever there may be one, in the order of their paths. Of a shard, those that it
/// needs.
pub(crate) fn targets(reader: &mut Reader<'_>, folder: &Path) -> Result<Vec<Target>, Error> {
    let walk = Walk::below(folder)?;
    let mut targets = not_looked_at(&walk);
    reader.remarks.extend(walk.remarks);
    let has_manifests = manifests(reader, walk.manifests, &mut targets);
    let closed = walk.closed.into_iter();
    targets.extend(closed.map(|(path, error)| Target::failed(&path, &error.into())));
    let mut candidates = Vec::new();
    let (needed, others) = needed(reader, walk.found);
    for Found {
        path, has_words, ..
    } in needed
    {
        let text = read_text(&path);
        match text.and_then(|text| reader.deployment(&path, text)) {
            Ok(deployment) => candidates.push(Candidate {
                path,
                has_words,
                deployment,
            }),
            Err(error) => targets.push(Target::failed(&path, &error.into())),
        }
    }
    drop_parts(&mut candidates);
    let (overlays, bases): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_overlay);
    let mut merged: Vec<Vec<Composed>> = bases.iter().map(|_| Vec::new()).collect();
    for overlay in overlays {
        match merge(reader, &bases, &overlay) {
            Ok(Some((base, deployment))) => merged[base].push(deployment),
            Ok(None) => {}
            Err(error) => targets.push(Target::failed(&overlay.path, &error)),
        }
    }
    for (base, merged) in bases.into_iter().zip(merged) {
        targets.extend(base.targets(merged));
    }
    targets.sort_by(|one, other| one.path().cmp(other.path()));
    let is_deployment = |target: &Target| matches!(target, Target::Deployment { .. });
    let is_there = targets.iter().any(is_deployment) || has_manifests;
    if !is_there && !is_in_others(reader, folder, &others) {
        let none = Error::NothingBelow(folder.to_owned());
        if targets.is_empty() {
            return Err(none);
        }
        targets.push(Target::failed(folder, &none));
    }
    Ok(targets)
}

/// The files that a shard needs, and the others: its own, those beside them, since one may change another, and all that may
/// read one of its.
fn needed(reader: &mut Reader<'_>, found: Vec<Found>) -> (Vec<Found>, Vec<Found>) {
    let folder = |one: &Found| one.path.parent().map(Path::to_owned);
    let ours = found.iter();
    let ours = ours.filter(|one| reader.share.takes_file(&one.path));
    let folders: HashSet<_> = ours.map(folder).collect();
    let is_needed =
        |one: &Found| reader.reads_all || one.may_read_others || folders.contains(&folder(one));
    found.into_iter().partition(is_needed)
}

/// Whether there is a deployment in the files of other shards. Only the shard of the folder has to know.
fn is_in_others(reader: &mut Reader<'_>, folder: &Path, others: &[Found]) -> bool {
    let is_ours = reader.share.has_file(folder);
    let mut is_one = |path: &Path| {
        let deployment = read_text(path).and_then(|text| reader.deployment(path, text));
        deployment.is_ok_and(|one| !one.instances.is_empty())
    };
    !others.is_empty() && (!is_ours || others.iter().any(|one| is_one(&one.path)))
}

/// Takes over the manifests, if any of them has a ClearML server. Whether one has.
fn manifests(reader: &mut Reader<'_>, all: Vec<Manifest>, targets: &mut Vec<Target>) -> bool {
    if !all.iter().any(|one| one.is_ours) {
        return false;
    }
    let mut units: HashMap<PathBuf, usize> = HashMap::new();
    for Manifest {
        path,
        text,
        is_ours,
    } in all
    {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let unit = *units.entry(folder).or_insert_with(|| reader.unit());
        match reader.add_manifests(&path, text, unit) {
            Ok(()) if is_ours => reader.of_manifests.push(path),
            Err(error) if is_ours => targets.push(Target::failed(&path, &error.into())),
            // Nobody can tell whether a server refers to what is in it; then that is not known.
            Ok(()) | Err(_) => {}
        }
    }
    true
}

/// What may hold a deployment and is not opened.
fn not_looked_at(walk: &Walk) -> Vec<Target> {
    let target = |path: &PathBuf, what: String, reason: &str| {
        let one = NotChecked {
            what,
            reason: reason.to_owned(),
            place: None,
        };
        Target::Nothing(path.clone(), vec![one])
    };
    let named = |path: &PathBuf| path.to_string_lossy().into_owned();
    let mut targets = Vec::new();
    for (path, command) in &walk.unrendered {
        let reason = format!("not rendered, so it does not tell what the servers get; {command}");
        targets.push(target(path, named(path), &reason));
    }
    for path in &walk.linked {
        let reason =
            "a linked folder with a compose file in it is not followed; name it as a target";
        targets.push(target(path, named(path), reason));
    }
    for path in &walk.deep {
        let reason = "nested too deep to be followed; name it as a target";
        targets.push(target(path, named(path), reason));
    }
    targets
}

/// Takes out the files that others read: what is in them is checked where it is used. A file that compose takes by
/// itself is a deployment all the same.
fn drop_parts(candidates: &mut Vec<Candidate>) {
    let mut parts: HashSet<PathBuf> = HashSet::new();
    for candidate in candidates.iter() {
        let deployment = &candidate.deployment;
        let given = &deployment.project.files;
        let read = deployment
            .sources
            .ids()
            .filter(|source| !given.contains(source));
        let files = read.filter_map(|source| deployment.sources.file(source));
        parts.extend(files.map(Path::to_owned));
    }
    candidates.retain(|candidate| {
        let deployment = &candidate.deployment;
        let file = deployment.sources.file(deployment.first);
        has_default_name(&candidate.path) || !file.is_some_and(|file| parts.contains(file))
    });
}

fn has_default_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(is_default)
}

/// Whether a file only changes another: compose refuses it alone, since a service has nothing to run.
fn is_overlay(candidate: &Candidate) -> bool {
    !has_default_name(&candidate.path) && candidate.deployment.project.incomplete().next().is_some()
}

impl Candidate {
    /// Whether an overlay changes services of this file, in its folder.
    fn is_base_of(&self, overlay: &Self) -> bool {
        let project = &self.deployment.project;
        let mut changed = overlay.deployment.project.incomplete();
        self.path.parent() == overlay.path.parent()
            && changed.all(|service| project.service_named(&service.name).is_some())
    }

    /// The file alone, and with each overlay of its. Where it has no server alone, it may have one with an overlay.
    fn targets(self, merged: Vec<Composed>) -> Vec<Target> {
        let path = &self.path;
        match Target::of(path, self.deployment) {
            Some(Target::Deployment { deployment, .. }) => {
                let merged = merged.into_iter().map(Into::into).collect();
                vec![Target::Deployment { deployment, merged }]
            }
            alone => {
                let with = merged.into_iter();
                let with = with.filter_map(|one| Target::of(path, one));
                let with = with.filter(|one| matches!(one, Target::Deployment { .. }));
                alone.into_iter().chain(with).collect()
            }
        }
    }
}

/// An overlay over its base, and which that is; nothing if it is none of ClearML's.
fn merge(
    reader: &mut Reader<'_>,
    bases: &[Candidate],
    overlay: &Candidate,
) -> Result<Option<(usize, Composed)>, Error> {
    let mut of_it = (0..bases.len()).filter(|base| bases[*base].is_base_of(overlay));
    let (first, second) = (of_it.next(), of_it.next());
    let has_server = |base: usize| !bases[base].deployment.instances.is_empty();
    if let (Some(base), None, false) = (first, second, reader.has_merge()) {
        let path = &bases[base].path;
        let deployment = reader.merged(path, &overlay.path)?;
        if !deployment.instances.is_empty() {
            reader.remarks.push(format!(
                "{} changes {} and is checked merged over it: clearml-verify {} --merge {}",
                overlay.path.display(),
                path.display(),
                quoted(path),
                quoted(&overlay.path)
            ));
        }
        return Ok(Some((base, deployment)));
    }
    if overlay.has_words || first.is_some_and(has_server) {
        return Err(Error::Overlay {
            path: overlay.path.clone(),
            base: first.map(|base| bases[base].path.clone()),
        });
    }
    Ok(None)
}
