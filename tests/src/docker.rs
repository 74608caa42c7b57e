//! Deployments run for real: a Docker engine, Docker Compose, and in every container one small program of ours, or a server
//! of tests/container/server.py beside a real Redis.
//!
//! The compose file itself is run as it is. A second file, merged over it, changes what a service runs and mounts, and
//! never its environment, its ports or its networks. Nothing of the host is mounted, no container is privileged, and no
//! image, container or network of somebody else is touched: ours have names of their own.
//!
//! What was started is taken down when it is dropped, so also by a failing test; what a killed run left is taken down by
//! the next one, as far as the engine lets it go.

mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::files::root;
use crate::oracle;

/// Where every container listens: all ports of the servers and of the databases, so that what cannot be reached is
/// closed by the engine and not by nobody listening.
pub const LISTENED: [u16; 7] = [80, 6379, 8008, 8080, 8081, 9200, 27017];

/// What the names of all our projects start with.
const PROJECT: &str = "clearml-secure-e2e";
const IMAGE: &str = "clearml-secure-e2e/serve-environment";
/// Where our program is in the image: under its own name, and for what the images of ClearML start.
const PROGRAMS: [&str; 4] = [
    "/serve",
    "/opt/clearml/wrapper.sh",
    "/usr/bin/python3",
    "/bin/bash",
];
/// How long a container may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a service may have. Anything else could reach the host, and is looked at before it comes onto this list.
const HARMLESS: [&str; 11] = [
    "command",
    "container_name",
    "depends_on",
    "deploy",
    "entrypoint",
    "environment",
    "expose",
    "image",
    "networks",
    "ports",
    "ulimits",
];

/// The engine of this machine, with our image in it.
pub struct Engine {
    compose: PathBuf,
    /// The compose project. One name for all deployments of a run, because each is taken down before the next one is
    /// started; and one for each run, because an engine whose client was killed may never let a network go.
    project: String,
    /// The image's files, and the home of docker's programs: a person's own settings give containers variables.
    folder: TempDir,
    /// Held as long as this lives: two tests would take each other's containers down.
    _alone: File,
}

/// A deployment that runs; it is taken down when this is dropped.
pub struct Running<'e> {
    engine: &'e Engine,
    addresses: BTreeMap<String, IpAddr>,
    /// An address of this machine that is not a loopback one: the one that it has on a network of the deployment.
    pub gateway: IpAddr,
}

/// The environment of a process.
pub type Environment = BTreeMap<String, String>;

/// What a container of ours says.
pub struct Answer {
    /// The service that it is.
    pub service: String,
    environment: Environment,
}

impl Engine {
    /// Finds the engine and builds the image of the small program; none, with a visible skip, where that cannot be.
    pub fn start() -> Option<Self> {
        Self::ready(Self::build)
    }

    fn ready(build: fn(&Self) -> Result<(), String>) -> Option<Self> {
        let ready = Self::find().and_then(|engine| build(&engine).map(|()| engine));
        if let Err(why) = &ready {
            oracle::skip(&format!("deployments in a Docker engine: {why}"));
        }
        ready.ok()
    }

    fn find() -> Result<Self, String> {
        if !oracle::docker_engine() {
            return Err("none answers".to_owned());
        }
        let compose = oracle::docker_compose().ok_or("Docker Compose is not set up")?;
        let folder = tempfile::tempdir().unwrap();
        // Where docker looks for `docker compose`.
        let plugins = folder.path().join(".docker/cli-plugins");
        fs::create_dir_all(&plugins).unwrap();
        symlink(&compose, plugins.join("docker-compose")).unwrap();
        let engine = Self {
            compose,
            project: format!("{PROJECT}-{}", std::process::id()),
            folder,
            _alone: alone(),
        };
        // What a killed run left.
        engine.take_down_all(&format!("name={PROJECT}"));
        if !engine.is_here() {
            return Err("its networks are not this machine's, as without root".to_owned());
        }
        Ok(engine)
    }

    /// Whether a network that the engine makes is one of this machine, and not of a virtual or another one: only then
    /// can containers be reached, and published ports be looked for.
    fn is_here(&self) -> bool {
        let network = format!("{}_probe", self.project);
        let made = self
            .command("docker")
            .args(["network", "create", "--label", &self.label(), &network])
            .output();
        let gateways = self
            .command("docker")
            .args(["network", "inspect", &network, "--format"])
            .arg("{{range .IPAM.Config}}{{println .Gateway}}{{end}}")
            .output();
        let is_here = made.and(gateways).is_ok_and(|gateways| {
            // An address can be listened at where it is one's own.
            text(&gateways.stdout)
                .lines()
                .filter_map(|line| line.parse::<Ipv4Addr>().ok())
                .any(|gateway| TcpListener::bind((gateway, 0)).is_ok())
        });
        self.take_down();
        is_here
    }

    fn build(&self) -> Result<(), String> {
        let serve = self.folder.path().join("serve");
        link_statically("tests/container/serve_environment.rs", &serve, &[])?;
        let copies = PROGRAMS.map(|path| format!("COPY serve {path}\n"));
        let dockerfile = format!(
            "FROM scratch\n{}ENTRYPOINT [\"{}\"]\n",
            copies.concat(),
            PROGRAMS[1]
        );
        self.build_image(IMAGE, &dockerfile);
        Ok(())
    }

    fn build_image(&self, name: &str, dockerfile: &str) {
        fs::write(self.folder.path().join("Dockerfile"), dockerfile).unwrap();
        succeed(
            self.command("docker")
                .args(["build", "--network", "none", "--force-rm", "--tag", name])
                .arg(self.folder.path()),
        );
    }

    /// Runs a compose file. What it publishes must be free, see [`is_taken`].
    pub fn up(&self, file: &Path) -> Running<'_> {
        self.run(file, over(&self.project, &self.services(&[file])))
    }

    /// The same with the images and the commands of the file, each image being ours under its name. None, with a visible
    /// skip, where somebody has an image of one of these names.
    pub fn up_as_it_is(&self, file: &Path) -> Option<(Running<'_>, Borrowed<'_>)> {
        let services = self.services(&[file]);
        let names = services
            .values()
            .filter_map(|service| service["image"].as_str());
        let borrowed = self.borrow(names.collect())?;
        let running = self.run(file, over_as_it_is(&self.project, &services));
        Some((running, borrowed))
    }

    /// Gives our image further names.
    fn borrow(&self, names: BTreeSet<&str>) -> Option<Borrowed<'_>> {
        let mut borrowed = Borrowed {
            engine: self,
            names: Vec::new(),
        };
        for name in names {
            let there = self
                .command("docker")
                .args(["image", "inspect", name])
                .output();
            if there.is_ok_and(|output| output.status.success()) {
                oracle::skip(&format!("an image called {name}: somebody has one here"));
                return None;
            }
            succeed(self.command("docker").args(["tag", IMAGE, name]));
            borrowed.names.push(name.to_owned());
        }
        Some(borrowed)
    }

    /// What `docker inspect` prints of our containers, without the name of the file that is merged over theirs.
    pub fn inspected(&self) -> String {
        let mut inspect = self.command("docker");
        let printed = succeed(
            inspect
                .arg("inspect")
                .args(self.listed(&["ps"], &self.marked())),
        );
        let mut containers: Value = serde_json::from_str(&printed).unwrap();
        for container in containers.as_array_mut().unwrap() {
            let files =
                &mut container["Config"]["Labels"]["com.docker.compose.project.config_files"];
            let (own, _) = files.as_str().unwrap().split_once(',').unwrap();
            *files = json!(own);
        }
        containers.to_string()
    }

    fn run(&self, file: &Path, over: Value) -> Running<'_> {
        // Before anything is started, so that a failure on the way takes everything down.
        let mut running = Running {
            engine: self,
            addresses: BTreeMap::new(),
            gateway: Ipv4Addr::UNSPECIFIED.into(),
        };
        let merged = file.with_file_name("over.json");
        fs::write(&merged, over.to_string()).unwrap();
        assert_harmless(&self.services(&[file, &merged]));
        let up = || {
            let mut up = self.compose(&[file, &merged]);
            up.args(["up", "--detach", "--no-build"]);
            up
        };
        // A busy engine may not have left a network yet that the case before had.
        if !up().output().unwrap().status.success() {
            self.take_down();
            succeed(&mut up());
        }
        for (service, network) in self.networks() {
            let address = |name: &str| network[name].as_str()?.parse().ok();
            let (Some(own), Some(gateway)) = (address("IPAddress"), address("Gateway")) else {
                panic!("{service} does not run");
            };
            running.addresses.insert(service, own);
            running.gateway = gateway;
        }
        running
    }

    /// What compose makes of the services of these files, by name.
    pub fn services(&self, files: &[&Path]) -> BTreeMap<String, Value> {
        let output = succeed(self.compose(files).arg("config"));
        let mut document: Value = serde_yaml::from_str(&output).unwrap();
        serde_json::from_value(document["services"].take()).unwrap()
    }

    /// A network of each service's container, as the engine describes it.
    fn networks(&self) -> Vec<(String, Value)> {
        let described = self.containers().into_iter().map(|mut container| {
            let service = &container["Config"]["Labels"]["com.docker.compose.service"];
            let service = service.as_str().unwrap().to_owned();
            let networks = container["NetworkSettings"]["Networks"].as_object_mut();
            let network = networks.unwrap().values_mut().next().unwrap().take();
            (service, network)
        });
        described.collect()
    }

    /// Our containers, as the engine describes them.
    fn containers(&self) -> Vec<Value> {
        let output = succeed(
            self.command("docker")
                .args(["container", "inspect"])
                .args(self.listed(&["ps", "--all"], &self.marked())),
        );
        serde_json::from_str(&output).unwrap()
    }

    /// What there is of ours in the engine: containers, networks and volumes.
    pub fn left(&self) -> Vec<String> {
        [
            ["ps", "--all"].as_slice(),
            &["network", "ls"],
            &["volume", "ls"],
        ]
        .iter()
        .flat_map(|list| self.listed(list, &self.marked()))
        .collect()
    }

    /// What compose marks ours with.
    fn label(&self) -> String {
        format!("com.docker.compose.project={}", self.project)
    }

    /// The filter for what is ours.
    fn marked(&self) -> String {
        format!("label={}", self.label())
    }

    /// By the project's name and not by its file, which a killed run took with it. It says nothing and never fails,
    /// because it also runs while a test fails; [`Self::left`] tells what became of it.
    pub fn take_down(&self) {
        self.take_down_all(&self.marked());
    }

    fn take_down_all(&self, filter: &str) {
        for (list, remove) in [
            (
                ["ps", "--all"].as_slice(),
                ["rm", "--force", "--volumes"].as_slice(),
            ),
            (&["network", "ls"], &["network", "rm"]),
            (&["volume", "ls"], &["volume", "rm", "--force"]),
        ] {
            // A network is in use for a moment longer than its last container.
            for _ in 0..3 {
                let identifiers = self.listed(list, filter);
                if identifiers.is_empty() {
                    break;
                }
                drop(
                    self.command("docker")
                        .args(remove)
                        .args(identifiers)
                        .output(),
                );
            }
        }
    }

    /// The identifiers that a list of docker has for a filter.
    fn listed(&self, list: &[&str], filter: &str) -> Vec<String> {
        let output = self
            .command("docker")
            .args(list)
            .args(["--quiet", "--filter", filter])
            .output();
        let output = output.map_or_else(|_| String::new(), |output| text(&output.stdout));
        output.lines().map(str::to_owned).collect()
    }

    fn compose(&self, files: &[&Path]) -> Command {
        let mut command = self.command(&self.compose);
        command.args(["--project-name", &self.project]);
        for file in files {
            command.arg("--file").arg(file);
        }
        command
    }

    /// The variables of the shell would get into the compose file, those that say where the engine is must stay.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        let kept = env::vars_os().filter(|(name, _)| name == "PATH" || name == "DOCKER_HOST");
        command
            .env_clear()
            .envs(kept)
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command
    }
}

/// Names that our image has for a while.
pub struct Borrowed<'e> {
    engine: &'e Engine,
    names: Vec<String>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut remove = self.engine.command("docker");
        drop(
            remove
                .args(["image", "rm", "--force"])
                .args(&self.names)
                .output(),
        );
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(
            self.command("docker")
                .args(["image", "rm", "--force", IMAGE])
                .args(servers::IMAGES)
                .output(),
        );
    }
}

impl Running<'_> {
    /// The environment that each service's process really has, asked of the process itself.
    pub fn environments(&self) -> BTreeMap<String, Environment> {
        let start = Instant::now();
        let ask = |(service, address): (&String, &IpAddr)| loop {
            if let Some(answer) = ask(*address, LISTENED[0]) {
                assert_eq!(&answer.service, service, "another one answers");
                let mut environment = answer.environment;
                // The engine's own: the number of the container.
                environment.remove("HOSTNAME");
                return (service.clone(), environment);
            }
            assert!(start.elapsed() < PATIENCE, "{service} does not answer");
            thread::sleep(Duration::from_millis(50));
        };
        self.addresses.iter().map(ask).collect()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.engine.take_down();
    }
}

/// Asks what a container of ours would answer. None if nobody listens, or somebody else does.
pub fn ask(address: IpAddr, port: u16) -> Option<Answer> {
    let wait = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(address, port), wait).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
    Some(Answer {
        service: answer["service"].as_str()?.to_owned(),
        environment: serde_json::from_value(answer["environment"].clone()).ok()?,
    })
}

/// Whether something on this machine listens on the port already.
pub fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

/// The file that is merged over: our image, and nothing of the host.
fn over(project: &str, services: &BTreeMap<String, Value>) -> Value {
    let services: BTreeMap<&String, Value> = services
        .iter()
        .map(|(name, service)| {
            let mut words = vec![name.clone()];
            words.extend(LISTENED.map(|port| port.to_string()));
            // Merged by where they are in the container, so each takes the place of the one that was there.
            let volumes: Vec<Value> = list(&service["volumes"])
                .map(|volume| json!({"type": "tmpfs", "target": target(volume)}))
                .collect();
            // Not every machine may raise them, and every one may lower them.
            let ulimits: BTreeMap<&String, u32> = service["ulimits"]
                .as_object()
                .into_iter()
                .flat_map(|ulimits| ulimits.keys())
                .map(|name| (name, 1024))
                .collect();
            let service = json!({
                "image": IMAGE,
                "container_name": format!("{project}-{name}"),
                "entrypoint": ["/serve"],
                "command": words,
                "volumes": volumes,
                "ulimits": ulimits,
                "privileged": false,
                "restart": "no",
            });
            (name, service)
        })
        .collect();
    json!({"services": services})
}

/// The file that is merged over where images and commands stay: nothing of the host but the configuration folder beside
/// the file, and what tells a container who it is.
fn over_as_it_is(project: &str, services: &BTreeMap<String, Value>) -> Value {
    let mut over = over(project, services);
    for (name, service) in over["services"].as_object_mut().unwrap() {
        let service = service.as_object_mut().unwrap();
        for key in ["image", "entrypoint", "command"] {
            service.remove(key);
        }
        service.insert("hostname".to_owned(), json!(name));
    }
    over
}

fn assert_harmless(services: &BTreeMap<String, Value>) {
    for (name, service) in services {
        for (key, value) in service.as_object().unwrap() {
            let is_harmless = match key.as_str() {
                // That of a file as it is has one of ours under its name.
                "hostname" | "image" => true,
                "privileged" => value == false,
                "restart" => value == "no",
                "security_opt" => *value == json!(["no-new-privileges:true"]),
                "volumes" => list(value).all(|volume| volume["type"] == "tmpfs"),
                key => HARMLESS.contains(&key),
            };
            assert!(is_harmless, "{name} is not started because of its {key}");
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Where a volume is in the container: `FROM:TO`, `FROM:TO:MODE`, `TO`, or a mapping.
fn target(volume: &Value) -> &str {
    match volume.as_str() {
        Some(short) => short.split(':').nth(1).unwrap_or(short),
        None => volume["target"].as_str().unwrap(),
    }
}

/// Builds a program of the containers, with variables for the compiler. A scratch image has no library that it could be
/// linked to.
pub(crate) fn link_statically(
    source: &str,
    to: &Path,
    variables: &[(&str, &str)],
) -> Result<(), String> {
    let musl = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let attempt = |arguments: &[&str]| {
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition", "2024", "-O", "-C", "strip=symbols", "-o"])
            .arg(to)
            .args(arguments)
            .arg(source)
            .envs(variables.iter().copied())
            // Where the file is that says which compiler.
            .current_dir(root())
            .output()
    };
    let is_done = |output: &std::io::Result<Output>| {
        output.as_ref().is_ok_and(|output| output.status.success())
    };
    if is_done(&attempt(&["--target", &musl]))
        || is_done(&attempt(&["-C", "target-feature=+crt-static"]))
    {
        return Ok(());
    }
    Err(format!(
        "no static program can be built: neither the target {musl} nor a static libc is here"
    ))
}

/// Waits until no other test of this machine uses the engine.
fn alone() -> File {
    let path = env::temp_dir().join(format!("{PROJECT}.lock"));
    // Another user's file can be locked as well, and not created again.
    drop(File::create_new(&path));
    let file = File::open(&path).unwrap();
    file.lock().unwrap();
    file
}

/// Runs it and returns what it prints; fails, with what it said, if it does.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{:?} of {:?} ended with {}\n{}",
        command.get_args().collect::<Vec<_>>(),
        command.get_program(),
        output.status,
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The services by the ports of this machine at which they answer under an address.
pub fn reached(address: impl Into<IpAddr>, ports: &BTreeSet<u16>) -> BTreeMap<u16, String> {
    let address = address.into();
    let answers = ports
        .iter()
        .filter_map(|port| Some((*port, ask(address, *port)?.service)));
    answers.collect()
}
