//! A shell text as words and operators.

/// A piece of a shell text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word with its quotes.
    Word(String),
    /// `;`, `&&`, a line's end, …
    Operator(&'static str),
    /// `>`, `<<`, …, with the file that is written to, if one is. It is no argument.
    Redirection(Option<String>),
}

/// The text cannot be followed: a quote that does not end, or what only some shells know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotPlain;

const OPERATORS: [&str; 12] = [
    ";;&", "&&", "||", ";;", ";&", "|&", "&", "|", ";", "(", ")", "\n",
];

/// Longer ones first; `&>` is one of bash.
const REDIRECTIONS: [&str; 12] = [
    "&>>", "<<<", "<<-", "&>", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, NotPlain> {
    let mut lexer = Lexer {
        rest: text,
        tokens: Vec::new(),
        documents: Vec::new(),
    };
    while !lexer.rest.is_empty() {
        lexer.step()?;
    }
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
    /// Here-documents that begin at the next line: the word that ends each, and whether tabs go.
    documents: Vec<(String, bool)>,
}

impl Lexer<'_> {
    fn step(&mut self) -> Result<(), NotPlain> {
        if let Some(rest) = self.rest.strip_prefix("\\\n") {
            self.rest = rest;
        } else if self.rest.starts_with([' ', '\t', '\r']) {
            self.rest = &self.rest[1..];
        } else if self.rest.starts_with('#') {
            self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
        } else if self.rest.starts_with("<(") || self.rest.starts_with(">(") {
            return Err(NotPlain);
        } else if let Some(length) = arithmetic(self.rest) {
            let (text, rest) = self.rest.split_at(length);
            self.rest = rest;
            let words = ["let", text].map(|word| Token::Word(word.to_owned()));
            self.tokens.extend(words);
        } else if let Some(operator) = self.prefix(&REDIRECTIONS) {
            self.redirection(operator)?;
        } else if let Some(operator) = self.prefix(&OPERATORS) {
            self.tokens.push(Token::Operator(operator));
            if operator == "\n" {
                self.skip_documents();
            }
        } else {
            let (word, rest) = word(self.rest)?;
            self.rest = rest;
            // A number just before `>` names what is redirected.
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            if !(is_number && rest.starts_with(['<', '>'])) {
                self.tokens.push(Token::Word(word));
            }
        }
        Ok(())
    }

    fn prefix(&mut self, of: &[&'static str]) -> Option<&'static str> {
        let found = of
            .iter()
            .find(|operator| self.rest.starts_with(**operator))?;
        self.rest = &self.rest[found.len()..];
        Some(found)
    }

    /// The operator and its target.
    fn redirection(&mut self, operator: &str) -> Result<(), NotPlain> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let (target, rest) = word(self.rest)?;
        self.rest = rest;
        let is_written = operator.contains('>') && !operator.ends_with("&");
        self.tokens
            .push(Token::Redirection(is_written.then(|| target.clone())));
        if operator.starts_with("<<") && operator != "<<<" {
            let end: String = target
                .chars()
                .filter(|c| !matches!(c, '"' | '\'' | '\\'))
                .collect();
            self.documents.push((end, operator == "<<-"));
        }
        Ok(())
    }

    fn skip_documents(&mut self) {
        for (end, drops_tabs) in std::mem::take(&mut self.documents) {
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                let line = if drops_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line == end {
                    break;
                }
            }
        }
    }
}

/// How long `((…))` is, which is `let` with all of that in one word.
fn arithmetic(text: &str) -> Option<usize> {
    let length = text
        .starts_with("((")
        .then(|| closed(text, 1, ')').ok())??;
    text[..length].ends_with("))").then_some(length)
}

/// The word at the start of a text, and what follows it.
fn word(text: &str) -> Result<(String, &str), NotPlain> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '<' | '>') {
            break;
        }
        if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
            continue;
        }
        let length = piece(rest)?;
        word.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    if word.is_empty() {
        Err(NotPlain)
    } else {
        Ok((word, rest))
    }
}

/// How long the first piece of a word is: a character, a quoted text, or a substitution.
pub(super) fn piece(text: &str) -> Result<usize, NotPlain> {
    let mut chars = text.chars();
    let first = chars.next().ok_or(NotPlain)?;
    match first {
        '\\' => Ok(1 + chars.next().map_or(0, char::len_utf8)),
        '\'' => text[1..].find('\'').map(|at| at + 2).ok_or(NotPlain),
        '"' => closed(text, 1, '"'),
        '`' => closed(text, 1, '`'),
        '$' if text[1..].starts_with('(') => closed(text, 2, ')'),
        '$' if text[1..].starts_with('{') => closed(text, 2, '}'),
        _ => Ok(first.len_utf8()),
    }
}

/// Where what begins at `from` is closed; quotes and substitutions inside are passed over.
fn closed(text: &str, from: usize, close: char) -> Result<usize, NotPlain> {
    let mut at = from;
    while let Some(c) = text[at..].chars().next() {
        if c == close {
            return Ok(at + 1);
        }
        at += match c {
            // Inside double quotes and backticks a single quote is a character.
            '\'' if matches!(close, '"' | '`') => 1,
            '(' if close == ')' => closed(&text[at..], 1, ')')?,
            _ => piece(&text[at..])?,
        };
    }
    Err(NotPlain)
}
