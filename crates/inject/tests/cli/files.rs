//! What is written where: in place, backups, other files, and what lies beside them.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn in_place_keeps_mode_link_and_backup() {
    let folder = stock();
    let path = |name: &str| folder.path().join(name);
    let before = read(folder.path(), "docker-compose.yml");
    fs::set_permissions(
        path("docker-compose.yml"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    symlink("docker-compose.yml", path("link.yml")).unwrap();
    fs::hard_link(path("docker-compose.yml"), path("second-name.yml")).unwrap();
    let (code, stdout, stderr) = run(
        folder.path(),
        &["-k", "keys.env", "-i", "--backup", ".orig", "link.yml"],
    );
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    assert!(
        stderr.contains("mode 0640") && stderr.contains("hard links"),
        "{stderr}"
    );
    assert!(fs::symlink_metadata(path("link.yml")).unwrap().is_symlink());
    assert!(read(folder.path(), "docker-compose.yml").contains("MARKED11"));
    assert_eq!(
        fs::metadata(path("docker-compose.yml"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o640
    );
    assert_eq!(read(folder.path(), "link.yml.orig"), before);
    let (code, _, _) = run(folder.path(), &["-k", "keys.env", "-i", "link.yml"]);
    assert_eq!(code, 0);
}

#[test]
fn in_place_sees_the_override_that_compose_would_merge() {
    let folder = stock();
    let over = "services:\n  apiserver:\n    environment:\n      CLEARML__secure__auth__token_secret: other\n";
    fs::write(folder.path().join("docker-compose.override.yml"), over).unwrap();
    let before = read(folder.path(), "docker-compose.yml");
    let (code, _, stderr) = run(
        folder.path(),
        &["-k", "keys.env", "-i", "docker-compose.yml"],
    );
    assert_eq!(code, 2);
    assert!(
        stderr.contains("docker-compose.override.yml:4:"),
        "{stderr}"
    );
    assert_eq!(read(folder.path(), "docker-compose.yml"), before);
}

#[test]
fn a_check_sees_the_override_that_compose_would_merge() {
    let folder = stock();
    let keys = ["-k", "keys.env"];
    let file = ["docker-compose.yml"];
    let (code, _, _) = run(folder.path(), &[&keys[..], &["-i"], &file].concat());
    assert_eq!(code, 0);
    let over = "services:\n  apiserver:\n    environment:\n      CLEARML__secure__auth__token_secret: other\n";
    fs::write(folder.path().join("docker-compose.override.yml"), over).unwrap();
    for mode in ["--check", "--diff", "-i"] {
        let (code, _, stderr) = run(folder.path(), &[&keys[..], &[mode], &file].concat());
        assert_eq!(code, 2, "{mode}");
        assert!(
            stderr.contains("docker-compose.override.yml:4:"),
            "{stderr}"
        );
    }
}

#[test]
fn a_file_that_is_merged_is_not_written_over() {
    let folder = stock();
    let options = ["-k", "keys.env", "--override", "-o", "over.yml"];
    let file = ["docker-compose.yml"];
    let (code, _, _) = run(folder.path(), &[&options[..], &file].concat());
    assert_eq!(code, 0);
    let before = read(folder.path(), "over.yml");
    let again = ["--merge", "./over.yml", "--force"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &again, &file].concat());
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(read(folder.path(), "over.yml"), before);
}

/// Each would be lost, and what was proved with it would hold no longer.
#[test]
fn an_input_is_not_written_over() {
    let over = "services:\n  redis:\n    ports: !reset []\n";
    for (output, option) in [
        ("docker-compose.override.yml", None),
        ("docker-compose.override.yml", Some("--override")),
        ("docker-compose.yml", Some("--override")),
        ("keys.env", None),
        ("keys.env", Some("--override")),
    ] {
        let folder = stock();
        let path = folder.path();
        fs::write(path.join("docker-compose.override.yml"), over).unwrap();
        let before = read(path, output);
        let mut words = vec!["-k", "keys.env", "-o", output, "--force"];
        words.extend(option);
        words.push("docker-compose.yml");
        let (code, _, stderr) = run(path, &words);
        assert_eq!(code, 2, "{output}: {stderr}");
        assert!(
            stderr.contains(&format!("--output cannot be {output}")),
            "{stderr}"
        );
        assert_eq!(read(path, output), before, "{output}");
    }
    // The compose file may be replaced by its edited text.
    let folder = stock();
    let words = ["-k", "keys.env", "-o", "docker-compose.yml", "--force"];
    let words = [&words[..], &["docker-compose.yml"]].concat();
    assert_eq!(run(folder.path(), &words).0, 0);
}

#[test]
fn a_backup_has_a_suffix() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let options = ["-k", "keys.env", "-i", "--backup", "", "docker-compose.yml"];
    let (code, _, _) = run(folder.path(), &options);
    assert_eq!(code, 2);
    assert_eq!(read(folder.path(), "docker-compose.yml"), before);
}

#[test]
fn a_backup_is_not_overwritten() {
    let folder = stock();
    fs::write(folder.path().join("docker-compose.yml.orig"), "mine").unwrap();
    let (code, _, stderr) = run(
        folder.path(),
        &[
            "-k",
            "keys.env",
            "-i",
            "--backup",
            ".orig",
            "docker-compose.yml",
        ],
    );
    assert_eq!(code, 2);
    assert!(stderr.contains("suffix"), "{stderr}");
    assert_eq!(read(folder.path(), "docker-compose.yml.orig"), "mine");
    assert!(!read(folder.path(), "docker-compose.yml").contains("MARKED"));
}

#[test]
fn output_is_private_and_not_overwritten() {
    let folder = stock();
    let arguments = ["-k", "keys.env", "-o", "out.yml", "docker-compose.yml"];
    assert_eq!(run(folder.path(), &arguments).0, 0);
    let mode = fs::metadata(folder.path().join("out.yml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, stderr) = run(folder.path(), &arguments);
    assert_eq!(code, 2);
    assert!(stderr.contains("--force"), "{stderr}");
    let (code, _, _) = run(
        folder.path(),
        &[
            "--force",
            "-k",
            "keys.env",
            "-o",
            "out.yml",
            "docker-compose.yml",
        ],
    );
    assert_eq!(code, 0);
}

#[test]
fn a_file_on_standard_output_that_others_can_read_is_said() {
    let folder = stock();
    let path = folder.path();
    for (mode, is_said) in [(0o644, true), (0o600, false)] {
        let out = fs::File::create(path.join("out.yml")).unwrap();
        out.set_permissions(fs::Permissions::from_mode(mode))
            .unwrap();
        // What the tests usually run it with takes standard output for itself.
        let done = std::process::Command::new(inject().get_program())
            .args(["-k", "keys.env", "docker-compose.yml"])
            .current_dir(path)
            .stdout(out)
            .output()
            .unwrap();
        let stderr = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{stderr}");
        assert_eq!(
            stderr.contains("(mode 0644). Use `-o FILE`, not `>`"),
            is_said,
            "{stderr}"
        );
    }
}

/// An override file alone is no deployment: what reads the keys is in the file that it changes.
#[test]
fn an_override_alone_is_refused_with_the_command_that_takes_both() {
    let folder = stock();
    fs::create_dir(folder.path().join("sub")).unwrap();
    let over = "services:\n  fileserver:\n    environment:\n      CLEARML_X: y\n";
    fs::write(folder.path().join("sub/over.yml"), over).unwrap();
    for arguments in [
        &["-i", "sub/over.yml"][..],
        &["--override", "sub/over.yml"],
        &["--check", "sub/over.yml"],
    ] {
        let arguments = [&["-k", "keys.env"], arguments].concat();
        let (code, stdout, stderr) = run(folder.path(), &arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.contains("sub/over.yml:2:3: this override file"),
            "{stderr}"
        );
        let command = "clearml-inject -k keys.env --merge sub/over.yml -i docker-compose.yml";
        assert!(stderr.contains(command), "{stderr}");
        assert_eq!(read(folder.path(), "sub/over.yml"), over);
    }
    // The one beside it comes first, and where there is none nobody guesses.
    fs::rename(
        folder.path().join("docker-compose.yml"),
        folder.path().join("sub/compose.yml"),
    )
    .unwrap();
    let (_, _, stderr) = run(folder.path(), &["-k", "keys.env", "sub/over.yml"]);
    assert!(
        stderr.contains("--merge sub/over.yml -i sub/compose.yml"),
        "{stderr}"
    );
    fs::rename(
        folder.path().join("sub/compose.yml"),
        folder.path().join("stack.yml"),
    )
    .unwrap();
    let (_, _, stderr) = run(folder.path(), &["-k", "keys.env", "sub/over.yml"]);
    assert!(stderr.contains("--merge sub/over.yml -i BASE"), "{stderr}");
    // The command works, and what it prints names both.
    let both = [
        "-k",
        "keys.env",
        "--merge",
        "sub/over.yml",
        "-i",
        "stack.yml",
    ];
    let (code, _, stderr) = run(folder.path(), &both);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stderr.contains("docker compose -f stack.yml -f sub/over.yml up -d"),
        "{stderr}"
    );
}
