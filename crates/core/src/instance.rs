//! A service that runs a ClearML server, and what that server is given.

use std::sync::Arc;

use crate::container::Variable;
use crate::hocon;
use crate::knowable::Knowable;
use crate::known;
use crate::setting::{SETTINGS, Server, Setting, is_spelling};
use crate::source::{SourceId, Span};
use crate::unseen::Unseen;
use crate::version::{Release, Version};

/// A service that runs a ClearML server. An all-in-one service is several instances.
pub struct Instance {
    /// What it runs.
    pub server: Server,
    /// Which service of the project.
    pub service: usize,
    /// Which line of images.
    pub family: Family,
    /// What its image tells of its release; `latest` is taken for the newest.
    pub release: Knowable<Release>,
    /// The version of the API server that an agent logs in to, where the deployment tells it.
    pub accounts_of: Option<Version>,
    /// Where it listens in its container.
    pub listening: Listening,
    /// The `*.conf` files it loads, in the order it loads them.
    pub config: Vec<ConfigFile>,
    /// Whether a mount hides all of the image's own configuration.
    pub is_image_hidden: bool,
    /// Configuration folders whose files cannot be seen here, and why.
    pub unseen_config: Vec<Unseen>,
}

/// Where the processes of a container listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// On these ports, in their order.
    pub ports: Vec<u16>,
    /// Of these, where nothing of worth is in clear text: it speaks TLS alone, or does no more than send clients there.
    pub sealed: Vec<u16>,
    /// Whether on no other.
    pub is_whole: bool,
    /// Whether a configuration that is not here may say more; that is said.
    pub is_hidden: bool,
    /// Whether only what shares the container's network reaches them.
    pub is_loopback: bool,
}

impl Listening {
    /// Whether something may listen on a port.
    pub fn may_be(&self, port: u16) -> bool {
        !self.is_whole || self.ports.contains(&port)
    }
}

/// Which line of images a server is of. It decides which variables are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `allegroai/clearml`, `clearml/server`: reads `TRAINS__` and then `CLEARML__` variables.
    Clearml,
    /// `allegroai/trains`, up to 0.16: reads `TRAINS__` variables alone.
    Trains,
}

impl Family {
    /// The prefixes of configuration variables, in the order they are read: the last one wins.
    pub fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Clearml => &["TRAINS__", "CLEARML__"],
            Self::Trains => &["TRAINS__"],
        }
    }
}

/// One `.conf` file that a server loads.
#[derive(Clone)]
pub struct ConfigFile {
    /// The path below the configuration folder as a key: `secure`, `services.auth`.
    pub key: String,
    /// Its path in the container.
    pub at: String,
    /// Whether it takes the place of the image's own file at this key.
    pub is_default: bool,
    /// Its text.
    pub source: SourceId,
    /// What pyhocon makes of it, or why it makes the server not start.
    pub tree: Result<Arc<hocon::Object>, hocon::Fault>,
}

impl ConfigFile {
    /// Where a node of this file is written: in it, or in one that it includes.
    pub fn span(&self, node: &hocon::Node) -> Span {
        let (source, range) = match &node.written {
            Some(written) => (SourceId::of_tag(written.tag), &written.span),
            None => (self.source, &node.span),
        };
        Span {
            source,
            start: range.start,
            end: range.end,
        }
    }
}

impl Instance {
    /// The settings this instance reads, as far as its version knows them.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        SETTINGS.into_iter().filter(|setting| self.reads(*setting))
    }

    /// Whether this instance reads a setting.
    pub fn reads(&self, setting: Setting) -> bool {
        let version = match self.server {
            Server::AgentServices => self.accounts_of,
            _ => self.known_version(),
        };
        setting.servers().contains(&self.server) && known::has_setting(setting, version)
    }

    /// Whether all of its configuration is here and can be read: no folder is hidden, no file of it broken.
    pub fn is_config_seen(&self) -> bool {
        self.unseen_config.is_empty() && self.config.iter().all(|file| file.tree.is_ok())
    }

    /// The version for questions about defaults: the line of `trains` images ended before 0.17.
    pub fn known_version(&self) -> Option<Version> {
        match (self.release.known(), self.family) {
            (Some(Release::Numbered(version)), _) => Some(*version),
            (_, Family::Clearml) => None,
            (_, Family::Trains) => Some(Version::new(0, 16, 0)),
        }
    }

    /// The variable that sets a setting here, spelt as the documentation does.
    pub fn variable(&self, setting: Setting) -> String {
        let raw = setting
            .raw_variable()
            .filter(|_| self.server == Server::AgentServices);
        if let Some(name) = raw {
            return name.to_owned();
        }
        self.variable_of(setting.path())
    }

    /// Every variable that sets a setting here directly, in the order they are read: the last one wins.
    pub fn spellings<'a>(
        &self,
        setting: Setting,
        environment: &'a [Variable],
    ) -> Vec<&'a Variable> {
        if self.server == Server::AgentServices {
            return raw_spellings(setting, environment);
        }
        self.spellings_of(setting.path(), environment)
    }

    /// Every variable that sets a configuration path directly, in the order they are read: the last one wins.
    pub fn spellings_of<'a>(&self, path: &str, environment: &'a [Variable]) -> Vec<&'a Variable> {
        let mut found = Vec::new();
        for prefix in self.family.prefixes() {
            // The environment is sorted by name, which is the order the servers read it in.
            found.extend(environment.iter().filter(|variable| {
                let rest = variable.name.strip_prefix(prefix);
                rest.is_some_and(|rest| is_spelling(rest, path))
            }));
        }
        found
    }

    /// The configuration path that a variable sets here.
    pub fn path_of(&self, variable: &Variable) -> Option<String> {
        let mut prefixes = self.family.prefixes().iter();
        let path = prefixes.find_map(|prefix| variable.name.strip_prefix(prefix))?;
        Some(path.replace("__", ".").to_lowercase())
    }

    /// The variable that sets a configuration path here, spelt as the documentation does.
    pub fn variable_of(&self, path: &str) -> String {
        let prefix = match self.family {
            Family::Clearml => "CLEARML__",
            Family::Trains => "TRAINS__",
        };
        format!("{prefix}{}", path.to_ascii_uppercase().replace('.', "__"))
    }
}

/// The variables from which an agent takes a setting, the one that wins last: it looks for `TRAINS_` names where the others
/// are not there.
fn raw_spellings(setting: Setting, environment: &[Variable]) -> Vec<&Variable> {
    let Some(raw) = setting.raw_variable() else {
        return Vec::new();
    };
    let old = raw.replacen("CLEARML_", "TRAINS_", 1);
    let names = [old.as_str(), raw];
    let find = |name| environment.iter().find(|variable| variable.name == name);
    names.into_iter().filter_map(find).collect()
}
