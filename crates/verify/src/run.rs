use std::io;
use std::path::Path;

use clearml_secure_cli::talk::{self, say};
use clearml_secure_cli::wrap;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::exit::{self, Input};
use clearml_secure_core::io::write_secret_file;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use crate::baseline::{self, Baseline};
use crate::case::accounts;
use crate::cli::{self, Cli, FailOn};
use crate::described::Described;
use crate::error::Error;
use crate::files::Files;
use crate::finding::{Finding, Severity};
use crate::fingerprint::Fingerprints;
use crate::guess::Guesser;
use crate::hidden::Hidden;
use crate::keys::{self, Keys};
use crate::login::Login;
use crate::output::{self, Look};
use crate::pages;
use crate::policy::Policy;
use crate::products::{Products, Texts};
use crate::reader::Target;
use crate::receipt::Receipt;
use crate::report::{NotChecked, Report, Subject};
use crate::rules::{self, Case};
use crate::shard::Share;
use crate::target;
use crate::{clients, drift, fleet, ignore, retired};

/// Looks at every target and prints what is to be said.
pub(crate) fn run(cli: &mut Cli) -> Result<u8, Error> {
    if let Some(text) = answer(cli)? {
        return print(&text).map(|_| exit::FINE);
    }
    if !cli.general.quiet {
        say(&waiting(cli));
    }
    let mut policy = Policy::read(cli)?;
    let cli = &*cli;
    let products = Products::asked(cli)?;
    let mut baseline = cli.baseline.as_deref().map(Baseline::read).transpose()?;
    let keys = Keys::read(cli)?;
    let mut remarks = no_longer_rules(&cli.ignore)?;
    let mut share = Share::of(cli.shard);
    let clients = clients::look(cli, &keys, &mut share)?;
    let targets = match cli.clients {
        true => Vec::new(),
        // What was passed over may be the reason.
        false => target::targets(cli, &clients.targets, &mut share, &mut remarks)
            .inspect_err(|_| tell(cli, &remarks))?,
    };
    if keys.old.is_some()
        && clients.targets.is_empty()
        && !cli.clients
        && !target::names_a_server(cli)
    {
        return Err(Error::OldKeysWithoutServer);
    }
    let mut reports = fleet::look(cli, &keys, &mut share, &mut remarks)?;
    reports.extend(clients.report);
    of_files(cli, &keys, targets, &mut share, &mut reports, &mut remarks);
    remarks.extend(share.remark());
    let hidden = hide(cli, &mut policy, &mut baseline, &mut reports);
    // What a shard does not meet may be another's.
    remarks.extend(policy.remarks(cli.no_ignore || share.is_part()));
    if let (Some(baseline), Some(path)) = (&baseline, &cli.baseline) {
        remarks.extend(baseline.remarks(path, share.is_part()));
    }
    if let Some(path) = &cli.write_baseline {
        write_secret_file(path, &baseline::write(&reports, path), true)?;
        let count: usize = reports.iter().map(|report| report.findings.len()).sum();
        remarks.push(format!("{}: {count} findings are recorded", path.display()));
    }
    tell(cli, &remarks);
    let broken = broken(&reports);
    say(&broken);
    let (texts, code) = product(cli, &keys, &reports, &hidden, &products)?;
    for (path, text) in texts.files {
        write_secret_file(&path, &text, true)?;
    }
    match print(&texts.screen)? {
        // Anyone who closed the pipe asks for nothing more.
        false => Ok(exit::FINE),
        true if broken.is_empty() => Ok(code),
        true => Ok(exit::FAILED),
    }
}

/// What a person should know besides the findings.
fn tell(cli: &Cli, remarks: &[String]) {
    if !cli.general.quiet {
        for remark in remarks {
            say(&format!("clearml-verify: {}\n", escape(remark)));
        }
    }
}

/// What is asked about the rules themselves.
fn answer(cli: &Cli) -> Result<Option<String>, Error> {
    if cli.list_rules {
        return Ok(Some(pages::list()));
    }
    if let Some(id) = &cli.explain {
        let page = pages::explain(id)
            .or_else(|| retired::why(id))
            .ok_or_else(|| Error::UnknownRule(id.clone()))?;
        return Ok(Some(format!("{page}\n")));
    }
    Ok(None)
}

/// What to say of the names after `--ignore` that were rules once; an error for one that never was.
fn no_longer_rules(ignored: &[String]) -> Result<Vec<String>, Error> {
    let ids = pages::ids();
    ignored
        .iter()
        .filter(|id| !ids.contains(&id.as_str()))
        .map(|id| match retired::why(id) {
            Some(why) => Ok(format!("{why}; remove it from --ignore")),
            None => Err(Error::UnknownRule(id.clone())),
        })
        .collect()
}

/// Looks at everything that is no server, and adds the reports of this shard.
fn of_files(
    cli: &Cli,
    keys: &Keys,
    targets: Vec<Target>,
    share: &mut Share,
    reports: &mut Vec<Report>,
    remarks: &mut Vec<String>,
) {
    let guesser = Guesser::new();
    let mut targets: Vec<(bool, Target)> = targets
        .into_iter()
        .map(|target| (target.is_in(share), target))
        .collect();
    let is_running = |(is_ours, target): &(bool, Target)| *is_ours && target.is_running();
    // What runs is compared with its files, whosever they are.
    let needs_files = targets.iter().any(is_running);
    targets.retain(|(is_ours, target)| *is_ours || needs_files && !target.is_running());
    let (running, files): (Vec<_>, Vec<_>) = targets
        .into_iter()
        .partition(|(_, target)| target.is_running());
    let mut others = Vec::new();
    for (is_ours, target) in files.into_iter().chain(running) {
        let before: Vec<&Report> = reports.iter().chain(&others).collect();
        let mut unsaid = Vec::new();
        let to = if is_ours { &mut *remarks } else { &mut unsaid };
        let found = reports_of(cli, (keys, &guesser), target, &before, to);
        match is_ours {
            true => reports.extend(found),
            false => others.extend(found),
        }
    }
}

/// What the rules find in a target; of a deployment with a file merged over it, what they find besides.
fn reports_of(
    cli: &Cli,
    known: (&Keys, &Guesser),
    target: Target,
    before: &[&Report],
    remarks: &mut Vec<String>,
) -> Vec<Report> {
    let (deployment, merged) = match target {
        Target::Deployment { deployment, merged } => (deployment, merged),
        Target::Nothing(path, unknown) => return vec![Report::of_nothing(&path, unknown)],
    };
    let made_from = drift::files_of(&deployment, before, remarks);
    let (alone, comments) = report(cli, known, deployment, made_from);
    remarks.extend(comments);
    let mut reports = vec![alone];
    for deployment in merged {
        let (with, comments) = report(cli, known, deployment, None);
        for comment in comments {
            if !remarks.contains(&comment) {
                remarks.push(comment);
            }
        }
        reports.push(with.besides(&reports[0]));
    }
    reports
}

/// What the rules find in a deployment, and what is wrong with the comments that silence findings.
fn report(
    cli: &Cli,
    (keys, guesser): (&Keys, &Guesser),
    mut deployment: Described,
    made_from: Option<(&Described, &Effective)>,
) -> (Report, Vec<String>) {
    let new = keys.new.as_ref();
    let trusted = new.and_then(|keyset| deployment.trust(keyset));
    let effective = Effective::of(&deployment);
    let logins = Login::all(&deployment, &effective, guesser);
    let case = Case {
        deployment: &deployment,
        effective: &effective,
        accounts: accounts::all(&deployment, &effective),
        files: Files::of(&deployment, &effective, &logins),
        logins,
        made_from,
    };
    let is_asked = |id: &str| !cli.ignore.iter().any(|ignored| ignored == id);
    let mut findings = rules::check(&case, is_asked);
    if let Some(keys) = keys.new.as_ref().filter(|_| is_asked(keys::ID)) {
        findings.extend(keys::compare(&case, keys));
    }
    let all = findings.len();
    let (mut findings, comments) = match cli.no_ignore {
        true => (findings, Vec::new()),
        false => ignore::silence(&deployment, findings),
    };
    let silenced = all - findings.len();
    findings.sort_by_key(|finding| {
        (
            finding.severity,
            finding.span,
            finding.rule,
            finding.setting,
        )
    });
    let unseen = case.unseen().into_iter();
    let unknown = unseen.map(|one| NotChecked::of(one, &deployment.sources));
    let report = Report {
        unknown: unknown.collect(),
        subject: Subject::Deployment(deployment, effective),
        findings,
        silenced,
        checks: Vec::new(),
        people: None,
        is_besides: false,
    };
    (report, comments.into_iter().chain(trusted).collect())
}

/// Takes out what is accepted, or below what is asked for, and counts it.
fn hide(
    cli: &Cli,
    policy: &mut Policy,
    baseline: &mut Option<Baseline>,
    reports: &mut [Report],
) -> Hidden {
    let mut hidden = Hidden {
        comments: reports.iter().map(|report| report.silenced).sum(),
        ..Hidden::default()
    };
    if let Some(path) = policy.path().filter(|_| !cli.no_ignore).map(Path::to_owned) {
        hidden.accepted = Some((path, policy.accept(reports)));
    }
    if let (Some(baseline), Some(path)) = (baseline, &cli.baseline) {
        accept(baseline, reports);
        hidden.baseline = Some((path.clone(), baseline.count()));
    }
    let least = match cli.min_severity {
        Some(cli::Severity::Error) => Severity::Error,
        Some(cli::Severity::Warning) => Severity::Warning,
        Some(cli::Severity::Note) | None => return hidden,
    };
    hidden.below(least, reports);
    hidden
}

/// Takes out the findings that the baseline has.
fn accept(baseline: &mut Baseline, reports: &mut [Report]) {
    let mut fingerprints = Fingerprints::default();
    for report in reports {
        let findings = std::mem::take(&mut report.findings);
        report.findings = baseline.accept(report, &mut fingerprints, findings);
    }
}

/// What goes to standard output and to files, and the exit code.
fn product(
    cli: &Cli,
    keys: &Keys,
    reports: &[Report],
    hidden: &Hidden,
    products: &Products,
) -> Result<(Texts, u8), Error> {
    if cli.write_baseline.is_some() {
        let nothing = Texts {
            screen: String::new(),
            files: Vec::new(),
        };
        // What was not checked cannot be accepted.
        return Ok((nothing, code(FailOn::Never, reports)));
    }
    if cli.effective {
        let texts = products.texts(look(cli), |format, look| {
            output::effective(format, reports, cli.all, look).ok_or(Error::Effective)
        })?;
        let is_nothing = |report: &Report| matches!(report.subject, Subject::Nothing(_));
        let code = match reports.iter().any(is_nothing) {
            true => exit::FAILED,
            false => exit::FINE,
        };
        return Ok((texts, code));
    }
    let is_of_server = |report: &Report| matches!(report.subject, Subject::Server { .. });
    // Who is there proves nothing.
    let proof_of = match !cli.clients && !target::servers(cli)?.is_empty() {
        true => Receipt::of(keys),
        false => None,
    };
    // The servers of the command line may be other shards'.
    let receipt = proof_of.as_ref();
    let seen = output::Seen {
        reports,
        receipt: receipt.filter(|_| reports.iter().any(is_of_server)),
        hidden,
    };
    let texts = products.texts(look(cli), |format, look| match cli.fix {
        true => output::fix(format, cli, reports).ok_or(Error::Fix),
        false => Ok(output::findings(format, &seen, look)),
    })?;
    let code = match receipt {
        Some(_) => proof(reports),
        None => code(cli.fail_on.unwrap_or(FailOn::Warning), reports),
    };
    Ok((texts, code))
}

/// The `.conf` files that cannot be parsed, as errors: what they would set is not known.
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
                    message: error.message.to_owned(),
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

/// Findings count first; what was not checked is never clean.
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
    } else if reports.iter().any(|report| !report.unknown.is_empty()) {
        exit::FAILED
    } else {
        exit::FINE
    }
}

/// With a keyset, and a server to ask about it, only what was asked about keys counts.
fn proof(reports: &[Report]) -> u8 {
    let is_about_keys = |finding: &Finding| [keys::ID, keys::OLD_ID].contains(&finding.rule);
    let is_wrong = |report: &Report| {
        let mut checks = report.checks.iter();
        checks.any(|check| check.is_right() == Some(false))
            || report.findings.iter().any(is_about_keys)
    };
    // Of a server, what has nothing to do with keys may stay unknown.
    let is_open = |report: &Report| match report.subject {
        Subject::Server { .. } => {
            let mut checks = report.checks.iter();
            report.checks.is_empty() || checks.any(|check| check.is_right().is_none())
        }
        Subject::Clients { .. } => false,
        Subject::Deployment(..) | Subject::Nothing(_) => !report.unknown.is_empty(),
    };
    match () {
        () if reports.iter().any(is_wrong) => exit::FINDINGS,
        () if reports.iter().any(is_open) => exit::FAILED,
        () => exit::FINE,
    }
}

fn look(cli: &Cli) -> Look {
    Look {
        color: talk::has_color(cli.general.color, &io::stdout()),
        width: wrap::width(&io::stdout()),
    }
}

fn print(text: &str) -> Result<bool, Error> {
    exit::write_product(io::stdout().lock(), text.as_bytes()).map_err(Error::Output)
}

/// What a person at a terminal has to type, if anything.
fn waiting(cli: &Cli) -> String {
    let input = |path, what, named| Input { path, what, named };
    let mut inputs = vec![
        input(cli.baseline.as_deref(), "a baseline", "--baseline FILE"),
        input(cli.keys.as_deref(), "a keyset", "--keys FILE"),
        input(cli.old_keys.as_deref(), "a keyset", "--old-keys FILE"),
    ];
    let targets = cli.targets.iter().map(|target| Some(target.as_path()));
    inputs.extend(targets.map(|path| input(path, "a deployment", "FILE as an argument")));
    exit::waiting("clearml-verify", &inputs).unwrap_or_default()
}
