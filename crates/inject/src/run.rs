use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use clearml_secure_cli::talk::say;
use clearml_secure_core::compose::files::{Elsewhere, GivenFile, merged_over, named_above};
use clearml_secure_core::helm;
use clearml_secure_core::io::{is_same, read_argument, read_text};
use clearml_secure_core::keyset::{Followed, Keyset};
use clearml_secure_core::kubernetes;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Kind, SETTINGS, Setting};
use clearml_secure_core::source::Sources;
use clearml_secure_plan::env_file::EnvFile;
use clearml_secure_plan::error::Error as PlanError;
use clearml_secure_plan::job::Job;
use clearml_secure_plan::plan::Asked;
use zeroize::Zeroizing;

use crate::cli::Cli;
use crate::diff;
use crate::error::Error;
use crate::ports;
use crate::talk::{self, Talk};
use crate::values;
use crate::witness;
use crate::write::{Product, left_open};

/// Reads, plans, proves, and only then writes.
pub(crate) fn run(cli: &Cli) -> Result<u8, Error> {
    if is_stdin(&cli.compose) && cli.in_place {
        return Err(Error::StandardInputInPlace);
    }
    // Values need no keyset: only what comes tells whether it is some.
    if is_twice(cli) && (cli.keys.is_some() || io::stdin().is_terminal()) {
        return Err(Error::StandardInputTwice);
    }
    if !cli.general.quiet && is_stdin(&cli.compose) {
        say(&talk::waiting(cli));
    }
    let text = read_argument(&cli.compose)?;
    refuse_what_belongs_elsewhere(cli, &text)?;
    if helm::is_values(&cli.compose, &text) {
        return values::run(cli, text);
    }
    if helm::has_one_part(&cli.compose, &text) {
        return Err(Error::OnePart(cli.compose.clone()));
    }
    compose(cli, text)
}

/// The same of a compose file, whose text this is.
fn compose(cli: &Cli, text: Zeroizing<String>) -> Result<u8, Error> {
    if is_twice(cli) {
        return Err(Error::StandardInputTwice);
    }
    if cli.secret.is_some() {
        return Err(Error::SecretWithout);
    }
    if !cli.general.quiet && !is_stdin(&cli.compose) && !is_of_ports(cli) {
        say(&talk::waiting(cli));
    }
    let keyset = keyset(cli)?;
    let texts = read_compose(cli, text)?;
    refuse_an_input(cli)?;
    let merged_output = merged_output(cli, &texts);
    let taken = |output: &Path| Error::OutputMerged(output.to_owned());
    if let Some(output) = merged_output.filter(|_| !cli.is_override || !cli.merge.is_empty()) {
        return Err(taken(output));
    }
    let env_file = read_env_file(cli, &texts)?;
    // A second reading needs the files a second time.
    let for_witness = cli.prove_with_compose.then(|| texts.clone());
    let job = Job {
        compose: texts,
        asked: Asked {
            ports: ports::asked(cli),
            is_overlay: cli.is_override,
            is_literal: cli.literal,
            allows_weak: cli.allow_weak,
            is_of_ports: keyset == Keyset::default(),
        },
        env_file,
    };
    let planned = job.plan(&keyset)?;
    // What was written there by an earlier run is right, or would be lost.
    if let Some(output) = merged_output.filter(|_| !planned.plan.is_idle()) {
        return Err(taken(output));
    }
    let talk = Talk::of(cli, &planned, &keyset);
    let with_secrets = files_with(&planned.deployment.sources, &keyset, cli, talk.is_changed);
    let marks = match cli.diff {
        true => diff::marks(&planned.deployment, &keyset),
        false => Vec::new(),
    };
    let proved = planned.prove(&keyset)?;
    if let Some(texts) = for_witness {
        witness::ask(&texts, &proved)?;
    }
    let product = Product {
        cli,
        before: &proved.before,
        after: proved.plan.overlay.as_ref().unwrap_or(&proved.after),
        env_file: proved.env_file.as_ref(),
        is_output_right: merged_output.is_some(),
        is_changed: talk.is_changed,
        holds_secrets: proved.env_file.is_none() && keyset != Keyset::default(),
        marks: &marks,
    };
    let code = product.write()?;
    if !cli.general.quiet {
        say(&talk.done);
        if let Some(env_file) = proved.env_file.as_ref().filter(|_| !cli.check && !cli.diff) {
            say(&talk::of_env_file(env_file, &talk.env));
        }
        if !cli.check && !cli.diff {
            say(&left_open(&with_secrets));
        }
        // clearml-rotate has to know before it changes anything.
        if !cli.check {
            say(&talk.next);
        }
    }
    Ok(code)
}

/// The files that hold secrets of the keyset, and that a run does not write, which closes them or speaks of them: env files that are
/// right already, files of services, and the keyset itself.
fn files_with(sources: &Sources, keyset: &Keyset, cli: &Cli, is_changed: bool) -> Vec<PathBuf> {
    let secrets = SETTINGS
        .into_iter()
        .filter(|setting| setting.kind() == Kind::Secret);
    let secrets: Vec<&Secret> = secrets.filter_map(|setting| keyset.get(setting)).collect();
    let compose = Some(&cli.compose).filter(|_| is_changed || !cli.in_place);
    let written = [compose, cli.env_file.last(), cli.output.as_ref()];
    let is_written = |path: &Path| { written.into_iter().flatten() }.any(|one| is_same(one, path));
    let holds = |text: &str| secrets.iter().any(|secret| secret.is_in(text));
    let read = sources.ids().filter(|id| holds(sources.text(*id)));
    let mut files: Vec<PathBuf> = Vec::new();
    for path in read.map(|id| sources.path(id)).chain([cli.keys()]) {
        let is_new = !is_written(path) && files.iter().all(|known| !is_same(known, path));
        // Ports change without a keyset.
        if is_new && path.is_file() && !secrets.is_empty() {
            files.push(path.to_owned());
        }
    }
    files
}

/// Whether the compose file and the keyset both come from standard input.
fn is_twice(cli: &Cli) -> bool {
    is_stdin(&cli.compose) && is_stdin(cli.keys()) && !is_of_ports(cli)
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Refuses a keyset where the compose file belongs, and a file too many. `text` is that of the compose file.
fn refuse_what_belongs_elsewhere(cli: &Cli, text: &str) -> Result<(), Error> {
    // A Secret may be among the objects of a deployment, of which more is said later.
    let is_keyset = !kubernetes::is_manifest(text) && Keyset::is_one(text, &cli.compose);
    let keys = match is_keyset {
        true => Some(&cli.compose),
        false => cli.others.iter().find(|path| Keyset::is_in(path)),
    };
    let given = cli.keys.iter().filter(|path| Keyset::is_other(path));
    let mut others = std::iter::once(&cli.compose)
        .chain(&cli.others)
        .chain(given);
    match (keys, cli.others.last()) {
        (Some(keys), _) => Err(match others.find(|path| *path != keys) {
            Some(compose) => Error::KeysetAmong {
                keys: keys.clone(),
                compose: compose.clone(),
                is_in_place: cli.in_place,
            },
            None => Error::Keyset(keys.clone()),
        }),
        (None, Some(other)) => Err(Error::OneMore(other.clone())),
        // Nobody needs a keyset to be told so.
        (None, None) if kubernetes::is_manifest(text) => Err(Error::Manifest(cli.compose.clone())),
        (None, None) => Ok(()),
    }
}

/// The compose files, lowest precedence first. Each is read once: a pipe has its text only once.
fn read_compose(cli: &Cli, first: Zeroizing<String>) -> Result<Vec<GivenFile>, Error> {
    let given = |path: &PathBuf, text: Zeroizing<String>| {
        refuse_nothing(path, &text, "compose file")?;
        match kubernetes::is_manifest(&text) {
            true => Err(Error::Manifest(path.clone())),
            false => Ok((path.clone(), text.into())),
        }
    };
    let mut texts: Vec<GivenFile> = vec![given(&cli.compose, first)?];
    for path in &cli.merge {
        let (path, text) = given(path, read_argument(path)?)?;
        if Keyset::is_one(&text, &path) {
            return Err(Error::KeysetAmong {
                keys: path,
                compose: cli.compose.clone(),
                is_in_place: cli.in_place,
            });
        }
        texts.push((path, text));
    }
    if cli.merge.is_empty() {
        refuse_a_part(cli)?;
        // What `docker compose` would merge over the file by itself must not win over what is injected.
        for path in merged_over(&cli.compose) {
            let text = read_text(&path)?;
            texts.push((path, text.into()));
        }
    }
    Ok(texts)
}

/// Refuses a file that `docker compose` reads with others, and with another `.env`, because that of a folder above names it.
fn refuse_a_part(cli: &Cli) -> Result<(), Error> {
    if is_stdin(&cli.compose) {
        return Ok(());
    }
    let Some((folder, Elsewhere { compose, env })) = named_above(&cli.compose) else {
        return Ok(());
    };
    // Alone it is whole with the env files that count.
    let has = |env: &PathBuf| cli.env_file.iter().any(|given| is_same(given, env));
    if compose.len() == 1 && env.iter().all(has) {
        return Ok(());
    }
    Err(Error::Part {
        file: cli.compose.clone(),
        names: folder.join(".env"),
        compose,
        env,
    })
}

/// Refuses an empty standard input: somebody forgot a name, or what should write there failed.
fn refuse_nothing(path: &Path, text: &str, what: &'static str) -> Result<(), Error> {
    match path == Path::new("-") && text.trim().is_empty() {
        true => Err(Error::NothingCame(what)),
        false => Ok(()),
    }
}

/// Refuses to write over what the product is read from: it would be gone. The compose file itself may be replaced by its
/// edited text.
fn refuse_an_input(cli: &Cli) -> Result<(), Error> {
    let Some(output) = output_file(cli) else {
        return Ok(());
    };
    let is_replaced = cli.is_override && is_same(&cli.compose, output);
    if is_replaced || is_same(cli.keys(), output) {
        return Err(Error::OutputRead(output.to_owned()));
    }
    Ok(())
}

/// The file that the product goes to, if it is one of those that are merged over the compose file.
fn merged_output<'a>(cli: &'a Cli, texts: &[GivenFile]) -> Option<&'a Path> {
    let mut merged = texts.iter().skip(1);
    output_file(cli).filter(|output| merged.any(|(path, _)| is_same(path, output)))
}

fn output_file(cli: &Cli) -> Option<&Path> {
    let output = cli.output.as_deref();
    output.filter(|path| *path != Path::new("-"))
}

/// The file that the values go to, where one is named.
fn read_env_file(cli: &Cli, texts: &[GivenFile]) -> Result<Option<EnvFile>, Error> {
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

/// The keyset; an empty one where only ports are asked for and none comes.
fn keyset(cli: &Cli) -> Result<Keyset, Error> {
    let is_optional = is_of_ports(cli);
    let path = cli.keys();
    if is_optional && (io::stdin().is_terminal() || cli.compose == path) {
        return Ok(Keyset::default());
    }
    let text = read_argument(path)?;
    let is_optional = is_optional || asks_for_ports(cli) && !is_from_a_pipe();
    if is_optional && text.trim().is_empty() {
        return Ok(Keyset::default());
    }
    refuse_nothing(path, &text, "keyset")?;
    let mut keyset = Keyset::read(&text, path)?;
    let followed = keyset.follow_own(&text, path)?;
    for remark in followed.iter().flat_map(Followed::remarks) {
        if !cli.general.quiet {
            say(&format!("clearml-inject: {remark}\n"));
        }
    }
    match keyset.missing() {
        missing if missing.iter().all(|setting| is_of_agent(*setting)) => Ok(keyset),
        missing => Err(PlanError::Incomplete(missing).into()),
    }
}

/// Whether nothing that is asked for needs a keyset.
fn is_of_ports(cli: &Cli) -> bool {
    asks_for_ports(cli) && cli.env_file.is_empty()
}

/// The same where an env file may also be there for the other variables of the compose file. Somebody at a terminal, and
/// what is before a pipe, may yet give the keys for it.
fn asks_for_ports(cli: &Cli) -> bool {
    cli.keys.is_none() && (cli.close_ports || cli.bind.is_some())
}

/// Whether another program writes to standard input.
fn is_from_a_pipe() -> bool {
    let own = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let data = own.and_then(|file| file.metadata());
    data.is_ok_and(|data| data.file_type().is_fifo())
}

fn is_of_agent(setting: Setting) -> bool {
    setting.account() == Some("services_agent")
}
