use std::path::{Path, PathBuf};

use clearml_secure_core::compose::Hides;
use clearml_secure_core::deployment::{Deployment, Files, override_beside};
use clearml_secure_core::edit::splice;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{escape, is_same, read_text};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::source::place_of;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::env_file::EnvFile;
use crate::error::Error;
use crate::plan::{Asked, Ports};
use crate::talk::{self, say};
use crate::write::Product;
use crate::{plan, proof};

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
    let keyset = read_keyset(&cli.keys)?;
    let mut paths = vec![cli.compose.clone()];
    paths.extend(cli.merge.iter().cloned());
    let is_of_the_file = cli.in_place || cli.check || cli.diff;
    if is_of_the_file && !cli.is_override && cli.merge.is_empty() {
        // What `docker compose` would merge over the file by itself must not win over what is injected.
        paths.extend(override_beside(&cli.compose));
    }
    let mut env_file = read_env_file(cli, &paths)?;
    let mut files = Files::read(&paths, None, None)?;
    if let Some(EnvFile {
        path,
        before: Some(text),
        ..
    }) = &env_file
    {
        files.env = Some((path.clone(), text.clone()));
    }
    let folder = files.folder.clone();
    let before = files
        .compose
        .first()
        .map(|(_, text)| text.clone())
        .unwrap_or_default();
    let deployment = Deployment::load(files)?;
    if deployment.instances.is_empty() {
        return Err(Error::NoServer {
            file: escape(&cli.compose.to_string_lossy()).into_owned(),
        });
    }
    let mut unseen = deployment.unseen.iter();
    if let Some(unseen) = unseen.find(|unseen| unseen.hides == Hides::Services) {
        return Err(Error::Unseen {
            what: unseen.what.clone(),
            reason: unseen.reason.clone(),
        });
    }
    let asked = Asked {
        ports: Ports {
            close: cli.close_ports,
            bind: cli.bind,
        },
        is_apart: env_file.is_some(),
        is_overlay: cli.is_override,
    };
    let plan = plan::plan(&deployment, &keyset, asked).map_err(Error::Refused)?;
    if let Some(env_file) = &mut env_file {
        env_file.set(&plan.taken)?;
    }
    let is_new_apart = env_file.as_ref().is_some_and(EnvFile::is_changed);
    let mut talk = talk::summary(cli, &plan, is_new_apart);
    talk.push_str(&talk::web_login(&deployment, &keyset));
    let steps = talk::next_steps(cli, &deployment, &plan, env_file.as_ref());
    let containers =
        (asked.is_apart || asked.is_overlay).then(|| proof::Containers::of(&deployment));
    let after = splice(&before, &plan.edits)
        .map_err(|overlap| Error::Overlap(place_of(&cli.compose, &before, overlap.at)))?;
    drop(deployment);
    let edited = || {
        let mut files = Files::read(&paths[1..], None, None)?;
        files
            .compose
            .insert(0, (cli.compose.clone(), after.clone()));
        if let Some(overlay) = &plan.overlay {
            files
                .compose
                .push((PathBuf::from("override"), overlay.clone()));
        }
        files.env = match &env_file {
            Some(file) => Some((file.path.clone(), file.after.clone())),
            None => env_beside(&folder)?,
        };
        files.folder = folder.clone();
        Deployment::load(files)
    };
    proof::prove(
        &before,
        &after,
        &plan,
        &keyset,
        asked.ports,
        containers.as_ref(),
        edited,
    )
    .map_err(Error::NotProved)?;
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

/// The file that the values go to, where one is named.
fn read_env_file(cli: &Cli, paths: &[PathBuf]) -> Result<Option<EnvFile>, Error> {
    let Some(path) = &cli.env_file else {
        return Ok(None);
    };
    let mut others = paths.iter().chain(&cli.output);
    if path == Path::new("-") || others.any(|other| is_same(other, path)) {
        return Err(Error::EnvFileTaken(path.clone()));
    }
    EnvFile::read(path).map(Some)
}

/// What compose takes variables from by itself.
fn env_beside(folder: &Path) -> Result<Option<(PathBuf, Zeroizing<String>)>, CoreError> {
    let path = folder.join(".env");
    if !path.is_file() {
        return Ok(None);
    }
    let text = read_text(&path)?;
    Ok(Some((path, text)))
}

fn read_keyset(path: &Path) -> Result<Keyset, Error> {
    let text = read_text(path)?;
    let keyset = Keyset::read(&text, path)?;
    let missing = keyset.missing();
    // The services agent is optional; a keyset without it leaves that account as it is.
    if missing.is_empty() {
        Ok(keyset)
    } else {
        Err(Error::Incomplete(missing))
    }
}
