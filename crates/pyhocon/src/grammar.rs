//! From text to objects: the grammar as pyhocon reads it, which is not that of the specification.

mod include;

use std::ops::Range;
use std::sync::Arc;

use crate::context::Context;
use crate::fault::{Cause, Fault};
use crate::graph::merge::{Found, Put};
use crate::graph::{Brought, Graph, Item, ListId, Owner, Placed, Substitution, TreeId, text};
use crate::number::{self, Number};
use crate::outline::{Form, Outline};
use crate::scan::{Scanner, unescape};
use crate::text::Expanded;
use crate::wiped::WipedText;
use crate::{key, period};

/// pyhocon nests Python calls, of which Python allows a thousand; a server has made some hundred before it
/// reads its configuration. Each level of nesting costs a number of calls.
const CALLS: usize = 860;
const CALLS_OF_OBJECT: usize = 21;
const CALLS_OF_LIST: usize = 16;
const CALLS_OF_LATER_ITEM: usize = 5;
const CALLS_OF_VALUE: usize = 9;
/// A key of more steps is refused; pyhocon takes some hundred.
const STEPS: usize = 128;

/// What stands around the text that is parsed.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) context: &'a Context<'a>,
    /// The path of this text.
    pub(super) file: &'a str,
    /// Calls that are nested already.
    pub(super) calls: usize,
    /// In an included text: the bytes of the `include` in the text that was asked for.
    pub(super) anchor: Option<(usize, usize)>,
    /// The place of this text's first byte.
    pub(super) first: usize,
}

impl<'a> Surroundings<'a> {
    /// Those of a text that nothing includes.
    pub(super) fn of(context: &'a Context<'a>) -> Self {
        Self {
            context,
            file: context.file,
            calls: 0,
            anchor: None,
            first: 0,
        }
    }
}

/// What a text is at the top.
pub(super) enum Root {
    List(ListId),
    Tree(TreeId),
}

/// Parses a whole text. Substitutions stay open. Into `outline` goes where its entries stand.
pub(super) fn parse(
    graph: &mut Graph,
    expanded: &Expanded,
    surroundings: Surroundings<'_>,
    outline: Option<&mut Outline>,
) -> Result<Root, Fault> {
    let mut parser = Parser {
        scan: Scanner::new(expanded.text()),
        graph,
        expanded,
        surroundings,
        outline,
        form: Form::Scalar,
    };
    parser.text()
}

struct Parser<'a> {
    scan: Scanner<'a>,
    graph: &'a mut Graph,
    expanded: &'a Expanded,
    surroundings: Surroundings<'a>,
    outline: Option<&'a mut Outline>,
    /// What the last value was written as.
    form: Form,
}

/// What stands between a key and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Set,
}

impl Parser<'_> {
    fn text(&mut self) -> Result<Root, Fault> {
        let mut at = 0;
        while let Some(end) = self
            .scan
            .comment_after_separators(at)
            .or_else(|| self.scan.line_ends(at))
        {
            at = end;
        }
        let calls = self.surroundings.calls;
        let root = if let Some(inside) = self.scan.literal(at, b'[') {
            let (list, end) = self.list(inside, calls)?;
            at = end;
            Root::List(list)
        } else if let Some(inside) = self.scan.literal(at, b'{') {
            let (tree, end) = self.object(inside, calls, true)?;
            at = end;
            let braces = self.place(inside - 1)..self.place(end - 1) + 1;
            if let Some(outline) = &mut self.outline {
                outline.braces = Some(braces);
            }
            Root::Tree(tree)
        } else {
            let tree = self.graph.new_tree(true);
            at = self.entries(at, tree, calls)?;
            Root::Tree(tree)
        };
        while let Some(end) = self
            .scan
            .comment_after_separators(at)
            .or_else(|| self.scan.separators(at))
        {
            at = end;
        }
        let at = self.scan.blanks(at);
        if self.scan.rest(at).is_empty() {
            Ok(root)
        } else {
            // An editor does not show it.
            let message = match at == 0 && self.scan.peek(at) == Some('\u{feff}') {
                true => "a byte order mark, which pyhocon refuses: save the file without it",
                false => "pyhocon expects a key here",
            };
            Err(self.fault(Cause::Syntax, message, at))
        }
    }

    fn fault(&self, cause: Cause, message: &'static str, at: usize) -> Fault {
        Fault::new(cause, message, self.place(at))
    }

    /// The place of an offset: see [`crate::graph`]'s texts.
    fn place(&self, at: usize) -> usize {
        self.surroundings.first + self.expanded.original(at)
    }

    fn placed(&self, item: Item, range: Range<usize>) -> Placed {
        Placed::new(item, self.place(range.start), self.place(range.end))
    }

    fn deeper(&self, calls: usize, by: usize, at: usize) -> Result<usize, Fault> {
        let calls = calls + by;
        if calls > CALLS {
            Err(Fault::too_deep(self.place(at)))
        } else {
            Ok(calls)
        }
    }

    /// After `{`.
    fn object(&mut self, at: usize, calls: usize, is_root: bool) -> Result<(TreeId, usize), Fault> {
        let calls = self.deeper(calls, CALLS_OF_OBJECT, at)?;
        let tree = self.graph.new_tree(is_root);
        let at = self.entries(at, tree, calls)?;
        match self.scan.literal(at, b'}') {
            Some(end) => Ok((tree, end)),
            None => {
                let at = self.scan.blanks(at);
                Err(self.fault(Cause::Syntax, "pyhocon expects a key or `}` here", at))
            }
        }
    }

    fn entries(&mut self, mut at: usize, tree: TreeId, calls: usize) -> Result<usize, Fault> {
        loop {
            if let Some(end) = self.scan.comment_after_separators(at) {
                at = end;
            } else if let Some((included, end)) = self.include(at, calls)? {
                at = end;
                self.put_included(tree, &included)?;
            } else if let Some(end) = self.scan.key(self.scan.blanks(at)) {
                at = self.entry(self.scan.blanks(at)..end, tree, calls)?;
            } else if let Some(end) = self.scan.separators(at) {
                at = end;
            } else {
                return Ok(at);
            }
        }
    }

    fn entry(&mut self, name: Range<usize>, tree: TreeId, calls: usize) -> Result<usize, Fault> {
        let key_at = self.place(name.start);
        let mut at = self.after_comments(name.end);
        let name = name.start..self.scan.slice(name.clone()).trim_end().len() + name.start;
        let steps = key::split(self.scan.slice(name.clone()));
        let depth = self
            .outline
            .as_mut()
            .map_or(0, |outline| outline.enter(&steps));
        let (operator, value);
        if let Some(inside) = self.scan.literal(at, b'{') {
            let start = inside - 1;
            let (object, end) = self.object(inside, calls, false)?;
            operator = Operator::Set;
            value = self.placed(Item::Tree(object), start..end);
            self.form = Form::Object;
            at = end;
        } else {
            let set = self
                .scan
                .literal(at, b'=')
                .or_else(|| self.scan.literal(at, b':'));
            let add = self
                .scan
                .literal(at, b'+')
                .filter(|at| self.scan.rest(*at).starts_with('='));
            let after = match (set, add) {
                (Some(end), _) => {
                    operator = Operator::Set;
                    end
                }
                (None, Some(plus)) => {
                    operator = Operator::Add;
                    plus + 1
                }
                (None, None) => {
                    let at = self.scan.blanks(at);
                    return Err(self.fault(
                        Cause::Syntax,
                        "pyhocon expects `:`, `=` or `{` after a key",
                        at,
                    ));
                }
            };
            (value, at) = self.value(self.after_comments(after), calls + CALLS_OF_VALUE)?;
        }
        if let Some(outline) = &mut self.outline {
            let form = match operator {
                Operator::Add => Form::Joined,
                Operator::Set => self.form,
            };
            outline.leave(depth, key_at, value.start..value.end, form);
        }
        self.put(tree, self.scan.slice(name), operator, value)?;
        Ok(at)
    }

    fn after_comments(&self, mut at: usize) -> usize {
        while let Some(end) = self.scan.comment(at).or_else(|| self.scan.line_ends(at)) {
            at = end;
        }
        at
    }

    /// Sets one key.
    fn put(
        &mut self,
        tree: TreeId,
        name: &str,
        operator: Operator,
        value: Placed,
    ) -> Result<(), Fault> {
        let path = key::split(name);
        if path.len() > STEPS {
            return Err(Fault::too_deep(value.start));
        }
        let Some(existing) = self.graph.find(tree, &path) else {
            return Err(Fault::new(
                Cause::Key,
                "pyhocon throws at an empty key",
                value.start,
            ));
        };
        let added = match (&value.item, operator) {
            (Item::List(_), Operator::Add) => Some(value.clone()),
            (Item::Text(word), Operator::Add) => {
                let mut spaced = String::with_capacity(word.expose().len() + 1);
                spaced.push(' ');
                spaced.push_str(word.expose());
                Some(value.with(text(spaced)))
            }
            _ => None,
        };
        if let Some(added) = added {
            let (start, end) = (value.start, value.end);
            let before = self.graph.new_substitution(Substitution {
                name: Arc::from(name),
                is_optional: true,
                blanks: 0,
                index: 0,
                owner: None,
                start,
            });
            let before = Placed::new(Item::Substitution(before), start, end);
            let values = self.graph.new_values(vec![before, added], start, end);
            return self
                .graph
                .put(tree, &path, value.with(Item::Values(values)), Put::Replace);
        }
        if matches!(value.item, Item::List(_)) {
            return self.graph.put(tree, &path, value, Put::Replace);
        }
        let existing = match existing {
            Found::Value(value) => Some(value.item),
            _ => None,
        };
        let (first, value) = match path.as_slice() {
            [first] => (first, value),
            [first, ..] => {
                let below = self.graph.new_tree(false);
                let outer = value.with(Item::Tree(below));
                self.graph
                    .put(below, &key::split_tail(&path), value, Put::Replace)?;
                (first, outer)
            }
            [] => return Ok(()),
        };
        let is_list = matches!(existing, Some(Item::List(_)));
        let put = match value.item {
            Item::Tree(_) if !is_list => Put::Append,
            Item::Values(values) => {
                self.graph.values_mut(values).owner = Owner::Tree(tree, first.clone());
                if matches!(existing, Some(Item::List(_) | Item::Tree(_))) {
                    Put::Append
                } else {
                    Put::Replace
                }
            }
            _ => Put::Replace,
        };
        // pyhocon splits the step again.
        self.graph.put(tree, &key::split(first), value, put)
    }

    /// The parts of a value, joined.
    fn value(&mut self, at: usize, calls: usize) -> Result<(Placed, usize), Fault> {
        let mut parts: Vec<Placed> = Vec::new();
        let mut next = at;
        while let Some(end) = self.part(next, calls, &mut parts)? {
            next = end;
        }
        let start = parts
            .first()
            .map_or_else(|| self.place(self.scan.blanks(at)), |part| part.start);
        let end = parts.last().map_or(start, |part| part.end);
        self.form = form(&parts);
        let repeated = self.graph.repeated(&parts);
        // Most values are one part, and need none of what several do.
        let values = self.graph.new_values(parts, start, end);
        let made = self.graph.transform(values)?;
        if let Some(Item::Tree(tree)) = made.as_ref().map(|made| &made.item)
            && !repeated.is_empty()
        {
            let written = repeated.into_iter().map(|key| (key, false));
            self.graph.tree_mut(*tree).repeated = written.collect();
        }
        Ok((
            made.unwrap_or_else(|| Placed::new(Item::None, start, end)),
            next,
        ))
    }

    /// One part of a value, or nothing at its end.
    fn part(
        &mut self,
        at: usize,
        calls: usize,
        parts: &mut Vec<Placed>,
    ) -> Result<Option<usize>, Fault> {
        if let Some(end) = self.scan.comment_after_separators(at) {
            return Ok(Some(end));
        }
        if let Some((included, end)) = self.include(at, calls)? {
            parts.push(match &included.item {
                Item::Include(Brought::Unknown(reason)) => {
                    included.with(Item::Unknown(reason.clone()))
                }
                _ => included,
            });
            return Ok(Some(end));
        }
        let at = self.scan.blanks(at);
        if let Some((name, is_optional, end)) = self.scan.substitution(at) {
            let after = self.scan.blanks(end);
            let substitution = self.graph.new_substitution(Substitution {
                name: Arc::from(self.scan.slice(name)),
                is_optional,
                blanks: after - end,
                index: 0,
                owner: None,
                start: self.place(at),
            });
            parts.push(self.placed(Item::Substitution(substitution), at..end));
            return Ok(Some(after));
        }
        if let Some(inside) = self.scan.literal(at, b'{') {
            let (tree, end) = self.object(inside, calls, false)?;
            parts.push(self.placed(Item::Tree(tree), at..end));
            return Ok(Some(end));
        }
        if let Some(inside) = self.scan.literal(at, b'[') {
            let (list, end) = self.list(inside, calls)?;
            parts.push(self.placed(Item::List(list), at..end));
            return Ok(Some(end));
        }
        let Some((item, range, end)) = self.scalar(at)? else {
            return match self.scan.literal(at, b'\\') {
                None => Ok(None),
                Some(after) => match self.scan.line_ends(after) {
                    Some(end) => Ok(Some(end)),
                    None => Err(self.fault(Cause::Syntax, "a `\\` at the end", at)),
                },
            };
        };
        parts.push(self.placed(item, range));
        Ok(Some(end))
    }

    /// A part that is neither object nor list: what it is, where it stands, where the next may begin.
    fn scalar(&self, at: usize) -> Result<Option<(Item, Range<usize>, usize)>, Fault> {
        let scan = self.scan;
        if let Some((digits, unit, end)) = scan.period(at) {
            let period = period::read(scan.slice(digits), unit);
            let Some(period) = period else {
                return Err(self.fault(
                    Cause::Number,
                    "a period of time beyond the bounds of Python",
                    at,
                ));
            };
            return Ok(Some((Item::Period(Arc::new(period)), at..end, end)));
        }
        if let Some(end) = scan.number(at) {
            let item = match number::read(scan.slice(at..end)) {
                Number::Integer(digits) => Item::Integer(Arc::new(WipedText::new(digits))),
                Number::Float(value) => Item::Float(value),
            };
            return Ok(Some((item, at..end, end)));
        }
        for (word, item) in [
            ("TRUE", Item::Boolean(true)),
            ("FALSE", Item::Boolean(false)),
            ("NULL", Item::Null),
        ] {
            if let Some(end) = scan.any_case(at, word) {
                return Ok(Some((item, at..end, end)));
            }
        }
        if let Some((content, end)) = scan.three_quotes(at) {
            return Ok(Some((text(scan.slice(content).to_owned()), at..end, end)));
        }
        if let Some((content, end)) = scan.quoted(at) {
            let after = scan.blanks(end);
            let item = Item::Quoted(unescaped(scan.slice(content)), after - end);
            return Ok(Some((item, at..end, after)));
        }
        if let Some(end) = scan.unquoted(at) {
            let after = scan.blanks(end);
            let item = Item::Unquoted(unescaped(scan.slice(at..after)));
            return Ok(Some((item, at..end, after)));
        }
        Ok(None)
    }

    /// After `[`.
    fn list(&mut self, at: usize, calls: usize) -> Result<(ListId, usize), Fault> {
        if let Some(outline) = &mut self.outline {
            outline.enter_list();
        }
        let list = self.items(at, calls)?;
        if let Some(outline) = &mut self.outline {
            outline.leave_list();
        }
        Ok(list)
    }

    fn items(&mut self, at: usize, calls: usize) -> Result<(ListId, usize), Fault> {
        let of_items = self.deeper(calls, CALLS_OF_LIST, at)?;
        let mut calls = of_items;
        let mut items = Vec::new();
        let mut at = at;
        loop {
            let (item, end) = self.value(at, calls)?;
            let is_empty = matches!(&item.item, Item::Text(text) if text.is_empty());
            match item.item {
                // pyhocon takes an empty text for the nothing after the last comma.
                _ if is_empty => {}
                Item::Include(Brought::Nothing) => {}
                Item::Include(Brought::List(list)) => {
                    items.extend_from_slice(self.graph.list(list))
                }
                Item::Include(Brought::Tree(_)) => {
                    return Err(Fault::new(
                        Cause::Include,
                        "an include of keys within a list",
                        item.start,
                    ));
                }
                _ => items.push(item),
            }
            match self.scan.separators(end) {
                Some(after) => at = after,
                None => {
                    at = end;
                    break;
                }
            }
            calls = of_items + CALLS_OF_LATER_ITEM;
        }
        let list = self.graph.new_owning_list(items);
        match self.scan.literal(at, b']') {
            Some(end) => Ok((list, end)),
            None => {
                let at = self.scan.blanks(at);
                Err(self.fault(Cause::Syntax, "pyhocon expects `]` or a comma here", at))
            }
        }
    }
}

/// What the parts of a value are written as.
fn form(parts: &[Placed]) -> Form {
    match parts {
        [Placed { item, .. }] => match item {
            Item::List(_) => Form::List,
            Item::Tree(_) => Form::Object,
            Item::Include(_) | Item::Substitution(_) => Form::Joined,
            _ => Form::Scalar,
        },
        several => {
            let is_scalar = |part: &Placed| {
                !matches!(
                    part.item,
                    Item::Include(_) | Item::List(_) | Item::Substitution(_) | Item::Tree(_)
                )
            };
            if several.iter().all(is_scalar) {
                Form::Scalar
            } else {
                Form::Joined
            }
        }
    }
}

fn unescaped(text: &str) -> Arc<WipedText> {
    let mut plain = String::with_capacity(text.len());
    unescape(text, &mut plain);
    Arc::new(WipedText::new(plain))
}
