//! The commands that give servers other keys: where compose files describe them, with clearml-inject; in Kubernetes, with a
//! Secret and the values that name it.

use clearml_secure_core::container::Container;
use clearml_secure_core::effective::{Layer, ServerConfiguration};
use clearml_secure_core::kubernetes::Values;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::source::SourceId;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Case;
use crate::fix;
use crate::words::run;

impl Case<'_> {
    /// The command that gives every server new values.
    pub(crate) fn inject(&self) -> String {
        let title = "give every server new random values";
        if self.deployment.manifests.is_some() {
            let keygen = "clearml-keygen -o keys.env";
            let secret = format!(
                "clearml-keygen --from keys.env -f kubernetes | {} create -f -",
                self.kubectl()
            );
            return self.applied(title, &[keygen, &secret]);
        }
        // The keyset stays in a file: later commands, such as for users, begin with it.
        let inject = self.injecting("keys.env", true);
        run(title, &["clearml-keygen -o keys.env", &inject])
    }

    /// The commands that give every server the keyset in use.
    pub(crate) fn apply(&self, title: &str) -> String {
        if self.deployment.manifests.is_some() {
            let secret = format!(
                "clearml-keygen --from KEYS -f kubernetes | {} replace -f -",
                self.kubectl()
            );
            return self.applied(title, &[&secret]);
        }
        run(title, &[&self.injecting("KEYS", false)])
    }

    /// The commands that add users of the web login.
    pub(crate) fn add_users(&self) -> String {
        let title = "add users (KEYS is the keyset in use)";
        let keygen = "clearml-keygen --from KEYS --user NAME --passwords passwords.txt -o new.env";
        if self.deployment.manifests.is_some() {
            // Of two Secrets the second may be new. Server-side, no annotation keeps the keys.
            let secret = format!(
                "clearml-keygen --from new.env -f kubernetes | {} apply --server-side --force-conflicts -f -",
                self.kubectl()
            );
            let values = "clearml-keygen --from new.env -f helm > clearml-secure.yaml";
            return run(
                title,
                &[keygen, &secret, values, &self.upgrade(), &self.restart()],
            );
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

    /// These commands, the values that name the Secret, and a restart: no pod takes a changed Secret by itself.
    fn applied(&self, title: &str, commands: &[&str]) -> String {
        let (upgrade, restart) = (self.upgrade(), self.restart());
        let mut all = commands.to_vec();
        all.extend([
            "clearml-keygen -f helm > clearml-secure.yaml",
            &upgrade,
            &restart,
        ]);
        run(title, &all)
    }

    /// `kubectl`, with the namespace where one is known.
    pub(crate) fn kubectl(&self) -> String {
        format!("kubectl{}", self.namespace())
    }

    /// How the servers get other values: from what installs the chart, where something does.
    fn upgrade(&self) -> String {
        let manifests = self.deployment.manifests.as_ref();
        let values = manifests.and_then(|manifests| manifests.values.as_ref());
        if let Some(kind) = values.and_then(|values| values.inside.as_deref()) {
            return format!(
                "# put clearml-secure.yaml over the values of the {kind}, and wait until the cluster has them"
            );
        }
        let release = manifests.and_then(|manifests| manifests.release.as_deref());
        format!(
            "helm upgrade{} {} clearml/clearml{} -f clearml-secure.yaml",
            self.namespace(),
            quoted(Path::new(release.unwrap_or("clearml"))),
            values.map_or_else(|| " -f values.yaml".to_owned(), |values| self.files(values))
        )
    }

    /// The options of helm for files of values.
    fn files(&self, values: &Values) -> String {
        let name = |part: &(SourceId, Range<usize>)| match self.deployment.sources.path(part.0) {
            path if path == Path::new("-") => Path::new("values.yaml"),
            path => path,
        };
        let mut names: Vec<&Path> = values.parts.iter().map(name).collect();
        names.dedup();
        let options = names.iter().map(|name| format!(" -f {}", quoted(name)));
        options.collect()
    }

    fn namespace(&self) -> String {
        let manifests = self.deployment.manifests.as_ref();
        let namespace = manifests.and_then(|manifests| manifests.namespace.as_ref());
        namespace.map_or_else(String::new, |name| {
            format!(" -n {}", quoted(Path::new(name)))
        })
    }

    /// The command that restarts the servers that read keys.
    fn restart(&self) -> String {
        let named = |container: &Container| {
            let pod = container.pod.as_ref()?;
            let name = container.name.split('/').next().unwrap_or_default();
            let kind = pod.kind.to_ascii_lowercase();
            let can_restart = ["deployment", "statefulset", "daemonset"].contains(&kind.as_str());
            can_restart.then(|| quoted(Path::new(&format!("{kind}/{name}"))))
        };
        let servers = self.deployment.instances.iter();
        let servers = servers.filter(|instance| {
            instance.server.reads_configuration() || instance.server == Server::AgentServices
        });
        let mut names: Vec<String> = servers
            .filter_map(|instance| named(self.deployment.service(instance)))
            .collect();
        names.dedup();
        match names.is_empty() {
            true => format!("{} rollout restart deployment", self.kubectl()),
            false => format!("{} rollout restart {}", self.kubectl(), names.join(" ")),
        }
    }
}
