//! A Secret for ClearML's Helm chart, and a second one with the web-login users (docs/clearml.md#helm-chart). What
//! `kubectl get secret -o yaml` and `-o json` print is read as well: `data`, `stringData`, Lists, and other objects beside it.

use std::path::Path;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

use super::{Fault, Keyset, apiserver, put};
use crate::error::Error;
use crate::secret::{DECRYPT, Secret, is_encrypted};
use crate::setting::{SETTINGS, Setting};
use crate::shown::escape;
use crate::source::offset_of;
use crate::yaml::{self, Node, Typed, edit};

/// What the Secret is called where nobody says otherwise.
pub const NAME: &str = "clearml-keys";

/// What the chart calls the Secret that it makes itself, of its published defaults.
pub(crate) const OF_THE_CHART: &str = "clearml-conf";

/// Why a Secret of ours cannot have a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misnamed {
    /// It is no name of a Secret.
    #[error("{}: Kubernetes does not accept this name", escape(.0))]
    NoName(String),
    /// The chart's own Secret has it.
    #[error(
        "{OF_THE_CHART}: the chart makes a Secret of this name itself, and puts its published defaults there"
    )]
    OfTheChart,
}

impl Misnamed {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoName(_) => "use lower-case letters, digits, `-` and `.`, e.g. clearml-keys",
            Self::OfTheChart => "use another name, e.g. clearml-keys",
        }
    }
}

/// The names in the Secret, which for seven of the settings are the chart's own.
const NAMES: [(&str, &str); SETTINGS.len()] = [
    ("apiserver_key", "secure.credentials.apiserver.user_key"),
    (
        "apiserver_secret",
        "secure.credentials.apiserver.user_secret",
    ),
    ("fileserver_key", "secure.credentials.fileserver.user_key"),
    (
        "fileserver_secret",
        "secure.credentials.fileserver.user_secret",
    ),
    ("secure_auth_token_secret", "secure.auth.token_secret"),
    (
        "services_agent_key",
        "secure.credentials.services_agent.user_key",
    ),
    (
        "services_agent_secret",
        "secure.credentials.services_agent.user_secret",
    ),
    ("session_secret", "secure.http.session_secret.apiserver"),
    ("test_user_key", "secure.credentials.tests.user_key"),
    ("test_user_secret", "secure.credentials.tests.user_secret"),
    ("webserver_key", "secure.credentials.webserver.user_key"),
    (
        "webserver_secret",
        "secure.credentials.webserver.user_secret",
    ),
];

/// The users, under the name of the file that the chart mounts.
const LOGINS: &str = "apiserver.conf";

/// The name of a setting in the Secret.
pub fn name_of(setting: Setting) -> &'static str {
    let mut names = NAMES.into_iter();
    names
        .find(|(_, path)| *path == setting.path())
        .map_or("", |(name, _)| name)
}

/// Whether Kubernetes takes a name for the Secret, and for the second one with the users.
pub fn is_name(name: &str) -> bool {
    const LONGEST: usize = 253 - "-logins".len();
    let is_part = |part: &str| {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        part.bytes().all(|byte| is_letter(byte) || byte == b'-')
            && part.bytes().next().is_some_and(is_letter)
            && part.bytes().last().is_some_and(is_letter)
    };
    name.len() <= LONGEST && name.split('.').all(is_part)
}

/// Whether a Secret of ours can have a name.
///
/// # Errors
/// Why it cannot.
pub fn check_name(name: &str) -> Result<(), Misnamed> {
    match is_name(name) {
        true if name == OF_THE_CHART => Err(Misnamed::OfTheChart),
        true => Ok(()),
        false => Err(Misnamed::NoName(name.to_owned())),
    }
}

pub(super) fn write(keyset: &Keyset, name: &str, out: &mut String) {
    out.push_str("# The keys of a ClearML Server: anyone who reads this can do anything on it.\n");
    head(out, name);
    for (name, path) in NAMES {
        let value = Setting::by_path(path).and_then(|setting| keyset.get(setting));
        if let Some(value) = value {
            entry(out, name, value.expose());
        }
    }
    if !keyset.users().is_empty() {
        out.push_str("---\n");
        write_logins(keyset, name, out);
    }
}

/// The second Secret alone.
pub(super) fn write_logins(keyset: &Keyset, name: &str, out: &mut String) {
    head(out, &format!("{name}-logins"));
    entry(out, LOGINS, &apiserver::write(keyset));
}

fn head(out: &mut String, name: &str) {
    out.push_str("apiVersion: v1\nkind: Secret\nmetadata:\n  name: ");
    out.push_str(&edit::scalar(name));
    out.push_str("\ntype: Opaque\ndata:\n");
}

fn entry(out: &mut String, name: &str, value: &str) {
    out.push_str("  ");
    out.push_str(name);
    out.push_str(": ");
    STANDARD.encode_string(value, out);
    out.push('\n');
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    let mut keyset = Keyset::new();
    let mut found = 0;
    each_entry(text, &mut |entry| {
        if let Some(setting) = entry.setting() {
            found += 1;
            let (name, value) = (entry.name.range().start, entry.value.range().start);
            if keyset.get(setting).is_some() {
                // The chart's own is there whatever the servers read.
                return Err(Fault::doubled(name, setting)
                    .help("two Secrets have it: give the one that the servers read, by its name"));
            }
            put(&mut keyset, setting, entry.text()?, name, value)?;
        } else if entry.is_logins() {
            found += 1;
            let at = entry.value.range().start;
            let logins = apiserver::read(entry.text()?.expose());
            let logins =
                logins.map_err(|fault| Fault::new(at, format!("{LOGINS}: {}", fault.message)))?;
            keyset.passed_over += logins.passed_over;
            for user in logins.users {
                keyset
                    .add_user(user)
                    .map_err(|misfit| Fault::new(at, format!("{LOGINS}: {misfit}")))?;
            }
        }
        Ok(())
    })?;
    if found == 0 {
        let fault = Fault::new(
            0,
            "no keyset: no Secret in it has a key of a ClearML server",
        );
        return Err(fault.help(format!(
            "the keys are called {}, …; `clearml-keygen -f kubernetes` prints them",
            NAMES[0].0
        )));
    }
    Ok(keyset)
}

/// Whether no Secret has a key of a keyset.
pub(super) fn has_none(text: &str) -> bool {
    let mut is_none = true;
    let documents = each_entry(text, &mut |entry| {
        is_none &= entry.setting().is_none() && !entry.is_logins();
        Ok(())
    });
    is_none && documents.is_ok()
}

/// Whether there are other objects, or other keys in the Secrets.
pub(super) fn has_more(text: &str) -> bool {
    let mut is_more = false;
    let documents = each_entry(text, &mut |entry| {
        is_more |= entry.setting().is_none() && !entry.is_logins();
        Ok(())
    });
    is_more || documents.is_ok_and(|has_others| has_others)
}

/// One entry of a Secret.
struct Entry<'a> {
    name: &'a Node,
    value: &'a Node,
    is_encoded: bool,
}

impl Entry<'_> {
    fn setting(&self) -> Option<Setting> {
        let name = self.name.scalar()?.text();
        let mut names = NAMES.into_iter();
        Setting::by_path(names.find(|(known, _)| *known == name)?.1)
    }

    fn is_logins(&self) -> bool {
        self.name.scalar().is_some_and(|name| name.text() == LOGINS)
    }

    /// The value, decoded. A null is empty, as in Kubernetes.
    fn text(&self) -> Result<Secret, Fault> {
        let fault = |what: &str| Fault::new(self.value.range().start, what.to_owned());
        let Some(scalar) = self.value.scalar() else {
            return Err(fault("a value of a Secret that is no text"));
        };
        if self.value.is_null() {
            return Ok(Secret::from(""));
        }
        let is_other =
            |typed: Typed| matches!(typed, Typed::Bool(_) | Typed::Float(_) | Typed::Integer(_));
        if self.value.typed_as_1_1().is_some_and(is_other) {
            return Err(fault(
                "a value of a Secret that is a number or a truth value, which Kubernetes refuses",
            )
            .help("put it in quotes"));
        }
        if is_encrypted(scalar.text()) {
            return Err(fault("SOPS has encrypted this value").help(DECRYPT));
        }
        let (plain, help) = match self.is_encoded {
            false => (
                Secret::from(scalar.text()),
                "write it on the line of its name, and not below `|`",
            ),
            true => {
                let decoded = decode(scalar.text()).ok_or_else(|| {
                    fault("a value of a Secret that is not base64")
                        .help("`data` holds base64 and `stringData` plain text")
                })?;
                let text = std::str::from_utf8(&decoded)
                    .map_err(|_| fault("a value of a Secret that is not UTF-8"))?;
                let help = "leave it out: `printf %s VALUE | base64`, and not `echo`";
                (Secret::from(text), help)
            }
        };
        match plain.expose().ends_with('\n') && !self.is_logins() {
            true => Err(fault(
                "the value ends with a line break, which agents take for a part of it",
            )
            .help(help)),
            false => Ok(plain),
        }
    }
}

/// What `data` holds, decoded as Kubernetes does it: line breaks do not count, nor do bits that are left over at the end.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    const GO: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let line: Zeroizing<String> = Zeroizing::new(text.split(['\r', '\n']).collect());
    GO.decode(&*line).map(Zeroizing::new).ok()
}

/// Calls `of` for each entry of each Secret; of two of one name in one Secret, `stringData` wins. Whether there are other
/// objects.
fn each_entry(
    text: &str,
    of: &mut dyn FnMut(Entry<'_>) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    // kubectl prints several objects as YAML documents, or as JSON texts in a row.
    let is_json = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{');
    let parse = || yaml::parse_documents(Path::new(""), text);
    let parsed = match is_json {
        // What begins with a brace may be YAML as well.
        true => yaml::parse_json(Path::new(""), text).or_else(|error| parse().map_err(|_| error)),
        false => parse(),
    };
    let documents = parsed.map_err(|error| match error {
        Error::Yaml { place, message } => {
            let at = offset_of(text, &place);
            // kubectl label puts nothing between its objects.
            match text[at..].starts_with("apiVersion:") {
                true => Fault::new(at, "a second object begins here, without `---` before it")
                    .help("put a line with --- between them; of kubectl label, use what -o json prints"),
                false => Fault::new(at, message),
            }
        }
        _ => Fault::new(0, "this is not YAML"),
    })?;
    let mut has_others = false;
    for document in &documents {
        has_others |= each_of(document, None, of)?;
    }
    Ok(has_others)
}

/// `kind` is what a list says of its items, which may not say it themselves.
fn each_of(
    object: &Node,
    kind: Option<&str>,
    of: &mut dyn FnMut(Entry<'_>) -> Result<(), Fault>,
) -> Result<bool, Fault> {
    let own = object.get("kind").and_then(|field| field.value.text());
    let kind = own.or(kind);
    let items = object.get("items").and_then(|field| field.value.items());
    if let (Some(kind @ ("List" | "SecretList")), Some(items)) = (kind, items) {
        let kind = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
        let mut has_others = false;
        for item in items {
            has_others |= each_of(item, kind, of)?;
        }
        return Ok(has_others);
    }
    if kind != Some("Secret") {
        return Ok(!object.is_null());
    }
    let fields = |name: &str| {
        object
            .get(name)
            .map(|field| field.value.fields())
            .unwrap_or_default()
    };
    let plain = fields("stringData");
    let is_plain = |key: &Node| {
        let mut names = plain.iter().filter_map(|field| field.key.scalar());
        names.any(|name| key.scalar().is_some_and(|key| key.text() == name.text()))
    };
    for field in fields("data").iter().filter(|field| !is_plain(field.key)) {
        of(Entry {
            name: field.key,
            value: field.value,
            is_encoded: true,
        })?;
    }
    for field in &plain {
        of(Entry {
            name: field.key,
            value: field.value,
            is_encoded: false,
        })?;
    }
    Ok(false)
}
