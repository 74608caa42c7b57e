use std::path::PathBuf;

use clap::{Parser, ValueEnum, ValueHint};
use clearml_secure_cli::general::{General, whole};

/// Says what is unsafe in a ClearML deployment or on a running server, and where.
///
/// It works out what each server process will really read: compose files, `.env`, `env_file`, mounted *.conf
/// files and the image's own defaults, in the order and with the oddities of the real servers. The environment
/// of the shell is not read.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// A compose file, Kubernetes manifests, values of ClearML's Helm chart, a directory (every deployment below it), what
    /// `docker inspect` prints, `-` for standard input, the URL of a running server, or `@FILE` with a target on each line
    /// [default: .]
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub(crate) targets: Vec<PathBuf>,

    /// Read the variables of `${NAME}` from FILE, instead of the `.env` beside the compose file. If given several times, later
    /// files win
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub(crate) env_file: Vec<PathBuf>,

    /// The folder that the servers see as /opt/clearml/config, instead of the one that is mounted
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Input")]
    pub(crate) config_dir: Option<PathBuf>,

    /// A compose file or a values file that is merged over each TARGET, like another `-f` of docker compose or helm
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub(crate) merge: Vec<PathBuf>,

    /// Which chart a values file is for [default: 7.14]
    #[arg(long, value_name = "VERSION", value_parser = chart, help_heading = "Input")]
    pub(crate) chart: Option<String>,

    /// Check a part of the targets: shard I of N, counted from 0. The N shards together check every deployment and URL once,
    /// whatever machine they run on, if all of them are given the same targets by the same names
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "write_baseline", help_heading = "Input")]
    pub(crate) shard: Option<Shard>,

    /// A keyset: the deployment must have these values, and the running server must accept them
    #[arg(short, long, value_name = "KEYS", value_hint = ValueHint::FilePath, help_heading = "Running server")]
    pub(crate) keys: Option<PathBuf>,

    /// A keyset from before a rotation: the running server must refuse it, and no client among the targets may have it
    #[arg(long, value_name = "KEYS", value_hint = ValueHint::FilePath, help_heading = "Running server")]
    pub(crate) old_keys: Option<PathBuf>,

    /// Say who will be cut off when --old-keys are replaced, and nothing else: files of clients (clearml.conf, env files,
    /// pipelines, compose files of other stacks), and a running server's agents and users
    #[arg(long, requires = "old_keys", conflicts_with_all = ["effective", "fix"], help_heading = "Running server")]
    pub(crate) clients: bool,

    /// Where the API server is, instead of what is derived from the URL
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Running server")]
    pub(crate) api: Option<String>,

    /// Where the web server is
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Running server")]
    pub(crate) web: Option<String>,

    /// Where the file server is
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Running server")]
    pub(crate) files: Option<String>,

    /// Send keys over plain HTTP to other machines, too
    #[arg(long, help_heading = "Running server")]
    pub(crate) allow_plain_http: bool,

    /// How many requests run at once, and how many files are read at once, at most one on each core
    #[arg(long, value_name = "N", default_value = "32", value_parser = jobs, help_heading = "Running server")]
    pub(crate) jobs: u16,

    /// How many requests a second go to one host, 0.001 to 1000 [default: 10, and any number on this machine]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Running server")]
    pub(crate) rate: Option<f64>,

    /// How long a request may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = timeout, help_heading = "Running server")]
    pub(crate) timeout: u16,

    /// What the output looks like
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    pub(crate) format: Format,

    /// Write to FILE instead of standard output, in the format of -f. FORMAT:FILE writes the same findings in another format,
    /// too, and may be given several times. A FILE that exists is replaced, in one step
    #[arg(short, long, value_name = "[FORMAT:]FILE", value_hint = ValueHint::FilePath, value_parser = output, conflicts_with_all = ["write_baseline", "list_rules", "explain"], help_heading = "Output")]
    pub(crate) output: Vec<Output>,

    /// Hide findings below a severity. Their number is printed, and they do not make the exit code 1
    #[arg(long, value_name = "SEVERITY", help_heading = "Output")]
    pub(crate) min_severity: Option<Severity>,

    /// Print only how many findings each deployment and each rule has, as text; a file of -o in another format has all
    #[arg(long, conflicts_with_all = ["effective", "fix", "write_baseline"], help_heading = "Output")]
    pub(crate) summary: bool,

    /// Print what every server reads, and from where, instead of findings; never a value
    #[arg(long, help_heading = "Output")]
    pub(crate) effective: bool,

    /// With --effective: every other path, too, that can open a server
    #[arg(long, requires = "effective", help_heading = "Output")]
    pub(crate) all: bool,

    /// Print the commands that fix what is found, to be read and pasted; nothing is changed
    #[arg(long, conflicts_with_all = ["effective", "write_baseline"], help_heading = "Output")]
    pub(crate) fix: bool,

    /// Compare with an earlier run: FILE is what it printed with -f json or -f jsonl. Says what is new, what is still there
    /// and what is fixed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["fix", "effective", "write_baseline", "clients"], help_heading = "Output")]
    pub(crate) since: Option<PathBuf>,

    /// The least severity that makes the exit code 1; notes are printed either way [default: warning]
    #[arg(long, value_name = "SEVERITY", help_heading = "Rules")]
    pub(crate) fail_on: Option<FailOn>,

    /// Leave out the findings of rules
    #[arg(
        long,
        value_name = "RULE,…",
        value_delimiter = ',',
        help_heading = "Rules"
    )]
    pub(crate) ignore: Vec<String>,

    /// Accept the findings that FILE records, and fail on others only
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub(crate) baseline: Option<PathBuf>,

    /// Record today's findings in FILE instead of printing them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "effective"], value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub(crate) write_baseline: Option<PathBuf>,

    /// Take options and accepted findings from FILE, instead of a clearml-verify.toml beside the target
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    pub(crate) config: Option<PathBuf>,

    /// Also report findings that comments or clearml-verify.toml accept
    #[arg(long, help_heading = "Rules")]
    pub(crate) no_ignore: bool,

    /// List all rules: what they find, and how bad it is; also with -f json
    #[arg(long, help_heading = "Rules")]
    pub(crate) list_rules: bool,

    /// Print what a rule is about; also with -f json
    #[arg(long, value_name = "RULE", help_heading = "Rules")]
    pub(crate) explain: Option<String>,

    #[command(flatten)]
    pub(crate) general: General,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: findings with the lines they are about
    Text,
    /// For programs: versioned, one object
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For a workflow on GitHub: annotations
    Github,
    /// For a browser or a printer: one page that needs nothing else
    Html,
    /// For a merge request or a ticket
    Markdown,
    /// For a log: one object a line
    Jsonl,
    /// For GitLab: a Code Quality report
    Gitlab,
    /// For the textfile collector of a Prometheus node exporter
    Prometheus,
}

/// A file to write, and in which format if it has one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) format: Option<Format>,
    pub(crate) path: PathBuf,
}

/// One of equal parts of all that there is to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 0.
    pub(crate) index: u32,
    pub(crate) count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Severity {
    Error,
    Warning,
    Note,
}

/// `FILE`, or `FORMAT:FILE`. A format that is misspelled is none of a file's name.
fn output(text: &str) -> Result<Output, String> {
    let is_word = |format: &str| format.bytes().all(|byte| byte.is_ascii_alphabetic());
    let (format, path) = match text.split_once(':') {
        Some((format, path)) if is_word(format) && !format.is_empty() && !path.is_empty() => {
            (Some(format), path)
        }
        _ => (None, text),
    };
    let format = format.map(|name| Format::from_str(name, false).map_err(|_| name));
    match format.transpose() {
        Ok(format) => Ok(Output {
            format,
            path: path.into(),
        }),
        Err(name) => {
            let formats = Format::value_variants().iter();
            let names = formats
                .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()));
            Err(format!(
                "{name} is no format. The formats are {}. A file of this name is ./{text}",
                names.collect::<Vec<_>>().join(", ")
            ))
        }
    }
}

/// A version of a chart.
fn chart(text: &str) -> Result<String, String> {
    let numbers: Vec<&str> = text
        .trim_start_matches("clearml-")
        .trim_start_matches('v')
        .split('.')
        .collect();
    let is_number = |text: &&str| text.parse::<u16>().is_ok();
    match (2..=3).contains(&numbers.len()) && numbers.iter().all(is_number) {
        true => Ok(numbers.join(".")),
        false => Err("it is a version such as 7.14.4; `helm list` prints it".to_owned()),
    }
}

/// `I/N`.
fn shard(text: &str) -> Result<Shard, String> {
    let number = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| is_number)
    };
    let numbers = text
        .split_once('/')
        .and_then(|(index, count)| Some((number(index)?, number(count)?)));
    match numbers {
        None => Err("write it as I/N, for example 0/8 for the first of 8 shards".to_owned()),
        Some((_, 0)) => Err("there is at least one shard: 0/1".to_owned()),
        Some((index, count)) if index >= count => Err(format!(
            "shards are counted from 0: the last of {count} is {}/{count}",
            count - 1
        )),
        Some((index, count)) => Ok(Shard { index, count }),
    }
}

/// Requests at once.
fn jobs(text: &str) -> Result<u16, String> {
    whole(text, 1..=1024)
}

/// Seconds.
fn timeout(text: &str) -> Result<u16, String> {
    whole(text, 1..=600)
}

/// Requests in a second, from one in a quarter of an hour on.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1000.0).contains(&rate) => Ok(rate),
        _ => Err("it is a number from 0.001 to 1000".to_owned()),
    }
}

const EXAMPLES: &str = "\
Examples:
  clearml-verify docker-compose.yml
  clearml-verify -o json:report.json -o html:report.html docker-compose.yml
  clearml-verify --effective docker-compose.yml
  clearml-verify --fix docker-compose.yml
  clearml-verify --explain missing-setting
  clearml-verify --keys keys.env https://clearml.example.com
  clearml-verify --clients --old-keys keys.env ~/agents http://localhost:8008
  clearml-verify --shard 0/8 -f jsonl deployments
  clearml-verify --summary deployments @hosts.txt
  clearml-verify --since last-week.json deployments

To silence one finding, on its line or the line above:
  # clearml-verify: ignore[RULE] why it is right here

Exit codes: 0 no error and no warning, 1 findings (see --fail-on), whatever else was not checked,
2 something was not checked, it could not run, or a .conf file cannot be parsed.
With --keys or --old-keys and a running server, only what it says about keys counts.";
