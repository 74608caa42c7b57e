//! What a shell does itself: `export`, `unset`, `set`, `.`, `eval`, `exec`, `read`.

use super::super::state::{Exported, State, Variable};
use super::word::Context;
use super::{FrameKind, Shell, assignment};
use crate::knowable::{Knowable, Reason};

const BEFORE: &str = "its command sets it before a command of the shell's own";

/// Why what `source` sets under `sh` is not known.
const OF_BASH: &str = "its command sets it in a way that bash has and dash has not";

/// Why what `local` sets is not known.
const LOCAL: &str = "its command sets it with `local`, which works in functions alone";

/// Before these an assignment lasts, or not, as the shell has it.
const SPECIAL: [&str; 16] = [
    ".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set",
    "shift", "source", "times", "trap", "unset",
];

/// Commands that change no variable, whatever they are told.
const HARMLESS: [&str; 27] = [
    ":", "[", "alias", "bg", "break", "continue", "disown", "echo", "exit", "false", "fg", "hash",
    "help", "jobs", "kill", "pwd", "return", "shopt", "sleep", "test", "times", "true", "type",
    "ulimit", "umask", "unalias", "wait",
];

impl Shell<'_> {
    /// A command with its assignments in front.
    pub(super) fn run(&mut self, assignments: &[(&str, Knowable<String>)], words: &[&str]) {
        let repeated = words.iter().take_while(|word| **word == "command").count();
        let words = &words[repeated.saturating_sub(1)..];
        let mut fields = Vec::new();
        for word in words {
            fields.extend(self.fields(word));
        }
        let Some(first) = fields.first() else {
            return;
        };
        let name = first.known().cloned().unwrap_or_default();
        let is_special = SPECIAL.contains(&name.as_str());
        for (name, _) in assignments.iter().filter(|_| is_special) {
            if !self.state.refuses(name) {
                self.state.doubt(name, &BEFORE.into());
            }
        }
        match name.as_str() {
            "export" | "readonly" => self.declare(&name, &words[1..]),
            "local" => {
                // Outside of functions most shells refuse it, and some of them end.
                let before = self.state.clone();
                self.declare(&name, &words[1..]);
                self.state.doubt_since_for(&before, &LOCAL.into());
            }
            "declare" | "typeset" => self.as_bash(|shell| shell.declare(&name, &words[1..])),
            "unset" => self.unset(&fields[1..]),
            "set" => self.set(&fields[1..]),
            "." => self.source(&fields[1..]),
            "source" => self.as_bash(|shell| shell.source(&fields[1..])),
            "eval"
                if fields
                    .get(1)
                    .and_then(Knowable::known)
                    .is_some_and(|word| word == "--") =>
            {
                self.as_bash(|shell| shell.evaluate(&fields[2..]));
            }
            "eval" => self.evaluate(&fields[1..]),
            "read" | "mapfile" | "readarray" | "getopts" => self.take_input(&fields[1..]),
            "printf"
                if fields
                    .get(1)
                    .and_then(Knowable::known)
                    .is_some_and(|option| option == "-v") =>
            {
                self.take_input(&fields[2..]);
            }
            "cd" | "popd" | "pushd" => self.enter(&fields[1..]),
            "let" => self.as_bash(|shell| shell.arithmetic(&words[1..].join(" "))),
            "shift" => self.shift(fields.get(1)),
            "trap" => self.trap(&fields[1..]),
            "builtin" => self.as_bash(|shell| shell.run(assignments, &words[1..])),
            "command" => self.as_command(assignments, &words[1..]),
            "exec" => self.become_program(assignments, &fields[1..]),
            "exit" => self.end(),
            "printf" => {}
            name if HARMLESS.contains(&name) => {}
            name if self.functions.contains(name) => {
                for (name, _) in assignments {
                    self.state.doubt(name, &BEFORE.into());
                }
                self.call();
            }
            _ => self.start(assignments, fields),
        }
        // What runs in between may have set it to something else, which lasts no longer.
        for (name, _) in assignments.iter().filter(|_| is_special) {
            self.state.doubt(name, &BEFORE.into());
        }
    }

    /// What only bash does. An image's `sh` may be bash, and is not in ClearML's own, whose `sh` is dash.
    fn as_bash(&mut self, run: impl FnOnce(&mut Self)) {
        let before = self.state.clone();
        run(self);
        if !self.is_bash {
            self.state.doubt_since_for(&before, &OF_BASH.into());
        }
    }

    /// `command COMMAND`; with options it may be told to say what that is, and not to run it.
    fn as_command(&mut self, assignments: &[(&str, Knowable<String>)], words: &[&str]) {
        let count = words
            .iter()
            .take_while(|word| word.starts_with('-'))
            .count();
        let (options, words) = words.split_at(count);
        if options.iter().any(|option| ["-v", "-V"].contains(option)) {
            return;
        }
        let before = self.state.clone();
        self.run(assignments, words);
        if options.iter().any(|option| !["-p", "--"].contains(option)) {
            self.state.doubt_since(&before);
        }
    }

    /// `exec PROGRAM`, and with bash's options: `-c` clears what it gets, and `-a` names it.
    fn become_program(
        &mut self,
        assignments: &[(&str, Knowable<String>)],
        words: &[Knowable<String>],
    ) {
        let mut at = 0;
        let mut is_cleared = false;
        while let Some(letters) = words
            .get(at)
            .and_then(Knowable::known)
            .and_then(|word| word.strip_prefix('-'))
        {
            at += 1;
            // What follows an `a` is the name.
            let (letters, name) = match letters.split_once('a') {
                Some((letters, name)) => (letters, Some(name)),
                None => (letters, None),
            };
            is_cleared |= letters.contains('c');
            at += usize::from(name.is_some_and(str::is_empty));
            if letters == "-" {
                break;
            }
        }
        let Some(words) = words.get(at..).filter(|words| !words.is_empty()) else {
            return;
        };
        let before = self.state.clone();
        if is_cleared {
            self.state = State::cleared(self.state.folder.clone());
        }
        self.start(assignments, words.to_vec());
        self.state = before;
        self.end();
    }

    /// A program, with the assignments that it alone gets.
    fn start(&mut self, assignments: &[(&str, Knowable<String>)], words: Vec<Knowable<String>>) {
        let mut state = self.state.exported();
        for (name, value) in assignments {
            state.export(name, value.clone().map(Some));
        }
        self.launch(words, state);
    }

    /// `export NAME=VALUE …` and its relatives.
    fn declare(&mut self, command: &str, words: &[&str]) {
        let options: Vec<&str> = words
            .iter()
            .copied()
            .take_while(|word| word.starts_with(['-', '+']))
            .collect();
        let has = |letter| {
            let mut set = options.iter().filter(|option| option.starts_with('-'));
            set.any(|option| option.contains(letter))
        };
        let exports = command == "export" || has('x');
        if has('n') && command != "export" {
            // What is set by that name is another variable.
            self.lose("its command gives a variable another name");
        }
        // All words are expanded before the first of them takes effect.
        let named: Vec<_> = words[options.len()..]
            .iter()
            .map(|word| self.named(word))
            .collect();
        for one in named {
            match one {
                Knowable::Known((name, value)) => {
                    self.declare_one(&name, value, (exports && has('n'), exports));
                    if command == "readonly" || has('r') {
                        self.state.read_only.insert(name);
                    }
                }
                Knowable::Unknown(reason) => self.state.lose(&reason),
            }
        }
    }

    /// The name, and the value if there is one, of a word after `export`.
    fn named(&mut self, word: &str) -> Knowable<(String, Option<Knowable<String>>)> {
        if let Some(one) = assignment(word) {
            return Knowable::Known((one.name.to_owned(), Some(self.declared(word, &one))));
        }
        self.value(word, Context::Argument).and_then(|text| {
            if word.contains('$') && self.may_split(&text) {
                return Knowable::unknown("its command exports what its shell splits into words");
            }
            Knowable::Known(match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(Knowable::Known(value.to_owned()))),
                None => (text, None),
            })
        })
    }

    /// The value of `NAME=VALUE` after `export`; shells differ in whether they split it.
    fn declared(&mut self, word: &str, one: &super::Assignment<'_>) -> Knowable<String> {
        let value = self.right_side(one);
        let text = one.value.strip_prefix('"');
        let quoted = text.and_then(|text| text.strip_suffix('"'));
        let is_whole = quoted.is_some_and(|text| !text.contains('"')) || !word.contains('$');
        let is_split = value.known().is_some_and(|text| {
            !is_whole && (self.may_split(text) || text.contains(['*', '?', '[']))
        });
        if is_split {
            let text = value.known().map(String::as_str).unwrap_or_default();
            let mut words = text.split_ascii_whitespace().skip(1);
            if !self.splits_at_blanks() || words.any(|word| assignment(word).is_some()) {
                self.lose("its command exports what its shell splits into words");
            }
            return Knowable::unknown("its command exports a value that some shells split");
        }
        value
    }

    /// `export -n` keeps the value for the shell alone.
    fn declare_one(
        &mut self,
        name: &str,
        value: Option<Knowable<String>>,
        (hides, exports): (bool, bool),
    ) {
        if value.is_some() && self.state.refuses(name) {
            return;
        }
        let value = match value {
            Some(value) => value.map(Some),
            None if !exports => return,
            None => match self.variable(name) {
                Ok(value) => Knowable::Known(value),
                Err(reason) => Knowable::Unknown(reason),
            },
        };
        if !exports {
            return self.assign(name, value.map(Option::unwrap_or_default));
        }
        let variable = Variable {
            value,
            exported: if hides { Exported::No } else { Exported::Yes },
            is_own: hides,
        };
        self.state.variables.insert(name.to_owned(), variable);
    }

    fn unset(&mut self, words: &[Knowable<String>]) {
        if words
            .first()
            .and_then(Knowable::known)
            .is_some_and(|option| option == "-f")
        {
            return;
        }
        for word in words {
            match word {
                Knowable::Known(option) if option.starts_with('-') => {}
                Knowable::Known(name) if self.state.refuses(name) => {}
                Knowable::Known(name) => self.state.remove(name),
                Knowable::Unknown(reason) => {
                    let reason = reason.clone();
                    self.state.lose(&reason);
                }
            }
        }
    }

    /// `set -a`, `set -o allexport`, `set -- ARGUMENT …`.
    fn set(&mut self, words: &[Knowable<String>]) {
        let mut at = 0;
        while let Some(word) = words.get(at) {
            let Knowable::Known(word) = word else {
                self.lose("its command sets options of its shell that are not known");
                return;
            };
            let Some(letters) = word.strip_prefix(['-', '+']) else {
                return self.set_arguments(words[at..].to_vec());
            };
            at += 1;
            match letters {
                // It ends the options, and alone it changes no arguments.
                "" if at == words.len() => return,
                "" | "-" => {
                    return self.set_arguments(words[at..].to_vec());
                }
                _ => {}
            }
            let has_name = letters.contains('o');
            let name = words.get(at).filter(|_| has_name);
            at += usize::from(has_name);
            let is_named = name
                .and_then(Knowable::known)
                .is_some_and(|name| name == "allexport");
            if letters.contains('a') || is_named {
                self.state.exports_all = Knowable::Known(word.starts_with('-'));
            } else if name.is_some_and(|name| name.known().is_none_or(|name| name == "keyword"))
                || letters.contains('k')
            {
                self.lose("its command sets options of its shell that are not known");
                return;
            }
        }
    }

    /// `set -- ARGUMENT …`. What is not known may be several, and what happens perhaps may leave those from before.
    fn set_arguments(&mut self, words: Vec<Knowable<String>>) {
        let is_known = words.iter().all(|word| word.known().is_some());
        self.has_arguments &= is_known && self.is_unconditional();
        self.positional = words;
    }

    /// `shift`, or `shift COUNT`; one that is too high changes nothing, or ends the shell.
    fn shift(&mut self, count: Option<&Knowable<String>>) {
        let count = match count {
            None => Some(1),
            Some(word) => word.known().and_then(|word| word.parse::<usize>().ok()),
        };
        let left = count.and_then(|count| self.positional.get(count..));
        let left = left.map(<[_]>::to_vec);
        self.has_arguments &= left.is_some();
        self.set_arguments(left.unwrap_or_default());
    }

    /// `trap TEXT SIGNAL …`: at the end of its shell a text runs for certain, and before and after commands in bash.
    fn trap(&mut self, words: &[Knowable<String>]) {
        const LATER: &str = "its command runs it at another time";
        let is_end = |word: &Knowable<String>| word.known().is_some_and(|word| word == "--");
        let words = &words[usize::from(words.first().is_some_and(is_end))..];
        let Some((text, signals)) = words.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return;
        };
        let runs_at = |names: &[&str]| {
            let mut signals = signals.iter();
            signals.any(|signal| signal.known().is_none_or(|name| names.contains(&&**name)))
        };
        let is_throughout = runs_at(&["DEBUG", "ERR", "RETURN"]);
        let Some(text) = text.known() else {
            return self.lose_all("its command runs a text that is not known");
        };
        if ["", "-"].contains(&&**text) || !is_throughout && !runs_at(&["EXIT", "0"]) {
            return;
        }
        let before = self.state.clone();
        self.push(FrameKind::Function);
        self.lose(LATER);
        self.script(text);
        self.frames.pop();
        match is_throughout {
            true => self.lose(LATER),
            false => self.state = before,
        }
    }

    /// `. FILE`: its text, as if it stood here.
    fn source(&mut self, words: &[Knowable<String>]) {
        let file = words
            .first()
            .cloned()
            .unwrap_or_else(|| Knowable::Known(String::new()));
        match file.and_then(|path| (self.around.file)(&path)) {
            Knowable::Known(text) => self.script(&text),
            Knowable::Unknown(_) => {
                self.lose_all(
                    "its command reads variables from a file of the container that is not here",
                );
            }
        }
    }

    fn evaluate(&mut self, words: &[Knowable<String>]) {
        let known: Option<Vec<&str>> = words
            .iter()
            .map(|word| word.known().map(String::as_str))
            .collect();
        match known {
            Some(words) => self.script(&words.join(" ")),
            None => self.lose_all("its command runs a text that is not known"),
        }
    }

    /// Names that get what is read from somewhere.
    fn take_input(&mut self, words: &[Knowable<String>]) {
        for word in words {
            match word {
                Knowable::Known(name) if name.starts_with('-') => {}
                Knowable::Known(name) => {
                    self.assign(name, Knowable::unknown("its command reads it"))
                }
                Knowable::Unknown(reason) => {
                    let reason: Reason = reason.clone();
                    self.state.lose(&reason);
                }
            }
        }
    }

    /// Whether a command never fails, so that what follows an `&&` happens for certain.
    pub(super) fn succeeds(&self, words: &[&str]) -> bool {
        const ALWAYS: [&str; 12] = [
            ":", "cd", "echo", "export", "mkdir", "printf", "set", "sleep", "true", "umask",
            "unset", "wait",
        ];
        let is_assignment = words
            .iter()
            .all(|word| assignment(word).is_some() && !word.contains(['$', '`']));
        // What is in brackets has no words, and may have failed.
        let is_always = match words {
            [] | ["printf", "-v", ..] => false,
            [first, ..] => ALWAYS.contains(first),
        };
        // Nothing that sets a variable is sure to where some may not be set.
        let is_free = self.state.read_only.is_empty();
        is_free && (is_always || !words.is_empty() && is_assignment)
    }
}
