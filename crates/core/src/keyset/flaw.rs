//! What is wrong with values that somebody chose or copied.

use super::Keyset;
use crate::public;
use crate::setting::{SETTINGS, Setting};
use crate::strength::{Weakness, weakness};

/// Why a value should not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Flaw {
    /// It is a published default.
    Public,
    /// It is a placeholder of the documentation.
    Placeholder,
    /// It has too few characters.
    Short,
    /// It is easily guessed.
    Guessable,
    /// Another setting has the same value.
    Doubled,
}

impl Flaw {
    /// What a message says of such values.
    pub fn text(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Placeholder => "only a placeholder",
            Self::Short => "too short",
            Self::Guessable => "easily guessed",
            Self::Doubled => "the same value more than once",
        }
    }
}

impl Keyset {
    /// The settings whose values should not be used, by reason, the worst first; those apart that get other values.
    pub fn flaws(&self, replaced: &[Setting]) -> Vec<(Flaw, Vec<Setting>)> {
        let mut flaws: Vec<(Flaw, Vec<Setting>)> = Vec::new();
        let kept = |setting: &Setting| !replaced.contains(setting);
        for setting in SETTINGS.into_iter().filter(kept) {
            let Some(flaw) = self.flaw(setting, &kept) else {
                continue;
            };
            match flaws.iter_mut().find(|(known, _)| *known == flaw) {
                Some((_, settings)) => settings.push(setting),
                None => flaws.push((flaw, vec![setting])),
            }
        }
        flaws.sort_by_key(|(flaw, _)| *flaw);
        flaws
    }

    fn flaw(&self, setting: Setting, kept: &dyn Fn(&Setting) -> bool) -> Option<Flaw> {
        let value = self.get(setting)?;
        if public::of(value.expose()).is_some() {
            return Some(Flaw::Public);
        }
        if let Some(weakness) = weakness(value.expose(), setting.kind()) {
            return Some(match weakness {
                Weakness::Address | Weakness::Digest | Weakness::Guessable => Flaw::Guessable,
                Weakness::Placeholder => Flaw::Placeholder,
                Weakness::Short => Flaw::Short,
            });
        }
        let others = SETTINGS.into_iter().filter(|other| *other != setting);
        let mut others = others.filter(kept);
        let is_doubled = others.any(|other| self.get(other) == Some(value));
        is_doubled.then_some(Flaw::Doubled)
    }
}
