//! A client still has a pair that a rotation ends, or one that everybody knows.
//!
//! **Severity**: error
//!
//! **What**: with `--old-keys`, every file among the targets is also read for clients: `clearml.conf` of the SDK and of agents,
//! `CLEARML_API_ACCESS_KEY` and `CLEARML_API_SECRET_KEY` in env files, pipelines (GitLab, GitHub), manifests and scripts, and the containers
//! of compose files that are no servers. One that has a pair of the old keyset, or a public default, is an error, with its place.
//!
//! **Why**: the rotation cuts it off. An agent then gets no tasks, a pipeline fails, and nobody knows why.
//!
//! **Fix**: give the client credentials of its own, which users make in the web page (Settings, Workspace), or the new pair
//! of the account.
//!
//! **Asks**: with `--clients` alone: users.get_all and workers.get_all, each once, with an account of the keyset (those that are
//! refused make up to four requests more). Both only read. It prints how many agents were active in the last hour, with whose keys,
//! and how many users there are, with names only if the keyset has them. Sessions, and keys that users made, are not
//! checked: no server lists them.
//!
//! **References**: docs/clearml.md#lists-of-users-and-workers.

use clearml_secure_core::keyset::Keyset;
use md5::{Digest, Md5};

use super::Probe;
use crate::live::people::{People, Users, Whose};
use crate::live::{Account, Id, Listed, Seen, Site, accounts};

/// The company of everybody (docs/clearml.md#internal-accounts).
const COMPANY: &str = "d1bd92a3b039400cbafc60a7a5b1e52b";

/// So many users are asked for at once: 64 KiB hold their ids.
const PAGE: usize = 500;

/// Who may be asked as, an administrator first. Fixed users revoke the last two (docs/clearml.md#what-fixed-users-revoke).
const ASKERS: [&str; 4] = ["apiserver", "fileserver", "services_agent", "webserver"];

pub(crate) struct ClientWithOldKeys;

impl Probe for ClientWithOldKeys {
    fn id(&self) -> &'static str {
        "client-with-old-keys"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return seen.unknown(
                "which agents and users there are",
                "no API server was found",
            );
        };
        if let Some(reason) = site.keeps_keys_from(api) {
            return seen.unknown("which agents and users there are", &reason);
        }
        let keysets: Vec<&Keyset> = [&site.old_keys, &site.keys]
            .into_iter()
            .flatten()
            .map(|keys| &**keys)
            .collect();
        let all: Vec<Account<'_>> = keysets.iter().flat_map(|keys| accounts(keys)).collect();
        let askers = ASKERS
            .iter()
            .flat_map(|name| all.iter().filter(move |account| account.name == *name));
        for asker in askers {
            let request = format!(r#"{{"only_fields": ["id"], "page": 0, "page_size": {PAGE}}}"#);
            let users = match site.list(asker, Listed::Users, &request) {
                Some(Ok(users)) => Some(users),
                // Another one may be known.
                Some(Err(reason)) if reason.is_refusal => continue,
                Some(Err(reason)) => {
                    seen.unknown(&format!("which users {api} has"), &reason.words);
                    None
                }
                None => return,
            };
            let workers = match site.list(asker, Listed::Workers, r#"{"last_seen": 3600}"#) {
                Some(Ok(workers)) => Some(workers),
                Some(Err(reason)) => {
                    seen.unknown(
                        &format!("which agents {api} has seen in the last hour"),
                        &reason.words,
                    );
                    None
                }
                None => None,
            };
            seen.people = Some(People {
                agents: workers.map(|ids| agents(&ids, &keysets)),
                users: users.map(|ids| of_users(&ids, &keysets)),
            });
            return;
        }
        seen.unknown(
            "which agents and users there are",
            "no account of the keyset logs in: is it the keyset that the server has?",
        );
    }
}

/// The web-login users of keysets, with their ids (docs/clearml.md#no-fixed-user).
fn named<'k>(keysets: &[&'k Keyset]) -> Vec<(&'k str, Id)> {
    let users = keysets.iter().flat_map(|keys| keys.users());
    let id = |name: &str| Id::Hash(Md5::digest(format!("{COMPANY}:{name}")).into());
    let mut named: Vec<_> = users
        .map(|user| (user.username.as_str(), id(&user.username)))
        .collect();
    named.sort_by_key(|(name, _)| *name);
    named.dedup_by_key(|(name, _)| *name);
    named
}

fn agents(ids: &[Id], keysets: &[&Keyset]) -> Vec<(Whose, usize)> {
    let named = named(keysets);
    let mut agents: Vec<(Whose, usize)> = Vec::new();
    for id in ids {
        let user = named.iter().find(|(_, known)| known == id);
        let whose = match (id, user) {
            (Id::Account(name), _) => Whose::Account(name),
            (_, Some((name, _))) => Whose::User((*name).to_owned()),
            _ => Whose::Others,
        };
        match agents.iter_mut().find(|(known, _)| *known == whose) {
            Some((_, count)) => *count += 1,
            None => agents.push((whose, 1)),
        }
    }
    agents
}

fn of_users(ids: &[Id], keysets: &[&Keyset]) -> Users {
    let known = named(keysets)
        .into_iter()
        .filter(|(_, id)| ids.contains(id));
    let known: Vec<String> = known.map(|(name, _)| name.to_owned()).collect();
    let people = ids
        .iter()
        .filter(|id| !matches!(id, Id::Account(_)))
        .count();
    Users {
        others: people - known.len().min(people),
        known,
        is_cut: ids.len() >= PAGE,
    }
}
