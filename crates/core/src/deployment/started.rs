//! What a container's command changes in its environment before a server starts, and what the file of a database says.

use std::cell::RefCell;

use super::mounts::{self, There};
use super::{Database, database_file, program, recognise};
use crate::command::{self, Effect, Surroundings};
use crate::compose::Loader;
use crate::container::{Container, Doubt, Origin, Variable, VariableValue};
use crate::container_path;
use crate::knowable::Knowable;
use crate::secret::{Replaced, Secret};
use crate::setting::Server;
use crate::source::Sources;
use crate::unseen::Hides;

/// What SOPS has encrypted is decrypted before compose or Kubernetes gets it, and a reference to a secret is replaced.
pub(crate) fn hide_encrypted(container: &mut Container) {
    for variable in &mut container.environment {
        let value = variable.value.known().map(Secret::expose);
        if let Some(replaced) = value.and_then(Replaced::of) {
            let said = [
                Some(replaced.said_of("it")),
                replaced.advice().map(str::to_owned),
            ];
            let reason = said.into_iter().flatten().collect::<Vec<_>>().join("; ");
            variable.value = VariableValue::Unknown(reason.into());
        }
    }
}

/// Whether a shell, or the images' own script, looks at a variable whatever a text uses.
fn is_of_every_shell(name: &str) -> bool {
    ["BASH_ENV", "ENV", "IFS"].contains(&name) || name.contains("GUNICORN")
}

/// Puts what the command sets into the environment, where a server is started.
pub(crate) fn apply(container: &mut Container, loader: &mut Loader, sources: &mut Sources) {
    if let Some(database) = Database::of(container) {
        let mut read = |container: &Container, path: &str| text(container, path, loader, sources);
        database_file::apply(container, database, &mut read);
    }
    let servers = recognise::recognise(container).servers;
    if servers.is_empty() {
        return;
    }
    let hooks = hooks(container, loader, sources);
    container.doubts.extend(hooks);
    let effect = match container.command.is_empty() {
        true => {
            let words = by_default(&servers);
            effect(&words, container, loader, sources)
        }
        false => effect(&container.command, container, loader, sources),
    };
    if effect.is_cleared {
        container.removed.append(&mut container.environment);
    }
    for (name, value) in effect.changes {
        set(container, name, value);
    }
    // What is in that folder is said with what every server finds there.
    let folder = effect.folder.known();
    let mut code = effect.code.iter().filter(|path| folder != Some(*path));
    let from = "its command starts a server from where code is put; what runs there is not known";
    let from = code
        .any(|path| program::is_put_into(container, path))
        .then(|| (Hides::Program, from.into()));
    container.working_directory = Some(effect.folder);
    let written = "its command changes files that the server reads";
    // Variables win over files: where any may be set, no more can be said of the files.
    let is_written = effect.writes && effect.unknown.is_none();
    let written = is_written.then(|| (Hides::Files, written.into()));
    // What is said of a file of variables that is not here, is not said once more.
    let unknown = effect.unknown.filter(|why| container.untold() != Some(why));
    let set = unknown.map(|reason| (Hides::Variables, reason));
    let span = container.started_at();
    let doubts = set.into_iter().chain(written).chain(from);
    container.doubts.extend(doubts.map(|(hides, reason)| Doubt {
        hides,
        reason,
        span,
    }));
}

/// What a container does of which no file says so: the image's own script starts the server.
fn by_default(servers: &[Server]) -> Vec<Knowable<String>> {
    let server = match servers.first() {
        Some(Server::Apiserver) => "apiserver",
        Some(Server::Fileserver) => "fileserver",
        _ => "",
    };
    ["/opt/clearml/entrypoint.sh", server]
        .map(|word| Knowable::Known(word.to_owned()))
        .to_vec()
}

/// What its hooks may change of what a server reads when it starts again.
fn hooks(container: &Container, loader: &mut Loader, sources: &mut Sources) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for hook in &container.hooks {
        let is_known = hook.command.iter().all(|word| word.known().is_some());
        let reason = match is_known {
            true if effect(&hook.command, container, loader, sources).writes => {
                format!("its `{}` changes files that the server reads", hook.name)
            }
            true => continue,
            false => format!("its `{}` has a variable without a value", hook.name),
        };
        doubts.push(Doubt {
            hides: Hides::Files,
            reason: reason.into(),
            span: hook.span,
        });
    }
    doubts
}

fn effect(
    words: &[Knowable<String>],
    container: &Container,
    loader: &mut Loader,
    sources: &mut Sources,
) -> Effect {
    let disk = RefCell::new((loader, sources));
    let file = |path: &str| {
        let (loader, sources) = &mut *disk.borrow_mut();
        text(container, path, loader, sources)
    };
    let around = Surroundings {
        folder: program::folder(container),
        variable: &|name| match recognise::variable(container, name) {
            // What a file that is not here may set is said of that file. What the command uses of it is not known.
            Knowable::Unknown(why) if is_of_every_shell(name) => {
                match container.untold() == Some(&why) {
                    true => Knowable::Known(None),
                    false => Knowable::Unknown(why),
                }
            }
            told => told,
        },
        file: &file,
        has: &|path| mounts::has(container, path),
        scripts: &|folder| mounts::scripts(container, folder),
        homes: &|| homes(container),
        has_functions: container
            .environment
            .iter()
            .any(|one| one.name.starts_with("BASH_FUNC_")),
        starts: &recognise::starts,
        kept: &|path| kept(container, path),
    };
    command::read(words, &around)
}

/// The home of its user: that of root, or one that only the image knows, where a file of it is mounted from here.
fn homes(container: &Container) -> Vec<String> {
    if container.is_root() == Some(true) {
        return vec!["/root".to_owned()];
    }
    let targets = container.mounts.iter().chain(&container.copies);
    let targets = targets.filter_map(|mount| mount.target.known());
    let folders = targets.flat_map(|target| {
        let above = target.rsplit_once('/').map_or("", |(above, _)| above);
        [target.clone(), above.to_owned()]
    });
    let mut homes: Vec<String> = folders.chain([String::new(), "/root".to_owned()]).collect();
    homes.sort_unstable();
    homes.dedup();
    homes
}

/// Whether a server in the container has its configuration or its program at a path, or everything is below it.
fn kept(container: &Container, path: &str) -> bool {
    let path = container_path::cleaned(path);
    if path == "/" || path == "/opt" {
        return true;
    }
    let mut named = ["CLEARML_CONFIG_DIR", "TRAINS_CONFIG_DIR"]
        .into_iter()
        .filter_map(|name| container.known_variable(name))
        .flat_map(|folders| folders.expose().split(':'))
        .filter(|folder| folder.starts_with('/'));
    for home in ["/opt/clearml", "/opt/trains"] {
        let Some(rest) = container_path::relative(&path, home) else {
            continue;
        };
        const PARTS: [&str; 6] = [
            "",
            "apiserver",
            "config",
            "entrypoint.sh",
            "fileserver",
            "wrapper.sh",
        ];
        let part = rest.split('/').next().unwrap_or_default();
        if PARTS.contains(&part) {
            return true;
        }
    }
    named.any(|folder| container_path::relative(&path, folder).is_some())
}

/// The text of a file of the container.
fn text(
    container: &Container,
    path: &str,
    loader: &mut Loader,
    sources: &mut Sources,
) -> Knowable<String> {
    match mounts::at(container, path) {
        There::Host { path, .. } => match loader.open(sources, &path) {
            Ok(source) => Knowable::Known(sources.text(source).to_owned()),
            Err(_) => Knowable::unknown("it runs a file that is not on this machine"),
        },
        There::Image => Knowable::unknown("it runs a file of the image"),
        There::Nothing => Knowable::unknown("it runs a file that is not there"),
        There::Text(file) => Knowable::Known(file.text.to_string()),
        There::Anywhere(reason) | There::Unknown(reason) => Knowable::Unknown(reason),
    }
}

fn set(container: &mut Container, name: String, value: Knowable<Option<Secret>>) {
    let span = container.started_at();
    let environment = &mut container.environment;
    let place = environment.binary_search_by(|known| known.name.cmp(&name));
    let value = match value {
        Knowable::Known(Some(value)) => VariableValue::Known(value),
        Knowable::Known(None) => {
            if let Ok(place) = place {
                container.removed.push(environment.remove(place));
            }
            return;
        }
        Knowable::Unknown(reason) => VariableValue::Unknown(reason),
    };
    let variable = Variable {
        name,
        value,
        origin: Origin::Command,
        span,
        value_span: span.at_start(),
        interpolated: Vec::new(),
        written_length: 0,
        retyped: false,
    };
    match place {
        Ok(place) => environment[place] = variable,
        Err(place) => environment.insert(place, variable),
    }
}
