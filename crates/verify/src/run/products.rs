//! Where the text goes, and in which formats: the screen, files, or both, of one look.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clearml_secure_core::io::is_same;
use clearml_secure_core::shell::quoted;

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
                return Err(Error::OutputRead {
                    option: "-o",
                    path: output.path.clone(),
                });
            }
            let mut known = products.files.iter();
            if known.any(|(_, path)| is_same(path, &output.path)) {
                return Err(Error::OutputTwice(output.path.clone()));
            }
            products.files.push((format, output.path.clone()));
        }
        let recorded = cli.write_baseline.as_deref();
        match recorded.filter(|path| *path != Path::new("-")) {
            Some(path) if is_read(cli, path) => Err(Error::OutputRead {
                option: "--write-baseline",
                path: path.to_owned(),
            }),
            _ => Ok(products),
        }
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

    /// What is going to be replaced. A deployment's own file would be lost.
    pub(crate) fn replaced(&self, cli: &Cli) -> Vec<PathBuf> {
        let files = self.files.iter().map(|(_, path)| path);
        let files = files.chain(&cli.write_baseline);
        let files = files.filter(|path| *path != Path::new("-") && path.is_file());
        files.cloned().collect()
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

/// What to say of `--summary` where nothing is text.
pub(crate) fn without_summary(cli: &Cli, products: &Products) -> Option<String> {
    let is_text = products.formats().any(|format| format == Format::Text);
    (cli.summary && !is_text).then(|| {
        "--summary changes nothing here: it is for text, and other formats have all. For both: --summary -o json:FILE".to_owned()
    })
}

/// What to say where the name of a file is that of another format than the text that it gets.
pub(crate) fn misnamed(cli: &Cli) -> Option<String> {
    let of_name = |path: &Path| {
        let name = path.extension().or(path.file_name())?;
        Format::from_str(name.to_str()?, true).ok()
    };
    let mut files = cli.output.iter().filter(|output| output.format.is_none());
    files.find_map(|output| {
        let format = of_name(&output.path).filter(|format| *format != cli.format)?;
        let name = format.to_possible_value()?.get_name().to_owned();
        let path = &output.path;
        let is_text = cli.format == Format::Text;
        let file = match path.extension() {
            Some(_) => quoted(Path::new(&format!("{name}:{}", path.display()))),
            None => format!("{name}:FILE"),
        };
        is_text.then(|| format!("{} gets text. For {name}: -o {file}", path.display()))
    })
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
