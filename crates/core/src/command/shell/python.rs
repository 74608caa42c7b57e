//! What Python is told to run: a text, a module or a script, behind options of its own.

use crate::command::state::State;
use crate::knowable::Knowable;

/// What Python runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program<'w> {
    Module(&'w str),
    Script(&'w str),
    Text(&'w str),
}

/// What runs a module of Python that it is told, from the folder that it is in.
const RUNNERS: [&str; 4] = ["flask", "gunicorn", "uvicorn", "uwsgi"];

impl State {
    /// Notes from where a program that is started with these words runs Python.
    pub(super) fn runs(&mut self, words: &[Knowable<String>]) {
        let known = words
            .iter()
            .map(|word| word.known().map_or("", String::as_str));
        let known: Vec<&str> = known.collect();
        let Some((first, told)) = known.split_first() else {
            return;
        };
        let name = first.rsplit('/').next().unwrap_or_default();
        let run = program(told).filter(|_| is_python(name));
        let paths = match run.map(|(run, _)| run) {
            Some(Program::Script(path)) => {
                let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
                vec![format!("{folder}/"), path.to_owned()]
            }
            Some(Program::Module(_) | Program::Text(_)) => vec![".".to_owned()],
            None if RUNNERS.contains(&name) => vec![".".to_owned()],
            None => return,
        };
        let paths = paths.iter().filter_map(|path| self.absolute(path));
        let paths: Vec<String> = paths.collect();
        self.code.extend(paths);
    }
}

/// Whether a program of this name is Python.
pub(crate) fn is_python(name: &str) -> bool {
    name.starts_with("python") || name == "pypy3"
}

/// What Python runs with these words behind its name, and where the words of that begin. None where it reads its input.
pub(crate) fn program<'w>(words: &[&'w str]) -> Option<(Program<'w>, usize)> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let Some(letters) = word.strip_prefix('-') else {
            return Some((Program::Script(word), at));
        };
        if *word == "--check-hash-based-pycs" {
            at += 1;
        }
        // `-uX dev`, `-um NAME`, `-mNAME`: the first letter that takes a word ends the others.
        let Some(end) = letters
            .find(['c', 'm', 'W', 'X'])
            .filter(|_| !word.starts_with("--"))
        else {
            if letters.is_empty() {
                return None;
            }
            continue;
        };
        let (letter, attached) = letters[end..].split_at(1);
        let value = match attached {
            "" => {
                at += 1;
                *words.get(at - 1)?
            }
            attached => attached,
        };
        match letter {
            "c" => return Some((Program::Text(value), at)),
            "m" => return Some((Program::Module(value), at)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_python_come_first() {
        let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
        for (text, expected) in [
            ("x.py -m y", Some((Program::Script("x.py"), 1))),
            (
                "-u -X dev -W ignore x.py -c",
                Some((Program::Script("x.py"), 6)),
            ),
            ("-um gunicorn -m x", Some((Program::Module("gunicorn"), 2))),
            (
                "-Bmgunicorn.app x",
                Some((Program::Module("gunicorn.app"), 1)),
            ),
            ("-Xdev -Ic pass x", Some((Program::Text("pass"), 3))),
            (
                "--check-hash-based-pycs never -E x",
                Some((Program::Script("x"), 4)),
            ),
            ("- x", None),
            ("-u", None),
            ("-m", None),
        ] {
            assert_eq!(program(&words(text)), expected, "{text}");
        }
    }
}
