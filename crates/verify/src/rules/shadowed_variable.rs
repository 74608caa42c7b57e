//! Two variables set the same configuration path, and one of them has no effect.
//!
//! **What**: the same path is written in two spellings: in other case, or with the prefixes `TRAINS__` and
//! `CLEARML__`. Servers read `TRAINS__` variables first, then `CLEARML__` ones, each sorted as ASCII; the last
//! wins, so lower case wins over upper case.
//!
//! **Why**: whoever changes the one that loses believes to have changed the secret. The stock compose file spells
//! the services agent's in lower case: an added upper-case one is silently ignored.
//!
//! bad: tests/fixtures/rules/shadowed-variable/bad.yml
//!
//! good: tests/fixtures/rules/shadowed-variable/good.yml
//!
//! **Fix**: remove the variable that loses.
//!
//! **References**: observed on running servers.

use std::collections::BTreeMap;

use clearml_secure_core::compose::{Variable, VariableValue};
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::io::escape;
use clearml_secure_core::setting::Setting;

use super::{Case, Rule};

/// The value that looks right is not the one in use.
const DIFFERENT: Severity = Severity::Warning;
/// No harm until one of them is changed.
const SAME: Severity = Severity::Note;

pub(crate) struct ShadowedVariable;

impl Rule for ShadowedVariable {
    fn id(&self) -> &'static str {
        "shadowed-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Finding>) {
        let mut seen = Vec::new();
        for instance in case
            .deployment
            .instances
            .iter()
            .filter(|one| one.server.reads_configuration())
        {
            let environment = &case.deployment.service(instance).environment;
            let mut by_path: BTreeMap<String, Vec<&Variable>> = BTreeMap::new();
            for prefix in instance.family.prefixes() {
                for variable in environment {
                    let is_given = !matches!(variable.value, VariableValue::Unset);
                    if let Some(path) = variable.name.strip_prefix(prefix).filter(|_| is_given) {
                        by_path
                            .entry(path.to_lowercase())
                            .or_default()
                            .push(variable);
                    }
                }
            }
            for spellings in by_path.values() {
                let Some((winner, losers)) = spellings.split_last() else {
                    continue;
                };
                for loser in losers {
                    if seen.contains(&loser.span) {
                        continue;
                    }
                    seen.push(loser.span);
                    let is_same = loser.value.known().is_some()
                        && loser.value.known() == winner.value.known();
                    findings.push(Finding {
                        rule: self.id(),
                        severity: if is_same { SAME } else { DIFFERENT },
                        message: format!(
                            "{} has no effect at {}: {} sets the same and is read later{}",
                            escape(&loser.name),
                            instance.server,
                            escape(&winner.name),
                            if is_same {
                                "; both have the same value"
                            } else {
                                ""
                            }
                        ),
                        help: format!("remove {}", escape(&loser.name)),
                        setting: Setting::by_variable(&loser.name),
                        server: Some(instance.server),
                        span: Some(loser.span),
                    });
                }
            }
        }
    }
}
