//! The web-login users as an `apiserver.conf`, the one file that the API server takes them from
//! (docs/clearml.md#fixed-users).

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use super::hocon;
use super::merge::{Listed, Style, Text, Wanted, Written, listed, with_users};
use super::model::{self, Item, Node};
use super::{Apiserver, Changes, Fault, Keyset, Switch, User, enumerated, push_quoted};
use crate::shown::escape;

/// What the file's name stands for is left out: the path is `apiserver.auth.fixed_users`.
const PATH: &str = "auth.fixed_users";

/// A new file.
pub(super) fn write(keyset: &Keyset) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(keyset.room()));
    out.push_str(
        "# The web-login users of a ClearML Server, and nobody else: passwords are bcrypt hashes in base64.\n\
         # Save it as apiserver.conf in the folder that is mounted as /opt/clearml/config.\n\
         auth {\n  fixed_users {\n    enabled: true\n    pass_hashed: true\n    users: [\n",
    );
    for user in keyset.users() {
        out.push_str("      ");
        push_user(&mut out, user);
        out.push('\n');
    }
    out.push_str("    ]\n  }\n}\n");
    out
}

/// A file with these users beside those that it has, and with changes of these; everything else in it stays byte for
/// byte.
pub(super) fn merge(keyset: &Keyset, changes: Changes<'_>, text: &str) -> Result<Apiserver, Fault> {
    let text = Text::read(text)?;
    let path = |name: &str| format!("{PATH}.{name}");
    let listed = listed(&text, &path("users"))?;
    let is_removed = |name: &str| changes.removed.iter().any(|removed| removed == name);
    let of_list = |user: &&User| {
        let mut listed = listed.iter();
        listed.any(|listed| listed.username == user.username)
            && keyset.user(&user.username).is_none()
    };
    let reset: Vec<&User> = changes.reset.iter().filter(of_list).collect();
    let mut others = others(keyset, &listed);
    others.retain(|user| {
        let is_reset = reset.iter().any(|reset| reset.username == user.username);
        !is_removed(user.username) && !is_reset
    });
    let (has_users, has_hashes) = (
        !keyset.users().is_empty(),
        !keyset.users().is_empty() || !reset.is_empty(),
    );
    if !others.is_empty() && has_hashes {
        refuse_plain(&text, &others)?;
    }
    if !others.is_empty() && has_users {
        refuse_switched_off(&text, &others)?;
    }
    let users = keyset.users().iter().chain(reset);
    let (list, renewed) = with_users(&listed, users, is_removed, &STYLE);
    let switch = switch(&text, has_users && !changes.is_of_keys);
    let wanted = |name: &str, written| Wanted {
        path: path(name),
        written,
        comment: "",
    };
    let truth = || Written::Scalar(Zeroizing::new("true".to_owned()));
    let mut all: Vec<Wanted> = [("enabled", has_users), ("pass_hashed", has_hashes)]
        .into_iter()
        .filter(|(name, is_needed)| *is_needed && !is_on(&text, &path(name)))
        .filter(|(name, _)| *name != "enabled" || !changes.is_of_keys)
        .map(|(name, _)| wanted(name, truth()))
        .collect();
    all.push(wanted("users", list));
    Ok(Apiserver {
        text: text.merged(&all)?,
        kept: names(&others),
        renewed,
        switch,
    })
}

/// Whether a text is an `apiserver.conf` with users, and no keyset.
pub(super) fn is_one(text: &str) -> bool {
    Text::read(text).is_ok_and(|text| text.tree.get(PATH).is_some())
}

/// Whether a text says anything of a list of users.
pub(super) fn has_list(text: &str) -> bool {
    Text::read(text).is_ok_and(|text| text.tree.get(&format!("{PATH}.users")).is_some())
}

/// The users of a file as a keyset. Those with plain passwords are passed over, as everywhere.
///
/// # Errors
/// A user of whom a keyset would lose something.
pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    let text = Text::read(text)?;
    let listed = listed(&text, &format!("{PATH}.users"))?;
    let mut keyset = Keyset::new();
    if !is_on(&text, &format!("{PATH}.pass_hashed")) {
        keyset.passed_over = listed.len();
        return Ok(keyset);
    }
    for user in &listed {
        if let Some(key) = user.key_besides(&["username", STYLE.hash, "name"]) {
            let message = format!(
                "this user has `{}`, which a keyset cannot hold",
                escape(key)
            );
            return Err(Fault::new(user.at, message).help(
                "change the user in its own file: -f hocon -o FOLDER/apiserver.conf --force",
            ));
        }
        let mut user = hocon::node(user.node);
        model::rename(&mut user, STYLE.hash, "password_hash");
        let at = user.at;
        let list = Node {
            at,
            item: Item::List(vec![user]),
        };
        model::read_users(&list, &mut keyset)?;
    }
    Ok(keyset)
}

/// What becomes of `enabled: false`. A change of keys alone must not decide who gets in.
fn switch(text: &Text<'_>, is_enabled: bool) -> Option<Switch> {
    let node = text.tree.get(&format!("{PATH}.enabled"))?;
    let is_off = node.value.truth() == Some(false);
    is_off.then_some(match is_enabled {
        true => Switch::On,
        false => Switch::Off,
    })
}

/// Whether the server takes a switch for true, whatever its environment is.
fn is_on(text: &Text<'_>, path: &str) -> bool {
    let node = text.tree.get(path);
    node.is_some_and(|node| node.value.truth() == Some(true))
}

/// The users that a file has and the keyset has not.
pub(super) fn left_out(keyset: &Keyset, text: &str) -> Result<Vec<String>, Fault> {
    let text = Text::read(text)?;
    let listed = listed(&text, &format!("{PATH}.users"))?;
    Ok(names(&others(keyset, &listed)))
}

fn others<'a, 't>(keyset: &Keyset, listed: &'a [Listed<'t>]) -> Vec<&'a Listed<'t>> {
    let is_other = |listed: &&Listed<'_>| {
        let mut users = keyset.users().iter();
        users.all(|user| user.username != listed.username)
    };
    listed.iter().filter(is_other).collect()
}

fn names(users: &[&Listed<'_>]) -> Vec<String> {
    users.iter().map(|user| user.username.to_owned()).collect()
}

/// One switch tells of all passwords of the list whether they are hashes. Once it is on, a plain password is taken for
/// a hash, and its user cannot log in (docs/clearml.md#password-hashes).
fn refuse_plain(text: &Text<'_>, others: &[&Listed<'_>]) -> Result<(), Fault> {
    refuse_false(
        text,
        "pass_hashed",
        others,
        "the passwords in this list are plain text; with the hashes that keygen adds, these users could no longer \
         log in",
        "list them in --users-from FILE, which hashes passwords (a line is `name:password`), or remove their entries",
    )
}

/// One switch turns on the login of everybody in the list.
fn refuse_switched_off(text: &Text<'_>, others: &[&Listed<'_>]) -> Result<(), Fault> {
    refuse_false(
        text,
        "enabled",
        others,
        "the users of this file are switched off; to switch on those of the keyset would also let in",
        "set auth.fixed_users.enabled to true if they may log in, or remove their entries",
    )
}

fn refuse_false(
    text: &Text<'_>,
    name: &str,
    others: &[&Listed<'_>],
    message: &str,
    help: &str,
) -> Result<(), Fault> {
    let node = text.tree.get(&format!("{PATH}.{name}"));
    if node.is_some_and(|node| node.value.truth() != Some(false)) {
        return Ok(());
    }
    let at = match node {
        Some(node) => node.span.start,
        None => others.first().map_or(0, |user| user.at),
    };
    Err(Fault::new(at, format!("{message}: {}", enumerated(&names(others)))).help(help))
}

/// The server's word for the hash is `password`.
const STYLE: Style = Style {
    hash: "password",
    push: push_user,
};

fn push_user(out: &mut String, user: &User) {
    out.push_str("{username: ");
    push_quoted(out, &user.username);
    out.push_str(", password: ");
    push_quoted(out, user.password_hash.expose());
    out.push_str(", name: ");
    push_quoted(out, &user.name);
    out.push('}');
}
