//! A shell script, followed from its first command to its last.

mod builtin;
mod gunicorn;
mod idle;
mod launch;
mod launcher;
mod python;
mod startup;
mod walk;
mod word;
mod writes;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::Surroundings;
use super::lex;
use super::state::{Exported, READ_ONLY, State, Variable};
use crate::knowable::{Knowable, Reason};
pub(super) use idle::is_idle;
pub(super) use launch::Launch;
pub(crate) use launch::{is_own_script, is_shell};
pub(crate) use python::{Program as PythonProgram, is_python, program as python_program};
use walk::Walk;
use word::{Context, name_length};

/// Scripts that start scripts end somewhere.
const DEPTH: usize = 8;
/// Groups of commands within groups.
const NESTING: usize = 100;
/// And so does what starts many of them, each of which starts many.
const SCRIPTS: usize = 1000;

/// Why `$1` is not known.
const ARGUMENTS: &str = "its command changes its arguments, and to what is not known";

/// One shell process.
pub(super) struct Shell<'a> {
    pub(super) around: &'a Surroundings<'a>,
    pub(super) state: State,
    /// `$0`.
    pub(super) name: Knowable<String>,
    /// `$1` and so on.
    pub(super) positional: Vec<Knowable<String>>,
    /// Whether these are all, and none else.
    has_arguments: bool,
    /// Whether it is one that has the commands of bash.
    is_bash: bool,
    pub(super) launches: Vec<Launch>,
    pub(super) depth: usize,
    /// Whether something changed files that the server reads, at whatever time.
    pub(super) writes: bool,
    /// What it calls its own functions; what is in them is looked at where they are written.
    functions: BTreeSet<String>,
    /// The variables that any of them changes, and whether one changes more than these.
    of_functions: BTreeSet<String>,
    functions_do_more: bool,
    frames: Vec<Frame>,
    /// How many scripts were followed in all.
    followed: Rc<Cell<usize>>,
}

/// What a script is inside of.
struct Frame {
    kind: FrameKind,
    /// The variables where it begins.
    before: State,
    /// The variables where its commands began to depend on each other: `a && b`.
    chain: Option<State>,
    /// The variables before the first of several commands that depend on each other: with `&` all of these are in a process
    /// of their own.
    list: Option<State>,
    /// The variables before the last group of commands, where nothing ended the command that it is.
    group: Option<State>,
    /// Whether the command that comes is in a pipeline, and so in a process of its own.
    is_piped: bool,
    /// The variables before what only happens after a failure: `a || b`.
    alternative: Option<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Braces,
    /// `case`: between patterns, or among the commands of one.
    Case {
        is_pattern: bool,
    },
    /// `if`, `while`, `until`, `for`.
    Condition,
    /// A function, of which nobody knows when it is called.
    Function,
    Script,
    Subshell,
}

impl<'a> Shell<'a> {
    pub(super) fn new(around: &'a Surroundings<'a>, state: State, depth: usize) -> Self {
        Self {
            around,
            state,
            name: Knowable::unknown("its command uses the name of its shell"),
            positional: Vec::new(),
            has_arguments: true,
            is_bash: false,
            launches: Vec::new(),
            depth,
            writes: false,
            functions: BTreeSet::new(),
            of_functions: BTreeSet::new(),
            functions_do_more: false,
            frames: Vec::new(),
            followed: Rc::default(),
        }
    }

    /// A shell or a script that this one starts.
    fn child(&self, state: State) -> Self {
        Self {
            followed: Rc::clone(&self.followed),
            is_bash: self.is_bash,
            ..Self::new(self.around, state, self.depth + 1)
        }
    }

    pub(super) fn into_launches(self) -> Vec<Launch> {
        self.launches
    }

    /// Anything may have happened to any variable.
    pub(super) fn lose(&mut self, reason: &'static str) {
        self.state.lose(&Reason::from(reason));
    }

    /// Anything may have happened to any variable and file: commands are run that are not known.
    fn lose_all(&mut self, reason: &'static str) {
        self.lose(reason);
        self.writes = true;
    }

    /// Follows a script in this process.
    pub(super) fn script(&mut self, text: &str) {
        let Ok(tokens) = lex::tokens(text) else {
            self.lose_all("its command is a shell script that cannot be followed");
            return;
        };
        self.followed.set(self.followed.get() + 1);
        if self.depth > DEPTH || self.followed.get() > SCRIPTS {
            self.lose_all("its command starts scripts within scripts");
            return;
        }
        let is_certain = self.is_unconditional();
        let outer = std::mem::take(&mut self.frames);
        self.push(FrameKind::Script);
        self.depth += 1;
        Walk::new(self, &tokens).run();
        self.depth -= 1;
        self.frames = outer;
        self.state.has_ended &= is_certain;
    }

    fn push(&mut self, kind: FrameKind) {
        if self.frames.len() > NESTING {
            self.lose_all("its command is a shell script with groups within groups");
            self.state.variables.clear();
        }
        self.frames.push(Frame {
            kind,
            before: self.state.clone(),
            chain: None,
            list: None,
            group: None,
            is_piped: false,
            alternative: None,
        });
    }

    fn kind(&self) -> FrameKind {
        self.frames
            .last()
            .map_or(FrameKind::Script, |frame| frame.kind)
    }

    /// Leaves what a script is inside of.
    fn pop(&mut self) {
        self.end_chain();
        if self.frames.len() < 2 {
            return;
        }
        let Some(frame) = self.frames.pop() else {
            return;
        };
        if frame.kind == FrameKind::Function {
            self.of_functions.extend(self.state.changed(&frame.before));
            self.functions_do_more |= self.state.has_more(&frame.before);
        }
        match frame.kind {
            FrameKind::Subshell => self.state = frame.before,
            FrameKind::Case { .. } | FrameKind::Condition | FrameKind::Function => {
                self.state.doubt_since(&frame.before);
            }
            FrameKind::Braces | FrameKind::Script => {}
        }
        if self.kind() == FrameKind::Function {
            self.pop();
        }
    }

    /// One of its functions, which may call the others, runs once more.
    fn call(&mut self) {
        const CALLED: &str = "its command sets it in a function";
        for name in self.of_functions.clone() {
            self.state.doubt(&name, &CALLED.into());
        }
        if self.functions_do_more {
            self.lose(CALLED);
            self.state.folder = Knowable::unknown(CALLED);
        }
    }

    /// Another branch of the same condition begins.
    fn next_branch(&mut self) {
        self.end_chain();
        if let Some(frame) = self.frames.last() {
            let before = frame.before.clone();
            self.state.doubt_since(&before);
        }
    }

    /// What happened since an `||` happened only perhaps, for what follows it too.
    fn end_alternative(&mut self) {
        let alternative = self
            .frames
            .last_mut()
            .and_then(|frame| frame.alternative.take());
        if let Some(before) = alternative {
            self.state.doubt_since(&before);
        }
    }

    fn doubt_chain(&mut self) {
        if let Some(before) = self.frames.last().and_then(|frame| frame.chain.clone()) {
            self.state.doubt_since(&before);
        }
    }

    fn end_chain(&mut self) {
        self.end_alternative();
        let chain = self.frames.last_mut().and_then(|frame| frame.chain.take());
        if let Some(before) = chain {
            self.state.doubt_since(&before);
        }
    }

    /// What follows happens only if what was before succeeded, or failed.
    fn begin_chain(&mut self, is_alternative: bool) {
        if is_alternative {
            // Whether what came before happened at all is one of the things that lead here.
            self.doubt_chain();
        }
        let state = self.state.clone();
        if let Some(frame) = self.frames.last_mut() {
            frame.alternative = is_alternative.then(|| state.clone());
            frame.chain.get_or_insert(state);
        }
    }

    fn is_unconditional(&self) -> bool {
        let plain = [FrameKind::Braces, FrameKind::Script];
        self.frames
            .iter()
            .all(|frame| plain.contains(&frame.kind) && frame.chain.is_none())
    }

    pub(super) fn end(&mut self) {
        self.state.has_ended |= self.is_unconditional();
    }

    /// A variable's value: this shell's, or the container's.
    pub(super) fn variable(&self, name: &str) -> Result<Option<String>, Reason> {
        self.state.lookup(name, self.around)
    }

    /// `$0`, or a positional parameter.
    pub(super) fn argument(&self, digits: &str) -> Result<Option<String>, Reason> {
        let parameter = match digits.parse::<usize>() {
            Ok(0) => Some(&self.name),
            _ if !self.has_arguments => return Err(ARGUMENTS.into()),
            Ok(number) => self.positional.get(number - 1),
            Err(_) => None,
        };
        match parameter {
            None => Ok(None),
            Some(Knowable::Known(value)) => Ok(Some(value.clone())),
            Some(Knowable::Unknown(reason)) => Err(reason.clone()),
        }
    }

    /// `NAME=VALUE`: programs get it where the variable is one of the container's, or exported.
    pub(super) fn assign(&mut self, name: &str, value: Knowable<String>) {
        if self.state.refuses(name) {
            return;
        }
        let (exported, is_own) = match self.state.variables.get(name) {
            Some(old) => (old.exported, old.is_own),
            None => match self.variable(name) {
                Ok(Some(_)) => (Exported::Yes, false),
                Ok(None) => (Exported::No, false),
                Err(_) => (Exported::Perhaps, false),
            },
        };
        let exported = match self.state.exports_all {
            Knowable::Known(true) => Exported::Yes,
            Knowable::Unknown(_) if exported == Exported::No => Exported::Perhaps,
            _ => exported,
        };
        let value = match exported {
            Exported::Perhaps => Knowable::unknown("its command sets it, and may pass it on"),
            Exported::No | Exported::Yes => value.map(Some),
        };
        let variable = Variable {
            value,
            exported,
            is_own,
        };
        self.state.variables.insert(name.to_owned(), variable);
    }
}

/// `NAME=VALUE` as a word of a shell.
pub(super) struct Assignment<'w> {
    pub(super) name: &'w str,
    /// The right side.
    pub(super) value: &'w str,
    /// Whether it is added to what is there, or to a list.
    pub(super) is_added: bool,
}

pub(super) fn assignment(word: &str) -> Option<Assignment<'_>> {
    let (name, rest) = word.split_at(name_length(word));
    if name.is_empty() {
        return None;
    }
    match rest.strip_prefix('=') {
        Some(value) => Some(Assignment {
            name,
            value,
            is_added: false,
        }),
        None => {
            let (index, value) = rest.split_once('=')?;
            let is_added = index == "+" || index.starts_with('[') && index.ends_with([']', '+']);
            is_added.then_some(Assignment {
                name,
                value,
                is_added,
            })
        }
    }
}

/// Words that assign: before a command, or alone.
impl Shell<'_> {
    fn simple(&mut self, words: &[&str]) {
        let count = words
            .iter()
            .take_while(|word| assignment(word).is_some())
            .count();
        let (assignments, rest) = words.split_at(count);
        let assignments = assignments.iter().filter_map(|word| assignment(word));
        if rest.is_empty() {
            for one in assignments {
                let value = self.right_side(&one);
                self.assign(one.name, value);
            }
            return;
        }
        // Each sees those before it, and the command's own words see none of them.
        let mut values = Vec::new();
        let mut before = Vec::new();
        for one in assignments {
            let value = match self.state.read_only.contains(one.name) {
                true => Knowable::unknown(READ_ONLY),
                false => self.right_side(&one),
            };
            before.push((one.name, self.state.variables.get(one.name).cloned()));
            self.state.export(one.name, value.clone().map(Some));
            values.push((one.name, value));
        }
        for (name, variable) in before.into_iter().rev() {
            match variable {
                Some(variable) => self.state.variables.insert(name.to_owned(), variable),
                None => self.state.variables.remove(name),
            };
        }
        self.run(&values, rest);
    }

    pub(super) fn right_side(&mut self, assignment: &Assignment<'_>) -> Knowable<String> {
        // What it expands may set other variables.
        let value = self.value(assignment.value, Context::Assignment);
        match assignment.is_added {
            true => Knowable::unknown("its command adds to it"),
            false => value,
        }
    }
}
