//! The version of a server has a published weakness.
//!
//! **What**: the image's version is one that a CVE record names.
//!
//! **Why**: anyone can read how to use it, and no setting of yours closes it.
//!
//! bad: tests/fixtures/rules/vulnerable-version/bad.yml
//!
//! good: tests/fixtures/rules/vulnerable-version/good.yml
//!
//! **Fix**: upgrade, to 1.16.0 at least.
//!
//! **References**: the records of CVE-2024-24592, 24593, 24594 and 24595. Those that name no fixed version are
//! only held against the releases there were on that day.

use crate::advisory;
use crate::finding::{Draft, Severity};

use super::{Case, Rule};

/// Somebody gets in, by way of a user at the least.
const SEVERITY: Severity = Severity::Error;

pub(crate) struct VulnerableVersion;

impl Rule for VulnerableVersion {
    fn id(&self) -> &'static str {
        "vulnerable-version"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let found: Vec<_> = advisory::all()
            .iter()
            .flat_map(|advisory| {
                let all = case.before(advisory.server, advisory.before);
                all.map(move |one| (advisory, one))
            })
            .collect();
        // All servers of a deployment get one version, which has to be without every one of the weaknesses.
        let Some(fixed) = found.iter().map(|(advisory, _)| advisory.before).max() else {
            return;
        };
        for (advisory, (instance, release, image)) in found {
            let message = format!(
                "{} is {release}, which has the published weakness {}: {}",
                case.named(instance),
                advisory.id,
                advisory.what
            );
            let help = format!("upgrade to {fixed} or later");
            let finding = case.finding_of(SEVERITY, instance, message, &help);
            findings.push(finding.at(image));
        }
    }
}
