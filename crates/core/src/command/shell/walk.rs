//! The walk over a script's words and operators: where commands begin and end, and what they are inside of.

use super::super::lex::Token;
use super::super::state::State;
use super::{FrameKind, Shell, assignment};
use crate::knowable::{Knowable, Reason};

/// The walk over a script's tokens.
pub(super) struct Walk<'s, 'a, 't> {
    shell: &'s mut Shell<'a>,
    tokens: &'t [Token],
    at: usize,
    /// The words of the command that is being read.
    words: Vec<&'t str>,
    /// Whether `!` is before that command, or the pipeline that it is in.
    is_negated: bool,
}

impl<'s, 'a, 't> Walk<'s, 'a, 't> {
    pub(super) fn new(shell: &'s mut Shell<'a>, tokens: &'t [Token]) -> Self {
        Self {
            shell,
            tokens,
            at: 0,
            words: Vec::new(),
            is_negated: false,
        }
    }

    pub(super) fn run(mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Word(word) => self.word(word),
                Token::Operator(operator) => self.operator(operator),
                Token::Redirection(Some(target)) if !self.shell.state.has_ended => {
                    self.shell.write_to(target);
                }
                Token::Redirection(_) => {}
            }
        }
        self.command(false);
        while self.shell.frames.len() > 1 {
            self.shell.pop();
        }
        self.shell.end_chain();
    }

    fn word(&mut self, word: &'t str) {
        if let FrameKind::Case { is_pattern: true } = self.shell.kind()
            && word != "esac"
        {
            return;
        }
        if !self.words.is_empty() {
            self.words.push(word);
            return;
        }
        match word {
            "if" | "while" | "until" => self.enter(FrameKind::Condition),
            "for" | "select" => {
                self.enter(FrameKind::Condition);
                self.loop_header();
            }
            "case" => {
                self.skip_to("in");
                self.enter(FrameKind::Case { is_pattern: true });
            }
            "elif" | "else" => self.shell.next_branch(),
            "fi" | "done" | "esac" | "}" => self.shell.pop(),
            "{" => self.enter(FrameKind::Braces),
            "function" => self.function(),
            "[[" => self.skip_to("]]"),
            "then" | "do" => {}
            "!" => self.is_negated = true,
            // Of others it is a program.
            "time" if self.shell.is_bash => {}
            _ => self.words.push(word),
        }
    }

    fn operator(&mut self, operator: &'static str) {
        if let FrameKind::Case { is_pattern: true } = self.shell.kind() {
            if operator == ")" {
                self.set_pattern(false);
            }
            return;
        }
        match operator {
            "&&" | "||" => {
                self.begin_list();
                let is_negated = std::mem::take(&mut self.is_negated);
                let is_certain =
                    operator == "&&" && !is_negated && self.shell.succeeds(&self.words);
                self.command(false);
                self.shell.end_alternative();
                if !is_certain {
                    self.shell.begin_chain(operator == "||");
                }
            }
            "|" | "|&" => {
                self.command(true);
                if let Some(frame) = self.shell.frames.last_mut() {
                    frame.is_piped = true;
                }
            }
            "&" => {
                self.command(true);
                self.shell.end_chain();
                self.is_negated = false;
                if let Some(before) = self.end_list() {
                    self.shell.state = before;
                }
            }
            "(" if self.words.last().is_some_and(|word| word.ends_with('=')) => self.list(),
            "(" if !self.words.is_empty() => self.function(),
            "(" => self.enter(FrameKind::Subshell),
            ")" => {
                self.command(false);
                self.shell.pop();
            }
            ";;" | ";&" | ";;&" => {
                self.command(false);
                self.end_list();
                self.shell.next_branch();
                self.set_pattern(true);
            }
            // A line may end after `&&` without ending the command.
            "\n" if self.words.is_empty() && !self.ends_chain() => {}
            _ => {
                self.command(false);
                self.shell.end_chain();
                self.end_list();
                self.is_negated = false;
            }
        }
    }

    /// Whether a line's end here ends a chain, which it does not just after an operator.
    fn ends_chain(&self) -> bool {
        let before = self.tokens[..self.at - 1]
            .iter()
            .rev()
            .find(|token| **token != Token::Operator("\n"));
        !matches!(before, Some(Token::Operator("&&" | "||" | "|" | "|&")))
    }

    /// What commands are inside of begins.
    fn enter(&mut self, kind: FrameKind) {
        self.begin_list();
        let state = self.shell.state.clone();
        if let Some(frame) = self.shell.frames.last_mut() {
            frame.group = Some(state);
        }
        self.shell.push(kind);
    }

    fn begin_list(&mut self) {
        let state = &self.shell.state;
        if let Some(frame) = self.shell.frames.last_mut() {
            frame.list.get_or_insert_with(|| state.clone());
        }
    }

    fn end_list(&mut self) -> Option<State> {
        self.shell.frames.last_mut()?.list.take()
    }

    fn set_pattern(&mut self, is_pattern: bool) {
        if let Some(frame) = self.shell.frames.last_mut()
            && matches!(frame.kind, FrameKind::Case { .. })
        {
            frame.kind = FrameKind::Case { is_pattern };
        }
    }

    /// A command has been read, or a group of them has ended; `is_scoped` where it runs in a process of its own.
    fn command(&mut self, is_scoped: bool) {
        let words = std::mem::take(&mut self.words);
        let Some(frame) = self.shell.frames.last_mut() else {
            return;
        };
        let is_scoped = is_scoped || std::mem::take(&mut frame.is_piped);
        let group = frame.group.take();
        let before = is_scoped.then(|| group.unwrap_or_else(|| self.shell.state.clone()));
        // Of what has ended its own process others go on: `{ exit; } | …`.
        if !words.is_empty() && !self.shell.state.has_ended {
            self.shell.simple(&words);
        }
        if let Some(before) = before {
            self.shell.state = before;
        }
        if self
            .shell
            .frames
            .iter()
            .any(|frame| frame.kind == FrameKind::Function)
        {
            let reason = Reason::from("its command starts the server in a function");
            for launch in &mut self.shell.launches {
                launch.state.lose(&reason);
            }
        }
    }

    fn skip_to(&mut self, end: &str) {
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            if matches!(token, Token::Word(word) if word == end) {
                return;
            }
        }
    }

    /// `for NAME in …`, up to where its commands begin.
    fn loop_header(&mut self) {
        if let Some(Token::Word(name)) = self.tokens.get(self.at) {
            self.shell
                .assign(name, Knowable::unknown("its command sets it in a loop"));
        }
        while let Some(token) = self.tokens.get(self.at) {
            if matches!(token, Token::Operator(_)) || *token == Token::Word("do".to_owned()) {
                return;
            }
            self.at += 1;
        }
    }

    /// `NAME=(…)` of bash.
    fn list(&mut self) {
        if let Some(one) = self.words.pop().and_then(assignment) {
            self.shell
                .assign(one.name, Knowable::unknown("its command makes it a list"));
        }
        while self
            .tokens
            .get(self.at)
            .is_some_and(|token| *token != Token::Operator(")"))
        {
            self.at += 1;
        }
        self.at += 1;
    }

    /// `NAME() { …; }` or `function NAME { …; }`, up to its brace.
    fn function(&mut self) {
        let name = self
            .words
            .first()
            .copied()
            .or(match self.tokens.get(self.at) {
                Some(Token::Word(name)) => Some(name.as_str()),
                _ => None,
            });
        self.shell.functions.extend(name.map(str::to_owned));
        self.words.clear();
        self.shell.push(FrameKind::Function);
        while let Some(token) = self.tokens.get(self.at) {
            match token {
                Token::Word(word) if word == "{" => return,
                Token::Word(_) | Token::Operator("(" | ")" | "\n") => self.at += 1,
                _ => return,
            }
        }
    }
}
