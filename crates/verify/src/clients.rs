//! Who will be cut off by a rotation: clients of the server, in files, and which pair each of them logs in with.
//!
//! A client is whatever is given a pair under the names that ClearML's SDK and agent read: `clearml.conf`, variables in
//! any file, a container of any compose file that is no server. A file that has an old secret in another way is one, too.

pub(crate) mod client;
mod given;
mod scan;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clearml_secure_core::known;
use clearml_secure_core::setting::Kind;

use crate::cli::Cli;
use crate::clients::client::{Client, Pair};
use crate::error::Error;
use crate::keys::Keys;
use crate::live::accounts;
use crate::report::{NotChecked, PublicKeys, Report, Subject, Texts};
use crate::target;
use crate::target::shard::Share;
use scan::Scan;

/// The name under which clients are found to have old keys; that of the probe, which asks a server for them.
pub(crate) const ID: &str = "client-with-old-keys";

/// What the files of the command line say of clients.
#[derive(Default)]
pub(crate) struct Looked {
    /// All of them; none where there is no client, and nothing that may be one.
    pub(crate) report: Option<Report>,
    /// The targets in which there is a client.
    pub(crate) targets: HashSet<PathBuf>,
}

/// Reads the clients of all files and folders of the command line, where it names old keys.
///
/// # Errors
/// With `--clients`, a target that cannot be read or has no client in it, if it is the only one.
pub(crate) fn look(cli: &Cli, keys: &Keys, share: &mut Share) -> Result<Looked, Error> {
    let mut targets = HashSet::new();
    if keys.old.is_none() {
        return Ok(Looked::default());
    }
    let mut scan = Scan::new(keys);
    // A pipe has its text only once, and a deployment of it is asked for first.
    let is_there = |target: &&PathBuf| cli.clients || target.is_file() || target.is_dir();
    for target in target::files(cli).filter(is_there) {
        if scan.target(target) {
            targets.insert(target.clone());
        } else if cli.clients {
            if !share.takes_file(target) {
                continue;
            }
            // Why it cannot be read is said.
            if target != Path::new("-") && !target.exists() {
                continue;
            }
            let none = Error::NoClient(target.clone());
            if cli.targets.len() == 1 && scan.unknown.is_empty() {
                return Err(none);
            }
            scan.unknown.push(NotChecked::because(target, &none));
        }
    }
    let Scan {
        sources,
        mut clients,
        mut unknown,
        ..
    } = scan;
    // Which files are the servers' is known from all of them.
    clients.retain(|client| share.takes_file(&client.place.file));
    unknown.retain(|one| share.takes_file(Path::new(&one.what)));
    clients.sort_by(|one, other| one.place.cmp(&other.place));
    unknown.extend(clients.iter().filter_map(not_told));
    let findings = clients.iter().filter_map(Client::finding);
    let findings = findings.map(|draft| draft.of(ID)).collect();
    let findings = Texts::of(&sources).tell(findings);
    let is_something = !clients.is_empty() || !unknown.is_empty();
    let report = is_something.then(|| Report {
        findings,
        silenced: Vec::new(),
        left_out: 0,
        left_unchecked: 0,
        unknown,
        subject: Subject::Clients(clients),
        checks: Vec::new(),
        public_keys: PublicKeys::default(),
        people: None,
        is_besides: false,
    });
    Ok(Looked { report, targets })
}

/// A client whose pair is elsewhere.
fn not_told(client: &Client) -> Option<NotChecked> {
    let Pair::Elsewhere(why) = client.pair else {
        return None;
    };
    Some(NotChecked {
        what: format!("which pair {} has", client.who()),
        reason: why.to_owned(),
        place: Some(client.place.clone()),
    })
}

/// What a client with this secret has.
fn pair_of(secret: &str, keys: &Keys) -> Pair {
    let account = |keyset: &Option<_>| {
        let keyset: &Option<std::sync::Arc<_>> = keyset;
        let accounts = keyset.as_deref().map(accounts).unwrap_or_default();
        let mut accounts = accounts.into_iter();
        Some(
            accounts
                .find(|account| account.secret.expose() == secret)?
                .name,
        )
    };
    if let Some(account) = account(&keys.new) {
        return Pair::New(account);
    }
    if let Some(account) = account(&keys.old) {
        return Pair::Old(account);
    }
    let setting = known::lookup(secret).and_then(|known| known.setting);
    let setting = setting.filter(|setting| setting.kind() == Kind::Secret);
    match setting.and_then(|setting| setting.account()) {
        Some(account) => Pair::Public(account),
        None => Pair::Own,
    }
}

/// What a client with the secret of an old account has: one that may stay.
fn pair_of_old(account: &'static str, keys: &Keys) -> Pair {
    let secret = |keyset: &clearml_secure_core::keyset::Keyset| {
        let mut accounts = accounts(keyset).into_iter();
        let account = accounts.find(|one| one.name == account)?;
        Some(account.secret.clone())
    };
    let old = keys.old.as_deref().and_then(secret);
    match keys.new.as_deref().and_then(secret) {
        Some(new) if old.as_ref() == Some(&new) => Pair::New(account),
        _ => Pair::Old(account),
    }
}
