//! Values files of ClearML's Helm chart: no key comes into them, so no keyset is needed.

use std::fmt::Write;
use std::path::Path;

use clearml_secure_cli::talk::say;
use clearml_secure_core::helm::{self, recipe};
use clearml_secure_core::io::{is_same, read_argument};
use clearml_secure_core::keyset::{Keyset, kubernetes};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_plan::values::{Change, Done, Job, Proved};
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::error::Error;
use crate::write::Product;

/// Plans, proves, and only then writes.
pub(crate) fn run(cli: &Cli, text: Zeroizing<String>) -> Result<u8, Error> {
    if let Some(option) = cli.of_compose() {
        return Err(Error::OnlyCompose(option));
    }
    let secret = cli.secret.as_deref().unwrap_or(kubernetes::NAME);
    if !kubernetes::is_name(secret) {
        return Err(Error::SecretName(secret.to_owned()));
    }
    let has_users = match &cli.keys {
        Some(path) => !read_keyset(cli, path)?.users().is_empty(),
        None => false,
    };
    let job = Job {
        path: cli.compose.clone(),
        text,
        secret: secret.to_owned(),
        has_users,
    };
    let proved = job.prove()?;
    let is_changed = !proved.changes.is_empty();
    let product = Product {
        cli,
        before: &proved.before,
        after: &proved.after,
        env_file: None,
        is_changed,
        holds_secrets: false,
        marks: &[],
    };
    let code = product.write()?;
    if !cli.general.quiet {
        say(&summary(cli, &proved, secret));
        if is_changed && !cli.check {
            say(&next(cli, secret, has_users));
        }
    }
    Ok(code)
}

/// Of the keyset nothing counts but whether it has users.
fn read_keyset(cli: &Cli, path: &Path) -> Result<Keyset, Error> {
    if cli
        .output
        .as_deref()
        .is_some_and(|output| is_same(path, output))
    {
        return Err(Error::OutputRead(path.to_owned()));
    }
    Ok(Keyset::read_incomplete(&read_argument(path)?, path)?.0)
}

fn summary(cli: &Cli, proved: &Proved, secret: &str) -> String {
    let mut out = String::new();
    for Change { path, done } in &proved.changes {
        let what = match done {
            Done::Entries {
                added,
                replaced,
                removed,
            } => {
                let counts = [
                    (added, "added"),
                    (replaced, "replaced"),
                    (removed, "removed"),
                ];
                let counts = counts.into_iter().filter(|(count, _)| **count > 0);
                let counts = counts.map(|(count, word)| format!("{count} {word}"));
                counts.collect::<Vec<_>>().join(", ")
            }
            Done::Removed => "removed, because nothing reads it beside existingSecret".to_owned(),
            Done::Set(value) => value.clone(),
        };
        line(&mut out, &format!("{}: {what}", escape(path)));
    }
    if proved.changes.is_empty() {
        line(&mut out, "nothing to change");
    }
    let is_removed = |change: &Change| change.done == Done::Removed;
    if proved.changes.iter().any(is_removed) {
        line(
            &mut out,
            "what was a secret in this file may be in copies and in git: give the Secret new keys",
        );
    }
    let verb = match cli.check || cli.diff {
        true if !proved.changes.is_empty() => "would come",
        _ => "come",
    };
    line(
        &mut out,
        &format!(
            "{} settings {verb} from Secret {secret}; proved on the values, as charts {} and {} render them",
            proved.settings.len(),
            recipe::EXISTING_SECRET,
            helm::newest()
        ),
    );
    out
}

/// What is still to be done, and what is not in this file.
fn next(cli: &Cli, secret: &str, has_users: bool) -> String {
    let mut out = String::new();
    let file = match cli.in_place {
        true => quoted(&cli.compose),
        false => "FILE".to_owned(),
    };
    let keys = match cli.keys.as_deref() {
        Some(path) if path != Path::new("-") => quoted(path),
        _ => "keys.env".to_owned(),
    };
    let name = match secret == kubernetes::NAME {
        true => String::new(),
        false => format!(" --secret {secret}"),
    };
    let when = match (cli.diff, cli.in_place) {
        (true, _) => "After this change, run (FILE is the values file)",
        (_, true) => "Now run",
        (_, false) => "Now run (FILE is the file with this output)",
    };
    line(&mut out, &format!("{when}:"));
    if cli.keys.is_none() {
        out.push_str("  clearml-keygen -o keys.env   # unless you have a keyset\n");
    }
    let secrets = match has_users {
        true => "# the Secret, and the one with the users",
        false => "# the Secret",
    };
    let _ = writeln!(
        out,
        "  clearml-keygen --from {keys} -f kubernetes{name} | kubectl -n NAMESPACE create -f -   {secrets}\n  \
         helm template clearml clearml/clearml --kube-version 1.30.0 -f {file} | clearml-verify --keys {keys} -\n  \
         helm upgrade --install -n NAMESPACE clearml clearml/clearml -f {file}"
    );
    line(
        &mut out,
        "helm replaces lists: no later values file may have extraEnvs. The ports of the services are as they were",
    );
    out
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "clearml-inject: {text}");
}
