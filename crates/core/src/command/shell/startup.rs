//! The files that a shell reads before its script: `BASH_ENV`, those of a login and those of a person at a terminal
//! (docs/clearml.md#what-a-shell-reads-first).
//!
//! Those of the image itself set nothing that a server reads as configuration. What is mounted there is followed.

use super::Shell;
use super::launch::Options;
use super::word::BLANKS;
use crate::knowable::{Knowable, Reason};

/// Why any command may do something else.
const FUNCTIONS: &str =
    "its shell gets functions from a variable `BASH_FUNC_…`, which may replace any command";

impl Shell<'_> {
    /// Reads what a shell of this name reads first.
    pub(super) fn start_up(&mut self, name: &str, options: &Options) {
        let is_own_function = |name: &String| name.starts_with("BASH_FUNC_");
        if self.around.has_functions || self.state.variables.keys().any(is_own_function) {
            self.lose(FUNCTIONS);
        }
        // It is a shell's own, whatever the program that starts it passes on.
        if let Ok(Some(_)) = self.variable("IFS") {
            self.assign("IFS", Knowable::Known(BLANKS.to_owned()));
        }
        if name == "zsh" {
            return self.zsh();
        }
        let is_bash = name == "bash" && !options.is_posix;
        if options.is_login && !options.skips_profile {
            self.log_in(is_bash);
        }
        match (is_bash, options.is_interactive) {
            (true, true) if options.is_login || options.skips_rc => {}
            (true, true) => {
                // Debian's bash reads it, others do not.
                self.perhaps("/etc/bash.bashrc");
                match &options.rc_file {
                    Some(file) => self.follow(file.clone()),
                    None => self.at_home(&[".bashrc"], false),
                }
            }
            (true, false) => self.named_by("BASH_ENV"),
            (false, true) => self.named_by("ENV"),
            (false, false) => {}
        }
    }

    fn log_in(&mut self, is_bash: bool) {
        if !self.follow_mounted("/etc/profile") {
            for path in (self.around.scripts)("/etc/profile.d") {
                self.follow(Knowable::Known(path));
            }
        }
        self.perhaps("/etc/bashrc");
        match is_bash {
            true => self.at_home(
                &[".bash_profile", ".bash_login", ".profile", ".bashrc"],
                true,
            ),
            false => self.at_home(&[".profile"], false),
        }
    }

    /// The first of these files in the home of the user. Where the image may have one of `several` before it, or where
    /// nobody knows which folder it is, it is read only perhaps.
    fn at_home(&mut self, names: &[&str], several: bool) {
        let homes = match self.variable("HOME") {
            Ok(Some(home)) if home.starts_with('/') => vec![home],
            _ => (self.around.homes)(),
        };
        for home in &homes {
            for (at, name) in names.iter().enumerate() {
                let path = format!("{}/{name}", home.trim_end_matches('/'));
                let is_certain = homes.len() == 1 && (at == 0 || !several);
                if is_certain && self.follow_mounted(&path) {
                    return;
                }
                if !is_certain {
                    self.perhaps(&path);
                }
            }
        }
    }

    fn zsh(&mut self) {
        let homes = (self.around.homes)();
        for folder in homes.iter().map(String::as_str).chain(["/etc", "/etc/zsh"]) {
            let dot = if folder.starts_with("/etc") { "" } else { "." };
            for name in ["zshenv", "zprofile", "zshrc", "zlogin"] {
                self.perhaps(&format!("{folder}/{dot}{name}"));
            }
        }
    }

    /// The file that a variable names.
    fn named_by(&mut self, name: &str) {
        let text = match self.variable(name) {
            Ok(path) if path.as_deref().unwrap_or_default().is_empty() => return,
            Ok(Some(path)) if !path.contains(['$', '`', '~', '\\']) => {
                self.text_of(&path, &self.state)
            }
            // Nothing more is lost.
            Err(_) if self.state.unknown.is_some() => return,
            _ => Knowable::unknown("its name is made by the shell"),
        };
        let why = format!("its shell reads a file first, which {name} names");
        self.read(text, why.into());
    }

    /// Reads a file that is mounted, and says whether one is.
    fn follow_mounted(&mut self, path: &str) -> bool {
        let is_mounted = (self.around.has)(path);
        if is_mounted {
            self.follow(Knowable::Known(path.to_owned()));
        }
        is_mounted
    }

    /// A file that may be read.
    fn perhaps(&mut self, path: &str) {
        let before = self.state.clone();
        if self.follow_mounted(path) {
            self.state.doubt_since(&before);
            self.state.has_ended = false;
        }
    }

    fn follow(&mut self, path: Knowable<String>) {
        let text = path.and_then(|path| self.text_of(&path, &self.state));
        let why = "its shell reads a file first that is mounted and cannot be read here";
        self.read(text, why.into());
    }

    /// Follows a text; where there is none, it may have done anything.
    fn read(&mut self, text: Knowable<String>, why: Reason) {
        match text {
            Knowable::Known(text) => self.script(&text),
            Knowable::Unknown(_) => {
                self.state.lose(&why);
                self.writes = true;
            }
        }
    }
}
