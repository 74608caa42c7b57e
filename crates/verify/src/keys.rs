//! The keysets of `--keys` and `--old-keys`, and whether a deployment's files have the first.

pub(crate) mod check;
pub(crate) mod receipt;
mod users;

use std::path::Path;
use std::sync::Arc;

use clearml_secure_core::effective::{Reading, Value};
use clearml_secure_core::io::read_argument;
use clearml_secure_core::keyset::{Followed, Keyset};
use clearml_secure_core::setting::{SETTINGS, Server, Setting};
use clearml_secure_core::unseen::{Hides, Unseen};

use crate::case::Case;
use crate::cli::Cli;
use crate::error::Error;
use crate::finding::{Draft, Finding, Severity};

/// The name under which files, keys and a running server are held against each other.
pub(crate) const ID: &str = "keys-not-applied";
/// The name under which old keys are found to work.
pub(crate) const OLD_ID: &str = "old-keys-accepted";

/// What to do with a keyset that is not in use.
pub(crate) const IF_ITS_OWN: &str = "if the keyset is this deployment's, inject it";

/// An agent with the pair of an account that the API server's version does not have cannot log in.
fn locked_out(case: &Case<'_>, keys: &Keyset) -> Vec<Draft> {
    let mut found = Vec::new();
    for instance in case.deployment.of(Server::AgentServices) {
        let environment = &case.deployment.service(instance).environment;
        let unknown = SETTINGS.into_iter().filter(|setting| {
            setting.servers().contains(&instance.server) && !instance.reads(*setting)
        });
        let has_it = |setting: Setting| {
            let variable = instance.spellings(setting, environment).pop()?;
            let is_same =
                variable.value.known() == keys.get(setting) && keys.get(setting).is_some();
            is_same.then_some((setting, variable.value_span))
        };
        for (setting, span) in unknown.filter_map(has_it) {
            found.push(
                Draft::new(
                    Severity::Error,
                    format!(
                        "{} cannot log in: the API server does not know {setting} before 1.11.0",
                        case.named(instance)
                    ),
                    "give the agent a key pair from the web page (Settings, Workspace), or upgrade the server",
                )
                .setting(setting)
                .server(instance.server)
                .at(span),
            );
        }
    }
    found
}

/// The keysets of the command line. The workers that ask running servers share them.
pub(crate) struct Keys {
    pub(crate) new: Option<Arc<Keyset>>,
    pub(crate) old: Option<Arc<Keyset>>,
    /// What to say of the files that they are in.
    pub(crate) remarks: Vec<String>,
}

impl Keys {
    pub(crate) fn read(cli: &Cli) -> Result<Self, Error> {
        if let Some(target) = cli.keys.as_deref().filter(|path| Keyset::is_other(path))
            && let Some(keys) = cli.targets.iter().find(|target| Keyset::is_in(target))
        {
            return Err(Error::KeysetSwapped {
                keys: keys.clone(),
                target: target.to_owned(),
            });
        }
        let mut remarks = Vec::new();
        let mut read = |path: &Path| -> Result<Arc<Keyset>, Error> {
            let text = read_argument(path)?;
            let mut keyset = Keyset::read(&text, path)?;
            // A file that cannot be followed is told where the deployment is.
            let followed = keyset.follow_own(&text, path).ok().flatten();
            remarks.extend(followed.iter().flat_map(Followed::remarks));
            Ok(Arc::new(keyset))
        };
        let (new, old) = (
            cli.keys.as_deref().map(&mut read).transpose()?,
            cli.old_keys.as_deref().map(&mut read).transpose()?,
        );
        let keys = Self { new, old, remarks };
        if keys.are_the_same() {
            return Err(Error::SameKeysets {
                has_other_users: !keys.have_the_same_users(),
            });
        }
        Ok(keys)
    }

    fn have_the_same_users(&self) -> bool {
        let users = |keyset: &Option<Arc<Keyset>>| keyset.as_ref().map(|one| one.users().to_vec());
        users(&self.new) == users(&self.old)
    }

    /// Whether nothing of the one was replaced in the other.
    fn are_the_same(&self) -> bool {
        let (Some(new), Some(old)) = (&self.new, &self.old) else {
            return false;
        };
        let mut settings = SETTINGS.into_iter();
        settings.all(|setting| old.get(setting).is_none() || old.get(setting) == new.get(setting))
    }
}

/// What the keyset has no value for, although a server reads it: nothing was held against that.
pub(crate) fn lacking(case: &Case<'_>, keys: &Keyset) -> Option<Unseen> {
    let mut settings = keys.missing();
    // An account that the API server could have, and that nothing gives it or uses, is nobody's.
    let is_unset = |one: &Reading| {
        let has_none = match one.value {
            Value::Absent => true,
            Value::Empty => one.setting.account().is_some(),
            _ => false,
        };
        one.server == Server::Apiserver && has_none
    };
    let is_read = |setting: &Setting| {
        let mut readings = case.effective.of_setting(*setting);
        readings.any(|one| !is_unset(one))
    };
    settings.retain(is_read);
    let words = Setting::words(&settings);
    let which = if words.len() == 1 { "it" } else { "them" };
    (!settings.is_empty()).then(|| Unseen {
        what: words.join(", "),
        hides: Hides::Anything,
        reason: format!(
            "the keyset of --keys has no value for {which}. Is a part of the file missing?"
        ),
        service: None,
        span: None,
    })
}

/// Every server must read the keyset's value. What is not known is unknown already.
pub(crate) fn compare(case: &Case<'_>, keys: &Keyset, path: Option<&Path>) -> Vec<Finding> {
    let mut found = locked_out(case, keys);
    found.extend(users::compare(case, keys, path));
    for reading in case.effective.readings() {
        let Some(key) = keys.get(reading.setting) else {
            continue;
        };
        let is_same = match &reading.value {
            Value::Text(text) => text.expose() == key.expose(),
            Value::Unknown(_) => continue,
            _ => false,
        };
        if !is_same {
            let message = format!(
                "{} does not get {} from the keyset",
                case.server(reading),
                reading.setting
            );
            let title = match case.deployment.manifests {
                Some(_) => "if the keyset is this deployment's, give it to the servers",
                None => IF_ITS_OWN,
            };
            let help = case.apply(title, Some(reading.setting), keys.users());
            let brief = format!("{} of {}", reading.setting, case.server(reading));
            found.push(
                case.finding_with(Severity::Error, reading, message, help)
                    .brief(brief),
            );
        }
    }
    found.into_iter().map(|draft| draft.of(ID)).collect()
}
