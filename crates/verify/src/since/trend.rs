//! What has come of the findings of an earlier run.

use std::path::PathBuf;

use clearml_secure_core::shown::escape_path;

use super::Listed;
use super::earlier::FindingThen;

/// What has come of the findings of the file.
pub(crate) struct Trend {
    pub(crate) file: PathBuf,
    pub(crate) new: usize,
    pub(crate) still: usize,
    pub(crate) fixed: Vec<FindingThen>,
    pub(crate) not_known: Vec<(FindingThen, Why)>,
    /// The first new ones.
    pub(crate) listed: Vec<Listed>,
    /// How many findings the file's run left out.
    pub(super) left_out: u64,
}

/// Why it is not known whether a finding is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Ignored,
    NotAsked,
    NotChecked,
    NotLookedAt,
    Otherwise,
}

impl Why {
    const ALL: [Self; 5] = [
        Self::NotLookedAt,
        Self::NotChecked,
        Self::NotAsked,
        Self::Ignored,
        Self::Otherwise,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Ignored => "left out by --ignore",
            Self::NotAsked => "not asked this time",
            Self::NotChecked => "behind what is not checked this time",
            Self::NotLookedAt => "not looked at this time",
            Self::Otherwise => "found in other words",
        }
    }
}

impl Trend {
    /// What it comes to, in a line.
    pub(crate) fn words(&self) -> String {
        let counts = [
            (self.new, "new"),
            (self.still, "still there"),
            (self.fixed.len(), "fixed"),
        ];
        let counts = counts.map(|(count, word)| format!("{count} {word}"));
        let why = Why::ALL.map(|why| (self.count(why), why.words()));
        let why = why.iter().filter(|(count, _)| *count > 0);
        let why = why.map(|(count, words)| format!("{count} {words}"));
        let words: Vec<String> = counts.into_iter().chain(why).collect();
        format!("since {}: {}", self.name(), words.join(", "))
    }

    /// What makes the count of new ones doubtful.
    pub(crate) fn caveat(&self) -> Option<String> {
        let is_doubtful = self.left_out > 0 && self.new > 0;
        is_doubtful.then(|| {
            format!(
                "some of the new ones may be older: {} findings were left out of {}",
                self.left_out,
                self.name()
            )
        })
    }

    /// The file, for people.
    pub(crate) fn name(&self) -> String {
        escape_path(&self.file).into_owned()
    }

    /// Why it is not known of some whether they are fixed, and of which.
    pub(crate) fn doubts(&self) -> impl Iterator<Item = (Why, Vec<Listed>)> {
        let of = |why: Why| {
            let some = self.not_known.iter().filter(move |(_, one)| *one == why);
            (why, some.map(|(entry, _)| Listed::then(entry)).collect())
        };
        Why::ALL.into_iter().map(of)
    }

    fn count(&self, why: Why) -> usize {
        self.not_known.iter().filter(|(_, one)| *one == why).count()
    }
}
