//! What clearml-inject would say, which only its own plan and proof can tell: both are run in memory.

use std::path::Path;

use clearml_secure_core::compose::Project;
use clearml_secure_core::deployment::Deployment;
use clearml_secure_core::effective::{Effective, Origin};
use clearml_secure_core::io::read_text;
use clearml_secure_core::keyset::{Keyset, User};
use clearml_secure_core::secret::Secret;
use clearml_secure_plan::env_file::EnvFile;
use clearml_secure_plan::error::Error;
use clearml_secure_plan::job::Job;
use clearml_secure_plan::plan::Asked;
use clearml_secure_plan::ports::Ports;

use super::{Obstacle, Way};

/// The files that clearml-inject would be run on.
pub(crate) struct Attempt<'a> {
    /// The keyset of `--keys`.
    pub(crate) keys: Option<&'a Path>,
    pub(crate) deployment: &'a Deployment,
    /// The files that describe it.
    pub(crate) project: &'a Project,
    pub(crate) way: &'a Way,
    /// What the servers read, where they keep that and only users change.
    pub(crate) kept: Option<&'a Effective>,
}

impl Attempt<'_> {
    /// Why clearml-inject would refuse new keys and these ports, or these ports alone, if it would.
    pub(super) fn refusal(&self, is_new: bool, ports: Ports) -> Option<Obstacle> {
        let error = self.run(is_new, ports).err()?;
        let advice = error.advice();
        let advice = advice.map(|advice| format!("\n{advice}").replace('\n', "\n  "));
        Some(Obstacle::Refusal(format!(
            "clearml-inject refuses: {error}{}",
            advice.unwrap_or_default()
        )))
    }

    /// What clearml-inject would do, in memory.
    pub(crate) fn run(&self, is_new: bool, ports: Ports) -> Result<(), Error> {
        let keyset = match is_new {
            true => self.new_keyset()?,
            false => Keyset::default(),
        };
        let sources = &self.deployment.sources;
        let project = self.project;
        let files = project.files.iter();
        let env_files = match is_new {
            true => &self.way.env_files,
            false => &self.way.named,
        };
        let env_file = EnvFile::read(env_files, &project.folder)?;
        let job = Job {
            compose: files
                .map(|id| (sources.path(*id).to_owned(), sources.shared(*id)))
                .collect(),
            asked: Asked {
                ports,
                is_overlay: self.way.override_file.is_some(),
                is_literal: false,
                allows_weak: false,
                is_of_ports: !is_new,
            },
            env_file,
        };
        job.plan(&keyset)?.prove(&keyset).map(drop)
    }

    /// That of `--keys`, or one as clearml-keygen would make it.
    fn new_keyset(&self) -> Result<Keyset, Error> {
        let given = self.keys.filter(|path| *path != Path::new("-"));
        if let Some(path) = given {
            let text = read_text(path)?;
            let mut keyset = Keyset::read(&text, path)?;
            keyset.follow_own(&text, path)?;
            return Ok(keyset);
        }
        let mut keyset = Keyset::new();
        if let Some(effective) = self.kept {
            let readings = effective.readings();
            let given =
                readings.filter(|one| matches!(one.origin, Origin::File(_) | Origin::Variable(_)));
            for (setting, text) in given.filter_map(|one| Some((one.setting, one.value.text()?))) {
                // What no keyset can have is refused for another reason.
                keyset.set(setting, text.clone()).ok();
            }
            let user = User {
                username: "NAME".to_owned(),
                name: "NAME".to_owned(),
                password_hash: Secret::from("HASH"),
            };
            keyset.add_user(user).ok();
        }
        keyset.generate_missing()?;
        Ok(keyset)
    }
}
