//! Runs of clearml-rotate: to their end, or to a signal.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::{Bed, Ended, PATIENCE, kill};

impl Bed {
    /// Runs the script to its end.
    pub fn run(&self, words: &[&str]) -> Ended {
        self.run_with(words, &[])
    }

    /// The same, with variables more.
    pub fn run_with(&self, words: &[&str], more: &[(&str, &str)]) -> Ended {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        self.end(self.spawn(&self.here, &words, more))
    }

    /// Rotates, without asking.
    pub fn rotate(&self, words: &[&str]) -> Ended {
        self.rotate_with(words, &[])
    }

    /// The same, with variables more.
    pub fn rotate_with(&self, words: &[&str], more: &[(&str, &str)]) -> Ended {
        let mut all = self.arguments();
        all.push("--yes".to_owned());
        all.extend(words.iter().map(|&word| word.to_owned()));
        self.end(self.spawn(&self.here, &all, more))
    }

    /// Rotates from outside the deployment's folder, without asking.
    pub fn rotate_from_elsewhere(&self) -> Ended {
        let mut all = self.arguments_from(&self.here);
        all.push("--yes".to_owned());
        self.end(self.spawn(self.folder.path(), &all, &[]))
    }

    /// Rotates, and sends a signal to the script at a call of a program: `STOP_BEFORE`, `STOP_AFTER` or
    /// `STOP_AMID` it. None where it is not called.
    pub fn rotate_until(&self, stop: &str, pattern: &str, signal: &str) -> Option<Ended> {
        drop(fs::remove_file(self.folder.path().join("reached")));
        let mut words = self.arguments();
        words.push("--yes".to_owned());
        let mut child = self.spawn(&self.here, &words, &[(stop, pattern)]);
        let since = Instant::now();
        let stopped = loop {
            if let Ok(text) = fs::read_to_string(self.folder.path().join("reached")) {
                break text;
            }
            if since.elapsed() > PATIENCE || child.try_wait().unwrap().is_some() {
                drop(child.kill());
                drop(child.wait());
                return None;
            }
            thread::sleep(Duration::from_millis(20));
        };
        if stop == "STOP_AMID" {
            // Into the work of the program that was called.
            thread::sleep(Duration::from_millis(200));
        }
        assert!(kill(signal, &child.id().to_string()));
        let ended = self.end(child);
        for process in stopped.split_whitespace() {
            kill("KILL", process);
        }
        Some(ended)
    }
}
