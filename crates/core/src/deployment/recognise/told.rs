//! Which of ClearML's servers a command starts, told by each program that it starts: the one reader of commands, [`crate::command`],
//! knows which those are.

use super::program::{Does, does, may_be_script};
use crate::command::{
    PythonProgram, Started, is_own_script, is_python, is_shell, python_program, serves_nothing,
    started,
};
use crate::container_path::{cleaned, is_below};
use crate::knowable::Knowable;
use crate::setting::Server;

/// How sure it is that a server of ClearML is started, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// By what only ClearML has: its script, a path in its folder, a module that is run there.
    Runs,
    /// A module is called like one of ClearML's: `python3 -m apiserver.server`.
    Module,
    /// The command is the server's name, which an image of ClearML's knows: `apiserver`.
    Named,
    /// The name is all that another program is told, which may start it or not: `./start.sh apiserver`.
    Passes,
    /// A program elsewhere is called so: `./fileserver`.
    Called,
    /// It is one argument among others, or of a program that does something else with it: `pg_dump apiserver`.
    Mentions,
}

/// What a command tells of servers.
#[derive(Default)]
pub(super) struct Told {
    found: Vec<(How, Server)>,
    /// Whether it starts one of ClearML's jobs, and these are no servers.
    pub(super) is_job: bool,
    /// Whether ClearML's script is told something that is not known.
    pub(super) is_unsettled: bool,
}

/// What is around a command.
pub(super) struct Around<'a> {
    /// The folder in which it starts.
    pub(super) folder: &'a Knowable<String>,
    /// A variable of its container.
    pub(super) variable: &'a dyn Fn(&str) -> Knowable<Option<String>>,
    /// A file of its container.
    pub(super) file: &'a dyn Fn(&str) -> Knowable<String>,
}

/// Texts within texts end somewhere.
const DEPTH: usize = 4;

impl Told {
    /// What a container's entrypoint and command tell. `dropped` is what compose drops of a text, and `words` are
    /// those of all texts, for what is not known of the command.
    pub(super) fn of(
        (command, dropped): (&[Knowable<String>], Option<&str>),
        words: &[String],
        around: &Around<'_>,
    ) -> Self {
        let mut told = Self::default();
        // Nearly every container is something else, and is told nothing of these.
        let may_tell = |word: &str| {
            let parts = ["server", "async_urls_delete", "jobs.", "$", ".sh"];
            // What a path of the container leads to may be here.
            word.starts_with('/') || parts.iter().any(|part| word.contains(part))
        };
        if !words.iter().any(|word| may_tell(word)) {
            return told;
        }
        let dropped = dropped.map(script);
        for words in [Some(command), dropped.as_deref()].into_iter().flatten() {
            for one in started(words, around.folder, around.variable, around.file) {
                told.add(&one, DEPTH);
            }
        }
        let is_known = command.iter().all(|word| word.known().is_some());
        if !is_known && told.found.is_empty() {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            told.within(&words);
        }
        told
    }

    /// Those of which it is surest, and how sure.
    pub(super) fn surest(&self) -> (Vec<Server>, How) {
        let how = self.found.iter().map(|(how, _)| *how).min();
        let Some(how) = how else {
            return (Vec::new(), How::Mentions);
        };
        let kinds = [
            Server::Apiserver,
            Server::Fileserver,
            Server::Webserver,
            Server::AsyncDelete,
        ];
        let is_told = |kind: &Server| self.found.contains(&(how, *kind));
        (kinds.into_iter().filter(is_told).collect(), how)
    }

    /// Whether it has that server's name in any way.
    pub(super) fn names(&self, server: Server) -> bool {
        self.found.iter().any(|(_, found)| *found == server)
    }

    fn add(&mut self, started: &Started, depth: usize) {
        let words: Vec<&str> = started.words.iter().map(String::as_str).collect();
        self.program(&words, started.folder.as_deref(), depth);
    }

    /// A program with its arguments.
    fn program(&mut self, words: &[&str], folder: Option<&str>, depth: usize) {
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        let name = last(program);
        if is_python(name)
            && let Some((run, at)) = python_program(arguments)
        {
            return self.python(run, &arguments[at..], folder, depth);
        }
        if let Some(told) = by_file(program, folder) {
            return self.found.push(told);
        }
        if let Some(server) = by_word(name) {
            // ClearML's is told nothing more.
            let is_alone = arguments.iter().all(|word| word.is_empty());
            let how = by_path(program).map(|how| if is_alone { how } else { how.max(How::Called) });
            self.found.extend(how.map(|how| (how, server)));
            return;
        }
        if is_script_of_clearml(program, folder) {
            let servers = arguments.iter().filter_map(|word| by_word(word));
            let before = self.found.len();
            self.found.extend(servers.map(|server| (How::Runs, server)));
            // What is none of its words, it runs as it is.
            if self.found.len() == before {
                self.is_unsettled |= arguments.first().is_some_and(|word| word.is_empty());
                if depth > 0 {
                    self.command(arguments, folder, depth - 1);
                }
            }
            return;
        }
        if is_shell(name) {
            return self.unfollowed(arguments, folder, depth);
        }
        if does(name) == Does::Load {
            self.loaded(arguments, folder);
        }
        self.arguments(name, arguments, folder, depth);
    }

    fn python(
        &mut self,
        run: PythonProgram<'_>,
        arguments: &[&str],
        folder: Option<&str>,
        depth: usize,
    ) {
        match run {
            PythonProgram::Module(module) => {
                self.is_job |= module.starts_with("jobs.");
                match by_module(module, folder) {
                    Some(told) => return self.found.push(told),
                    None if does(module) == Does::Load => self.loaded(arguments, folder),
                    None => {}
                }
                self.arguments(module, arguments, folder, depth);
            }
            PythonProgram::Script(path) => match by_file(path, folder) {
                Some(told) => self.found.push(told),
                None => self.arguments(last(path), arguments, folder, depth),
            },
            PythonProgram::Text(text) => {
                let words: Vec<&str> = text.split(|c: char| !is_of_module(c)).collect();
                let told = words.iter().find_map(|word| by_module(word, folder));
                self.found
                    .extend(told.map(|(_, server)| (How::Passes, server)));
            }
        }
    }

    /// What a server of Python is told to load, also by its name in the folder of ClearML's program.
    fn loaded(&mut self, arguments: &[&str], folder: Option<&str>) {
        let server = folder.and_then(of_folder);
        let is_application = |word: &&str| word.contains(':') && !word.contains(['/', '.']);
        let is_told = arguments.iter().any(is_application);
        let told = server.filter(|_| is_told);
        self.found.extend(told.map(|server| (How::Runs, server)));
    }

    /// A shell that is told a text that cannot be followed, or a file that is not here.
    fn unfollowed(&mut self, arguments: &[&str], folder: Option<&str>, depth: usize) {
        let is_option = |word: &&&str| word.starts_with(['-', '+']);
        let options = arguments.iter().take_while(is_option).count();
        let (options, rest) = arguments.split_at(options);
        let is_text = |word: &&str| !word.starts_with("--") && word.contains('c');
        match (rest.split_first(), options.iter().any(is_text)) {
            (Some((text, _)), true) if !is_idle(text) => {
                let separator = |c: char| c.is_whitespace() || "&;|()\"'".contains(c);
                let words = text.split(separator).filter(|word| !word.is_empty());
                self.within(&words.collect::<Vec<&str>>());
            }
            (Some((file, arguments)), false) => {
                self.arguments(last(file), arguments, folder, depth);
            }
            _ => {}
        }
    }

    /// Words of which it is not known which of them begin a command.
    fn within(&mut self, words: &[&str]) {
        for (at, word) in words.iter().enumerate() {
            let module = by_module(word, None).map(|(_, server)| server);
            let server = module.or_else(|| {
                let is_name = !word.contains('/') && !is_address(words, at);
                by_word(word).filter(|_| is_name)
            });
            self.found
                .extend(server.map(|server| (How::Passes, server)));
        }
    }

    /// What a program is told that is none of ClearML's, and may start others.
    fn arguments(&mut self, name: &str, words: &[&str], folder: Option<&str>, depth: usize) {
        let does = does(name);
        if does != Does::Nothing && depth > 0 {
            self.started_by(name, words, folder, depth - 1);
        }
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).map_or(name, |before| words[before]);
            let is_run = does == Does::Load || before == "-m";
            let server = match by_module(word, folder) {
                Some(told) if is_run && does != Does::Nothing => {
                    self.found.push(told);
                    continue;
                }
                Some((_, server)) if !may_be_script(name) => {
                    // Whatever is told that may load it.
                    let may_load = *word == "apiserver.server:app" && does != Does::Nothing;
                    let how = if may_load { How::Passes } else { How::Mentions };
                    self.found.push((how, server));
                    continue;
                }
                Some((_, server)) => Some(server),
                None if word.contains('/') || is_address(words, at) => None,
                None => by_word(word),
            };
            let Some(server) = server else { continue };
            let is_all = at == 0 && words[1..].iter().all(|word| word.starts_with('-'));
            let is_other = matches!(does, Does::Nothing | Does::Other);
            let how = match is_all && !is_other {
                true => How::Passes,
                false => How::Mentions,
            };
            self.found.push((how, server));
        }
    }

    /// The commands among a program's arguments: what begins with Python or with ClearML's own script, what follows `--`, and a
    /// text. A server's name alone tells less there, unless the program is known to start what it is told.
    fn started_by(&mut self, name: &str, words: &[&str], folder: Option<&str>, depth: usize) {
        let mut within = Self::default();
        let is_program = |word: &&str| {
            let name = last(word);
            is_python(name)
                || does(name) == Does::Load
                || is_script_of_clearml(word, folder)
                || by_file(word, folder).is_some_and(|(how, _)| how == How::Runs)
        };
        let behind = words.iter().position(|word| *word == "--");
        if let Some(at) = words.iter().position(is_program) {
            within.program(&words[at..], folder, depth);
        } else if let Some(at) = behind {
            within.command(&words[at + 1..], folder, depth);
        }
        let mut of_texts = Self::default();
        for text in words.iter().filter(|word| word.contains(' ')) {
            of_texts.command(&["sh", "-c", text], folder, depth);
        }
        let does = does(name);
        let of_texts = of_texts.found.into_iter();
        let of_texts = of_texts.filter(|(how, _)| *how <= How::Module);
        let of_texts = of_texts.map(|(how, server)| match does == Does::StartTexts {
            true => (how, server),
            false => (How::Passes, server),
        });
        let found = within
            .found
            .into_iter()
            .filter_map(|(how, server)| match how {
                How::Runs | How::Module => Some((how, server)),
                _ if does == Does::Other => None,
                _ if name.contains("entrypoint") => Some((how, server)),
                how => Some((how.max(How::Passes), server)),
            });
        self.found.extend(found.chain(of_texts));
        self.is_unsettled |= within.is_unsettled;
        self.is_job |= within.is_job;
    }

    fn command(&mut self, words: &[&str], folder: Option<&str>, depth: usize) {
        let words = words.iter().map(|word| Knowable::Known((*word).to_owned()));
        let words: Vec<Knowable<String>> = words.collect();
        let unknown = || Knowable::unknown("it is of another program");
        let folder = folder.map_or_else(unknown, |folder| Knowable::Known(folder.to_owned()));
        let unknown = |_: &str| Knowable::unknown("it is not looked at");
        let file = |_: &str| Knowable::unknown("it is not looked at");
        for one in started(&words, &folder, &unknown, &file) {
            self.add(&one, depth);
        }
    }
}

/// Whether a shell does all that a text says by itself, or with programs that start nothing.
fn is_idle(text: &str) -> bool {
    serves_nothing(&script(text))
}

/// A text as a shell is told it.
fn script(text: &str) -> Vec<Knowable<String>> {
    let words = ["sh", "-c", text].into_iter();
    words.map(|word| Knowable::Known(word.to_owned())).collect()
}

/// Whether the words of one program start a server of ClearML, whatever image they are in.
pub(in crate::deployment) fn starts(words: &[&str]) -> bool {
    let mut told = Told::default();
    told.program(words, None, DEPTH);
    let mut found = told.found.iter();
    found.any(|(how, _)| *how != How::Mentions)
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What the images' script takes for a server.
fn by_word(word: &str) -> Option<Server> {
    match word {
        "apiserver" => Some(Server::Apiserver),
        "fileserver" => Some(Server::Fileserver),
        "webserver" => Some(Server::Webserver),
        _ => None,
    }
}

/// Modules and applications that are called like ClearML's. Others have some of the same names, elsewhere than in its folder.
fn by_module(word: &str, folder: Option<&str>) -> Option<(How, Server)> {
    let is_home = |folder: &str| {
        let folder = cleaned(folder);
        let mut homes = ["/opt/clearml", "/opt/trains"].into_iter();
        homes.any(|home| is_below(&folder, home))
    };
    let how = match folder.is_some_and(is_home) {
        true => How::Runs,
        false => How::Module,
    };
    match word {
        "apiserver.server" | "apiserver.server:app" => Some((how, Server::Apiserver)),
        "fileserver:app" | "fileserver.fileserver" | "fileserver.fileserver:app" => {
            Some((how, Server::Fileserver))
        }
        _ if word.ends_with("jobs.async_urls_delete") => Some((How::Runs, Server::AsyncDelete)),
        _ => None,
    }
}

/// Whether a program is the script that ClearML's images start with.
fn is_script_of_clearml(program: &str, folder: Option<&str>) -> bool {
    let path = absolute(program, folder);
    path.is_some_and(|path| is_own_script(&path))
        || ["clearml-server", "trains-server"].contains(&last(program))
}

fn is_of_module(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:".contains(c)
}

/// A file of Python that is a server's, by its name and the folder that it is in.
fn by_file(path: &str, folder: Option<&str>) -> Option<(How, Server)> {
    let name = last(path);
    if !name.ends_with(".py") {
        return None;
    }
    if name == "async_urls_delete.py" {
        return Some((How::Runs, Server::AsyncDelete));
    }
    let absolute = absolute(path, folder);
    let above = absolute.as_deref().unwrap_or(path).rsplit_once('/');
    let above = above.map_or("", |(above, _)| above);
    if let Some(server) = of_folder(above) {
        let is_main = ["fileserver.py", "server.py"].contains(&name);
        return Some(match is_main {
            true => (How::Runs, server),
            false => (How::Passes, server),
        });
    }
    match (last(above), name) {
        (_, "fileserver.py") => Some((How::Passes, Server::Fileserver)),
        ("apiserver", "server.py") => Some((How::Passes, Server::Apiserver)),
        _ => None,
    }
}

/// The server whose program is in a folder of ClearML's images.
fn of_folder(folder: &str) -> Option<Server> {
    let folder = cleaned(folder);
    let homes = ["/opt/clearml/", "/opt/trains/"];
    let below = homes.iter().find_map(|home| folder.strip_prefix(home));
    below
        .and_then(by_word)
        .filter(|server| server.reads_configuration())
}

fn absolute(path: &str, folder: Option<&str>) -> Option<String> {
    match path.starts_with('/') {
        true => Some(cleaned(path)),
        false => Some(cleaned(&format!("{}/{path}", folder?))),
    }
}

/// What a program is that is called like a server. No program is where the images have the data.
fn by_path(path: &str) -> Option<How> {
    let mut folders = path.split('/');
    match () {
        () if !path.contains('/') => Some(How::Named),
        () if folders.any(|folder| ["data", "mnt"].contains(&folder)) => None,
        () if path.contains("clearml") => Some(How::Runs),
        () => Some(How::Called),
    }
}

/// Whether a word names the host of another server: `wait-for apiserver 8008`, `nc -z fileserver 8081`.
fn is_address(words: &[&str], at: usize) -> bool {
    let is_port = |word: &&str| word.parse::<u16>().is_ok();
    // `--host`, `--local-host`, `--server`.
    let is_host_option = |word: &str| {
        const ADDRESSES: [&str; 12] = [
            "addr", "address", "api", "backend", "dest", "endpoint", "host", "hostname", "remote",
            "server", "target", "upstream",
        ];
        let name = word.strip_prefix("--").unwrap_or_default();
        name.split('-').any(|part| ADDRESSES.contains(&part))
    };
    let waits = |word: &&str| {
        let word = last(word);
        word.starts_with("wait")
            || [
                "curl", "dig", "getent", "host", "hosts", "nc", "nslookup", "ping", "telnet", "-h",
                "-z", "-zv",
            ]
            .contains(&word)
            || is_host_option(word)
    };
    words.get(at + 1).is_some_and(is_port) || at > 0 && words.get(at - 1).is_some_and(waits)
}

#[cfg(test)]
mod tests;
