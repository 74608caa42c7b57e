use std::io::{self, IsTerminal, Write};

use clap::ColorChoice;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::exit;
use clearml_secure_core::finding::{Finding, Severity};
use clearml_secure_core::io::write_secret_file;
use clearml_secure_core::source::{Sources, Span};

use crate::baseline::{self, Baseline};
use crate::cli::{Cli, FailOn};
use crate::error::Error;
use crate::files::Files;
use crate::fingerprint::Fingerprints;
use crate::keys::{self, Keys};
use crate::lines::Lines;
use crate::output;
use crate::report::{Report, Subject};
use crate::rules::{self, Case, RULES};
use crate::{fleet, ignore, target};

/// Looks at every target and prints what is to be said.
pub(crate) fn run(cli: &Cli) -> Result<u8, Error> {
    if cli.list_rules {
        let ids: Vec<String> = rules::ids()
            .into_iter()
            .map(|id| format!("{id}\n"))
            .collect();
        return print(&ids.concat()).map(|_| exit::FINE);
    }
    if let Some(id) = &cli.explain {
        let page = rules::explain(id).ok_or_else(|| Error::UnknownRule(id.clone()))?;
        return print(&format!("{page}\n")).map(|_| exit::FINE);
    }
    if let Some(unknown) = cli
        .ignore
        .iter()
        .find(|id| !rules::ids().contains(&id.as_str()))
    {
        return Err(Error::UnknownRule(unknown.clone()));
    }
    let mut baseline = cli.baseline.as_deref().map(Baseline::read).transpose()?;
    let mut fingerprints = Fingerprints::default();
    let keys = Keys::read(cli)?;
    let (deployments, mut remarks) = target::deployments(cli)?;
    let mut reports = fleet::look(cli, &keys, &mut remarks)?;
    if let Some(baseline) = &mut baseline {
        for report in &mut reports {
            let findings = std::mem::take(&mut report.findings);
            report.findings = baseline.accept(&Sources::new(), &mut fingerprints, findings);
        }
    }
    for deployment in deployments {
        let effective = Effective::of(&deployment);
        let case = Case {
            deployment: &deployment,
            effective: &effective,
            files: Files::of(&deployment, &effective),
        };
        let mut findings = Vec::new();
        for rule in RULES
            .iter()
            .filter(|rule| !cli.ignore.iter().any(|id| id == rule.id()))
        {
            rule.check(&case, &mut findings);
        }
        if let Some(keys) = &keys.new
            && !cli.ignore.iter().any(|id| id == keys::ID)
        {
            keys::compare(&case, keys, &mut findings);
        }
        let (mut findings, comments) =
            ignore::silence(&deployment.sources, &Lines::of(&deployment), findings);
        remarks.extend(comments);
        findings.sort_by_key(|finding: &Finding| {
            (
                finding.severity,
                finding.span,
                finding.rule,
                finding.setting,
            )
        });
        if let Some(baseline) = &mut baseline {
            findings = baseline.accept(&deployment.sources, &mut fingerprints, findings);
        }
        let unseen = case.unseen();
        reports.push(Report {
            subject: Subject::Deployment(deployment, effective),
            findings,
            unseen,
        });
    }
    if let (Some(baseline), Some(path)) = (&baseline, &cli.baseline) {
        remarks.extend(baseline.remarks(path));
    }
    if let Some(path) = &cli.write_baseline {
        write_secret_file(path, &baseline::write(&reports), true)?;
        let count: usize = reports.iter().map(|report| report.findings.len()).sum();
        remarks.push(format!("{}: {count} findings are recorded", path.display()));
    }
    if !cli.quiet {
        for remark in &remarks {
            say(&format!(
                "clearml-verify: {}\n",
                clearml_secure_core::io::escape(remark)
            ));
        }
    }
    let broken = broken(&reports);
    say(&broken);
    let (text, code) = if cli.write_baseline.is_some() {
        // What could not be looked at cannot be accepted.
        (String::new(), code(FailOn::Never, &reports))
    } else if cli.effective {
        let text = output::effective(cli.format, &reports).ok_or(Error::Effective)?;
        (text, exit::FINE)
    } else if cli.fix {
        let text = output::fix(cli, &reports).ok_or(Error::Fix)?;
        (text, code(cli.fail_on, &reports))
    } else {
        (
            output::findings(cli.format, &reports, use_color(cli.color)),
            code(cli.fail_on, &reports),
        )
    };
    match print(&text)? {
        // Whoever closed the pipe asks for nothing more.
        false => Ok(exit::FINE),
        true if broken.is_empty() => Ok(code),
        true => Ok(exit::FAILED),
    }
}

/// The `.conf` files that cannot be parsed, as errors: what they would set cannot be told.
fn broken(reports: &[Report]) -> String {
    let mut seen = Vec::new();
    let mut out = String::new();
    for report in reports {
        for file in report
            .deployment()
            .into_iter()
            .flat_map(|(deployment, _)| &deployment.instances)
            .flat_map(|instance| &instance.config)
        {
            if let Err(error) = &file.tree {
                let span = Span {
                    source: file.source,
                    start: error.offset,
                    end: error.offset,
                };
                let what = CoreError::Hocon {
                    place: report.sources().place(span),
                    message: error.message.clone(),
                };
                let message = exit::message("clearml-verify", &what, what.help().as_deref());
                if !seen.contains(&message) {
                    out.push_str(&message);
                    seen.push(message);
                }
            }
        }
    }
    out
}

/// Findings count first; what could not be looked at is never clean.
fn code(fail_on: FailOn, reports: &[Report]) -> u8 {
    let least = match fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Note => Some(Severity::Note),
        FailOn::Never => None,
    };
    // Severities are ordered from the worst down.
    let fails = |finding: &Finding| least.is_some_and(|least| finding.severity <= least);
    if reports
        .iter()
        .flat_map(|report| &report.findings)
        .any(fails)
    {
        exit::FINDINGS
    } else if reports.iter().any(|report| !report.unseen.is_empty()) {
        exit::FAILED
    } else {
        exit::FINE
    }
}

fn use_color(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => std::env::var_os("NO_COLOR").is_none() && io::stdout().is_terminal(),
    }
}

fn print(text: &str) -> Result<bool, Error> {
    exit::write_product(io::stdout().lock(), text.as_bytes()).map_err(Error::Output)
}

/// Talk goes to standard error; that nobody may be listening is no error.
pub(crate) fn say(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}
