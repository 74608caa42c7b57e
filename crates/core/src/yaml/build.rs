//! Events to nodes, with everything refused that go-yaml refuses.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use zeroize::Zeroizing;

use super::{Entry, Node, Properties, Quoting, Scalar, Style, Value, offset, scalar, strict};
use crate::error::Error;
use crate::source::{SharedText, place_of};

/// Collections may be nested this deep.
pub const DEPTH_LIMIT: usize = 128;

/// Reads a text of one document. An empty text is a null node.
///
/// # Errors
/// Those of [`parse_documents`], and a second document.
pub fn parse(path: &Path, text: &str) -> Result<Arc<Node>, Error> {
    let mut documents = parse_documents(path, text)?.into_iter();
    let first = documents.next();
    match documents.next() {
        Some(second) => Err(Error::Yaml {
            place: place_of(path, text, second.start as usize),
            message: "a second document in the file; give each its own".to_owned(),
        }),
        None => Ok(first.unwrap_or_else(|| Arc::new(Node::empty()))),
    }
}

/// Reads a text of any number of documents. One that is empty is a null node; an empty text has none.
///
/// # Errors
/// What is not YAML, holds a duplicate key, is nested deeper than [`DEPTH_LIMIT`], or uses aliases in a way that
/// go-yaml calls excessive.
pub fn parse_documents(path: &Path, text: &str) -> Result<Vec<Arc<Node>>, Error> {
    parse_part(path, text, 0..text.len())
}

/// The same of a text that others keep, too: the nodes have no copy of it.
///
/// # Errors
/// Those of [`parse_documents`].
pub fn parse_shared(path: &Path, text: &SharedText) -> Result<Vec<Arc<Node>>, Error> {
    parse_with(path, text, 0..text.len(), text, None).map(|(documents, _)| documents)
}

/// The same of a part of a text; places and spans are those of the whole.
///
/// # Errors
/// Those of [`parse_documents`].
pub fn parse_part(path: &Path, text: &str, part: Range<usize>) -> Result<Vec<Arc<Node>>, Error> {
    let kept = kept(&text[part.clone()]);
    parse_with(path, text, part, &kept, None).map(|(documents, _)| documents)
}

/// The same as Kubernetes reads it: of a key that is twice in a mapping, the last one counts. Also where those are that do
/// not.
///
/// # Errors
/// Those of [`parse_documents`], but for keys that are twice in a mapping, unless there are very many.
pub fn parse_part_last(
    path: &Path,
    text: &str,
    part: Range<usize>,
) -> Result<(Vec<Arc<Node>>, Vec<usize>), Error> {
    let kept = kept(&text[part.clone()]);
    parse_with(path, text, part, &kept, Some(Vec::new()))
}

/// A text for as long as there are nodes of it.
fn kept(text: &str) -> SharedText {
    SharedText::new(Zeroizing::new(text.to_owned()))
}

/// More keys than these are twice in a document only to make somebody work.
const REPEATED: usize = 100;

/// `kept` is the part.
fn parse_with(
    path: &Path,
    text: &str,
    part: Range<usize>,
    kept: &SharedText,
    repeated: Option<Vec<usize>>,
) -> Result<(Vec<Arc<Node>>, Vec<usize>), Error> {
    let whole = |at: usize| part.start + at;
    let mut documents = Vec::new();
    let mut builder = Builder {
        path,
        text,
        stack: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        content_end: 0,
        decoded: 0,
        aliased: 0,
        sizes: HashMap::new(),
        repeated,
    };
    let options = granit_parser::options! {
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: DEPTH_LIMIT + 1,
        block_nesting_limit: DEPTH_LIMIT + 1,
    };
    let mut pending: Option<Pending> = None;
    for next in Parser::new_from_str_with_options(kept, options) {
        let (event, span) = next.map_err(|error| {
            builder.error(
                error.marker().byte_offset().map_or(part.end, whole),
                &describe(error.kind()),
            )
        })?;
        let range = match span.byte_range() {
            Some(range) => whole(range.start)..whole(range.end),
            None => part.end..part.end,
        };
        // The anchor's event follows its node's, so a node waits for one event.
        if let (Event::Anchor(_, name), Some(waiting)) = (&event, pending.as_mut()) {
            waiting.properties().anchor =
                Some((name.to_string(), offset(range.start), offset(range.end)));
            continue;
        }
        if let Some(waiting) = pending.take() {
            builder.open(waiting)?;
        }
        match event {
            Event::SequenceEnd | Event::MappingEnd => builder.close(range.end)?,
            Event::Alias(id) => builder.alias(id, range)?,
            Event::DocumentStart(false, _) if !documents.is_empty() => {
                return Err(builder.error(range.start, strict::NO_START));
            }
            // An alias means an anchor of its own document.
            Event::DocumentStart(..) => builder.anchors.clear(),
            Event::DocumentEnd => {
                let root = builder.root.take();
                let root = root.unwrap_or_else(|| Arc::new(Node::empty_at(range.start)));
                documents.push(root);
            }
            event => {
                let tag = span.tag_start().and_then(|mark| mark.byte_offset());
                pending = node(kept, part.start, event, tag.map(whole), range);
                if let Some(begun) = &mut pending {
                    begun
                        .decode()
                        .map_err(|message| builder.error(begun.node.start as usize, message))?;
                }
            }
        }
    }
    if let Some((at, message)) = strict::refused(text, part, &documents) {
        return Err(builder.error(at, message));
    }
    Ok((documents, builder.repeated.unwrap_or_default()))
}

/// The node that an event begins, if it begins one. `kept` is the part of the text from a byte on.
fn node(
    kept: &SharedText,
    from: usize,
    event: Event<'_>,
    tag_start: Option<usize>,
    range: Range<usize>,
) -> Option<Pending> {
    let tag = event.tag().map(|tag| {
        let text = scalar::tag_text(tag.handle(), tag.suffix());
        (text, offset(tag_start.unwrap_or(range.start)))
    });
    let (range, anchor, value) = match event {
        Event::Scalar(value, style, anchor, _) => {
            let quoting = match style {
                ScalarStyle::Plain => Quoting::Plain,
                ScalarStyle::SingleQuoted => Quoting::Single,
                ScalarStyle::DoubleQuoted => Quoting::Double,
                _ => Quoting::Block,
            };
            let inside = range.start - from..range.end - from;
            let end = match quoting {
                // The parser's span of a block scalar runs into the next line's indentation.
                Quoting::Block => range.start + kept[inside.clone()].trim_end().len(),
                _ => range.end,
            };
            let inside = match quoting {
                Quoting::Plain => inside,
                _ => inside.start + 1..inside.end.saturating_sub(1),
            };
            let scalar = match kept.get(inside.clone()) == Some(&*value) {
                true => Scalar::within(kept, inside),
                false => Scalar::own(value),
            };
            (range.start..end, anchor, Value::Scalar(quoting, scalar))
        }
        Event::SequenceStart(style, anchor, _) => {
            (range, anchor, Value::Sequence(style.into(), Box::default()))
        }
        Event::MappingStart(style, anchor, _) => {
            (range, anchor, Value::Mapping(style.into(), Box::default()))
        }
        _ => return None,
    };
    Some(Pending::new(range, anchor, tag, value))
}

impl Node {
    fn empty() -> Self {
        Self::empty_at(0)
    }

    fn empty_at(at: usize) -> Self {
        Self {
            start: offset(at),
            end: offset(at),
            properties: None,
            value: Value::Scalar(Quoting::Plain, Scalar::own("")),
        }
    }
}

impl From<StructureStyle> for Style {
    fn from(style: StructureStyle) -> Self {
        match style {
            StructureStyle::Block => Self::Block,
            StructureStyle::Flow => Self::Flow,
        }
    }
}

/// The parser's message, whole: what it quotes is YAML's own, e.g. "expected ',' or ']'". The kinds that carry something of
/// the file are named here, and told without it.
fn describe(kind: &granit_parser::ErrorKind) -> String {
    use granit_parser::ErrorKind as Kind;
    match kind {
        Kind::UnknownAnchor => "an alias of an anchor that is not there".to_owned(),
        Kind::RecursionLimitExceeded => format!("nested deeper than {DEPTH_LIMIT}"),
        Kind::UnexpectedCharacter { .. } => "unexpected character".to_owned(),
        Kind::Custom(_) | Kind::InputIo { .. } | Kind::InputDecoding { .. } => {
            "not YAML".to_owned()
        }
        kind => kind.to_string(),
    }
}

/// A node whose anchor may still come.
struct Pending {
    node: Node,
    anchor: usize,
}

impl Pending {
    /// Makes of `!!binary` the text that go-yaml makes of it.
    fn decode(&mut self) -> Result<(), &'static str> {
        if self.node.tag() != Some("!!binary") {
            return Ok(());
        }
        let Value::Scalar(_, scalar) = &mut self.node.value else {
            return Ok(());
        };
        let written = scalar
            .text()
            .bytes()
            .filter(|byte| !matches!(byte, b'\r' | b'\n'));
        let written = Zeroizing::new(written.collect::<Vec<u8>>());
        let bytes = STANDARD.decode(&*written).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| "!!binary that is not base64")?;
        // Docker takes it as JSON, in which Go puts the same character for what is no text.
        *scalar = Scalar::own(String::from_utf8_lossy(&bytes));
        Ok(())
    }

    fn new(
        range: std::ops::Range<usize>,
        anchor: usize,
        tag: Option<(String, u32)>,
        value: Value,
    ) -> Self {
        let properties = tag.map(|tag| {
            Box::new(Properties {
                tag: Some(tag),
                ..Properties::default()
            })
        });
        let node = Node {
            start: offset(range.start),
            end: offset(range.end),
            properties,
            value,
        };
        Self { node, anchor }
    }

    fn properties(&mut self) -> &mut Properties {
        self.node.properties.get_or_insert_default()
    }
}

struct Open {
    /// The collection, which gets what is in it once that is all there.
    pending: Pending,
    items: Vec<Arc<Node>>,
    entries: Vec<Entry>,
    key: Option<Arc<Node>>,
    /// Its keys, from [`FEW`] on.
    keys: HashSet<Box<str>>,
    /// Nodes in it so far, aliases counted in full.
    size: u64,
    /// Of these, how many came through an alias.
    aliased: u64,
}

/// Of fewer keys than these, all are asked faster than a table.
const FEW: usize = 16;

/// Whether a mapping has a key already.
fn is_repeated(keys: &mut HashSet<Box<str>>, entries: &[Entry], key: &str) -> bool {
    let mut texts = entries.iter().filter_map(|entry| entry.key.scalar());
    if keys.is_empty() && entries.len() < FEW {
        return texts.any(|known| known.is(key));
    }
    if keys.is_empty() {
        keys.extend(texts.map(|known| Box::from(known.text())));
    }
    !keys.insert(Box::from(key))
}

/// The first byte after the colon that go-yaml takes for a part of the key, of an entry in brackets: nothing comes after it but what ends
/// the entry.
fn ends_with_colon(text: &str, around: &Node, key: &Node, value: &Node) -> Option<usize> {
    let is_in_brackets = matches!(around.value, Value::Mapping(Style::Flow, _));
    let is_empty = value.start == value.end && value.properties.is_none();
    if !(is_in_brackets && is_plain(key) && is_plain(value) && is_empty) || key.start == key.end {
        return None;
    }
    let rest = &text[key.end as usize..];
    let after = rest.trim_start().strip_prefix(':')?;
    let is_ended = after.starts_with([',', ']', '}']);
    is_ended.then(|| text.len() - after.len())
}

fn is_plain(node: &Node) -> bool {
    matches!(node.value, Value::Scalar(Quoting::Plain, _))
}

/// A key with the colon that follows it; none where that is not one text on one line.
fn colon_added(text: &str, key: &Node, end: usize) -> Option<Arc<Node>> {
    let between = &text[key.end as usize..end];
    let scalar = key.scalar()?;
    (key.properties.is_none() && !between.contains(['\n', '\r'])).then(|| {
        let whole = Zeroizing::new(format!("{}{between}", scalar.text()));
        Arc::new(copied(key, &whole, offset(end)))
    })
}

/// A plain scalar of another text that starts where one does.
fn copied(key: &Node, text: &str, end: u32) -> Node {
    Node {
        start: key.start,
        end,
        properties: None,
        value: Value::Scalar(Quoting::Plain, Scalar::own(text)),
    }
}

struct Builder<'a> {
    path: &'a Path,
    text: &'a str,
    stack: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    /// How many nodes an anchor stands for, and how many of these through aliases.
    sizes: HashMap<usize, (u64, u64)>,
    root: Option<Arc<Node>>,
    /// Where the last scalar, alias or closed bracket ended.
    content_end: usize,
    decoded: u64,
    aliased: u64,
    /// Where keys are that a later one of the same mapping replaces; none where that is refused.
    repeated: Option<Vec<usize>>,
}

impl Builder<'_> {
    fn error(&self, at: usize, message: &str) -> Error {
        Error::Yaml {
            place: place_of(self.path, self.text, at),
            message: message.to_owned(),
        }
    }

    fn open(&mut self, pending: Pending) -> Result<(), Error> {
        if let Some((at, message)) = strict::of_tag(self.text, &pending.node) {
            return Err(self.error(at, message));
        }
        if let Value::Scalar(style, scalar) = &pending.node.value {
            let is_plain = *style == Quoting::Plain;
            let is_other = |text: &str| text.contains('?') || text.starts_with(':');
            if is_plain && self.is_in_brackets() && is_other(scalar.text()) {
                return Err(self.error(pending.node.start as usize, super::READ_OTHERWISE));
            }
            self.content_end = self.content_end.max(pending.node.end as usize);
            return self.done(pending, 1, 0);
        }
        if self.stack.len() >= DEPTH_LIMIT {
            return Err(self.error(
                pending.node.start as usize,
                &format!("nested deeper than {DEPTH_LIMIT}"),
            ));
        }
        self.stack.push(Open {
            pending,
            items: Vec::new(),
            entries: Vec::new(),
            key: None,
            keys: HashSet::new(),
            size: 1,
            aliased: 0,
        });
        Ok(())
    }

    /// Whether what comes next is between brackets or braces.
    fn is_in_brackets(&self) -> bool {
        let around = self.stack.last().map(|open| &open.pending.node.value);
        matches!(
            around,
            Some(Value::Mapping(Style::Flow, _) | Value::Sequence(Style::Flow, _))
        )
    }

    /// The text that go-yaml reads where a mapping without braces is one key that ends with its colon.
    fn only_text(&self, node: &Node) -> Option<Node> {
        let Value::Mapping(Style::Flow, entries) = &node.value else {
            return None;
        };
        let [entry] = &entries[..] else {
            return None;
        };
        let is_bare = node.start == entry.key.start && node.properties.is_none();
        let key = entry.key.scalar().filter(|_| is_bare)?;
        let written = &self.text[entry.key.range()];
        // Else the colon is what ends the key.
        (is_plain(&entry.key) && written.ends_with(':') && key.text().ends_with(':'))
            .then(|| copied(&entry.key, key.text(), entry.key.end))
    }

    fn close(&mut self, end: usize) -> Result<(), Error> {
        let Some(mut open) = self.stack.pop() else {
            return Ok(());
        };
        let style = match &mut open.pending.node.value {
            Value::Sequence(style, items) => {
                *items = open.items.into();
                *style
            }
            Value::Mapping(style, entries) => {
                *entries = open.entries.into();
                *style
            }
            _ => Style::Block,
        };
        if let Some(text) = self.only_text(&open.pending.node) {
            self.content_end = text.end as usize;
            open.pending.node = text;
            return self.done(open.pending, 1, 0);
        }
        if style == Style::Flow {
            self.content_end = end;
        }
        // A block collection's own spans are empty; it ends with its last content.
        open.pending.node.end = offset(self.content_end.max(open.pending.node.start as usize));
        self.done(open.pending, open.size, open.aliased)
    }

    fn alias(&mut self, id: usize, range: std::ops::Range<usize>) -> Result<(), Error> {
        let Some(target) = self.anchors.get(&id).cloned() else {
            return Err(self.error(range.start, "an alias within the node that it stands for"));
        };
        self.content_end = range.end;
        let (size, _) = self.sizes.get(&id).copied().unwrap_or((1, 0));
        let pending = Pending::new(range, 0, None, Value::Alias(target));
        self.done(pending, size, size)
    }

    /// Puts a whole node where it belongs.
    fn done(&mut self, mut pending: Pending, size: u64, aliased: u64) -> Result<(), Error> {
        let start = pending.node.start as usize;
        if let Value::Alias(target) = &pending.node.value
            && target.tag() == Some("!reset")
        {
            // That says whether it is taken out.
            pending.properties();
        }
        let anchor = pending.anchor;
        let node = Arc::new(pending.node);
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
            self.sizes.insert(anchor, (size, aliased));
        }
        let Some(parent) = self.stack.last_mut() else {
            self.root = Some(node);
            self.decoded = size;
            self.aliased = aliased;
            return self.refuse_bombs(start);
        };
        parent.size = parent.size.saturating_add(size);
        parent.aliased = parent.aliased.saturating_add(aliased);
        (self.decoded, self.aliased) = (parent.size, parent.aliased);
        let mut duplicate = false;
        let mut merge = None;
        match &parent.pending.node.value {
            Value::Sequence(..) => parent.items.push(node),
            Value::Mapping(..) => match parent.key.take() {
                None => {
                    if let Some(scalar) = node.scalar() {
                        duplicate = is_repeated(&mut parent.keys, &parent.entries, scalar.text());
                    }
                    parent.key = Some(node);
                }
                Some(key) => {
                    let key = match ends_with_colon(self.text, &parent.pending.node, &key, &node) {
                        Some(end) => {
                            colon_added(self.text, &key, end).ok_or_else(|| Error::Yaml {
                                place: place_of(self.path, self.text, key.start as usize),
                                message: super::READ_OTHERWISE.to_owned(),
                            })?
                        }
                        None => key,
                    };
                    let entry = Entry { key, value: node };
                    if entry.is_merge() {
                        let sources = entry.merge_sources();
                        merge = sources
                            .iter()
                            .any(|source| source.entries().is_none())
                            .then_some(());
                    }
                    parent.entries.push(entry);
                }
            },
            _ => {}
        }
        if duplicate && !self.replace(start) {
            return Err(self.error(start, "this key is already in the mapping"));
        }
        if merge.is_some() {
            return Err(self.error(start, "a merge key takes a mapping or a list of mappings"));
        }
        self.refuse_bombs(start)
    }

    /// Takes out what the key that was just read has in its mapping already, where that is not refused.
    fn replace(&mut self, at: usize) -> bool {
        let (Some(repeated), Some(parent)) = (&mut self.repeated, self.stack.last_mut()) else {
            return false;
        };
        if let Some(key) = &parent.key {
            let text = |node: &Node| node.scalar().map(|one| one.text().to_owned());
            let own = text(key);
            parent.entries.retain(|entry| text(&entry.key) != own);
        }
        repeated.push(at);
        repeated.len() <= REPEATED
    }

    /// go-yaml's rule: the more is decoded, the smaller the part of it that may come through aliases.
    fn refuse_bombs(&self, at: usize) -> Result<(), Error> {
        const FREE: u64 = 400_000;
        const FULL: u64 = 4_000_000;
        let allowed = match self.decoded {
            0..=FREE => 99,
            FULL.. => 10,
            decoded => 99 - 89 * (decoded - FREE) / (FULL - FREE),
        };
        if self.aliased > 100
            && self.decoded > 1000
            && self.aliased.saturating_mul(100) > self.decoded.saturating_mul(allowed)
        {
            return Err(self.error(
                at,
                "excessive aliasing: the file unfolds to far more than it says",
            ));
        }
        Ok(())
    }
}
