//! From a target to its reports.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clearml_secure_core::effective::Effective;
use clearml_secure_core::error::Error as CoreError;
use clearml_secure_core::exit;
use clearml_secure_core::io::is_same;
use clearml_secure_core::shown::text_of;
use clearml_secure_core::source::Span;

use crate::case::accounts;
use crate::cli::Cli;
use crate::decisions::ignore;
use crate::decisions::ignore::Silenced;
use crate::drift;
use crate::files::Files;
use crate::finding::Finding;
use crate::fix::Names;
use crate::keys::{self, Keys};
use crate::login::Login;
use crate::login::guess::Guesser;
use crate::report::described::Described;
use crate::report::lines::Lines;
use crate::report::readout::Readout;
use crate::report::trees::Trees;
use crate::report::{Extent, ExtentFile, NotChecked, Outline, PublicKeys, Report, Subject, Texts};
use crate::rules::{self, Case};
use crate::run::products::Products;
use crate::target::unopened::Target;

/// What is the same for all targets.
pub(crate) struct Looker<'a> {
    cli: &'a Cli,
    keys: &'a Keys,
    guesser: Guesser,
    has_lines: bool,
    has_readout: bool,
    /// What is written at the end, and is there already.
    replaced: Vec<PathBuf>,
}

/// What was found in a target.
#[derive(Default)]
pub(crate) struct Looked {
    /// Of a deployment with files merged over it: what is found in it alone, and then what each of them adds.
    pub(crate) reports: Vec<(Report, Option<Trees>)>,
    /// What a person should know about how it was looked at.
    pub(crate) remarks: Vec<String>,
}

impl Looked {
    /// What its reports were made from.
    pub(crate) fn into_trees(self) -> Vec<Trees> {
        let reports = self.reports.into_iter();
        reports.filter_map(|(_, trees)| trees).collect()
    }
}

impl<'a> Looker<'a> {
    pub(crate) fn new(cli: &'a Cli, keys: &'a Keys, products: &Products) -> Self {
        Self {
            cli,
            keys,
            guesser: Guesser::new(),
            has_lines: products.has_lines(),
            has_readout: cli.effective || products.has_readout(),
            replaced: products.replaced(cli),
        }
    }

    /// What the rules find in a target. Containers that run are held against the files from which they were made.
    pub(crate) fn look(&self, target: Target, files: &[Trees], looked: &mut Looked) {
        let (deployment, merged) = match target {
            Target::Deployment { deployment, merged } => (deployment, merged),
            Target::Nothing(path, unknown) => {
                let report = Report::of_nothing(&path, unknown);
                looked.reports.push((report, None));
                return;
            }
            // They are no deployment yet.
            Target::Folder(_) | Target::Unopened(_) => return,
        };
        let made_from = drift::files_of(&deployment, files, &mut looked.remarks);
        let (alone, trees) = self.report(deployment, made_from, &mut looked.remarks);
        let mut reports = vec![(alone, Some(trees))];
        for deployment in merged {
            let (with, trees) = self.report(deployment, None, &mut looked.remarks);
            let (alone, _) = &reports[0];
            let with = with.besides(alone);
            reports.push((with, Some(trees)));
        }
        looked.reports.extend(reports);
    }

    /// What the rules find in a deployment. What is wrong with the comments that silence findings is a remark.
    fn report(
        &self,
        mut deployment: Described,
        made_from: Option<(&Described, &Effective)>,
        remarks: &mut Vec<String>,
    ) -> (Report, Trees) {
        let new = self.keys.new.as_ref();
        let trusted = new.and_then(|keyset| deployment.trust(keyset));
        let effective = Effective::of(&deployment);
        let logins = Login::all(&deployment, &effective, &self.guesser);
        let case = Case {
            deployment: &deployment,
            effective: &effective,
            accounts: accounts::all(&deployment, &effective),
            files: Files::of(&deployment, &effective, &logins),
            logins,
            made_from,
            inject_files: OnceCell::new(),
            set_by_commands: OnceCell::new(),
            refusal_of_keys: OnceCell::new(),
            refusal_of_users: OnceCell::new(),
        };
        let Silenced {
            kept,
            silenced,
            remarks: comments,
        } = self.findings(&case);
        let mut texts = Texts::of(&deployment.sources);
        texts.running = deployment.running_name();
        texts.lines = self.has_lines.then(|| Lines::of(&deployment));
        let lacking = new.and_then(|keyset| keys::lacking(&case, keyset));
        let unseen = case.unseen(rules::doubts(&case));
        let unseen = unseen.into_iter().chain(lacking);
        let unknown = unseen.map(|one| NotChecked::of(one, &deployment.sources));
        let broken = broken(&deployment);
        let report = Report {
            unknown: unknown.chain(broken.iter().map(not_parsed)).collect(),
            subject: Subject::Deployment(self.outline(&case, broken)),
            findings: texts.tell(kept),
            left_out: silenced.len(),
            left_unchecked: 0,
            silenced: texts.tell(silenced),
            checks: Vec::new(),
            public_keys: PublicKeys::default(),
            people: None,
            is_besides: false,
        };
        drop(texts);
        let keys = case.files.in_use().map(Path::to_owned);
        for remark in comments.into_iter().chain(trusted) {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
        let trees = Trees {
            keys,
            deployment,
            effective,
        };
        (report, trees)
    }

    /// The findings of all rules that are asked, sorted, and what comments say of them.
    fn findings(&self, case: &Case<'_>) -> Silenced {
        let is_asked = |id: &str| !self.cli.ignore.iter().any(|ignored| ignored == id);
        let mut findings = rules::check(case, is_asked);
        if let Some(keys) = self.keys.new.as_ref().filter(|_| is_asked(keys::ID)) {
            findings.extend(keys::compare(case, keys, self.cli.keys.as_deref()));
        }
        let is_of_keys = |finding: &Finding| finding.rule == keys::ID;
        findings.sort_by_key(|finding| {
            (
                finding.severity,
                // What is told to use a keyset begins with the one that is in use.
                !is_of_keys(finding),
                is_of_keys(finding) && finding.setting.is_none(),
                finding.span,
                finding.rule,
                finding.setting,
            )
        });
        // What can be read again is named in the commands. Those of `--fix` may make another one.
        let given = self.cli.keys.as_deref().filter(|path| path.is_file());
        let in_use = case.files.in_use().filter(|_| !self.cli.fix);
        Names::in_helps(&mut findings, given.or(in_use));
        match self.cli.no_ignore {
            true => Silenced {
                kept: findings,
                ..Silenced::default()
            },
            false => ignore::silence(case.deployment, findings),
        }
    }

    fn outline(&self, case: &Case<'_>, broken: Vec<CoreError>) -> Outline {
        let (deployment, effective) = (case.deployment, case.effective);
        let instances = deployment.instances.iter();
        let server = instances.map(|one| (one.server, deployment.service(one).name.clone()));
        Outline {
            name: name(deployment),
            servers: server.collect(),
            readout: match self.has_readout {
                true => Readout::of(deployment, effective, self.cli.all),
                false => Readout::default(),
            },
            broken: broken.iter().map(said).collect(),
            extent: match [&self.cli.since, &self.cli.baseline, &self.cli.config] {
                [None, None, None] => Extent::default(),
                _ => extent(case),
            },
            to_be_lost: self.to_be_lost(case),
        }
    }

    /// The first of a deployment's files that the command line wants to be written.
    fn to_be_lost(&self, case: &Case<'_>) -> Option<PathBuf> {
        if self.replaced.is_empty() {
            return None;
        }
        let sources = &case.deployment.sources;
        let sources = sources.ids().map(|source| sources.path(source));
        let keysets = case.files.keysets.iter().map(|one| one.path.as_path());
        let mut read = sources.chain(keysets);
        let lost = read.find(|read| self.replaced.iter().any(|path| is_same(path, read)))?;
        Some(lost.to_owned())
    }
}

/// What a deployment was read from.
fn extent(case: &Case<'_>) -> Extent {
    let sources = &case.deployment.sources;
    let file = |source| {
        let (start, end) = (0, 0);
        ExtentFile {
            place: sources.place(Span { source, start, end }).file,
            name: sources.name(source).to_owned(),
            path: sources.path(source).to_owned(),
        }
    };
    Extent {
        files: sources.ids().map(file).collect(),
        running: case.deployment.running_name(),
        is_compared: case.made_from.is_some(),
    }
}

/// What a deployment is called.
fn name(deployment: &Described) -> String {
    let path = |file| text_of(deployment.sources.name(file));
    let files = match &deployment.project {
        Some(project) => &project.files[..],
        None => std::slice::from_ref(&deployment.first),
    };
    let paths: Vec<_> = files.iter().copied().map(path).collect();
    paths.join(" with ") + &deployment.name_among_others()
}

/// The `.conf` files that cannot be parsed: what they would set is not known.
fn broken(deployment: &Described) -> Vec<CoreError> {
    let mut places = HashSet::new();
    let files = deployment.instances.iter();
    let files = files.flat_map(|instance| &instance.config);
    let errors = files.filter_map(|file| {
        let error = file.tree.as_ref().err()?;
        let span = Span {
            source: file.source,
            start: error.offset,
            end: error.offset,
        };
        let place = deployment.sources.place(span);
        let is_new = places.insert((place.to_string(), error.message));
        is_new.then(|| CoreError::Hocon {
            place,
            message: error.message.to_owned(),
        })
    });
    errors.collect()
}

/// A file that cannot be parsed, as an error.
fn said(error: &CoreError) -> String {
    exit::message("clearml-verify", error, error.help().as_deref())
}

/// The same, for everything that says what was not checked.
fn not_parsed(error: &CoreError) -> NotChecked {
    let place = error.place().cloned();
    NotChecked {
        what: place
            .as_ref()
            .map_or_else(String::new, |place| text_of(&place.file).into_owned()),
        reason: "it cannot be parsed, so what it sets is not known".to_owned(),
        place,
    }
}
