//! The pages that the web server gives to everybody, and what of them is a credential.

use clearml_secure_core::container::{Container, Variable, VariableValue};
use clearml_secure_core::deployment::{Deployment, There};
use clearml_secure_core::effective::Effective;
use clearml_secure_core::io::read_text;
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::Span;
use clearml_secure_core::unseen::{Hides, Unseen};
use zeroize::Zeroizing;

use crate::live::json;

/// Something that everybody can download from a web server.
pub(crate) struct Published {
    /// Which of the instances the web server is.
    pub(crate) instance: usize,
    /// The variable that its start script writes into the page; none where a file is mounted over it.
    pub(crate) variable: Option<String>,
    /// The page.
    pub(crate) page: &'static str,
    /// Where that is said.
    pub(crate) span: Span,
}

/// A page (docs/clearml.md#published-credentials, docs/clearml.md#published-configuration).
struct Page {
    name: &'static str,
    /// Where a file is mounted that is served as it.
    mounted: &'static str,
    /// Whether this variable is written into it.
    takes: fn(&str) -> bool,
    /// Whether all that is written into it from variables is a credential.
    is_credential: bool,
}

const PAGES: [Page; 2] = [
    Page {
        name: "credentials.json",
        mounted: "/usr/share/nginx/html/credentials.json",
        takes: |name| ["USER_KEY", "USER_SECRET"].contains(&name),
        is_credential: true,
    },
    Page {
        name: "configuration.json",
        mounted: "/mnt/external_files/configs/configuration.json",
        takes: |name| name.starts_with("WEBSERVER__"),
        is_credential: false,
    },
];

/// Looks for credentials in the pages of every web server.
pub(super) fn look(
    deployment: &Deployment,
    effective: &Effective,
    published: &mut Vec<Published>,
    unseen: &mut Vec<Unseen>,
) {
    // A key alone opens nothing, but nothing of an account belongs into a page.
    let is_ours = |value: &str| {
        let mut texts = effective.readings().filter_map(|one| one.value.text());
        !value.is_empty() && texts.any(|text| text.expose() == value)
    };
    let servers = deployment.instances.iter().enumerate();
    for (index, instance) in servers.filter(|(_, one)| one.server == Server::Webserver) {
        let container = deployment.service(instance);
        for page in &PAGES {
            let mut miss = |what: String, reason: String, span: Span| {
                unseen.push(Unseen {
                    what,
                    hides: Hides::Anything,
                    reason,
                    service: Some(container.name.clone()),
                    span: Some(span),
                });
            };
            let mut add = |variable: Option<String>, span| {
                published.push(Published {
                    instance: index,
                    variable,
                    page: page.name,
                    span,
                });
            };
            match mounted(deployment, container, page) {
                None => {}
                Some(Ok(text)) if is_bad(page, &text, &is_ours) => add(None, container.name_span),
                Some(Ok(_)) => {}
                Some(Err(reason)) => miss(page.mounted.to_owned(), reason, container.name_span),
            }
            let variables = container.environment.iter();
            for variable in variables.filter(|variable| (page.takes)(&variable.name)) {
                match of_variable(page, variable, &is_ours) {
                    Ok(true) => add(Some(variable.name.clone()), variable.span),
                    Ok(false) => {}
                    Err(reason) => {
                        let what = format!("whether {} has a credential", page.name);
                        miss(what, reason, variable.span);
                    }
                }
            }
        }
    }
}

/// The text that is mounted, if anything is.
fn mounted(
    deployment: &Deployment,
    container: &Container,
    page: &Page,
) -> Option<Result<Zeroizing<String>, String>> {
    match deployment.at(container, page.mounted) {
        There::Image | There::Nothing => None,
        // The folder is here, and has no such page.
        There::Host {
            path,
            is_here: true,
        } if path.symlink_metadata().is_err() => None,
        There::Host { path, .. } => {
            Some(read_text(&path).map_err(|_| "what is mounted there cannot be read".to_owned()))
        }
        There::Text(file) => Some(Ok(file.text.clone())),
        There::Anywhere(reason) | There::Unknown(reason) => Some(Err(reason.as_str().to_owned())),
    }
}

/// Whether the text of a page gives a credential away. What is no JSON is served all the same, and may be anything.
fn is_bad(page: &Page, text: &str, is_ours: &dyn Fn(&str) -> bool) -> bool {
    match json::document(text.as_bytes(), is_ours) {
        Some(document) => {
            document.has_secret || document.has_pair || page.is_credential && document.has_key
        }
        None => {
            !text.trim().is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()
        }
    }
}

fn only_in_a_shell(variable: &Variable) -> String {
    let name = &variable.name;
    format!("{name} takes its value from the shell that starts it")
}

/// Whether a variable puts a credential into a page.
fn of_variable(
    page: &Page,
    variable: &Variable,
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<bool, String> {
    match &variable.value {
        VariableValue::Known(value) if page.is_credential => {
            match value.is_empty() && variable.is_for_the_shell() {
                true => Err(only_in_a_shell(variable)),
                false => Ok(!value.is_empty()),
            }
        }
        VariableValue::Known(value) => {
            let name = variable.name.rsplit("__").next().unwrap_or_default();
            let value = value.expose().trim();
            // The start script takes the value for JSON where it is JSON, and for a text otherwise.
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
            let value = match is_json {
                true => Zeroizing::new(value.to_owned()),
                false => Zeroizing::new(serde_json::json!(value).to_string()),
            };
            let text = Zeroizing::new(format!("{{{}:{}}}", serde_json::json!(name), *value));
            let document = json::document(text.as_bytes(), is_ours);
            Ok(document.is_some_and(|document| document.has_secret || document.has_pair))
        }
        VariableValue::Unset => Err(only_in_a_shell(variable)),
        VariableValue::Unknown(reason) => Err(reason.as_str().to_owned()),
        _ => Ok(page.is_credential),
    }
}
