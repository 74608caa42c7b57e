//! Two variables set the same configuration path, and one of them has no effect.
//!
//! **What**: the same path is written in two spellings: in other case, with the prefixes `TRAINS__` and `CLEARML__`,
//! or once by itself and once within the value of a variable that sets a whole tree. Servers read `TRAINS__` variables first, then `CLEARML__` ones, each sorted as ASCII; the last
//! wins, so lower case wins over upper case.
//!
//! **Why**: anyone who changes the one that loses believes to have changed the secret. The stock compose file spells
//! the services agent's in lower case: an added upper-case one is silently ignored.
//!
//! bad: tests/fixtures/rules/shadowed-variable/bad.yml
//!
//! good: tests/fixtures/rules/shadowed-variable/good.yml
//!
//! **Fix**: remove the variable that loses.
//!
//! **References**: docs/clearml.md#two-spellings-of-one-path.

use std::collections::BTreeMap;

use clearml_secure_core::container::{Variable, VariableValue};
use clearml_secure_core::effective::Origin;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::Span;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::shown;

/// The value that looks right is not the one in use.
const DIFFERENT: Severity = Severity::Warning;
/// No harm until one of them is changed.
const SAME: Severity = Severity::Note;

pub(crate) struct ShadowedVariable;

impl Rule for ShadowedVariable {
    fn id(&self) -> &'static str {
        "shadowed-variable"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
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
                    let is_same = loser.value.known().is_some()
                        && loser.value.known() == winner.value.known();
                    if !seen.contains(&loser.span) {
                        seen.push(loser.span);
                        findings.push(self.finding(instance.server, loser, winner, is_same));
                    }
                }
            }
        }
        self.check_trees(case, &mut seen, findings);
    }
}

impl ShadowedVariable {
    /// Settings that a variable sets by itself, and that come from the tree in another one.
    fn check_trees(&self, case: &Case<'_>, seen: &mut Vec<Span>, findings: &mut Vec<Draft>) {
        for reading in case.effective.readings() {
            let instance = &case.deployment.instances[reading.instance];
            let environment = &case.deployment.service(instance).environment;
            let (Origin::Variable(_), Some(winner)) =
                (reading.origin, reading.variable(case.deployment))
            else {
                continue;
            };
            let spellings = instance.spellings(reading.setting, environment);
            if spellings.iter().any(|one| one.span == winner.span) {
                continue;
            }
            for loser in spellings {
                let text = reading.value.text();
                let is_given = !matches!(loser.value, VariableValue::Unset);
                if is_given && !seen.contains(&loser.span) {
                    seen.push(loser.span);
                    let is_same = text.is_some() && loser.value.known() == text;
                    findings.push(self.finding(reading.server, loser, winner, is_same));
                }
            }
        }
    }

    fn finding(&self, server: Server, loser: &Variable, winner: &Variable, is_same: bool) -> Draft {
        let same = if is_same {
            " (both have the same value)"
        } else {
            ""
        };
        Draft::new(
            if is_same { SAME } else { DIFFERENT },
            format!(
                "{} has no effect at {server}: {} sets the same setting and wins{same}",
                shown(&loser.name),
                shown(&winner.name)
            ),
            format!("remove {}", shown(&loser.name)),
        )
        .setting(Setting::by_variable(&loser.name))
        .server(server)
        .at(loser.span)
    }
}
