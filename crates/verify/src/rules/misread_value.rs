//! A server reads something else than what is written.
//!
//! **What**: a value is changed on its way through YAML, interpolation or HOCON: cut off, turned into a number,
//! or of a form that keeps the server from starting.
//!
//! **Why**: servers parse every `CLEARML__…` variable as HOCON. `06d-x` becomes `relativedelta(days=+6)-x`, `abc#def`
//! becomes `abc`, and a key of digits becomes a number; one credential that is not text makes the server skip all
//! later accounts, which keep their old defaults without a word. A value that cannot be parsed
//! keeps the whole server from starting.
//!
//! bad: tests/fixtures/rules/misread-value/bad.yml
//!
//! good: tests/fixtures/rules/misread-value/good.yml
//!
//! **Fix**: use values of letters and digits that start with a letter, as clearml-keygen makes them.
//!
//! **References**: docs/clearml.md#how-hocon-reads-a-value; pyhocon.

use std::collections::HashSet;

use clearml_secure_core::container::VariableValue;
use clearml_secure_core::effective::{Hazard, Reading, Value};
use clearml_secure_core::hocon;
use clearml_secure_core::setting::Setting;

use super::{Case, Rule};
use crate::finding::{Draft, Fix, Severity};
use crate::words::shown;

/// The server reads another value, or does not start (docs/clearml.md#how-hocon-reads-a-value).
const SEVERITY: Severity = Severity::Error;

const HELP: &str = "use only letters and digits, starting with a letter. To generate a new value:\n  clearml-keygen --from KEYS --only GROUP -o new.env";

/// Clients that take the value from the same place get it with the line break.
const WITHOUT: &str =
    "write the value without a line break at its end: `printf %s`, and not `echo`, prints it so";

pub(crate) struct MisreadValue;

impl Rule for MisreadValue {
    fn id(&self) -> &'static str {
        "misread-value"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let start = findings.len();
        for server in &case.effective.servers {
            // Other variables, and files, are `unreadable-config`.
            let of_settings = server
                .fatal
                .iter()
                .filter_map(|fatal| Some((fatal, Setting::by_variable(&fatal.what)?)));
            for (fatal, setting) in of_settings {
                findings.push(
                    Draft::new(
                        SEVERITY,
                        format!(
                            "{} does not start: it cannot read {}: {}",
                            server.server,
                            shown(&fatal.what),
                            fatal.message
                        ),
                        HELP,
                    )
                    .setting(setting)
                    .server(server.server)
                    .at(fatal.span)
                    .fixed_by(is_replaced(case, server.instance, setting)),
                );
            }
            for reading in &server.readings {
                self.check_reading(case, reading, findings);
            }
            self.check_refused(case, server.instance, findings);
        }
        let mut seen = HashSet::new();
        let fresh: Vec<Draft> = findings.drain(start..).collect();
        findings.extend(
            fresh
                .into_iter()
                .filter(|finding| seen.insert(finding.subject())),
        );
    }
}

impl MisreadValue {
    fn check_reading(&self, case: &Case<'_>, reading: &Reading, findings: &mut Vec<Draft>) {
        for hazard in &reading.hazards {
            let what = match hazard {
                Hazard::Retyped => {
                    "YAML reads the unquoted value as a number or a date, and rewrites it"
                        .to_owned()
                }
                // What stands behind the dollar sign may be half of the secret, so it is not named.
                Hazard::Interpolated(_) => {
                    "compose reads a dollar sign in it, and what follows, as a variable that has no value".to_owned()
                }
                Hazard::Covered(kind) => format!(
                    "{kind} replaces the object around it, so the server does not have this setting"
                ),
                Hazard::Hocon(hocon::Reading::Changed { how, becomes }) => {
                    format!("HOCON turns it into {}: {}", becomes.text(), how.text())
                }
                Hazard::Hocon(hocon::Reading::Fatal { cause }) => {
                    format!("it cannot be parsed: {}", cause.text())
                }
                Hazard::Hocon(hocon::Reading::Same) => continue,
            };
            let consequence = match &reading.value {
                // What follows from it for the other accounts is `unreadable-config`.
                Value::NotText(_) if reading.setting.account().is_some() => "",
                Value::NotText(_) => ". Every login fails, because the secret is not text",
                Value::Absent if reading.setting.account().is_none() => {
                    ". Without it the server cannot sign, and may not start"
                }
                Value::Absent => ". The account has no credentials",
                _ => "",
            };
            let message = format!(
                "{} does not get {} as it is written: {what}{consequence}",
                case.server(reading),
                reading.setting
            );
            let is_line_break = matches!(
                hazard,
                Hazard::Hocon(hocon::Reading::Changed {
                    how: hocon::Change::LineBreak,
                    ..
                })
            );
            let help = if is_line_break { WITHOUT } else { HELP };
            findings.push(case.finding_with(SEVERITY, reading, message, help));
        }
    }

    /// What compose itself refuses.
    fn check_refused(&self, case: &Case<'_>, index: usize, findings: &mut Vec<Draft>) {
        let instance = &case.deployment.instances[index];
        for variable in &case.deployment.service(instance).environment {
            if let VariableValue::Invalid(message) = &variable.value {
                let name = shown(&variable.name);
                findings.push(
                    Draft::new(
                        SEVERITY,
                        format!("Kubernetes refuses the object: {name}: {message}"),
                        "correct the value",
                    )
                    .setting(Setting::by_variable(&variable.name))
                    .server(instance.server)
                    .at(variable.value_span),
                );
            }
            if let VariableValue::Refused(message) = &variable.value {
                findings.push(
                    Draft::new(
                        SEVERITY,
                        format!(
                            "compose refuses the file: {}: {message}",
                            shown(&variable.name)
                        ),
                        refused_help(&variable.name),
                    )
                    .setting(Setting::by_variable(&variable.name))
                    .server(instance.server)
                    .at(variable.span)
                    .fixed_by(
                        Setting::by_variable(&variable.name)
                            .and_then(|setting| is_replaced(case, index, setting)),
                    ),
                );
            }
        }
    }
}

/// A keyset's value takes the place of one that its server is meant to read.
fn is_replaced(case: &Case<'_>, instance: usize, setting: Setting) -> Option<Fix> {
    let is_read = case.deployment.instances[instance].reads(setting);
    is_read.then_some(Fix::Keys)
}

/// A dollar sign that compose lets through is one that HOCON does not (docs/clearml.md#values-that-stop-a-server).
fn refused_help(name: &str) -> String {
    if name.ends_with(char::is_whitespace) {
        return "remove the blank behind the name".to_owned();
    }
    if name.starts_with("CLEARML__") || name.starts_with("TRAINS__") {
        HELP.to_owned()
    } else {
        "write $$ for a dollar sign".to_owned()
    }
}
