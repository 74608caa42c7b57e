//! Values files of ClearML's Helm chart: every server is to take every setting from one Secret (docs/clearml.md#helm-chart).
//! No key comes into the file.

mod edits;
mod list;
mod proof;

use std::path::PathBuf;
use std::sync::Arc;

use clearml_secure_core::edit::{Edit, splice};
use clearml_secure_core::helm::{self, recipe};
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::keyset::kubernetes::is_name;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::source::place_of;
use clearml_secure_core::yaml::as_json::as_json;
use clearml_secure_core::yaml::{self, Node, edit};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::refusal::Refusal;
use edits::{Editor, New};

/// A values file, and the Secret that it is to name.
pub struct Job {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub text: Zeroizing<String>,
    /// The name of the Secret.
    pub secret: String,
    /// Whose users of the web login are in a second one.
    pub keyset: Keyset,
}

/// A values file that is proved and may be written.
pub struct Proved {
    /// As it is.
    pub before: Zeroizing<String>,
    /// As it is to be.
    pub after: Zeroizing<String>,
    /// What was done.
    pub changes: Vec<Change>,
    /// The settings that servers take from the Secret.
    pub settings: Vec<Setting>,
    /// The name that another chart has for ClearML's, where these are its values.
    pub section: Option<String>,
}

/// What was done to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// What.
    pub done: Done,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Entries of a list.
    Entries {
        /// Those that are new.
        added: usize,
        /// Those that said another thing.
        replaced: usize,
        /// Those that would win over ours, or are there twice.
        removed: usize,
    },
    /// Taken out.
    Removed,
    /// It is now this.
    Set(String),
    /// It is now this, and was something else.
    SetInstead {
        /// What it is.
        new: String,
        /// What it was.
        old: String,
    },
}

/// The edits of one file.
struct Plan {
    edits: Vec<Edit>,
    changes: Vec<Change>,
    /// As in [`Proved`].
    section: Option<String>,
}

/// Where the chart's values are: in all of the file, or in one section of it.
struct Chart<'a> {
    node: &'a Arc<Node>,
    section: Option<String>,
}

impl Chart<'_> {
    /// The path of one of its parts in the file.
    fn path(&self, part: &str) -> String {
        match &self.section {
            Some(section) => format!("{section}.{part}"),
            None => part.to_owned(),
        }
    }
}

impl Job {
    /// Works out the edits, makes them in memory and proves them.
    ///
    /// # Errors
    /// What is in the way, and where.
    pub fn prove(self) -> Result<Proved, Error> {
        let before = proof::read(&self, &self.text, helm::newest())?;
        proof::refuse_unseen(&before)?;
        let plan = self.plan(&self.text)?;
        let after = splice(&self.text, &plan.edits)
            .map(Zeroizing::new)
            .map_err(|overlap| Error::Overlap(place_of(&self.path, &self.text, overlap.at)))?;
        let settings = proof::prove(&self, &after, &plan)?;
        Ok(Proved {
            before: self.text,
            after,
            changes: plan.changes,
            settings,
            section: plan.section,
        })
    }

    fn has_users(&self) -> bool {
        !self.keyset.users().is_empty()
    }

    /// The one document, each key of which is there once.
    fn tree(&self, text: &str) -> Result<Arc<Node>, Error> {
        let refused = |at: usize, message: &str, help: &str| {
            Error::Refused(Refusal {
                place: place_of(&self.path, text, at),
                message: message.to_owned(),
                help: help.to_owned(),
            })
        };
        if helm::are_none(text) {
            return Err(refused(
                0,
                "this release has no values of its own",
                "make a file of values for it:\n  clearml-keygen -f helm -o values.yaml",
            ));
        }
        let (documents, repeated) = yaml::parse_part_last(&self.path, text, 0..text.len())?;
        if let Some(at) = repeated.first() {
            return Err(refused(
                *at,
                "this key is in the mapping twice, and helm reads the last one alone",
                "remove the one that is not meant, then run this again",
            ));
        }
        documents.into_iter().next().ok_or_else(|| {
            refused(
                0,
                "no values are in this file",
                "name the file that has them",
            )
        })
    }

    fn plan(&self, text: &str) -> Result<Plan, Error> {
        let root = self.tree(text)?;
        let mut editor = Editor::of(&self.path, text, &root);
        let chart = self.chart(&mut editor, &root).map_err(Error::Refused)?;
        self.fill(&mut editor, &chart).map_err(Error::Refused)?;
        Ok(Plan {
            edits: as_json(text, editor.edits.in_order()),
            changes: editor.changes,
            section: chart.section,
        })
    }

    /// The mapping with the chart's values.
    fn chart<'a>(
        &self,
        editor: &mut Editor<'_>,
        root: &'a Arc<Node>,
    ) -> Result<Chart<'a>, Refusal> {
        editor.mapping(root)?;
        let mut chart = Chart {
            node: root,
            section: None,
        };
        if let Some(name) = helm::section(root).flatten()
            && let Some(entry) = editor.entry(root, &name)?
        {
            chart.node = &entry.value;
            chart.section = Some(name);
        }
        Ok(chart)
    }

    /// What is there is filled first: what is new in the mapping around it comes behind that.
    fn fill(&self, editor: &mut Editor<'_>, chart: &Chart<'_>) -> Result<(), Refusal> {
        editor.mapping(chart.node)?;
        let cookie = cookie(chart.node);
        let mut sections = Vec::new();
        for (name, server) in [
            ("clearml", None),
            ("apiserver", Some(Server::Apiserver)),
            ("fileserver", Some(Server::Fileserver)),
        ] {
            let path = chart.path(name);
            let entries = server.map(|server| recipe::extra_envs(server, cookie.as_deref()));
            let Some(entry) = editor.entry(chart.node, name)? else {
                sections.push((name.to_owned(), self.section(editor, &path, name, entries)));
                continue;
            };
            editor.mapping(&entry.value)?;
            let mut new = Vec::new();
            match (server, entries) {
                (Some(server), Some(entries)) => {
                    let list =
                        editor.extra_envs(&entry.value, &path, server, entries, &self.secret)?;
                    new.extend(list);
                    if server == Server::Apiserver && self.has_users() {
                        new.extend(self.logins(editor, &entry.value, &path)?);
                    }
                }
                _ => new.extend(self.keys(editor, &entry.value, &path)?),
            }
            editor.add(chart.node, entry, new);
        }
        editor.add_to(chart.node, sections);
        Ok(())
    }

    /// A section that is not there yet.
    fn section(
        &self,
        editor: &mut Editor<'_>,
        path: &str,
        name: &str,
        entries: Option<Vec<recipe::ExtraEnv>>,
    ) -> New {
        let mut new = Vec::new();
        if name == "apiserver" && self.has_users() {
            new.push(self.set(editor, path, LOGINS, format!("{}-logins", self.secret)));
        }
        new.push(match entries {
            Some(entries) => editor.new_list(path, &entries, &self.secret),
            None => self.set(editor, path, EXISTING_SECRET, self.secret.clone()),
        });
        New::Mapping(new)
    }

    fn set(&self, editor: &mut Editor<'_>, path: &str, name: &str, value: String) -> (String, New) {
        editor.changes.push(Change {
            path: format!("{path}.{name}"),
            done: Done::Set(value.clone()),
        });
        (name.to_owned(), New::Text(value))
    }

    /// `clearml.existingSecret`, in place of what nothing reads beside it.
    fn keys(
        &self,
        editor: &mut Editor<'_>,
        clearml: &Arc<Node>,
        path: &str,
    ) -> Result<Option<(String, New)>, Refusal> {
        let mut constants = Vec::new();
        for name in recipe::unread_constants() {
            let is_written = |entry: &&yaml::Entry| !entry.value.is_null();
            constants.extend(editor.entry(clearml, name)?.filter(is_written));
        }
        constants.sort_by_key(|entry| entry.key.range().start);
        for entry in &constants {
            editor.refuse_shared(&entry.value)?;
            editor.changes.push(Change {
                path: format!("{path}.{}", entry.key.text().unwrap_or_default()),
                done: Done::Removed,
            });
        }
        let existing = editor.entry(clearml, EXISTING_SECRET)?;
        let mut new = None;
        let mut gone = &constants[..];
        if let Some(entry) = existing {
            if editor.set(entry, &self.secret)? {
                let old = entry.value.text().filter(|old| is_name(old));
                let new = self.secret.clone();
                editor.changes.push(Change {
                    path: format!("{path}.{EXISTING_SECRET}"),
                    done: match old.map(str::to_owned) {
                        Some(old) => Done::SetInstead { new, old },
                        None => Done::Set(new),
                    },
                });
            }
        } else {
            let (name, value) = self.set(editor, path, EXISTING_SECRET, self.secret.clone());
            match constants.split_first() {
                Some((first, rest)) => {
                    editor.replace(first, format!("{name}: {}", edit::scalar(&self.secret)))?;
                    gone = rest;
                }
                None => new = Some((name, value)),
            }
        }
        editor.take_out(clearml, gone)?;
        Ok(new)
    }

    /// The Secret with the users, which hides what is in `additionalConfigs`.
    fn logins(
        &self,
        editor: &mut Editor<'_>,
        apiserver: &Arc<Node>,
        path: &str,
    ) -> Result<Option<(String, New)>, Refusal> {
        let name = format!("{}-logins", self.secret);
        for other in ["additionalConfigs", "existingAdditionalConfigsConfigMap"] {
            let entry = editor.entry(apiserver, other)?;
            let is_used = |entry: &&yaml::Entry| {
                let value = &entry.value;
                let is_mapping = value.entries().is_some_and(|entries| !entries.is_empty());
                is_mapping || value.text().is_some_and(|text| !text.is_empty())
            };
            if let Some(entry) = entry.filter(is_used) {
                return Err(editor.refuse(
                    entry.key.range().start,
                    format!("the users are in Secret {name}, and beside it nothing reads {path}.{other}"),
                    format!("put these files into Secret {name}, beside apiserver.conf, and remove them here"),
                ));
            }
        }
        let Some(entry) = editor.entry(apiserver, LOGINS)? else {
            return Ok(Some(self.set(editor, path, LOGINS, name)));
        };
        match entry.value.text() {
            Some(own) if !own.is_empty() && own != name => Err(editor.refuse(
                entry.value.range().start,
                format!("the users are in Secret {name}, and the API server has another one"),
                format!(
                    "put its files into Secret {name}, beside apiserver.conf, and remove this line"
                ),
            )),
            _ => {
                if editor.set(entry, &name)? {
                    let _ = self.set(editor, path, LOGINS, name);
                }
                Ok(None)
            }
        }
    }
}

const EXISTING_SECRET: &str = "existingSecret";
/// What the API server calls the cookie.
const COOKIE_NAME: &str = "apiserver.auth.session_auth_cookie_name";
const LOGINS: &str = "existingAdditionalConfigsSecret";

/// The cookie of the web login; none where its name is one that would have to be quoted, or where the user has a variable for it.
fn cookie(chart: &Node) -> Option<String> {
    let apiserver = chart.get("apiserver").map(|field| field.value);
    let list = apiserver.and_then(|apiserver| Some(apiserver.get("extraEnvs")?.value));
    let mut items = list.and_then(|list| list.items()).into_iter().flatten();
    if items.any(|item| list::path_of(item).as_deref() == Some(COOKIE_NAME)) {
        return None;
    }
    let clearml = chart.get("clearml").map(|field| field.value);
    let own = clearml.and_then(|clearml| Some(clearml.get("cookieName")?.value));
    let name = own.map_or(Some(recipe::COOKIE), |own| own.text())?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (!name.is_empty() && name.chars().all(is_plain)).then(|| name.to_owned())
}
