//! What a Traefik makes of a file that has its routers before it reads it: a file is a template of Go's.

use crate::container::Container;
use crate::knowable::Knowable;
use crate::secret::Secret;

/// A text with its variables in place. None where it has other actions, or one that names a variable of which the value is not
/// known.
pub(super) fn expanded(container: &Container, text: &str) -> Option<String> {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (action, behind) = behind.split_once("}}")?;
        done.push_str(before);
        rest = behind;
        // A dash takes the spaces and line breaks before or behind.
        let action = match action.strip_prefix('-') {
            Some(action) => {
                done.truncate(done.trim_end().len());
                action
            }
            None => action,
        };
        let action = match action.strip_suffix('-') {
            Some(action) => {
                rest = rest.trim_start();
                action
            }
            None => action,
        };
        done.push_str(value(container, action.trim())?);
    }
    done.push_str(rest);
    Some(done)
}

/// What an action is replaced with: `env "NAME"`, or a comment.
fn value<'a>(container: &'a Container, action: &str) -> Option<&'a str> {
    if action.starts_with("/*") && action.ends_with("*/") {
        return Some("");
    }
    let name = action.strip_prefix("env")?.trim_start();
    let is_quoted =
        |quote: char| name.len() > 1 && name.starts_with(quote) && name.ends_with(quote);
    let name = ['"', '`']
        .into_iter()
        .find(|quote| is_quoted(*quote))
        .map(|_| &name[1..name.len() - 1])?;
    // What is between others is an expression.
    if name.contains(['"', '`', '\\']) {
        return None;
    }
    match container.variable(name) {
        Knowable::Known(value) => Some(value.map_or("", Secret::expose)),
        Knowable::Unknown(_) => None,
    }
}
