//! One run over the files of a deployment: planned, then proved. Nothing is written.

use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{Files, GivenFile, merged_over};
use clearml_secure_core::compose::resolved::Resolved;
use clearml_secure_core::deployment::{Composed, Database};
use clearml_secure_core::edit::splice;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::read_text;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::known;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::{SharedText, SourceId, place_of};
use clearml_secure_core::unseen::{Hides, Unseen};
use zeroize::Zeroizing;

use crate::env_file::EnvFile;
use crate::error::{Error, NotSeen};
use crate::plan::{self, Asked, Plan};
use crate::ports::Ports;
use crate::proof;
use crate::switched;
use crate::target::Others;

/// What a run starts from.
pub struct Job {
    /// The compose files, lowest precedence first. The first one is edited.
    pub compose: Vec<GivenFile>,
    /// The env file that values go to, where they do.
    pub env_file: Option<EnvFile>,
    /// What is asked for beside the keyset.
    pub asked: Asked,
}

/// A run that is planned.
pub struct Planned {
    /// What the files say before anything is changed.
    pub deployment: Composed,
    /// What is to be done.
    pub plan: Plan,
    /// The env file as it is to be.
    pub env_file: Option<EnvFile>,
    /// The names that have another value only because compose is told of env files, but ours.
    pub switched: Vec<String>,
    compose: Vec<GivenFile>,
    asked: Asked,
}

/// A run that is proved and may be written.
pub struct Proved {
    /// The compose file as it is.
    pub before: SharedText,
    /// The compose file as it is to be.
    pub after: SharedText,
    /// What was done.
    pub plan: Plan,
    /// The env file as it is to be.
    pub env_file: Option<EnvFile>,
}

impl Job {
    /// Reads the deployment and works out what to do.
    ///
    /// # Errors
    /// What is in the way, and where.
    pub fn plan(self, keyset: &Keyset) -> Result<Planned, Error> {
        self.planned(keyset, is_possible)
    }

    fn planned(self, keyset: &Keyset, is_possible: IsPossible) -> Result<Planned, Error> {
        let Self {
            compose,
            mut env_file,
            asked,
        } = self;
        let deployment = load(compose.clone(), env_file.as_ref(), false)?;
        if deployment.instances.is_empty() {
            let file = deployment.sources.path(deployment.project.files[0]);
            return Err(Error::NoServer {
                file: escape_path(file).into_owned(),
                why: deployment.unseen.iter().find_map(why),
            });
        }
        refuse_override(&deployment)?;
        refuse_unseen(&deployment)?;
        if !asked.is_of_ports {
            refuse_missing(&deployment, keyset)?;
        }
        if !asked.allows_weak {
            refuse_weak(&deployment, keyset)?;
        }
        let env_files = env_file.as_ref().map_or(&[][..], |file| &file.named);
        let port_options = asked.ports.options();
        let others = Others {
            env_files,
            port_options: &port_options,
            are_accepted: &|files| is_possible(&deployment, files, keyset, asked, env_files),
        };
        let plan = plan::plan(&deployment, keyset, asked, others).map_err(Error::Refused)?;
        refuse_unrecognised(&deployment, &plan)?;
        let mut switched = Vec::new();
        if let Some(env_file) = &mut env_file {
            let unread = env_file.unread(keyset, &deployment, &plan.taken)?;
            env_file.set(&[&plan.taken[..], &unread].concat())?;
            if !env_file.is_default(&deployment.project.folder) {
                switched = switched::switched(&compose, &deployment, &plan);
            }
        }
        Ok(Planned {
            deployment,
            plan,
            env_file,
            switched,
            compose,
            asked,
        })
    }
}

/// Answers for a deployment whether a run over some of its files, the first of which is edited, would come to an end.
type IsPossible = fn(&Composed, &[SourceId], &Keyset, Asked, &[PathBuf]) -> bool;

/// Whether a run over other files of a deployment, with the same options, would come to an end.
fn is_possible(
    deployment: &Composed,
    files: &[SourceId],
    keyset: &Keyset,
    asked: Asked,
    env_files: &[PathBuf],
) -> bool {
    let sources = &deployment.sources;
    let given = |id: &SourceId| (sources.path(*id).to_owned(), sources.shared(*id));
    let mut compose: Vec<GivenFile> = files.iter().map(given).collect();
    let run = || {
        let first = files
            .first()
            .map(|id| sources.path(*id))
            .unwrap_or(Path::new(""));
        if files.len() == 1 {
            for path in merged_over(first) {
                let text = read_text(&path)?;
                compose.push((path, text.into()));
            }
        }
        let folder = first.parent().unwrap_or(Path::new(""));
        let job = Job {
            compose,
            env_file: EnvFile::read(env_files, folder)?,
            asked: Asked {
                ports: Ports::default(),
                ..asked
            },
        };
        // What a refusal would recommend is not asked here.
        job.planned(keyset, |_, _, _, _, _| false)?.prove(keyset)
    };
    run().is_ok()
}

impl Planned {
    /// Makes the edits in memory, reads the result again and holds it against what was there.
    ///
    /// # Errors
    /// What is in the way, and where.
    pub fn prove(self, keyset: &Keyset) -> Result<Proved, Error> {
        let Self {
            deployment,
            plan,
            env_file,
            mut compose,
            asked,
            ..
        } = self;
        let resolved = Resolved::of(&deployment.project);
        // A large file is not held in three forms at once.
        drop(deployment);
        let (path, before) = compose.first().cloned().unwrap_or_default();
        let after = splice(&before, &plan.edits)
            .map(|text| SharedText::new(Zeroizing::new(text)))
            .map_err(|overlap| Error::Overlap(place_of(&path, &before, overlap.at)))?;
        if let Some((_, text)) = compose.first_mut() {
            *text = after.clone();
        }
        let overlay = plan.overlay.clone();
        compose.extend(overlay.map(|text| (PathBuf::from("override"), text.into())));
        let texts = proof::Texts {
            path: &path,
            before: &before,
            after: &after,
        };
        proof::prove(texts, &plan, keyset, asked.ports, &resolved, || {
            load(compose, env_file.as_ref(), true)
        })
        .map_err(|broken| match broken {
            // No fault of the edit.
            proof::Broken::Refused(refusal) => Error::Refused(refusal),
            broken => Error::NotProved(broken),
        })?;
        Ok(Proved {
            before,
            after,
            plan,
            env_file,
        })
    }
}

/// A file that only changes servers of another one is no deployment: which others there are, and what they read, is not in it.
fn refuse_override(deployment: &Composed) -> Result<(), Error> {
    let is_server = |name: &str| {
        let mut instances = deployment.instances.iter();
        instances.any(|instance| deployment.service(instance).name == name)
    };
    let project = &deployment.project;
    let Some(service) = project.incomplete().find(|one| is_server(&one.name)) else {
        return Ok(());
    };
    let (place, service) = (
        deployment.sources.place(service.name_span),
        service.name.clone(),
    );
    if project.files.len() == 1 {
        return Err(Error::Override { place, service });
    }
    let incomplete: Vec<&str> = project.incomplete().map(|one| one.name.as_str()).collect();
    let names = project.services.iter().map(|one| &one.name);
    let others = names.filter(|name| !incomplete.contains(&name.as_str()));
    Err(Error::NoImage {
        place,
        service,
        others: others.cloned().collect(),
    })
}

fn load(
    compose: Vec<GivenFile>,
    env_file: Option<&EnvFile>,
    is_after: bool,
) -> Result<Composed, CoreError> {
    let env = env_file.map(|file| file.all(is_after));
    Composed::load(Files::of(compose, env.unwrap_or_default(), None)?)
}

/// Why a service is no server that may have been meant for one.
fn why(unseen: &Unseen) -> Option<String> {
    let service = unseen.service.as_ref()?;
    Some(format!("service {}: {}", escape(service), unseen.reason))
}

fn refuse_unseen(deployment: &Composed) -> Result<(), Error> {
    let sources = &deployment.sources;
    if let Some(remote) = deployment.project.remote.first() {
        return Err(Error::Remote(NotSeen::of(remote, sources)));
    }
    let mut unseen = deployment.unseen.iter();
    match unseen.find(|unseen| unseen.hides == Hides::Services) {
        Some(unseen) => Err(Error::Unseen(NotSeen::of(unseen, sources))),
        None => Ok(()),
    }
}

/// The agent's account may be left out where no agent logs in with it and the API server keeps it without a password.
fn refuse_missing(deployment: &Composed, keyset: &Keyset) -> Result<(), Error> {
    let is_needed = |setting: &Setting| {
        let is_of_agent = setting.account() == Some("services_agent");
        let needs = |instance: &clearml_secure_core::instance::Instance| {
            let is_public = known::built_in(*setting, instance.known_version()).is_some()
                || instance.release.known().is_none();
            instance.reads(*setting) && (instance.server == Server::AgentServices || is_public)
        };
        !is_of_agent || deployment.instances.iter().any(needs)
    };
    let missing: Vec<Setting> = keyset.missing().into_iter().filter(is_needed).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::Incomplete(missing)),
    }
}

/// A setting that no server reads is no matter, unless a service may be that server.
fn refuse_unrecognised(deployment: &Composed, plan: &Plan) -> Result<(), Error> {
    let mut unread = plan.unused.iter().filter(|unused| unused.version.is_none());
    match (unread.next(), unrecognised(deployment).next()) {
        (Some(unread), Some((unseen, name))) => Err(Error::Unrecognised {
            place: unseen.span.map(|span| deployment.sources.place(span)),
            service: name.to_owned(),
            reason: unseen.reason.clone(),
            setting: unread.setting,
        }),
        _ => Ok(()),
    }
}

/// Services that may be a server although nothing tells which.
pub fn unrecognised(deployment: &Composed) -> impl Iterator<Item = (&Unseen, &str)> {
    let is_database = |name: &str| {
        let mut named = deployment.containers.iter();
        let named = named.find(|container| container.name == name);
        named.is_some_and(|container| Database::of(container).is_some())
    };
    let unseen = deployment.unseen.iter();
    unseen.filter_map(move |unseen| {
        let name = unseen.service.as_deref()?;
        let may_be = match unseen.hides {
            Hides::Anything => true,
            // What a database extends may publish it, and makes no server of it.
            Hides::Base => !is_database(name),
            _ => false,
        };
        may_be.then_some((unseen, name))
    })
}

/// Values that are public, or that somebody guesses, would be proved to be in use and keep nobody out.
fn refuse_weak(deployment: &Composed, keyset: &Keyset) -> Result<(), Error> {
    let is_read = |setting: &Setting| deployment.instances.iter().any(|one| one.reads(*setting));
    let mut flaws = keyset.flaws(&[]);
    for (_, settings) in &mut flaws {
        settings.retain(is_read);
    }
    flaws.retain(|(_, settings)| !settings.is_empty());
    match flaws.is_empty() {
        true => Ok(()),
        false => Err(Error::Weak(flaws)),
    }
}
