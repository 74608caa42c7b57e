use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueHint};
use clearml_secure_cli::general::General;

/// Puts a keyset into a ClearML docker-compose file, or the Secret that holds it into Helm values.
///
/// Every server that reads a setting gets it, where it reads it: the API server, the file server, the delete job
/// and the services agent. All other lines stay as they are, byte for byte. Before anything is
/// written, the edited file is read again and the result is proved; if the proof fails, nothing is written.
///
/// A values file of ClearML's Helm chart is recognized by what is in it. No key comes into it: it gets the name of a
/// Secret (`clearml-keygen -f kubernetes`) and, in its own `extraEnvs`, the entries that take the keys from there. Keys
/// below `clearml` are removed. It needs no keyset.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// The compose file or values file, or `-` for standard input
    #[arg(value_name = "COMPOSE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) compose: PathBuf,

    /// What people name besides: the answer says where it belongs.
    #[arg(value_name = "FILE", hide = true)]
    pub(crate) others: Vec<PathBuf>,

    /// The keyset, in any format that clearml-keygen writes. `-` is standard input, the default for a compose file.
    /// --close-ports and --bind need none. For a values file it only tells whether there are web-login users, whose Secret is
    /// NAME-logins
    #[arg(short, long, value_name = "KEYS", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub(crate) keys: Option<PathBuf>,

    /// For a values file: what the Secret is called [default: clearml-keys]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    pub(crate) secret: Option<String>,

    /// A compose file that is merged over COMPOSE, like another `-f` of docker compose; it is not changed
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub(crate) merge: Vec<PathBuf>,

    /// Keep the values out of the compose file: write them to FILE (mode 0600), whose other lines stay, and references to
    /// them into the compose file. If given several times, the last FILE is written
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(crate) env_file: Vec<PathBuf>,

    /// Accept values that are public, placeholders, short or used twice
    #[arg(long, help_heading = "Input")]
    pub(crate) allow_weak: bool,

    /// Write values into the compose file also in place of references (`${NAME}`) to an env file
    #[arg(long, conflicts_with_all = ["env_file", "is_override"], help_heading = "Output")]
    pub(crate) literal: bool,

    /// Print an override file instead, which docker compose merges over COMPOSE: `-f COMPOSE -f -`
    #[arg(long = "override", conflicts_with_all = ["in_place", "diff"], help_heading = "Output")]
    pub(crate) is_override: bool,

    /// Publish no port of Elasticsearch, MongoDB and Redis
    #[arg(long, help_heading = "Ports")]
    pub(crate) close_ports: bool,

    /// Publish the web, API and file servers on ADDRESS only, e.g. 127.0.0.1 behind a reverse proxy
    #[arg(long, value_name = "ADDRESS", value_parser = address, help_heading = "Ports")]
    pub(crate) bind: Option<IpAddr>,

    /// Write to FILE (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["in_place", "diff", "check"], value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE of --output if it exists
    #[arg(long, requires = "output", help_heading = "Output")]
    pub(crate) force: bool,

    /// Change the compose file or values file itself
    #[arg(short, long, conflicts_with_all = ["diff", "check"], help_heading = "Output")]
    pub(crate) in_place: bool,

    /// With --in-place: keep a copy of the old file, with SUFFIX added to its name
    #[arg(
        long,
        value_name = "SUFFIX",
        requires = "in_place",
        value_parser = clap::builder::NonEmptyStringValueParser::new(),
        help_heading = "Output"
    )]
    pub(crate) backup: Option<String>,

    /// Print a unified diff instead, with secrets masked
    #[arg(long, conflicts_with = "check", help_heading = "Output")]
    pub(crate) diff: bool,

    /// Before anything is written, compare every service's variables and ports with what Docker Compose 2 reads in the
    /// result
    #[arg(long, help_heading = "Output")]
    pub(crate) prove_with_compose: bool,

    /// Write nothing; exit 1 if the file would change
    #[arg(long, help_heading = "Output")]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) general: General,
}

impl Cli {
    /// Where the keyset of a compose file is.
    pub(crate) fn keys(&self) -> &Path {
        self.keys.as_deref().unwrap_or(Path::new("-"))
    }

    /// An option that is given and for compose files only.
    pub(crate) fn of_compose(&self) -> Option<&'static str> {
        let options = [
            ("--merge", !self.merge.is_empty()),
            ("--env-file", !self.env_file.is_empty()),
            ("--allow-weak", self.allow_weak),
            ("--literal", self.literal),
            ("--override", self.is_override),
            ("--close-ports", self.close_ports),
            ("--bind", self.bind.is_some()),
            ("--prove-with-compose", self.prove_with_compose),
        ];
        let given = options.into_iter().find(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }
}

/// An address of this machine; docker publishes on no name.
fn address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| match text {
        "localhost" => "it is a name, and docker publishes on addresses: use 127.0.0.1".to_owned(),
        _ => "it is no IP address such as 127.0.0.1 or ::1; the ports stay as they are".to_owned(),
    })
}

const EXAMPLES: &str = "\
Examples:
  clearml-keygen | clearml-inject -o secured.yml docker-compose.yml
  clearml-inject -k keys.env --diff docker-compose.yml
  clearml-inject -k keys.env --close-ports --bind 127.0.0.1 docker-compose.yml
  clearml-inject -k keys.env -i --backup .orig docker-compose.yml
  clearml-inject -k keys.env -i --env-file .env docker-compose.yml
  clearml-inject -k keys.env --override -o docker-compose.override.yml docker-compose.yml
  clearml-inject -i values.yaml

Exit codes: 0 done, 1 would change (--check), 2 failed: nothing was written.";
