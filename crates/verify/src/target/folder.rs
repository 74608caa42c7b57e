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

use clearml_secure_core::compose::files::merged_over;
use clearml_secure_core::helm;
use clearml_secure_core::io::{entries, is_link, read_text};

use crate::cli::Cli;
use crate::error::Error;
use crate::report::NotChecked;
use crate::run::crew;
use crate::target::arguments::identity;
use crate::target::beside::{Candidate, Surveyed, with_overlays};
use crate::target::launcher::Launcher;
use crate::target::loader::Loader;
use crate::target::reader::Reader;
use crate::target::shard::Share;
use crate::target::unopened::{Folder, Target, has_default_name};
use crate::target::walk::{Found, Manifest, Walk, listed};
use clearml_secure_core::shell::quoted;
use zeroize::Zeroizing;

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
    // On a network of another project may be containers of any.
    let has_external = found.iter().any(|one| one.has_external);
    let is_to_be_known =
        |one: &Found| has_external || one.may_read_others || in_folder.get(&folder(one)) > Some(&1);
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

/// The files that a shard needs, and the others: its own, those beside them, since one may change another, and all that may
/// read one of its, or be on a network with it.
fn needed(reader: &mut Reader<'_>, found: Vec<Found>) -> (Vec<Found>, Vec<Found>) {
    let folder = |one: &Found| one.path.parent().map(Path::to_owned);
    let ours = found.iter();
    let ours = ours.filter(|one| reader.share.takes_file(&one.path));
    let folders: HashSet<_> = ours.map(folder).collect();
    let reads_all = reader.reads_all || found.iter().any(|one| one.has_external);
    let is_needed =
        |one: &Found| reads_all || one.may_read_others || folders.contains(&folder(one));
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
