#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod context;
mod fault;
mod grammar;
mod graph;
mod key;
mod map;
mod number;
mod outline;
mod parse;
mod period;
mod reading;
mod resolve;
mod scan;
mod text;
mod tree;
mod wiped;

pub use context::{Context, Include, Included, Lookup};
pub use fault::{Cause, Fault};
pub use outline::{Form, Outline, OutlineEntry};
pub use parse::{is_self_contained, outline, parse, parse_variable};
pub use reading::{Becomes, Change, Reading, is_unchanged, quote, reading, reading_in, reads_as};
pub use tree::{Node, Object, Tag, Value, Written, merge};
pub use wiped::WipedText;
