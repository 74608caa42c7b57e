//! A value as HOCON has to have it.

use clearml_secure_core::hocon;
use clearml_secure_core::secret::Secret;

/// The text for a server that reads HOCON: as it is where HOCON leaves it alone, in HOCON's quotes otherwise.
pub(super) fn for_hocon(secret: &Secret) -> Option<Secret> {
    let text = secret.expose();
    if hocon::is_unchanged(text) {
        return Some(secret.clone());
    }
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut quoted = String::with_capacity(text.len() * 2 + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    let quoted = Secret::new(quoted);
    hocon::reads_as(quoted.expose(), text).then_some(quoted)
}
