//! From the compose files below a folder to the deployments that they make.
//!
//! Not every file is a deployment. Some are parts that others read (`extends`, `include`), and some only change one
//! beside them, as `docker-compose.prod.yml` does: such a file is checked merged over its base.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clearml_secure_core::compose::Service;
use clearml_secure_core::compose::files::merged_over;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::deployment::exposure::may_lead;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::helm;
use clearml_secure_core::io::{entries, is_link, read_text};

use crate::cli::Cli;
use crate::error::Error;
use crate::report::NotChecked;
use crate::run::crew;
use crate::target::arguments::identity;
use crate::target::launcher::Launcher;
use crate::target::loader::Loader;
use crate::target::reader::Reader;
use crate::target::shard::Share;
use crate::target::unopened::{Folder, Target, Unopened, Way, has_default_name, is_overlay};
use crate::target::walk::{Found, Manifest, Walk, listed};
use clearml_secure_core::shell::quoted;
use zeroize::Zeroizing;

/// A compose file below a folder, and what is known of it. Of one that is alone in its folder and reads no others nothing
/// has to be, before its turn comes.
struct Candidate {
    path: PathBuf,
    has_words: bool,
    named_in: Option<PathBuf>,
    is_beside: bool,
    surveyed: Option<Surveyed>,
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
struct Surveyed {
    /// Where it really is.
    file: Option<PathBuf>,
    /// The files that it reads besides those that docker compose would be given.
    parts: Vec<PathBuf>,
    /// Of these, those of which it takes everything.
    included: Vec<PathBuf>,
    services: HashSet<String>,
    /// The networks of its containers.
    networks: HashSet<String>,
    /// The project that compose makes of it.
    project: Option<String>,
    role: Role,
    has_server: bool,
}

/// Every deployment below a folder, and whatever there may be one, in the order of their paths. Of a shard, those that it
/// needs.
pub(crate) fn targets(
    reader: &mut Reader<'_>,
    folder: &Path,
    has_clients: bool,
) -> Result<Vec<Target>, Error> {
    let walk = Walk::below(folder)?;
    let mut targets = not_looked_at(&walk);
    reader.remarks.extend(walk.remarks);
    let mut units = HashMap::new();
    let has_others = !walk.unrendered.is_empty() || !walk.launchers.is_empty();
    let has_values = values(reader, walk.values, &mut units, &mut targets);
    let has_manifests = manifests(reader, walk.manifests, units, &mut targets) || has_values;
    let closed = walk.closed.into_iter();
    targets.extend(closed.map(|(path, error)| Target::failed(&path, &error.into())));
    let found = without_linked(walk.found, reader.remarks);
    let found = each_once(found, reader.remarks);
    let (needed, others) = needed(reader, found);
    let mut others: Vec<PathBuf> = others.into_iter().map(|one| one.path).collect();
    let theirs = needed.iter().map(|one| &one.path);
    others.extend(theirs.filter(|path| !reader.share.has_file(path)).cloned());
    let mut candidates = survey(reader.loader, reader.cli, needed, &mut targets);
    drop_parts(&mut candidates, reader.remarks);
    targets.extend(with_overlays(candidates, reader.loader));
    targets.sort_by(|one, other| one.path().cmp(other.path()));
    targets.push(Target::Folder(Folder {
        path: folder.to_owned(),
        others,
        has_deployment: has_manifests || has_others,
        has_clients,
    }));
    Ok(targets)
}

/// Leaves out a file that `docker compose` starts under another name, beside another `.env`: a link with a default name leads to
/// it. With a `.env` of its own it may be started where it is, too.
fn without_linked(mut found: Vec<Found>, remarks: &mut Vec<String>) -> Vec<Found> {
    let is_started = |one: &&Found| has_default_name(&one.path) && is_link(&one.path);
    let links = found.iter().filter(is_started);
    let links: HashMap<PathBuf, PathBuf> = links
        .filter_map(|one| Some((fs::canonicalize(&one.path).ok()?, one.path.clone())))
        .collect();
    if links.is_empty() {
        return found;
    }
    found.retain(|one| {
        let has_own = one.path.with_file_name(".env").exists();
        if has_own || has_default_name(&one.path) || is_link(&one.path) {
            return true;
        }
        let real = fs::canonicalize(&one.path).ok();
        let link = real.and_then(|real| links.get(&real));
        remarks.extend(link.map(|link| {
            format!(
                "{} is checked as {}, which is a link to it",
                one.path.display(),
                link.display()
            )
        }));
        link.is_none()
    });
    found
}

/// Leaves out a file that is in the folder under another name, too, as it is where files are named: of these names, the one that
/// docker compose takes, or else that of the file itself, is checked.
fn each_once(found: Vec<Found>, remarks: &mut Vec<String>) -> Vec<Found> {
    let worth = |one: &Found| (has_default_name(&one.path), !is_link(&one.path));
    // What another folder names is read with other files, and may be here as itself, too.
    let own = |one: &Found| one.named_in.is_none().then(|| identity(&one.path));
    let identities: Vec<_> = found.iter().map(own).collect();
    let mut best: HashMap<_, usize> = HashMap::new();
    for (at, one) in found.iter().enumerate() {
        let Some(identity) = &identities[at] else {
            continue;
        };
        let first = best.entry(identity).or_insert(at);
        if worth(one) > worth(&found[*first]) {
            *first = at;
        }
    }
    let instead = |at: usize| {
        let best = best[identities[at].as_ref()?];
        (best != at).then_some(best)
    };
    let left: HashMap<usize, usize> = (0..found.len())
        .filter_map(|at| Some((at, instead(at)?)))
        .collect();
    for (at, one) in found.iter().enumerate() {
        remarks.extend(left.get(&at).map(|best| {
            format!(
                "{} is checked as {}, which is the same file",
                one.path.display(),
                found[*best].path.display()
            )
        }));
    }
    let kept = found.into_iter().enumerate();
    let kept = kept.filter(|(at, _)| !left.contains_key(at));
    kept.map(|(_, one)| one).collect()
}

/// Reads the files that have to be known before the others: those that may read others, and those in one folder, of which
/// one may change another. Adds what cannot be read to the targets.
fn survey(
    loader: &Loader<'_>,
    cli: &Cli,
    found: Vec<Found>,
    targets: &mut Vec<Target>,
) -> Vec<Candidate> {
    let mut in_folder: HashMap<Option<PathBuf>, usize> = HashMap::new();
    let folder = |one: &Found| one.path.parent().map(Path::to_owned);
    for one in &found {
        *in_folder.entry(folder(one)).or_default() += 1;
    }
    let is_to_be_known =
        |one: &Found| one.may_read_others || in_folder.get(&folder(one)) > Some(&1);
    let look = |one: Found| {
        let surveyed = is_to_be_known(&one).then(|| Surveyed::of(loader, &one));
        (one, surveyed)
    };
    let mut candidates = Vec::new();
    let never = AtomicBool::new(false);
    let size = crew::size(cli.jobs.into());
    let Ok(_) = crew::in_order(found, size, &never, look, |(one, surveyed)| {
        match surveyed.transpose() {
            Ok(surveyed) => candidates.push(Candidate {
                path: one.path,
                has_words: one.has_words,
                named_in: one.named_in,
                is_beside: one.is_beside,
                surveyed,
            }),
            Err(_) if one.is_beside => {}
            Err(error) => targets.push(Target::failed(&one.path, &Error::from(error))),
        }
        Ok::<_, Infallible>(ControlFlow::Continue(()))
    });
    candidates
}

impl Surveyed {
    fn of(loader: &Loader<'_>, found: &Found) -> Result<Self, CoreError> {
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
            project: project.name().map(str::to_owned),
            role: Role::of(&found.path, &deployment),
            has_server: !deployment.instances.is_empty(),
        })
    }
}

/// The networks of all containers, by the names of the files.
fn networks(deployment: &Composed) -> HashSet<String> {
    let containers = deployment.containers.iter();
    let networks = containers.flat_map(|one| &one.networks);
    networks.cloned().collect()
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

/// What is to be said of a folder below which no deployment was found: nothing if another shard has to know.
pub(crate) fn missing(folder: &Folder, loader: &Loader<'_>, share: &Share) -> Option<Error> {
    let is_one = |path: &PathBuf| {
        let text = read_text(path);
        let deployment = text.and_then(|text| loader.deployment(path, text, &mut Vec::new()));
        deployment.is_ok_and(|one| !one.instances.is_empty())
    };
    let others = &folder.others;
    let is_in_others =
        || !others.is_empty() && (!share.has_file(&folder.path) || others.iter().any(is_one));
    (!folder.has_deployment && !is_in_others()).then(|| Error::NothingBelow(folder.path.clone()))
}

/// Takes over the manifests, if any of them has a ClearML server, and those beside values, which may have the Secret of
/// these. `units` are the folders of values. Whether one has a server.
fn manifests(
    reader: &mut Reader<'_>,
    mut all: Vec<Manifest>,
    mut units: HashMap<PathBuf, usize>,
    targets: &mut Vec<Target>,
) -> bool {
    let is_any = all.iter().any(|one| one.is_ours);
    if !is_any {
        all.retain(|one| {
            one.path
                .parent()
                .is_some_and(|folder| units.contains_key(folder))
        });
    }
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
    is_any
}

/// Takes over the values of ClearML's chart. Where a folder has several files of them, nothing tells which are one release, and
/// which of them is over which. Whether there are any.
fn values(
    reader: &mut Reader<'_>,
    all: Vec<(PathBuf, Zeroizing<String>)>,
    units: &mut HashMap<PathBuf, usize>,
    targets: &mut Vec<Target>,
) -> bool {
    let mut folders: BTreeMap<PathBuf, Vec<(PathBuf, Zeroizing<String>)>> = BTreeMap::new();
    for (path, text) in all {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        folders.entry(folder).or_default().push((path, text));
    }
    let is_any = !folders.is_empty();
    for (folder, files) in folders {
        let mut paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
        paths.extend(layers(&folder, &paths));
        paths.sort_by_key(|path| (path.file_stem() != Some("values".as_ref()), path.clone()));
        let mut files = files.into_iter();
        let (Some((path, text)), 1) = (files.next(), paths.len()) else {
            let names = paths.iter().map(|path| quoted(path)).collect::<Vec<_>>();
            let one = NotChecked {
                what: listed(&paths),
                reason: format!(
                    "nothing tells which of these values files are for one release, and which of them is over which; name them in helm's order: clearml-verify {}",
                    names.join(" --merge ")
                ),
                place: None,
            };
            reader.add_unclear(paths, one);
            continue;
        };
        let unit = reader.unit();
        units.insert(folder, unit);
        match reader.add_values(&path, text, unit) {
            Ok(()) => reader.of_manifests.push(path),
            Err(error) => targets.push(Target::failed(&path, &error.into())),
        }
    }
    is_any
}

/// Files beside values that may be layers over them, of which one with a single part does not look like values.
fn layers(folder: &Path, known: &[PathBuf]) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let is_named =
            name.starts_with("values") && (name.ends_with(".yaml") || name.ends_with(".yml"));
        is_named
            && !known.contains(path)
            && read_text(path).is_ok_and(|text| helm::has_one_part(path, &text))
    };
    let beside = entries(folder).unwrap_or_default().into_iter();
    beside.filter(is_one).collect()
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
    for (path, launcher) in &walk.launchers {
        let reason = match launcher {
            Launcher::Itself => {
                "it starts ClearML's servers, and files of its kind are not read; where they run: docker inspect $(docker ps -q) | clearml-verify -"
            }
            Launcher::Cluster => {
                "it starts ClearML's servers, and files of its kind are not read; where they run: kubectl get deploy,sts,svc,ing,netpol,cm,secret -o yaml | clearml-verify -"
            }
            Launcher::Template => {
                "it is a template for ClearML's servers, and templates are not read; name the file that is made of it as a target"
            }
        };
        targets.push(target(path, named(path), reason));
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

/// Takes out the files that others read: what is in them is checked where it is used. A file that compose takes by itself is a
/// deployment all the same, unless another one includes it as it is: then that is how it is started.
fn drop_parts(candidates: &mut Vec<Candidate>, remarks: &mut Vec<String>) {
    let mut parts: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
    for one in candidates.iter() {
        let surveyed = one.surveyed.iter();
        for part in surveyed.clone().flat_map(|surveyed| &surveyed.parts) {
            parts.entry(part.clone()).or_default();
        }
        for part in surveyed.flat_map(|surveyed| &surveyed.included) {
            parts.insert(part.clone(), Some(one.path.clone()));
        }
    }
    candidates.retain(|candidate| {
        let file = match &candidate.surveyed {
            Some(surveyed) => surveyed.file.clone(),
            None => candidate.path.canonicalize().ok(),
        };
        let Some(within) = file.and_then(|file| parts.get(&file)) else {
            return true;
        };
        if !has_default_name(&candidate.path) {
            return false;
        }
        let is_as_it_is = merged_over(&candidate.path).is_empty();
        let within = within.as_ref().filter(|_| is_as_it_is);
        remarks.extend(within.map(|within| {
            format!(
                "{} is checked as a part of {}, which includes it",
                candidate.path.display(),
                within.display()
            )
        }));
        within.is_none()
    });
}

/// The files that are deployments, each with those beside it that only change it; and what is not known of such.
fn with_overlays(candidates: Vec<Candidate>, loader: &Loader<'_>) -> Vec<Target> {
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
            None if joins && !other.is_beside => left.push(other),
            None if joins => {}
            None => targets.extend(not_over(&other, first.map(|base| &bases[base]))),
        }
    }
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

impl Candidate {
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
                let is_beside = *is_refused || !own.networks.is_disjoint(&base.networks);
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
