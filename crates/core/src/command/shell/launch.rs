//! A program that is started: what stands before it (`env`, a launcher, `wait-for …`) and what it is.

use super::Shell;
use super::gunicorn;
use super::launcher;
use super::python::is_python;
use super::word::Context;
use crate::command::lex::{self, Token};
use crate::command::state::State;
use crate::knowable::Knowable;

/// Why what `env` is told is not known.
const NOT_FOLLOWED: &str = "its command uses options of env that are not followed";

/// A program that gets started.
pub(in crate::command) struct Launch {
    pub(in crate::command) words: Vec<Knowable<String>>,
    /// The variables that it is given.
    pub(in crate::command) state: State,
}

/// Programs that are themselves the server, or that wait for one.
const TRUSTED: [&str; 16] = [
    "async_delete",
    "cat",
    "clearml-agent",
    "curl",
    "flask",
    "gunicorn",
    "nc",
    "nginx",
    "ping",
    "sleep",
    "tail",
    "trains-agent",
    "uvicorn",
    "uwsgi",
    "wait",
    "wget",
];

/// Whether a program is a shell, by its name or its path.
pub(crate) fn is_shell(program: &str) -> bool {
    const SHELLS: [&str; 6] = ["ash", "bash", "dash", "ksh", "sh", "zsh"];
    SHELLS.contains(&program.rsplit('/').next().unwrap_or(program))
}

/// What the images' own script is told to start.
const SERVERS: [&str; 5] = [
    "apiserver",
    "clearml-server",
    "fileserver",
    "trains-server",
    "webserver",
];

/// A script of ClearML's own images, which sets nothing that a server reads as configuration.
pub(crate) fn is_own_script(path: &str) -> bool {
    const FOLDERS: [&str; 3] = ["/opt/clearml/", "/opt/trains/", "/usr/agent/"];
    const NAMES: [&str; 3] = ["entrypoint.sh", "services.sh", "wrapper.sh"];
    FOLDERS.iter().any(|folder| path.starts_with(folder))
        && path
            .rsplit('/')
            .next()
            .is_some_and(|name| NAMES.contains(&name))
}

/// The same of a path from the folder in which a program is.
fn is_own(path: &str, state: &State) -> bool {
    let absolute = state.absolute(path).filter(|_| path.contains('/'));
    is_own_script(absolute.as_deref().unwrap_or(path))
}

impl Shell<'_> {
    /// Starts a program with these variables, and follows it as far as it is a shell.
    pub(in crate::command) fn launch(
        &mut self,
        mut words: Vec<Knowable<String>>,
        mut state: State,
    ) {
        while let Some(program) = words.first().cloned() {
            let Knowable::Known(program) = program else {
                state.lose(&"its command is not known".into());
                self.writes |= self.depth > 0 && !self.starts(&words);
                break;
            };
            let name = program.rsplit('/').next().unwrap_or(&program).to_owned();
            if name == "busybox" {
                words.remove(0);
            } else if name == "env" {
                words = self.environment(&words, &mut state);
            } else if let Some(rest) = launcher::started(&name, &words[1..], &mut state) {
                words = rest;
            } else if name.starts_with("wait")
                && !words
                    .iter()
                    .any(|word| word.known().is_some_and(|w| w == "--"))
            {
                break;
            } else if name.starts_with("wait") {
                let end = words
                    .iter()
                    .position(|word| word.known().is_some_and(|w| w == "--"));
                words.drain(..=end.unwrap_or(0));
            } else if is_shell(&name) {
                return self.shell(&name, &words, state);
            } else if self.functions.contains(&name) || self.is_script(&program, &words, &state) {
                return;
            } else if is_own(&program, &state) || SERVERS.contains(&name.as_str()) {
                let mut child = self.child(state);
                child.is_bash = true;
                child.start_up("bash", &Options::default());
                child.image_script(words);
                self.writes |= child.writes;
                self.launches.append(&mut child.launches);
                return;
            } else {
                if let Some(arguments) = gunicorn::arguments(&words) {
                    let told = state.lookup("GUNICORN_CMD_ARGS", self.around);
                    self.gunicorn(arguments, told, &mut state);
                }
                state.runs(&words);
                let is_trusted = is_trusted(&name, &words);
                self.note_writes(&name, &words, is_trusted);
                if !is_trusted {
                    state.lose(
                        &"its command runs a program or script that may set variables".into(),
                    );
                }
                break;
            }
        }
        self.launches.push(Launch { words, state });
    }

    /// `sh -c TEXT NAME ARGUMENT …` or `sh FILE ARGUMENT …`.
    fn shell(&mut self, name: &str, words: &[Knowable<String>], mut state: State) {
        let options = Options::of(&words[1..]);
        let rest = &words[1 + options.count..];
        let Some(first) = rest.first() else {
            // It runs what it reads from its input.
            self.writes |= self.depth > 0;
            self.launches.push(Launch {
                words: words.to_vec(),
                state,
            });
            return;
        };
        let mut child = self.child(state.clone());
        child.is_bash = ["bash", "ksh", "zsh"].contains(&name);
        child.start_up(name, &options);
        child.state.exports_all = Knowable::Known(options.exports_all);
        if let Some(name) = rest.get(usize::from(options.is_text)) {
            child.name = name.clone();
        }
        child.positional = rest
            .get(1 + usize::from(options.is_text)..)
            .unwrap_or_default()
            .to_vec();
        child.has_arguments = child.positional.iter().all(|word| word.known().is_some());
        let text = match (options.is_text, first.clone()) {
            (true, text) => text,
            (false, file) => file.and_then(|path| self.text_of(&path, &state)),
        };
        // A shell looks for a file in the folder that it is in, whatever its name looks like.
        let is_own = |path: &String| {
            let absolute = state.absolute(path);
            !options.is_text && is_own_script(absolute.as_deref().unwrap_or(path))
        };
        match text {
            Knowable::Known(text) => child.script(&text),
            Knowable::Unknown(_) if first.known().is_some_and(is_own) => {
                child.image_script(rest.to_vec());
            }
            Knowable::Unknown(_) => {
                state.lose(&"its command runs a shell script that may set variables".into());
                self.note_writes(name, words, false);
                child.launches.push(Launch {
                    words: words.to_vec(),
                    state: state.clone(),
                });
            }
        }
        if child.launches.is_empty() {
            // It starts nothing that is known; what it leaves is all there is to say.
            child.launches.push(Launch {
                words: words.to_vec(),
                state: child.state.exported(),
            });
        }
        self.writes |= child.writes;
        self.launches.append(&mut child.launches);
    }

    /// Follows a program that is a shell script whose text is here.
    fn is_script(&mut self, program: &str, words: &[Knowable<String>], state: &State) -> bool {
        if !program.contains('/') {
            return false;
        }
        let Knowable::Known(text) = self.text_of(program, state) else {
            return false;
        };
        let Some(mut interpreter) = interpreter(&text) else {
            return false;
        };
        interpreter.extend_from_slice(words);
        self.launch(interpreter, state.clone());
        true
    }

    /// The text of a file, from the folder in which a program is.
    pub(super) fn text_of(&self, path: &str, state: &State) -> Knowable<String> {
        match (state.absolute(path), &state.folder) {
            (Some(path), _) => (self.around.file)(&path),
            (None, Knowable::Unknown(reason)) => Knowable::Unknown(reason.clone()),
            (None, Knowable::Known(_)) => {
                Knowable::unknown("its command runs a file that is not known")
            }
        }
    }

    /// The images' own script, in this shell. Started by itself, that is one of bash.
    fn image_script(&mut self, words: Vec<Knowable<String>>) {
        let mut state = self.state.exported();
        let server = words.iter().take(2).filter_map(Knowable::known);
        for server in server.filter(|word| SERVERS.contains(&word.as_str())) {
            self.perhaps_gunicorn(server, &mut state);
        }
        self.launches.push(Launch { words, state });
    }
}

/// The shell of a script and what it is told, by the script's first line.
fn interpreter(text: &str) -> Option<Vec<Knowable<String>>> {
    let first = text.lines().next()?.strip_prefix("#!")?.trim();
    let words: Vec<&str> = match first.split_once([' ', '\t']) {
        // The kernel splits no further.
        Some((program, argument)) => vec![program, argument.trim_start()],
        None => vec![first],
    };
    let is_one = |word: &&str| is_shell(word);
    let is_for_shell = words.first().is_some_and(is_one)
        || words[0].ends_with("/env") && words.last().is_some_and(is_one);
    let known = words
        .into_iter()
        .map(|word| Knowable::Known(word.to_owned()));
    is_for_shell.then(|| known.collect())
}

fn is_trusted(name: &str, words: &[Knowable<String>]) -> bool {
    if is_python(name) {
        let sets = |word: &Knowable<String>| {
            word.known()
                .is_none_or(|word| word.contains("environ") || word.contains("putenv"))
        };
        return !words.iter().any(sets);
    }
    // These set variables by options of their own.
    let sets = match name {
        "flask" | "uvicorn" => &["-e", "--env"][..],
        "uwsgi" => &["--env", "--ini", "--json", "--set", "--xml", "--yaml"],
        _ => &[],
    };
    let words = words.iter().filter_map(Knowable::known);
    TRUSTED.contains(&name)
        && !words
            .skip(1)
            .any(|word| sets.iter().any(|set| word.starts_with(set)))
}

/// What `env` is told, from left to right.
struct Told {
    /// What is left; the first word comes last.
    rest: Vec<Knowable<String>>,
}

impl Told {
    /// The word of an option: what follows it in the same word, or the next one.
    fn argument(&mut self, attached: &str) -> Knowable<String> {
        match attached {
            "" => self
                .rest
                .pop()
                .unwrap_or_else(|| Knowable::unknown("its command ends at an option of env")),
            attached => Knowable::Known(attached.to_owned()),
        }
    }
}

impl Shell<'_> {
    /// `env [-i] [-u NAME] [-S TEXT] [NAME=VALUE …] PROGRAM …`: what is left.
    fn environment(
        &mut self,
        words: &[Knowable<String>],
        state: &mut State,
    ) -> Vec<Knowable<String>> {
        let mut told = Told {
            rest: words[1..].iter().rev().cloned().collect(),
        };
        let mut is_after_options = false;
        while let Some(word) = told.rest.pop() {
            let Knowable::Known(text) = &word else {
                // It may be a variable or the program.
                state.lose(&"its command sets a variable that is not known".into());
                told.rest.push(word);
                break;
            };
            if !is_after_options && text.starts_with('-') {
                is_after_options = text == "--";
                match text.strip_prefix("--") {
                    Some(long) => self.long_option(long, &mut told, state),
                    None => self.options(&text[1..], &mut told, state),
                }
                continue;
            }
            let Some((name, value)) = text.split_once('=') else {
                told.rest.push(word);
                break;
            };
            state.export(name, Knowable::Known(Some(value.to_owned())));
            is_after_options = true;
        }
        told.rest.reverse();
        told.rest
    }

    fn long_option(&mut self, long: &str, told: &mut Told, state: &mut State) {
        let (name, attached) = long.split_once('=').unwrap_or((long, ""));
        match name {
            "" | "null" | "debug" => {}
            "ignore-environment" => self.options("i", told, state),
            "unset" => self.options(&format!("u{attached}"), told, state),
            "chdir" => self.options(&format!("C{attached}"), told, state),
            "split-string" => self.options(&format!("S{attached}"), told, state),
            _ => state.lose(&NOT_FOLLOWED.into()),
        }
    }

    /// Letters behind one dash; `env -` alone is `env -i`.
    fn options(&mut self, letters: &str, told: &mut Told, state: &mut State) {
        let letters = if letters.is_empty() { "i" } else { letters };
        for (at, letter) in letters.char_indices() {
            let attached = &letters[at + letter.len_utf8()..];
            match letter {
                'i' => {
                    *state = State::cleared(state.folder.clone());
                }
                '0' | 'v' => {}
                'u' => {
                    match told.argument(attached) {
                        Knowable::Known(name) => state.remove(&name),
                        Knowable::Unknown(_) => {
                            state.lose(&"its command removes a variable that is not known".into());
                        }
                    }
                    return;
                }
                'C' => return state.enter(told.argument(attached)),
                'S' => {
                    let text = told.argument(attached);
                    match text.known().and_then(|text| self.split(text)) {
                        Some(words) => told.rest.extend(words.into_iter().rev()),
                        None => state.lose(&NOT_FOLLOWED.into()),
                    }
                    return;
                }
                _ => return state.lose(&NOT_FOLLOWED.into()),
            }
        }
    }

    /// The words of a text, as `env -S` splits it.
    fn split(&mut self, text: &str) -> Option<Vec<Knowable<String>>> {
        if text.contains('\\') {
            return None;
        }
        let tokens = lex::tokens(text).ok()?;
        let words = tokens.iter().map(|token| match token {
            Token::Word(word) => Some(self.value(word, Context::Argument)),
            Token::Operator(_) | Token::Redirection(_) => None,
        });
        words.collect()
    }
}

/// The options of a shell.
#[derive(Default)]
pub(super) struct Options {
    /// How many words they are.
    count: usize,
    /// `-c`: the next word is the script's text.
    is_text: bool,
    /// `-a`.
    exports_all: bool,
    /// `-l`.
    pub(super) is_login: bool,
    /// `-i`.
    pub(super) is_interactive: bool,
    /// `--posix`.
    pub(super) is_posix: bool,
    /// `--noprofile`.
    pub(super) skips_profile: bool,
    /// `--norc`.
    pub(super) skips_rc: bool,
    /// `--rcfile FILE`.
    pub(super) rc_file: Option<Knowable<String>>,
}

impl Options {
    fn of(words: &[Knowable<String>]) -> Self {
        let mut options = Self::default();
        while let Some(text) = words.get(options.count).and_then(Knowable::known) {
            let letters = match text.strip_prefix(['-', '+']) {
                Some(letters) if !letters.is_empty() => letters,
                _ => break,
            };
            options.count += 1;
            if letters == "-" {
                break;
            }
            if let Some(long) = letters.strip_prefix('-') {
                options.long(long, words);
                continue;
            }
            options.is_text |= letters.contains('c');
            options.exports_all |= letters.contains('a');
            options.is_login |= letters.contains('l');
            options.is_interactive |= letters.contains('i');
            options.count += usize::from(letters.contains(['o', 'O']));
        }
        // The word of the last one may be missing.
        options.count = options.count.min(words.len());
        options
    }

    fn long(&mut self, name: &str, words: &[Knowable<String>]) {
        match name {
            "init-file" | "rcfile" => {
                self.rc_file = words.get(self.count).cloned();
                self.count += 1;
            }
            "login" => self.is_login = true,
            "noprofile" => self.skips_profile = true,
            "norc" => self.skips_rc = true,
            "posix" => self.is_posix = true,
            _ => {}
        }
    }
}
