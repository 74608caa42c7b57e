use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{is_same, is_stream, write_secret_file};
use clearml_secure_core::keyset::{self, Keyset, enumerated};
use clearml_secure_core::setting::Setting;

use crate::beside;
use crate::changes::Changes;
use crate::chosen;
use crate::cli::{Cli, Format};
use crate::count;
use crate::error::Error;
use crate::from::From;
use crate::helm;
use crate::product::{self, Product};
use crate::talk::{self, exists, say, say_all, wrote};
use crate::users::{self, New};

/// Reads what is there, generates the rest, and only then writes.
pub(crate) fn run(cli: &Cli) -> Result<(), Error> {
    refuse_one_for_two(cli)?;
    if let Some(other) = cli.others.first() {
        return Err(Error::NoOption(other.clone()));
    }
    if let Some(count) = cli.count {
        return count::run(cli, count);
    }
    if matches!(cli.format, Format::Helm) {
        return helm::run(cli);
    }
    if cli.secret.is_some() && !matches!(cli.format, Format::Kubernetes) {
        return Err(Error::SecretWithout);
    }
    let renewed = renewed(&cli.only)?;
    talk::waiting(cli);
    let from = From::read(cli)?;
    let mut keyset = completed(from.as_ref(), &renewed)?;
    if let Some(from) = &from {
        say_all(cli, from.remarks(cli, &renewed));
    }
    let users = chosen::new(cli)?;
    let followed = beside::follow(cli, from.as_ref(), &users, &mut keyset)?;
    say_all(cli, followed.remarks);
    let names_anybody = [&cli.user, &cli.remove_user, &cli.reset_password];
    let mut listed = match names_anybody.iter().all(|names| names.is_empty()) {
        true => Vec::new(),
        false => product::listed(cli, from.as_ref())?,
    };
    let changes = Changes::of(cli, &keyset, &listed)?;
    changes.apply(&mut keyset)?;
    listed.retain(|name| !cli.remove_user.contains(name));
    users::refuse_known(&users, &listed)?;
    let replaced = users::add(&mut keyset, &users)?;
    refuse_not_hashed(&keyset, from.as_ref())?;
    say_all(cli, users::warnings(&users));
    let product = Product::new(cli, &keyset, from.as_ref(), &changes)?.keeping(followed.kept);
    say_all(cli, product.left_out(cli, &keyset));
    product.refuse_existing(cli, from.as_ref())?;
    write(cli, &product, &changes.reset, &users)?;
    say_all(cli, from.as_ref().and_then(|from| from.completed(&renewed)));
    let (is_in_file, is_anybody_left) = product.has_file_and_anybody();
    say_all(
        cli,
        changes.remarks(
            (&users, replaced),
            is_anybody_left,
            is_in_file,
            &product.tokens(cli, &keyset, from.as_ref()),
        ),
    );
    Ok(())
}

/// Refuses one file, or one stream, for two things.
fn refuse_one_for_two(cli: &Cli) -> Result<(), Error> {
    let is_stdin = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if is_stdin(&cli.from) && is_stdin(&cli.users_from) {
        return Err(Error::StandardInputTwice);
    }
    if let (Some(users), Some(output)) = (&cli.users_from, &cli.output)
        && users != Path::new("-")
        && is_same(users, output)
    {
        return Err(Error::OneFile(users.clone()));
    }
    match (&cli.passwords, &cli.output) {
        (Some(passwords), Some(output))
            if passwords != Path::new("-") && is_same(passwords, output) =>
        {
            // With --force the keyset would replace the passwords, which stand nowhere else.
            Err(Error::OneFile(passwords.clone()))
        }
        _ => Ok(()),
    }
}

/// Refuses to pass on as a hash what is none: the user could not log in, and the password itself would be in more files.
fn refuse_not_hashed(keyset: &Keyset, from: Option<&From<'_>>) -> Result<(), Error> {
    let names = keyset.not_hashed();
    match from.filter(|_| !names.is_empty()) {
        Some(from) => Err(Error::Core(CoreError::NotHashed {
            path: from.path.to_owned(),
            users: enumerated(&names),
        })),
        None => Ok(()),
    }
}

/// The keyset with a value for every setting, and new ones for some.
fn completed(from: Option<&From<'_>>, renewed: &[Setting]) -> Result<Keyset, Error> {
    let mut keyset = from.map_or_else(Keyset::new, |from| from.keyset.clone());
    for setting in renewed {
        keyset.generate(*setting)?;
    }
    keyset.generate_missing()?;
    Ok(keyset)
}

/// Writes the passwords, and then the keyset: one whose passwords nobody ever saw is of no use.
fn write(cli: &Cli, product: &Product, reset: &[New], added: &[New]) -> Result<(), Error> {
    let passwords = cli.passwords.as_deref();
    if let Some(path) = passwords {
        write_passwords(cli, path, &users::passwords(reset.iter().chain(added)))?;
    }
    let written = product.write(cli);
    let is_file = |path: &&Path| *path != Path::new("-") && !is_stream(path);
    if let (Err(_), Some(path)) = (&written, passwords.filter(is_file)) {
        // They are of no keyset.
        drop(fs::remove_file(path));
    }
    written
}

/// Shows the generated passwords, this once.
fn write_passwords(cli: &Cli, path: &Path, text: &str) -> Result<(), Error> {
    if path == Path::new("-") {
        return io::stderr()
            .write_all(text.as_bytes())
            .map_err(Error::Output);
    }
    write_secret_file(path, text, false).map_err(|error| match exists(error) {
        Error::Exists(path) => Error::PasswordsExist(path),
        error => error,
    })?;
    let wrote = wrote(path);
    say(
        cli,
        &format!("{wrote}: the passwords. They are in no other file"),
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

impl std::convert::From<Format> for keyset::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Env => Self::Env,
            Format::Hocon => Self::Hocon,
            Format::Json | Format::Jsonl => Self::Json,
            // The values of `-f helm` are no keyset; they name this one.
            Format::Helm | Format::Kubernetes => Self::Kubernetes,
            Format::Toml => Self::Toml,
            Format::Yaml => Self::Yaml,
        }
    }
}
