//! A `secure.conf`: in the configuration folder that the servers mount, one file is read by the API server, the
//! file server and the job that deletes files alike (docs/clearml.md#one-file-for-all-servers).

use zeroize::Zeroizing;

use super::merge::{Style, Text, Wanted, Written, listed, with_users};
use super::model::{self, Item, Node};
use super::{Fault, Keyset, User, push_quoted, put, quoted};
use crate::hocon::{self, Object, Value};
use crate::secret::Secret;
use crate::setting::SETTINGS;

/// What the file's name puts in front of every path in it.
const ROOT: &str = "secure.";

/// What the servers do not read, and why it is there.
const USERS_COMMENT: &str = "\
# The web-login users, for clearml-keygen and clearml-inject. The API server takes its users from apiserver.conf,
# which `clearml-keygen -f hocon -o FOLDER/secure.conf` writes beside secure.conf.
";

pub(super) fn write(keyset: &Keyset, out: &mut String) {
    out.push_str(
        "# The keys of a ClearML Server: anyone who reads this file can do anything on it.\n\
         # Save it as secure.conf in the folder that is mounted as /opt/clearml/config.\n\
         # The services agent does not read it: give it its two values as variables.\n",
    );
    for (setting, value) in keyset.entries() {
        out.push_str(setting.path().strip_prefix(ROOT).unwrap_or(setting.path()));
        out.push_str(": ");
        push_quoted(out, value.expose());
        out.push('\n');
    }
    if keyset.users().is_empty() {
        return;
    }
    out.push_str(USERS_COMMENT);
    out.push_str("users: [\n");
    for user in keyset.users() {
        out.push_str("  ");
        push_user(out, user);
        out.push('\n');
    }
    out.push_str("]\n");
}

const STYLE: Style = Style {
    hash: "password_hash",
    push: push_user,
};

fn push_user(out: &mut String, user: &User) {
    out.push_str("{username: ");
    push_quoted(out, &user.username);
    out.push_str(", name: ");
    push_quoted(out, &user.name);
    out.push_str(", password_hash: ");
    push_quoted(out, user.password_hash.expose());
    out.push('}');
}

/// The text of a `secure.conf` with this keyset in it; everything else in it stays byte for byte.
pub(super) fn merge(keyset: &Keyset, text: &str) -> Result<Zeroizing<String>, Fault> {
    let before = read(text)?;
    let parsed = Text::read(text)?;
    let mut wanted: Vec<Wanted> = keyset
        .entries()
        .filter(|(setting, value)| before.get(*setting) != Some(value))
        .map(|(setting, value)| Wanted {
            path: setting.path().replacen(ROOT, "", 1),
            written: Written::Scalar(quoted(value.expose())),
            comment: "",
        })
        .collect();
    if keyset.users() != before.users() {
        // One with another full name is somebody else of the same name.
        let is_kept = |name: &str| {
            let of = |keyset: &Keyset| keyset.user(name).map(|user| user.name.clone());
            of(keyset).is_some() && of(keyset) == of(&before)
        };
        let users = keyset.users().iter();
        let (list, _) = with_users(
            &listed(&parsed, "users")?,
            users,
            |name| !is_kept(name),
            &STYLE,
        );
        wanted.push(Wanted {
            path: "users".to_owned(),
            written: list,
            comment: USERS_COMMENT,
        });
    }
    let merged = parsed.merged(&wanted)?;
    if read(&merged).is_ok_and(|read| read == *keyset) {
        Ok(merged)
    } else {
        let fault = Fault::new(0, "with the new values, the file would be another keyset");
        Err(fault.help("write a new file: convert the keyset to json first, then to hocon"))
    }
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    let text = Text::read(text)?;
    let paths = SETTINGS.map(|setting| setting.path().replacen(ROOT, "", 1));
    text.refuse_hidden(paths.iter().map(String::as_str))?;
    text.refuse_doubled(ROOT)?;
    let mut keyset = Keyset::new();
    for (name, value) in text.tree.iter() {
        match name {
            "auth" | "credentials" | "http" => below(name, value, &mut keyset)?,
            "secure" => {
                let fault = Fault::new(value.span.start, "unknown entry");
                return Err(fault
                    .help("remove `secure`: the name of the file, secure.conf, already means it"));
            }
            "users" => model::read_users(&node(value), &mut keyset)?,
            // The passwords of the databases, for instance, are in this file too (docs/clearml.md#database-passwords).
            _ => {}
        }
    }
    Ok(keyset)
}

/// Whether there are entries that are no keyset's: accounts of somebody's own, passwords of databases.
pub(super) fn has_more(text: &str) -> bool {
    fn is_more(path: &str, node: &hocon::Node) -> bool {
        let whole = format!("{ROOT}{path}");
        match &node.value {
            _ if path == "users" || SETTINGS.iter().any(|setting| setting.path() == whole) => false,
            Value::Object(entries) => entries
                .iter()
                .any(|(name, node)| is_more(&format!("{path}.{name}"), node)),
            _ => true,
        }
    }
    let tree = Text::read(text).map(|text| text.tree);
    tree.is_ok_and(|tree| tree.iter().any(|(name, node)| is_more(name, node)))
}

/// Reads a value at a path below `secure`, and all that is below it.
fn below(path: &str, value: &hocon::Node, keyset: &mut Keyset) -> Result<(), Fault> {
    let at = value.span.start;
    let whole = format!("{ROOT}{path}");
    if let Some(setting) = SETTINGS.into_iter().find(|setting| setting.path() == whole) {
        return match &value.value {
            Value::String(text) => put(keyset, setting, Secret::from(text), at, at),
            Value::Null => put(keyset, setting, Secret::from(""), at, at),
            Value::Unknown(_) => {
                let message =
                    format!("{setting}: a `${{…}}` of a variable, whose value is not known here");
                let help = "write the value itself, or remove the entry and generate a value with `clearml-keygen --from`";
                Err(Fault::new(at, message).help(help))
            }
            _ => Err(model::wrong(&node(value), setting.path(), "text in quotes")),
        };
    }
    let inside = format!("{whole}.");
    let is_above = SETTINGS
        .iter()
        .any(|setting| setting.path().starts_with(&inside));
    match &value.value {
        Value::Object(entries) if is_above => entries
            .iter()
            .try_for_each(|(name, value)| below(&format!("{path}.{name}"), value, keyset)),
        Value::Object(entries) if is_own_account(path, entries) => Ok(()),
        _ if is_of_account(path) => Ok(()),
        _ => {
            let known = SETTINGS.map(|setting| setting.path().replacen(ROOT, "", 1));
            Err(Fault::unknown(at, path, &known))
        }
    }
}

/// Whether it is an account of somebody's own. The API server wants a role of every account, and without one it is
/// rather a name that somebody got wrong.
fn is_own_account(path: &str, entries: &Object) -> bool {
    let name = path.strip_prefix("credentials.");
    name.is_some_and(|name| !name.contains('.')) && entries.get_key("role").is_some()
}

/// Whether it is something else that the server's own file says of an account: `role`, `display_name`.
fn is_of_account(path: &str) -> bool {
    let mut steps = path.split('.');
    let (first, account, name) = (steps.next(), steps.next(), steps.next());
    first == Some("credentials")
        && SETTINGS
            .iter()
            .any(|setting| setting.account() == account && account.is_some())
        && name.is_some_and(|name| !name.starts_with("user"))
}

/// HOCON's tree in the form that the other formats have. It does not know where a key stands, so that is where
/// its value does.
pub(super) fn node(hocon: &hocon::Node) -> Node {
    let at = hocon.span.start;
    let item = match &hocon.value {
        Value::Array(items) => Item::List(items.iter().map(node).collect()),
        Value::Object(entries) => {
            let entry = |(name, value): (&str, &hocon::Node)| {
                let value = node(value);
                let name = Item::Text(Secret::from(name));
                (
                    Node {
                        at: value.at,
                        item: name,
                    },
                    value,
                )
            };
            Item::Map(entries.iter().map(entry).collect())
        }
        Value::String(text) => Item::Text(Secret::from(text)),
        Value::Null => Item::Nothing,
        other => Item::Other(other.kind()),
    };
    Node { at, item }
}
