//! The commands that give servers of a cluster other keys: a Secret, and what names it. That is the values of the chart, or the
//! manifests themselves where no chart made them.

use std::path::Path;

use clearml_secure_core::container::Container;
use clearml_secure_core::kubernetes::Values;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shell::quoted;
use clearml_secure_core::source::SourceId;
use clearml_secure_core::yaml::{self, Node};

use crate::report::described::{Described, Objects};
use crate::words::run;

/// A deployment that manifests describe.
pub(super) struct Cluster<'a> {
    pub(super) deployment: &'a Described,
    pub(super) objects: &'a Objects,
}

/// The Secret that clearml-keygen names so.
const SECRET: &str = "clearml-keys";

impl Cluster<'_> {
    /// The commands that give every server new values.
    pub(super) fn inject(&self, title: &str) -> String {
        let kubectl = self.kubectl();
        let secret = match self.is_by_hand() {
            true => format!("{kubectl} create secret generic {SECRET} --from-env-file=keys.env"),
            false => {
                format!("clearml-keygen --from keys.env -f kubernetes | {kubectl} create -f -")
            }
        };
        let mut all = vec!["clearml-keygen -o keys.env".to_owned(), secret];
        all.extend(self.values(None));
        self.restarted(title, all)
    }

    /// The commands that give every server the keyset in use.
    pub(super) fn apply(&self, title: &str) -> String {
        let kubectl = self.kubectl();
        let secret = match self.is_by_hand() {
            true => format!(
                "{kubectl} create secret generic {SECRET} --from-env-file=KEYS --dry-run=client -o yaml | {kubectl} replace -f -"
            ),
            false => format!("clearml-keygen --from KEYS -f kubernetes | {kubectl} replace -f -"),
        };
        let mut all = vec![secret];
        all.extend(self.values(None));
        self.restarted(title, all)
    }

    /// The commands that add users of the web login.
    pub(super) fn add_users(&self, title: &str, keygen: &str) -> String {
        // Of two Secrets the second may be new. Server-side, no annotation keeps the keys.
        let secret = format!(
            "clearml-keygen --from new.env -f kubernetes | {} apply --server-side --force-conflicts -f -",
            self.kubectl()
        );
        let mut all = vec![keygen.to_owned(), secret];
        match self.is_by_hand() {
            true => all.push(format!(
                "# mount the Secret {SECRET}-logins as the folder /opt/clearml/config of the API server"
            )),
            false => all.extend(self.values(Some("new.env"))),
        }
        self.restarted(title, all)
    }

    /// `kubectl`, with the namespace where one is known.
    pub(super) fn kubectl(&self) -> String {
        format!("kubectl{}", self.namespace())
    }

    /// Whether no chart made the manifests.
    fn is_by_hand(&self) -> bool {
        self.objects.values.is_none() && !self.objects.is_of_helm
    }

    /// How the servers come to name the Secret, and with a keyset that of its users.
    fn values(&self, keys: Option<&str>) -> Vec<String> {
        if self.is_by_hand() {
            return vec![
                format!(
                    "# give each server's container `envFrom: [{{secretRef: {{name: {SECRET}}}}}]`, and apply it"
                ),
                "# a line of `env` for the same name wins over that: remove such lines".to_owned(),
            ];
        }
        let from = keys
            .map(|keys| format!(" --from {keys}"))
            .unwrap_or_default();
        let recipe = format!("clearml-keygen{from} -f helm > clearml-secure.yaml");
        let values = self.objects.values.as_deref();
        let lists = values.and_then(|values| self.with_lists(values));
        if let Some(kind) = values.and_then(|values| values.inside.as_deref()) {
            let place = match lists {
                Some(_) => format!(
                    "# merge clearml-secure.yaml into the values of the {kind}: append to its lists extraEnvs"
                ),
                None => format!(
                    "# put clearml-secure.yaml over the values of the {kind}, and wait until the cluster has them"
                ),
            };
            return vec![recipe, place];
        }
        let files =
            values.map_or_else(|| " -f values.yaml".to_owned(), |values| self.files(values));
        let release = self.objects.release.as_deref().unwrap_or("clearml");
        let upgrade = format!(
            "helm upgrade{} {} clearml/clearml{files}",
            self.namespace(),
            quoted(Path::new(release))
        );
        // A list of a later file replaces that of an earlier one.
        match lists {
            Some(file) => {
                let keys = keys.map(|keys| format!(" -k {keys}")).unwrap_or_default();
                let file = quoted(self.named(file));
                vec![format!("clearml-inject{keys} -i {file}"), upgrade]
            }
            None => vec![recipe, format!("{upgrade} -f clearml-secure.yaml")],
        }
    }

    /// The last file of values that has variables of its own for servers.
    fn with_lists(&self, values: &Values) -> Option<SourceId> {
        let sources = &self.deployment.sources;
        let has_list = |root: &Node, server: &str| {
            let own = root.get(server)?.value.get("extraEnvs")?.value.items()?;
            Some(!own.is_empty())
        };
        let has_lists = |(source, range): &&(SourceId, std::ops::Range<usize>)| {
            let text = &sources.text(*source)[range.clone()];
            yaml::parse(sources.path(*source), text).is_ok_and(|root| {
                ["apiserver", "fileserver"]
                    .iter()
                    .any(|server| has_list(&root, server) == Some(true))
            })
        };
        let last = values.parts.iter().rev().find(has_lists)?;
        Some(last.0)
    }

    /// The options of helm for files of values.
    fn files(&self, values: &Values) -> String {
        let mut names: Vec<&Path> = values.parts.iter().map(|part| self.named(part.0)).collect();
        names.dedup();
        let options = names.iter().map(|name| format!(" -f {}", quoted(name)));
        options.collect()
    }

    /// A file as a command names it: standard input has no name.
    fn named(&self, file: SourceId) -> &Path {
        match self.deployment.sources.path(file) {
            path if path == Path::new("-") => Path::new("values.yaml"),
            path => path,
        }
    }

    fn namespace(&self) -> String {
        let namespace = self.objects.namespace.as_ref();
        namespace.map_or_else(String::new, |name| {
            format!(" -n {}", quoted(Path::new(name)))
        })
    }

    /// These commands and a restart: no pod takes a changed Secret by itself.
    fn restarted(&self, title: &str, mut commands: Vec<String>) -> String {
        commands.extend(self.restarts());
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        run(title, &commands)
    }

    /// The commands that restart the servers that read keys.
    fn restarts(&self) -> Vec<String> {
        let named = |container: &Container| {
            let pod = container.pod.as_ref()?;
            let own = container.name.split('/').next().unwrap_or_default();
            let made_by = pod.made_by.iter().map(|(kind, name)| (&**kind, &**name));
            // What makes a Deployment, such as an operator's object, is not restarted itself.
            let mut makers = made_by.chain([(&*pod.kind, own)]);
            makers.find_map(|(kind, name)| {
                let kind = kind.to_ascii_lowercase();
                let can_restart =
                    ["deployment", "statefulset", "daemonset", "rollout"].contains(&&*kind);
                can_restart.then(|| (kind, name.to_owned()))
            })
        };
        let servers = self.deployment.instances.iter();
        let servers = servers.filter(|instance| {
            instance.server.reads_configuration() || instance.server == Server::AgentServices
        });
        let named = servers.filter_map(|instance| named(self.deployment.service(instance)));
        let (rollouts, others): (Vec<_>, Vec<_>) = named.partition(|(kind, _)| kind == "rollout");
        let name = |(kind, name): &(String, String)| quoted(Path::new(&format!("{kind}/{name}")));
        let mut names: Vec<String> = others.iter().map(name).collect();
        names.dedup();
        let mut commands = Vec::new();
        if !names.is_empty() {
            let restart = format!("{} rollout restart {}", self.kubectl(), names.join(" "));
            commands.push(restart);
        } else if rollouts.is_empty() {
            commands.push(format!("{} rollout restart deployment", self.kubectl()));
        }
        // kubectl itself restarts none of Argo's.
        let namespace = self.namespace();
        commands.extend(rollouts.iter().map(|(_, name)| {
            let name = quoted(Path::new(name));
            format!("kubectl argo rollouts restart {name}{namespace}")
        }));
        commands.dedup();
        commands
    }
}
