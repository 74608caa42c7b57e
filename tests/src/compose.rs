//! Docker Compose itself, asked what it makes of files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use crate::files::{self, State};
use crate::oracle;
use crate::program::other;

/// How often a differing answer is asked for again.
const TRIES: usize = 12;

/// The program.
pub struct Compose {
    program: PathBuf,
    known: Mutex<HashMap<Asked, Known>>,
}

/// The files of a folder, and the words that name some of them.
type Asked = (State, Vec<String>, Vec<String>);
/// The folder that was asked for, and the answer.
type Known = (PathBuf, Result<Value, String>);

/// What is asked: files, later ones merged over the first, and env files in place of `.env`. Without any file, it is
/// what compose takes by itself.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Where compose runs.
    pub folder: &'q Path,
    /// The `-f`s.
    pub files: &'q [String],
    /// The `--env-file`s.
    pub env_files: &'q [String],
}

impl Compose {
    /// None is said where a person looks.
    pub fn find() -> Option<Self> {
        let program = oracle::docker_compose();
        if program.is_none() {
            oracle::skip("compose files against Docker Compose: it is not set up");
        }
        program.map(|program| Self {
            program,
            known: Mutex::default(),
        })
    }

    /// The whole project with all of its profiles, as compose would run it, or why it does not accept the files. Every
    /// `$` of a value is doubled, as in a compose file. What a secret or a config takes from a variable by its bare name is
    /// shown with it.
    pub fn view(&self, question: Question<'_>) -> Result<Value, String> {
        let shown = self.config(question, &["--profile", "*"], &["--format", "json"])?;
        let mut view: Value = serde_json::from_str(&shown).map_err(|error| error.to_string())?;
        let mut variables = None;
        for part in ["secrets", "configs"] {
            for (_, one) in view[part].as_object_mut().into_iter().flatten() {
                let Some(name) = one["environment"].as_str() else {
                    continue;
                };
                if variables.is_none() {
                    variables = Some(self.config(question, &[], &["--environment"])?);
                }
                let lines = variables.iter().flat_map(|text| text.lines());
                let value = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
                one["value of the variable"] = value.collect();
            }
        }
        Ok(view)
    }

    /// The same of files that may have been asked for before, in another folder: a run takes longer than most of ours.
    pub fn known_view(&self, question: Question<'_>) -> Result<Value, String> {
        let Question {
            folder,
            files,
            env_files,
        } = question;
        let asked = (files::state(folder), files.to_vec(), env_files.to_vec());
        let known = self.known.lock().unwrap().get(&asked).cloned();
        let (there, view) = known.unwrap_or_else(|| {
            let known = (folder.to_owned(), self.view(question));
            self.known.lock().unwrap().insert(asked, known.clone());
            known
        });
        view.map(|view| moved(&view, &there, folder))
    }

    fn config(
        &self,
        question: Question<'_>,
        options: &[&str],
        more: &[&str],
    ) -> Result<String, String> {
        let words = |option: &'static str, names: &[String]| -> Vec<String> {
            let words = names.iter().flat_map(|name| [option, name]);
            words.map(str::to_owned).collect()
        };
        let done = other(&self.program)
            .args(words("-f", question.files))
            .args(words("--env-file", question.env_files))
            .args(options.iter().copied())
            .arg("config")
            .args(more.iter().copied())
            // Its own settings are looked for there, and there are none.
            .env("HOME", question.folder)
            // It needs little memory, and a seventh less time where none of it is collected.
            .env("GOGC", "off")
            .env("GOMAXPROCS", "1")
            .within(question.folder)
            .done();
        if done.status != Some(0) {
            return Err(done.stderr.trim().to_owned());
        }
        Ok(done.stdout)
    }
}

/// What compose says of a folder, as it would say it of another one with the same files.
pub fn moved(view: &Value, from: &Path, to: &Path) -> Value {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_lowercase();
    // Compose makes the project's name of the folder's, without what a name may not have.
    let project = |path: &Path| {
        name(path)
            .trim_start_matches(['.', '_', '-'])
            .replace('.', "")
    };
    let text = view.to_string();
    let text = text.replace(from.to_str().unwrap(), to.to_str().unwrap());
    serde_json::from_str(&text.replace(&project(from), &project(to))).unwrap()
}

/// Holds two views against each other. Compose is not always of one mind (of `extends` onto an `environment: !override`,
/// for one), so a difference counts only if it comes again each time that both are asked for.
pub fn compare(
    first: [&Value; 2],
    again: &dyn Fn() -> Result<[Value; 2], String>,
    check: &dyn Fn(&Value, &Value) -> Result<(), String>,
) -> Result<(), String> {
    let Err(why) = check(first[0], first[1]) else {
        return Ok(());
    };
    let mut views = vec![first.map(Value::clone)];
    for _ in 0..TRIES {
        views.push(again()?);
        let mut pairs = views
            .iter()
            .flat_map(|[before, _]| views.iter().map(move |[_, after]| (before, after)));
        if pairs.any(|(before, after)| check(before, after).is_ok()) {
            return Ok(());
        }
    }
    Err(why)
}
