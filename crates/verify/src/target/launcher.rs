//! Files that start ClearML's servers in a way that is not read: quadlets of Podman, units of systemd, scripts with
//! `docker run`, Terraform, Nomad, playbooks.

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

/// Whether a file of a name may be one; most are not read.
pub(crate) fn may_be_one(name: &str) -> bool {
    required(name).is_some()
}

/// Whether a file starts a server of ClearML's.
pub(crate) fn starts_server(name: &str, text: &str) -> bool {
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', ';']);
    let lines = || text.lines().filter(|line| !is_comment(line));
    let Some(words) = required(name) else {
        return false;
    };
    let has_word = |text: &str| words.iter().any(|word| text.contains(word));
    // Hardly any file has, and to go through its lines takes longer.
    has_word(text) && lines().any(has_word) && lines().any(names_image)
}

/// What a text of such a name has to say, besides an image.
fn required(name: &str) -> Option<&'static [&'static str]> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending {
        "container" => &["Image="],
        "bash" | "service" | "sh" => &RUNS,
        "hcl" | "nomad" => &["image"],
        "tf" | "tofu" => &["docker_container", "docker_image", "docker_service"],
        "yaml" | "yml" => &["docker_container:", "podman_container:"],
        _ => return None,
    })
}

/// Whether a line names an image: with a tag or a digest, or as a word of its own. `github.com/allegroai/clearml` is none.
fn names_image(line: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_one = |(at, image): (usize, &str)| {
        let (before, behind) = (&line[..at], &line[at + image.len()..]);
        let is_tagged = behind.starts_with([':', '@']) && !behind.starts_with("://");
        let is_whole = !before.ends_with('/') && !behind.starts_with(is_name);
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
        ] {
            assert_eq!(starts_server(name, text), is_one, "{name}: {text}");
        }
    }
}
