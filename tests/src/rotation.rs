//! A deployment to rotate: the stock one with keys of its own, a stand-in that runs with it, a real Redis, and in place of
//! docker a program that starts the stand-in again; or a Docker engine with a container for each server. Every program that clearml-rotate calls is one of ours in between, which
//! writes down the call, and fails or stops where a test wants it to.

mod runs;
mod ways;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::docker::Engine;
use crate::files::{root, stock};
use crate::oracle;
use crate::port;
use crate::program::{clearml, program};
use crate::redis::Redis;

/// Longer than any run takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// What stands before each program. A pattern of the shell names a call that fails, one that does and says nothing, or one before or after which this one
/// waits, once, to be killed, or one that goes on while the test sends its signal.
const SHIM: &str = r#"#!/bin/sh
called="NAME $*"
printf '%s\n' "$called" >>"$CLEARML_STANDIN/called"
reach() {
	echo $$ "$@" >"$CLEARML_STANDIN/reached.new"
	mv "$CLEARML_STANDIN/reached.new" "$CLEARML_STANDIN/reached"
}
wait_here() {
	[ -n "$1" ] && [ ! -e "$CLEARML_STANDIN/reached" ] || return 0
	case $called in
	$1)
		reach
		exec sleep 100
		;;
	esac
}
fail=$(cat "$CLEARML_STANDIN/pattern" 2>/dev/null)
case $called in
$fail)
	echo 'it fails' >&2
	exit 2
	;;
esac
case $called in
$(cat "$CLEARML_STANDIN/silent" 2>/dev/null)) exit 0 ;;
esac
wait_here "${STOP_BEFORE-}"
case $called in
${STOP_AMID-})
	if [ ! -e "$CLEARML_STANDIN/reached" ]; then
		# It goes on until the signal, and the script does not get past it, however short it is.
		"REAL" WORDS "$@" <&0 &
		reach "$!"
		wait "$!"
		exec sleep 100
	fi
	;;
${STOP_AFTER-})
	"REAL" WORDS "$@"
	code=$?
	wait_here "$STOP_AFTER"
	exit $code
	;;
esac
exec "REAL" WORDS "$@"
"#;

/// Where the keys of a deployment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In the compose file.
    Compose,
    /// In `.env`.
    EnvFile,
    /// In secure.conf; those of the agent in `.env`.
    Conf,
}

/// The deployment.
pub struct Bed {
    folder: TempDir,
    /// Where its files are.
    pub here: PathBuf,
    /// The compose file's name.
    pub compose: String,
    layout: Layout,
    /// The release that the servers are of.
    release: &'static str,
    /// What docker compose merges over the compose file.
    merged: Vec<PathBuf>,
    shell: Vec<PathBuf>,
    ports: [u16; 3],
    servers: Servers,
}

/// What runs the servers.
enum Servers {
    /// One program that plays all of them, and a Redis beside it.
    Standin(Redis),
    /// A container for each, and Redis' further words in its own.
    Containers(Engine, &'static str),
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// What is in a folder: bytes and mode of every file, by its path.
pub type Files = BTreeMap<PathBuf, (Vec<u8>, u32)>;

impl Ended {
    /// Ends the test unless it ended with this code and said this.
    #[track_caller]
    pub fn says(&self, code: i32, text: &str) {
        let all = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, Some(code), "{all}");
        assert!(all.contains(text), "{all}");
    }
}

impl Bed {
    /// The shells to try; none, with a visible skip, where something else is missing.
    pub fn shells() -> Vec<Vec<PathBuf>> {
        let shells = oracle::shells();
        if shells.len() < 2 {
            oracle::skip("clearml-rotate in dash and in busybox: one of them is missing");
        }
        shells
    }

    /// Starts a deployment with keys of its own, in a folder and a file of these names.
    pub fn start(shell: &[PathBuf], layout: Layout, folder: &str, compose: &str) -> Option<Self> {
        Self::start_release(shell, layout, "2.3.0", folder, compose)
    }

    /// The same with the first shell that is here, for what no shell makes another: tests/tests/rotate.rs tries all.
    pub fn start_first(layout: Layout) -> Option<Self> {
        let shells = Self::shells();
        Self::start(shells.first()?, layout, "here", "docker-compose.yml")
    }

    /// The same with servers of another release.
    pub fn start_release(
        shell: &[PathBuf],
        layout: Layout,
        release: &'static str,
        folder: &str,
        compose: &str,
    ) -> Option<Self> {
        if oracle::python().is_none() {
            oracle::skip("clearml-rotate: no Python environment for the stand-in server");
            return None;
        }
        let servers = Servers::Standin(Redis::start()?);
        let mut bed = Self::install(servers, shell, layout, folder, compose);
        bed.release = release;
        bed.deploy();
        bed.set("given.json", &bed.given().to_string());
        bed.restart();
        Some(bed)
    }

    /// The same in a Docker engine. `redis` is further words of Redis, as YAML writes a list.
    pub fn start_in_engine(shell: &[PathBuf], layout: Layout, redis: &'static str) -> Option<Self> {
        let servers = Servers::Containers(Engine::start_servers()?, redis);
        let bed = Self::install(servers, shell, layout, "a stack", "docker-compose.yml");
        bed.deploy();
        bed.restart();
        bed.wait();
        Some(bed)
    }

    fn install(
        servers: Servers,
        shell: &[PathBuf],
        layout: Layout,
        folder: &str,
        compose: &str,
    ) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let bed = Self {
            here: temporary.path().join(folder),
            folder: temporary,
            compose: compose.to_owned(),
            layout,
            release: "2.3.0",
            merged: Vec::new(),
            shell: shell.to_owned(),
            ports: [(); 3].map(|()| port::free(Ipv4Addr::LOCALHOST.into())),
            servers,
        };
        fs::create_dir_all(bed.here.join("config")).unwrap();
        bed.install_programs();
        bed
    }

    /// Runs the server with what is in the files.
    pub fn restart(&self) {
        let mut up = vec!["compose".to_owned()];
        for file in [&self.file()].into_iter().chain(&self.merged) {
            up.extend(["-f".to_owned(), file.to_string_lossy().into_owned()]);
        }
        up.extend(["up", "-d", "--force-recreate"].map(str::to_owned));
        assert!(self.docker(&up), "the stand-in does not start");
    }

    /// Merges a file over the compose file, and runs the servers with both.
    pub fn merge(&mut self, name: &str, text: &str) {
        let path = self.here.join(name);
        fs::write(&path, text).unwrap();
        self.merged = vec![path];
        self.restart();
        self.wait();
    }

    /// The project of docker compose that the containers are in.
    pub fn project(&self) -> String {
        match &self.servers {
            Servers::Containers(engine, _) => engine.project().to_owned(),
            Servers::Standin(_) => panic!("it has none"),
        }
    }

    fn ended(&self) -> String {
        match &self.servers {
            Servers::Containers(engine, _) => engine.ended(),
            Servers::Standin(_) => String::new(),
        }
    }

    /// Waits until the servers answer.
    fn wait(&self) {
        let since = Instant::now();
        while self.verify(&self.keys()).0 == Some(2) {
            assert!(
                since.elapsed() < PATIENCE,
                "the servers of the deployment do not answer\n{}",
                self.ended()
            );
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn given(&self) -> serde_json::Value {
        let Servers::Standin(redis) = &self.servers else {
            panic!("containers are given nothing");
        };
        let [api, web, files] = self.ports;
        let mut given = json!({"version": self.release, "redis": redis.port, "ports": {"api": api, "web": web, "files": files}});
        if self.layout == Layout::Conf {
            given["config"] = json!(self.here.join("config"));
        }
        given
    }

    /// The programs, each behind one of ours.
    fn install_programs(&self) {
        let bin = self.folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let real = ["keygen", "inject", "verify"].map(|name| {
            let path = program(name);
            (format!("clearml-{name}"), path, String::new())
        });
        let docker = match self.servers {
            Servers::Standin(_) => {
                let docker = root().join("tests/standin/docker.py");
                let words = format!("-W ignore '{}'", docker.display());
                ("docker".to_owned(), oracle::python().unwrap(), words)
            }
            Servers::Containers(..) => (
                "docker".to_owned(),
                oracle::docker().unwrap(),
                String::new(),
            ),
        };
        for (name, path, words) in real.into_iter().chain([docker]) {
            let text = SHIM
                .replace("NAME", &name)
                .replace("REAL", &path.display().to_string())
                .replace("WORDS", &words);
            let shim = bin.join(name);
            fs::write(&shim, text).unwrap();
            fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    /// The files, as a person makes them.
    fn deploy(&self) {
        let config = format!(
            "- {}:/opt/clearml/config",
            self.here.join("config").display()
        );
        // A path with a space, a quote or a colon takes the long form in a compose file, which is not what is tried here.
        let config = match self.here.to_string_lossy().contains([' ', '\'', '"']) {
            true => "- ./config:/opt/clearml/config".to_owned(),
            false => config,
        };
        let text = match &self.servers {
            Servers::Standin(_) => {
                let text = stock().replace("- /opt/clearml/config:/opt/clearml/config", &config);
                text.replace(
                    "clearml/server:2.3.0",
                    &format!("clearml/server:{}", self.release),
                )
            }
            Servers::Containers(_, redis) => self.containers(redis),
        };
        fs::write(self.file(), text).unwrap();
        let mode = fs::Permissions::from_mode(0o640);
        fs::set_permissions(self.file(), mode).unwrap();
        let keys = self.here.join("keys.env");
        if self.layout == Layout::Conf {
            let conf = self.here.join("config/secure.conf");
            let made = clearml("keygen").args(["-f", "hocon", "-o"]);
            made.arg(&conf).done().exit(0);
            let mut text = fs::read_to_string(&conf).unwrap();
            text.insert_str(0, "# this line is the administrator's\n");
            fs::write(&conf, text).unwrap();
            let printed = clearml("keygen").arg("--from").arg(conf).done().exit(0);
            let agent = printed.stdout.lines();
            let agent = agent.filter(|line| line.starts_with("CLEARML_AGENT_"));
            let lines: Vec<&str> = agent.chain(["OTHER=value"]).collect();
            fs::write(self.here.join(".env"), lines.join("\n") + "\n").unwrap();
            fs::set_permissions(self.here.join(".env"), fs::Permissions::from_mode(0o600)).unwrap();
            return;
        }
        clearml("keygen").arg("-o").arg(&keys).done().exit(0);
        let mut inject = clearml("inject").arg("-k").arg(keys);
        if self.layout == Layout::EnvFile {
            fs::write(self.here.join(".env"), "OTHER=value\n").unwrap();
            inject = inject.arg("--env-file").arg(self.here.join(".env"));
        }
        inject.arg("-i").arg(self.file()).done().exit(0);
    }

    /// The compose file of the containers.
    fn containers(&self, redis: &str) -> String {
        let text = fs::read_to_string(root().join("tests/container/deployment.yml")).unwrap();
        let [api, web, files] = self.ports.map(|port| format!("127.0.0.1:{port}:"));
        let password = redis.strip_prefix("--requirepass, ").unwrap_or_default();
        text.replace("127.0.0.1:API:", &api)
            .replace("127.0.0.1:WEB:", &web)
            .replace("127.0.0.1:FILES:", &files)
            .replace("[REDIS]", &format!("[{redis}]"))
            .replace("\"PASSWORD\"", &format!("\"{password}\""))
    }

    /// The port of the Redis beside the stand-in.
    pub fn redis_port(&self) -> u16 {
        match &self.servers {
            Servers::Standin(redis) => redis.port,
            Servers::Containers(..) => panic!("it is in a container"),
        }
    }

    /// The compose file.
    pub fn file(&self) -> PathBuf {
        self.here.join(&self.compose)
    }

    /// The keyset that is in use.
    pub fn keys(&self) -> PathBuf {
        match self.layout {
            Layout::Conf => self.here.join("config/secure.conf"),
            _ => self.here.join("keys.env"),
        }
    }

    /// The arguments that name the deployment, as seen from its folder, and the server.
    pub fn arguments(&self) -> Vec<String> {
        self.arguments_from(Path::new(""))
    }

    /// The same with a path before each file.
    fn arguments_from(&self, way: &Path) -> Vec<String> {
        let file = |name: &str| way.join(name).to_string_lossy().into_owned();
        let [api, web, files] = self.ports.map(|port| format!("http://127.0.0.1:{port}"));
        let mut words = vec!["--api".to_owned(), api, "--web".to_owned(), web.clone()];
        words.extend(["--files".to_owned(), files, web]);
        match self.layout {
            Layout::Compose => {}
            Layout::EnvFile => words.push(format!("--env-file={}", file(".env"))),
            Layout::Conf => words.extend(["--conf".to_owned(), file("config/secure.conf")]),
        }
        if self.compose != "docker-compose.yml" || way != Path::new("") {
            words.push(file(&self.compose));
        }
        words
    }

    /// Writes a file that the stand-in's docker or the shims read.
    pub fn set(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// From the next restart on, the file server listens so many seconds later.
    pub fn late(&self, seconds: u32) {
        let mut given = self.given();
        given["late"] = json!(seconds);
        self.set("given.json", &given.to_string());
    }

    /// Every call of a program by the runs so far, without those of the set-up.
    pub fn called(&self) -> String {
        fs::read_to_string(self.folder.path().join("called")).unwrap_or_default()
    }

    fn docker(&self, words: &[String]) -> bool {
        let mut command = Command::new(self.folder.path().join("bin/docker"));
        self.surround(&mut command);
        let ended = command.args(words).output().unwrap();
        drop(fs::remove_file(self.folder.path().join("called")));
        ended.status.success()
    }

    fn surround(&self, command: &mut Command) {
        let bin = self.folder.path().join("bin");
        command
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("CLEARML_STANDIN", self.folder.path())
            .env("COLUMNS", "100");
        if let Servers::Containers(engine, _) = &self.servers {
            command.envs(engine.environment());
        }
    }

    /// Starts the script in a folder, with every signal as it is by default.
    fn spawn(&self, folder: &Path, words: &[String], more: &[(&str, &str)]) -> Child {
        let mut command = Command::new(oracle::python().unwrap());
        self.surround(&mut command);
        command.envs(more.iter().copied());
        let script = "import os, signal, sys\n\
                      for one in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE): signal.signal(one, signal.SIG_DFL)\n\
                      os.execv(sys.argv[1], sys.argv[1:])";
        let output = |name: &str| File::create(self.folder.path().join(name)).unwrap();
        command
            .args(["-c", script])
            .args(&self.shell)
            .arg(root().join("scripts/clearml-rotate"))
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::null())
            // Files, because a program that outlives a killed script holds a pipe open.
            .stdout(output("out"))
            .stderr(output("err"))
            .spawn()
            .unwrap()
    }

    fn end(&self, mut child: Child) -> Ended {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if since.elapsed() > PATIENCE {
                drop(child.kill());
                drop(child.wait());
                panic!("no end: {}", self.said("err"));
            }
            thread::sleep(Duration::from_millis(20));
        };
        Ended {
            code: status.code(),
            out: self.said("out"),
            err: self.said("err"),
        }
    }

    fn said(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The files of the deployment.
    pub fn files(&self) -> Files {
        let mut files = Files::new();
        collect(&self.here, &mut files);
        files
    }

    /// Whether the running servers have all keys of a keyset, and, in containers, what the files say.
    pub fn has(&self, keys: &Path) -> bool {
        if let Servers::Containers(engine, _) = &self.servers {
            let file = self.file();
            let merged = self.merged.iter().map(PathBuf::as_path);
            let files: Vec<&Path> = [file.as_path()].into_iter().chain(merged).collect();
            let wrong = engine.differences(&files);
            assert_eq!(wrong, Vec::<String>::new());
        }
        let (status, out) = self.verify(keys);
        assert_ne!(status, Some(2), "{out}");
        !out.contains("\"keys-not-applied\"")
    }

    fn verify(&self, keys: &Path) -> (Option<i32>, String) {
        let [api, web, files] = self.ports.map(|port| format!("http://127.0.0.1:{port}"));
        let words = [
            "-f", "json", "--api", &api, "--web", &web, "--files", &files,
        ];
        let done = clearml("verify").args(words).arg("--keys").arg(keys);
        let done = done.arg(&web).done();
        (done.status, done.stdout)
    }

    /// Whether a text has what may be a key or a secret of a keyset. Paths and variables have no run of so many letters and
    /// digits.
    pub fn may_hold_keys(text: &[u8]) -> bool {
        let mut runs = text.split(|byte| !byte.is_ascii_alphanumeric());
        runs.any(|run| {
            let is_key = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            run.len() == 54 || run.len() == 30 && run.iter().all(is_key)
        })
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Servers::Containers(engine, _) = &self.servers {
            engine.take_down();
        }
        if let Ok(group) = fs::read_to_string(self.folder.path().join("group")) {
            kill("KILL", &format!("-{}", group.trim()));
        }
    }
}

fn kill(signal: &str, process: &str) -> bool {
    let status = Command::new("kill")
        .args(["-s", signal, "--", process])
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn collect(folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            collect(&path, files);
        } else {
            let mode = metadata.permissions().mode() & 0o7777;
            files.insert(path.clone(), (fs::read(&path).unwrap(), mode));
        }
    }
}
