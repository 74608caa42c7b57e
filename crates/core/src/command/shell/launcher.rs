//! Programs that start another one, which stands behind their own words: `tini --`, `gosu USER`, `sudo -u USER`.

use crate::command::state::State;
use crate::knowable::Knowable;

/// One that does so.
struct Launcher {
    names: &'static [&'static str],
    /// Where the program begins, behind the options.
    program: Program,
    /// Options that have a word after them, unless it is in the same word.
    options: &'static [&'static str],
    variables: Variables,
    /// Those that it sets by itself.
    sets: &'static [&'static str],
}

/// Where the program begins.
enum Program {
    /// Behind so many words.
    Behind(usize),
    /// Behind the first `--`.
    BehindDashes,
    /// A shell is told the text of `-c`, or else what is behind so many words is started.
    OrText(usize),
    /// A user's shell is told the text of `-c`; `runuser -u USER` starts what is behind.
    OfUser,
}

/// Which variables the program gets.
enum Variables {
    /// Those of the launcher, but with one of these options.
    Kept(&'static [&'static str]),
    /// The same, but where it is told to log in.
    KeptUnlessLogin,
    /// Others than the launcher's, and those that are among its words.
    Others,
}

/// What those set that start something as another user.
const OF_USER: [&str; 5] = ["HOME", "LOGNAME", "MAIL", "SHELL", "USER"];

const LAUNCHERS: [Launcher; 22] = [
    Launcher::plain(
        &["catatonit", "docker-init", "tini", "tini-static"],
        0,
        &["-e", "-p"],
    ),
    Launcher::plain(&["dumb-init"], 0, &["-r", "--rewrite"]),
    Launcher {
        sets: &["HOME"],
        ..Launcher::plain(&["gosu", "su-exec"], 1, &[])
    },
    Launcher::plain(&["s6-setuidgid"], 1, &[]),
    Launcher::plain(&["chroot"], 1, &["--groups", "--userspec"]),
    Launcher::plain(&["ionice"], 0, &["-c", "-n", "--class", "--classdata"]),
    Launcher::plain(&["nice"], 0, &["-n", "--adjustment"]),
    Launcher::plain(&["nohup", "setsid", "with-contenv"], 0, &[]),
    Launcher {
        // Its library in LD_PRELOAD changes nothing but how the program writes.
        sets: &["_STDBUF_E", "_STDBUF_I", "_STDBUF_O"],
        ..Launcher::plain(
            &["stdbuf"],
            0,
            &["-e", "-i", "-o", "--error", "--input", "--output"],
        )
    },
    Launcher::plain(&["taskset"], 1, &[]),
    Launcher::plain(&["time"], 0, &["-f", "-o", "--format", "--output"]),
    Launcher::plain(&["timeout"], 1, &["-k", "-s", "--kill-after", "--signal"]),
    Launcher {
        names: &["setpriv"],
        program: Program::Behind(0),
        options: &[
            "--ambient-caps",
            "--bounding-set",
            "--egid",
            "--euid",
            "--groups",
            "--inh-caps",
            "--pdeathsig",
            "--regid",
            "--reuid",
            "--rgid",
            "--ruid",
            "--securebits",
        ],
        variables: Variables::Kept(&["--reset-env"]),
        sets: &[],
    },
    Launcher {
        names: &["chpst"],
        program: Program::Behind(0),
        options: &[
            "-/", "-U", "-b", "-c", "-d", "-e", "-f", "-l", "-L", "-m", "-n", "-o", "-p", "-r",
            "-s", "-t", "-u",
        ],
        variables: Variables::Kept(&["-e"]),
        sets: &[],
    },
    Launcher {
        names: &["dockerize"],
        program: Program::Behind(0),
        options: &[
            "-cacert",
            "-delims",
            "-env",
            "-env-section",
            "-stderr",
            "-stdout",
            "-template",
            "-timeout",
            "-wait",
            "-wait-http-header",
            "-wait-retry-interval",
        ],
        variables: Variables::Kept(&["-env"]),
        sets: &[],
    },
    Launcher {
        names: &["flock"],
        program: Program::OrText(1),
        options: &["-E", "-w", "--conflict-exit-code", "--timeout", "--wait"],
        variables: Variables::Kept(&[]),
        sets: &[],
    },
    Launcher {
        names: &["script", "sg"],
        program: Program::OrText(usize::MAX),
        options: &[],
        variables: Variables::Kept(&[]),
        sets: &[],
    },
    Launcher {
        names: &["runuser", "su"],
        program: Program::OfUser,
        options: &["-G", "-g", "-s", "-u", "-w", "--group", "--shell", "--user"],
        variables: Variables::KeptUnlessLogin,
        sets: &OF_USER,
    },
    Launcher {
        names: &["sudo"],
        program: Program::Behind(0),
        options: &[
            "-C", "-D", "-R", "-T", "-U", "-g", "-h", "-p", "-r", "-t", "-u", "--chdir", "--group",
            "--user",
        ],
        variables: Variables::Others,
        sets: &[],
    },
    Launcher {
        names: &["doas"],
        program: Program::Behind(0),
        options: &["-C", "-u"],
        variables: Variables::Others,
        sets: &[],
    },
    Launcher {
        names: &["vault-env"],
        program: Program::Behind(0),
        options: &[],
        variables: Variables::Others,
        sets: &[],
    },
    Launcher {
        names: &[
            "aws-vault",
            "chamber",
            "doppler",
            "dotenv",
            "infisical",
            "op",
        ],
        program: Program::BehindDashes,
        options: &[],
        variables: Variables::Others,
        sets: &[],
    },
];

impl Launcher {
    const fn plain(
        names: &'static [&'static str],
        own: usize,
        options: &'static [&'static str],
    ) -> Self {
        Self {
            names,
            program: Program::Behind(own),
            options,
            variables: Variables::Kept(&[]),
            sets: &[],
        }
    }

    /// Whether an option has the next word as well: `-u root`, `-nu root`, `-wait tcp://redis:6379`.
    fn takes_word(&self, option: &str) -> bool {
        let is_one = |letter: char| {
            self.options
                .iter()
                .any(|known| known.strip_prefix('-') == Some(letter.encode_utf8(&mut [0; 4])))
        };
        if self.options.contains(&option) {
            return true;
        }
        match option.strip_prefix('-') {
            Some(letters) if !letters.starts_with('-') => {
                let mut letters = letters.chars();
                letters.next_back().is_some_and(is_one) && !letters.any(is_one)
            }
            _ => false,
        }
    }

    /// Whether the user is told by an option, and what is behind is no file for a shell.
    fn is_told_user(&self, option: &str) -> bool {
        matches!(self.program, Program::OfUser) && ["-u", "--user"].contains(&option)
    }

    /// What is started, and the options before it; none where it is not known where that begins.
    fn rest<'a>(&self, words: &'a [Knowable<String>]) -> Option<(Vec<&'a str>, Rest<'a>)> {
        let mut options = Vec::new();
        let (mut own, has_text) = match self.program {
            Program::Behind(own) => (own, false),
            Program::OrText(own) => (own, true),
            Program::OfUser => (1, true),
            Program::BehindDashes => {
                let is_end =
                    |word: &Knowable<String>| word.known().is_some_and(|word| word == "--");
                let end = words.iter().position(is_end)?;
                return Some((options, Rest::Words(&words[end + 1..])));
            }
        };
        let (mut at, mut text) = (0, None);
        while let Some(word) = words.get(at) {
            match word.known().map(String::as_str) {
                Some("--") => {
                    at += 1 + own;
                    break;
                }
                Some(option) if has_text && is_option(option, 'c', "--command") => {
                    at += 1;
                    text = Some(words.get(at)?);
                    options.push(option);
                }
                Some(option) if option.starts_with('-') => {
                    at += usize::from(self.takes_word(option));
                    options.push(option);
                    if self.is_told_user(option) {
                        own = 0;
                    }
                }
                _ if own == 0 => break,
                _ => own -= 1,
            }
            at += 1;
        }
        if let Some(text) = text {
            return Some((options, Rest::Text(text)));
        }
        let rest = words.get(at..).filter(|rest| !rest.is_empty())?;
        let is_of_user = matches!(self.program, Program::OfUser);
        let has_program = options.iter().any(|option| self.is_told_user(option));
        match is_of_user && !has_program {
            true => Some((options, Rest::Script(rest))),
            false => Some((options, Rest::Words(rest))),
        }
    }
}

/// Whether a word is an option of one letter, among others or not, or the long one of the same meaning.
fn is_option(word: &str, letter: char, long: &str) -> bool {
    let letters = word.strip_prefix('-');
    word == long || letters.is_some_and(|rest| !rest.starts_with('-') && rest.ends_with(letter))
}

/// What a launcher starts.
enum Rest<'a> {
    /// A program with its arguments.
    Words(&'a [Knowable<String>]),
    /// A shell that is told a text.
    Text(&'a Knowable<String>),
    /// A shell that is told a file.
    Script(&'a [Knowable<String>]),
}

/// What a program starts that is one of these, and what that does to the variables; none where it starts nothing, or
/// nobody knows what.
pub(super) fn started(
    name: &str,
    arguments: &[Knowable<String>],
    state: &mut State,
) -> Option<Vec<Knowable<String>>> {
    let mut launchers = LAUNCHERS.iter();
    let launcher = launchers.find(|launcher| launcher.names.contains(&name))?;
    // Elsewhere than there, a server has other files.
    let is_root = |word: &Knowable<String>| word.known().is_some_and(|word| word == "/");
    if name == "chroot" && !arguments.iter().any(is_root) {
        return None;
    }
    let (options, rest) = launcher.rest(arguments)?;
    let is_kept = match launcher.variables {
        Variables::Kept(but) => !options.iter().any(|option| but.contains(option)),
        Variables::KeptUnlessLogin => {
            let is_login = |option: &&str| {
                let is_short = !option.starts_with("--") && option.contains('l');
                ["-", "--login"].contains(option) || is_short
            };
            !options.iter().any(is_login)
        }
        Variables::Others => false,
    };
    let changed = "its command is started by a program that may change it";
    match is_kept {
        true => launcher
            .sets
            .iter()
            .for_each(|name| state.doubt(name, &changed.into())),
        false => {
            state.lose(&"its command is started by a program that may change variables".into())
        }
    }
    let shell = |words: &[&str]| -> Vec<Knowable<String>> {
        let words = words.iter().map(|word| Knowable::Known((*word).to_owned()));
        words.collect()
    };
    Some(match rest {
        Rest::Text(text) => [shell(&["sh", "-c"]), vec![text.clone()]].concat(),
        Rest::Script(words) => [&shell(&["sh"]), words].concat(),
        Rest::Words(words) => {
            let set = words.iter().map_while(|word| word.known()?.split_once('='));
            let set: Vec<(&str, &str)> = set.filter(|_| !is_kept).collect();
            for (name, value) in &set {
                state.export(name, Knowable::Known(Some((*value).to_owned())));
            }
            words[set.len()..].to_vec()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is started, and which variables are not known then.
    fn of(text: &str) -> Option<(String, String)> {
        let words = text.split(' ').map(|word| Knowable::Known(word.to_owned()));
        let words: Vec<Knowable<String>> = words.collect();
        let mut state = State::new(Knowable::unknown("no folder"));
        let name = words[0].known().unwrap().clone();
        let rest = started(&name, &words[1..], &mut state)?;
        let rest: Vec<&str> = rest
            .iter()
            .map(|word| word.known().unwrap().as_str())
            .collect();
        let names = state.variables.keys().cloned();
        let unknown = state.unknown.map(|_| "all".to_owned());
        let names: Vec<String> = unknown.into_iter().chain(names).collect();
        Some((rest.join(" "), names.join(" ")))
    }

    /// Those that machines rarely have; `tests/oracles/command.rs` asks the others themselves.
    #[test]
    fn a_program_begins_behind_the_words_of_its_launcher() {
        for (text, rest, unknown) in [
            ("gosu 1000:1000 apiserver --x", "apiserver --x", "HOME"),
            ("s6-setuidgid x -- apiserver", "apiserver", ""),
            ("chpst -u x -P apiserver", "apiserver", ""),
            ("chpst -e /env apiserver", "apiserver", "all"),
            ("dumb-init -r 15:3 -- apiserver", "apiserver", ""),
            (
                "dockerize -wait tcp://a:1 -timeout=9s apiserver",
                "apiserver",
                "",
            ),
            ("dockerize -env /x.ini apiserver", "apiserver", "all"),
            ("sudo -nu x A=1 apiserver", "apiserver", "all A"),
            ("doas -u x apiserver", "apiserver", "all"),
            ("chamber exec a b -- apiserver", "apiserver", "all"),
            ("sg x -c apiserver", "sh -c apiserver", ""),
        ] {
            let expected = Some((rest.to_owned(), unknown.to_owned()));
            assert_eq!(of(text), expected, "{text}");
        }
        for text in [
            "chroot /srv apiserver",
            "sudo -i",
            "su x",
            "chamber exec a b",
            "sg x",
            "env apiserver",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
