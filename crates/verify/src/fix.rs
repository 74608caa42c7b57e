//! Combines the fixes of all findings into a single clearml-inject run; `output/fix.rs` prints it.
//!
//! Every proposal is made in memory first, and what clearml-inject says against it is printed beside the findings that are left.

mod attempt;
mod conf;
mod lines;
mod names;
mod ports;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::finding::{Finding, Fix, Severity};
use crate::report::described::Described;
use clearml_secure_core::compose::Project;
use clearml_secure_core::container::{self, Container};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::io::is_same;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::source::{SourceId, Sources, Span};
use clearml_secure_plan::OVERRIDE_FILE;
use clearml_secure_plan::ports::Ports;
use clearml_secure_plan::refusal::another_env_file;

use crate::cli::Cli;
use crate::files;
pub(crate) use attempt::Attempt;
pub(crate) use conf::{Conf, named};
pub(crate) use lines::{Lines, Place};
pub(crate) use names::Names;
use names::Replacing;

/// What fixes the findings of one deployment, in the order in which it is done.
pub(crate) struct Plan<'a> {
    /// Files that only their owner is to read.
    pub(crate) modes: Vec<Mode<'a>>,
    pub(crate) inject: Option<Inject<'a>>,
    /// The command that changes the keys where a `secure.conf` has them, instead.
    pub(crate) conf: Option<(String, Vec<&'a Finding>)>,
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
    /// The program that would do it refuses, so that no advice that calls it helps.
    Refusal(String),
}

/// A file that only its owner is to read.
pub(crate) struct Mode<'a> {
    pub(crate) path: PathBuf,
    /// None where it is only going to hold secrets.
    pub(crate) fixes: Vec<&'a Finding>,
    /// Whether the commands for another deployment have closed it before.
    pub(crate) is_closed: bool,
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

/// How clearml-inject has to be run so that it does not refuse, as far as the files tell.
pub(crate) struct Way {
    /// The env files of `--env-file`, without which docker compose would not read them.
    pub(crate) named: Vec<PathBuf>,
    /// Where values are to go: to the files that were named, or to the one from which servers take a setting already.
    pub(crate) env_files: Vec<PathBuf>,
    /// The file that overrides all others, where no edit of the compose file is enough.
    pub(crate) override_file: Option<PathBuf>,
}

/// Where the changed compose file goes.
pub(crate) enum Output {
    /// A new file, because it came from standard input.
    File(PathBuf),
    /// Its own place, and what it was is kept under this suffix.
    InPlace(String),
    /// It stays, and this file overrides it.
    Override(PathBuf),
}

/// Where the keyset of a run comes from.
pub(crate) enum Keys {
    /// The file of `--keys`.
    Given(PathBuf),
    /// One that is generated into this file.
    New(PathBuf),
    /// Only ports change.
    Unneeded,
}

impl Keys {
    /// The file that it is in, or goes to.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Given(path) | Self::New(path) => Some(path),
            Self::Unneeded => None,
        }
    }
}

/// Works out what fixes a deployment's findings.
pub(crate) fn plan<'a>(
    cli: &Cli,
    (project, deployment): (&Project, &Described),
    effective: &Effective,
    findings: &'a [Finding],
    names: &mut Names,
) -> Plan<'a> {
    let way = Way::of(project, deployment, effective);
    let attempt = Attempt {
        keys: cli.keys.as_deref(),
        project,
        deployment,
        way: &way,
        kept: None,
    };
    let options = Options::of(&attempt, deployment, effective, findings);
    let mut plan = Plan {
        modes: Vec::new(),
        inject: None,
        conf: options.conf(names),
        lines: lines::of(cli, deployment, effective, findings),
        left: options.left(),
    };
    plan.inject = options.inject(cli, deployment, way, names);
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
            (Some(Fix::Close(path)), _) => plan.private(path, Some(finding)),
            // A shell would not know the variables of the env file.
            (None | Some(Fix::Mode), _) => plan.left.push((finding, None)),
            (Some(Fix::Bind | Fix::ClosePorts | Fix::Configure { .. } | Fix::Keys), _) => {}
        }
    }
    for mode in &mut plan.modes {
        mode.is_closed = !names.closes(&mode.path);
    }
    let place = |finding: &Finding| (finding.severity, finding.span, finding.rule);
    plan.left.sort_by_key(|(finding, _)| place(finding));
    plan
}

/// What clearml-inject can be asked to do, each with the findings that it fixes.
struct Options<'a> {
    keys: Fixing<'a>,
    /// Where the keys are, if they are not given to clearml-inject.
    conf: Option<Conf>,
    /// Notes about the services agent's pair, which is not there.
    agent: Vec<&'a Finding>,
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
        deployment: &Described,
        effective: &Effective,
        findings: &'a [Finding],
    ) -> Self {
        let mut agent: Vec<&Finding> = Vec::new();
        let conf = Conf::of(deployment, effective).filter(|conf| {
            let of_keys = findings.iter().filter(|one| one.fix == Some(Fix::Keys));
            let is_of_agent = |one: &&Finding| {
                let setting = one.setting;
                setting.is_some() && !conf.fixes(deployment, setting)
            };
            agent.extend(of_keys.filter(is_of_agent));
            // What gives the agent another keyset's pair is in the help.
            attempt.keys.is_some_and(|keys| keys != Path::new("-"))
                || attempt.keys.is_none() && agent.iter().all(|one| one.severity == Severity::Note)
        });
        let conf = conf.map(|conf| conf.with(attempt.keys));
        if conf.is_none() {
            agent.clear();
        }
        let fixing = |fix: &Fix, obstacle: &dyn Fn(&[&Finding]) -> Option<Obstacle>| {
            let has = |finding: &&Finding| finding.fix.as_ref() == Some(fix);
            let findings: Vec<&Finding> = findings.iter().filter(has).collect();
            let obstacle = match findings.is_empty() {
                true => None,
                false => obstacle(&findings),
            };
            Fixing { findings, obstacle }
        };
        let mut keys = fixing(&Fix::Keys, &|findings| {
            let is_note = |finding: &&Finding| finding.severity == Severity::Note;
            if findings.iter().all(is_note) {
                let harm = "new keys replace all, which a note alone is not worth";
                return Some(Obstacle::Harm(harm.to_owned()));
            }
            match &conf {
                Some(conf) => {
                    let refusal = conf.refusal(deployment, &conf.for_all(findings));
                    refusal.map(Obstacle::Refusal)
                }
                None => attempt.refusal(true, Ports::default()),
            }
        });
        keys.findings
            .retain(|one| !agent.iter().any(|other| std::ptr::eq(*one, *other)));
        let is_new = keys.is_asked() && conf.is_none();
        let of_ports = |concerned: &[&Container], asked: Ports| {
            ports::obstacle(deployment, findings, concerned, asked.bind.is_some())
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
            conf,
            agent,
        }
    }

    /// The change of the file that has the keys.
    fn conf(&self, names: &mut Names) -> Option<(String, Vec<&'a Finding>)> {
        let conf = self.conf.as_ref().filter(|_| self.keys.is_asked())?;
        let fixes = &self.keys.findings;
        let file = quoted(&conf.file);
        let command = match names.not_replaced(&conf.file, conf.for_all(fixes)) {
            // The old keys are asked for again: by who undoes it, and by a proof that no server takes them. Only its owner reads
            // the copy, whatever the mode of the file, and none is written over: with `set -C` the second run of this ends here.
            Replacing::First(groups) => format!(
                "(umask 077; set -C; cat {file} >{file}{}) &&\n{}",
                names.backup(&conf.file),
                conf.command(&groups)
            ),
            Replacing::More(groups) if groups.is_empty() => {
                format!("# {file} is changed by a command above: these servers read it, too")
            }
            Replacing::More(groups) => conf.command(&groups),
        };
        Some((command, fixes.clone()))
    }

    fn all(&self) -> [&Fixing<'a>; 3] {
        [&self.keys, &self.close, &self.bind]
    }

    /// The findings that it would fix, were it not for something in its way.
    fn left(&self) -> Vec<(&'a Finding, Option<Obstacle>)> {
        let agent = self.agent.iter().map(|finding| (*finding, None));
        let obstructed = self.all().into_iter().filter(|one| one.obstacle.is_some());
        let obstructed = obstructed.flat_map(|one| {
            let left = one.findings.iter();
            left.map(|finding| (*finding, one.obstacle.clone()))
        });
        agent.chain(obstructed).collect()
    }

    /// One run of clearml-inject with every option that nothing is in the way of.
    fn inject(
        &self,
        cli: &Cli,
        deployment: &Deployment,
        way: Way,
        names: &mut Names,
    ) -> Option<Inject<'a>> {
        let asked = |all: &[&Fixing<'a>]| -> Vec<&'a Finding> {
            let asked = all.iter().filter(|one| one.is_asked());
            asked.flat_map(|one| one.findings.clone()).collect()
        };
        let by_conf = self.conf.is_some();
        let (fixes, bind) = match by_conf {
            true => (asked(&[&self.close]), asked(&[&self.bind])),
            false => (asked(&[&self.keys, &self.close]), asked(&[&self.bind])),
        };
        if fixes.is_empty() && bind.is_empty() {
            return None;
        }
        let path = compose_file(deployment);
        let (_, is_tracked) = files::state(path);
        let replaces_keys = self.keys.is_asked() && !by_conf;
        Some(Inject {
            keys: match &cli.keys {
                _ if !replaces_keys => Keys::Unneeded,
                Some(given) => Keys::Given(given.clone()),
                None => Keys::New(names.keys(path)),
            },
            is_tracked: is_tracked && replaces_keys && way.is_in_place(),
            close_ports: self.close.is_asked(),
            bind,
            to: match way.override_file {
                Some(file) => Output::Override(file),
                None if path == Path::new("-") => Output::File(names.output()),
                None => Output::InPlace(names.backup(path)),
            },
            env_files: match replaces_keys {
                true => way.env_files,
                false => way.named,
            },
            fixes,
        })
    }
}

impl Inject<'_> {
    /// Whether the compose file holds new secrets after it.
    fn writes_secrets(&self) -> bool {
        let is_in_it = !matches!(self.to, Output::Override(_)) && self.env_files.is_empty();
        is_in_it && self.keys.path().is_some()
    }
}

impl Way {
    pub(crate) fn of(project: &Project, deployment: &Deployment, effective: &Effective) -> Self {
        let (sources, compose) = (&deployment.sources, compose_file(deployment));
        let files = env_files(project, deployment, effective);
        let mut env_files: Vec<PathBuf> = files
            .iter()
            .map(|file| sources.path(*file).to_owned())
            .collect();
        if let Some(last) = files.last().filter(|last| is_read_whole(project, **last)) {
            let path = sources.path(*last);
            env_files.push(path.with_file_name(another_env_file(sources)));
        }
        let own = compose.with_file_name(OVERRIDE_FILE);
        let is_whole = project.files.len() == 1 && own.symlink_metadata().is_err();
        let named = told_env_files(project, sources).iter();
        Self {
            named: named.map(|file| sources.path(*file).to_owned()).collect(),
            env_files,
            override_file: (is_whole && is_elsewhere(project, deployment)).then_some(own),
        }
    }

    /// Whether the compose file is to have the values.
    fn is_in_place(&self) -> bool {
        self.env_files.is_empty() && self.override_file.is_none()
    }
}

impl<'a> Plan<'a> {
    fn private(&mut self, path: &Path, finding: Option<&'a Finding>) {
        match self.modes.iter_mut().find(|mode| mode.path == path) {
            Some(mode) => mode.fixes.extend(finding),
            None => self.modes.push(Mode {
                path: path.to_owned(),
                fixes: finding.into_iter().collect(),
                is_closed: false,
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

/// The env files that clearml-inject has to be told: those that were named, and those that compose finds in another folder
/// than the project's.
fn told_env_files<'a>(project: &'a Project, sources: &Sources) -> &'a [SourceId] {
    let env = project.env();
    let own = project.folder.join(".env");
    let is_own = |file: &SourceId| is_same(sources.path(*file), &own);
    match env.are_named || !env.files().iter().all(is_own) {
        true => env.files(),
        false => &[],
    }
}

/// The env files that have to be told, or the one from which servers take a setting already.
fn env_files(project: &Project, deployment: &Deployment, effective: &Effective) -> Vec<SourceId> {
    let told = told_env_files(project, &deployment.sources);
    match project.env().files() {
        _ if !told.is_empty() => told.to_vec(),
        // A later file wins, so that is where a new value has an effect.
        [.., last] if takes_from_env_files(project, deployment, effective) => vec![*last],
        _ => Vec::new(),
    }
}

/// Whether a service gets all that is in an env file: it would get every secret that is put there.
fn is_read_whole(project: &Project, file: SourceId) -> bool {
    let mut variables = project
        .services
        .iter()
        .flat_map(|service| &service.environment);
    variables.any(|one| one.origin == container::Origin::EnvFile && one.span.source == file)
}

/// Whether a server is defined in other files than the one that is edited: in what it includes.
fn is_elsewhere(project: &Project, deployment: &Deployment) -> bool {
    let mut servers = deployment.instances.iter().filter(|instance| {
        instance.server.reads_configuration() || instance.server == Server::AgentServices
    });
    servers.any(|instance| {
        let name = &deployment.service(instance).name;
        project.service_named(name).is_some_and(|service| {
            let mut parts = service.parts.iter();
            !parts.any(|part| part.source == deployment.first)
        })
    })
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
