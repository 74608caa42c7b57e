use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clearml_secure_core::dotenv;
use clearml_secure_core::io::{is_same, read_argument, write_secret_file};
use clearml_secure_core::keyset::{self, Keyset};
use clearml_secure_core::setting::Setting;
use clearml_secure_core::shown::escape;

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::product::Product;
use crate::talk::{exists, say};
use crate::users::{self, New};

/// Reads what is there, generates the rest, and only then writes.
pub(crate) fn run(cli: &Cli) -> Result<(), Error> {
    let is_stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if is_stdin(&cli.from) && is_stdin(&cli.users_from) {
        return Err(Error::StandardInputTwice);
    }
    if let (Some(passwords), Some(output)) = (&cli.passwords, &cli.output)
        && passwords != Path::new("-")
        && is_same(passwords, output)
    {
        // With --force the keyset would replace the passwords, which stand nowhere else.
        return Err(Error::OneFile(passwords.clone()));
    }
    let renewed = renewed(&cli.only)?;
    let from = match &cli.from {
        Some(path) => Some((read_argument(path)?, path.as_path())),
        None => None,
    };
    let mut keyset = match &from {
        Some((text, path)) => Keyset::read(text, path)?,
        None => Keyset::new(),
    };
    for setting in renewed {
        keyset.generate(setting)?;
    }
    keyset.generate_missing()?;
    if let (Some((_, path)), count @ 1..) = (&from, keyset.passed_over()) {
        let path = escape(&path.to_string_lossy()).into_owned();
        let what = "web-login users left out, because their passwords are plain";
        let help = "list them with --users-from, which hashes passwords";
        say(cli, &format!("warning: {path}: {what}: {count}; {help}"));
    }
    let users = users::new(cli)?;
    users::add(&mut keyset, &users)?;
    for warning in users::warnings(&users) {
        say(cli, &warning);
    }
    let merged = match (&from, cli.format) {
        (Some((text, path)), Format::Hocon) => keyset.merge(text, path).transpose()?,
        _ => None,
    };
    let text = merged.unwrap_or_else(|| keyset.write(cli.format.into()));
    if let (Some((old, path)), Some(output)) = (&from, &cli.output)
        && matches!(cli.format, Format::Env)
        && is_same(path, output)
        && loses_lines(old, &text)
    {
        return Err(Error::OtherLines(output.clone()));
    }
    let product = Product::new(cli, &keyset, text)?;
    if let Some(warning) = product.left_out(cli, &keyset) {
        say(cli, &warning);
    }
    // The passwords come first: a keyset whose passwords nobody ever saw is of no use.
    let passwords = cli.passwords.as_deref();
    if let Some(path) = passwords {
        write_passwords(cli, path, &users)?;
    }
    let written = product.write(cli);
    if let (Err(_), Some(path)) = (&written, passwords.filter(|path| *path != Path::new("-"))) {
        // They are of no keyset.
        drop(fs::remove_file(path));
    }
    written
}

/// Whether an env file that is to be replaced has variables that are no part of a keyset.
fn loses_lines(old: &str, new: &str) -> bool {
    let names = |text: &str| -> Vec<String> {
        let entries = dotenv::parse(text, &|_| None).unwrap_or_default();
        entries.into_iter().map(|entry| entry.name).collect()
    };
    let kept = names(new);
    names(old).iter().any(|name| !kept.contains(name))
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
