//! Nothing sets a setting, so the image's public default is live.
//!
//! **What**: no variable and no `.conf` file sets the setting. The server runs with the value that is printed in
//! ClearML's public source. This is what a stock compose file does for ten settings.
//!
//! **Why**: the defaults are in the image, not in your file, so nothing in the file looks wrong. Following the
//! documentation's own compose example still leaves the file server's account, of role `system`, on its default;
//! with it one call returns every new secret.
//!
//! bad: tests/fixtures/rules/missing-setting/bad.yml
//!
//! good: tests/fixtures/rules/missing-setting/good.yml
//!
//! **Fix**: `clearml-keygen -o keys.env`, then `clearml-inject -k keys.env -i docker-compose.yml`
//!
//! **References**: ClearML, "Securing ClearML Server"; secure.conf in the public source of clearml-server;
//! docs/clearml.md#the-documented-example.

use clearml_secure_core::effective::{Configured, Origin, Reading, Value};
use clearml_secure_core::keyset;
use clearml_secure_core::setting::{Kind, SETTINGS, Server, Setting};
use clearml_secure_core::shown::escape_path;
use clearml_secure_core::source::Place;

use super::{Case, Rule};
use crate::case::UNLESS;
use crate::finding::{Draft, Finding, Severity};
use crate::words::and;

/// The server cannot sign. What a live default is worth is [`Case::of_public`]: an error where somebody gets in, a
/// warning for half of a pair, a note where fixed users revoke the account (docs/clearml.md#what-fixed-users-revoke).
const GONE: Severity = Severity::Error;

/// Accounts of role `system` (docs/clearml.md#internal-accounts).
const SYSTEM: [&str; 3] = ["apiserver", "fileserver", "webserver"];

/// How a message names the value that is in use.
const DEFAULT: &str = "ClearML's published default";

pub(crate) struct MissingSetting;

impl Rule for MissingSetting {
    fn id(&self) -> &'static str {
        "missing-setting"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        // Who accepts it decides. Where the API server has another value, the rest is `split-credential`.
        let has_apiserver = case.deployment.of(Server::Apiserver).next().is_some();
        for setting in SETTINGS {
            let is_live = |reading: &&Reading| {
                matches!(reading.origin, Origin::BuiltIn(_)) && !case.is_closed(reading)
            };
            let live: Vec<&Reading> = case.effective.of_setting(setting).filter(is_live).collect();
            let (accepting, others): (Vec<&Reading>, Vec<&Reading>) = live
                .iter()
                .partition(|reading| !has_apiserver || reading.server == Server::Apiserver);
            for (index, reading) in accepting.into_iter().enumerate() {
                let also: &[&Reading] = if index == 0 { &others } else { &[] };
                findings.push(self.live(case, reading, also));
            }
            findings.extend(
                case.effective
                    .of_setting(setting)
                    .filter(|reading| is_gone(reading))
                    .map(|reading| self.gone(case, reading)),
            );
        }
    }

    fn together(&self, findings: &[&Finding]) -> Option<String> {
        // A setting that is gone is something else.
        if !findings.iter().all(|one| one.message.contains(DEFAULT)) {
            return None;
        }
        let mut settings: Vec<Setting> = findings.iter().filter_map(|one| one.setting).collect();
        settings.sort_unstable();
        settings.dedup();
        let halves = |group: &str| settings.iter().filter(|one| one.group() == group).count();
        let is_open = findings.iter().all(|one| one.severity == Severity::Error)
            && (halves("token_secret") > 0 || SYSTEM.iter().any(|account| halves(account) == 2));
        let consequence = match is_open {
            true => ": anyone who can reach the API server can log in as admin",
            false => "",
        };
        let unless = match findings.iter().any(|one| one.message.contains(UNLESS)) {
            true => UNLESS,
            false => "",
        };
        let count = settings.len();
        Some(format!(
            "{count} of {} credentials are ClearML's published defaults{consequence}{unless}",
            SETTINGS.len()
        ))
    }
}

impl MissingSetting {
    /// The image's default is in use.
    fn live(&self, case: &Case<'_>, reading: &Reading, also: &[&Reading]) -> Draft {
        let setting = reading.setting;
        let names: Vec<String> = std::iter::once(&reading)
            .chain(also)
            .map(|reading| case.server(reading))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let verb = if names.len() == 1 { "uses" } else { "use" };
        let (severity, consequence) = case.of_public(reading);
        let unused = unused(case, reading);
        let beside = match &unused {
            Some((place, _)) => format!(". {place} has a value, but no service references it"),
            None => given_as_user_key(case, reading),
        };
        let unless = case.unless(&case.effective.servers[reading.instance], None);
        let message = format!(
            "{setting} is not set, so {} {verb} {DEFAULT}: {consequence}{unless}{beside}",
            and(&names)
        );
        let brief = format!("{setting} of {}: {consequence}{beside}", and(&names));
        let draft = case.finding_in(severity, reading, message).brief(brief);
        let Some((_, file)) = unused else {
            return draft;
        };
        draft.help(format!(
            "reference it in the compose file (this also completes an interrupted run):\n  clearml-inject -k KEYS --env-file {file} -i {}",
            case.compose_file()
        ))
    }

    /// The setting was taken away.
    fn gone(&self, case: &Case<'_>, reading: &Reading) -> Draft {
        let message = format!(
            "{} cannot sign, and may not start: it has no {}, because the tree that replaces the default one does not have it",
            case.server(reading),
            reading.setting
        );
        let finding = case.finding_in(GONE, reading, message);
        let server = &case.effective.servers[reading.instance];
        match server.configured(case.deployment, reading.setting.path()) {
            // No key that is injected comes after it.
            Configured::Value(_, span) => finding.at(span).help(format!(
                "remove this line, or set {} in it",
                reading.setting
            )),
            Configured::Not | Configured::Unknown(..) => finding,
        }
    }
}

/// Where the env file has a value for the setting, and the file's name. Compose passes on only what the compose file
/// names.
fn unused(case: &Case<'_>, reading: &Reading) -> Option<(Place, String)> {
    let name = keyset::env_variable(reading.setting, reading.server);
    let span = case.deployment.project.as_ref()?.env().span(&name)?;
    let place = case.deployment.sources.place(span);
    let file = escape_path(&place.file).into_owned();
    Some((place, file))
}

/// Where ClearML's chart gives the file server's pair to that server under names which it does not read
/// (docs/clearml.md#helm-chart).
fn given_as_user_key(case: &Case<'_>, reading: &Reading) -> String {
    let (name, value) = match reading.setting.kind() {
        Kind::Key => ("USER_KEY", "clearml.fileserverKey"),
        Kind::Secret => ("USER_SECRET", "clearml.fileserverSecret"),
    };
    let is_given = case.deployment.of(Server::Fileserver).any(|instance| {
        let container = case.deployment.service(instance);
        let mut variables = container.environment.iter();
        container.pod.is_some() && variables.any(|variable| variable.name == name)
    });
    match is_given && reading.setting.group() == "fileserver" {
        true => format!(". {value} reaches the file server as {name}, which it does not read"),
        false => String::new(),
    }
}

/// A signing secret that is not there, and no other rule says why.
fn is_gone(reading: &Reading) -> bool {
    reading.setting.account().is_none()
        && matches!(reading.value, Value::Absent)
        && reading.hazards.is_empty()
}
