//! What to restart together and what to flush, so that the running servers take what changed and nothing else is accepted
//! any more (docs/clearml.md#restart-together).

use std::collections::HashSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{Files, GivenFile, default_in, merged_over};
use clearml_secure_core::container::Container;
use clearml_secure_core::deployment::{Composed, Database};
use clearml_secure_core::effective::{Effective, Value};
use clearml_secure_core::io::is_same;
use clearml_secure_core::setting::{Kind, Server, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{and, escape};
use clearml_secure_core::source::Sources;
use clearml_secure_plan::OVERRIDE_FILE;
use clearml_secure_plan::env_file::{EnvFile, options};
use clearml_secure_plan::intended::{Change, IntendedPort};
use clearml_secure_plan::job::Planned;
use clearml_secure_plan::plan::Plan;
use clearml_secure_plan::switched::switched;

use super::line;
use crate::cli::Cli;
use crate::ports;

/// A file whose name the user chooses.
const FILE: &str = "FILE";

/// The commands; nothing where nothing changed.
pub(crate) fn next_steps(cli: &Cli, planned: &Planned, compose: &Compose) -> String {
    let (deployment, plan) = (&planned.deployment, &planned.plan);
    let mut out = String::new();
    let services = services(deployment, plan);
    if services.is_empty() {
        return out;
    }
    out.push_str(&say_profiles(deployment, &services));
    out.push_str(&say_switched(&compose.switched));
    out.push_str(compose.included.as_deref().unwrap_or_default());
    let compose = compose.command();
    let changed = changed(plan);
    let when = if cli.diff {
        "After this change, run"
    } else {
        "Now run"
    };
    let why = match is_shared(&changed) {
        true => " (these services must restart together)",
        false => "",
    };
    let named = match compose.ends_with(&format!(" {FILE}")) {
        true => ". FILE is the file with this output",
        false => "",
    };
    line(&mut out, &format!("{when}{why}{named}:"));
    let _ = writeln!(
        out,
        "  {compose} up -d --force-recreate {}",
        services.join(" ")
    );
    if let Some(command) = flush(deployment, &changed, &compose) {
        let _ = writeln!(out, "  {command}");
    }
    for text in cut_off(deployment, plan) {
        line(&mut out, &text);
    }
    out
}

/// The services that the commands start although docker compose would not.
fn say_profiles(deployment: &Composed, services: &[String]) -> String {
    let project = &deployment.project;
    let of_profiles = project.services.iter().filter(|service| {
        let word = quoted(Path::new(&service.name));
        services.contains(&word) && project.needs_profile(service)
    });
    let names: Vec<String> = of_profiles
        .map(|service| escape(&service.name).to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut out = String::new();
    if !names.is_empty() {
        line(
            &mut out,
            &format!(
                "the command below also starts {}, which docker compose starts only with a profile. If it does not run, leave its name out",
                and(&names)
            ),
        );
    }
    out
}

/// Other services of the deployment that log in with a pair that is replaced.
fn cut_off(deployment: &Composed, plan: &Plan) -> Vec<String> {
    const KEYS: [&str; 2] = ["CLEARML_API_ACCESS_KEY", "TRAINS_API_ACCESS_KEY"];
    let changed = changed(plan);
    let is_written = |service: &Container, name: &str| {
        let mut all = plan.intended.iter();
        all.any(|one| one.service == service.name && one.name == name)
    };
    let effective = Effective::of(deployment);
    let replaced = effective
        .readings()
        .filter_map(|reading| match &reading.value {
            Value::Text(old)
                if reading.server == Server::Apiserver
                    && reading.setting.kind() == Kind::Key
                    && changed.contains(&reading.setting) =>
            {
                Some((reading.setting.account()?, old))
            }
            _ => None,
        });
    let texts = replaced.filter_map(|(account, old)| {
        let has_it = |service: &&Container| {
            KEYS.iter().any(|name| {
                service.known_variable(name) == Some(old) && !is_written(service, name)
            })
        };
        let services = deployment.containers.iter().map(|one| &**one);
        let names: Vec<String> = services
            .filter(has_it)
            .map(|service| escape(&service.name).to_string())
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| {
            format!(
                "the old pair of {account} is refused then, and still given to {}: give credentials of their own there (web page: Settings, Workspace), or the new pair",
                and(&names)
            )
        })
    });
    texts.collect()
}

/// What the options `--env-file` change beside the keys.
fn say_switched(names: &[String]) -> String {
    const PROJECT: &str = "COMPOSE_PROJECT_NAME";
    let mut out = String::new();
    let shown: Vec<_> = names
        .iter()
        .filter(|name| !is_of_files(name))
        .map(|name| escape(name))
        .collect();
    if !shown.is_empty() {
        line(
            &mut out,
            &format!(
                "the --env-file options below change more than the keys: without them, docker compose has another value, or none, for {}. Check what these do if the servers were started without the options",
                shown.join(", ")
            ),
        );
    }
    if names.iter().any(|name| name == PROJECT) {
        line(
            &mut out,
            &format!(
                "{PROJECT} is another project: its containers start beside those that run, with empty volumes"
            ),
        );
    }
    out
}

/// Whether it decides which compose files are read, where none is named.
fn is_of_files(name: &str) -> bool {
    matches!(name, "COMPOSE_FILE" | "COMPOSE_PATH_SEPARATOR")
}

/// What makes the file server forget tokens that it has accepted; nothing where it has none to forget.
fn flush(deployment: &Composed, changed: &[Setting], compose: &str) -> Option<String> {
    const FLUSH: &str = "redis-cli -n 8 FLUSHDB";
    const WHY: &str = "# otherwise old tokens work for up to 12 hours";
    // Before it read settings, the file server asked for no token.
    let mut files = deployment.of(Server::Fileserver);
    if !files.any(|instance| instance.settings().next().is_some()) {
        return None;
    }
    changed
        .iter()
        .find(|setting| setting.group() == "token_secret")?;
    Some(match redis(deployment) {
        // Never in an argument: the variable is taken from the shell.
        Some(redis) if redis.option("--requirepass").next().is_some() => format!(
            "{compose} exec -e REDISCLI_AUTH {} {FLUSH}   {WHY}; set REDISCLI_AUTH to Redis' password first",
            quoted(Path::new(&redis.name))
        ),
        Some(redis) => format!(
            "{compose} exec {} {FLUSH}   {WHY}",
            quoted(Path::new(&redis.name))
        ),
        None => format!("{FLUSH}   {WHY}; on the Redis of the file server"),
    })
}

/// The Redis in which the file server remembers tokens; none where it is not one of this deployment's. Where it asks its own
/// container or host, any may be there.
fn redis(deployment: &Composed) -> Option<&Container> {
    let is_redis = |index: &usize| deployment.database(*index) == Some(Database::Redis);
    let mut servers = deployment.of(Server::Fileserver);
    let asked = servers.find_map(|server| deployment.redis_of(server));
    let is_asked = |index: &usize| asked.as_ref().is_none_or(|asked| asked.contains(index));
    let mut all = (0..deployment.containers.len()).filter(is_redis);
    Some(&*deployment.containers[all.find(is_asked)?])
}

/// The settings for which some server gets another value.
fn changed(plan: &Plan) -> Vec<Setting> {
    let changed = plan
        .intended
        .iter()
        .filter(|one| one.change != Change::Kept);
    changed.filter_map(|one| one.setting).collect()
}

/// Whether a file server and an API server have to change at the same time: the account of the one at the other, or what
/// signs the tokens of both.
fn is_shared(changed: &[Setting]) -> bool {
    let mut groups = changed.iter().map(|setting| setting.group());
    groups.any(|group| matches!(group, "token_secret" | "fileserver"))
}

/// The services that have to restart, as words of a command, in the order of the files.
fn services(deployment: &Composed, plan: &Plan) -> Vec<String> {
    // What is withheld or inherited keeps a container as it is.
    let is_new = plan
        .intended
        .iter()
        .filter(|one| [Change::Added, Change::Replaced].contains(&one.change));
    let ports = plan.ports.iter().filter(|port| !port.is_kept);
    let names = is_new.map(|one| &*one.service);
    let ports = ports.map(IntendedPort::service);
    let ports = ports.chain(plan.inheriting_ports.iter().map(String::as_str));
    let changed_ones: HashSet<&str> = names.chain(ports).collect();
    let is_shared = is_shared(&changed(plan));
    let readers = deployment.instances.iter();
    let readers = readers.filter(|one| is_shared && one.server.reads_configuration());
    let readers: HashSet<usize> = readers.map(|one| one.service).collect();
    let is_changed =
        |index: usize, name: &str| changed_ones.contains(name) || readers.contains(&index);
    let services = deployment.project.services.iter().enumerate();
    let restarted: HashSet<&str> = services
        .clone()
        .filter(|(index, service)| is_changed(*index, &service.name))
        .map(|(_, service)| &*service.name)
        .collect();
    // What shares the network of a container would be left on that of the one that is gone.
    let is_beside_one = |index: usize| {
        let mode = deployment.containers[index].network_mode.as_ref();
        let owner = mode.and_then(|mode| mode.text.strip_prefix("service:"));
        owner.is_some_and(|owner| restarted.contains(owner))
    };
    services
        .filter(|(index, service)| restarted.contains(&*service.name) || is_beside_one(*index))
        .map(|(_, service)| quoted(Path::new(&service.name)))
        .collect()
}

/// `docker compose` with the files that it would not find by itself.
#[derive(Default)]
pub(crate) struct Compose {
    /// The options that tell it env files.
    pub(crate) env: String,
    folder: String,
    files: String,
    /// What of the compose files its env files change.
    switched: Vec<String>,
    /// A project that includes the edited file, where these commands start that file alone: what puts the keys into all of it.
    included: Option<String>,
}

impl Compose {
    /// What the edited files are started with.
    pub(crate) fn of(cli: &Cli, planned: &Planned) -> Self {
        let services = services(&planned.deployment, &planned.plan);
        let is_alone = cli.merge.is_empty() && !cli.is_override && (cli.in_place || cli.diff);
        let whole = including(&cli.compose, &services);
        match whole {
            Some(whole) if is_alone => whole.compose(planned),
            whole => Self {
                included: whole.and_then(|whole| whole.say(cli, planned)),
                ..compose(cli, planned)
            },
        }
    }

    fn command(&self) -> String {
        format!("docker compose{}{}{}", self.folder, self.env, self.files)
    }
}

/// The same of a file that no other one includes.
fn compose(cli: &Cli, planned: &Planned) -> Compose {
    let mut out = Compose {
        switched: planned.switched.clone(),
        ..Compose::default()
    };
    let folder = &planned.deployment.project.folder;
    let output = cli.output.as_deref().filter(|path| *path != Path::new("-"));
    let edited = match output {
        _ if cli.in_place || cli.diff => Some(cli.compose.as_path()),
        output => output,
    };
    // The folder of the first file decides what relative paths mean, which .env is read and what the project is called.
    let is_here = folder.as_os_str().is_empty();
    let is_elsewhere = edited.map_or(!is_here, |path| {
        !is_same(&path.with_file_name("x"), &folder.join("x"))
    });
    if !cli.is_override && is_elsewhere {
        let folder = if is_here { Path::new(".") } else { folder };
        out.folder = format!(" --project-directory {}", quoted(folder));
    }
    let env_file = planned.env_file.as_ref();
    if let Some(file) = env_file.filter(|file| !file.is_default(folder)) {
        out.env = file.options();
    }
    let file = |path: Option<&Path>| path.unwrap_or(Path::new(FILE)).to_owned();
    let mut files = vec![match cli.is_override {
        true => cli.compose.clone(),
        false => file(edited),
    }];
    files.extend(cli.merge.iter().cloned());
    if cli.merge.is_empty() {
        // Where a file is named, compose merges no other by itself.
        files.extend(merged_over(&cli.compose));
    }
    if cli.is_override {
        files.push(file(output));
    }
    out.files = name_files(&files, &out.switched);
    out
}

/// Names the compose files, where compose does not find these by itself.
fn name_files(files: &[PathBuf], switched: &[String]) -> String {
    if !switched.iter().any(|name| is_of_files(name)) && are_found(files) {
        return String::new();
    }
    let words = files.iter().map(|file| format!(" -f {}", quoted(file)));
    words.collect()
}

/// A project that includes the edited file.
struct Whole {
    /// Its compose files, lowest precedence first.
    files: Vec<PathBuf>,
    texts: Vec<GivenFile>,
    /// The `.env` that compose finds by itself.
    env: Vec<GivenFile>,
    read: Sources,
}

impl Whole {
    fn reads(&self, path: &Path) -> bool {
        let mut read = self.read.ids().map(|id| self.read.path(id));
        read.any(|read| is_same(read, path))
    }

    fn compose(&self, planned: &Planned) -> Compose {
        let file = planned.env_file.as_ref();
        let env = file.map(|file| self.further(file)).unwrap_or_default();
        let options = options(env.iter().map(|(path, _)| path));
        let switched = self.switched(&planned.plan, env);
        Compose {
            env: options,
            files: name_files(&self.files, &switched),
            switched,
            ..Compose::default()
        }
    }

    /// What the edited file is to this project, and how all of it gets the keys.
    fn say(&self, cli: &Cli, planned: &Planned) -> Option<String> {
        let file = quoted(self.files.first()?);
        let env_files = planned.env_file.iter().flat_map(|file| &file.named);
        let keys = cli.keys.as_deref().filter(|path| path.is_file());
        let ports = ports::asked(cli).options();
        let keys = match keys {
            Some(path) => format!(" -k {}", quoted(path)),
            None if ports.is_empty() => " -k KEYS".to_owned(),
            None => String::new(),
        };
        let further = options(env_files) + &ports;
        let is_there = cli.output.as_deref() == Some(Path::new(OVERRIDE_FILE));
        let force = if is_there { " --force" } else { "" };
        let mut out = String::new();
        line(
            &mut out,
            &format!(
                "{file} includes this file. The commands below start this file as a project of its own, with empty volumes. If you start {file}, run this instead:"
            ),
        );
        let _ = writeln!(
            out,
            "  clearml-inject{keys}{further} --override -o {OVERRIDE_FILE}{force} {file}"
        );
        Some(out)
    }

    /// The env files that compose has to be told, so that it reads one more; none where it reads that one already.
    fn further(&self, file: &EnvFile) -> Vec<GivenFile> {
        if self.reads(&file.path) {
            return Vec::new();
        }
        let all = file.all(true).into_iter();
        let unread = all.filter(|(path, _)| !self.reads(path));
        self.env.iter().cloned().chain(unread).collect()
    }

    /// The names that have another value with these env files, but those of the plan.
    fn switched(&self, plan: &Plan, env: Vec<GivenFile>) -> Vec<String> {
        if env.is_empty() {
            return Vec::new();
        }
        let with = Files::of(self.texts.clone(), env, None).map(Composed::load);
        let Ok(Ok(with)) = with else {
            return Vec::new();
        };
        switched(&self.texts, &with, plan)
    }
}

/// The project with these services that compose finds by itself, in a folder of a file's path, where it includes that file.
/// Started by itself the file would be another project, beside that one.
fn including(path: &Path, services: &[String]) -> Option<Whole> {
    path.ancestors().skip(1).find_map(|folder| {
        let first = default_in(folder)?;
        let mut files = merged_over(&first);
        files.insert(0, first);
        if files.iter().any(|file| is_same(file, path)) {
            return None;
        }
        let given = Files::read(&files, &[], None).ok()?;
        let (texts, env) = (given.compose.clone(), given.env.clone());
        let project = Composed::load(given).ok()?;
        let names = project.project.services.iter().map(|service| &service.name);
        let names: HashSet<&String> = names.collect();
        let has_all = services.iter().all(|name| names.contains(name));
        let read = project.sources.clone();
        let whole = Whole {
            files,
            texts,
            env,
            read,
        };
        (has_all && whole.reads(path)).then_some(whole)
    })
}

/// Whether docker compose takes these files, and no others, where it is told none.
fn are_found(files: &[PathBuf]) -> bool {
    default_in(Path::new("")).is_some_and(|first| {
        let beside = merged_over(&first);
        let files = files
            .iter()
            .map(|file| file.strip_prefix(".").unwrap_or(file));
        files.eq([&first].into_iter().chain(&beside))
    })
}
