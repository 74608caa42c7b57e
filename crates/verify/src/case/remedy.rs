//! The commands that give servers other keys: where compose files describe them, with clearml-inject; in Kubernetes, with a
//! Secret and what names it (`cluster.rs`).

use clearml_secure_core::effective::{Effective, Layer, ServerConfiguration};
use clearml_secure_core::fixed_users::{ENABLED, PASS_HASHED, USERS};
use clearml_secure_core::keyset::{Changes, Keyset, User};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_plan::error::Error;
use clearml_secure_plan::ports::Ports;
use std::cell::OnceCell;
use std::path::PathBuf;

use super::cluster::Cluster;
use super::{Case, is_guessed};
use crate::fix::{self, Attempt, Conf};
use crate::login::Login;
use crate::report::described::Objects;
use crate::words::run;

impl Case<'_> {
    /// The command that gives every server new values, because of this setting.
    pub(crate) fn inject(&self, setting: Option<Setting>) -> String {
        let title = "give every server new random values";
        if let Some(objects) = &self.deployment.manifests {
            return self.in_cluster(objects).inject(title);
        }
        let conf = Conf::of(self.deployment, self.effective);
        if let Some(conf) = conf.filter(|conf| conf.fixes(self.deployment, setting)) {
            let (what, groups) = match conf.replaced(setting).is_empty() {
                true => ("add what is missing", Vec::new()),
                false => (title, self.guessed(&conf, setting)),
            };
            let title =
                format!("{what}, then restart apiserver, fileserver and async_delete together");
            return match conf.refusal(self.deployment, &groups) {
                Some(refusal) => format!("{title}. As it is, {refusal}"),
                None => run(&title, &[&conf.command(&groups)]),
            };
        }
        // The keyset stays in a file: later commands, such as for users, begin with it.
        let refusal = self.refusal(&self.refusal_of_keys, None);
        let keygen = Some("clearml-keygen -o keys.env");
        self.injected(title, keygen, "keys.env", true, refusal)
    }

    /// The groups of a file that have a value which somebody may know, and the one of this setting.
    fn guessed(&self, conf: &Conf, setting: Option<Setting>) -> Vec<&'static str> {
        let own = conf.replaced(setting);
        let is_for = |group: &&str| {
            let mut readings = self.effective.readings();
            own.contains(group)
                || readings.any(|one| one.setting.group() == *group && is_guessed(one))
        };
        conf.groups.iter().copied().filter(is_for).collect()
    }

    /// The command that gives the services agent its pair, where the servers have it from a file.
    pub(crate) fn agent_pair(&self) -> Option<String> {
        let conf = Conf::of(self.deployment, self.effective)
            .filter(|conf| conf.refusal(self.deployment, &[]).is_none())?;
        let pair = self.pair_of(&quoted(&conf.file))?;
        Some(run(
            "put its pair into .env, from the file that has the other keys",
            &[&pair],
        ))
    }

    /// The command that puts the services agent's pair of a keyset into `.env`, where compose finds that by itself.
    fn pair_of(&self, keys: &str) -> Option<String> {
        let project = self.deployment.project.as_ref()?;
        let env = self
            .deployment
            .sources
            .path(self.deployment.first)
            .with_file_name(".env");
        // The last line may have no end, and the file a mode for everybody.
        let has_more = env.exists();
        let env = quoted(&env);
        (!project.env().are_named).then(|| match has_more {
            true => format!(
                "{{ echo; clearml-keygen -q --from {keys} | grep ^CLEARML_AGENT_; }} >>{env} && chmod 600 {env}"
            ),
            false => {
                format!("(umask 077; clearml-keygen -q --from {keys} | grep ^CLEARML_AGENT_ >{env})")
            }
        })
    }

    /// The commands that give every server the keyset in use, which has these users, because of this setting or a user.
    pub(crate) fn apply(&self, title: &str, setting: Option<Setting>, users: &[User]) -> String {
        if let Some(objects) = &self.deployment.manifests {
            return self.in_cluster(objects).apply(title);
        }
        if let Some(conf) = Conf::of(self.deployment, self.effective) {
            // Variables would win over the file from then on.
            if setting.is_some_and(|setting| !conf.fixes(self.deployment, Some(setting))) {
                return match self.pair_of("KEYS") {
                    Some(pair) => run("put the keyset's pair into .env", &[&pair]),
                    None => "put CLEARML_AGENT_ACCESS_KEY and CLEARML_AGENT_SECRET_KEY of the keyset into the env file that compose is given".to_owned(),
                };
            }
            let title = "if the keyset is this deployment's, write it into the file that has the keys, then restart apiserver, \
                         fileserver and async_delete together";
            let of_users = || {
                let mut servers = self
                    .servers(Server::Apiserver)
                    .filter(|_| !users.is_empty());
                self.refusal_of_users_in(
                    servers.next()?,
                    users.iter().map(|user| user.username.as_str()),
                )
            };
            let refusal = conf.refusal_of_all(self.deployment).or_else(of_users);
            return match refusal {
                Some(refusal) => format!("{title}. As it is, {refusal}"),
                None => run(title, &[&conf.all_of("KEYS")]),
            };
        }
        let refusal = self.refusal(&self.refusal_of_keys, None);
        self.injected(title, None, "KEYS", false, refusal)
    }

    /// What enables users that somebody has disabled, where a keyset that is written again would change nothing: in a file, and in
    /// a variable over the files that keys go to.
    pub(crate) fn enabling(&self, login: &Login<'_>) -> Option<String> {
        let server = login.server;
        let place = || {
            let span = server.switch(self.deployment, ENABLED).span?;
            Some(self.deployment.sources.place(span))
        };
        match server.layer(self.deployment, ENABLED)? {
            Layer::File(_) => Some(format!(
                "write `enabled: true` into fixed_users there ({}), then restart the API server",
                place()?
            )),
            Layer::Variable(_) if self.secure_conf().is_some() => Some(format!(
                "remove the variable that disables them ({}), or set it to \"true\", then restart the API server",
                place()?
            )),
            _ => None,
        }
    }

    /// What enables users that somebody has disabled and listed, or is in the way of others.
    fn enabling_first(&self) -> Option<(String, bool)> {
        let mut off = self.logins.iter().filter(|login| {
            let switch = login.server.switch(self.deployment, ENABLED);
            switch.span.is_some() && switch.is_on.into_known() == Some(false)
        });
        let login = off.next()?;
        Some((self.enabling(login)?, !login.users.users.is_empty()))
    }

    /// The commands that add users of the web login.
    pub(crate) fn add_users(&self) -> String {
        let title = "add users (KEYS is the keyset in use)";
        let keygen = "clearml-keygen --from KEYS --user NAME --passwords logins.txt -o new.env";
        if let Some(objects) = &self.deployment.manifests {
            return self.in_cluster(objects).add_users(title, keygen);
        }
        if let Some(file) = self.secure_conf() {
            // Variables would win over the file from then on.
            let first = self.enabling_first();
            if let Some((enabling, true)) = first {
                return format!("users are listed, and disabled. If they may log in, {enabling}");
            }
            let title = match first {
                Some((enabling, _)) => format!("{enabling}, and add users"),
                None => "add users, then restart the API server".to_owned(),
            };
            let conf = Conf::of(self.deployment, self.effective);
            let refusal = conf.and_then(|conf| conf.refusal(self.deployment, &[]));
            let of_users = || {
                let mut servers = self.servers(Server::Apiserver);
                self.refusal_of_users_in(servers.next()?, ["NAME"])
            };
            if let Some(refusal) = refusal.or_else(of_users) {
                return format!("{title}. As it is, {refusal}");
            }
            let keygen = format!(
                "clearml-keygen --from {file} --user NAME --passwords logins.txt -f hocon -o {file} --force"
            );
            return run(&title, &[&keygen]);
        }
        self.injected_users(title, keygen)
    }

    /// The commands that put hashes in the place of a server's passwords.
    pub(crate) fn hash_passwords(&self, login: &Login<'_>) -> String {
        const TITLE: &str =
            "write a line NAME:PASSWORD for each user into users.txt, then hash the passwords";
        let server = login.server;
        let has_guests = login
            .users
            .users
            .iter()
            .any(|user| user.is_guest != Some(false));
        if let Some(file) = self.apiserver_conf(server) {
            let names = login.users.users.iter().map(|user| user.username.as_str());
            if let Some(refusal) = self.refusal_of_users_in(server, names) {
                return format!("{TITLE}. As it is, {refusal}");
            }
            let keygen = format!(
                "clearml-keygen --from {file} --users-from users.txt -f hocon -o {file} --force && rm users.txt"
            );
            return run(&format!("{TITLE} and restart the API server"), &[&keygen]);
        }
        match self.project_with_users(server) {
            // A keyset has no guests, and would make users of them.
            true if !has_guests => self.injected_users(
                &format!("{TITLE} (KEYS is the keyset in use)"),
                "clearml-keygen --from KEYS --users-from users.txt -o new.env && rm users.txt",
            ),
            _ => "write base64 of bcrypt hashes and set pass_hashed: true".to_owned(),
        }
    }

    /// Why clearml-keygen refuses to put users of these names into the `apiserver.conf` of a server, if there is one and it does.
    pub(super) fn refusal_of_users_in<'n>(
        &self,
        server: &ServerConfiguration,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Option<String> {
        let sources = &self.deployment.sources;
        let config = &self.deployment.instances[server.instance].config;
        let mut files = config
            .iter()
            .filter(|file| !file.is_default && file.key == "apiserver");
        let file = files.next()?.source;
        let mut keyset = Keyset::new();
        for name in names {
            let user = User {
                username: name.to_owned(),
                name: name.to_owned(),
                password_hash: Secret::from("HASH"),
            };
            if let Err(misfit) = keyset.add_user(user) {
                return Some(format!(
                    "clearml-keygen refuses a name of the list: {misfit}"
                ));
            }
        }
        let merged =
            keyset.merge_apiserver(Changes::default(), sources.text(file), sources.path(file));
        let error = merged.err()?;
        let help = error.help().filter(|help| !help.contains('\n'));
        let help = help.map_or_else(String::new, |help| format!("; {help}"));
        Some(format!("clearml-keygen refuses: {error}{help}"))
    }

    /// Whether a variable of a compose project has a server's list of users, which clearml-inject replaces.
    pub(super) fn project_with_users(&self, server: &ServerConfiguration) -> bool {
        let layer = server.layer(self.deployment, USERS);
        self.deployment.project.is_some() && matches!(layer, Some(Layer::Variable(_)))
    }

    /// The `apiserver.conf` that has all that a server knows of its users, and that clearml-keygen can change.
    pub(super) fn apiserver_conf(&self, server: &ServerConfiguration) -> Option<String> {
        let layer = |path: &str| server.layer(self.deployment, path);
        let (Some(Layer::File(at)), None) = (layer(USERS), &self.deployment.manifests) else {
            return None;
        };
        let is_here = |other: Option<Layer>| match other {
            Some(Layer::File(other)) => other == at,
            Some(Layer::Variable(_)) => false,
            _ => true,
        };
        let is_whole = is_here(layer(PASS_HASHED)) && is_here(layer(ENABLED));
        self.own_file(server, at, "apiserver.conf")
            .filter(|_| is_whole)
    }

    /// The `secure.conf` from which the API server has its keys; clearml-keygen puts users into an `apiserver.conf` beside it.
    fn secure_conf(&self) -> Option<String> {
        let server = self.servers(Server::Apiserver).next()?;
        let Some(Layer::File(at)) = server.layer(self.deployment, "secure.auth.token_secret")
        else {
            return None;
        };
        self.own_file(server, at, "secure.conf")
    }

    /// A file of a server's configuration, if it has this name and a path that a command can have.
    fn own_file(&self, server: &ServerConfiguration, at: usize, name: &str) -> Option<String> {
        let instance = &self.deployment.instances[server.instance];
        let file = fix::named(self.deployment, instance, at, name)?;
        self.deployment
            .referenced(&file)
            .is_none()
            .then(|| quoted(&file))
    }

    /// The commands that put users in, beside the keys in use.
    pub(super) fn injected_users(&self, title: &str, keygen: &str) -> String {
        let refusal = self.refusal(&self.refusal_of_users, Some(self.effective));
        self.injected(title, Some(keygen), "new.env", false, refusal)
    }

    /// The commands that put a keyset in, which another one makes first; and what is in their way.
    fn injected(
        &self,
        title: &str,
        keygen: Option<&str>,
        keys: &str,
        keeps_a_copy: bool,
        refusal: Option<&(String, String)>,
    ) -> String {
        let inject = self.injecting(keys, keeps_a_copy);
        let commands: Vec<&str> = keygen.into_iter().chain([inject.as_str()]).collect();
        let Some((error, advice)) = refusal else {
            return run(title, &commands);
        };
        let title = format!("{title}. clearml-inject refuses as the files are: {error}; {advice}");
        match advice.contains('\n') {
            // It has the commands.
            true => title,
            false => run(&title, &commands),
        }
    }

    /// Why clearml-inject would refuse new keys, or users beside those that are kept, and what to do about it. One file is what
    /// it edits; where several are merged, another one may win.
    fn refusal<'a>(
        &self,
        known: &'a OnceCell<Option<(String, String)>>,
        kept: Option<&Effective>,
    ) -> Option<&'a (String, String)> {
        let refusal = known.get_or_init(|| {
            let project = self.deployment.project.as_deref()?;
            if project.files.len() < 2 {
                return None;
            }
            let attempt = Attempt {
                keys: None,
                project,
                deployment: self.deployment,
                way: &fix::Way::of(project, self.deployment, self.effective),
                kept,
            };
            let error = attempt.run(true, Ports::default()).err()?;
            let advice = error.advice()?;
            let why = match &error {
                Error::NotProved(broken) => broken.to_string(),
                error => error.to_string(),
            };
            Some((why, advice.replace('\n', "\n  ")))
        });
        refusal.as_ref()
    }

    /// clearml-inject as this deployment needs it.
    fn injecting(&self, keys: &str, keeps_a_copy: bool) -> String {
        let (files, to, path) = self.inject_files.get_or_init(|| {
            let project = self.deployment.project.as_ref();
            let way = project.map(|project| fix::Way::of(project, self.deployment, self.effective));
            let (env_files, file) = way
                .map(|way| (way.env_files, way.override_file))
                .unwrap_or_default();
            let named = env_files.iter().map(PathBuf::as_path);
            let to = file.map(|file| format!(" --override -o {}", quoted(&file)));
            (self.deployment.inject_files(named), to, self.compose_file())
        });
        let to = match to {
            Some(to) => to.clone(),
            None if keeps_a_copy => format!(" -i --backup {}", self.deployment.backup),
            None => " -i".to_owned(),
        };
        format!("clearml-inject -k {keys}{files}{to} {path}")
    }

    fn in_cluster<'a>(&'a self, objects: &'a Objects) -> Cluster<'a> {
        Cluster {
            deployment: self.deployment,
            objects,
        }
    }
}
