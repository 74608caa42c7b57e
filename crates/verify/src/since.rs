//! `--since FILE`: what is new, still there and fixed, compared with what an earlier run printed.
//!
//! Findings are compared before any is hidden. One that is gone is fixed only if what it is about was looked at whole:
//! the same deployment or server, the same file of it, with nothing unchecked that was checked then, and by the same rule.
//! Of everything else it is not known.

mod earlier;
mod line;
mod spelling;
mod trend;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clearml_secure_core::shown::{escape, text_of};

use crate::cli::Cli;
use crate::error::Error;
use crate::pages;
use crate::report::asked::is_asked;
use crate::report::fingerprint::{Identity, Names};
use crate::report::{Age, Extent, ExtentFile, NotChecked, Report, Subject, Told};
use crate::target::is_url;
pub(crate) use earlier::FindingThen;
use earlier::{Earlier, UncheckedThen};
pub(crate) use line::{Line, Listed, lines};
use spelling::Spellings;
pub(crate) use trend::Trend;
use trend::Why;

/// Findings of one text that are alike are told apart up to so many.
const ALIKE: u32 = 32;
/// So many are listed where people read.
pub(crate) const LISTED: usize = 20;

/// The comparison, while reports come.
pub(crate) struct Since<'a> {
    cli: &'a Cli,
    path: PathBuf,
    earlier: Earlier,
    /// Those of running servers by server and digest, since their fingerprints count through all servers; by fingerprint, all
    /// others.
    known: HashMap<String, Vec<usize>>,
    /// Findings that are alike, of those that the file has.
    groups: HashMap<String, Alike>,
    /// What the findings of the file are about, and whether something else was found about that.
    about: HashMap<About, bool>,
    looked: HashMap<String, Vec<LookedAt>>,
    spellings: Spellings,
    new: usize,
    listed: Vec<Listed>,
}

/// Findings that are alike.
#[derive(Default)]
struct Alike {
    /// Those of the file.
    entries: Vec<usize>,
    /// How many are found now, by what was looked at.
    found: HashMap<String, usize>,
    count: usize,
    shown: usize,
}

/// What a finding is about, whatever it says.
#[derive(PartialEq, Eq, Hash)]
struct About {
    rule: String,
    subject: String,
    file: Option<String>,
    setting: Option<String>,
    server: Option<String>,
}

/// A deployment or a server that was looked at.
struct LookedAt {
    extent: Extent,
    /// Its files, as places name them.
    places: Vec<String>,
    /// Whether something was not checked that was checked then.
    hides: bool,
}

impl<'a> Since<'a> {
    /// # Errors
    /// A file that cannot be read, or is none that a run printed.
    pub(crate) fn new(cli: &'a Cli, path: &Path) -> Result<Self, Error> {
        let earlier = Earlier::read(path)?;
        let mut spellings = Spellings::default();
        let mut known: HashMap<String, Vec<usize>> = HashMap::new();
        let mut about = HashMap::new();
        for (number, entry) in earlier.findings.iter().enumerate() {
            known
                .entry(entry.key(&mut spellings))
                .or_default()
                .push(number);
            about.insert(About::of(entry, &mut spellings), false);
        }
        let unknown = earlier
            .unknown
            .into_iter()
            .map(|one| one.spelled(&mut spellings));
        Ok(Self {
            cli,
            path: path.to_owned(),
            earlier: Earlier {
                unknown: unknown.collect(),
                ..earlier
            },
            known,
            groups: HashMap::new(),
            about,
            looked: HashMap::new(),
            spellings,
            new: 0,
            listed: Vec::new(),
        })
    }

    /// Takes what was found, before anything of it is hidden.
    pub(crate) fn meet(&mut self, report: &mut Report) {
        let Some(subject) = self.subject(report) else {
            return;
        };
        for told in report.findings.iter().chain(&report.silenced) {
            let group = self.group(told, &subject);
            let is_known = group.is_some_and(|group| {
                group.count += 1;
                *group.found.entry(subject.clone()).or_default() += 1;
                group.count <= group.entries.len()
            });
            if !is_known
                && let Some(is_there) =
                    self.about
                        .get_mut(&About::now(told, &subject, &mut self.spellings))
            {
                *is_there = true;
            }
        }
        let (earlier, spellings) = (&self.earlier, &mut self.spellings);
        let is_new = |one: &NotChecked| {
            let file = one.place.as_ref().map(|place| text_of(&place.file));
            !earlier.unknown.contains(&UncheckedThen {
                subject: subject.clone(),
                what: one.what.clone(),
                reason: one.reason.clone(),
                file: file.map(|file| spellings.one(&file)),
            })
        };
        let hides = report.unknown.iter().any(is_new);
        let extent = match &mut report.subject {
            Subject::Deployment(outline) => std::mem::take(&mut outline.extent),
            Subject::Clients(clients) => Extent::of(clients.iter().map(|one| &*one.place.file)),
            Subject::Nothing(_) | Subject::Server { .. } => Extent::default(),
        };
        self.looked.entry(subject).or_default().push(LookedAt {
            places: extent.places(&mut self.spellings),
            extent,
            hides,
        });
    }

    /// Says of what is shown of a report whether it is new.
    pub(crate) fn tell(&mut self, report: &mut Report) {
        let Some(subject) = self.subject(report) else {
            return;
        };
        let name = named(&report.subject);
        for told in &mut report.findings {
            let is_known = self.group(told, &subject).is_some_and(|group| {
                group.shown += 1;
                group.shown <= group.entries.len()
            });
            told.age = Some(match is_known {
                true => Age::Still,
                false => Age::New,
            });
            if is_known {
                continue;
            }
            self.new += 1;
            if self.listed.len() < LISTED {
                self.listed.push(Listed::of(told, &name));
            }
        }
    }

    fn subject(&mut self, report: &Report) -> Option<String> {
        let name = named(&report.subject);
        (!name.is_empty()).then(|| self.spellings.one(&escape(&name)))
    }

    /// The findings of the file that a finding is one of, with those found now that are alike.
    fn group(&mut self, told: &Told, subject: &str) -> Option<&mut Alike> {
        let first = told.identity.numbered(1);
        let key = match is_url(subject) {
            true => at(subject, &first),
            false => first,
        };
        if !self.groups.contains_key(&key) {
            let mut entries: Vec<usize> = Vec::new();
            if let Some(known) = self.known.get(&key).filter(|_| is_url(subject)) {
                entries.extend(known);
            } else {
                // Each shard has counted for itself, so that a number may be there several times.
                let numbers = (1..).map(|number| self.known.get(&told.identity.numbered(number)));
                entries.extend(numbers.map_while(|known| known).flatten());
            }
            if entries.is_empty() {
                return None;
            }
            let group = Alike {
                entries,
                ..Alike::default()
            };
            self.groups.insert(key.clone(), group);
        }
        self.groups.get_mut(&key)
    }

    /// What has come of the findings of the file.
    pub(crate) fn end(mut self) -> Trend {
        let mut is_still = vec![false; self.earlier.findings.len()];
        for group in self.groups.values_mut() {
            group.settle(&self.earlier.findings, &mut self.spellings, &mut is_still);
        }
        let mut trend = Trend {
            file: std::mem::take(&mut self.path),
            new: self.new,
            still: is_still.iter().filter(|is_still| **is_still).count(),
            fixed: Vec::new(),
            not_known: Vec::new(),
            listed: std::mem::take(&mut self.listed),
            left_out: self.earlier.left_out,
        };
        let ids: HashSet<&str> = pages::ids().into_iter().collect();
        let mut names = Names::default();
        let findings = std::mem::take(&mut self.earlier.findings);
        for (entry, is_still) in findings.into_iter().zip(is_still) {
            if is_still {
                continue;
            }
            match self.why_not_known(&entry, &ids, &mut names) {
                None => trend.fixed.push(entry),
                Some(why) => trend.not_known.push((entry, why)),
            }
        }
        trend
    }

    /// Why it is not known whether a finding that is gone is fixed; nothing where it is.
    fn why_not_known(
        &mut self,
        entry: &FindingThen,
        ids: &HashSet<&str>,
        names: &mut Names,
    ) -> Option<Why> {
        let rule = entry.rule.as_str();
        if self.cli.ignore.iter().any(|ignored| ignored == rule) {
            return Some(Why::Ignored);
        }
        if !ids.contains(rule) {
            return Some(Why::NotAsked);
        }
        let about = About::of(entry, &mut self.spellings);
        let looked = self.looked.get(&about.subject).into_iter().flatten();
        let mut looked = looked.filter(|one| match &about.file {
            Some(file) => one.has(entry, file, names),
            None => true,
        });
        let Some(looked) = looked.next() else {
            return Some(Why::NotLookedAt);
        };
        // Of a server, keys decide what it can be asked.
        let of_server =
            |option: &str| entry.place.is_none() && self.earlier.keysets.contains(option);
        match () {
            () if !is_asked(self.cli, rule, looked.extent.is_compared)
                || of_server("--keys") && self.cli.keys.is_none()
                || of_server("--old-keys") && self.cli.old_keys.is_none() =>
            {
                Some(Why::NotAsked)
            }
            () if looked.hides => Some(Why::NotChecked),
            () if self.about.get(&about) == Some(&true) => Some(Why::Otherwise),
            () => None,
        }
    }
}

impl Alike {
    /// Which findings of the file are still there: those of what was looked at again first.
    fn settle(
        &mut self,
        findings: &[FindingThen],
        spellings: &mut Spellings,
        is_still: &mut [bool],
    ) {
        let mut left = self.count;
        let mut others = Vec::new();
        for number in &self.entries {
            let found = self.found.get_mut(&findings[*number].subject(spellings));
            match found.filter(|count| **count > 0) {
                Some(count) => {
                    *count -= 1;
                    left -= 1;
                    is_still[*number] = true;
                }
                None => others.push(*number),
            }
        }
        for number in others.into_iter().take(left) {
            is_still[number] = true;
        }
    }
}

impl FindingThen {
    /// What was looked at, however it is written. Where that is not told, it is the file.
    fn subject(&self, spellings: &mut Spellings) -> String {
        match (&self.subject, &self.place) {
            (Some(told), _) => spellings.subject(told),
            (None, Some(place)) => spellings.one(&place.file),
            (None, None) => String::new(),
        }
    }

    /// By what it is found again.
    fn key(&self, spellings: &mut Spellings) -> String {
        let subject = self.subject(spellings);
        match is_url(&subject) {
            true => at(&subject, &self.identity("", &self.message).numbered(1)),
            false => self.fingerprint.clone(),
        }
    }

    fn identity(&self, file: &str, message: &str) -> Identity {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let (setting, server) = (text(&self.setting), text(&self.server));
        Identity::of([&self.rule, file, &setting, &server, message])
    }

    /// Where it was, for people.
    pub(crate) fn at(&self) -> String {
        match (&self.place, &self.subject) {
            (Some(place), _) => format!("{}:{}:{}", escape(&place.file), place.line, place.column),
            (None, Some(subject)) => escape(subject).into_owned(),
            (None, None) => "-".to_owned(),
        }
    }
}

impl Extent {
    fn of<'a>(files: impl Iterator<Item = &'a Path>) -> Self {
        let file = |path: &Path| ExtentFile {
            place: path.to_owned(),
            name: path.to_owned(),
            path: path.to_owned(),
        };
        Self {
            files: files.map(file).collect(),
            ..Self::default()
        }
    }

    fn places(&self, spellings: &mut Spellings) -> Vec<String> {
        let files = self.files.iter().map(|file| text_of(&file.place));
        files.map(|place| spellings.one(&place)).collect()
    }
}

impl LookedAt {
    /// Whether a finding of the file is about one of these files: only with its name does the finding have its fingerprint.
    fn has(&self, entry: &FindingThen, place: &str, names: &mut Names) -> bool {
        let Extent { files, running, .. } = &self.extent;
        let of_it = files.iter().zip(&self.places);
        let mut of_it = of_it.filter(|(_, one)| *one == place);
        of_it.any(|(file, _)| {
            let mut name = names.name(&file.name);
            if let Some(running) = running {
                name = format!("{name}/{running}");
            }
            let paths = files.iter().map(|file| &*file.path);
            let message = names.without_typing(paths, &entry.message);
            let identity = entry.identity(&name, &message);
            (1..=ALIKE).any(|number| identity.numbered(number) == entry.fingerprint)
        })
    }
}

impl UncheckedThen {
    fn spelled(self, spellings: &mut Spellings) -> Self {
        Self {
            subject: spellings.subject(&self.subject),
            file: self.file.map(|file| spellings.one(&file)),
            ..self
        }
    }
}

impl About {
    fn of(entry: &FindingThen, spellings: &mut Spellings) -> Self {
        Self {
            rule: entry.rule.clone(),
            subject: entry.subject(spellings),
            file: entry.place.as_ref().map(|place| spellings.one(&place.file)),
            setting: entry.setting.clone(),
            server: entry.server.clone(),
        }
    }

    fn now(told: &Told, subject: &str, spellings: &mut Spellings) -> Self {
        let file = told.spot.as_ref().map(|spot| text_of(&spot.place.file));
        Self {
            rule: told.rule.to_owned(),
            subject: subject.to_owned(),
            file: file.map(|file| spellings.one(&file)),
            setting: told.setting.map(|setting| setting.path().to_owned()),
            server: told.server.map(|server| server.name().to_owned()),
        }
    }
}

/// What a report is of; nothing where nothing could be looked at.
fn named(subject: &Subject) -> String {
    match subject {
        Subject::Clients(_) => "clients".to_owned(),
        Subject::Deployment(outline) => outline.name.clone(),
        Subject::Nothing(_) => String::new(),
        Subject::Server { target, .. } => target.clone(),
    }
}

fn at(subject: &str, fingerprint: &str) -> String {
    format!("{subject}\n{fingerprint}")
}
