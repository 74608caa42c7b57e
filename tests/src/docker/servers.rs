//! Containers of tests/container/server.py beside a real Redis.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Engine, succeed};
use crate::files::root;
use crate::oracle;

/// One image for all, called what tests/container/deployment.yml calls it.
pub(super) const IMAGES: [&str; 3] = [SERVER_IMAGE, AGENT_IMAGE, REDIS_IMAGE];
const SERVER_IMAGE: &str = "clearml-secure-e2e/clearml-server:2.3.0";
const AGENT_IMAGE: &str = "clearml-secure-e2e/clearml-agent-services:latest";
const REDIS_IMAGE: &str = "clearml-secure-e2e/redis:7";

impl Engine {
    /// Finds the engine and builds the images of the servers; none, with a visible skip, where that cannot be.
    pub fn start_servers() -> Option<Self> {
        Self::ready(Self::build_servers)
    }

    fn build_servers(&self) -> Result<(), String> {
        let python = oracle::python().ok_or("no Python environment for the stand-in server")?;
        let [server, client] = oracle::redis()
            .zip(oracle::redis_client())
            .map(<[PathBuf; 2]>::from)
            .ok_or("no redis-server and redis-cli")?;
        let archive = self.folder.path().join("image.tar");
        let mut command = Command::new(python);
        command.arg(root().join("tests/container/image.py"));
        command.arg(root()).args([server, client]);
        let written = command.stdout(File::create(&archive).unwrap()).status();
        assert!(written.unwrap().success(), "no archive of the image");
        let entrypoint = r#"ENTRYPOINT ["python3", "/app/tests/container/server.py"]"#;
        succeed(
            self.command("docker")
                .args(["import", "--change", entrypoint])
                .arg(&archive)
                .arg(SERVER_IMAGE),
        );
        fs::remove_file(archive).unwrap();
        self.build_image(AGENT_IMAGE, &format!("FROM {SERVER_IMAGE}\n"));
        let redis = r#"ENTRYPOINT ["redis-server", "--save", "", "--protected-mode", "no"]"#;
        self.build_image(REDIS_IMAGE, &format!("FROM {SERVER_IMAGE}\n{redis}\n"));
        Ok(())
    }

    /// The compose project of this run.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// What a program needs in its environment to run `docker compose` here, in this run's project.
    pub fn environment(&self) -> Vec<(String, PathBuf)> {
        let host = env::var_os("DOCKER_HOST").map(|host| ("DOCKER_HOST".to_owned(), host.into()));
        let home = ("HOME".to_owned(), self.folder.path().to_owned());
        let project = (
            "COMPOSE_PROJECT_NAME".to_owned(),
            self.project.clone().into(),
        );
        [home, project].into_iter().chain(host).collect()
    }

    /// What the servers that ended without being asked to have printed.
    pub fn ended(&self) -> String {
        self.containers()
            .iter()
            .filter(|container| container["State"]["ExitCode"] != 0)
            .map(|container| {
                let name = container["Name"].as_str().unwrap();
                let printed = self.command("docker").args(["logs", name]).output();
                let printed = String::from_utf8(printed.unwrap().stderr).unwrap();
                format!("{name}:\n{printed}")
            })
            .collect()
    }

    /// Where the running containers of these files are not what the files say: one for each service, with its variables.
    pub fn differences(&self, files: &[&Path]) -> Vec<String> {
        let containers = self.containers();
        let mut wrong = Vec::new();
        for (name, service) in self.services(files) {
            let own: Vec<&Value> = containers
                .iter()
                .filter(|one| one["Config"]["Labels"]["com.docker.compose.service"] == *name)
                .collect();
            let [container] = &own[..] else {
                wrong.push(format!("{name}: {} containers", own.len()));
                continue;
            };
            if container["State"]["Running"] != true {
                wrong.push(format!("{name}: does not run"));
            }
            let variables = container["Config"]["Env"].as_array();
            for (variable, value) in service["environment"].as_object().into_iter().flatten() {
                let line = json!(format!("{variable}={}", value.as_str().unwrap_or_default()));
                if !variables.is_some_and(|all| all.contains(&line)) {
                    wrong.push(format!("{name}: {variable} is another one"));
                }
            }
        }
        wrong
    }
}
