use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ColorChoice;
use clearml_secure_core::deployment::{Deployment, Files, override_beside};
use clearml_secure_core::effective::Effective;
use clearml_secure_core::fixed_users::FixedUsers;
use clearml_secure_core::io::{escape, read_text, replace_file, write_secret_file};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::setting::{SETTINGS, Server};
use clearml_secure_core::{error::Error as CoreError, exit};
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::plan::{Change, Plan, Ports};
use crate::{diff, plan, proof, splice};

/// Reads, plans, proves, and only then writes.
pub(crate) fn run(cli: &Cli) -> Result<u8, Error> {
    let is_stdin = |path: &Path| path == Path::new("-");
    if is_stdin(&cli.compose) && cli.in_place {
        return Err(Error::StandardInputInPlace);
    }
    if is_stdin(&cli.compose) && is_stdin(&cli.keys) {
        return Err(Error::StandardInputTwice);
    }
    let keyset = read_keyset(&cli.keys)?;
    let mut paths = vec![cli.compose.clone()];
    paths.extend(cli.merge.iter().cloned());
    if cli.in_place && cli.merge.is_empty() {
        // What `docker compose` would merge over the file by itself must not win over what is injected.
        paths.extend(override_beside(&cli.compose));
    }
    let ports = Ports {
        close: cli.close_ports,
        bind: cli.bind,
    };
    let files = Files::read(&paths, None, None)?;
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
    let plan = plan::plan(&deployment, &keyset, ports).map_err(Error::Refused)?;
    let web_login = web_login(&deployment, &keyset);
    let after = splice::splice(&before, &plan.edits);
    drop(deployment);
    let load = || Deployment::load(edited(cli, &paths, &after)?);
    proof::prove(&before, &after, &plan, &keyset, ports, load).map_err(Error::NotProved)?;
    let code = write(cli, &before, &after)?;
    if !cli.quiet {
        say(&summary(cli, &plan));
        say(&web_login);
    }
    Ok(code)
}

/// What a person should know about the web login: who comes, who goes, and what the server does on its own.
fn web_login(deployment: &Deployment, keyset: &Keyset) -> String {
    if keyset.users().is_empty() || deployment.of(Server::Apiserver).next().is_none() {
        return String::new();
    }
    let mut out = format!(
        "clearml-inject: web login: {} users; with fixed users the API server refuses the webserver and tests accounts\n",
        keyset.users().len()
    );
    let mut gone: Vec<String> = Effective::of(deployment)
        .servers
        .iter()
        .filter(|server| server.server == Server::Apiserver)
        .flat_map(|server| FixedUsers::of(server, deployment).users)
        .map(|user| user.username)
        .filter(|name| !keyset.users().iter().any(|user| user.username == *name))
        .map(|name| escape(&name).into_owned())
        .collect();
    gone.dedup();
    if !gone.is_empty() {
        out.push_str(&format!(
            "clearml-inject: web login: no longer a user, because the keyset does not have them: {}\n",
            gone.join(", ")
        ));
    }
    out
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

/// The same files with the first one's text replaced.
fn edited(cli: &Cli, paths: &[PathBuf], after: &Zeroizing<String>) -> Result<Files, CoreError> {
    let mut files = Files::read(&paths[1..], None, None)?;
    files
        .compose
        .insert(0, (cli.compose.clone(), after.clone()));
    files.folder = cli.compose.parent().unwrap_or(Path::new("")).to_owned();
    let env = files.folder.join(".env");
    files.env = if env.is_file() {
        Some((env.clone(), read_text(&env)?))
    } else {
        None
    };
    Ok(files)
}

fn write(cli: &Cli, before: &str, after: &str) -> Result<u8, Error> {
    if cli.check {
        return Ok(if before == after {
            exit::FINE
        } else {
            exit::FINDINGS
        });
    }
    if cli.diff {
        let color = match cli.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                std::env::var_os("NO_COLOR").is_none() && io::stdout().is_terminal()
            }
        };
        let text = diff::unified(&cli.compose.to_string_lossy(), before, after, color);
        exit::write_product(io::stdout().lock(), text.as_bytes()).map_err(Error::Output)?;
    } else if cli.in_place {
        if let Some(suffix) = &cli.backup {
            let mut backup = cli.compose.clone().into_os_string();
            backup.push(suffix);
            let backup = PathBuf::from(backup);
            if backup.symlink_metadata().is_ok() {
                return Err(Error::BackupExists(backup));
            }
            write_secret_file(&backup, before, false)?;
        }
        if before != after {
            let remarks = remarks_in_place(&cli.compose);
            replace_file(&cli.compose, after)?;
            if !cli.quiet {
                say(&remarks);
            }
        }
    } else if let Some(output) = cli
        .output
        .as_ref()
        .filter(|output| output.as_path() != Path::new("-"))
    {
        write_secret_file(output, after, cli.force)?;
    } else {
        exit::write_product(io::stdout().lock(), after.as_bytes()).map_err(Error::Output)?;
    }
    Ok(exit::FINE)
}

/// What a person should know about the file that holds secrets from now on: it keeps its mode, and other names of it
/// keep the old text.
#[cfg(unix)]
fn remarks_in_place(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = path.metadata() else {
        return String::new();
    };
    let name = path.to_string_lossy();
    let name = escape(&name);
    let mut out = String::new();
    if metadata.mode() & 0o077 != 0 {
        out.push_str(&format!(
            "clearml-inject: {name} holds secrets and is open to others as before (mode {:04o}): chmod 600 closes it\n",
            metadata.mode() & 0o7777
        ));
    }
    if metadata.nlink() > 1 {
        out.push_str(&format!(
            "clearml-inject: {name} had other hard links; they keep the text from before\n"
        ));
    }
    out
}

#[cfg(not(unix))]
fn remarks_in_place(_: &Path) -> String {
    String::new()
}

/// What was done, service by service, for a person.
fn summary(cli: &Cli, plan: &Plan) -> String {
    let verb = if cli.check || cli.diff {
        "would be"
    } else {
        "were"
    };
    let mut services: Vec<&str> = plan
        .intended
        .iter()
        .map(|one| one.service.as_str())
        .collect();
    services.dedup();
    let mut out = String::new();
    for service in services {
        let count = |change| {
            plan.intended
                .iter()
                .filter(|one| one.service == service && one.change == change)
                .count()
        };
        let (added, replaced, kept) = (
            count(Change::Added),
            count(Change::Replaced),
            count(Change::Kept),
        );
        let mut parts = Vec::new();
        for (number, word) in [
            (added, "added"),
            (replaced, "replaced"),
            (kept, "already right"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {word}"));
            }
        }
        out.push_str(&format!(
            "clearml-inject: {}: {}\n",
            escape(service),
            parts.join(", ")
        ));
    }
    for (setting, reason) in &plan.unused {
        out.push_str(&format!(
            "clearml-inject: {setting}: not needed: {reason}\n"
        ));
    }
    for port in &plan.ports {
        let place = escape(port.path.trim_start_matches("services/"));
        out.push_str(&match &port.text {
            Some(text) => format!("clearml-inject: {place}: {}\n", escape(text)),
            None => format!("clearml-inject: {place}: nothing is published\n"),
        });
    }
    if plan.edits.is_empty() {
        out.push_str("clearml-inject: nothing to change\n");
    } else {
        let settings = SETTINGS.len() - plan.unused.len();
        out.push_str(&format!(
            "clearml-inject: {settings} settings {verb} put where servers read them; proved on the edited file\n"
        ));
    }
    out
}

/// Talk goes to standard error; that nobody may be listening is no error.
pub(crate) fn say(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
