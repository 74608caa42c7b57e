//! What was not checked, a line for each cause: however much it hides, there is one thing to do about it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use clearml_secure_cli::wrap::wrapped;
use clearml_secure_core::shown::{escape, plural};
use clearml_secure_core::source::Place;

use crate::report::NotChecked;
use crate::words::and;

/// So many things that were not checked for one cause are named.
const SHOWN: usize = 3;

/// How a reason says that a variable of the compose file has no value: behind the variable's name.
const NO_VALUE: &str = " has no value in ";

/// The causes, in the order in which they were met.
#[derive(Default)]
pub(in crate::output) struct NotCheckedLines {
    causes: Vec<Cause>,
    by_reason: HashMap<String, usize>,
}

/// Why something was not checked, and what.
struct Cause {
    first: NotChecked,
    is_alone: bool,
    place: Option<Place>,
    /// All files that it is in.
    files: HashSet<PathBuf>,
    /// The first of what it kept from being checked, each once.
    named: Vec<String>,
    what: HashSet<String>,
}

impl NotCheckedLines {
    pub(in crate::output) fn add(&mut self, unknown: &[NotChecked]) {
        for one in unknown {
            // What is a file has a place of its own to go to.
            let known = self.by_reason.get(cause_of(&one.reason));
            match known.filter(|_| !one.is_file()) {
                Some(at) => self.causes[*at].add(one),
                None => {
                    if !one.is_file() {
                        let cause = cause_of(&one.reason).to_owned();
                        self.by_reason.insert(cause, self.causes.len());
                    }
                    self.causes.push(Cause::of(one));
                }
            }
        }
    }

    pub(in crate::output) fn lines(&self, width: usize) -> Vec<String> {
        let lines = self.causes.iter().map(Cause::line);
        lines
            .map(|text| wrapped("", 2, &text, width) + "\n")
            .collect()
    }
}

impl Cause {
    fn of(first: &NotChecked) -> Self {
        Self {
            first: first.clone(),
            is_alone: true,
            place: first.place.clone(),
            files: first.place.iter().map(|place| place.file.clone()).collect(),
            named: vec![first.what.clone()],
            what: HashSet::from([first.what.clone()]),
        }
    }

    fn add(&mut self, one: &NotChecked) {
        self.is_alone = false;
        if self.place.is_none() {
            self.place.clone_from(&one.place);
        }
        self.files
            .extend(one.place.iter().map(|place| place.file.clone()));
        if self.what.insert(one.what.clone()) && self.named.len() <= SHOWN {
            self.named.push(one.what.clone());
        }
    }

    fn line(&self) -> String {
        let others = match self.files.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" and {}", plural(more, "more file")),
        };
        let place = self.place.as_ref();
        let place = place.map(|place| format!("{place}{others}: "));
        let reason = &self.first.reason;
        let words = match self.is_alone {
            true => self.first.words(),
            false => {
                let mut named: Vec<&str> = self.named.iter().map(String::as_str).collect();
                let rest = format!("{} more", self.what.len().saturating_sub(SHOWN));
                if self.what.len() > SHOWN + 1 {
                    named.truncate(SHOWN);
                    named.push(&rest);
                }
                // Each may be of another variable.
                let reason = match reason.split_once(NO_VALUE) {
                    Some((_, rest)) => format!("no value in {rest}"),
                    None => reason.clone(),
                };
                format!("{}: {}", escape(&and(&named)), escape(&reason))
            }
        };
        let help = match reason.contains(NO_VALUE) {
            true => "; if another file has one, pass --env-file FILE",
            false => "",
        };
        format!("not checked: {}{words}{help}", place.unwrap_or_default())
    }
}

/// A reason without the variable that it begins with: one file has all that have no value here.
fn cause_of(reason: &str) -> &str {
    reason.split_once(NO_VALUE).map_or(reason, |(_, rest)| rest)
}
