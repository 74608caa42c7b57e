//! The commands that give servers other keys: where compose files describe them, with clearml-inject; in Kubernetes, with a
//! Secret and what names it (`cluster.rs`).

use clearml_secure_core::effective::{Layer, ServerConfiguration};
use clearml_secure_core::setting::Server;
use clearml_secure_core::shell::quoted;
use std::path::PathBuf;

use super::Case;
use super::cluster::Cluster;
use crate::fix;
use crate::report::described::Objects;
use crate::words::run;

impl Case<'_> {
    /// The command that gives every server new values.
    pub(crate) fn inject(&self) -> String {
        let title = "give every server new random values";
        if let Some(objects) = &self.deployment.manifests {
            return self.in_cluster(objects).inject(title);
        }
        // The keyset stays in a file: later commands, such as for users, begin with it.
        let inject = self.injecting("keys.env", true);
        run(title, &["clearml-keygen -o keys.env", &inject])
    }

    /// The commands that give every server the keyset in use.
    pub(crate) fn apply(&self, title: &str) -> String {
        if let Some(objects) = &self.deployment.manifests {
            return self.in_cluster(objects).apply(title);
        }
        run(title, &[&self.injecting("KEYS", false)])
    }

    /// The commands that add users of the web login.
    pub(crate) fn add_users(&self) -> String {
        let title = "add users (KEYS is the keyset in use)";
        let keygen = "clearml-keygen --from KEYS --user NAME --passwords passwords.txt -o new.env";
        if let Some(objects) = &self.deployment.manifests {
            return self.in_cluster(objects).add_users(title, keygen);
        }
        if let Some(file) = self.secure_conf() {
            // Variables would win over the file from then on.
            let title = "add users, then restart the API server";
            let keygen = format!(
                "clearml-keygen --from {file} --user NAME --passwords passwords.txt -f hocon -o {file} --force"
            );
            return run(title, &[&keygen]);
        }
        run(title, &[keygen, &self.injecting("new.env", false)])
    }

    /// The commands that put hashes in the place of a server's passwords, where clearml-inject replaces the list.
    pub(crate) fn hash_passwords(&self, server: &ServerConfiguration) -> String {
        let layer = server.layer(self.deployment, "apiserver.auth.fixed_users.users");
        match (&self.deployment.project, layer) {
            (Some(_), Some(Layer::Variable(_))) => run(
                "write a line NAME:PASSWORD for each user into users.txt, then hash the passwords (KEYS is the keyset in use)",
                &[
                    "clearml-keygen --from KEYS --users-from users.txt -o new.env",
                    &self.injecting("new.env", false),
                ],
            ),
            _ => "write base64 of bcrypt hashes and set pass_hashed: true".to_owned(),
        }
    }

    /// The `secure.conf` from which the API server has its keys; clearml-keygen puts users into an `apiserver.conf` beside it.
    fn secure_conf(&self) -> Option<String> {
        let server = self.servers(Server::Apiserver).next()?;
        let Some(Layer::File(at)) = server.layer(self.deployment, "secure.auth.token_secret")
        else {
            return None;
        };
        let instance = &self.deployment.instances[server.instance];
        let file = self
            .deployment
            .sources
            .path(instance.config.get(at)?.source);
        let is_one = file.file_name().is_some_and(|name| name == "secure.conf");
        (is_one && self.deployment.referenced(file).is_none()).then(|| quoted(file))
    }

    /// clearml-inject as this deployment needs it.
    fn injecting(&self, keys: &str, keeps_a_copy: bool) -> String {
        let (files, to) = self.inject_files.get_or_init(|| {
            let project = self.deployment.project.as_ref();
            let way = project.map(|project| fix::Way::of(project, self.deployment, self.effective));
            let (env_files, file) = way
                .map(|way| (way.env_files, way.override_file))
                .unwrap_or_default();
            let named = env_files.iter().map(PathBuf::as_path);
            let to = file.map(|file| format!(" --override -o {}", quoted(&file)));
            (self.deployment.inject_files(named), to)
        });
        let to = match to {
            Some(to) => to.clone(),
            None if keeps_a_copy => format!(" -i --backup {}", self.deployment.backup),
            None => " -i".to_owned(),
        };
        let path = self.compose_file();
        format!("clearml-inject -k {keys}{files}{to} {path}")
    }

    fn in_cluster<'a>(&'a self, objects: &'a Objects) -> Cluster<'a> {
        Cluster {
            deployment: self.deployment,
            objects,
        }
    }
}
