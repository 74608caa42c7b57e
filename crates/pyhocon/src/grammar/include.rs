//! `include`: another file in place of entries.

use std::sync::Arc;

use super::{Operator, Parser, Root, Surroundings, parse};
use crate::context::{Include, Included};
use crate::fault::{Cause, Fault};
use crate::graph::{Brought, Item, Placed, TreeId};
use crate::text::Expanded;

/// Python calls that an include nests.
const CALLS: usize = 40;

impl Parser<'_> {
    /// `include "file"`, `include file("file")` and `include required(…)`.
    /// What they are in place of a value, and where they end.
    pub(super) fn include(
        &mut self,
        at: usize,
        calls: usize,
    ) -> Result<Option<(Placed, usize)>, Fault> {
        let start = self.scan.blanks(at);
        let Some(at) = self.scan.any_case(start, "INCLUDE") else {
            return Ok(None);
        };
        let Some((what, is_required, end)) = self.what(at)? else {
            // A word like any other.
            return Ok(None);
        };
        let outermost = match self.surroundings.anchor {
            Some(anchor) => anchor,
            None => (self.place(start), self.place(end)),
        };
        let (first, last) = (self.place(start), self.place(end));
        if let Some(outline) = &mut self.outline {
            outline.includes.push(first);
        }
        let brought = match what {
            What::File(name) if name.contains(['*', '?']) => {
                unknown("an include of a pattern, which is not followed")
            }
            What::File(name) => {
                let include = Include::new(&name, self.surroundings.file);
                match (self.surroundings.context.include)(&include) {
                    Included::Absent if is_required => {
                        let message = "an included file that is required cannot be read";
                        return Err(Fault::new(Cause::Include, message, first));
                    }
                    Included::Absent => Brought::Nothing,
                    Included::Known { file, text, tag } => {
                        let calls = self.deeper(calls, CALLS, start)?;
                        let first = self.graph.texts.add(text.len(), outermost, tag);
                        let surroundings = Surroundings {
                            context: self.surroundings.context,
                            file: &file,
                            calls,
                            anchor: Some(outermost),
                            first,
                        };
                        self.included(&text, surroundings)?
                    }
                    Included::Unknown(reason) => Brought::Unknown(Arc::from(reason)),
                }
            }
            What::Package => unknown("an include of a Python package, which is not followed"),
            What::Url => unknown("an include of an address, which is never fetched"),
        };
        let placed = Placed::new(Item::Include(brought), first, last);
        Ok(Some((placed, end)))
    }

    /// What the text of an included file brings.
    fn included(&mut self, text: &str, surroundings: Surroundings<'_>) -> Result<Brought, Fault> {
        let root = parse(self.graph, &Expanded::new(&[text]), surroundings, None)?;
        Ok(match root {
            Root::Tree(tree) if !self.graph.tree(tree).is_empty() => Brought::Tree(tree),
            Root::List(list) if !self.graph.list(list).is_empty() => Brought::List(list),
            Root::List(_) | Root::Tree(_) => Brought::Nothing,
        })
    }

    /// Sets the keys of the included file as if they stood here.
    pub(super) fn put_included(&mut self, tree: TreeId, included: &Placed) -> Result<(), Fault> {
        let from = match &included.item {
            Item::Include(Brought::Tree(from)) => *from,
            Item::Include(Brought::List(_)) => {
                let message = "an include of a list in place of keys";
                return Err(Fault::new(Cause::Include, message, included.start));
            }
            Item::Include(Brought::Unknown(reason)) => {
                let unknown = included.with(Item::Unknown(reason.clone()));
                return self.graph.cover(tree, &unknown, 0);
            }
            _ => return Ok(()),
        };
        if let Some(rest) = self.graph.tree(from).rest.clone() {
            self.graph.cover(tree, &rest, 0)?;
        }
        let entries: Vec<_> = self.graph.tree(from).entries.iter().cloned().collect();
        for (key, value) in entries {
            let value = self.graph.given(&value);
            self.put(tree, key.trim(), Operator::Set, value)?;
        }
        Ok(())
    }

    /// What is included, whether it is required, and where the statement ends.
    fn what(&self, at: usize) -> Result<Option<(What, bool, usize)>, Fault> {
        if let Some((what, end)) = self.content(at)? {
            return Ok(Some((what, false, end)));
        }
        let Some(at) = self.scan.exact(at, "required") else {
            return Ok(None);
        };
        let inside = self.expect(at, b'(')?;
        let Some((what, end)) = self.content(inside)? else {
            return Err(self.fault(
                Cause::Syntax,
                "pyhocon expects a file in quotes here",
                inside,
            ));
        };
        Ok(Some((what, true, self.expect(end, b')')?)))
    }

    fn content(&self, at: usize) -> Result<Option<(What, usize)>, Fault> {
        if let Some((name, end)) = self.name(at) {
            let is_url = ["http://", "https://", "file://"]
                .iter()
                .any(|scheme| name.starts_with(scheme));
            return Ok(Some((
                if is_url { What::Url } else { What::File(name) },
                end,
            )));
        }
        let words = ["url", "file", "package"];
        let Some((word, at)) = words
            .iter()
            .find_map(|word| Some((*word, self.scan.exact(at, word)?)))
        else {
            return Ok(None);
        };
        let inside = self.expect(at, b'(')?;
        let Some((name, end)) = self.name(inside) else {
            return Err(self.fault(
                Cause::Syntax,
                "pyhocon expects a name in quotes here",
                inside,
            ));
        };
        let what = match word {
            "url" => What::Url,
            "package" => What::Package,
            _ => What::File(name),
        };
        Ok(Some((what, self.expect(end, b')')?)))
    }

    fn name(&self, at: usize) -> Option<(String, usize)> {
        let at = self.scan.blanks(at);
        let (content, end) = self.scan.quoted(at)?;
        let name = super::unescaped(self.scan.slice(content));
        Some((name.expose().to_owned(), self.scan.blanks(end)))
    }

    fn expect(&self, at: usize, literal: u8) -> Result<usize, Fault> {
        self.scan.literal(at, literal).ok_or_else(|| {
            self.fault(
                Cause::Syntax,
                "pyhocon expects parentheses around what is included",
                at,
            )
        })
    }
}

enum What {
    File(String),
    Package,
    Url,
}

fn unknown(reason: &str) -> Brought {
    Brought::Unknown(Arc::from(reason))
}
