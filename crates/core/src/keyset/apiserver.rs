//! The web-login users as an `apiserver.conf`, the one file that the API server takes them from
//! (docs/clearml.md#fixed-users).

use zeroize::Zeroizing;

use super::merge::{Text, Wanted, Written, is_same, parsed};
use super::{Fault, Keyset, User, push_quoted};
use crate::hocon::{Object, Value};

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

/// The text of a file with these users in place of its own; everything else in it stays byte for byte.
pub(super) fn merge(keyset: &Keyset, text: &str) -> Result<Zeroizing<String>, Fault> {
    let items: Vec<Zeroizing<String>> = keyset.users().iter().map(written).collect();
    let text = Text::read(text)?;
    let before = match users(&text.tree) {
        Some(Value::Array(before)) => before.as_slice(),
        _ => &[],
    };
    let is_kept = before.len() <= items.len()
        && before.iter().zip(&items).all(|(before, item)| {
            parsed(item).is_some_and(|item| is_same(&item.value, &before.value))
        });
    let wanted = |name: &str, written| Wanted {
        path: format!("{PATH}.{name}"),
        written,
        comment: "",
    };
    let truth = || Written::Scalar(Zeroizing::new("true".to_owned()));
    let kept = if is_kept { before.len() } else { 0 };
    text.merged(&[
        wanted("enabled", truth()),
        wanted("pass_hashed", truth()),
        wanted("users", Written::List { items, kept }),
    ])
}

/// The users that a file has and the keyset has not.
pub(super) fn gone(keyset: &Keyset, text: &str) -> Result<Vec<String>, Fault> {
    let text = Text::read(text)?;
    let Some(Value::Array(users)) = users(&text.tree) else {
        return Ok(Vec::new());
    };
    let names = users.iter().filter_map(|user| match &user.value {
        Value::Object(user) => user.get_key("username")?.value.as_text(),
        _ => None,
    });
    let is_gone = |name: &&str| keyset.users().iter().all(|user| user.username != **name);
    Ok(names
        .map(|name| name.expose())
        .filter(is_gone)
        .map(str::to_owned)
        .collect())
}

fn users(tree: &Object) -> Option<&Value> {
    let node = tree.get(&format!("{PATH}.users"))?;
    Some(&node.value)
}

fn written(user: &User) -> Zeroizing<String> {
    const NAMES: usize = 64;
    let length = user.username.len() + user.name.len() + user.password_hash.expose().len();
    // Allocated once, with every character escaped.
    let mut out = Zeroizing::new(String::with_capacity(NAMES + 2 * length));
    push_user(&mut out, user);
    out
}

/// The server's word for the hash is `password`.
fn push_user(out: &mut String, user: &User) {
    out.push_str("{username: ");
    push_quoted(out, &user.username);
    out.push_str(", password: ");
    push_quoted(out, user.password_hash.expose());
    out.push_str(", name: ");
    push_quoted(out, &user.name);
    out.push('}');
}
