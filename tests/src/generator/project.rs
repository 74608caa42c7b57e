//! The files of a project: the compose file, and what it, compose and inject's options bring in.

use super::Project;
use super::environment::ORDINARY;
use super::features::Features;
use super::text::Writer;
use crate::mode::{COMPOSE, MERGED, Mode};

/// A service that is to be written: what it is, and what it is called.
struct Service {
    kind: &'static str,
    name: String,
}

pub(super) fn generate(seed: u64, mode: &Mode, features: &Features) -> Project {
    let mut writer = Writer::new(seed, features);
    let services = writer.services();
    let mut files = vec![(COMPOSE.to_owned(), writer.compose_file(&services))];
    if mode.merges() {
        files.push((MERGED.to_owned(), writer.over(&services)));
    } else if mode.has("-i") || writer.may("override-elsewhere", 20) {
        files.extend(writer.beside_the_file(&services));
    }
    writer.reached(&mut files);
    // Beside another env file it is not read, and what it has is missed.
    let percent = if mode.has("new.env") { 20 } else { 60 };
    if writer.random.chance(percent) || writer.used.contains("variable-setting") {
        files.push((".env".to_owned(), writer.dotenv()));
    }
    Project {
        files,
        used: writer.used.into_iter().collect(),
    }
}

impl Writer<'_> {
    fn services(&mut self) -> Vec<Service> {
        let mut kinds = vec!["apiserver", "fileserver"];
        for (name, percent) in [
            ("webserver", 60),
            ("async_delete", 60),
            ("agent-services", 50),
            ("redis", 60),
            ("shop", 30),
        ] {
            if self.random.chance(percent) {
                kinds.push(name);
            }
        }
        self.random.shuffle(&mut kinds);
        let service = |kind: &'static str| {
            let prefix = if self.random.chance(25) { "my-" } else { "" };
            let name = format!("{prefix}{kind}");
            Service { kind, name }
        };
        kinds.into_iter().map(service).collect()
    }

    fn compose_file(&mut self, services: &[Service]) -> String {
        if self.random.chance(50) {
            self.raw(0, "version: \"3.8\"");
        }
        if self.may("project-name", 5) {
            self.raw(0, "name: our-project");
        }
        self.include();
        self.comment(0);
        self.anchors();
        self.line(0, "services:");
        for service in services {
            let others = services.iter().filter(|other| other.kind != service.kind);
            // Only for Redis, which waits for nobody: a service that extends the API server waits with it.
            let others =
                others.filter(|other| service.kind == "apiserver" && other.kind == "redis");
            let others: Vec<String> = others.map(|other| other.name.clone()).collect();
            self.service(service, services, &others);
        }
        self.beside();
        if self.random.chance(40) {
            let line = self.key("volumes") + " {data: {}}";
            self.line(0, &line);
        }
        if self.may("documents", 5) {
            let name = &services[0].name;
            self.raw(0, "---");
            self.block(
                0,
                &format!("services:\n  {name}:\n    labels: {{second: document}}"),
            );
        }
        self.finish()
    }

    /// What services share by aliases.
    fn anchors(&mut self) {
        let anchored = self.variables(&ORDINARY[..8], 3);
        self.raw(0, "x-common: &common");
        self.map(1, &anchored);
        self.raw(0, "x-listed: &listed");
        let listed = self.variables(&ORDINARY[..8], 3);
        self.list(1, &listed);
        self.raw(0, "x-published: &published [\"8008:8008\"]");
    }

    fn service(&mut self, service: &Service, all: &[Service], others: &[String]) {
        self.comment(1);
        let line = self.key(&service.name);
        self.line(1, &line);
        let parts = self.runs(service.kind);
        self.extends(service, all);
        let place = self.random.below(parts.len() + 1);
        for (index, part) in parts.iter().enumerate() {
            if index == place {
                self.environment(service.kind);
            }
            // Not `line`, which might add a comment inside a folded command.
            self.block(2, part);
        }
        if place == parts.len() {
            self.environment(service.kind);
        }
        self.ports(service.kind);
        self.around(service.kind, others);
    }

    /// Image, command and the like.
    fn runs(&mut self, kind: &str) -> Vec<String> {
        let server = "clearml/server:2.3.0";
        let (image, run) = match kind {
            "async_delete" => (server, "entrypoint: python3 -m jobs.async_urls_delete"),
            "agent-services" => ("clearml/clearml-agent-services:latest", ""),
            "redis" => ("redis:7.4.1", "command: redis-server --save ''"),
            "shop" => ("example/shop:4", ""),
            _ => (server, ""),
        };
        let command = match run {
            "" if image == server => self.random.pick(&[
                "command: [NAME]",
                "command: NAME",
                "command: \"NAME\"",
                "command: >\n  NAME",
                "command:\n  - NAME",
            ]),
            run => run,
        };
        let mut parts = vec![self.key("image") + " " + image];
        if !command.is_empty() {
            parts.push(command.replace("NAME", kind));
        }
        if self.random.chance(30) {
            parts.push("restart: unless-stopped".to_owned());
        }
        parts
    }

    fn extends(&mut self, service: &Service, all: &[Service]) {
        let apiserver = all.iter().find(|one| one.kind == "apiserver");
        let apiserver = apiserver.map(|one| one.name.as_str()).unwrap_or_default();
        let is_heir = match service.kind {
            "fileserver" => self.may("extends-apiserver", 8),
            "shop" => self.may("extends-foreign", 20),
            _ => false,
        };
        let includes = self.used.contains("include") || self.used.contains("include-long");
        if includes && service.kind == "shop" && !is_heir && self.may("extends-included", 50) {
            self.block(2, "extends: {file: parts/more.yml, service: mailer}");
        } else if is_heir {
            self.block(2, &format!("extends:\n  service: {apiserver}"));
            if service.kind == "shop" {
                // The API server's command would make it one.
                self.block(2, "command: [sell]");
            }
        } else if service.kind != "redis" && self.may("extends-file", 8) {
            self.block(2, "extends: {file: sub/base.yml, service: base}");
        }
    }

    fn include(&mut self) {
        if self.may("include", 5) {
            self.raw(0, "include: [parts/more.yml]");
        } else if self.may("include-long", 4) {
            self.block(
                0,
                "include:\n  - {path: parts/more.yml, project_directory: ., env_file: parts/inc.env}",
            );
        }
    }

    /// What compose merges over the file by itself.
    fn beside_the_file(&mut self, services: &[Service]) -> Option<(String, String)> {
        let name = if self.may("override-docker", 15) {
            "docker-compose.override.yml"
        } else if self.may("override-compose", 10) {
            self.random
                .pick(&["compose.override.yml", "compose.override.yaml"])
        } else {
            return None;
        };
        Some((name.to_owned(), self.over(services)))
    }

    /// What is merged over the compose file.
    fn over(&mut self, services: &[Service]) -> String {
        self.raw(0, "services:");
        let mut over = 0;
        for service in services {
            if over > 0 && self.random.chance(60) {
                continue;
            }
            over += 1;
            self.raw(1, &format!("{}:", service.name));
            self.raw(2, "labels: {over: it}");
            if self.may("override-environment", 10) {
                let variables = self.variables(&ORDINARY[..8], 2);
                self.raw(2, "environment: !override");
                self.map(3, &variables);
            } else if self.random.chance(50) {
                let variables = self.variables(&ORDINARY[..8], 2);
                self.raw(2, "environment:");
                self.map(3, &variables);
            }
            if self.may("merge-mapping", 8) {
                let merged = self.random.pick(&[
                    "<<: {environment: !reset {}}",
                    "<<: {environment: !override {MERGED: it}}",
                    "<<: {ports: !reset [], restart: always}",
                    "<<: {labels: {merged: it}}",
                ]);
                self.raw(2, merged);
            }
            if self.may("override-ports", 10) {
                let ports = self.random.pick(&[
                    "ports: !reset []",
                    "ports: !override [\"9999:80\"]",
                    "ports: !reset null",
                ]);
                self.raw(2, ports);
            }
        }
        self.finish()
    }

    /// What the files so far name.
    fn reached(&mut self, files: &mut Vec<(String, String)>) {
        let mut add = |name: &str, text: &str| files.push((name.to_owned(), text.to_owned()));
        let uses = self.may("env-file-uses", 50);
        let uses = if uses { "USES=${MAIL:-none}\n" } else { "" };
        add("plain.env", &format!("PLAIN=a b\nQUOTED='c d'\n{uses}"));
        add("more.env", "# more\nMORE=\"x\"\n");
        add("raw.env", "RAW=$MAIL 'as it is' # so\n");
        add("s.txt", "a secret of somebody's\n");
        add("shop/Dockerfile", "FROM scratch\n");
        if self.used.contains("extends-file") {
            let env_file = self.random.pick(&["", "    env_file: ./c.env\n"]);
            let token = if self.used.contains("shared-variable") {
                "      USES: ${TOKEN:-none}\n"
            } else {
                ""
            };
            add(
                "sub/base.yml",
                &format!(
                    "services:\n  base:\n    labels: {{based: on}}\n    volumes: [./data:/data]\n{env_file}    environment:\n      BASE: is ${{MAIL:-none}}\n{token}"
                ),
            );
            let setting = self
                .random
                .pick(&["", "CLEARML__secure__auth__token_secret=below\n"]);
            add("sub/c.env", &format!("BELOW=sub\n{setting}"));
            // The same name from the project's folder would be another one.
            add("c.env", "BELOW=project\n");
        }
        let has_include = self.used.contains("include") || self.used.contains("include-long");
        if has_include {
            let server = if self.may("include-server", 30) {
                "  late-delete:\n    image: clearml/server:2.3.0\n    entrypoint: python3 -m jobs.async_urls_delete\n"
            } else {
                ""
            };
            add(
                "parts/more.yml",
                &format!(
                    "services:\n  mailer:\n    image: example/mailer:1\n    volumes: [./spool:/spool]\n    environment: [\"TO=${{MAIL:-none}}\"]\n{server}"
                ),
            );
            add("parts/inc.env", "MAIL=included\n");
        }
    }

    /// The variables that compose takes values from.
    fn dotenv(&mut self) -> String {
        let mut text = String::from("# ours\nMAIL=postmaster\n");
        if self.used.contains("variable-setting") || self.random.chance(50) {
            text.push_str("TOKEN=a-token-of-before\n");
        }
        if self.random.chance(30) {
            text.push_str("OTHER='single $quoted' # why\n");
        }
        if self.may("project-name-in-env", 10) {
            text.push_str("COMPOSE_PROJECT_NAME=named-in-env\n");
        }
        if self.may("compose-in-env", 8) {
            let line = self.random.pick(&[
                "COMPOSE_PROFILES=shop\n",
                "COMPOSE_IGNORE_ORPHANS=1\n",
                "COMPOSE_FILE=docker-compose.yml\n",
            ]);
            text.push_str(line);
        }
        if self.random.chance(20) {
            text.truncate(text.trim_end().len());
        }
        if self.may("env-crlf", 12) {
            text = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        }
        text
    }
}
