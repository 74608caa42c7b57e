//! What a program that is none of ClearML's does with a word that is a server's name, told by what it is called. Those that
//! start what stands behind their own words are followed by [`crate::command`].

/// What a program does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// It may start what it is told.
    Anything,
    /// It loads a module of Python and serves it by WSGI, as ClearML's are.
    Load,
    /// It starts nothing in its container, whatever it is told: it handles files, or runs a command elsewhere.
    Nothing,
    /// What it does to a container or a host of that name is another thing than to start it.
    Other,
    /// It starts each text that it is told.
    StartTexts,
}

const LOADERS: [&str; 5] = ["flask", "gunicorn", "uwsgi", "waitress", "waitress-serve"];

const OF_TEXTS: [&str; 9] = [
    "concurrently",
    "consul-template",
    "foreman",
    "multirun",
    "nodemon",
    "parallel",
    "pm2",
    "watchexec",
    "xargs",
];

const STARTING_NOTHING: [&str; 37] = [
    "black",
    "crictl",
    "ctr",
    "diff",
    "docker",
    "du",
    "flake8",
    "gzip",
    "head",
    "install",
    "k3s",
    "kubectl",
    "less",
    "ln",
    "logger",
    "md5sum",
    "mosh",
    "mv",
    "mypy",
    "nerdctl",
    "notify-send",
    "oc",
    "podman",
    "pylint",
    "ruff",
    "scp",
    "sed",
    "sha256sum",
    "sphinx-build",
    "ssh",
    "stat",
    "tail",
    "touch",
    "tsh",
    "vi",
    "vim",
    "zip",
];

/// Also as a word of a longer name: `pg_dump`, `check-health`.
const OTHERS: [&str; 59] = [
    "ansible", "attach", "autoheal", "backup", "cargo", "cat", "check", "chmod", "chown", "cp",
    "createdb", "curl", "docker", "dump", "echo", "events", "export", "fetch", "find", "git",
    "grep", "health", "import", "inspect", "iperf", "kill", "kubectl", "lint", "log", "ls", "make",
    "mkdir", "monitor", "mount", "nc", "node", "notify", "npm", "ping", "podman", "probe", "psql",
    "pull", "push", "pytest", "reload", "restart", "restore", "rm", "rsync", "stats", "stop",
    "sync", "tar", "test", "tunnel", "wait", "watch", "yarn",
];

/// What a program of this name does. A script that a container begins with starts what it is told.
pub(super) fn does(name: &str) -> Does {
    let is_other = || {
        let mut words = name.split(|c: char| !c.is_ascii_alphabetic());
        let is_one =
            |word: &str| OTHERS.contains(&word) || OTHERS.contains(&word.trim_end_matches('s'));
        words.any(is_one) && !name.contains("entrypoint")
    };
    match name {
        _ if LOADERS.contains(&name) => Does::Load,
        _ if OF_TEXTS.contains(&name) => Does::StartTexts,
        _ if STARTING_NOTHING.contains(&name) || OTHERS.contains(&name) => Does::Nothing,
        _ if is_other() => Does::Other,
        _ => Does::Anything,
    }
}

/// Whether a program may be a script of somebody's that starts what it is told.
pub(super) fn may_be_script(name: &str) -> bool {
    ["entrypoint", "launch", "run", "start", ".sh"]
        .iter()
        .any(|part| name.contains(part))
}
