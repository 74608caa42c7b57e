//! JSON texts in a row, as programs print them that describe several things. JSON is YAML, yet its texts have nothing
//! between them.

use std::path::Path;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::{Node, parse_part};
use crate::error::Error;
use crate::source::place_of;

/// Reads every one of the texts; places are those of the whole.
///
/// # Errors
/// What is not JSON, and what [`parse_part`] refuses.
pub fn parse_json(path: &Path, text: &str) -> Result<Vec<Arc<Node>>, Error> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[start..];
    let mut texts = serde_json::Deserializer::from_str(body).into_iter::<IgnoredAny>();
    let mut trees = Vec::new();
    let mut from = start;
    while let Some(next) = texts.next() {
        if let Err(error) = next {
            let lines = body.split_inclusive('\n').map(str::len);
            let before: usize = lines.take(error.line().saturating_sub(1)).sum();
            let at = body.floor_char_boundary(before + error.column().saturating_sub(1));
            return Err(Error::Yaml {
                place: place_of(path, text, start + at),
                message: "the JSON ends or breaks here".to_owned(),
            });
        }
        let to = start + texts.byte_offset();
        trees.extend(parse_part(path, text, from..to)?);
        from = to;
    }
    Ok(trees)
}
