//! Everything that is no running server: looked at on all cores, told in one order.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::Cli;
use crate::error::Error;
use crate::report::trees::Trees;
use crate::report::{NotChecked, Report, Subject};
use crate::run::crew;
use crate::run::look::{Looked, Looker};
use crate::run::progress::Progress;
use crate::run::stream::Stream;
use crate::target::Targets;
use crate::target::folder;
use crate::target::loader::Loader;
use crate::target::shard::Share;
use crate::target::unopened::{Folder, Target, Unopened, Way};
use clearml_secure_cli::interrupt;

/// A target, and of which argument it is.
struct Job {
    target: Target,
    argument: usize,
    is_ours: bool,
}

/// A target that was looked at.
struct Done {
    looked: Looked,
    folder: Option<Folder>,
    argument: usize,
    is_ours: bool,
}

/// What was met of an argument.
#[derive(Default)]
struct Met {
    is_anything: bool,
    /// A deployment, or a file that cannot be read and may be one.
    may_be_deployment: bool,
}

/// Looks at all of them, and tells what is of this shard.
///
/// # Errors
/// The only target is a folder without a deployment, or what is told cannot be written.
pub(crate) fn look(
    cli: &Cli,
    looker: &Looker<'_>,
    targets: Targets<'_>,
    share: &mut Share,
    stream: &mut Stream<'_>,
) -> Result<(), Error> {
    let Targets { loader, found } = targets;
    let jobs = found.into_iter().map(|(argument, target)| Job {
        is_ours: target.is_in(share),
        target,
        argument,
    });
    let mut jobs: Vec<Job> = jobs.collect();
    // What runs is compared with its files, whosever they are.
    let needs_files = jobs
        .iter()
        .any(|job| job.is_ours && job.target.is_running());
    jobs.retain(|job| job.is_ours || needs_files && !job.target.is_running());
    let (running, files): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.target.is_running());
    let all = files.len();
    let is_over = Arc::new(AtomicBool::new(false));
    if all > 1 {
        let asked = Arc::clone(&is_over);
        interrupt::listen(move || !asked.swap(true, Ordering::Relaxed));
    }
    let keeps = cli.fix || needs_files;
    let work = |job: Job| {
        let mut done = done(looker, job, &loader, &[]);
        // Dropping trees takes time, which the thread that prints does not have.
        if !keeps {
            done.looked
                .reports
                .iter_mut()
                .for_each(|(_, trees)| *trees = None);
        }
        done
    };
    let mut met: HashMap<usize, Met> = HashMap::new();
    let mut kept: Vec<Trees> = Vec::new();
    let mut progress = Progress::new(cli, "checking", all);
    // To ask for the cores takes longer than to look at a small file.
    let size = match all {
        0 | 1 => 1,
        _ => crew::size(cli.jobs.into()),
    };
    let taken = crew::in_order(files, size, &is_over, work, |done| {
        let met = met.entry(done.argument).or_default();
        progress.step();
        let missing = done
            .folder
            .map(|folder| missing(cli, &folder, met, &loader, share));
        if let Some(missing) = missing.transpose()?.flatten() {
            progress.beside(|| stream.add(missing, None))?;
        }
        met.add(&done.looked);
        let trees = match done.is_ours {
            true => progress.beside(|| stream.take(done.looked))?,
            false => done.looked.into_trees(),
        };
        // A file merged over another is none that containers are made from.
        kept.extend(trees.into_iter().take(1).filter(|_| needs_files));
        Ok::<_, Error>(match stream.is_of_use() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })
    })?;
    progress.end();
    for job in running {
        stream.take(done(looker, job, &loader, &kept).looked)?;
    }
    if taken < all && stream.is_of_use() {
        stream.add(interrupted(taken, all), None)?;
    }
    Ok(())
}

impl Met {
    fn add(&mut self, looked: &Looked) {
        for (report, _) in &looked.reports {
            self.is_anything = true;
            self.may_be_deployment |= match &report.subject {
                Subject::Deployment(_) => true,
                Subject::Nothing(path) => report.unknown.iter().any(|one| one.is_of(path)),
                Subject::Clients(_) | Subject::Server { .. } => false,
            };
        }
    }
}

/// Looks at one target.
fn done(looker: &Looker<'_>, job: Job, loader: &Loader<'_>, files: &[Trees]) -> Done {
    let mut done = Done {
        looked: Looked::default(),
        folder: None,
        argument: job.argument,
        is_ours: job.is_ours,
    };
    let targets = match job.target {
        Target::Folder(folder) => {
            done.folder = Some(folder);
            Vec::new()
        }
        Target::Unopened(file) => opened(file, loader, &mut done.looked.remarks),
        target => vec![target],
    };
    for target in targets {
        looker.look(target, files, &mut done.looked);
    }
    done
}

/// What a file is. What keeps it from being one is said of it, as far as anybody takes it for a deployment.
fn opened(file: Unopened, loader: &Loader<'_>, remarks: &mut Vec<String>) -> Vec<Target> {
    let path = file.path.clone();
    let has_clients = matches!(file.way, Way::Named { has_clients, .. } if has_clients);
    match file.open(loader, remarks) {
        Ok(targets) => targets,
        // It is something else.
        Err(_) if has_clients => Vec::new(),
        Err(error) => vec![Target::failed(&path, &error)],
    }
}

/// What to say of a folder below which there is no deployment, and no file that may be one.
fn missing(
    cli: &Cli,
    folder: &Folder,
    met: &Met,
    loader: &Loader<'_>,
    share: &mut Share,
) -> Result<Option<Report>, Error> {
    if met.may_be_deployment {
        return Ok(None);
    }
    let Some(error) = folder::missing(folder, loader, share) else {
        return Ok(None);
    };
    // It is something else, or its own shard says so.
    if !met.is_anything && folder.has_clients || !share.takes_file(&folder.path) {
        return Ok(None);
    }
    if !met.is_anything && cli.targets.len() == 1 {
        return Err(error);
    }
    let unknown = vec![NotChecked::because(&folder.path, &error)];
    Ok(Some(Report::of_nothing(&folder.path, unknown)))
}

/// What an interruption has left.
fn interrupted(taken: usize, all: usize) -> Report {
    let left = NotChecked {
        what: format!("{} of {all} files", all - taken),
        reason: "it was interrupted".to_owned(),
        place: None,
    };
    Report::of_nothing(Path::new("-"), vec![left])
}
