use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum, ValueHint};
use clearml_secure_cli::general::{General, whole};

/// Generates keys for every account of a ClearML Server.
///
/// Prints a keyset: a new random value for each of the twelve settings that decide who gets into the server.
/// Keys have 30 characters and secrets 54, all of them letters and digits, so that no program on their way to
/// the server reads them as anything else.
#[derive(Debug, Parser)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("generated").multiple(true))]
pub(crate) struct Cli {
    /// What the keyset looks like
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "env",
        help_heading = "Output"
    )]
    pub(crate) format: Format,

    /// Write to FILE, which only you can read (mode 0600), instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,

    /// Replace FILE of --output if it exists
    #[arg(long, requires = "output", help_heading = "Output")]
    pub(crate) force: bool,

    /// What the Secret of `-f kubernetes` and `-f helm` is called [default: clearml-keys]
    #[arg(long, value_name = "NAME", help_heading = "Output")]
    pub(crate) secret: Option<String>,

    /// Generate N keysets, one on each line, for N deployments; needs -f jsonl
    #[arg(long, value_name = "N", value_parser = count, conflicts_with_all = ["from", "only", "user", "reset_password", "users_from", "passwords", "secret"], help_heading = "Output")]
    pub(crate) count: Option<u32>,

    /// Start from this keyset, in any format: keep its values, generate what is missing or empty. With `-f hocon`, all
    /// other lines of a secure.conf, or of an apiserver.conf with users, stay byte for byte
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input")]
    pub(crate) from: Option<PathBuf>,

    /// Replace these and keep the rest of --from: an account (fileserver), token_secret, session_secret,
    /// or a setting's path; may be given several times
    #[arg(long, value_name = "WHAT", requires = "from", help_heading = "Input")]
    pub(crate) only: Vec<String>,

    /// Add a web-login user with a generated password; may be given several times
    #[arg(
        long,
        value_name = "NAME[=FULL NAME]",
        requires = "passwords",
        group = "generated",
        help_heading = "Web login"
    )]
    pub(crate) user: Vec<String>,

    /// Give a web-login user of --from a new generated password; may be given several times
    #[arg(
        long,
        value_name = "NAME",
        requires_all = ["from", "passwords"],
        group = "generated",
        help_heading = "Web login"
    )]
    pub(crate) reset_password: Vec<String>,

    /// Remove a web-login user of --from; may be given several times
    #[arg(
        long,
        value_name = "NAME",
        requires = "from",
        help_heading = "Web login"
    )]
    pub(crate) remove_user: Vec<String>,

    /// Add the web-login users of FILE: lines `name:password` or `name:password:Full Name`, or JSON lines
    /// `{"username": "jane", "password": "a:b", "name": "Jane"}`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Web login")]
    pub(crate) users_from: Option<PathBuf>,

    /// Write the generated passwords to FILE (mode 0600), the only time they are shown; `-` is standard error
    #[arg(long, value_name = "FILE", requires = "generated", value_hint = ValueHint::FilePath, help_heading = "Web login")]
    pub(crate) passwords: Option<PathBuf>,

    /// What people name besides: the answer says where it belongs.
    #[arg(value_name = "FILE", hide = true)]
    pub(crate) others: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) general: General,
}

/// The formats, in the order of the help.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// Variables: for clearml-inject, for a service's env_file, and for a shell
    Env,
    /// For programs: {"version": 1, "settings": {…}, "users": […]}
    Json,
    /// The same on one line
    Jsonl,
    /// The same entries as in JSON
    Yaml,
    /// The same entries as in JSON
    Toml,
    /// A secure.conf for the folder that is mounted as /opt/clearml/config; `-o FOLDER/secure.conf` writes the users to
    /// FOLDER/apiserver.conf, where the API server reads them
    Hocon,
    /// A Secret for `kubectl create -f -`, and a second one, NAME-logins, with the web-login users
    Kubernetes,
    /// Values for ClearML's Helm chart that hold no secret and name that Secret
    Helm,
}

const EXAMPLES: &str = "\
Examples:
  clearml-keygen -o keys.env
  clearml-keygen | clearml-inject -o secured.yml docker-compose.yml
  clearml-keygen --from keys.env -f hocon -o secure.conf
  clearml-keygen --count 200 -f jsonl -o fleet.jsonl
  clearml-keygen --from keys.env --only token_secret -o keys.env --force
  clearml-keygen --from secure.conf --only tests -f hocon -o secure.conf --force
  clearml-keygen --user 'john=John Doe' --passwords logins.txt -o keys.env
  clearml-keygen --from keys.env --reset-password jane --passwords - -o new.env
  clearml-keygen --from apiserver.conf --remove-user john -f hocon -o new.conf

`-` is standard input (--from, --users-from) or standard output (--output).
Exit codes: 0 done, 2 failed: no file was written or changed.";

/// Keysets on lines.
fn count(text: &str) -> Result<u32, String> {
    whole(text, 1..=10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        clearml_secure_cli::general::command::<Cli>(String::new()).debug_assert();
    }
}
