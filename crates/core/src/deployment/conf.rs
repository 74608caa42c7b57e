//! A `.conf` file as a server reads it: with the variables of its container, and with the files that it includes, whose
//! names are paths of the container.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::mounts::{self, There};
use super::{config, raw_value};
use crate::compose::Loader;
use crate::container::Container;
use crate::container_path::relative;
use crate::hocon::{self, Cause, Include, Included};
use crate::shown::escape;
use crate::source::{SourceId, Sources};

/// Reads the files of one container.
pub(super) struct Reader<'a> {
    pub(super) container: &'a Container,
    /// The folder that was given by hand in place of the mounted ones.
    pub(super) given: Option<&'a Path>,
    pub(super) loader: &'a mut Loader,
    pub(super) sources: &'a mut Sources,
    /// The texts are those of the deployment, so that a place in one can be told.
    pub(super) is_kept: bool,
}

/// What pyhocon makes of a text.
pub(super) type Tree = Result<Arc<hocon::Object>, hocon::Fault>;

/// What was read of texts that mean the same in every container.
pub(super) type Trees = HashMap<SourceId, Tree>;

/// What a file that cannot be opened may say: anything.
pub(super) fn unknown(reason: &str) -> Tree {
    let lookup = |_: &str| hocon::Lookup::Unknown(String::new());
    let include = |_: &Include<'_>| Included::Unknown(reason.to_owned());
    hocon::parse("include \"it\"", &hocon::Context::new(&lookup, &include)).map(Arc::new)
}

/// Why a text is not read that a server may read: it is beyond a bound of the parser.
pub(super) fn unread(tree: &Tree) -> Option<String> {
    let fault = tree.as_ref().err()?;
    (fault.cause == Cause::TooLarge).then(|| fault.message.to_owned())
}

impl Reader<'_> {
    /// What pyhocon makes of a text at a path of the container.
    pub(super) fn read(&mut self, at: &str, text: &str) -> Tree {
        let container = self.container;
        let lookup = |name: &str| raw_value(&container.environment, name);
        let reader = RefCell::new(self);
        let include = |include: &Include<'_>| reader.borrow_mut().include(include);
        let context = hocon::Context::new(&lookup, &include).of_file(at);
        hocon::parse(text, &context).map(Arc::new)
    }

    /// The same of a text of the deployment, which many containers may have.
    pub(super) fn read_once(&mut self, at: &str, source: SourceId, known: &mut Trees) -> Tree {
        if let Some(tree) = known.get(&source) {
            return tree.clone();
        }
        let text = Zeroizing::new(self.sources.text(source).to_owned());
        let tree = self.read(at, &text);
        if hocon::is_self_contained(&text) {
            known.insert(source, tree.clone());
        }
        tree
    }

    fn include(&mut self, include: &Include<'_>) -> Included {
        let path = include.path();
        let name = escape(include.name);
        let unknown = |why: &str| Included::Unknown(format!("it includes {name}, {why}"));
        let Some(cleaned) = crate::compose::volume::cleaned(&path) else {
            return unknown("which is no path");
        };
        if let Some((folder, rest)) = self
            .given
            .and_then(|folder| Some((folder, relative(&cleaned, config::GIVEN)?)))
        {
            return self.host(folder.join(rest), folder.is_dir(), path, &unknown);
        }
        match mounts::at(self.container, &cleaned) {
            There::Host {
                path: host,
                is_here,
            } => self.host(host, is_here, path, &unknown),
            There::Nothing => Included::Absent,
            There::Text(file) => {
                let source = self.sources.add(&file.name, file.text.clone());
                self.known(path, source)
            }
            There::Image => unknown("a file of the image"),
            There::Anywhere(reason) | There::Unknown(reason) => {
                unknown(&format!("which cannot be looked at: {reason}"))
            }
        }
    }

    fn known(&self, file: String, source: SourceId) -> Included {
        Included::Known {
            file,
            text: Zeroizing::new(self.sources.text(source).to_owned()),
            tag: self.is_kept.then(|| source.tag()),
        }
    }

    /// A file of the host, in a mounted folder that is on this machine or not.
    fn host(
        &mut self,
        host: PathBuf,
        is_here: bool,
        file: String,
        unknown: &dyn Fn(&str) -> Included,
    ) -> Included {
        match self.loader.open(self.sources, &host) {
            Ok(source) => self.known(file, source),
            Err(_) if is_here && host.symlink_metadata().is_err() => Included::Absent,
            Err(_) if is_here => unknown("which cannot be read"),
            Err(_) => unknown("which is not on this machine"),
        }
    }
}
