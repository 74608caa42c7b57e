//! Where the text goes, and in which formats: the screen, files, or both, of one look.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::is_same;

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::output::Look;
use crate::target::is_url;

/// What is asked for.
pub(crate) struct Products {
    screen: Option<Format>,
    files: Vec<(Format, PathBuf)>,
}

/// The texts, before any is written.
pub(crate) struct Texts {
    pub(crate) screen: String,
    pub(crate) files: Vec<(PathBuf, String)>,
}

impl Products {
    /// Of the options.
    ///
    /// # Errors
    /// A file that is named twice, or that is read: it would be lost.
    pub(crate) fn asked(cli: &Cli) -> Result<Self, Error> {
        let mut products = Self {
            screen: Some(cli.format),
            files: Vec::new(),
        };
        for output in &cli.output {
            let format = output.format.unwrap_or(cli.format);
            if output.path == Path::new("-") {
                products.screen = Some(format);
                continue;
            }
            if output.format.is_none() {
                products.screen = None;
            }
            if is_read(cli, &output.path) {
                return Err(Error::OutputRead(output.path.clone()));
            }
            let mut known = products.files.iter();
            if known.any(|(_, path)| is_same(path, &output.path)) {
                return Err(Error::OutputTwice(output.path.clone()));
            }
            products.files.push((format, output.path.clone()));
        }
        Ok(products)
    }

    /// Makes the texts; those of files are as wide as they may be, and have no colors.
    pub(crate) fn texts(
        &self,
        look: Look,
        text: impl Fn(Format, Look) -> Result<String, Error>,
    ) -> Result<Texts, Error> {
        let screen = self.screen.map(|format| text(format, look)).transpose()?;
        let of_file = |(format, path): &(Format, PathBuf)| {
            Ok((path.clone(), text(*format, Look::OF_A_FILE)?))
        };
        Ok(Texts {
            screen: screen.unwrap_or_default(),
            files: self
                .files
                .iter()
                .map(of_file)
                .collect::<Result<_, Error>>()?,
        })
    }
}

/// Whether a file is one that the command line has read.
fn is_read(cli: &Cli, path: &Path) -> bool {
    let targets = cli.targets.iter();
    let targets = targets.filter(|target| !is_url(&target.to_string_lossy()));
    let named = [&cli.keys, &cli.old_keys, &cli.baseline, &cli.config];
    targets
        .chain(&cli.env_file)
        .chain(&cli.merge)
        .chain(named.into_iter().flatten())
        .any(|read| is_same(read, path))
}
