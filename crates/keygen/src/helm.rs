//! Values for ClearML's Helm chart that hold no secret: every key comes from the Secret that `-f kubernetes` prints.

use std::fmt::Write;
use std::path::Path;

use clearml_secure_core::helm::recipe;
use clearml_secure_core::io::{read_argument, write_secret_file};
use clearml_secure_core::keyset::{Keyset, kubernetes};
use clearml_secure_core::setting::Server;
use clearml_secure_core::yaml::edit;

use crate::cli::Cli;
use crate::error::Error;
use crate::existing::refuse_other;
use crate::output::file;
use crate::talk::{exists, name, say};

/// How they begin, and so which ones `--force` replaces.
const START: &str = "# Values for ClearML's Helm chart";

/// Prints the values. No random bytes are taken, and no value of a keyset is read but whether it has users.
pub(crate) fn run(cli: &Cli) -> Result<(), Error> {
    if is_about_keys(cli) {
        return Err(Error::HelmHasNoKeys);
    }
    let has_users = match &cli.from {
        Some(path) => !read(path)?.users().is_empty(),
        None => false,
    };
    let text = values(secret(cli)?, has_users);
    match file(cli) {
        Some(path) => {
            if !is_ours(path) {
                refuse_other(path, true)?;
            }
            write_secret_file(path, &text, cli.force).map_err(|error| match exists(error) {
                Error::Exists(path) => Error::ValuesExist(path),
                error => error,
            })?;
            say(cli, &format!("wrote {}: no secret is in it", name(path)));
        }
        None => crate::talk::print(&text)?,
    }
    let oldest = recipe::oldest(has_users);
    say(
        cli,
        &format!("these values are for chart {oldest} and later"),
    );
    say(
        cli,
        "helm replaces lists: if your values have extraEnvs, use `clearml-inject -i values.yaml` instead of this file; then look at what helm renders",
    );
    Ok(())
}

fn is_ours(path: &Path) -> bool {
    path.is_file() && read_argument(path).is_ok_and(|text| text.starts_with(START))
}

fn is_about_keys(cli: &Cli) -> bool {
    cli.users_from.is_some()
        || [&cli.only, &cli.user, &cli.reset_password, &cli.remove_user]
            .iter()
            .any(|names| !names.is_empty())
}

fn read(path: &Path) -> Result<Keyset, Error> {
    Ok(Keyset::read_incomplete(&read_argument(path)?, path)?.0)
}

/// The name of the Secret.
///
/// # Errors
/// One that it cannot have.
pub(crate) fn secret(cli: &Cli) -> Result<&str, Error> {
    let name = cli.secret.as_deref().unwrap_or(kubernetes::NAME);
    kubernetes::check_name(name)?;
    Ok(name)
}

/// The values file.
fn values(secret: &str, has_users: bool) -> String {
    let name = edit::scalar(secret);
    let mut out = format!(
        "{START}, {} and later. No secret is in them: every key is in the Secret {secret}.\n\
         # helm replaces lists: if your own values have extraEnvs, put these entries into them.\n\
         clearml:\n  existingSecret: {name}\napiserver:\n",
        recipe::oldest(has_users)
    );
    if has_users {
        out.push_str(&format!(
            "  # Takes the place of additionalConfigs: what is there belongs into the apiserver.conf of this Secret.\n  \
             existingAdditionalConfigsSecret: {secret}-logins\n"
        ));
    }
    server(&mut out, secret, Server::Apiserver);
    out.push_str("fileserver:\n");
    server(&mut out, secret, Server::Fileserver);
    out.push_str("webserver:\n  service:\n    type: ClusterIP\n");
    out
}

/// The variables of a server that no value of the chart reaches.
fn server(out: &mut String, secret: &str, server: Server) {
    out.push_str("  service:\n    type: ClusterIP\n  extraEnvs:\n");
    for entry in recipe::extra_envs(server, Some(recipe::COOKIE)) {
        if entry.path == recipe::COOKIE_PATH {
            out.push_str(
                "    # The cookie of the web login; the chart sets the name in capitals, and lower case wins.\n",
            );
        }
        let [name, value] = entry.lines(secret);
        // Writing to a String does not fail.
        let _ = write!(out, "    - {name}\n      {value}\n");
    }
}
