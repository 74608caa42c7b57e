//! What of a folder a build is given, against BuildKit: generated `.dockerignore` files, each of an image made from nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use clearml_secure_core::dockerignore::{BuildContext, Patterns};
use clearml_secure_core::knowable::Knowable;

use crate::oracles::number;
use crate::random::Random;

const FILES: [&str; 12] = [
    ".hidden",
    "a",
    "a.conf",
    "b+c.conf",
    "conf/a.conf",
    "conf/b.conf",
    "conf/sub/a.conf",
    "conf/sub/deep/a.conf",
    "conf.d/a.conf",
    "deep/conf/a.conf",
    "deep/conf/[x].conf",
    "x y/é.conf",
];
const IMAGES: u64 = 24;

fn pattern(random: &mut Random) -> String {
    const PARTS: [&str; 22] = [
        "*",
        "**",
        "**",
        "?",
        "a",
        "a.conf",
        "a*",
        "*.conf",
        "**.conf",
        "b+c.conf",
        "c?nf",
        "conf",
        "conf",
        "conf.d",
        "deep",
        "sub",
        "su[a-c]",
        "[^a].conf",
        "é.conf",
        "x y",
        "..",
        "\\[x\\].conf",
    ];
    let count = random.below(3) + 1;
    let parts: Vec<&str> = (0..count).map(|_| random.pick(&PARTS)).collect();
    let start = random.pick(&["", "", "", "/", "./", "//", " "]);
    let end = random.pick(&["", "", "", "/", "/.", " ", "\r", "/**"]);
    let is_exception = random.below(3) == 0;
    format!(
        "{}{start}{}{end}",
        if is_exception {
            random.pick(&["!", "! "])
        } else {
            ""
        },
        parts.join("/")
    )
}

fn file(random: &mut Random) -> String {
    let mut lines = Vec::new();
    if random.below(2) == 0 {
        lines.push(random.pick(&["*", "conf", "**", "**/conf"]).to_string());
    }
    for _ in 0..random.below(4) + 1 {
        lines.push(match random.below(10) {
            0 => random
                .pick(&["", "# *", " # *", ".", "/", "**/a.conf"])
                .to_string(),
            _ => pattern(random),
        });
    }
    // The one of these that docker refuses.
    lines.retain(|line| Patterns::read(line).known().is_some());
    lines.join("\n")
}

/// Builds the image of a service.
fn build(compose: &Path, folder: &Path, service: &str) {
    let attempt = || {
        let mut command = Command::new(compose);
        command.args(["build", "--quiet", service]);
        command.env("HOME", folder).current_dir(folder);
        command.output().unwrap()
    };
    let mut done = attempt();
    // An engine that is busy loses what it builds: "no such job".
    for _ in 0..4 {
        if !done.status.success() {
            done = attempt();
        }
    }
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{service}: {said}");
}

/// The files of an image.
fn files(image: &str, folder: &Path) -> BTreeSet<String> {
    let run = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).output().unwrap();
        assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let container = run("docker", &["create", image, "nothing"]);
    let container = container.trim();
    let tar = folder.join("image.tar");
    let tar = tar.to_str().unwrap();
    run("docker", &["export", "-o", tar, container]);
    run("docker", &["rm", container]);
    run("docker", &["rmi", image]);
    let listed = run("tar", &["--quoting-style=literal", "-tf", tar]);
    let below = listed.lines().filter_map(|path| path.strip_prefix("all/"));
    below
        .filter(|path| FILES.contains(path))
        .map(str::to_owned)
        .collect()
}

#[test]
fn builds_are_given_what_docker_gives_them() {
    let compose = crate::oracles::docker_compose();
    let Some(compose) = compose.filter(|_| crate::oracles::docker_engine()) else {
        crate::oracles::skip(
            "what .dockerignore leaves out, against BuildKit: no Docker engine, or no Docker Compose",
        );
        return;
    };
    let mut random = Random::new(number("CLEARML_SECURE_SEED", 20_261_127));
    let folder = tempfile::tempdir().unwrap();
    let context = folder.path().join("context");
    for name in FILES {
        let path = context.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    let name = |at: usize| format!("clearml-secure-ignored-{}-{at}", std::process::id());
    let mut project = String::from("services:\n");
    let texts: Vec<String> = (0..IMAGES * number("CLEARML_SECURE_FUZZ", 1))
        .map(|_| file(&mut random))
        .collect();
    for (at, text) in texts.iter().enumerate() {
        let dockerfile = folder.path().join(format!("{at}.Dockerfile"));
        // What is empty otherwise would be refused.
        fs::write(dockerfile, "FROM scratch\nCOPY . /all\n").unwrap();
        fs::write(
            folder.path().join(format!("{at}.Dockerfile.dockerignore")),
            text,
        )
        .unwrap();
        project += &format!(
            "  s{at}: {{image: {}, build: {{context: context, dockerfile: ../{at}.Dockerfile}}}}\n",
            name(at)
        );
    }
    fs::write(folder.path().join("compose.yml"), project).unwrap();
    let mut wrong = Vec::new();
    let mut left_out = 0;
    for (at, text) in texts.iter().enumerate() {
        build(&compose, folder.path(), &format!("s{at}"));
        let theirs = files(&name(at), folder.path());
        let ours = BuildContext {
            folder: context.clone(),
            ignored: Patterns::read(text),
        };
        for file in FILES {
            let has = theirs.contains(file);
            left_out += usize::from(!has);
            if ours.has(&context.join(file)) != Knowable::Known(has) {
                wrong.push(format!(
                    "{text:?}: {file}: docker {has}, {:?}",
                    ours.has(&context.join(file))
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        (texts.len()..texts.len() * FILES.len()).contains(&left_out),
        "{left_out}"
    );
}
