//! From reports to everything that is written: one after the other, so that none has to be kept.

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clearml_secure_cli::talk::{self, say};
use clearml_secure_cli::wrap;
use clearml_secure_core::exit;
use clearml_secure_core::io::{Mode, Spool, is_same, write_secret_file};
use clearml_secure_core::shown::escape_lines;

use crate::cli::{self, Cli, FailOn, Format};
use crate::decisions::baseline::{Baseline, Recorded};
use crate::decisions::hidden::{Hidden, Taken};
use crate::decisions::policy::Policy;
use crate::error::Error;
use crate::finding::Severity;
use crate::keys::receipt::Receipt;
use crate::output::{Look, Printer, Seen};
use crate::report::asked::Asked;
use crate::report::trees::Trees;
use crate::report::{Report, Subject};
use crate::run::judgment::Judgment;
use crate::run::look::Looked;
use crate::run::products::Products;
use crate::since::Since;

/// Takes reports in the order in which they are told.
pub(crate) struct Stream<'a> {
    cli: &'a Cli,
    policy: Policy,
    baseline: Option<Baseline>,
    asked: Asked,
    since: Option<Since<'a>>,
    hidden: Hidden,
    judgment: Judgment,
    /// Errors that were said.
    broken: HashSet<String>,
    recorded: Option<Recorded>,
    screen: Option<Box<dyn Printer + 'a>>,
    files: Vec<InFile<'a>>,
    /// What they replace.
    replaced: Vec<PathBuf>,
    /// All of them, where something can be written only then.
    reports: Vec<Report>,
    needs_all: bool,
    /// Whether anyone still reads what is printed.
    is_open: bool,
    /// Whether a command fixes any of the findings.
    is_fixable: bool,
}

/// A text that goes to a file.
struct InFile<'a> {
    format: Format,
    printer: Box<dyn Printer + 'a>,
    text: Spool,
}

impl<'a> Stream<'a> {
    /// # Errors
    /// A format that does not have what is asked for, or a file that cannot be read.
    pub(crate) fn new(cli: &'a Cli, policy: Policy, products: &Products) -> Result<Self, Error> {
        let look = Look {
            color: talk::has_color(cli.general.color, &io::stdout()),
            width: wrap::width(&io::stdout()),
            is_terminal: io::stdout().is_terminal(),
        };
        let (screen, files) = products.printers(cli, look)?;
        let files = files.into_iter().map(|(format, path, printer)| InFile {
            format,
            printer,
            text: Spool::to(&path),
        });
        let files: Vec<InFile<'a>> = files.collect();
        let mut printers = screen.iter().chain(files.iter().map(|file| &file.printer));
        Ok(Self {
            cli,
            policy,
            baseline: cli.baseline.as_deref().map(Baseline::read).transpose()?,
            asked: Asked::default(),
            since: cli
                .since
                .as_deref()
                .map(|path| Since::new(cli, path))
                .transpose()?,
            hidden: Hidden::default(),
            judgment: Judgment::default(),
            broken: HashSet::new(),
            recorded: cli.write_baseline.is_some().then(Recorded::default),
            reports: Vec::new(),
            needs_all: printers.any(|printer| printer.needs_all()),
            screen,
            files,
            replaced: products.replaced(cli),
            is_open: true,
            is_fixable: false,
        })
    }

    /// Takes what was found in a target, and gives back what it was made from.
    pub(crate) fn take(&mut self, looked: Looked) -> Result<Vec<Trees>, Error> {
        self.remark(&looked.remarks);
        let mut all = Vec::new();
        for (report, trees) in looked.reports {
            self.add(report, trees.as_ref())?;
            all.extend(trees);
        }
        Ok(all)
    }

    /// Takes a report.
    ///
    /// # Errors
    /// What cannot be written, or would take the place of a file that was read.
    pub(crate) fn add(&mut self, mut report: Report, trees: Option<&Trees>) -> Result<(), Error> {
        if let Some(path) = self.to_be_lost(&report) {
            let option = match self.recorded {
                Some(_) => "--write-baseline",
                None => "-o",
            };
            return Err(Error::OutputRead {
                option,
                path: path.to_owned(),
            });
        }
        self.asked.add(&report);
        if let Some(since) = &mut self.since {
            since.meet(&mut report);
        }
        self.hide(&mut report);
        if let Some(since) = &mut self.since {
            since.tell(&mut report);
        }
        self.judgment.add(&report);
        self.is_fixable |= report.findings.iter().any(|finding| finding.fix.is_some());
        for message in report.deployment().into_iter().flat_map(|one| &one.broken) {
            if self.broken.insert(message.clone()) {
                say(message);
            }
        }
        if let Some(recorded) = &mut self.recorded {
            recorded.add(&report);
            return Ok(());
        }
        for file in &mut self.files {
            file.text.push(&file.printer.add(&report, trees))?;
        }
        let printer = self.screen.as_mut();
        let text = printer.map(|printer| printer.add(&report, trees));
        if self.needs_all {
            self.reports.push(report);
        }
        self.print(&text.unwrap_or_default())
    }

    /// What a person should know besides the findings.
    pub(crate) fn remark(&self, remarks: &[String]) {
        if !self.cli.general.quiet {
            for remark in remarks {
                say(&format!("clearml-verify: {}\n", escape_lines(remark)));
            }
        }
    }

    /// Writes what can be written only now, and tells the exit code. What is part of a run cannot tell what the whole misses.
    pub(crate) fn end(mut self, receipt: Option<&Receipt>) -> Result<u8, Error> {
        let mut remarks = self.policy.remarks(self.cli, &self.asked);
        if let (Some(baseline), Some(path)) = (&self.baseline, &self.cli.baseline) {
            remarks.extend(baseline.remarks(self.cli, path, &self.asked));
        }
        if let (Some(mut recorded), Some(path)) = (self.recorded.take(), &self.cli.write_baseline) {
            recorded.keep(path)?;
            remarks.extend(recorded.remarks(path));
            match path == Path::new("-") {
                true => self.print(&recorded.text())?,
                false => write_secret_file(path, &recorded.text(), true)?,
            }
            if self.judgment.is_unknown {
                remarks.push("not all was checked, and only findings can be recorded. To see what is missing, run this without --write-baseline".to_owned());
            }
            self.remark(&remarks);
            // A baseline cannot accept what was not checked.
            return Ok(self.worse(self.judgment.code(FailOn::Never)));
        }
        if matches!(self.cli.format, Format::Gitlab) {
            // Everything in that report is an issue at a line.
            remarks.extend(self.hidden.words());
        }
        self.remark(&remarks);
        let trend = self.since.take().map(Since::end);
        let seen = Seen {
            reports: &self.reports,
            receipt: receipt.filter(|_| self.judgment.has_server),
            hidden: &self.hidden,
            trend: trend.as_ref(),
        };
        let has_files = !self.files.is_empty();
        for mut file in std::mem::take(&mut self.files) {
            file.text.push(&file.printer.end(&seen))?;
            file.text.write(match file.format {
                // The collector runs as another user, and there are only numbers in it.
                Format::Prometheus => Mode::Anyone,
                _ => Mode::Private,
            })?;
        }
        let text = self.screen.as_mut().map(|printer| printer.end(&seen));
        self.print(&text.unwrap_or_default())?;
        self.say_what_fixes();
        if !self.is_open && !has_files {
            // Anyone who closed the pipe asks for nothing more.
            return Ok(exit::FINE);
        }
        let fail_on = self.cli.fail_on.unwrap_or(FailOn::Warning);
        Ok(self.worse(match receipt {
            _ if self.cli.effective && self.judgment.has_nothing => exit::FAILED,
            _ if self.cli.effective => exit::FINE,
            Some(_) => self.judgment.proof(),
            None => self.judgment.code(fail_on),
        }))
    }

    /// Says to a person at a terminal, who sees the end of a long text, how all of it is fixed.
    fn say_what_fixes(&self) {
        let is_of_findings = matches!(self.cli.format, Format::Text)
            && !(self.cli.fix || self.cli.effective || self.cli.summary);
        if self.is_fixable && is_of_findings && self.screen.is_some() && io::stdout().is_terminal()
        {
            self.remark(&["to see the commands that fix this, add --fix".to_owned()]);
        }
    }

    /// A file that cannot be parsed is an error, whatever else there is.
    fn worse(&self, code: u8) -> u8 {
        match self.broken.is_empty() {
            true => code,
            false => exit::FAILED,
        }
    }

    fn print(&mut self, text: &str) -> Result<(), Error> {
        if self.is_open && !text.is_empty() {
            self.is_open =
                exit::write_product(io::stdout().lock(), text.as_bytes()).map_err(Error::Output)?;
        }
        Ok(())
    }

    /// Whether more reports go anywhere: to files they do where nobody reads what is printed.
    pub(crate) fn is_of_use(&self) -> bool {
        self.is_open || !self.files.is_empty() || self.recorded.is_some()
    }

    /// The first of a report's files that this would replace.
    fn to_be_lost<'r>(&self, report: &'r Report) -> Option<&'r Path> {
        match &report.subject {
            Subject::Deployment(outline) => outline.to_be_lost.as_deref(),
            Subject::Nothing(path) => {
                let is_lost = |replaced: &PathBuf| is_same(replaced, path);
                self.replaced.iter().any(is_lost).then_some(path)
            }
            Subject::Clients(_) | Subject::Server { .. } => None,
        }
    }

    /// Takes out what is accepted, or below what is asked for, and counts it.
    fn hide(&mut self, report: &mut Report) {
        let all = report.findings.len();
        self.hidden.comments += report.left_out;
        if let Some(path) = self.policy.path().filter(|_| !self.cli.no_ignore) {
            let path = path.to_owned();
            let none = || (path, Taken::default());
            let (_, taken) = self.hidden.accepted.get_or_insert_with(none);
            *taken += self.policy.accept(report);
        }
        if let (Some(baseline), Some(path)) = (&mut self.baseline, &self.cli.baseline) {
            baseline.accept(report);
            self.hidden.baseline = Some((path.clone(), baseline.count()));
        }
        let least = match self.cli.min_severity {
            Some(cli::Severity::Error) => Some(Severity::Error),
            Some(cli::Severity::Warning) => Some(Severity::Warning),
            Some(cli::Severity::Note) | None => None,
        };
        if let Some(least) = least {
            self.hidden.below(least, report);
        }
        report.left_out += all - report.findings.len() + report.left_unchecked;
    }
}
