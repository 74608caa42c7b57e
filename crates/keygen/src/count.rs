//! `--count`: a keyset for each deployment of a fleet, one a line.

use clearml_secure_core::io::write_secret_file;
use clearml_secure_core::keyset::{Format, Keyset};
use clearml_secure_core::shown::plural;
use zeroize::Zeroizing;

use crate::cli::{self, Cli};
use crate::error::Error;
use crate::existing::refuse_other;
use crate::output::file;
use crate::talk::{exists, say, to_standard_output, wrote};

/// A line has no more bytes, so that no copy of a secret is left behind by a text that grew.
const LINE: usize = 2048;

/// Generates so many keysets and writes them.
///
/// # Errors
/// Another format, no randomness, or what cannot be written.
pub(crate) fn run(cli: &Cli, count: u32) -> Result<(), Error> {
    if !matches!(cli.format, cli::Format::Jsonl) {
        return Err(Error::CountWithout);
    }
    let count = usize::try_from(count).unwrap_or_default();
    let mut lines = Zeroizing::new(String::with_capacity(count * LINE));
    for _ in 0..count {
        let mut keyset = Keyset::new();
        keyset.generate_missing()?;
        push_line(&mut lines, &keyset);
    }
    match file(cli) {
        None => to_standard_output(cli, &lines),
        Some(path) => {
            refuse_other(path, false)?;
            write_secret_file(path, &lines, cli.force).map_err(exists)?;
            let keysets = plural(count, "keyset");
            say(cli, &format!("{}: {keysets}", wrote(path)));
            Ok(())
        }
    }
}

/// The keyset as a line of its own.
pub(crate) fn line(keyset: &Keyset) -> Zeroizing<String> {
    let text = keyset.write(Format::Json);
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    push_line(&mut line, keyset);
    line
}

/// In JSON a line ends nowhere but between values.
fn push_line(out: &mut String, keyset: &Keyset) {
    for part in keyset.write(Format::Json).lines() {
        out.push_str(part.trim_start());
    }
    out.push('\n');
}
