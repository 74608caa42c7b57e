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
    kubernetes::check_name(secret)?;
    let keyset = match &cli.keys {
        Some(path) => read_keyset(cli, path)?,
        None => Keyset::default(),
    };
    let has_users = !keyset.users().is_empty();
    let job = Job {
        path: cli.compose.clone(),
        text,
        secret: secret.to_owned(),
        keyset,
    };
    let proved = job.prove()?;
    let is_changed = !proved.changes.is_empty();
    let product = Product {
        cli,
        before: &proved.before,
        after: &proved.after,
        env_file: None,
        is_output_right: false,
        is_changed,
        holds_secrets: false,
        marks: &[],
    };
    let code = product.write()?;
    if !cli.general.quiet {
        say(&summary(cli, &proved, secret, has_users));
        if is_changed && !cli.check {
            say(&next(cli, &proved, secret, has_users));
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

fn summary(cli: &Cli, proved: &Proved, secret: &str, has_users: bool) -> String {
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
            Done::SetInstead { new, old } => {
                let old = escape(old);
                format!("{new} instead of {old}. --secret {old} keeps that name")
            }
        };
        line(&mut out, &format!("{}: {what}", escape(path)));
    }
    if proved.changes.is_empty() {
        line(&mut out, "nothing to change");
    }
    if let Some(section) = &proved.section {
        line(
            &mut out,
            &format!(
                "read as values of a chart that has ClearML's as {}; ClearML's own chart reads none of them there",
                escape(section)
            ),
        );
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
            recipe::oldest(has_users),
            helm::newest()
        ),
    );
    out
}

/// What is still to be done, and what is not in this file.
fn next(cli: &Cli, proved: &Proved, secret: &str, has_users: bool) -> String {
    let mut out = String::new();
    let (file, chart, named) = names(cli, proved);
    let keys = match cli.keys.as_deref() {
        Some(path) if path != Path::new("-") => quoted(path),
        _ => "keys.env".to_owned(),
    };
    let name = match secret == kubernetes::NAME {
        true => String::new(),
        false => format!(" --secret {secret}"),
    };
    let when = match cli.diff {
        true => "After this change, run",
        false => "Now run",
    };
    line(&mut out, &format!("{when}{named}:"));
    if cli.keys.is_none() {
        out.push_str("  clearml-keygen -o keys.env   # unless you have a keyset\n");
    }
    let secrets = match has_users {
        true => "# the Secret, and the one with the users",
        false => "# the Secret",
    };
    let make = format!("clearml-keygen --from {keys} -f kubernetes{name}");
    let render = format!("helm template clearml {chart} --kube-version 1.30.0 -f {file}");
    // Only with the second Secret is it known who the users are.
    let check = match has_users {
        true => format!(
            "{render} >rendered.yaml\n  {make} | clearml-verify --keys {keys} rendered.yaml -"
        ),
        false => format!("{render} | clearml-verify --keys {keys} -"),
    };
    let _ = writeln!(
        out,
        "  {make} | kubectl -n NAMESPACE create -f -   {secrets}\n  {check}\n  \
         helm upgrade --install -n NAMESPACE clearml {chart} -f {file}"
    );
    line(
        &mut out,
        "helm replaces lists: no later values file may have extraEnvs. The ports of the services are as they were",
    );
    out
}

/// The file with the new values and the chart that reads it, as the commands have them, and what those are that the user has
/// to put in.
fn names(cli: &Cli, proved: &Proved) -> (String, &'static str, String) {
    let is_file = |path: &&Path| *path != Path::new("-");
    let output = cli.output.as_deref().filter(is_file);
    let own = Some(&*cli.compose).filter(|_| cli.in_place || cli.diff);
    let mut unnamed = Vec::new();
    let file = match output.or(own.filter(is_file)) {
        Some(path) => quoted(path),
        None => {
            unnamed.push(match cli.diff {
                true => "FILE is the values file".to_owned(),
                false => "FILE is the file with this output".to_owned(),
            });
            "FILE".to_owned()
        }
    };
    let chart = match &proved.section {
        Some(section) => {
            let section = escape(section);
            unnamed.push(format!(
                "CHART is the chart that has ClearML's as {section}"
            ));
            "CHART"
        }
        // Without it, helm installs the newest.
        None => {
            unnamed.push("VERSION is the chart's, which `helm list` shows".to_owned());
            "clearml/clearml --version VERSION"
        }
    };
    let named = match unnamed.is_empty() {
        true => String::new(),
        false => format!(" ({})", unnamed.join(", ")),
    };
    (file, chart, named)
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "clearml-inject: {text}");
}
