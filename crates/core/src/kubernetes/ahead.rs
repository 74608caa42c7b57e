//! Parses the objects of a large text on all processors, before they are taken over one after the other: to parse is most of
//! what a cluster's manifests cost.

use std::collections::HashMap;
use std::num::NonZero;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::split::{Document, Part};
use crate::error::Error;
use crate::yaml::{self, Node};

/// The trees of an object, and where keys are in it a second time.
pub(super) type Parsed = Result<(Vec<Arc<Node>>, Vec<usize>), Error>;

/// Fewer objects are parsed before a thread has started.
const FEWEST: usize = 256;
/// More processors than these would wait for memory.
const MOST: usize = 8;
/// As large as that of a program's first thread: trees are as deep here.
const STACK: usize = 8 << 20;

/// What was parsed of one text.
#[derive(Default)]
pub(super) struct Ahead(HashMap<Range<usize>, Parsed>);

impl Ahead {
    /// The objects that are read for sure.
    pub(super) fn of(
        path: &Path,
        text: &str,
        documents: &[Document],
        is_read: &(dyn Fn(&Part) -> bool + Sync),
    ) -> Self {
        let parts: Vec<&Part> = documents.iter().flat_map(|one| &one.parts).collect();
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        if parts.len() < FEWEST || processors == 1 {
            return Self::default();
        }
        let of_chunk = |chunk: &[&Part]| -> Vec<(Range<usize>, Parsed)> {
            let parts = chunk.iter().filter(|part| is_read(part));
            let parsed = parts.map(|part| {
                let range = part.range.clone();
                let parsed = yaml::parse_part_last(path, text, range.clone());
                (range, parsed)
            });
            parsed.collect()
        };
        let size = parts.len().div_ceil(processors.min(MOST));
        thread::scope(|scope| {
            let start = |chunk| {
                let thread = thread::Builder::new().stack_size(STACK);
                // What no thread has parsed is parsed when it is taken over.
                thread.spawn_scoped(scope, move || of_chunk(chunk)).ok()
            };
            let threads: Vec<_> = parts.chunks(size).map(start).collect();
            let done = threads.into_iter().flatten();
            Self(done.filter_map(|one| one.join().ok()).flatten().collect())
        })
    }

    /// What was parsed of a part.
    pub(super) fn take(&mut self, range: &Range<usize>) -> Option<Parsed> {
        self.0.remove(range)
    }
}
