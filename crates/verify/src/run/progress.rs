//! How far a run is: a bar on a terminal, and nothing elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Cli;

/// What is over before is over before anybody reads a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar, once somebody waits for long enough.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// When it is going to be shown, if it is not yet and somebody can see it.
    due: Option<Instant>,
}

impl Progress {
    /// Of so many steps, in which something is done.
    pub(crate) fn new(cli: &Cli, what: &str, length: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::hidden());
        let template = format!("{what} {{wide_bar}} {{pos}}/{{len}} {{elapsed}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        let is_seen = !cli.general.quiet && io::stderr().is_terminal();
        Self {
            bar,
            due: is_seen.then(|| Instant::now() + PATIENCE),
        }
    }

    /// Shows it from now on, also between steps.
    pub(crate) fn at_once(mut self) -> Self {
        if self.due.is_some() {
            self.due = Some(Instant::now());
            self.show();
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
        self
    }

    /// One step more is done.
    pub(crate) fn step(&mut self) {
        self.bar.inc(1);
        self.show();
    }

    fn show(&mut self) {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = None;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Does something that may write to the terminal.
    pub(crate) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// Takes it away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
