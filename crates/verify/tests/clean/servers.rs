//! Which containers are servers, and of which version.

use super::*;

#[test]
fn servers_of_unknown_images_are_seen() {
    let fileserver = "image: clearml/server:2.3.0\n    command: fileserver";
    // A version that nobody can tell is not taken for a new one, nor an image of another name for ClearML's.
    for (image, code, unknown) in [
        (
            "image: mycorp/ml:2\n    command: fileserver",
            2,
            &["unknown", "unknown"][..],
        ),
        (
            "image: \"${IMAGE:?}\"\n    command: [fileserver]",
            2,
            &["unknown"],
        ),
        (
            "image: registry.example.com/clearml-fileserver:2.3.0",
            2,
            &["unknown"],
        ),
        (
            "build: .\n    entrypoint: [sh, -c, 'wait-for apiserver 8008 && exec fileserver']",
            2,
            &["unknown"],
        ),
    ] {
        change(image, fileserver, image, code, unknown);
        let bare = good().replacen(fileserver, image, 1).replace(
            "    environment:\n      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY: YEWU1RFC048TTP08KFTT6OL1YXM13B\n      \
             CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET: pag1xYKiuMw7TpHD8BHbNdZU0NYJ2gClNbc7Hrd0APsmYaUSRCsllZ\n",
            "",
        );
        let (_, said, heard) = said(&[("docker-compose.yml", &bare)]);
        // What a build that is not here sets is no fact.
        let is_said = said.contains(&"split-credential error".to_owned());
        assert_eq!(
            is_said,
            !image.starts_with("build"),
            "{image}: {said:?} {heard}"
        );
    }
    let named = good();
    let (before, _) = named.split_once("  fileserver:\n").unwrap();
    let named = format!("{before}  fileserver:\n    image: mycorp/ml:2\n");
    expect(
        "only named",
        &[("docker-compose.yml", &named)],
        2,
        &["unknown"],
    );
    let web = "services:\n  web:\n    image: clearml/server:2.3.0\n    command: webserver\n";
    expect(
        "only a web server",
        &[("docker-compose.yml", web)],
        2,
        &["unknown"],
    );
}

#[test]
fn other_software_is_left_alone() {
    let more = "services:\n  redis:\n    image: redis:7\n    env_file: [absent.env]\n    environment:\n      CLEARML_REDIS_SERVICE_HOST: x\n";
    change("third parties", "services:\n", more, 0, &[]);
    change(
        "a file server of another kind beside ours",
        "services:\n",
        "services:\n  static:\n    image: nginx:1\n    container_name: fileserver2\n",
        0,
        &[],
    );
}

#[test]
fn every_replica_and_every_version_counts() {
    let second = good()
        .replace("services:\n", "services:\n  api2:\n    image: clearml/server:2.3.0\n    command: apiserver\n    environment: {}\n");
    let (_, said, heard) = said(&[("docker-compose.yml", &second)]);
    assert_eq!(
        said.iter()
            .filter(|one| *one == "missing-setting error")
            .count(),
        10,
        "{heard}"
    );
    assert!(heard.contains("(service api2)"), "{heard}");
    let silenced = second
        .replace(
            "  api2:\n",
            "  # clearml-verify: ignore[missing-setting] tried\n  api2:\n",
        )
        .replace(&format!("      {TOKEN}\n"), "");
    let (_, said, heard) = self::said(&[("docker-compose.yml", &silenced)]);
    assert_eq!(
        said.iter()
            .filter(|one| *one == "missing-setting error")
            .count(),
        1,
        "{heard}"
    );
    let agent = "      CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_KEY: S3C4BHOQMAZ4FTV82HNLNH61QX7M0U\n      CLEARML__SECURE__CREDENTIALS__SERVICES_AGENT__USER_SECRET: Me57l9JuO4iIhOvqiZnCxh1Gd1CJoWD6W7vjmqz6mYjWc7izH9DsTN\n";
    let bare = good().replace(agent, "");
    for (tag, code, expected) in [
        (":2.3.0", 0, &[][..]),
        (
            ":latest",
            0,
            &["floating-image note", "floating-image note"],
        ),
        (":prod", 2, &["unknown"]),
        (
            "@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            2,
            &["unknown"],
        ),
    ] {
        expect(
            tag,
            &[(
                "docker-compose.yml",
                &bare.replace("server:2.3.0", &format!("server{tag}")),
            )],
            code,
            expected,
        );
    }
}

/// A restart replaces the old pairs on every version (docs/clearml.md#a-restart-replaces-credentials), so an API server
/// before 1.15 with keys of its own is no finding.
#[test]
fn an_old_api_server_with_keys_of_its_own_is_clean() {
    let old = good().replacen(
        "image: clearml/server:2.3.0\n    command: apiserver",
        "image: allegroai/clearml:1.14.2\n    command: apiserver",
        1,
    );
    // It has no such account, so that these lines make one without a role.
    let of_newer = "      CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_";
    let expected = ["broken-account error"];
    expect(
        "an account of a newer one",
        &[("docker-compose.yml", &old)],
        1,
        &expected,
    );
    let mut left = 2;
    let lines = old.lines().filter(|line| {
        let is_of_newer = left > 0 && line.starts_with(of_newer);
        left -= i32::from(is_of_newer);
        !is_of_newer
    });
    let text: Vec<&str> = lines.collect();
    let text = text.join("\n") + "\n";
    expect(
        "an old API server",
        &[("docker-compose.yml", &text)],
        0,
        &[],
    );
}
