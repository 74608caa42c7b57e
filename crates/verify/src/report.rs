//! What was looked at, and what was found in it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clearml_secure_core::effective::{Effective, Reading};
use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::{Place, Sources};
use clearml_secure_core::unseen::Unseen;
use clearml_secure_core::version::Version;

use crate::check::Check;
use crate::client::Client;
use crate::described::Described;
use crate::error::Error;
use crate::finding::Finding;
use crate::lines::Lines;
use crate::people::People;

/// What was looked at, and what was found in it.
pub(crate) struct Report {
    pub(crate) subject: Subject,
    /// Sorted by place.
    pub(crate) findings: Vec<Finding>,
    /// How many findings comments have silenced.
    pub(crate) silenced: usize,
    /// What was not checked. It is never taken for clean.
    pub(crate) unknown: Vec<NotChecked>,
    /// What a running server was asked about the keysets of the command line.
    pub(crate) checks: Vec<Check>,
    /// Who is at a running server, where that was asked.
    pub(crate) people: Option<People>,
    /// Whether this is only what differs from the report before, of which the deployment is a variant.
    pub(crate) is_besides: bool,
}

/// What was looked at.
pub(crate) enum Subject {
    /// The files that give clients their keys.
    Clients {
        sources: Sources,
        clients: Vec<Client>,
    },
    /// Files.
    Deployment(Described, Effective),
    /// Nothing: a target, or a file below one, of which no deployment could be made.
    Nothing(PathBuf),
    /// A running server, by its address, its version where it is known, and the parts that were found.
    Server {
        target: String,
        version: Option<Version>,
        parts: Vec<(Server, String)>,
    },
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
        let what = target.to_string_lossy().into_owned();
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
            silenced: 0,
            unknown,
            checks: Vec::new(),
            people: None,
            is_besides: false,
        }
    }

    /// The clients of a file.
    pub(crate) fn clients(&self) -> &[Client] {
        match &self.subject {
            Subject::Clients { clients, .. } => clients,
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
        let known: Vec<Finding> = other.findings.clone();
        let place = |report: &Self, finding: &Finding| {
            let span = finding.span?;
            Some(report.sources().place(span))
        };
        let is_known = |finding: &Finding| {
            known.iter().any(|one| {
                let unplaced = |finding: &Finding| Finding {
                    span: None,
                    ..finding.clone()
                };
                unplaced(one) == unplaced(finding) && place(other, one) == place(&self, finding)
            })
        };
        let findings = self.findings.iter().filter(|finding| !is_known(finding));
        self.findings = findings.cloned().collect();
        self.unknown.retain(|one| !other.unknown.contains(one));
        self.is_besides = true;
        self
    }

    /// The deployment and its effective configuration, where it is one.
    pub(crate) fn deployment(&self) -> Option<(&Described, &Effective)> {
        match &self.subject {
            Subject::Deployment(deployment, effective) => Some((deployment, effective)),
            Subject::Clients { .. } | Subject::Nothing(_) | Subject::Server { .. } => None,
        }
    }

    /// The texts that spans point into: none of a running server.
    pub(crate) fn sources(&self) -> &Sources {
        static NONE: LazyLock<Sources> = LazyLock::new(Sources::new);
        if let Subject::Clients { sources, .. } = &self.subject {
            return sources;
        }
        self.deployment()
            .map_or_else(|| &*NONE, |(deployment, _)| &deployment.sources)
    }

    /// What is read, each with the deployment that it is read in.
    pub(crate) fn readings(&self) -> impl Iterator<Item = (&Described, &Reading)> {
        self.deployment()
            .into_iter()
            .flat_map(|(deployment, effective)| {
                effective
                    .readings()
                    .map(move |reading| (deployment, reading))
            })
    }

    /// The lines that findings are about.
    pub(crate) fn lines(&self) -> Option<Lines<'_>> {
        self.deployment()
            .map(|(deployment, _)| Lines::of(deployment))
    }
}
