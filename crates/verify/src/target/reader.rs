//! Takes over what is read as soon as it is met: containers of an engine, and manifests.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clearml_secure_core::docker::Engine;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::helm::Release;
use clearml_secure_core::io::real;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::kubernetes;
use clearml_secure_core::version::Version;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::report::NotChecked;
use crate::target::loader::Loader;
use crate::target::shard::Share;
use crate::target::unopened::Target;

/// Takes over what is read at once, and keeps what is the same for all that is read.
pub(crate) struct Reader<'a> {
    pub(crate) cli: &'a Cli,
    pub(crate) loader: &'a Loader<'a>,
    /// Which deployments this run checks.
    pub(crate) share: &'a mut Share,
    /// Those of other shards are read as well.
    pub(crate) reads_all: bool,
    /// What a person should know about how they were read.
    pub(crate) remarks: &'a mut Vec<String>,
    /// Manifests of Kubernetes, which mean each other's objects: they are one pool.
    manifests: kubernetes::Reader,
    /// The targets with manifests that have to have a server among them.
    pub(crate) of_manifests: Vec<PathBuf>,
    /// How many things with manifests there are.
    units: usize,
    /// Whether values are among them.
    has_values: bool,
    /// Values files of which nothing tells how they go together, and what to say of them.
    unclear: Vec<(Vec<PathBuf>, NotChecked)>,
}

impl<'a> Reader<'a> {
    /// Nothing is taken over yet.
    pub(crate) fn new(
        cli: &'a Cli,
        loader: &'a Loader<'a>,
        share: &'a mut Share,
        remarks: &'a mut Vec<String>,
    ) -> Self {
        Self {
            cli,
            loader,
            reads_all: !share.is_part(),
            share,
            remarks,
            manifests: kubernetes::Reader::new(),
            of_manifests: Vec::new(),
            units: 0,
            has_values: false,
            unclear: Vec::new(),
        }
    }

    /// Notes values files of which nothing tells how they go together, unless what installs them is read, too.
    pub(crate) fn add_unclear(&mut self, files: Vec<PathBuf>, what: NotChecked) {
        self.unclear.push((files, what));
    }

    /// A number for manifests that belong together.
    pub(crate) fn unit(&mut self) -> usize {
        self.units += 1;
        self.units
    }

    /// Takes over the manifests of a text.
    pub(crate) fn add_manifests(
        &mut self,
        path: &Path,
        text: Zeroizing<String>,
        unit: usize,
    ) -> Result<(), CoreError> {
        self.manifests.add(path, text, unit)
    }

    /// Takes over a values file of ClearML's chart, with those that are given over it.
    pub(crate) fn add_values(
        &mut self,
        path: &Path,
        text: Zeroizing<String>,
        unit: usize,
    ) -> Result<(), CoreError> {
        self.has_values = true;
        let mut files = vec![(path.to_owned(), text.into())];
        files.extend(self.loader.merge.iter().cloned());
        let mut release = Release::default();
        if let Some(version) = self.cli.chart.as_deref().and_then(Version::parse) {
            release.chart = Knowable::Known(version);
            release.is_assumed = false;
        }
        self.manifests.add_values(files, &release, unit)
    }

    /// Whether manifests or values were taken over.
    pub(crate) fn has_manifests(&self) -> bool {
        self.units > 0
    }

    /// The deployments of all manifests that were taken over.
    pub(crate) fn finish(&mut self) -> Result<Vec<Target>, Error> {
        let mut layers = HashSet::new();
        let made = self.deployments(&mut layers);
        let mut unclear = std::mem::take(&mut self.unclear);
        unclear.retain(|(files, _)| !files.iter().all(|file| layers.contains(&real(file))));
        let mut found = match made {
            Err(error) if unclear.is_empty() => return Err(error),
            Err(error) => {
                let first = self.of_manifests.first();
                first
                    .map(|first| Target::failed(first, &error))
                    .into_iter()
                    .collect()
            }
            Ok(found) => found,
        };
        let unclear = unclear.into_iter().filter_map(|(files, what)| {
            let first = files.into_iter().next()?;
            Some(Target::Nothing(first, vec![what]))
        });
        found.extend(unclear);
        Ok(found)
    }

    /// The same of those that are clear. Adds the values files with which an object installs the chart.
    fn deployments(&mut self, layers: &mut HashSet<PathBuf>) -> Result<Vec<Target>, Error> {
        let Some(first) = self.of_manifests.first().cloned() else {
            return Ok(Vec::new());
        };
        let mut manifests = std::mem::replace(&mut self.manifests, kubernetes::Reader::new());
        if let Some(version) = self.cli.chart.as_deref().and_then(Version::parse) {
            manifests.assume_chart(version);
        }
        let manifests = manifests.finish(self.cli.config_dir.as_deref())?;
        let is_told = !manifests.remarks.is_empty();
        self.remarks.extend(manifests.remarks);
        for one in &manifests.deployments {
            let installed = one.values.iter().filter(|values| values.inside.is_some());
            let parts = installed.flat_map(|values| &values.parts);
            let files = parts.filter_map(|(source, _)| one.deployment.sources.file(*source));
            layers.extend(files.map(Path::to_owned));
            self.remarks.extend(one.values.as_ref().map(|values| {
                let path = one.deployment.sources.path(one.deployment.first);
                format!(
                    "{}: read as chart {}.{} would render it; `helm template … | clearml-verify -` is exact",
                    path.display(),
                    values.chart.major,
                    values.chart.minor
                )
            }));
        }
        let found = manifests.deployments.into_iter();
        let mut found: Vec<Target> = found.filter_map(|one| Target::of(&first, one)).collect();
        let unread = manifests.unread.into_iter().map(|one| NotChecked {
            what: one.what,
            reason: one.reason,
            place: Some(one.place),
        });
        let mut unread: Vec<NotChecked> = unread.collect();
        if self.loader.has_merge() && !self.has_values {
            unread.push(NotChecked {
                what: "what --merge names".to_owned(),
                reason: "it is merged over compose files and values; give it to helm, and check what that renders".to_owned(),
                place: None,
            });
        }
        let is_deployment = |target: &Target| matches!(target, Target::Deployment { .. });
        if !unread.is_empty() {
            found.extend(of_files(first, unread));
        } else if !found.iter().any(is_deployment) {
            let none = Error::NoServer(first.clone());
            // What is said of how they were read may be why.
            if found.is_empty() && !is_told {
                return Err(none);
            }
            match found.first_mut() {
                Some(Target::Nothing(_, unknown)) => {
                    unknown.push(NotChecked::because(&first, &none));
                }
                _ => found.push(Target::failed(&first, &none)),
            }
        }
        Ok(found)
    }

    /// The deployments among containers that `docker inspect` describes.
    pub(crate) fn engine(
        &mut self,
        path: &Path,
        text: &Zeroizing<String>,
    ) -> Result<Vec<Target>, Error> {
        let engine = Engine::read(path, text, self.cli.config_dir.as_deref())?;
        if engine.stopped > 0 {
            self.remarks.push(format!(
                "{}: containers that do not run are passed over: {}",
                path.display(),
                engine.stopped
            ));
        }
        let found = engine.deployments.into_iter();
        let found: Vec<Target> = found.filter_map(|one| Target::of(path, one)).collect();
        if found.is_empty() {
            return Err(match engine.stopped {
                0 => Error::NoServer(path.to_owned()),
                _ => Error::NoneRuns(path.to_owned()),
            });
        }
        Ok(found)
    }
}

/// A target for each file with something that was not read; what is in none of them is of `first`.
fn of_files(first: PathBuf, unread: Vec<NotChecked>) -> impl Iterator<Item = Target> {
    let mut files: Vec<(PathBuf, Vec<NotChecked>)> = Vec::new();
    for one in unread {
        let place = one.place.as_ref();
        let file = place.map_or_else(|| first.clone(), |place| place.file.clone());
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, all)) => all.push(one),
            None => files.push((file, vec![one])),
        }
    }
    files
        .into_iter()
        .map(|(file, unread)| Target::Nothing(file, unread))
}
