//! How a value is written, so that YAML and compose give it back.

use crate::wanted::Wanted;
use clearml_secure_core::yaml::edit;

/// A value of a mapping.
pub(crate) fn scalar(wanted: &Wanted) -> String {
    match wanted.is_withheld() {
        true => "!reset null".to_owned(),
        false if wanted.written.contains(char::is_control) => edit::on_one_line(&wanted.written),
        false => edit::scalar(&wanted.written),
    }
}

/// An item of a list: `NAME=value`.
pub(crate) fn item(wanted: &Wanted) -> String {
    edit::pair(&wanted.name, &wanted.written)
}
