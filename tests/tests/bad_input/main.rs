//! Whatever a program is given that it cannot use: one message, status 2, nothing written, nothing leaked.
//!
//! Every input carries [`MARK`] where a secret stands, and no output may have it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod compose;
mod files;
mod keysets;

use e2e::program::Done;

/// Stands for a secret, is a valid one, and is found again in any output.
const MARK: &str = "MARKEDsecretMARKEDsecretMARKEDsecretMARKEDsecretMARKED";

/// Also a cut or changed secret is one.
const MARKS: [&str; 2] = ["MARKED", "markedsecret"];

const COMPOSE: &str = "\
services:
  apiserver:
    image: clearml/server:2.3.0
    command: [apiserver]
    environment:
      CLEARML__SECURE__AUTH__TOKEN_SECRET: MARK
  fileserver:
    image: clearml/server:2.3.0
    command: [fileserver]
";

fn leaked(done: &Done) -> Result<(), String> {
    let heard = format!("{}{}", done.stdout, done.stderr);
    if MARKS.iter().any(|mark| heard.contains(mark)) {
        // Not the report: it would show the secret again.
        return Err("a secret was printed".to_owned());
    }
    Ok(())
}
