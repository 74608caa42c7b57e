//! The configuration names that servers read, to tell those that they do not.
//!
//! Servers say nothing about a name they do not know. Below `secure` the whole tree is known, so anything else
//! is wrong; below the other roots only what is nearly a known name is called wrong, since versions differ.

use clearml_secure_core::image;
use clearml_secure_core::nearest::distance;
use clearml_secure_core::setting::SETTINGS;

/// The roots of the configuration: the files of the servers' default folders.
const ROOTS: [&str; 6] = [
    "apiserver",
    "fileserver",
    "hosts",
    "logging",
    "secure",
    "services",
];

/// What an account has.
const ACCOUNT_FIELDS: [&str; 5] = [
    "display_name",
    "revoke_in_fixed_mode",
    "role",
    "user_key",
    "user_secret",
];

/// The ends of paths of settings.
const SECRETS: [&str; 4] = ["session_secret", "token_secret", "user_key", "user_secret"];

/// What clients call the two parts of a pair, and what servers do.
const OF_CLIENTS: [(&str, &str); 2] = [("access_key", "user_key"), ("secret_key", "user_secret")];

/// Databases whose passwords stand below `secure` (docs/clearml.md#database-passwords).
const DATABASES: [&str; 4] = ["elastic", "mongo", "mongodb", "redis"];

/// Every path that a server of some version reads (`core/data/image_configuration.toml`), as variables spell it.
fn paths() -> impl Iterator<Item = String> {
    image::all()
        .iter()
        .map(|entry| entry.path.to_ascii_lowercase())
}

/// A mistyped name differs in this many characters at the most.
const TYPO: usize = 2;

/// A name further away than this share of its length is no suggestion.
const FAR: usize = 2;

/// A name that no server reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// The nearest name that is read, where one is near.
    pub(crate) nearest: Option<String>,
}

/// Whether no server reads a variable of this name, although it looks like configuration. Nothing for names
/// that are read, or that are none of ClearML's.
pub(crate) fn unread(name: &str) -> Option<Unread> {
    for prefix in ["CLEARML__", "TRAINS__"] {
        if let Some(path) = name.strip_prefix(prefix) {
            let path = path.to_lowercase().replace("__", ".");
            return is_wrong(&path).then(|| Unread {
                nearest: nearest(&path),
            });
        }
    }
    let upper = name.to_ascii_uppercase();
    let rest = upper
        .strip_prefix("CLEARML_")
        .or_else(|| upper.strip_prefix("TRAINS_"))?;
    // The agent reads names of its own, with this prefix.
    if rest.starts_with("AGENT__") {
        return None;
    }
    if !rest.contains("__") && !rest.starts_with('_') {
        return of_single(rest).map(|path| Unread {
            nearest: nearest(&path),
        });
    }
    let path = rest
        .trim_start_matches('_')
        .to_lowercase()
        .replace("__", ".");
    Some(Unread {
        nearest: nearest_address(rest).or_else(|| nearest(&path)),
    })
}

/// The path that is meant with single underscores: `SECURE_AUTH_TOKEN_SECRET`. Those of addresses and databases, which servers
/// read so, are no paths.
fn of_single(rest: &str) -> Option<String> {
    // Hundreds of paths are below them, and most variables of ClearML's are none.
    ROOTS.iter().find(|root| {
        let start = rest.get(..root.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(root))
    })?;
    let settings = SETTINGS.iter().map(|setting| setting.path());
    let mut known = settings.chain(image::all().iter().map(|entry| entry.path));
    let path = known.find(|path| is_same(path, rest) && path.contains('.'))?;
    Some(path.to_ascii_lowercase())
}

/// Whether two names have the same letters and numbers, in any case.
fn is_same(one: &str, other: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> {
        let bytes = text.bytes().filter(|byte| !b"._".contains(byte));
        bytes.map(|byte| byte.to_ascii_lowercase())
    }
    letters(one).eq(letters(other))
}

fn is_wrong(path: &str) -> bool {
    // pyhocon drops empty steps (docs/clearml.md#variable-names).
    let parts: Vec<&str> = path
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| part.trim_start_matches('-'))
        .collect();
    let is_root = parts.first().is_some_and(|root| ROOTS.contains(root));
    if !is_root || parts.contains(&"") {
        return true;
    }
    if parts[0] == "secure" {
        return !is_in_secure(&parts[1..]);
    }
    let joined = parts.join(".");
    // Keys and secrets are below `secure` alone.
    if parts.last().is_some_and(|last| SECRETS.contains(last)) {
        return true;
    }
    let mut known = image::all().iter().map(|entry| entry.path);
    !known.any(|known| is_at_or_below(known, &joined) || is_at_or_below(&joined, known))
        && paths().any(|known| is_mistyped(&known, &joined))
}

/// Whether a path is this one or in its object; paths of variables have lost their case.
fn is_at_or_below(path: &str, above: &str) -> bool {
    matches!(path.as_bytes().get(above.len()), None | Some(b'.'))
        && path
            .get(..above.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(above))
}

fn is_in_secure(parts: &[&str]) -> bool {
    match parts {
        []
        | ["http"]
        | ["http", "session_secret"]
        | ["auth"]
        | ["auth", "token_secret"]
        | ["credentials"] => true,
        ["http", "session_secret", server] => matches!(*server, "apiserver" | "webserver"),
        ["credentials", account] => !is_mistyped_account(account) && !is_pair_in_one(account),
        ["credentials", account, field] => {
            ACCOUNT_FIELDS.contains(field) && !is_mistyped_account(account)
        }
        [database, ..] => DATABASES.contains(database),
    }
}

/// Neither one of ClearML's accounts nor nearly so: the name of another account is no suggestion.
fn is_own_account(account: &str) -> bool {
    let mut accounts = SETTINGS.iter().filter_map(|setting| setting.account());
    !accounts.any(|known| is_mistyped(known, account))
}

/// Nearly the name of one of ClearML's accounts: nobody names one of their own so.
fn is_mistyped_account(account: &str) -> bool {
    let accounts = || SETTINGS.iter().filter_map(|setting| setting.account());
    !accounts().any(|known| known == account) && accounts().any(|known| is_mistyped(known, account))
}

fn is_mistyped(known: &str, name: &str) -> bool {
    known.len().abs_diff(name.len()) <= TYPO && distance(known, name) <= TYPO
}

/// `apiserver_key` for `apiserver.user_key`.
fn is_pair_in_one(name: &str) -> bool {
    let mut accounts = SETTINGS.iter().filter_map(|setting| setting.account());
    let fields = ["key", "secret", "role"];
    let of_both = OF_CLIENTS.iter().flat_map(|(theirs, ours)| [theirs, ours]);
    let fields: Vec<&str> = fields.iter().chain(of_both).copied().collect();
    accounts.any(|account| {
        let field = name
            .strip_prefix(account)
            .and_then(|rest| rest.strip_prefix('_'));
        field.is_some_and(|field| fields.contains(&field))
    })
}

fn nearest(path: &str) -> Option<String> {
    let of_client = OF_CLIENTS.iter().find_map(|(theirs, ours)| {
        let start = path.strip_suffix(theirs)?;
        Some(format!("{start}{ours}"))
    });
    let path = of_client.as_deref().unwrap_or(path);
    if let ["secure", "credentials", account, field] = path.split('.').collect::<Vec<_>>()[..]
        && is_own_account(account)
    {
        let fields = ACCOUNT_FIELDS.iter();
        let best = fields.min_by_key(|known| distance(known, field));
        let best = best.filter(|known| is_mistyped(known, field))?;
        let name = format!("secure__credentials__{account}__{best}").to_ascii_uppercase();
        return Some(format!("CLEARML__{name}"));
    }
    // Below `secure` a setting is what is meant, not its account's role.
    let settings = SETTINGS.iter().map(|setting| setting.path().to_owned());
    let may_be_near = |known: &String| known.len().abs_diff(path.len()) * FAR <= path.len();
    let best = settings
        .chain(paths().filter(|path| !path.starts_with("secure.")))
        .filter(may_be_near)
        .min_by_key(|known| distance(known, path))
        .filter(|known| distance(known, path) * FAR <= path.len())?;
    let name = if best.starts_with("secure.") {
        best.to_ascii_uppercase()
    } else {
        best
    };
    Some(format!("CLEARML__{}", name.replace('.', "__")))
}

/// `APISERVER__host` is meant for an address, of which clients, agents and the services agent read three
/// (docs/clearml.md#addresses).
fn nearest_address(rest: &str) -> Option<String> {
    let plain: String = rest
        .to_ascii_lowercase()
        .replace("server", "")
        .chars()
        .filter(|c| *c != '_')
        .collect();
    ["API_HOST", "FILES_HOST", "WEB_HOST"]
        .into_iter()
        .min_by_key(|name| distance(&name.to_ascii_lowercase().replace('_', ""), &plain))
        .filter(|name| distance(&name.to_ascii_lowercase().replace('_', ""), &plain) <= TYPO)
        .map(|name| format!("CLEARML_{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_read_are_left_alone() {
        for setting in SETTINGS {
            assert_eq!(unread(&setting.variable()), None);
        }
        for name in [
            "CLEARML__apiserver__pre_populate__enabled",
            "CLEARML__services__async_urls_delete__fileserver__url_prefixes",
            "CLEARML__SECURE__-CREDENTIALS",
            "CLEARML__SECURE",
            "CLEARML____fileserver__auth__enabled",
            "CLEARML__fileserver__auth__enabled__",
            "CLEARML__secure__redis__apiserver__password",
            "CLEARML__secure__credentials__mine__user_key",
            "CLEARML__apiserver__something__new__in__a__version",
            "CLEARML_API_ACCESS_KEY",
            "CLEARML_ELASTIC_SERVICE_HOST",
            "CLEARML_CONFIG_DIR",
            "CLEARML_HOSTS",
            "CLEARML_AGENT__AGENT__GIT_USER",
            "WEBSERVER__fileBaseUrl",
        ] {
            assert_eq!(unread(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_are_not_read_get_the_nearest_one() {
        let near = |name: &str| unread(name).unwrap().nearest.unwrap();
        assert_eq!(
            near("CLEARML__secure__credentials__apiserver_key"),
            "CLEARML__SECURE__CREDENTIALS__APISERVER__USER_KEY"
        );
        assert_eq!(
            near("CLEARML__SECURE__AUTH__TOKEN_SECERT"),
            "CLEARML__SECURE__AUTH__TOKEN_SECRET"
        );
        assert_eq!(
            near("clearml__secure__auth__token_secret"),
            "CLEARML__SECURE__AUTH__TOKEN_SECRET"
        );
        assert_eq!(
            near("CLEARML_SECURE__AUTH__TOKEN_SECRET"),
            "CLEARML__SECURE__AUTH__TOKEN_SECRET"
        );
        for name in [
            "CLEARML_SECURE_AUTH_TOKEN_SECRET",
            "CLEARML__APISERVER__AUTH__TOKEN_SECRET",
        ] {
            assert_eq!(near(name), "CLEARML__SECURE__AUTH__TOKEN_SECRET");
        }
        assert_eq!(
            near("CLEARML_fileserver_auth_enabled"),
            "CLEARML__fileserver__auth__enabled"
        );
        assert_eq!(
            near("CLEARML__apiserver__auth__fixed_user__enabled"),
            "CLEARML__apiserver__auth__fixed_users__enabled"
        );
        assert_eq!(
            near("CLEARML__services__tasks__non_responsive_tasks_watchdog__enabeld"),
            "CLEARML__services__tasks__non_responsive_tasks_watchdog__enabled"
        );
        assert!(unread("CLEARML_APISERVER__host").is_some());
        assert_eq!(unread("CLEARML__foo__bar").unwrap().nearest, None);
        for (name, expected) in [
            (
                "CLEARML__secure__credentials__tests__access_key",
                "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY",
            ),
            (
                "CLEARML__secure__credentials__apiserver_secret_key",
                "CLEARML__SECURE__CREDENTIALS__APISERVER__USER_SECRET",
            ),
            ("CLEARML_APISERVER__host", "CLEARML_API_HOST"),
            ("CLEARML_WEBSERVER__host", "CLEARML_WEB_HOST"),
            ("CLEARML_FILES_SERVER__host", "CLEARML_FILES_HOST"),
        ] {
            assert_eq!(near(name), expected);
        }
        // An account of somebody's own is not meant for one of ClearML's.
        let own = |field: &str| {
            unread(&format!(
                "CLEARML__secure__credentials__supervisor__{field}"
            ))
        };
        assert_eq!(own("allow_login").unwrap().nearest, None);
        assert_eq!(own("email").unwrap().nearest, None);
        assert_eq!(
            own("access_key").unwrap().nearest.as_deref(),
            Some("CLEARML__SECURE__CREDENTIALS__SUPERVISOR__USER_KEY")
        );
        assert_eq!(
            near("CLEARML__SECURE__CREDENTIALS__APISERVR__USER_KEY"),
            "CLEARML__SECURE__CREDENTIALS__APISERVER__USER_KEY"
        );
    }
}
