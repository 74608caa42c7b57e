//! What keeps others from a database, as far as its image, its variables and its command tell
//! (docs/clearml.md#passwords-of-images).

use clearml_secure_core::compose::volume::NO_VALUE;
use clearml_secure_core::container::{Container, VariableValue};
use clearml_secure_core::deployment::{Database, elasticsearch_variable};
use clearml_secure_core::knowable::{Knowable, Reason};
use clearml_secure_core::password::{PasswordWeakness, weakness};
use clearml_secure_core::version::Version;

/// What keeps others from a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Nothing.
    None(Off),
    /// A password that somebody guesses.
    Weak(PasswordWeakness),
    /// A password that nobody guesses.
    Password,
    /// A password that is in none of these files.
    Elsewhere,
    /// It is not known, such as behind a configuration file.
    Unknown,
}

/// Why there is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    /// Nobody has set one.
    NotSet,
    /// Somebody has said that none is needed.
    Allowed,
    /// This sets an empty one.
    Empty(&'static str),
    /// This sets the value of a variable that has none in these files.
    Unset(&'static str),
}

/// What something says of a password.
enum Said<'a> {
    /// Nothing.
    Nothing,
    Text(&'a str),
    /// A variable that has no value in these files; the shell may have one.
    Unset,
    /// It says something, which is not here.
    Unknown,
    /// Nothing, or something: that is said by what is not here.
    Untold,
}

/// What keeps others from a database.
pub(crate) fn protection(service: &Container, database: Database) -> Protection {
    let is_file = |word: &String| word.ends_with(".conf") || word.ends_with(".yml");
    if service.words.iter().any(is_file) {
        return Protection::Unknown;
    }
    match database {
        Database::Redis => redis(service),
        Database::Mongodb => mongodb(service),
        Database::Elasticsearch => elasticsearch(service),
    }
}

fn redis(service: &Container) -> Protection {
    if has_word(service, &["--aclfile", "--user"]) {
        return Protection::Unknown;
    }
    let said = match option(service, "--requirepass") {
        Said::Nothing => arguments(service),
        said => said,
    };
    match said {
        Said::Nothing => {}
        said => return judged(&said, "--requirepass", "default"),
    }
    let names = ["REDIS_PASSWORD", "VALKEY_PASSWORD", "KEYDB_PASSWORD"];
    of_variables(service, &names, "default")
}

/// Options in a variable: of Redis Stack, of the image of Valkey, and of Bitnami's.
fn arguments(service: &Container) -> Said<'_> {
    let names = ["REDIS_ARGS", "VALKEY_EXTRA_FLAGS", "REDIS_EXTRA_FLAGS"];
    let said = names.into_iter().map(|name| variable(service, name));
    // What is not here may set any of them; that is said of the passwords.
    let mut said = said.filter(|said| !matches!(said, Said::Nothing | Said::Untold));
    match said.next().unwrap_or(Said::Nothing) {
        Said::Text(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            // The last one wins.
            match words.iter().rposition(|word| *word == "--requirepass") {
                Some(at) => {
                    let password = words.get(at + 1).copied().unwrap_or_default();
                    Said::Text(password.trim_matches(['"', '\'']))
                }
                None => Said::Nothing,
            }
        }
        said => said,
    }
}

fn mongodb(service: &Container) -> Protection {
    // With the second one it serves who logs in and who does not.
    if has_word(service, &["--noauth", "--transitionToAuth"]) {
        return Protection::None(Off::Allowed);
    }
    // Docker's image and MongoDB's own make a user of both, and ask for passwords from then on.
    let names = [
        ["MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD"],
        [
            "MONGODB_INITDB_ROOT_USERNAME",
            "MONGODB_INITDB_ROOT_PASSWORD",
        ],
    ];
    for [username, password] in names {
        let files = [username, password].map(|name| format!("{name}_FILE"));
        if is_made_by(service, &files.each_ref().map(String::as_str)) {
            return Protection::Elsewhere;
        }
        match variable(service, password) {
            Said::Nothing | Said::Untold if is_made_by(service, &[username]) => {
                return Protection::Unknown;
            }
            Said::Nothing | Said::Untold => {}
            said => return judged(&said, password, "root"),
        }
    }
    let of_image = of_variables(service, &["MONGODB_ROOT_PASSWORD"], "root");
    // With either of them nobody gets in who has no password, and whose it is, the database alone knows.
    let is_asked = has_word(service, &["--auth", "--keyFile"]);
    match of_image {
        Protection::None(_) | Protection::Unknown if is_asked => Protection::Password,
        Protection::None(_) if has_word(service, &["--config", "-f"]) => Protection::Unknown,
        of_image => of_image,
    }
}

fn elasticsearch(service: &Container) -> Protection {
    let is = |names: &[&str], word: &str| {
        names.iter().find_map(|name| match variable(service, name) {
            Said::Nothing | Said::Untold => None,
            Said::Text(text) => Some(Some(text.trim().eq_ignore_ascii_case(word))),
            Said::Unset | Said::Unknown => Some(None),
        })
    };
    let is_opensearch = service.repository().contains("opensearch");
    let disabled = is(
        &["plugins.security.disabled", "DISABLE_SECURITY_PLUGIN"],
        "true",
    );
    let disabled = disabled.or_else(|| is(&["ELASTICSEARCH_ENABLE_SECURITY"], "false"));
    let by_setting = setting(service, "xpack.security.enabled");
    let by_setting = by_setting.map(|said| match said {
        Said::Text("false") => Some(true),
        Said::Text("true") => Some(false),
        _ => None,
    });
    let version = service.known_image().and_then(|image| image.version());
    match by_setting.or(disabled) {
        Some(Some(true)) => return Protection::None(Off::NotSet),
        Some(None) => return Protection::Unknown,
        Some(Some(false)) => {}
        // On by default since 8.
        None if is_opensearch => {}
        None => match version {
            None => return Protection::Unknown,
            Some(version) if version < Version::new(8, 0, 0) => {
                return match service.untold() {
                    Some(_) => Protection::Unknown,
                    None => Protection::None(Off::NotSet),
                };
            }
            Some(_) => {}
        },
    }
    if is_opensearch && version.is_some_and(|version| version < Version::new(2, 12, 0)) {
        // Its demonstration has admin as name and password, and is what runs where nobody configures anything.
        return Protection::Weak(PasswordWeakness::Name);
    }
    match setting(service, "xpack.security.authc.anonymous.roles") {
        None | Some(Said::Text("")) => {}
        Some(Said::Text(roles)) if roles.contains("superuser") => {
            return Protection::None(Off::Allowed);
        }
        Some(_) => return Protection::Unknown,
    }
    let names = [
        "ELASTIC_PASSWORD",
        "ELASTICSEARCH_PASSWORD",
        "OPENSEARCH_INITIAL_ADMIN_PASSWORD",
    ];
    let of_names = names.iter().map(|name| (*name, variable(service, name)));
    let said = of_names
        .into_iter()
        .find(|(_, said)| !matches!(said, Said::Nothing | Said::Untold));
    let files = ["ELASTIC_PASSWORD_FILE", "ELASTICSEARCH_PASSWORD_FILE"];
    let is_on = matches!(by_setting, Some(Some(false))) || is_made_by(service, &files);
    match said {
        Some((name, said)) if !matches!(said, Said::Text("")) => judged(&said, name, "elastic"),
        // It makes one itself.
        _ if is_on => Protection::Elsewhere,
        _ => Protection::Unknown,
    }
}

/// What Elasticsearch is told of a setting: by its command, of which the last word wins, or by variables, which the image puts
/// before it: under the setting's own name, or under one of letters that every shell takes.
fn setting<'a>(service: &'a Container, name: &str) -> Option<Said<'a>> {
    let words = service.words.iter().enumerate().rev();
    let mut of_command = words.filter_map(|(at, word)| {
        let is_apart = at > 0 && service.words[at - 1] == "-E";
        let word = word.strip_prefix("-E").or(is_apart.then_some(word))?;
        word.strip_prefix(name)?.strip_prefix('=')
    });
    if let Some(value) = of_command.next() {
        return Some(expanded(service, value));
    }
    let upper = elasticsearch_variable(name);
    let mut said = [name, &upper]
        .map(|name| variable(service, name))
        .into_iter();
    let said = said.find(|said| !matches!(said, Said::Nothing | Said::Untold))?;
    Some(match said {
        Said::Text(text) => Said::Text(text.trim()),
        said => said,
    })
}

/// Why an Elasticsearch that has a password may ask nobody for it: something that is not here may tell it so.
pub(crate) fn may_be_off(service: &Container, database: Database) -> Option<Reason> {
    if database != Database::Elasticsearch {
        return None;
    }
    let is_told = |name: &str| {
        let mut words = service.command.iter().filter_map(Knowable::known);
        words.any(|word| word.contains(name))
    };
    let switches = ["ELASTICSEARCH_ENABLE_SECURITY", "DISABLE_SECURITY_PLUGIN"];
    let settings = [
        "xpack.security.enabled",
        "xpack.security.authc.anonymous.roles",
        "plugins.security.disabled",
    ];
    let names = settings
        .iter()
        .filter(|name| !is_told(name))
        .map(|name| vec![(*name).to_owned(), elasticsearch_variable(name)]);
    let mut names = names.chain(switches.iter().map(|name| vec![(*name).to_owned()]));
    names.find_map(|names| {
        let mut values = names.iter().map(|name| service.variable(name));
        let is_set = |value: &Knowable<Option<_>>| matches!(value, Knowable::Known(Some(_)));
        let unknown = values.clone().find_map(|value| value.reason().cloned());
        unknown.filter(|_| !values.any(|value| is_set(&value)))
    })
}

/// A password that only some images take from a variable.
fn of_variables(service: &Container, names: &[&'static str], user: &str) -> Protection {
    let takes = service.repository().contains("bitnami");
    let is_known = matches!(service.image_name(), "redis" | "mongo" | "valkey");
    for name in names {
        let file = format!("{name}_FILE");
        if is_made_by(service, &[&file]) && (takes || !is_known) {
            return match takes {
                true => Protection::Elsewhere,
                false => Protection::Unknown,
            };
        }
        match variable(service, name) {
            Said::Nothing | Said::Untold => {}
            said if takes => return judged(&said, name, user),
            // What an image of somebody's own does with it nobody can tell; the official ones do nothing.
            Said::Text("") => {}
            _ if is_known => {}
            _ => return Protection::Unknown,
        }
    }
    // Redis' own image takes none.
    if service.untold().is_some() && (takes || service.image_name() != "redis") {
        return Protection::Unknown;
    }
    let allows =
        matches!(variable(service, "ALLOW_EMPTY_PASSWORD"), Said::Text(text) if is_yes(text));
    match () {
        () if allows => Protection::None(Off::Allowed),
        // Without a password and without leave it does not start.
        () if takes => Protection::Unknown,
        () => Protection::None(Off::NotSet),
    }
}

fn is_yes(text: &str) -> bool {
    ["yes", "true", "1"]
        .iter()
        .any(|yes| text.trim().eq_ignore_ascii_case(yes))
}

fn judged(said: &Said<'_>, what: &'static str, user: &str) -> Protection {
    match said {
        Said::Nothing | Said::Untold => Protection::Unknown,
        Said::Unknown => Protection::Elsewhere,
        Said::Text("") => Protection::None(Off::Empty(what)),
        Said::Unset => Protection::None(Off::Unset(what)),
        Said::Text(password) => match weakness(password, user, "") {
            Some(weakness) => Protection::Weak(weakness),
            None => Protection::Password,
        },
    }
}

fn has_word(service: &Container, names: &[&str]) -> bool {
    let mut words = service.words.iter();
    words.any(|word| names.contains(&word.split('=').next().unwrap_or_default()))
}

fn is_made_by(service: &Container, names: &[&str]) -> bool {
    let mut variables = service.environment.iter();
    variables.any(|variable| names.contains(&variable.name.as_str()))
}

fn variable<'a>(service: &'a Container, name: &str) -> Said<'a> {
    let mut variables = service.environment.iter();
    let Some(variable) = variables.find(|variable| variable.name == name) else {
        return match service.untold() {
            None => Said::Nothing,
            Some(_) => Said::Untold,
        };
    };
    match &variable.value {
        VariableValue::Unknown(_) if service.untold().is_some() => Said::Untold,
        VariableValue::Elsewhere(elsewhere) if elsewhere.is_optional => Said::Untold,
        VariableValue::Known(_) if variable.left_to_the_shell().is_some() => Said::Unset,
        VariableValue::Known(value) => Said::Text(value.expose()),
        VariableValue::Unset => Said::Unset,
        _ => Said::Unknown,
    }
}

/// What the command gives an option, of which the last one wins: a word of its own, or one of a text for a shell.
fn option<'a>(service: &'a Container, name: &str) -> Said<'a> {
    for (at, word) in service.command.iter().enumerate().rev() {
        let Some(word) = word.known() else {
            continue;
        };
        if word == name {
            return match service.command.get(at + 1) {
                Some(value) => match value {
                    Knowable::Known(value) => expanded(service, value),
                    Knowable::Unknown(reason) if reason.as_str() == NO_VALUE => Said::Unset,
                    Knowable::Unknown(_) => Said::Unknown,
                },
                None => Said::Text(""),
            };
        }
        let Some((_, rest)) = word.rsplit_once(name) else {
            continue;
        };
        if let Some(value) = rest.strip_prefix('=') {
            return expanded(service, value.split_whitespace().next().unwrap_or_default());
        }
        if let Some(value) = rest.strip_prefix([' ', '\n']) {
            let value = value.trim_start();
            // Behind an empty one stands the next option, or nothing.
            let value = value
                .split_whitespace()
                .next()
                .filter(|value| !value.starts_with("--"));
            return expanded(service, value.unwrap_or_default().trim_matches(['"', '\'']));
        }
    }
    // The words are those of a text in which a variable without a value is empty; one that compose refuses has none.
    match has_word(service, &[name]) {
        true => Said::Unset,
        false => Said::Nothing,
    }
}

/// A word that is one of the container's variables, as a shell replaces it.
fn expanded<'a>(service: &'a Container, word: &'a str) -> Said<'a> {
    let Some(name) = word.strip_prefix('$') else {
        return match word.contains('$') || word.contains('`') {
            true => Said::Unknown,
            false => Said::Text(word),
        };
    };
    let name = name.trim_matches(['{', '}']);
    match variable(service, name) {
        Said::Text(text) => Said::Text(text),
        Said::Nothing | Said::Unset | Said::Unknown | Said::Untold => Said::Unknown,
    }
}
