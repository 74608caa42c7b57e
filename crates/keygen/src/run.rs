use std::env;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::ColorChoice;
use clap::builder::styling::AnsiColor;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::exit;
use clearml_secure_core::io::{escape, read_text, write_secret_file};
use clearml_secure_core::keyset::{self, Keyset};
use clearml_secure_core::setting::{SETTINGS, Setting};

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::users::{self, New};

/// Reads what is there, generates the rest, and only then writes.
pub(crate) fn run(cli: &Cli) -> Result<(), Error> {
    let is_stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if is_stdin(&cli.from) && is_stdin(&cli.users_from) {
        return Err(Error::StandardInputTwice);
    }
    let renewed = renewed(&cli.only)?;
    let mut keyset = match &cli.from {
        Some(path) => Keyset::read(&read_text(path)?, path)?,
        None => Keyset::new(),
    };
    for setting in renewed {
        keyset.generate(setting)?;
    }
    keyset.generate_missing()?;
    let users = users::new(cli)?;
    users::add(&mut keyset, &users)?;
    let text = keyset.write(cli.format.into());
    // The passwords come first: a keyset whose passwords nobody ever saw is of no use.
    let passwords = cli.passwords.as_deref();
    if let Some(path) = passwords {
        write_passwords(cli, path, &users)?;
    }
    let written = match cli.output.as_deref() {
        Some(path) if path != Path::new("-") => to_file(cli, path, &text),
        _ => to_standard_output(cli, &text),
    };
    if let (Err(_), Some(path)) = (&written, passwords.filter(|path| *path != Path::new("-"))) {
        // They are of no keyset.
        drop(fs::remove_file(path));
    }
    written
}

/// Shows the generated passwords, this once.
fn write_passwords(cli: &Cli, path: &Path, users: &[New]) -> Result<(), Error> {
    let text = users::passwords(users);
    if path == Path::new("-") {
        return io::stderr()
            .write_all(text.as_bytes())
            .map_err(Error::Output);
    }
    write_secret_file(path, &text, false).map_err(exists)?;
    let path = escape(&path.to_string_lossy()).into_owned();
    say(
        cli,
        &format!("wrote {path} (mode 0600): the passwords, which stand nowhere else"),
    );
    Ok(())
}

/// A file that is there already has an error of its own.
fn exists(error: CoreError) -> Error {
    match error {
        CoreError::Write { path, source } if source.kind() == ErrorKind::AlreadyExists => {
            Error::Exists(path)
        }
        error => Error::Core(error),
    }
}

/// The settings that words of `--only` mean.
fn renewed(words: &[String]) -> Result<Vec<Setting>, Error> {
    let mut renewed = Vec::new();
    for word in words {
        let meant = Setting::by_word(word);
        if meant.is_empty() {
            return Err(Error::UnknownWord(word.clone()));
        }
        renewed.extend(meant);
    }
    Ok(renewed)
}

fn to_file(cli: &Cli, path: &Path, text: &str) -> Result<(), Error> {
    write_secret_file(path, text, cli.force).map_err(exists)?;
    let path = escape(&path.to_string_lossy()).into_owned();
    say(
        cli,
        &format!("wrote {path} (mode 0600): {} settings", SETTINGS.len()),
    );
    Ok(())
}

fn to_standard_output(cli: &Cli, text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    exit::write_product(&mut out, text.as_bytes()).map_err(Error::Output)?;
    if out.is_terminal() {
        say(
            cli,
            "these stay on your screen; `-o FILE` writes them to a file that only you can read",
        );
    }
    Ok(())
}

/// Talk, which goes to standard error. That nobody may be listening is no error.
fn say(cli: &Cli, text: &str) {
    if !cli.quiet {
        drop(writeln!(io::stderr(), "clearml-keygen: {text}"));
    }
}

/// Says why there is no keyset.
pub(crate) fn complain(color: ColorChoice, error: &Error) {
    let mut message = exit::message("clearml-keygen", error, error.help().as_deref());
    let is_colored = match color {
        ColorChoice::Always => true,
        ColorChoice::Auto => {
            env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && io::stderr().is_terminal()
        }
        ColorChoice::Never => false,
    };
    if is_colored {
        // As clap does with its own errors.
        let style = AnsiColor::Red.on_default().bold();
        let name = format!("{style}clearml-keygen:{style:#}");
        message = message.replacen("clearml-keygen:", &name, 1);
    }
    drop(io::stderr().write_all(message.as_bytes()));
}

impl From<Format> for keyset::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Env => Self::Env,
            Format::Hocon => Self::Hocon,
            Format::Json => Self::Json,
            Format::Toml => Self::Toml,
            Format::Yaml => Self::Yaml,
        }
    }
}
