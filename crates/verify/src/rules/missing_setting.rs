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
//! **Fix**: `clearml-keygen | clearml-inject docker-compose.yml > secured.yml`
//!
//! **References**: ClearML, "Securing ClearML Server"; secure.conf in the public source of clearml-server.

use clearml_secure_core::effective::{Origin, Reading, Value};
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::known;
use clearml_secure_core::setting::{Kind, SETTINGS, Server};

use super::{Case, Rule, and, other_half, power};

/// The default is live: somebody gets in.
const LIVE: Severity = Severity::Error;
/// A default key whose secret was changed opens nothing by itself.
const HALF: Severity = Severity::Warning;

pub(crate) struct MissingSetting;

impl Rule for MissingSetting {
    fn id(&self) -> &'static str {
        "missing-setting"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        for setting in SETTINGS {
            let is_built_in = |reading: &&Reading| matches!(reading.origin, Origin::BuiltIn(_));
            let live: Vec<&Reading> = case
                .effective
                .of_setting(setting)
                .filter(is_built_in)
                .collect();
            // Who accepts it decides. Where the API server has another value, the rest is `split-credential`.
            let has_apiserver = case.deployment.of(Server::Apiserver).next().is_some();
            let accepts =
                |reading: &&&Reading| !has_apiserver || reading.server == Server::Apiserver;
            let Some(first) = live.iter().find(accepts) else {
                continue;
            };
            let is_half = setting.kind() == Kind::Key && !is_secret_public(case, first);
            let servers = super::servers(&live);
            let names: Vec<&str> = servers.iter().map(|server| server.name()).collect();
            let verb = if names.len() == 1 { "runs" } else { "run" };
            let consequence = if is_half {
                "its secret is another, so nobody gets in with it alone"
            } else {
                power(setting)
            };
            findings.push(Finding {
                rule: self.id(),
                severity: if is_half { HALF } else { LIVE },
                message: format!(
                    "nothing sets {setting}: {} {verb} with the image's public default; {consequence}",
                    and(&names)
                ),
                help: case.inject(),
                setting: Some(setting),
                server: Some(first.server),
                span: Some(case.span(first)),
            });
        }
    }
}

/// Whether the secret that goes with a key is public too, or cannot be told.
fn is_secret_public(case: &Case<'_>, key: &Reading) -> bool {
    let Some(secret) = other_half(key.setting) else {
        return true;
    };
    case.effective
        .of_setting(secret)
        .filter(|half| half.instance == key.instance)
        .any(|half| match &half.value {
            Value::Text(text) => known::lookup(text.expose()).is_some(),
            Value::Unknown(_) => true,
            _ => false,
        })
}
