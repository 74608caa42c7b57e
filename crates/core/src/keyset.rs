//! A value for each setting and the web-login users: what keygen makes, inject puts in, and verify compares with.
//!
//! It is read and written in several formats, one a file below this one. All of them hold the same, so a
//! keyset survives the way through any of them.

mod apiserver;
mod beside;
mod chosen;
mod env;
mod fault;
mod flaw;
mod hocon;
mod json;
pub mod kubernetes;
mod merge;
mod misfit;
mod model;
mod recognise;
#[cfg(test)]
mod tests;
mod toml;
mod yaml;

use std::path::Path;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::fault::Fault;
use crate::fixed_users;
use crate::generate::generate;
use crate::io;
use crate::secret::Secret;
use crate::setting::{Kind, SETTINGS, Server, Setting};
use crate::shell;
use crate::shown::escape;
pub use beside::{APISERVER, Followed, SECURE, apiserver_of};
pub use chosen::Chosen;
use fault::put;
pub use flaw::Flaw;
pub use misfit::{LONGEST, Misfit};
use misfit::{fits, fits_name, is_hash};

/// A value for each setting, as far as there is one, and the web-login users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyset {
    values: [Option<Secret>; SETTINGS.len()],
    users: Vec<User>,
    /// How many users the text had whose passwords are plain.
    passed_over: usize,
    /// Settings whose value in the text is empty, and where.
    empty: Vec<(Setting, usize)>,
}

/// Somebody who may log in at the web page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// What is typed in to log in.
    pub username: String,
    /// What is shown.
    pub name: String,
    /// The password's bcrypt hash in base64, as the server wants it (docs/clearml.md#password-hashes).
    pub password_hash: Secret,
}

/// An `apiserver.conf` with the web-login users of a keyset beside those that it has.
pub struct Apiserver {
    /// All of it.
    pub text: Zeroizing<String>,
    /// The names of the users that it has and the keyset has not.
    pub kept: Vec<String>,
    /// The names of the users that it had and whose password is another now.
    pub renewed: Vec<String>,
    /// What became of `enabled: false`, where it had that.
    pub switch: Option<Switch>,
}

/// What becomes of fixed users that somebody has disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Enabled, so that users that were asked for can log in.
    On,
    /// Left as it is: nothing was asked about users.
    Off,
}

/// What is to become of users that a file may have and the keyset has not.
#[derive(Clone, Copy, Default)]
pub struct Changes<'a> {
    /// Names that go. One that the keyset has as well is added anew.
    pub removed: &'a [String],
    /// Users with their new password. A user who is not in the file is not added.
    pub reset: &'a [User],
    /// Whether nothing was asked about users: the keyset has them only because keys are replaced.
    pub is_of_keys: bool,
}

/// How a keyset is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `CLEARML__…=value`: for a shell, and as compose's `.env` or `env_file`.
    Env,
    /// A `secure.conf` for the configuration folder that the servers mount.
    Hocon,
    /// For programs.
    Json,
    /// A Secret for ClearML's Helm chart, and one with the web-login users.
    Kubernetes,
    /// For people.
    Toml,
    /// For people.
    Yaml,
}

/// What compose says where a value should come from an env file and does not: the text of `${NAME:?text}`.
pub const DEMAND: &str = "set by clearml-keygen";

/// The variable that holds a setting in [`Format::Env`] for a server: the services agent takes its own raw, under
/// the name in ClearML's compose file.
pub fn env_variable(setting: Setting, server: Server) -> String {
    let raw = env::AGENT
        .iter()
        .find(|(_, path)| server == Server::AgentServices && *path == setting.path());
    raw.map_or_else(|| setting.variable(), |(name, _)| (*name).to_owned())
}

impl Keyset {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a setting.
    pub fn get(&self, setting: Setting) -> Option<&Secret> {
        self.values[setting.index()].as_ref()
    }

    /// Gives a setting its value, whatever it had before.
    ///
    /// # Errors
    /// A value that not every format could hold, or that no server could read. The keyset is what it was then.
    pub fn set(&mut self, setting: Setting, value: Secret) -> Result<(), Misfit> {
        fits(&value)?;
        if setting.kind() == Kind::Key && value.expose().contains(':') {
            return Err(Misfit::Colon);
        }
        self.values[setting.index()] = Some(value);
        Ok(())
    }

    /// The settings without a value.
    pub fn missing(&self) -> Vec<Setting> {
        let has_none = |setting: &Setting| self.get(*setting).is_none();
        SETTINGS.into_iter().filter(has_none).collect()
    }

    /// Generates a value for a setting, whatever it had before.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate(&mut self, setting: Setting) -> Result<(), Error> {
        self.values[setting.index()] = Some(generate(setting.kind())?);
        Ok(())
    }

    /// Generates a value for every setting that has none.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate_missing(&mut self) -> Result<(), Error> {
        self.missing()
            .into_iter()
            .try_for_each(|setting| self.generate(setting))
    }

    /// The web-login users, in their order.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// How many web-login users the text that was read has beyond these: their passwords stand in it as they are, and
    /// a keyset holds hashes only.
    pub fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// The names of users with something else in the place of a hash: a password in clear text, for instance, which would go on
    /// as one (docs/clearml.md#password-hashes).
    pub fn not_hashed(&self) -> Vec<String> {
        let users = self.users.iter();
        let users = users.filter(|user| !is_hash(&user.password_hash));
        users.map(|user| user.username.clone()).collect()
    }

    /// Adds a web-login user.
    ///
    /// # Errors
    /// A name that is taken, or what not every format could hold.
    pub fn add_user(&mut self, user: User) -> Result<(), Misfit> {
        fits_name(&user.username)?;
        fits_name(&user.name)?;
        if user.username.contains(':') {
            return Err(Misfit::NameColon);
        }
        fits(&user.password_hash)?;
        if user.password_hash.expose().contains('`') {
            return Err(Misfit::Backtick);
        }
        if self
            .users
            .iter()
            .any(|other| other.username == user.username)
        {
            return Err(Misfit::User);
        }
        self.users.push(user);
        Ok(())
    }

    /// The web-login user of this name.
    pub fn user(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username == username)
    }

    /// Removes a web-login user, if there is one of this name.
    pub fn remove_user(&mut self, username: &str) {
        self.users.retain(|user| user.username != username);
    }

    /// Gives a web-login user another password, if there is one of this name.
    ///
    /// # Errors
    /// What not every format could hold.
    pub fn reset_password(&mut self, username: &str, hash: Secret) -> Result<(), Misfit> {
        fits(&hash)?;
        let mut users = self.users.iter_mut();
        if let Some(user) = users.find(|user| user.username == username) {
            user.password_hash = hash;
        }
        Ok(())
    }

    /// What the API server has to read for the web-login users: configuration paths, and the HOCON of their values;
    /// nothing where there are none (docs/clearml.md#users-in-a-variable).
    pub fn fixed_users(&self) -> Vec<(String, Secret)> {
        if self.users.is_empty() {
            return Vec::new();
        }
        let mut list = env::users(self);
        let path = |name: &str| format!("{}.{name}", fixed_users::PATH);
        vec![
            (path("enabled"), Secret::from("true")),
            (path("pass_hashed"), Secret::from("true")),
            (path("users"), Secret::new(std::mem::take(&mut *list))),
        ]
    }

    /// Writes it down.
    pub fn write(&self, format: Format) -> Zeroizing<String> {
        // Allocated once: a buffer that grew would leave copies behind.
        let mut out = Zeroizing::new(String::with_capacity(self.room()));
        match format {
            Format::Env => env::write(self, &mut out),
            Format::Hocon => hocon::write(self, &mut out),
            Format::Json => json::write(self, &mut out),
            Format::Kubernetes => kubernetes::write(self, kubernetes::NAME, &mut out),
            Format::Toml => toml::write(self, &mut out),
            Format::Yaml => yaml::write(self, &mut out),
        }
        out
    }

    /// Writes it down as [`Format::Kubernetes`], the Secret being called so.
    pub fn write_secret(&self, name: &str) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(self.room() + 2 * name.len()));
        kubernetes::write(self, name, &mut out);
        out
    }

    /// The web-login users as the Secret that is beside the one called so.
    pub fn write_logins(&self, name: &str) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(self.room() + 2 * name.len()));
        kubernetes::write_logins(self, name, &mut out);
        out
    }

    /// Reads one in any of the formats, recognised by its content. `path` is what errors call it.
    /// Settings that it does not have are no error: see [`Self::missing`].
    ///
    /// # Errors
    /// What is no keyset, or says something twice, or has entries or values that cannot be.
    pub fn read(text: &str, path: &Path) -> Result<Self, Error> {
        let keyset = Self::read_any(text).map_err(|fault| fault.of(path, text))?;
        match keyset.empty.first() {
            Some((setting, at)) => {
                // A pipe can be read only once.
                let name = match path.is_file() {
                    true => shell::quoted(path),
                    false => "KEYS".to_owned(),
                };
                let help =
                    format!("generate a value:\n  clearml-keygen --from {name} -o complete.env");
                let fault = Fault::misfit(*at, *setting, Misfit::Empty).help(help);
                Err(fault.of(path, text))
            }
            None => Ok(keyset),
        }
    }

    /// Whether a text is a keyset. People name it where a compose file belongs; what is as large as only that becomes is not
    /// parsed for it.
    pub fn is_one(text: &str, path: &Path) -> bool {
        const LARGEST: usize = 1 << 20;
        text.len() <= LARGEST
            && Self::read(text, path).is_ok_and(|keyset| keyset.missing().len() < SETTINGS.len())
    }

    /// Whether a file is a keyset. What cannot be read is none.
    pub fn is_in(path: &Path) -> bool {
        path.is_file() && io::read_text(path).is_ok_and(|text| Self::is_one(&text, path))
    }

    /// Whether a file is something else: people name a compose file where the keyset belongs. A keyset with a mistake is not,
    /// nor is a pipe, whose text comes only once.
    pub fn is_other(path: &Path) -> bool {
        let is_other = |text: &str| match recognise::format(text) {
            Ok(Format::Kubernetes) => kubernetes::has_none(text),
            Ok(_) => false,
            Err(_) => !text.trim().is_empty(),
        };
        path.is_file() && io::read_text(path).is_ok_and(|text| is_other(&text))
    }

    /// Reads one that somebody completes, and names the settings that have no value in it; none of them where it has none
    /// at all. An empty value is as good as none: the `secure.conf` of ClearML's images has two
    /// (docs/clearml.md#services-agent).
    ///
    /// # Errors
    /// As [`Self::read`], but for empty values.
    pub fn read_incomplete(text: &str, path: &Path) -> Result<(Self, Vec<Setting>), Error> {
        let mut keyset = Self::read_any(text).map_err(|fault| fault.of(path, text))?;
        let mut missing = keyset.missing();
        if std::mem::take(&mut keyset.empty).is_empty() && missing.len() == SETTINGS.len() {
            missing.clear();
        }
        Ok((keyset, missing))
    }

    fn read_any(text: &str) -> Result<Self, Fault> {
        match recognise::format(text)? {
            Format::Env => env::read(text),
            Format::Hocon => hocon::read(text),
            Format::Json => json::read(text),
            Format::Kubernetes => kubernetes::read(text),
            Format::Toml => toml::read(text),
            Format::Yaml => yaml::read(text),
        }
    }

    /// Whether a text is a compose file or values of ClearML's chart.
    pub fn is_deployment(text: &str) -> bool {
        recognise::is_deployment(text)
    }

    /// The format that a text is in, if it is one of a keyset.
    pub fn format(text: &str) -> Option<Format> {
        recognise::format(text).ok()
    }

    /// Whether a text in which there is a keyset has more than that: other variables, other configuration. A keyset in
    /// its place would lose it. The other formats hold nothing else.
    pub fn is_only_a_part_of(text: &str) -> bool {
        match recognise::format(text) {
            Ok(Format::Env) => env::has_more(text),
            Ok(Format::Hocon) => hocon::has_more(text),
            Ok(Format::Kubernetes) => kubernetes::has_more(text),
            _ => false,
        }
    }

    /// Puts the keyset into the text that it was read from, if that is HOCON: values are replaced where they stand, what
    /// is new is added at the end, and everything else stays byte for byte. None for another format. `path` is what
    /// errors call it.
    ///
    /// # Errors
    /// A text in which that cannot be done, or not proved.
    pub fn merge(&self, text: &str, path: &Path) -> Option<Result<Zeroizing<String>, Error>> {
        let is_hocon = recognise::format(text).is_ok_and(|format| format == Format::Hocon);
        is_hocon.then(|| hocon::merge(self, text).map_err(|fault| fault.of(path, text)))
    }

    /// The web-login users as an `apiserver.conf`, where the API server looks for them.
    pub fn write_apiserver(&self) -> Zeroizing<String> {
        apiserver::write(self)
    }

    /// Puts the web-login users into an `apiserver.conf`: of one that it has, the password is replaced, new ones are
    /// added, and everything else stays byte for byte, other users included but for these changes. `path` is what
    /// errors call it.
    ///
    /// # Errors
    /// A text in which that cannot be done, or not proved, or in which it would change who else gets in.
    pub fn merge_apiserver(
        &self,
        changes: Changes<'_>,
        text: &str,
        path: &Path,
    ) -> Result<Apiserver, Error> {
        apiserver::merge(self, changes, text).map_err(|fault| fault.of(path, text))
    }

    /// Whether a text is an `apiserver.conf` with web-login users, and no keyset.
    pub fn is_apiserver(text: &str) -> bool {
        recognise::format(text).is_ok_and(|format| format == Format::Hocon)
            && apiserver::is_one(text)
    }

    /// The web-login users of an `apiserver.conf`, and no setting.
    ///
    /// # Errors
    /// A text that does not tell them, or tells more of one than a keyset holds.
    pub fn read_apiserver(text: &str, path: &Path) -> Result<Self, Error> {
        apiserver::read(text).map_err(|fault| fault.of(path, text))
    }

    /// The users of a file with JSON lines: `{"username": "jane", "password": "…", "name": "Jane"}`.
    ///
    /// # Errors
    /// A line that is something else. No text of it is in the message.
    pub fn read_chosen(text: &str, path: &Path) -> Result<Vec<Chosen>, Error> {
        chosen::read(text).map_err(|fault| fault.of(path, text))
    }

    /// The names of the web-login users that an `apiserver.conf` has and the keyset has not.
    ///
    /// # Errors
    /// A text that does not tell.
    pub fn users_left_out(&self, text: &str, path: &Path) -> Result<Vec<String>, Error> {
        apiserver::left_out(self, text).map_err(|fault| fault.of(path, text))
    }

    /// The settings that have a value, with it.
    fn entries(&self) -> impl Iterator<Item = (Setting, &Secret)> {
        SETTINGS
            .into_iter()
            .filter_map(|setting| self.get(setting).map(|value| (setting, value)))
    }

    /// Bytes that suffice for any format. In the worst, every character is escaped twice (a shell's quotes
    /// around HOCON's), and the services agent's settings stand there twice.
    fn room(&self) -> usize {
        const COMMENTS: usize = 2048;
        const NAMES: usize = 128;
        const ESCAPED: usize = 8;
        let values = self
            .entries()
            .map(|(_, value)| NAMES + ESCAPED * value.expose().len());
        let users = self.users.iter().map(|user| {
            let text = user.username.len() + user.name.len() + user.password_hash.expose().len();
            NAMES + ESCAPED * text
        });
        COMMENTS + values.sum::<usize>() + users.sum::<usize>()
    }
}

impl Format {
    /// Every format, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Env,
        Self::Json,
        Self::Yaml,
        Self::Toml,
        Self::Hocon,
        Self::Kubernetes,
    ];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Hocon => "hocon",
            Self::Json => "json",
            Self::Kubernetes => "kubernetes",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
        }
    }
}

/// Adds a text in double quotes, with the two escapes that JSON, YAML, TOML, HOCON and pyhocon all undo.
/// Enough for a keyset, which holds no control character.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Names for a message: the first few, so that hundreds are still one line.
pub fn enumerated(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.iter().take(SHOWN);
    let mut shown: Vec<String> = shown.map(|name| escape(name).into_owned()).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// The text in double quotes, in a buffer that is allocated once.
fn quoted(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(2 * text.len() + 2));
    push_quoted(&mut out, text);
    out
}
