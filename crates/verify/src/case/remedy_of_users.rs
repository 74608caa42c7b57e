//! The commands for web-login users whom a server has otherwise than it should. One command is for all of them: each makes a file of
//! passwords or a keyset, and a second one of the same text would be refused.

use std::path::Path;

use clearml_secure_core::effective::Layer;
use clearml_secure_core::fixed_users::{FixedUser, USERS};
use clearml_secure_core::io::is_same;
use clearml_secure_core::keyset::{APISERVER, Keyset};
use clearml_secure_core::shell::{option, quoted};

use super::Case;
use crate::fix::Conf;
use crate::login::Login;
use crate::words::run;

impl Case<'_> {
    /// Whether the command that gives the servers this keyset leaves their users as they are. Somebody may have removed one by hand, or
    /// given one another password: clearml-keygen leaves that to the file from which the API server takes them, if the keyset
    /// is that of the file at another time.
    pub(crate) fn keeps_users(&self, login: &Login<'_>, keys: &Keyset) -> bool {
        match Conf::of(self.deployment, self.effective) {
            Some(conf) => {
                let apiserver = conf.file.with_file_name(APISERVER);
                conf.has_values_of(self.deployment, keys) && apiserver.symlink_metadata().is_ok()
            }
            None => {
                let layer = login.server.layer(self.deployment, USERS);
                matches!(layer, Some(Layer::File(_))) && !login.users.users.is_empty()
            }
        }
    }

    /// What to do about users of the keyset whom the server's file does not list: somebody may have removed them there. The keyset
    /// may be in this file.
    pub(crate) fn if_meant(
        &self,
        login: &Login<'_>,
        names: &[&str],
        keys: Option<&Path>,
    ) -> String {
        let options = |flag: &str| -> String {
            let options = names.iter().map(|name| option(flag, name));
            options.collect::<Vec<_>>().join(" ")
        };
        let is_one = names.len() == 1;
        let (removed, them) = match is_one {
            true => ("if this user was removed there", "the user"),
            false => ("if these users were removed there", "the users"),
        };
        let Some(conf) = Conf::of(self.deployment, self.effective) else {
            return run(
                &format!(
                    "{removed}, remove {them} from the keyset, too, or clearml-inject adds {them} again (KEYS is the keyset in use)"
                ),
                &[&format!(
                    "clearml-keygen --from KEYS {} -o new.env",
                    options("--remove-user")
                )],
            );
        };
        let file = quoted(&conf.file);
        let let_in = match is_one {
            true => "If the user should log in",
            false => "If they should log in",
        };
        let keyset = match keys.is_some_and(|keys| is_same(keys, &conf.file)) {
            true => &file,
            false => "the keyset",
        };
        // A file that is not changed is not followed either.
        if let Some(refusal) = self.refusal_of_users_in(login.server, names.iter().copied()) {
            return format!(
                "{removed}, remove {them} from {keyset}, too. {let_in}, add {them} there by hand: {refusal}"
            );
        }
        let add = match is_one {
            true => "add one with a new password",
            false => "add them with new passwords",
        };
        run(
            &format!(
                "{removed}, all is right: check with the keyset that follows it, --keys {file}. {let_in}, {add}, then restart the API \
                 server"
            ),
            &[&format!(
                "clearml-keygen --from {file} {} --passwords logins.txt -f hocon -o {file} --force",
                options("--user")
            )],
        )
    }

    /// The same where users have another password there.
    pub(crate) fn if_reset(
        &self,
        login: &Login<'_>,
        users: &[&FixedUser],
        keys: Option<&Path>,
    ) -> String {
        let changed = match users.len() {
            1 => "if the password was changed there, all is right",
            _ => "if the passwords were changed there, all is right",
        };
        let Some(conf) = Conf::of(self.deployment, self.effective) else {
            return self.apply(
                &format!("{changed}, and clearml-inject would change it back. If the keyset's is meant, inject it"),
                None,
                &[],
            );
        };
        let names = users.iter().map(|user| user.username.as_str());
        let is_followed = self.refusal_of_users_in(login.server, names).is_none();
        let check = match is_followed && keys.is_none_or(|keys| !is_same(keys, &conf.file)) {
            true => format!(
                ": check with the keyset that follows it, --keys {}",
                quoted(&conf.file)
            ),
            false => String::new(),
        };
        format!(
            "{changed}{check}. Otherwise, {}",
            self.reset_passwords(login, users)
        )
    }

    /// The commands that give this user of a server's list another password, and with it these.
    pub(crate) fn reset_password(
        &self,
        login: &Login<'_>,
        user: &FixedUser,
        all: &[&FixedUser],
    ) -> String {
        // Only hashes are replaced one by one, and not every name is one that may be repeated.
        let is_named = |user: &FixedUser| {
            login.users.is_hashed == Some(true) && login.called(user) == user.username
        };
        match is_named(user) {
            true => {
                let named: Vec<&FixedUser> =
                    all.iter().copied().filter(|user| is_named(user)).collect();
                self.reset_passwords(login, &named)
            }
            false => self.reset_passwords(login, &[]),
        }
    }

    fn reset_passwords(&self, login: &Login<'_>, users: &[&FixedUser]) -> String {
        const CHOOSE: &str = "choose one of at least 15 characters";
        if users.is_empty() || login.users.is_hashed != Some(true) {
            return CHOOSE.to_owned();
        }
        let names = || users.iter().map(|user| user.username.as_str());
        let options: Vec<String> = names()
            .map(|name| option("--reset-password", name))
            .collect();
        let reset = options.join(" ");
        let title = format!("{CHOOSE}, or let clearml-keygen make one");
        if let Some(file) = self.apiserver_conf(login.server) {
            if let Some(refusal) = self.refusal_of_users_in(login.server, names()) {
                return format!("{title}. As it is, {refusal}");
            }
            let keygen = format!(
                "clearml-keygen --from {file} {reset} --passwords logins.txt -f hocon -o {file} --force"
            );
            return run(&format!("{title} and restart the API server"), &[&keygen]);
        }
        let keygen =
            format!("clearml-keygen --from KEYS {reset} --passwords logins.txt -o new.env");
        match self.project_with_users(login.server) {
            true => self.injected_users(&format!("{title} (KEYS is the keyset in use)"), &keygen),
            false => CHOOSE.to_owned(),
        }
    }
}
