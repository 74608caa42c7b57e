//! What is there where a file will be written.

use std::path::Path;

use clearml_secure_core::io::read_text;
use clearml_secure_core::keyset::Keyset;

use crate::error::Error;

/// Refuses a file that `--force` is not meant for: what keys are put into, and what has more than keys in it.
///
/// # Errors
/// One of these, or one that cannot be read.
pub(crate) fn refuse_other(path: &Path, keeps_lines: bool) -> Result<(), Error> {
    if !path.is_file() {
        return Ok(());
    }
    let text = read_text(path)?;
    match () {
        () if Keyset::is_deployment(&text) => Err(Error::Deployment(path.to_owned())),
        () if !keeps_lines && Keyset::is_only_a_part_of(&text) => {
            Err(Error::OtherLines(path.to_owned()))
        }
        () => Ok(()),
    }
}
