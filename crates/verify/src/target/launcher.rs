//! Files that start ClearML's servers in a way that is not read: quadlets of Podman, units of systemd, scripts with
//! `docker run`, Terraform, task definitions of ECS, Nomad, playbooks, and templates of any of these.

use clearml_secure_core::image::REPOSITORIES;

/// What starts a container, in a script or a unit.
const RUNS: [&str; 7] = [
    "docker run",
    "docker create",
    "docker container run",
    "nerdctl run",
    "podman create",
    "podman container run",
    "podman run",
];
/// Endings of templates, behind the name of what is made of them.
const TEMPLATES: [&str; 9] = [
    "ctmpl", "erb", "gotmpl", "j2", "jinja", "jinja2", "mustache", "tmpl", "tpl",
];
/// Files with rules and tasks, whose lines are a shell's.
const TASKS: [&str; 9] = [
    ".justfile",
    "GNUmakefile",
    "Jenkinsfile",
    "Justfile",
    "Makefile",
    "Rakefile",
    "Vagrantfile",
    "justfile",
    "makefile",
];
/// Words of JSON that names images, one of which is at its beginning.
const IN_JSON: [&str; 6] = [
    "\"AWSTemplateFormatVersion\"",
    "\"Image\"",
    "\"Job\"",
    "\"Resources\"",
    "\"image\"",
    "ontainerDefinitions\"",
];

/// How a file starts a server of ClearML's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Launcher {
    /// By itself.
    Itself,
    /// In a cluster.
    Cluster,
    /// What is made of it does.
    Template,
}

/// Whether a file of a name may be one; most are not read.
pub(crate) fn may_be_one(name: &str) -> bool {
    required(name).is_some()
}

/// Whether JSON that begins so may be one.
pub(crate) fn may_be_json(start: &str) -> bool {
    IN_JSON.iter().any(|word| start.contains(word))
}

/// How a file starts a server of ClearML's; none where it starts none.
pub(crate) fn told(name: &str, text: &str) -> Option<Launcher> {
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', ';']);
    let lines = || text.lines().filter(|line| !is_comment(line));
    let words = required(name).or_else(|| text.starts_with("#!").then_some(&RUNS[..]))?;
    let has_word = |text: &str| words.iter().any(|word| text.contains(word));
    let is_template = is_template(name);
    // Where a variable names the image, what its servers are told tells whose it is.
    let is_ours = |line: &str| names_image(line) || is_template && line.contains("CLEARML__");
    // Hardly any file has, and to go through its lines takes longer.
    let starts = has_word(text) && lines().any(has_word) && lines().any(is_ours);
    starts.then(|| match () {
        () if is_template => Launcher::Template,
        () if text.contains("\"kubernetes_") => Launcher::Cluster,
        () => Launcher::Itself,
    })
}

/// The name of what is made of a template.
pub(crate) fn made_of(name: &str) -> Option<&str> {
    let (made, ending) = name.rsplit_once('.')?;
    TEMPLATES.contains(&ending).then_some(made)
}

/// Whether a file is a template; one whose name begins with a line is for other templates of a chart.
fn is_template(name: &str) -> bool {
    made_of(name).is_some() && !name.starts_with('_')
}

/// What a text of such a name has to say, besides an image.
fn required(name: &str) -> Option<&'static [&'static str]> {
    if TASKS.contains(&name) {
        return Some(&RUNS);
    }
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending {
        "container" => &["Image="],
        "bash" | "bat" | "cmd" | "fish" | "ksh" | "mk" | "ps1" | "service" | "sh" | "zsh" => &RUNS,
        "hcl" | "nomad" | "tf" | "tofu" => &["image"],
        "json" => &IN_JSON,
        "yaml" | "yml" => &[
            "docker_compose:",
            "docker_compose_v2:",
            "docker_container:",
            "docker_swarm_service:",
            "podman_container:",
            "ContainerDefinitions",
            "docker run",
            "podman run",
        ],
        _ if is_template(name) => match made_of(name).and_then(required) {
            Some(words) if words.len() == RUNS.len() || ending == "container" => words,
            _ => &["image", "Image="],
        },
        _ => return None,
    })
}

/// Whether a line names an image: with a tag or a digest, or as a word of its own. `github.com/allegroai/clearml` is none.
fn names_image(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_one = |(at, image): (usize, &str)| {
        let (before, behind) = (&line[..at], &line[at + image.len()..]);
        let is_tagged = behind.starts_with([':', '@']) && !behind.starts_with("://");
        let may_have_registry = before.contains("image") || before.contains("Image");
        let is_whole =
            (!before.ends_with('/') || may_have_registry) && !behind.starts_with(is_name);
        !before.ends_with(is_name) && (is_tagged || is_whole && !behind.starts_with(['/', '.']))
    };
    let mut images = REPOSITORIES.iter();
    images.any(|image| line.match_indices(image).any(is_one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_servers_is_told_from_what_speaks_of_them() {
        for (name, text, is_one) in [
            (
                "a.container",
                "[Container]\nImage=docker.io/clearml/server:2.3.0\n",
                true,
            ),
            ("a.container", "[Container]\nImage=mongo:7\n", false),
            (
                "a.container",
                "# Image=clearml/server:2.3.0\nImage=mongo:7\n",
                false,
            ),
            (
                "a.service",
                "ExecStart=/usr/bin/podman run --rm allegroai/clearml:1.14.1 fileserver\n",
                true,
            ),
            (
                "a.sh",
                "docker run -d \\\n  clearml/server apiserver\n",
                true,
            ),
            ("a.sh", "docker pull clearml/server:2.3.0\n", false),
            (
                "a.sh",
                "docker run x\ngit clone https://github.com/allegroai/clearml\n",
                false,
            ),
            (
                "a.sh",
                "docker run allegroai/clearml-agent-services:latest\n",
                false,
            ),
            (
                "a.tf",
                "resource \"docker_container\" \"a\" {\n  image = \"r.example.com/clearml/server:2.3.0\"\n}\n",
                true,
            ),
            ("a.nomad", "config { image = \"clearml/server\" }\n", true),
            (
                "a.yml",
                "- community.docker.docker_container:\n    image: clearml/server:2.3.0\n",
                true,
            ),
            ("a.md", "docker run clearml/server:2.3.0\n", false),
            ("Makefile", "up:\n\tdocker run clearml/server:2.3.0\n", true),
            (
                "up",
                "#!/bin/sh\npodman run clearml/server apiserver\n",
                true,
            ),
            ("up", "podman run clearml/server apiserver\n", false),
            (
                "a.json",
                "{\"containerDefinitions\": [{\"image\": \"clearml/server:2.3.0\"}]}",
                true,
            ),
            (
                "a.tf",
                "container_definitions = jsonencode([{ image = \"allegroai/clearml:1.14.1\" }])\n",
                true,
            ),
            (
                "user-data.yml",
                "#cloud-config\nruncmd:\n  - docker run -d clearml/server:2.3.0 apiserver\n",
                true,
            ),
            (
                "play.yml",
                "- community.docker.docker_compose_v2:\n    definition: {services: {a: {image: clearml/server:2.3.0}}}\n",
                true,
            ),
            (
                "docker-compose.yml.j2",
                "image: {{ r }}/clearml/server\n",
                true,
            ),
            (
                "docker-compose.tmpl",
                "image: {{ image }}\nenvironment: {CLEARML__SECURE__AUTH__TOKEN_SECRET: {{ s }}}\n",
                true,
            ),
            (
                "motd.j2",
                "Web page of {{ clearml }}, its image is fine\n",
                false,
            ),
            ("_helpers.tpl", "image: clearml/server\n", false),
        ] {
            assert_eq!(told(name, text).is_some(), is_one, "{name}: {text}");
        }
    }
}
