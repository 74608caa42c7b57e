//! Findings of one rule with one fix, which people read as one: with its places, and what they have in common said once.

use std::collections::HashMap;

use clearml_secure_cli::wrap;
use clearml_secure_core::source::Span;

use crate::finding::{Finding, Severity};
use crate::pages;
use crate::report::{Spot, Told};
use crate::rules::RULES;
use crate::words::and;

/// So many names take the place of one in a sentence; more are a list.
const NAMES: usize = 5;

/// Findings of one rule and one severity that the same help fixes. There is at least one.
pub(super) struct Together<'a> {
    first: &'a Told,
    findings: Vec<&'a Told>,
    /// What helps with one of them, each once, and what helps with all.
    helps: Vec<&'a str>,
    help: String,
    /// The message of all, if one sentence holds them.
    message: Option<String>,
}

/// What a place has of its own.
pub(super) struct Place<'a> {
    /// Where, if it is somewhere.
    pub(super) spot: Option<&'a Spot>,
    /// What is not said in the title: nothing, or a text for each finding there.
    pub(super) own: Vec<&'a str>,
}

/// Puts together what belongs together, in the order of the first of each.
pub(super) fn together<'a>(findings: impl IntoIterator<Item = &'a Told>) -> Vec<Together<'a>> {
    let mut groups: Vec<Together<'a>> = Vec::new();
    for finding in findings {
        if !groups.iter_mut().any(|group| group.takes(finding)) {
            groups.push(Together {
                first: finding,
                findings: vec![finding],
                helps: vec![&finding.help],
                help: finding.help.clone(),
                message: None,
            });
        }
    }
    for group in &mut groups {
        group.message = message(&group.findings);
    }
    groups
}

/// One sentence that holds the messages of all.
fn message(findings: &[&Told]) -> Option<String> {
    let messages = || findings.iter().map(|finding| finding.message.as_str());
    let mut different: Vec<&str> = messages().collect();
    different.sort_unstable();
    different.dedup();
    // The order is theirs.
    (different.len() <= NAMES).then(|| merged(messages()))?
}

impl<'a> Together<'a> {
    /// Takes a finding that belongs to these.
    fn takes(&mut self, finding: &'a Told) -> bool {
        if (self.first.rule, self.first.severity) != (finding.rule, finding.severity) {
            return false;
        }
        let help = finding.help.as_str();
        if !self.helps.contains(&help) {
            let Some(all) = merged(self.helps.iter().copied().chain([help])) else {
                return false;
            };
            self.help = all;
            self.helps.push(help);
        }
        self.findings.push(finding);
        true
    }

    pub(super) fn rule(&self) -> &'static str {
        self.first.rule
    }

    pub(super) fn severity(&self) -> Severity {
        self.first.severity
    }

    /// What fixes all of them.
    pub(super) fn help(&self) -> &str {
        &self.help
    }

    /// What is wrong, in one sentence.
    pub(super) fn title(&self) -> String {
        if let Some(message) = &self.message {
            return message.clone();
        }
        let rule = RULES.iter().find(|rule| rule.id() == self.first.rule);
        let findings: Vec<&Finding> = self.findings.iter().map(|told| &***told).collect();
        if let Some(title) = rule.and_then(|rule| rule.together(&findings)) {
            return title;
        }
        let headline = pages::headline(self.first.rule);
        format!("{headline} ({} times)", self.findings.len())
    }

    /// What follows from each of them, where it is the same.
    fn common(&self) -> Option<&'a str> {
        let consequence = parts(own(self.first)).1;
        let mut all = self.findings.iter();
        let is_same = all.all(|one| parts(own(one)).1 == consequence);
        (is_same && !consequence.is_empty()).then_some(consequence)
    }

    /// The same, where the title does not say it.
    pub(super) fn consequence(&self) -> Option<&'a str> {
        self.common()
            .filter(|consequence| !self.title().contains(consequence))
    }

    /// The places, each once, with what the title does not say.
    pub(super) fn places(&self) -> Vec<Place<'a>> {
        let is_said = self.message.is_some();
        let is_same = self.common().is_some();
        let mut places: Vec<Place<'a>> = Vec::new();
        let mut known: HashMap<Option<Span>, usize> = HashMap::new();
        let mut last = "";
        for finding in &self.findings {
            let own = own(finding);
            let (what, consequence) = parts(own);
            let own = match is_same || consequence == last {
                true => what,
                false => own,
            };
            last = consequence;
            let own = (!is_said).then_some(own);
            let at = *known.entry(finding.span).or_insert(places.len());
            match places.get_mut(at) {
                Some(place) => place.own.extend(own),
                None => places.push(Place {
                    spot: finding.spot.as_ref(),
                    own: own.into_iter().collect(),
                }),
            }
        }
        places
    }
}

/// What a list has of a finding.
fn own(finding: &Finding) -> &str {
    finding.brief.as_deref().unwrap_or(&finding.message)
}

/// What is wrong, and what follows from it, which several may have in common.
fn parts(message: &str) -> (&str, &str) {
    message.split_once(": ").unwrap_or((message, ""))
}

/// One text for several that are the same but for one word at one place, of which the text then has all. A command is
/// never changed.
fn merged<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut different: Vec<&str> = Vec::new();
    for text in texts {
        if !different.contains(&text) {
            different.push(text);
        }
    }
    let [first, rest @ ..] = different.as_slice() else {
        return Some(String::new());
    };
    if rest.is_empty() {
        return Some((*first).to_owned());
    }
    let words: Vec<Vec<&str>> = different
        .iter()
        .map(|text| text.split(' ').collect())
        .collect();
    let first = &words[0];
    let at = (0..first.len()).find(|at| words.iter().any(|one| one.get(*at) != first.get(*at)))?;
    let is_alike = |one: &&Vec<&str>| one.len() == first.len() && one[at + 1..] == first[at + 1..];
    if !words.iter().all(|one| is_alike(&one))
        || different.iter().any(|text| wrap::has_command(text))
    {
        return None;
    }
    let mut names: Vec<&str> = words.iter().map(|one| one[at]).collect();
    // What ends a part of the sentence ends it once.
    let ends = |name: &str| {
        let is_end = |c: char| ",.:;?!".contains(c) || c == ')' && !name.contains('(');
        name.trim_end_matches(is_end).len()
    };
    let mut end = &first[at][ends(first[at])..];
    if names.iter().all(|name| name[ends(name)..] == *end) {
        names = names.iter().map(|name| &name[..ends(name)]).collect();
    } else {
        end = "";
    }
    let names = format!("{}{end}", and(&names));
    let mut merged: Vec<String> = first.iter().map(|word| (*word).to_owned()).collect();
    merged[at] = names;
    agree(&mut merged, at);
    // `the passwords of A and B are a hash`
    let is_one_thing = merged[at + 1..]
        .windows(2)
        .next()
        .is_some_and(|two| two[0] == "are" && two[1] == "a");
    (!is_one_thing).then(|| merged.join(" "))
}

/// Lets the words around several names agree with them: `the services a and b are`.
fn agree(words: &mut [String], at: usize) {
    const NOUNS: [&str; 9] = [
        "account", "file", "password", "port", "server", "service", "setting", "user", "variable",
    ];
    // As they are for several, and which are another word for one.
    const IRREGULAR: [(&str, &str); 4] = [
        ("does", "do"),
        ("has", "have"),
        ("is", "are"),
        ("was", "were"),
    ];
    const VERBS: [&str; 29] = [
        "accept", "add", "allow", "answer", "ask", "fail", "get", "give", "ignore", "lead", "let",
        "log", "publish", "reach", "read", "redirect", "refuse", "return", "run", "say", "serve",
        "set", "show", "start", "stop", "support", "take", "tell", "use",
    ];
    let is_noun = |word: &String| NOUNS.contains(&word.trim_start_matches('('));
    let before =
        |words: &[String], by: usize| at.checked_sub(by).and_then(|at| words.get(at).cloned());
    let noun = match before(words, 1) {
        // `the password of A and B is` is about several passwords; `X of A and B is` is about X.
        Some(of) if of == "of" && before(words, 2).is_some_and(|word| is_noun(&word)) => {
            Some(at - 2)
        }
        Some(of) if of == "of" => return,
        // `anyone who can reach A and B has`
        Some(verb) if VERBS.contains(&verb.as_str()) => return,
        Some(word) if is_noun(&word) => Some(at - 1),
        _ => None,
    };
    if let Some(noun) = noun {
        words[noun].push('s');
    }
    let is_clause = words[at].ends_with(',');
    let is_aside = words[at].ends_with(')');
    // `the accounts A and B of apiserver have`, `ports A and B of service files lead`
    let is_within = |word: &String| ["at", "in", "of", "on"].contains(&word.as_str());
    let behind = match words.get(at + 1).is_some_and(is_within) {
        true => at + 3 + usize::from(words.get(at + 2).is_some_and(is_noun)),
        false => at + 1,
    };
    if let Some(after) = words.get_mut(behind) {
        let irregular = IRREGULAR.iter().find(|(one, _)| one == after);
        let regular = VERBS.iter().find(|verb| after == &for_one(verb));
        let verb = irregular.map(|(_, all)| all).or(regular);
        match verb {
            Some(all) if !is_clause && !is_aside => *after = (*all).to_owned(),
            None if is_clause && after == "which" => *after = "each of which".to_owned(),
            _ => {}
        }
    }
}

/// A regular verb as it is for one: `it answers`, `it publishes`.
fn for_one(verb: &str) -> String {
    let end = match verb.ends_with("sh") || verb.ends_with("ch") {
        true => "es",
        false => "s",
    };
    format!("{verb}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_one_word_are_one() {
        let of = |texts: &[&str]| merged(texts.iter().copied());
        assert_eq!(of(&["a b", "a b"]).as_deref(), Some("a b"));
        assert_eq!(
            of(&["give A a value", "give B a value", "give A a value"]).as_deref(),
            Some("give A and B a value")
        );
        assert_eq!(
            of(&[
                "port 1 of service a leads to b",
                "port 2 of service a leads to b"
            ])
            .as_deref(),
            Some("ports 1 and 2 of service a lead to b")
        );
        assert_eq!(
            of(&["did you mean A? Or not", "did you mean B? Or not"]).as_deref(),
            Some("did you mean A and B? Or not")
        );
        assert_eq!(
            of(&["the server (service a) is", "the server (service b) is"]).as_deref(),
            Some("the server (services a and b) is")
        );
        assert_eq!(
            of(&["one (a): x", "one (b): x"]).as_deref(),
            Some("one (a) and (b): x")
        );
        assert_eq!(
            of(&["A is not set, so", "B is not set, so"]).as_deref(),
            Some("A and B are not set, so")
        );
        assert_eq!(
            of(&["account A of x has role", "account B of x has role"]).as_deref(),
            Some("accounts A and B of x have role")
        );
        assert_eq!(
            of(&["the account A, which is", "the account B, which is"]).as_deref(),
            Some("the accounts A and B, each of which is")
        );
        assert_eq!(
            of(&[
                "http://a answers without TLS",
                "http://b answers without TLS"
            ])
            .as_deref(),
            Some("http://a and http://b answer without TLS")
        );
        assert_eq!(
            of(&["A publishes it", "B publishes it"]).as_deref(),
            Some("A and B publish it")
        );
        assert_eq!(
            of(&[
                "anyone who can reach A has role",
                "anyone who can reach B has role"
            ])
            .as_deref(),
            Some("anyone who can reach A and B has role")
        );
        assert_eq!(
            of(&["secure.x of A is short", "secure.x of B is short"]).as_deref(),
            Some("secure.x of A and B is short")
        );
        assert_eq!(
            of(&["the password of A is short", "the password of B is short"]).as_deref(),
            Some("the passwords of A and B are short")
        );
        assert_eq!(
            of(&["the password of A is a hash", "the password of B is a hash"]),
            None
        );
        assert_eq!(of(&["A is at B", "C is at D"]), None);
        assert_eq!(of(&["a b", "a b c"]), None);
        assert_eq!(of(&["chmod 600 a", "chmod 600 b"]), None);
    }
}
