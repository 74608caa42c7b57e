//! What is written: the keyset, and beside a `secure.conf` the `apiserver.conf` with its users. Both or neither.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::io::{
    Before, Mode, NewFile, is_same, is_stream, read_text, replace_files, write_secret_file,
};
use clearml_secure_core::keyset::{self, APISERVER, Keyset, SECURE, Switch, enumerated};
use clearml_secure_core::setting::{SETTINGS, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::plural;
use zeroize::Zeroizing;

use crate::beside::{self, Kept};
use crate::changes::{Changes, Tokens};
use crate::cli::{Cli, Format};
use crate::count;
use crate::error::Error;
use crate::existing::refuse_other;
use crate::from::From;
use crate::helm;
use crate::output::{apiserver, file, is_of_users, is_secure_conf};
use crate::talk::{exists, name, say, say_all, to_standard_output, wrote};

/// All that is to be written. Whatever can fail without writing has been done.
pub(crate) struct Product {
    /// Nothing where only users are written.
    keyset: Option<Zeroizing<String>>,
    users: usize,
    apiserver: Option<Apiserver>,
    /// The settings that get another value in a `secure.conf`.
    changed: Vec<Setting>,
    /// What is replaced, where something of it would be nowhere else.
    kept: Option<Kept>,
}

struct Apiserver {
    path: PathBuf,
    /// What is there now.
    before: Option<Zeroizing<String>>,
    merged: keyset::Apiserver,
    /// Whether a user of it gets another password.
    is_anybody_reset: bool,
}

/// The names of the users of the `apiserver.conf` that is written, beside those of the keyset.
///
/// # Errors
/// A file that does not tell them.
pub(crate) fn listed(cli: &Cli, from: Option<&From<'_>>) -> Result<Vec<String>, Error> {
    let names = |text: &str, path: &Path| Keyset::new().users_left_out(text, path);
    let of_users = of_users(cli, from);
    match (apiserver(cli, of_users), from) {
        (Some(_), Some(from)) if of_users && from.is_apiserver => Ok(names(&from.text, from.path)?),
        (Some(path), _) if path.is_file() => Ok(names(&read_text(&path)?, &path)?),
        _ => Ok(Vec::new()),
    }
}

fn of_users(cli: &Cli, from: Option<&From<'_>>) -> bool {
    is_of_users(cli, from.is_some_and(|from| from.is_apiserver))
}

impl Product {
    /// `text` is the keyset as it was asked for.
    ///
    /// # Errors
    /// An `apiserver.conf` that is there and is not to be changed, or cannot be.
    pub(crate) fn new(
        cli: &Cli,
        keyset: &Keyset,
        from: Option<&From<'_>>,
        changes: &Changes,
    ) -> Result<Self, Error> {
        let of_users = of_users(cli, from);
        let has_users = of_users || !keyset.users().is_empty();
        let apiserver = match apiserver(cli, of_users) {
            Some(path) if has_users || (changes.are_any() && path.exists()) => {
                Some(Apiserver::new(cli, (keyset, changes), from, path)?)
            }
            _ => None,
        };
        let text = match of_users {
            true => None,
            false => Some(text(cli, from, keyset)?),
        };
        Ok(Self {
            keyset: text,
            users: keyset.users().len(),
            apiserver,
            changed: beside::changed(cli, keyset)?,
            kept: None,
        })
    }

    /// The same, where the file that is replaced is kept under another name.
    pub(crate) fn keeping(mut self, kept: Option<Kept>) -> Self {
        self.kept = kept;
        self
    }

    /// Whether an `apiserver.conf` is written, and whether anybody is in it or in the keyset.
    pub(crate) fn has_file_and_anybody(&self) -> (bool, bool) {
        let is_kept = |one: &Apiserver| one.is_anybody_reset || !one.merged.kept.is_empty();
        let is_kept = self.apiserver.as_ref().is_some_and(is_kept);
        (self.apiserver.is_some(), is_kept || self.users > 0)
    }

    /// The `apiserver.conf` beside the keyset that was given, where clearml-inject with the new one would remove users
    /// of it: what it puts in stands for the whole list of the file.
    pub(crate) fn left_out(&self, cli: &Cli, keyset: &Keyset) -> Option<String> {
        let from = cli.from.as_deref().filter(|path| *path != Path::new("-"))?;
        let path = from.with_file_name(APISERVER);
        let is_merged = |apiserver: &Apiserver| is_same(&apiserver.path, &path);
        if self.keyset.is_none()
            || self.users == 0
            || !path.is_file()
            || self.apiserver.as_ref().is_some_and(is_merged)
        {
            return None;
        }
        let left_out = read_text(&path).and_then(|text| keyset.users_left_out(&text, &path));
        match left_out {
            Ok(users) if users.is_empty() => None,
            Ok(users) => Some(format!(
                "warning: {}: clearml-inject would remove these users, because this keyset does not have them: {}\n  \
                 help: keep them with `-f hocon -o FOLDER/{SECURE}`, or list them in a file for --users-from",
                name(&path),
                enumerated(&users)
            )),
            Err(error) => Some(format!(
                "warning: {} may have users that clearml-inject would remove with this keyset (not checked: {error})",
                name(&path)
            )),
        }
    }

    /// What becomes of the tokens that users have.
    pub(crate) fn tokens(&self, cli: &Cli, keyset: &Keyset, from: Option<&From<'_>>) -> Tokens {
        let is_new = |from: &From<'_>| {
            let mut secrets = SETTINGS.iter().filter(|setting| is_token_secret(setting));
            secrets.any(|setting| from.keyset.get(*setting) != keyset.get(*setting))
        };
        if self.keyset.is_some() && from.is_some_and(is_new) {
            return Tokens::End;
        }
        // Beside the users that are written there may be the keys.
        let path = file(cli).and_then(|path| match self.keyset {
            // The name of a Secret is told with an option.
            Some(_) => cli.secret.is_none().then(|| path.to_owned()),
            None => path
                .ends_with(APISERVER)
                .then(|| path.with_file_name(SECURE)),
        });
        let format = cli
            .format
            .to_possible_value()
            .filter(|_| !matches!(cli.format, Format::Env));
        let format = format.map_or_else(String::new, |format| format!(" -f {}", format.get_name()));
        Tokens::Work(path.filter(|path| path.is_file()).map(|path| {
            let path = quoted(&path);
            format!("clearml-keygen --from {path} --only token_secret{format} -o {path} --force")
        }))
    }

    /// Refuses a keyset's file that is there, before anything else is written and told of.
    ///
    /// # Errors
    /// One that is there, or that `--force` is not meant for.
    pub(crate) fn refuse_existing(&self, cli: &Cli, from: Option<&From<'_>>) -> Result<(), Error> {
        let keyset = self.keyset.as_ref().and(file(cli));
        // A symbolic link to nothing is there as well.
        let is_there = |path: &Path| path.symlink_metadata().is_ok_and(|there| !there.is_dir());
        let Some(path) = keyset.filter(|path| is_there(path) && !is_stream(path)) else {
            return Ok(());
        };
        // What was made of a `secure.conf` has its lines.
        let is_merged = from.is_some_and(|from| is_merged(cli, from));
        refuse_other(path, is_merged)?;
        match from {
            _ if cli.force => Ok(()),
            Some(from) if is_same(from.path, path) => Err(Error::ExistsAsFrom(path.to_owned())),
            _ => Err(Error::Exists(path.to_owned())),
        }
    }

    /// Writes the files or the standard output, and says so.
    ///
    /// # Errors
    /// What cannot be written. The files are what they were then.
    pub(crate) fn write(&self, cli: &Cli) -> Result<(), Error> {
        let Some(path) = file(cli) else {
            return to_standard_output(cli, self.keyset.as_deref().map_or("", |text| text));
        };
        self.write_files(cli, path).map_err(exists)?;
        if let Some(kept) = &self.kept {
            let (path, copy) = (name(path), name(&kept.path));
            say(
                cli,
                &format!(
                    "{path} as it was, with the users that are left out, is kept as {copy} (mode 0600)"
                ),
            );
        }
        if self.keyset.is_some() {
            // Those of an apiserver.conf are told with it.
            let users = match self.users {
                1.. if self.apiserver.is_none() => {
                    format!(", {}", plural(self.users, "web-login user"))
                }
                _ => String::new(),
            };
            say(
                cli,
                &format!("{}: {} settings{users}", wrote(path), SETTINGS.len()),
            );
        }
        let is_read_by_servers = match self.keyset {
            Some(_) => cli.force && is_secure_conf(cli, path),
            None => path.file_name().is_some_and(|name| name == APISERVER),
        };
        let restart = self.restart().filter(|_| is_read_by_servers);
        let path = name(path);
        match &self.apiserver {
            Some(apiserver) => apiserver.tell(cli, self.users, self.keyset.is_some()),
            None if self.users > 0 && matches!(cli.format, Format::Hocon) => say(
                cli,
                &format!(
                    "no server reads the users in {path}. `-o FOLDER/{SECURE}` also writes {APISERVER}, where the API server reads them"
                ),
            ),
            None => {}
        }
        say_all(cli, restart.map(str::to_owned));
        Ok(())
    }

    /// What has to restart, so that it reads what is another now.
    fn restart(&self) -> Option<&'static str> {
        let changed = self.changed.iter().filter(|_| self.keyset.is_some());
        if changed.clone().any(is_token_secret) {
            return Some(
                "the servers read it when they start. Restart them together, in the folder of the compose file:\n  \
                 docker compose up -d --force-recreate apiserver fileserver async_delete\n  \
                 docker compose exec redis redis-cli -n 8 FLUSHDB   # otherwise old tokens work for up to 12 hours",
            );
        }
        if changed.count() > 0 {
            return Some(
                "the servers read it when they start. Restart them together, in the folder of the compose file:\n  \
                 docker compose up -d --force-recreate apiserver fileserver async_delete",
            );
        }
        let users = self.apiserver.as_ref();
        let users = users.filter(|one| one.before.as_deref() != Some(&*one.merged.text));
        users.map(|_| {
            "the API server reads its users when it starts. Restart it, in the folder of the compose file:\n  docker compose up -d --force-recreate apiserver"
        })
    }

    fn write_files(&self, cli: &Cli, path: &Path) -> Result<(), CoreError> {
        let before = if cli.force {
            Before::Whatever
        } else {
            Before::Nothing
        };
        let keyset = self.keyset.as_deref().map(|text| NewFile {
            path,
            text,
            before,
            mode: Mode::Private,
        });
        let kept = self.kept.as_ref().map(|kept| NewFile {
            path: &kept.path,
            text: &kept.text,
            before: Before::Nothing,
            mode: Mode::Private,
        });
        match (&self.apiserver, keyset, kept) {
            (None, Some(keyset), None) => write_secret_file(path, keyset.text, cli.force),
            (None, None, None) => Ok(()),
            (apiserver, keyset, kept) => {
                // The copy first: nothing is lost in between.
                let apiserver = apiserver.as_ref().map(Apiserver::file);
                let files = kept.into_iter().chain(apiserver).chain(keyset);
                replace_files(&files.collect::<Vec<_>>())
            }
        }
    }
}

impl Apiserver {
    fn new(
        cli: &Cli,
        (keyset, changes): (&Keyset, &Changes),
        from: Option<&From<'_>>,
        path: PathBuf,
    ) -> Result<Self, Error> {
        // A symbolic link to nothing is there as well.
        let is_there = path.symlink_metadata().is_ok();
        let from = from.filter(|from| of_users(cli, Some(from)) && from.is_apiserver);
        if is_there && !cli.force {
            // The users of another file take the place of all that is in this one.
            let is_replaced = from.is_some_and(|from| !is_same(from.path, &path));
            return Err(match is_replaced {
                true => Error::Exists(path),
                false => Error::ApiserverExists(path),
            });
        }
        let before = if path.exists() {
            Some(read_text(&path)?)
        } else {
            None
        };
        let base = match from {
            Some(from) => Some((&from.text, from.path)),
            None => before.as_ref().map(|text| (text, path.as_path())),
        };
        let mut merged = match base {
            Some((text, path)) => keyset.merge_apiserver(changes.of_file(), text, path)?,
            // With an empty list nobody could log in.
            None if keyset.users().is_empty() => return Err(Error::NoUsers(path)),
            None => keyset::Apiserver {
                text: keyset.write_apiserver(),
                kept: Vec::new(),
                renewed: Vec::new(),
                switch: None,
            },
        };
        // What becomes of these is said for all files at once.
        let is_anybody_reset = !changes.reset.is_empty();
        merged.renewed.retain(|name| !changes.is_reset(name));
        Ok(Self {
            path,
            before,
            merged,
            is_anybody_reset,
        })
    }

    /// The file as it is to be.
    fn file(&self) -> NewFile<'_> {
        NewFile {
            path: &self.path,
            text: &self.merged.text,
            before: self
                .before
                .as_ref()
                .map_or(Before::Nothing, |text| Before::Text(text)),
            mode: Mode::Private,
        }
    }

    /// Says what became of the users.
    fn tell(&self, cli: &Cli, users: usize, has_keyset: bool) {
        let path = name(&self.path);
        let users = match users {
            0 => String::new(),
            1 => ": 1 web-login user".to_owned(),
            count => format!(": {count} web-login users"),
        };
        say(cli, &format!("{}{users}", wrote(&self.path)));
        let keyset::Apiserver {
            kept,
            renewed,
            switch,
            ..
        } = &self.merged;
        say_all(
            cli,
            switch.map(|switch| format!("{path}: {}", of_switch(switch))),
        );
        if !renewed.is_empty() {
            let names = enumerated(renewed);
            say(cli, &format!("{path}: new password for {names}"));
        }
        if !kept.is_empty() {
            let names = enumerated(kept);
            let why = match has_keyset {
                true => ", although not in the keyset",
                false => "",
            };
            say(cli, &format!("{path}: kept{why}: {names}"));
        }
        if self.path.file_name().is_none_or(|name| name != APISERVER) {
            let what = "the API server reads it only if it is called";
            say(cli, &format!("{path}: {what} {APISERVER}"));
        }
    }
}

fn is_token_secret(setting: &Setting) -> bool {
    setting.group() == "token_secret"
}

/// What becomes of a web login that somebody has disabled (docs/clearml.md#no-fixed-user).
fn of_switch(switch: Switch) -> &'static str {
    match switch {
        Switch::On => {
            "fixed users were disabled, and are enabled now: only these users can log in at the web page"
        }
        Switch::Off => {
            "fixed users are still disabled there: anyone who can reach the web page can log in without a password\n  \
             help: write `enabled: true` into its `fixed_users`"
        }
    }
}

/// Whether a keyset keeps all other lines of where it comes from.
fn is_merged(cli: &Cli, from: &From<'_>) -> bool {
    matches!(cli.format, Format::Hocon) && Keyset::format(&from.text) == Some(keyset::Format::Hocon)
}

/// The keyset in the format that was asked for; from one `secure.conf` to another, with all that is in it.
fn text(cli: &Cli, from: Option<&From<'_>>, keyset: &Keyset) -> Result<Zeroizing<String>, Error> {
    if let Some(From { text, path, .. }) = from {
        let merged = match cli.format {
            Format::Hocon => keyset.merge(text, path).transpose()?,
            _ => None,
        };
        if let Some(merged) = merged {
            return Ok(merged);
        }
        // Users with passwords in clear text.
        if let Some(output) = &cli.output
            && is_same(path, output)
            && keyset.passed_over() > 0
        {
            return Err(Error::OtherLines(output.clone()));
        }
    }
    Ok(match cli.format {
        Format::Jsonl => count::line(keyset),
        Format::Kubernetes => keyset.write_secret(helm::secret(cli)?),
        format => keyset.write(format.into()),
    })
}
