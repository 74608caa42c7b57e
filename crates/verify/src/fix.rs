//! Combines the fixes of all findings into a single clearml-inject run; `output/fix.rs` prints it.
//!
//! Every proposal is made in memory first, and what clearml-inject says against it is printed beside the findings that are left.

mod attempt;
mod lines;
mod names;
mod ports;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

use crate::finding::{Finding, Fix, Severity};
use clearml_secure_core::compose::Project;
use clearml_secure_core::container::Container;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Origin, Reading};
use clearml_secure_core::setting::Setting;
use clearml_secure_core::source::Span;
use clearml_secure_plan::ports::Ports;

use crate::cli::Cli;
use crate::files;
use attempt::Attempt;
pub(crate) use lines::{Lines, Place};
pub(crate) use names::Names;

/// What fixes the findings of one deployment, in the order in which it is done.
pub(crate) struct Plan<'a> {
    /// Files that only their owner is to read.
    pub(crate) modes: Vec<Mode<'a>>,
    pub(crate) inject: Option<Inject<'a>>,
    /// Lines of configuration files.
    pub(crate) lines: Vec<Lines<'a>>,
    /// What a person has to fix, each with what stands in the way of a command that would do it otherwise.
    pub(crate) left: Vec<(&'a Finding, Option<Obstacle>)>,
}

/// What is in the way of a command.
#[derive(Clone)]
pub(crate) enum Obstacle {
    /// It would do more than fix the finding.
    Harm(String),
    /// clearml-inject refuses it, so that no advice that calls it helps.
    Refusal(String),
}

/// A file that only its owner is to read.
pub(crate) struct Mode<'a> {
    pub(crate) path: PathBuf,
    /// None where it is only going to hold secrets.
    pub(crate) fixes: Vec<&'a Finding>,
}

/// One run of clearml-inject.
pub(crate) struct Inject<'a> {
    pub(crate) keys: Keys,
    /// The file that the values go to instead of the compose file.
    pub(crate) env_files: Vec<PathBuf>,
    pub(crate) close_ports: bool,
    pub(crate) to: Output,
    pub(crate) fixes: Vec<&'a Finding>,
    /// What another address for the servers would fix. It cuts off agents and users, so a person decides.
    pub(crate) bind: Vec<&'a Finding>,
    /// Whether git tracks the file that is to hold secrets.
    pub(crate) is_tracked: bool,
}

/// Where the changed compose file goes.
pub(crate) enum Output {
    /// A new file, because it came from standard input.
    File(PathBuf),
    /// Its own place, and what it was is kept under this suffix.
    InPlace(String),
}

/// Where the keyset of a run comes from.
pub(crate) enum Keys {
    /// The file of `--keys`.
    Given(PathBuf),
    /// The one in use: only ports change, so nothing is to be replaced.
    InUse(PathBuf),
    /// One that is generated into this file.
    New(PathBuf),
}

impl Keys {
    /// The file that it is in, or goes to.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Given(path) | Self::InUse(path) | Self::New(path) => path,
        }
    }
}

/// Works out what fixes a deployment's findings.
pub(crate) fn plan<'a>(
    cli: &Cli,
    (project, deployment): (&Project, &Deployment),
    effective: &Effective,
    findings: &'a [Finding],
    names: &mut Names,
) -> Plan<'a> {
    let env_files: Vec<PathBuf> = env_files(project, deployment, effective)
        .map(Path::to_owned)
        .collect();
    let attempt = Attempt {
        cli,
        project,
        deployment,
        effective,
        env_files: &env_files,
    };
    let options = Options::of(&attempt, deployment, effective, findings);
    let mut plan = Plan {
        modes: Vec::new(),
        inject: None,
        lines: lines::of(cli, deployment, effective, findings),
        left: options.left(),
    };
    plan.inject = options.inject(cli, deployment, env_files, names);
    if let Some(inject) = &plan.inject {
        let path = compose_file(deployment);
        let is_silenced = cli.ignore.iter().any(|id| id == "readable-secret");
        if inject.writes_secrets() && files::state(path).0 && !is_silenced {
            plan.private(path, None);
        }
    }
    for finding in findings {
        match (&finding.fix, finding.span) {
            (Some(Fix::Mode), Some(span)) if !is_referenced(deployment, span) => {
                plan.private(deployment.sources.path(span.source), Some(finding));
            }
            // A shell would not know the variables of the env file.
            (None | Some(Fix::Mode), _) => plan.left.push((finding, None)),
            (Some(Fix::Bind | Fix::ClosePorts | Fix::Configure { .. } | Fix::Keys), _) => {}
        }
    }
    let place = |finding: &Finding| (finding.severity, finding.span, finding.rule);
    plan.left.sort_by_key(|(finding, _)| place(finding));
    plan
}

/// What clearml-inject can be asked to do, each with the findings that it fixes.
struct Options<'a> {
    keys: Fixing<'a>,
    close: Fixing<'a>,
    bind: Fixing<'a>,
}

/// Findings that one option fixes, unless something is in its way.
struct Fixing<'a> {
    findings: Vec<&'a Finding>,
    obstacle: Option<Obstacle>,
}

impl Fixing<'_> {
    fn is_asked(&self) -> bool {
        !self.findings.is_empty() && self.obstacle.is_none()
    }
}

impl<'a> Options<'a> {
    fn of(
        attempt: &Attempt<'_>,
        deployment: &Deployment,
        effective: &Effective,
        findings: &'a [Finding],
    ) -> Self {
        let fixing = |fix: &Fix, obstacle: &dyn Fn(&[&Finding]) -> Option<Obstacle>| {
            let has = |finding: &&Finding| finding.fix.as_ref() == Some(fix);
            let findings: Vec<&Finding> = findings.iter().filter(has).collect();
            let obstacle = match findings.is_empty() {
                true => None,
                false => obstacle(&findings),
            };
            Fixing { findings, obstacle }
        };
        let keys = fixing(&Fix::Keys, &|findings| {
            let is_note = |finding: &&Finding| finding.severity == Severity::Note;
            if findings.iter().all(is_note) {
                let harm = "new keys replace all, which a note alone is not worth";
                return Some(Obstacle::Harm(harm.to_owned()));
            }
            attempt.refusal(true, Ports::default())
        });
        let is_new = keys.is_asked();
        let of_ports = |concerned: &[&Container], asked: Ports| {
            let setting = not_in_a_variable(effective).filter(|_| !is_new);
            let obstacle = setting.map(|setting| {
                Obstacle::Harm(format!(
                    "clearml-inject changes ports together with keys, and no variable sets {setting} here"
                ))
            });
            obstacle
                .or_else(|| ports::obstacle(deployment, findings, concerned, asked.bind.is_some()))
                .or_else(|| attempt.refusal(is_new, asked))
        };
        let close = Ports {
            close: true,
            bind: None,
        };
        let bind = Ports {
            close: false,
            bind: Some(Ipv4Addr::LOCALHOST.into()),
        };
        Self {
            close: fixing(&Fix::ClosePorts, &|_| {
                of_ports(&ports::databases(deployment), close)
            }),
            bind: fixing(&Fix::Bind, &|_| of_ports(&ports::servers(deployment), bind)),
            keys,
        }
    }

    fn all(&self) -> [&Fixing<'a>; 3] {
        [&self.keys, &self.close, &self.bind]
    }

    /// The findings that it would fix, were it not for something in its way.
    fn left(&self) -> Vec<(&'a Finding, Option<Obstacle>)> {
        let obstructed = self.all().into_iter().filter(|one| one.obstacle.is_some());
        obstructed
            .flat_map(|one| {
                let left = one.findings.iter();
                left.map(|finding| (*finding, one.obstacle.clone()))
            })
            .collect()
    }

    /// One run of clearml-inject with every option that nothing is in the way of.
    fn inject(
        &self,
        cli: &Cli,
        deployment: &Deployment,
        env_files: Vec<PathBuf>,
        names: &mut Names,
    ) -> Option<Inject<'a>> {
        let asked = |all: &[&Fixing<'a>]| -> Vec<&'a Finding> {
            let asked = all.iter().filter(|one| one.is_asked());
            asked.flat_map(|one| one.findings.clone()).collect()
        };
        let (fixes, bind) = (asked(&[&self.keys, &self.close]), asked(&[&self.bind]));
        if fixes.is_empty() && bind.is_empty() {
            return None;
        }
        let path = compose_file(deployment);
        let (_, is_tracked) = files::state(path);
        let replaces_keys = self.keys.is_asked();
        Some(Inject {
            keys: match (&cli.keys, replaces_keys) {
                (Some(given), true) => Keys::Given(given.clone()),
                (None, true) => Keys::New(names.keys(path)),
                (given, false) => Keys::InUse(given.clone().unwrap_or_else(|| "keys.env".into())),
            },
            is_tracked: is_tracked && replaces_keys && env_files.is_empty(),
            env_files,
            close_ports: self.close.is_asked(),
            bind,
            to: if path == Path::new("-") {
                Output::File(names.output())
            } else {
                Output::InPlace(names.backup(path))
            },
            fixes,
        })
    }
}

impl Inject<'_> {
    /// Whether the compose file holds new secrets after it.
    fn writes_secrets(&self) -> bool {
        !matches!(self.keys, Keys::InUse(_)) && self.env_files.is_empty()
    }
}

impl<'a> Plan<'a> {
    fn private(&mut self, path: &Path, finding: Option<&'a Finding>) {
        match self.modes.iter_mut().find(|mode| mode.path == path) {
            Some(mode) => mode.fixes.extend(finding),
            None => self.modes.push(Mode {
                path: path.to_owned(),
                fixes: finding.into_iter().collect(),
            }),
        }
    }
}

/// Whether the path of a file is written with variables, so that messages call it what is written.
fn is_referenced(deployment: &Deployment, span: Span) -> bool {
    let sources = &deployment.sources;
    sources.name(span.source) != sources.path(span.source)
}

/// The file that inject edits.
pub(crate) fn compose_file(deployment: &Deployment) -> &Path {
    deployment.sources.path(deployment.first)
}

/// Where values are to go: to the files that were named, or to the one from which servers take a setting already.
pub(crate) fn env_files<'a>(
    project: &'a Project,
    deployment: &'a Deployment,
    effective: &Effective,
) -> impl Iterator<Item = &'a Path> + use<'a> {
    let env = project.env();
    let files = match env.files() {
        all if env.are_named => all,
        // A later file wins, so that is where a new value has an effect.
        [.., last] if takes_from_env_files(project, deployment, effective) => from_ref(last),
        _ => &[],
    };
    files.iter().map(|source| deployment.sources.path(*source))
}

/// Whether servers take a setting from an env file that compose reads.
fn takes_from_env_files(project: &Project, deployment: &Deployment, effective: &Effective) -> bool {
    let mut variables = effective
        .readings()
        .filter_map(|reading| reading.variable(deployment));
    variables.any(|variable| {
        let mut used = variable.interpolated.iter();
        used.any(|used| project.env().value(&used.name).is_some())
    })
}

/// A setting that injecting the keyset in use would write to where it does not stand now.
fn not_in_a_variable(effective: &Effective) -> Option<Setting> {
    let mut readings = effective.readings();
    let is_kept = |reading: &Reading| {
        matches!(reading.origin, Origin::Variable(_)) && reading.value.text().is_some()
    };
    let reading = readings.find(|reading| !is_kept(reading))?;
    Some(reading.setting)
}
