//! gunicorn sets variables itself before it loads a server: by `-e`, by `GUNICORN_CMD_ARGS`, and by its configuration, which is
//! Python (docs/clearml.md#gunicorn).

use super::Shell;
use super::python::{self, Program};
use crate::command::state::State;
use crate::knowable::{Knowable, Reason};

/// Why variables may be others.
const UNREAD: &str = "its gunicorn has options or a configuration file that may set variables";

/// Where the images' own script is when it starts gunicorn, and what else may be a folder of `gunicorn.conf.py`.
const FOLDERS: [&str; 4] = [
    "/",
    "/opt/clearml",
    "/opt/clearml/apiserver",
    "/opt/clearml/fileserver",
];

/// What gunicorn is told in one place, as far as it changes variables.
#[derive(Default)]
struct Told {
    config: Option<String>,
    /// All `NAME=VALUE` of one place take the place of all those of an earlier one.
    variables: Option<Vec<String>>,
    /// The folder in which the server is loaded, and from which.
    folder: Option<String>,
}

/// How the images' own script starts a server with gunicorn.
struct Recipe {
    prefix: &'static str,
    folder: &'static str,
    /// The variable whose text gunicorn reads as options, and the one of other releases.
    arguments: [&'static str; 2],
}

/// The words after gunicorn's name, where a command starts it, by Python or by itself.
pub(super) fn arguments(words: &[Knowable<String>]) -> Option<&[Knowable<String>]> {
    let known = words
        .iter()
        .map(|word| word.known().map_or("", String::as_str));
    let known: Vec<&str> = known.collect();
    let (program, told) = known.split_first()?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    if name(program) == "gunicorn" {
        return Some(&words[1..]);
    }
    let (run, at) = python::program(told).filter(|_| python::is_python(&name(program)))?;
    let is_it = match run {
        Program::Module(module) => module.split('.').next() == Some("gunicorn"),
        Program::Script(path) => name(path) == "gunicorn",
        Program::Text(_) => false,
    };
    is_it.then(|| &words[1 + at..])
}

impl Shell<'_> {
    /// What gunicorn sets, told by its words and by the text of `GUNICORN_CMD_ARGS`.
    pub(super) fn gunicorn(
        &self,
        words: &[Knowable<String>],
        arguments: Result<Option<String>, Reason>,
        state: &mut State,
    ) {
        let from_environment = match arguments {
            Ok(text) => split(text.as_deref().unwrap_or_default()),
            // Where anything may be set, that is said already.
            Err(_) if state.unknown.is_some() => split(""),
            Err(_) => None,
        };
        let told = told(words).zip(from_environment.and_then(|words| told(&words)));
        let told = told.and_then(|(line, environment)| {
            let config = line.config.or(environment.config);
            let configured = self.configured(config.as_deref(), state)?;
            let folder = line.folder.or(environment.folder).or(configured.folder);
            let variables = line.variables.or(environment.variables);
            let variables = variables.or(configured.variables).unwrap_or_default();
            // It takes away what is around each, and without a value it does not start.
            let pairs = variables.iter().map(|one| stripped(one).split_once('='));
            let pairs = pairs
                .map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned())))
                .collect::<Option<Vec<_>>>();
            Some((folder, pairs?))
        });
        match told {
            Some((folder, variables)) => {
                if let Some(folder) = folder {
                    state.enter(Knowable::Known(folder));
                    state.code.extend(state.folder.known().cloned());
                }
                for (name, value) in variables {
                    state.export(&name, Knowable::Known(Some(value)));
                }
            }
            None => {
                state.lose(&UNREAD.into());
                state.enter(Knowable::unknown(UNREAD));
            }
        }
    }

    /// What the configuration file says; none where it may do anything.
    fn configured(&self, named: Option<&str>, state: &State) -> Option<Told> {
        let folder = state.folder.known();
        let path = match (named, folder) {
            (Some(named), folder) => {
                let path = named.strip_prefix("file:").unwrap_or(named);
                match (path.starts_with('/'), folder) {
                    (true, _) => path.to_owned(),
                    (false, Some(folder)) if !path.contains(':') => format!("{folder}/{path}"),
                    (false, _) => return None,
                }
            }
            (None, Some(folder)) => format!("{folder}/gunicorn.conf.py"),
            (None, None) => {
                let mut folders = FOLDERS.iter();
                let is_any =
                    folders.any(|folder| (self.around.has)(&format!("{folder}/gunicorn.conf.py")));
                return (!is_any).then(Told::default);
            }
        };
        let path = crate::container_path::cleaned(&path);
        if named.is_none() && !(self.around.has)(&path) {
            return Some(Told::default());
        }
        settings((self.around.file)(&path).known()?)
    }

    /// What the images' own script gives a server that it starts with gunicorn, if a variable lets it.
    pub(super) fn perhaps_gunicorn(&self, server: &str, state: &mut State) {
        let recipe = match server {
            "apiserver" => Recipe {
                prefix: "CLEARML",
                folder: "/opt/clearml",
                arguments: ["CLEARML_GUNICORN_CMD_ARGS", "GUNICORN_CMD_ARGS"],
            },
            "fileserver" => Recipe {
                prefix: "FILESERVER",
                folder: "/opt/clearml/fileserver",
                arguments: ["GUNICORN_CMD_ARGS", "FILESERVER_GUNICORN_CMD_ARGS"],
            },
            _ => return,
        };
        let is_certain = match state.lookup(&format!("{}_USE_GUNICORN", recipe.prefix), self.around)
        {
            Ok(text) if text.as_deref().unwrap_or_default().is_empty() => return,
            Err(_) if state.unknown.is_some() => return,
            // Releases differ in whether the file server takes any text for yes.
            Ok(text) => server == "apiserver" || text.as_deref() == Some("true"),
            Err(_) => false,
        };
        let before = state.clone();
        *state = self.under(&recipe, recipe.arguments[0], &before);
        if !matches!(before.lookup(recipe.arguments[1], self.around), Ok(None)) {
            let other = self.under(&recipe, recipe.arguments[1], &before);
            state.doubt_since(&other);
            if let Some(reason) = other.unknown {
                state.lose(&reason);
            }
        }
        if !is_certain {
            state.doubt_since(&before);
        }
    }

    fn under(&self, recipe: &Recipe, arguments: &str, before: &State) -> State {
        let mut state = before.clone();
        state.folder = Knowable::Known(recipe.folder.to_owned());
        let mut words = Vec::new();
        for option in ["MAX_REQUESTS", "MAX_REQUESTS_JITTER"] {
            // The script does not quote these: what is behind a space is an argument of its own.
            let name = format!("{}_GUNICORN_{option}", recipe.prefix);
            match state.lookup(&name, self.around) {
                Ok(text) => {
                    let text = text.unwrap_or_default();
                    let parts = text.split_whitespace().map(str::to_owned);
                    words.extend(parts.map(Knowable::Known));
                }
                Err(reason) => words.push(Knowable::Unknown(reason)),
            }
        }
        let arguments = state.lookup(arguments, self.around);
        self.gunicorn(&words, arguments, &mut state);
        state.folder = before.folder.clone();
        state
    }
}

/// What options say; none where they cannot be read, or lead to code that may set variables.
fn told(words: &[Knowable<String>]) -> Option<Told> {
    let mut told = Told::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        let word = word.known()?;
        if word == "--" {
            break;
        }
        let (option, attached) = match word.strip_prefix("--") {
            Some(long) => match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            },
            None => short(word),
        };
        match option {
            "e" | "env" | "c" | "config" | "chdir" => {}
            // Others take a word, or none; what that is changes no variable.
            _ if is_harmless(option) => {
                let is_value = attached.is_none() && words.get(at).is_some_and(is_unknown);
                at += usize::from(is_value);
                continue;
            }
            _ => return None,
        }
        let value = match attached {
            Some(value) => value.to_owned(),
            None => {
                at += 1;
                words.get(at - 1)?.known()?.clone()
            }
        };
        match option {
            "e" | "env" => told.variables.get_or_insert_default().push(value),
            "chdir" => told.folder = Some(value),
            _ => told.config = Some(value),
        }
    }
    Some(told)
}

/// A text without what Python takes for space around it.
fn stripped(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

fn is_unknown(word: &Knowable<String>) -> bool {
    word.known().is_none()
}

/// The first letter of `-DRe…` that takes a value, and what is behind it; nothing for an argument.
fn short(word: &str) -> (&str, Option<&str>) {
    let Some(letters) = word.strip_prefix('-') else {
        return ("", Some(""));
    };
    let letters = letters.trim_start_matches(['D', 'R']);
    let Some(first) = letters.chars().next() else {
        return ("", Some(""));
    };
    let (option, rest) = letters.split_at(first.len_utf8());
    (option, Some(rest).filter(|rest| !rest.is_empty()))
}

/// Options may be shortened; those that are not harmless load code.
fn is_harmless(option: &str) -> bool {
    const LOADING: [&str; 5] = ["chdir", "config", "env", "paste", "pythonpath"];
    option.is_empty()
        || option.chars().count() == 1
        || !LOADING
            .iter()
            .any(|loading| loading.starts_with(option) || *loading == "paste" && option == "paster")
}

/// The words of a text as Python's `shlex` splits it; none for what it would refuse, or where a backslash is in it.
fn split(text: &str) -> Option<Vec<Knowable<String>>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (c, quote) {
            ('\\', _) => return None,
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ' | '\t' | '\r' | '\n', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let words = words.into_iter().map(Knowable::Known);
    quote.is_none().then(|| words.collect())
}

/// A piece of Python.
#[derive(Clone, PartialEq)]
enum Piece {
    End,
    Mark(char),
    Name(String),
    Text(String),
}

/// What a configuration says that does nothing but set plain values; none for any other.
fn settings(text: &str) -> Option<Told> {
    let pieces = pieces(text)?;
    let mut told = Told::default();
    for statement in pieces.split(|piece| *piece == Piece::End) {
        let name = |name: &str| Piece::Name(name.to_owned());
        let is_import = statement == [name("import"), name("multiprocessing")];
        match statement {
            [] => {}
            _ if is_import => {}
            [Piece::Name(set), Piece::Mark('='), value @ ..] => match set.as_str() {
                "raw_env" => told.variables = Some(texts(value)?),
                "chdir" => match value {
                    [Piece::Text(folder)] => told.folder = Some(folder.clone()),
                    _ => return None,
                },
                "paste" | "pythonpath" => return None,
                _ if value.iter().all(is_plain) => {}
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(told)
}

/// Whether a piece of a value runs nothing that sets variables.
fn is_plain(piece: &Piece) -> bool {
    const NAMES: [&str; 8] = [
        "False",
        "None",
        "True",
        "cpu_count",
        "int",
        "max",
        "min",
        "multiprocessing",
    ];
    match piece {
        Piece::Name(name) => {
            NAMES.contains(&name.as_str()) || name.bytes().all(|byte| byte.is_ascii_digit())
        }
        Piece::Mark(mark) => "()[]{},:.+-*/%".contains(*mark),
        Piece::Text(_) => true,
        Piece::End => false,
    }
}

/// A list of texts.
fn texts(value: &[Piece]) -> Option<Vec<String>> {
    let [Piece::Mark('[' | '('), inner @ .., Piece::Mark(']' | ')')] = value else {
        return None;
    };
    let mut items: Vec<&[Piece]> = inner.split(|piece| *piece == Piece::Mark(',')).collect();
    if items.last().is_some_and(|last| last.is_empty()) {
        items.pop();
    }
    let text = |item: &&[Piece]| match item {
        [Piece::Text(text)] => Some(text.clone()),
        _ => None,
    };
    items.iter().map(text).collect()
}

/// The pieces of plain Python; none where a text has a backslash, three quotes or a letter in front.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut depth = 0_usize;
    let mut rest = text;
    let mut is_line_start = true;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let starts = std::mem::replace(&mut is_line_start, c == '\n');
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        rest = match c {
            // Inside of something else.
            ' ' | '\t' if starts && depth == 0 && !is_blank(rest) => return None,
            ' ' | '\t' => after,
            '\r' if after.starts_with('\n') => after,
            '\n' => {
                pieces.extend((depth == 0).then_some(Piece::End));
                after
            }
            '#' => {
                let (comment, after) = after.split_at(after.find('\n').unwrap_or(after.len()));
                // Alone it ends a line as well.
                if comment.trim_end_matches('\r').contains('\r') {
                    return None;
                }
                after
            }
            '"' | '\'' => {
                let (body, after) = after.split_once(c)?;
                let is_letter_before = matches!(pieces.last(), Some(Piece::Name(_)));
                let is_tripled = body.is_empty() && after.starts_with(c);
                if body.contains(['\\', '\n', '\r']) || is_letter_before || is_tripled {
                    return None;
                }
                pieces.push(Piece::Text(body.to_owned()));
                after
            }
            _ if is_part(c) => {
                let (name, after) = rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
                pieces.push(Piece::Name(name.to_owned()));
                after
            }
            // Python takes some letters for others that look alike, so that none but these is read.
            _ => {
                depth += usize::from("([{".contains(c));
                depth = depth.saturating_sub(usize::from(")]}".contains(c)));
                pieces.push(Piece::Mark(c));
                after
            }
        };
    }
    Some(pieces)
}

fn is_blank(rest: &str) -> bool {
    let line = rest.lines().next().unwrap_or_default().trim_start();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw_env(text: &str) -> Option<Option<Vec<String>>> {
        settings(text).map(|told| told.variables)
    }

    #[test]
    fn a_plain_configuration_is_read() {
        for (text, expected) in [
            ("workers = 4\n# raw_env\nbind = '0.0.0.0:8008'\n", None),
            (
                "import multiprocessing\nworkers = multiprocessing.cpu_count() * 2 + 1",
                None,
            ),
            ("raw_env=[\"A=b\"]\n", Some(vec!["A=b"])),
            (
                "raw_env = [\n  'A=b',  # c\n  \"C=d e\",\n]\n",
                Some(vec!["A=b", "C=d e"]),
            ),
            ("raw_env = ('A=b',)\nraw_env = []", Some(vec![])),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect());
            assert_eq!(raw_env(text), Some(expected), "{text}");
        }
        for text in [
            "import os\nos.environ['A'] = 'b'",
            "raw_env = ['A=' + x]",
            "raw_env = ['A' '=b']",
            "raw_env = [f'A={b}']",
            "raw_env = [\"\"\"A=b\"\"\"]",
            "def on_starting(server):\n    pass",
            "if True:\n  raw_env = ['A=b']",
            "x = __import__('os').putenv('A', 'b')",
            "raw_env += ['A=b']",
            "exec('x')",
            "a = 1; raw_env = ['A=b']",
            "pythonpath = '/x'",
            "workers = 'a",
            "workers = \"",
            "# a line\rraw_env = ['A=b']",
            "workers = 4\rraw_env = ['A=b']",
            // Python takes the last letter for a `v`.
            "raw_en\u{ff56} = ['A=b']",
        ] {
            assert_eq!(raw_env(text), None, "{text}");
        }
    }

    #[test]
    fn a_configuration_is_read_to_wherever_it_ends() {
        let text =
            "import multiprocessing\r\nb = ('é', \"\") # it's\nraw_env = [\n  'A=\"b', # \"\n]\n";
        assert_eq!(raw_env(text), Some(Some(vec!["A=\"b".to_owned()])));
        for (at, _) in text.char_indices() {
            raw_env(&text[..at]);
            raw_env(&text[at..]);
        }
    }

    proptest! {
        #[test]
        fn any_configuration_is_read(text in "(raw_env = |'|\"|A=b|é|\\\\|#|[\\[\\](),=\r\n\t ]|.){0,12}") {
            raw_env(&text);
            split(&text);
        }
    }

    #[test]
    fn gunicorn_is_found_behind_python() {
        let known = |word: &&str| Knowable::Known((*word).to_owned());
        for (words, expected) in [
            (&["gunicorn", "a"][..], Some(1)),
            (&["/usr/bin/gunicorn", "-e", "A=b"], Some(2)),
            (&["python3", "-m", "gunicorn", "a"], Some(1)),
            (
                &["python3.11", "-X", "dev", "-W", "ignore", "-m", "gunicorn"],
                Some(0),
            ),
            (&["python", "-um", "gunicorn.app.wsgiapp", "a"], Some(1)),
            (&["python3", "-mgunicorn", "a"], Some(1)),
            (&["python3", "/usr/local/bin/gunicorn", "a"], Some(1)),
            (&["python3", "-m", "apiserver.server"], None),
            (&["echo", "gunicorn"], None),
            (&[], None),
        ] {
            let words: Vec<_> = words.iter().map(known).collect();
            assert_eq!(arguments(&words).map(<[_]>::len), expected, "{words:?}");
        }
    }

    #[test]
    fn a_text_is_split_as_python_splits_it() {
        let known = |text| {
            let words = split(text)?;
            let words = words.into_iter().filter_map(Knowable::into_known);
            Some(words.collect::<Vec<_>>().join("|"))
        };
        let expected = |text: &str| Some(text.to_owned());
        assert_eq!(known(" -e  'A=b c' \"\" x;y "), expected("-e|A=b c||x;y"));
        assert_eq!(known("a\"b c\"d"), expected("ab cd"));
        assert_eq!(known("a\\ b"), None);
        assert_eq!(known("a 'b"), None);
    }
}
