//! Where the text goes, and in which formats: the screen, files, or both, of one look.

use std::path::{Path, PathBuf};

use clearml_secure_core::io::is_same;

use crate::cli::{Cli, Format};
use crate::error::Error;
use crate::output::{self, Look, Printer};
use crate::target::is_url;

/// What is asked for.
pub(crate) struct Products {
    screen: Option<Format>,
    files: Vec<(Format, PathBuf)>,
}

/// What makes the text of the screen, and those of files.
type Printers<'a> = (
    Option<Box<dyn Printer + 'a>>,
    Vec<(Format, PathBuf, Box<dyn Printer + 'a>)>,
);

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

    /// What makes the texts; those of files are as wide as they may be, and have no colors.
    ///
    /// # Errors
    /// A format that does not have what is asked for.
    pub(crate) fn printers<'a>(&self, cli: &'a Cli, look: Look) -> Result<Printers<'a>, Error> {
        let screen = self.screen.map(|format| output::printer(cli, format, look));
        let of_file = |(format, path): &(Format, PathBuf)| {
            let printer = output::printer(cli, *format, Look::OF_A_FILE)?;
            Ok((*format, path.clone(), printer))
        };
        let files = self.files.iter().map(of_file);
        Ok((screen.transpose()?, files.collect::<Result<_, Error>>()?))
    }

    /// Whether one shows the lines that findings are about.
    pub(crate) fn has_lines(&self) -> bool {
        self.formats().any(output::has_lines)
    }

    /// Whether one shows the effective configuration besides the findings.
    pub(crate) fn has_readout(&self) -> bool {
        self.formats().any(output::has_readout)
    }

    fn formats(&self) -> impl Iterator<Item = Format> {
        let files = self.files.iter().map(|(format, _)| *format);
        self.screen.into_iter().chain(files)
    }
}

/// Whether a file is one that the command line has read.
fn is_read(cli: &Cli, path: &Path) -> bool {
    let targets = cli.targets.iter();
    let targets = targets.filter(|target| !is_url(&target.to_string_lossy()));
    let named = [
        &cli.keys,
        &cli.old_keys,
        &cli.baseline,
        &cli.since,
        &cli.config,
    ];
    targets
        .chain(&cli.env_file)
        .chain(&cli.merge)
        .chain(named.into_iter().flatten())
        .any(|read| is_same(read, path))
}
