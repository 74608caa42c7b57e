//! What services have besides their environment and their ports, and what stands beside the services.

use super::text::Writer;

impl Writer<'_> {
    /// Attributes of a service, each a few lines.
    pub(super) fn around(&mut self, service: &str, others: &[String]) {
        let is_foreign = service == "shop";
        if self.may("secret", 10) {
            self.block(2, "secrets: [s_file]");
        }
        if self.may("config", 10) {
            self.block(
                2,
                "configs:\n  - {source: c_content, target: /opt/other/x.txt}",
            );
        }
        if self.may("post-start", 8) {
            self.block(
                2,
                "post_start:\n  - {command: [sh, -c, \"echo $$HOME ${MAIL:-none}\"], user: root}",
            );
        }
        if self.may("develop", 8) {
            self.block(
                2,
                "develop:\n  watch:\n    - {path: ./src, action: sync, target: /src}",
            );
        }
        if is_foreign && self.may("build", 50) {
            self.block(
                2,
                "build:\n  context: ./shop\n  args:\n    MAIL: \"${MAIL:-none}\"",
            );
            if self.may("dockerfile-inline", 40) {
                let lines = "dockerfile_inline: |\n  FROM scratch\n  ARG TOKEN=${TOKEN:-none}";
                self.block(3, lines);
            }
        }
        if self.may("pull-policy", 8) {
            self.block(2, "pull_policy: always");
        }
        if self.may("models", 5) {
            self.block(2, "models: [llm]");
        }
        if self.may("labels", 12) {
            let labels = self.random.pick(&[
                "labels:\n  - traefik.enable=true\n  - traefik.http.routers.x.rule=Host(`${MAIL:-none}`)",
                "labels:\n  caddy: files.example.com\n  caddy.reverse_proxy: \"{{upstreams ${TOKEN:-80}}}\"",
            ]);
            self.block(2, labels);
        }
        if self.may("label-file", 5) {
            self.block(2, "label_file: plain.env");
        }
        if is_foreign && self.may("profiles", 40) {
            self.block(2, "profiles: [shop]");
        }
        self.depends_on(others);
        self.env_files(service);
    }

    fn depends_on(&mut self, others: &[String]) {
        let Some(other) = others.first() else {
            return;
        };
        if self.may("depends-on", 20) {
            if self.random.chance(50) {
                self.block(2, &format!("depends_on: [{other}]"));
            } else {
                let long = "condition: service_started\n    required: false";
                self.block(2, &format!("depends_on:\n  {other}:\n    {long}"));
            }
        }
    }

    fn env_files(&mut self, service: &str) {
        if service == "redis" {
            return;
        }
        if self.may("env-file", 6) {
            self.block(2, "env_file: plain.env");
        } else if self.may("env-file-list", 6) {
            self.block(2, "env_file:\n  - plain.env\n  - ./more.env");
        } else if self.may("env-file-map", 8) {
            self.block(
                2,
                "env_file:\n  - {path: raw.env, format: raw}\n  - {path: not-there.env, required: false}",
            );
        }
    }

    /// What stands beside the services, as far as they use it.
    pub(super) fn beside(&mut self) {
        if self.used.contains("secret") {
            self.block(0, "secrets:\n  s_file:\n    file: ./s.txt");
            if self.may("secret-environment", 50) {
                self.block(1, "s_env:\n  environment: TOKEN");
            }
        }
        if self.used.contains("config") {
            self.block(
                0,
                "configs:\n  c_content:\n    content: \"mail ${MAIL:-none} $$x\"\n  c_there:\n    external: true",
            );
            if self.may("config-environment", 40) {
                self.block(1, "c_env:\n  environment: TOKEN");
            }
        }
        if self.used.contains("models") {
            self.block(0, "models:\n  llm:\n    model: ai/${MAIL:-none}");
        }
        if self.may("networks", 15) {
            self.block(0, "networks:\n  default:\n    driver: bridge\n  more: {}");
        }
    }
}
