use std::path::{Path, PathBuf};

use clearml_secure_core::compose::files::{Files, merged_over};
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::edit::splice;
use clearml_secure_core::io::{is_same, read_argument, read_text};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::known;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::place_of;
use clearml_secure_core::unseen::Hides;
use clearml_secure_plan::env_file::EnvFile;
use clearml_secure_plan::error::Error as PlanError;
use clearml_secure_plan::plan::{self, Asked, Plan};
use clearml_secure_plan::ports::Ports;
use clearml_secure_plan::proof;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::talk::{self, say};
use crate::write::Product;

/// Reads, plans, proves, and only then writes.
pub(crate) fn run(cli: &Cli) -> Result<u8, Error> {
    let is_stdin = |path: &Path| path == Path::new("-");
    if is_stdin(&cli.compose) && cli.in_place {
        return Err(Error::StandardInputInPlace);
    }
    if is_stdin(&cli.compose) && is_stdin(&cli.keys) {
        return Err(Error::StandardInputTwice);
    }
    if let Some(output) = &cli.output
        && cli.merge.iter().any(|path| is_same(path, output))
    {
        return Err(Error::OutputMerged(output.clone()));
    }
    if !cli.quiet {
        say(&talk::waiting(cli));
    }
    let keyset = read_keyset(&cli.keys)?;
    let texts = read_compose(cli)?;
    let mut env_file = read_env_file(cli, &texts)?;
    let given = env_file.as_ref().map(|file| file.all(false));
    let files = Files::of(texts.clone(), given.unwrap_or_default(), None)?;
    let folder = files.folder.clone();
    let (before, over) = match texts.split_first() {
        Some(((_, before), over)) => (before.clone(), over),
        None => Default::default(),
    };
    let deployment = Deployment::load(files)?;
    if deployment.instances.is_empty() {
        return Err(Error::NoServer {
            file: escape(&cli.compose.to_string_lossy()).into_owned(),
        });
    }
    let mut unseen = deployment.unseen.iter();
    if let Some(unseen) = unseen.find(|unseen| unseen.hides == Hides::Services) {
        return Err(Error::Unseen {
            place: unseen.span.map(|span| deployment.sources.place(span)),
            what: unseen.what.clone(),
            reason: unseen.reason.clone(),
        });
    }
    refuse_missing(&deployment, &keyset)?;
    let asked = Asked {
        ports: Ports {
            close: cli.close_ports,
            bind: cli.bind,
        },
        is_apart: env_file.is_some(),
        is_overlay: cli.is_override,
    };
    let plan = plan::plan(&deployment, &keyset, asked).map_err(PlanError::Refused)?;
    if let Some(env_file) = &mut env_file {
        env_file.set(&plan.taken)?;
    }
    refuse_unrecognised(&deployment, &plan)?;
    let is_new_apart = env_file.as_ref().is_some_and(EnvFile::is_changed);
    let mut talk = talk::summary(cli, &plan, is_new_apart);
    talk.push_str(&talk::web_login(&deployment, &keyset));
    talk.push_str(&talk::left(cli, &deployment));
    let steps = talk::next_steps(cli, &deployment, &plan, env_file.as_ref());
    let containers = proof::Containers::of(&deployment);
    let after = splice(&before, &plan.edits)
        .map_err(|overlap| PlanError::Overlap(place_of(&cli.compose, &before, overlap.at)))?;
    drop(deployment);
    let edited = || {
        let mut compose = vec![(cli.compose.clone(), after.clone())];
        compose.extend(over.iter().cloned());
        if let Some(overlay) = &plan.overlay {
            compose.push((PathBuf::from("override"), overlay.clone()));
        }
        let env = env_file.as_ref().map(|file| file.all(true));
        Deployment::load(Files::of(compose, env.unwrap_or_default(), None)?)
    };
    proof::prove(
        &before,
        &after,
        &plan,
        &keyset,
        asked.ports,
        &containers,
        edited,
    )
    .map_err(PlanError::NotProved)?;
    let product = Product {
        cli,
        before: &before,
        after: plan.overlay.as_ref().unwrap_or(&after),
        env_file: env_file.as_ref(),
        is_changed: !plan.is_idle() || is_new_apart,
    };
    let code = product.write()?;
    if !cli.quiet {
        say(&talk);
        if !cli.check && !cli.diff {
            if let Some(env_file) = &env_file {
                say(&talk::apart(env_file, &folder));
            }
            say(&steps);
        }
    }
    Ok(code)
}

/// A file's path and text.
type Text = (PathBuf, Zeroizing<String>);

/// The compose files, lowest precedence first. Each is read once: a pipe has its text only once.
fn read_compose(cli: &Cli) -> Result<Vec<Text>, Error> {
    let mut texts = Vec::new();
    for path in std::iter::once(&cli.compose).chain(&cli.merge) {
        texts.push((path.clone(), read_argument(path)?));
    }
    if cli.merge.is_empty() {
        // What `docker compose` would merge over the file by itself must not win over what is injected.
        for path in merged_over(&cli.compose) {
            let text = read_text(&path)?;
            texts.push((path, text));
        }
    }
    Ok(texts)
}

/// The file that the values go to, where one is named.
fn read_env_file(cli: &Cli, texts: &[Text]) -> Result<Option<EnvFile>, Error> {
    let mut others = texts.iter().map(|(path, _)| path).chain(&cli.output);
    let is_taken = |path: &&PathBuf| {
        path.as_path() == Path::new("-") || others.any(|other| is_same(other, path))
    };
    if let Some(taken) = cli.env_file.last().into_iter().find(is_taken) {
        return Err(Error::EnvFileTaken(taken.clone()));
    }
    let folder = cli.compose.parent().unwrap_or(Path::new(""));
    Ok(EnvFile::read(&cli.env_file, folder)?)
}

fn read_keyset(path: &Path) -> Result<Keyset, Error> {
    let text = read_argument(path)?;
    let keyset = Keyset::read(&text, path)?;
    match keyset.missing() {
        missing if missing.iter().all(|setting| is_of_agent(*setting)) => Ok(keyset),
        missing => Err(Error::Incomplete(missing)),
    }
}

fn is_of_agent(setting: Setting) -> bool {
    setting.account() == Some("services_agent")
}

/// The agent's account may be left out where no agent logs in with it and the API server keeps it without a password.
fn refuse_missing(deployment: &Deployment, keyset: &Keyset) -> Result<(), Error> {
    let is_needed = |setting: &Setting| {
        deployment.instances.iter().any(|instance| {
            let is_public = known::built_in(*setting, instance.known_version()).is_some()
                || instance.release.known().is_none();
            instance.reads(*setting) && (instance.server == Server::AgentServices || is_public)
        })
    };
    let missing: Vec<Setting> = keyset.missing().into_iter().filter(is_needed).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Error::Incomplete(missing)),
    }
}

/// A setting that no server reads is no matter, unless a service may be that server.
fn refuse_unrecognised(deployment: &Deployment, plan: &Plan) -> Result<(), Error> {
    let mut unread = plan.unused.iter().filter(|unused| unused.version.is_none());
    match (unread.next(), talk::unrecognised(deployment).next()) {
        (Some(unread), Some((unseen, name))) => Err(Error::Unrecognised {
            place: unseen.span.map(|span| deployment.sources.place(span)),
            service: name.to_owned(),
            reason: unseen.reason.clone(),
            setting: unread.setting,
        }),
        _ => Ok(()),
    }
}
