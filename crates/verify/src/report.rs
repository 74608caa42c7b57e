//! What was looked at, and what was found in it.

pub(crate) mod asked;
pub(crate) mod described;
pub(crate) mod fingerprint;
pub(crate) mod lines;
pub(crate) mod openings;
pub(crate) mod readout;
pub(crate) mod trees;

use std::ops::{AddAssign, Deref};
use std::path::{Path, PathBuf};

use clearml_secure_core::redact::Line;
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::{escape, plural, text_of};
use clearml_secure_core::source::{Place, Sources, Span};
use clearml_secure_core::unseen::Unseen;
use clearml_secure_core::version::Version;

use crate::clients::client::Client;
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::keys;
use crate::keys::check::Check;
use crate::live::people::People;
use crate::report::fingerprint::{Identity, Names};
use crate::report::lines::Lines;
use crate::report::readout::Readout;

/// What was looked at, and what was found in it: all that outputs say, and none of the trees and texts it was found in.
pub(crate) struct Report {
    pub(crate) subject: Subject,
    /// Sorted by place.
    pub(crate) findings: Vec<Told>,
    /// What comments leave out of them.
    pub(crate) silenced: Vec<Told>,
    /// How many findings are left out: by comments, and by what the command line accepts.
    pub(crate) left_out: usize,
    /// What was not checked. It is never taken for clean.
    pub(crate) unknown: Vec<NotChecked>,
    /// How much was not checked that a team has accepted: it proves nothing of keys.
    pub(crate) left_unchecked: usize,
    /// What a running server was asked about the keysets of the command line.
    pub(crate) checks: Vec<Check>,
    /// What else of a running server tells that others have its keys.
    pub(crate) public_keys: PublicKeys,
    /// Who is at a running server, where that was asked.
    pub(crate) people: Option<People>,
    /// Whether this is only what differs from the report before, of which the deployment is a variant.
    pub(crate) is_besides: bool,
}

/// Whether a running server takes keys, or gives them away, that anybody can know: a proof that it has those of a keyset
/// would be worth nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct PublicKeys {
    /// How many findings say so.
    pub(crate) wrong: usize,
    /// How much of it could not be asked.
    pub(crate) open: usize,
}

/// What was asked about keys, by what came of it: a keyset is proved where all is right, and something is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Proof {
    pub(crate) right: usize,
    pub(crate) wrong: usize,
    /// Findings about keys that are no answer to a question about the keyset: what files say, public keys.
    pub(crate) found: usize,
    /// What could not be asked.
    pub(crate) open: usize,
}

impl Proof {
    /// What all servers' answers come to.
    pub(crate) fn of(reports: &[Report]) -> Self {
        reports.iter().fold(Self::default(), |mut all, report| {
            all += report.proof();
            all
        })
    }

    /// What they come to, in words.
    pub(crate) fn words(self) -> String {
        let Self {
            right,
            wrong,
            found,
            open,
        } = self;
        let right_ones = plural(right, "answer");
        if wrong + found + open == 0 && right > 0 {
            return format!("proved: all {right_ones} are as they must be");
        }
        let found = match found {
            0 => String::new(),
            1 => "; 1 other finding is about keys".to_owned(),
            more => format!("; {more} other findings are about keys"),
        };
        format!("not proved: {right_ones} right, {wrong} wrong, {open} not checked{found}")
    }
}

impl AddAssign for Proof {
    fn add_assign(&mut self, other: Self) {
        let Self {
            right,
            wrong,
            found,
            open,
        } = other;
        self.right += right;
        self.wrong += wrong;
        self.found += found;
        self.open += open;
    }
}

/// What was looked at.
pub(crate) enum Subject {
    /// The files that give clients their keys.
    Clients(Vec<Client>),
    /// Files.
    Deployment(Outline),
    /// Nothing: a target, or a file below one, of which no deployment could be made.
    Nothing(PathBuf),
    /// A running server, by its address, its version where it is known, and the parts that were found.
    Server {
        target: String,
        version: Option<Version>,
        parts: Vec<(Server, String)>,
    },
}

/// What is said of a deployment as a whole.
pub(crate) struct Outline {
    /// Its files, and its project where it is one that runs.
    pub(crate) name: String,
    /// Each server and the service that it is in, by its place among the instances.
    pub(crate) servers: Vec<(Server, String)>,
    /// What its servers read, where that was asked for.
    pub(crate) readout: Readout,
    /// Its `.conf` files that cannot be parsed, as errors.
    pub(crate) broken: Vec<String>,
    /// What was read, where an earlier run or a baseline is compared with this one.
    pub(crate) extent: Extent,
    /// A file of it that the command line wants to be written.
    pub(crate) to_be_lost: Option<PathBuf>,
}

/// What a deployment was read from: what is no longer found in it was looked for there.
#[derive(Default)]
pub(crate) struct Extent {
    pub(crate) files: Vec<ExtentFile>,
    /// Which of the deployments in one text it is.
    pub(crate) running: Option<String>,
    /// Whether containers were held against the files that they were made from.
    pub(crate) is_compared: bool,
}

/// A text of a deployment.
pub(crate) struct ExtentFile {
    /// What places in it call it.
    pub(crate) place: PathBuf,
    /// What messages call it.
    pub(crate) name: PathBuf,
    /// Where it was read.
    pub(crate) path: PathBuf,
}

/// Whether an earlier run has said a finding, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    New,
    Still,
}

impl Age {
    /// The word for programs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Still => "still",
        }
    }
}

/// A finding with what is said of its place.
pub(crate) struct Told {
    finding: Finding,
    pub(crate) spot: Option<Spot>,
    /// What tells it from others.
    pub(crate) identity: Identity,
    /// None where no earlier run is compared.
    pub(crate) age: Option<Age>,
}

/// The place of a finding.
#[derive(Clone)]
pub(crate) struct Spot {
    pub(crate) span: Span,
    pub(crate) place: Place,
    /// Where the file was read, which messages may call otherwise.
    pub(crate) path: PathBuf,
    /// What its repository calls the file.
    pub(crate) name: String,
    /// Its line, masked, where that is shown.
    pub(crate) line: Option<Line>,
}

/// What findings point into.
pub(crate) struct Texts<'a> {
    pub(crate) sources: &'a Sources,
    /// One text may have several deployments, whose findings are alike.
    pub(crate) running: Option<String>,
    /// None where nobody is shown them.
    pub(crate) lines: Option<Lines<'a>>,
}

impl<'a> Texts<'a> {
    pub(crate) fn of(sources: &'a Sources) -> Self {
        Self {
            sources,
            running: None,
            lines: None,
        }
    }

    /// The findings, with what is said of their places.
    pub(crate) fn tell(&self, findings: Vec<Finding>) -> Vec<Told> {
        let mut names = Names::default();
        let mut told = Vec::with_capacity(findings.len());
        for finding in findings {
            let spot = finding.span.map(|span| Spot {
                span,
                place: self.sources.place(span),
                path: self.sources.path(span.source).to_owned(),
                name: names.name(self.sources.name(span.source)),
                line: self.lines.as_ref().map(|lines| lines.line(span)),
            });
            let mut file = spot.as_ref().map(|spot| spot.name.clone());
            if let Some(running) = &self.running {
                file = file.map(|file| format!("{file}/{running}"));
            }
            told.push(Told {
                identity: names.identity(&finding, file.as_deref(), self.sources),
                finding,
                spot,
                age: None,
            });
        }
        told
    }
}

impl Deref for Told {
    type Target = Finding;

    fn deref(&self) -> &Finding {
        &self.finding
    }
}

/// Something that was not checked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotChecked {
    /// What, e.g. a file, or a setting at a server.
    pub(crate) what: String,
    /// Why, and what to do about it.
    pub(crate) reason: String,
    /// Where it is named, or where reading ended.
    pub(crate) place: Option<Place>,
}

impl NotChecked {
    /// Something of a deployment that could not be looked at.
    pub(crate) fn of(unseen: Unseen, sources: &Sources) -> Self {
        Self {
            what: escape(&unseen.what).into_owned(),
            reason: escape(&unseen.reason).into_owned(),
            place: unseen.span.map(|span| sources.place(span)),
        }
    }

    /// A target, or a file or folder below one, that an error keeps from being checked.
    pub(crate) fn because(target: &Path, error: &Error) -> Self {
        let what = text_of(target).into_owned();
        let place = error.place().cloned();
        let named = match &place {
            Some(place) => place.to_string(),
            None => escape(&what).into_owned(),
        };
        let message = error.to_string();
        // Its name is said by `what` or `place` already.
        let reason = message.strip_prefix(&format!("{named}: "));
        let reason = reason.unwrap_or(&message);
        Self {
            reason: match error.help() {
                Some(help) => {
                    let lines: Vec<&str> = help.lines().map(str::trim).collect();
                    format!("{reason}; {}", lines.join(" "))
                }
                None => reason.to_owned(),
            },
            what,
            place,
        }
    }

    /// Whether it is that file or folder as a whole.
    pub(crate) fn is_of(&self, path: &Path) -> bool {
        text_of(path) == self.what
    }

    /// Whether a text is what it is called, alone or with the beginning of the reason.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        let reason = text.trim().strip_prefix(&self.what);
        reason.is_some_and(|rest| {
            let begins = |rest: &str| self.reason.starts_with(rest.trim_start());
            rest.is_empty() || rest.strip_prefix(':').is_some_and(begins)
        })
    }

    /// Whether it is the file that its place is in.
    pub(crate) fn is_file(&self) -> bool {
        let is_named = |place: &Place| place.file == Path::new(&self.what);
        self.place.as_ref().is_some_and(is_named)
    }

    /// In words, without its place. A file that the place names is not named again.
    pub(crate) fn words(&self) -> String {
        if self.is_file() {
            escape(&self.reason).into_owned()
        } else {
            format!("{}: {}", escape(&self.what), escape(&self.reason))
        }
    }
}

impl Report {
    /// Nothing but what was not checked.
    pub(crate) fn of_nothing(target: &Path, unknown: Vec<NotChecked>) -> Self {
        Self {
            subject: Subject::Nothing(target.to_owned()),
            findings: Vec::new(),
            silenced: Vec::new(),
            left_out: 0,
            unknown,
            left_unchecked: 0,
            checks: Vec::new(),
            public_keys: PublicKeys::default(),
            people: None,
            is_besides: false,
        }
    }

    /// The clients of a file.
    pub(crate) fn clients(&self) -> &[Client] {
        match &self.subject {
            Subject::Clients(clients) => clients,
            _ => &[],
        }
    }

    /// Those that a rotation leaves as they are. The others are findings, or not checked.
    pub(crate) fn clients_left(&self) -> impl Iterator<Item = &Client> {
        self.clients().iter().filter(|client| client.is_left())
    }

    /// Whether it says who will be cut off, and who will not.
    pub(crate) fn is_of_people(&self) -> bool {
        self.people.is_some() || !self.clients().is_empty()
    }

    /// What this report says and another does not.
    pub(crate) fn besides(mut self, other: &Self) -> Self {
        let said = |told: &Told| {
            let unplaced = Finding {
                span: None,
                ..told.finding.clone()
            };
            (unplaced, told.spot.as_ref().map(|spot| spot.place.clone()))
        };
        let known = other.findings.iter().chain(&other.silenced);
        let known: Vec<_> = known.map(said).collect();
        self.findings.retain(|told| !known.contains(&said(told)));
        self.silenced.retain(|told| !known.contains(&said(told)));
        self.unknown.retain(|one| !other.unknown.contains(one));
        self.is_besides = true;
        self
    }

    /// What it comes to for keys. Of a server, what has nothing to do with them may stay unknown.
    pub(crate) fn proof(&self) -> Proof {
        let checks = |is: Option<bool>| self.checks.iter().filter(move |one| one.is_right() == is);
        let of_keys = |told: &&Told| [keys::ID, keys::OLD_ID].contains(&told.rule);
        // At a server each of them is an answer, too.
        let found = self.findings.iter().filter(of_keys).count();
        let wrong = checks(Some(false)).count();
        Proof {
            right: checks(Some(true)).count(),
            wrong,
            found: found.saturating_sub(wrong) + self.public_keys.wrong,
            open: match self.subject {
                Subject::Server { .. } if self.checks.is_empty() => 1,
                Subject::Server { .. } => checks(None).count() + self.public_keys.open,
                Subject::Clients(_) => 0,
                Subject::Deployment(_) | Subject::Nothing(_) => {
                    self.unknown.len() + self.left_unchecked
                }
            },
        }
    }

    /// Whether a server was asked about keys, and said nothing at all: why not comes before the questions.
    pub(crate) fn has_no_answer(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.is_right().is_none())
    }

    /// How many findings there are of a severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let of_it = self.findings.iter();
        of_it.filter(|one| one.severity == severity).count()
    }

    /// What is said of the deployment, where it is one.
    pub(crate) fn deployment(&self) -> Option<&Outline> {
        match &self.subject {
            Subject::Deployment(outline) => Some(outline),
            Subject::Clients(_) | Subject::Nothing(_) | Subject::Server { .. } => None,
        }
    }
}
