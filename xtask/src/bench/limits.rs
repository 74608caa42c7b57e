//! Inputs that nobody has and a program must not fail at: as large as a file may be, or made to take all memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::row::{Bound, Row};
use super::{Bench, MOST_AT_DOUBLE, service};
use crate::oracles;
use crate::shell::Result;

/// The largest file that is read, and half of it, in bytes.
const LARGEST: usize = 64 << 20;
const HALF: usize = LARGEST / 2;
/// What is made to take much, in megabytes.
const MEGABYTES: f64 = 64.0;
/// How many files a configuration folder may have.
const FILES: usize = 10_000;
/// How many servers answer with more than anybody takes.
const SERVERS: usize = 10;

/// Servers that answer every request with lists in each other, with a wide object, or without an end. It prints an address for
/// each.
const HOSTILE: &str = r#"
import http.server, sys, threading

class Hostile(http.server.BaseHTTPRequestHandler):
    def answer(self):
        kind = self.server.server_port % 3
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        try:
            if kind == 1:
                self.wfile.write(b'{"data": {')
            for number in range(1000 if kind < 2 else sys.maxsize):
                part = [b"[" * 65536, b'"a%d": 0, ' % number * 6000, b" " * 65536][kind]
                self.wfile.write(part)
        except OSError:
            pass

    do_GET = do_POST = do_PUT = do_OPTIONS = do_HEAD = answer

    def log_message(self, *words):
        pass

for _ in range(int(sys.argv[1])):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("http://127.0.0.1:%d" % server.server_port)
print(flush=True)
sys.stdin.read()
"#;

/// A file of which there may be much.
struct Much {
    name: &'static str,
    /// The command line.
    how: &'static str,
    /// What the memory is spent on, where it is too much.
    why: &'static str,
    /// What is before the lines, one of them, and what is behind.
    text: (&'static str, fn(usize) -> String, &'static str),
    program: &'static str,
    /// Words before the file, and the file that is behind it.
    arguments: &'static [&'static str],
    has_stock: bool,
}

/// What a compose file takes.
const WHY: &str = "of 31 MB on the heap for 3.2 MB of such a file, its tree has 28 %, the variables of its containers 26 %, the text 10 % and \
                   the containers 9 % (heaptrack).";

const MUCH: [Much; 4] = [
    Much {
        name: ".env",
        how: "`clearml-verify --env-file FILE docker-compose.yml`",
        why: "",
        text: ("", |number| format!("NAME_{number}=value {number}\n"), ""),
        program: "clearml-verify",
        arguments: &["--env-file"],
        has_stock: true,
    },
    Much {
        name: "compose file",
        how: "`clearml-verify FILE`",
        why: WHY,
        text: ("services:\n", service, ""),
        program: "clearml-verify",
        arguments: &[],
        has_stock: false,
    },
    Much {
        name: "JSON keyset",
        how: "`clearml-inject -k FILE docker-compose.yml`, which refuses it when it is read",
        why: "",
        text: (
            "{\"apiserver\": {\n",
            |number| format!("\"name_{number}\": \"value {number}\",\n"),
            "\"last\": \"\"}}\n",
        ),
        program: "clearml-inject",
        arguments: &["-k"],
        has_stock: true,
    },
    Much {
        name: ".conf file",
        how: "`clearml-verify` of a deployment that has it; it is `not checked`",
        why: "",
        text: (
            "",
            |number| format!("section_{number} {{ name: \"value {number}\" }}\n"),
            "",
        ),
        program: "clearml-verify",
        arguments: &[],
        has_stock: false,
    },
];

/// Servers that are no servers of ClearML; they end when this is dropped.
struct Hostile {
    child: Child,
    addresses: Vec<String>,
}

impl Bench {
    /// All lines about them.
    pub(super) fn limits(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for much in &MUCH {
            rows.extend(self.much(much)?);
        }
        rows.push(self.doubling()?);
        rows.push(self.tiny()?);
        rows.push(self.hostile()?);
        Ok(rows)
    }

    /// A file as large as is read. One that is refused for its size takes no more than one that is read.
    fn much(&self, much: &Much) -> Result<[Row; 2]> {
        let name = much.name;
        let folder = self.folder.join("much");
        let look = |bytes: usize| -> Result<(f64, f64)> {
            let (file, target) = match name {
                ".conf file" => (self.configured(&folder)?, folder.clone()),
                _ => (self.folder.join("much.yml"), self.folder.join("much.yml")),
            };
            write_lines(&file, &much.text, bytes)?;
            let mut command = self.program(much.program);
            command.args(much.arguments).arg(target);
            if much.has_stock {
                command.arg(&self.stock);
            }
            self.measured_of(3, 2, Path::new("/dev/null"), &command)
        };
        let (half, _) = look(HALF)?;
        let (whole, megabytes) = look(LARGEST)?;
        // A whole number of megabytes.
        let most = 10.0 * f64::from(u32::try_from(LARGEST / 1_000_000).unwrap_or(u32::MAX)) + 10.0;
        Ok([
            Row::ratio(
                format!("a {name} of 64 MiB / of 32 MiB"),
                (whole, half),
                Bound::AtMost(MOST_AT_DOUBLE),
            )
            .by(much.how),
            Row::megabytes(format!("a {name} of 64 MiB: memory"), megabytes, most)
                .because(much.why),
        ])
    }

    /// A deployment whose configuration folder is here; its file for the API server.
    fn configured(&self, folder: &Path) -> Result<PathBuf> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        let config = folder.join("config");
        fs::create_dir_all(&config).map_err(failed)?;
        let stock = fs::read_to_string(&self.stock).map_err(failed)?;
        let here = stock.replace("/opt/clearml/config:", "./config:");
        fs::write(folder.join("docker-compose.yml"), here).map_err(failed)?;
        Ok(config.join("apiserver.conf"))
    }

    /// A few lines, each of which has the one before twice.
    fn doubling(&self) -> Result<Row> {
        let folder = self.folder.join("doubling");
        let lines = (1..=40).map(|level| format!("a{level} = [${{a{0}}}, ${{a{0}}}]\n", level - 1));
        let text = format!("a0 = [x]\n{}", lines.collect::<String>());
        fs::write(self.configured(&folder)?, text).map_err(|error| error.to_string())?;
        self.memory("a .conf file that doubles and doubles: memory", &[folder])
    }

    /// Many files in the configuration folder.
    fn tiny(&self) -> Result<Row> {
        let folder = self.folder.join("tiny");
        self.configured(&folder)?;
        for number in 0..FILES {
            let path = folder.join(format!("config/part{number}.conf"));
            fs::write(path, format!("a {{ b{number}: {number} }}\n"))
                .map_err(|error| error.to_string())?;
        }
        self.memory(&format!("{FILES} .conf files: memory"), &[folder])
    }

    /// Servers that answer with more than anybody takes.
    fn hostile(&self) -> Result<Row> {
        let hostile = Hostile::start(&oracles::python(&self.oracles))?;
        let targets: Vec<PathBuf> = hostile.addresses.iter().map(PathBuf::from).collect();
        let work = format!("{SERVERS} servers with deep, wide and endless answers: memory");
        self.memory(&work, &targets)
    }

    fn memory(&self, work: &str, targets: &[PathBuf]) -> Result<Row> {
        let mut verify = self.program("clearml-verify");
        verify.args(targets);
        let (_, megabytes) = self.measured_of(1, 2, Path::new("/dev/null"), &verify)?;
        Ok(Row::megabytes(work.to_owned(), megabytes, MEGABYTES))
    }
}

impl Hostile {
    fn start(python: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| format!("the hostile servers do not start: {error}");
        let mut command = Command::new(python);
        command.args(["-c", HOSTILE, &SERVERS.to_string()]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let mut hostile = Self {
            child,
            addresses: Vec::new(),
        };
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(failed)?;
            match line.is_empty() {
                true => break,
                false => hostile.addresses.push(line),
            }
        }
        match hostile.addresses.len() {
            SERVERS => Ok(hostile),
            _ => Err("the hostile servers do not say where they are".to_owned()),
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Lines up to so many bytes.
fn write_lines(
    path: &Path,
    (before, line, behind): &(&str, fn(usize) -> String, &str),
    bytes: usize,
) -> Result {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut written = before.len() + behind.len();
    file.write_all(before.as_bytes()).map_err(failed)?;
    for number in 0.. {
        let line = line(number);
        written += line.len();
        if written > bytes {
            break;
        }
        file.write_all(line.as_bytes()).map_err(failed)?;
    }
    file.write_all(behind.as_bytes()).map_err(failed)?;
    file.flush().map_err(failed)
}
