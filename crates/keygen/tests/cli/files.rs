//! Files that it writes, and what keeps it from writing them.

use super::*;

#[test]
fn a_file_is_private_and_never_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.env");
    let name = path.to_str().unwrap();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;

    let first = run(&["-o", name]);
    assert_eq!((first.status, first.stdout.as_str()), (Some(0), ""));
    assert_eq!(
        first.stderr,
        format!("clearml-keygen: wrote {name} (mode 0600): 12 settings\n")
    );
    assert_eq!(mode(), 0o600);
    let before = fs::read_to_string(&path).unwrap();

    assert_eq!(
        run(&["-o", name]).refused(),
        format!(
            "clearml-keygen: {name}: exists\n  help: name another file, or add --force to overwrite it. With --force, its values are kept only if you add --from {name}\n"
        )
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    // No passwords are told of that are of no keyset.
    let passwords = path.with_file_name("logins.txt");
    let told = passwords.to_str().unwrap();
    let said = run(&[
        "--from",
        name,
        "--user",
        "jane",
        "--passwords",
        told,
        "-o",
        name,
    ])
    .refused();
    assert!(!said.contains("wrote"), "{said}");
    assert!(!passwords.exists());

    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    run(&["-q", "-o", name, "--force"]).product();
    assert_eq!(mode(), 0o600);
    let after = fs::read_to_string(&path).unwrap();
    assert_ne!(after, before);

    // The file itself may be what is read, and is whole at any moment.
    run(&["-q", "--from", name, "-o", name, "--force", "-f", "json"]).product();
    let json = fs::read_to_string(&path).unwrap();
    assert_eq!(run(&["--from", name]).product(), after);
    assert!(json.starts_with('{'));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn passwords_that_are_there_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logins.txt");
    fs::write(&path, "before").unwrap();
    let keys = folder.path().join("keys.env");
    let (name, keys) = (path.to_str().unwrap(), keys.to_str().unwrap());
    let user = ["--user", "jane", "--passwords", name, "-o", keys, "--force"];
    let said = run(&user).refused();
    assert!(
        said.contains("--force does not overwrite passwords"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
}

#[test]
fn passwords_are_not_replaced_by_the_keyset() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.env");
    let name = path.to_str().unwrap();
    let user = ["--user", "jane", "--passwords", name, "-o", name, "--force"];
    let refused = run(&user).refused();
    assert!(
        refused.contains("the keyset and the passwords cannot go to one file"),
        "{refused}"
    );
    assert!(!path.exists());
}

/// The passwords in it may be nowhere else.
#[test]
fn users_are_not_replaced_by_the_keyset() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.txt");
    fs::write(&path, "jane:kjsdhf73hfKJ3hf\n").unwrap();
    let name = path.to_str().unwrap();
    let refused = run(&["--users-from", name, "-o", name, "--force"]).refused();
    assert!(
        refused.contains("the keyset and the passwords cannot go to one file"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "jane:kjsdhf73hfKJ3hf\n");
}

/// Without users anyone can log in to the web page, and an empty file is a mistake.
#[test]
fn a_file_without_users_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.txt");
    for text in ["", "\n# name:password\n"] {
        fs::write(&path, text).unwrap();
        let refused = run(&["--users-from", path.to_str().unwrap()]).refused();
        assert!(
            refused.contains("there is no user in it"),
            "{text:?}: {refused}"
        );
    }
}

#[test]
fn a_folder_is_no_file_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    for words in [&["-o", name][..], &["-o", name, "--force"]] {
        let refused = run(words).refused();
        assert!(refused.contains("is a folder, not a file"), "{refused}");
        assert!(!refused.contains("--force"), "{refused}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/keys.env");
    let refused = run(&["-o", missing.to_str().unwrap()]).refused();
    assert!(refused.contains("cannot be written"), "{refused}");
    assert!(!refused.contains("exists"), "{refused}");
    let refused = run(&["-o", folder.path().to_str().unwrap(), "--force"]).refused();
    assert!(refused.contains("is a folder, not a file"), "{refused}");
    let refused = run(&["-o", "/dev/full", "--force"]).refused();
    assert_eq!(
        refused,
        "clearml-keygen: /dev/full: cannot be written: the disk is full\n  help: free some space on the disk\n"
    );
}

#[test]
fn what_is_no_file_keeps_its_mode_and_a_link_to_nothing_is_said() {
    let done = run(&["-o", "/dev/null", "--force"]);
    assert_eq!(
        done.stderr,
        "clearml-keygen: wrote /dev/null: 12 settings\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("keys.env");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    let name = link.to_str().unwrap();
    let refused = run(&["-o", name, "--force"]).refused();
    assert_eq!(
        refused,
        format!(
            "clearml-keygen: {name}: is a link to a file that does not exist\n  help: name the file itself\n"
        )
    );
}

#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_none() {
    for arguments in [&[][..], &["--help"], &["-h"], &["--version"], &["-V"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "clearml-keygen: standard output cannot be written: the disk is full\n"
        );

        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = command(arguments).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    }

    // Nobody listening on standard error either.
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let status = command(&["--from", "/nowhere"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn another_format_in_place_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let path = path.to_str().unwrap();
    run(&["-q", "-f", "json", "-o", path]);
    let done = run(&["-f", "json", "--from", path, "-o", path, "--force"]);
    assert!(!done.stderr.contains("keeps the format"), "{}", done.stderr);
    let done = run(&["--from", path, "-o", path, "--force"]);
    let said = format!("warning: {path}: it is json, and will be env; -f json keeps the format");
    assert!(
        done.status == Some(0) && done.stderr.contains(&said),
        "{}",
        done.stderr
    );
}

#[test]
fn a_dash_is_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut keygen = command(&["-o", "-"]);
    keygen.current_dir(folder.path());
    assert!(finish(keygen, "").product().contains("TOKEN_SECRET="));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// What is written to a pipe overwrites nothing.
#[test]
fn a_pipe_needs_no_force() {
    assert!(
        run(&["-q", "-o", "/dev/stdout"])
            .product()
            .contains("CLEARML__")
    );
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let path = pipe.clone();
    let reader = std::thread::spawn(move || fs::read_to_string(path).unwrap());
    run(&["-q", "-o", pipe.to_str().unwrap()]).product();
    assert!(reader.join().unwrap().contains("CLEARML__"));
    // Passwords of no keyset are removed; a pipe that they went to stays.
    let path = pipe.clone();
    let reader = std::thread::spawn(move || fs::read_to_string(path).unwrap());
    let nowhere = folder.path().join("no/keys.env");
    let args = ["-q", "--user", "jane", "--passwords"];
    let mut command = command(&args);
    command.arg(&pipe).arg("-o").arg(nowhere);
    finish(command, "").refused();
    assert!(reader.join().unwrap().starts_with("jane:"));
    assert!(pipe.exists());
}

#[test]
fn a_folder_that_is_a_file_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    fs::write(&file, "").unwrap();
    let below = file.join("a/keys.env");
    let refused = run(&["-o", below.to_str().unwrap()]).refused();
    let help = format!("\n  help: {} is a file: name a folder", file.display());
    assert!(refused.contains(&help), "{refused}");
}

/// A keyset that went nowhere must not pass for one that was written; `>/dev/null` throws it away on purpose.
#[test]
fn a_closed_standard_output_takes_no_keyset() {
    let folder = tempfile::tempdir().unwrap();
    let passwords = folder.path().join("logins");
    let shell = |redirection: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec \"$@\" {redirection}"), "sh"]);
        command.arg(env!("CARGO_BIN_EXE_clearml-keygen"));
        command.args(["-q", "--user", "jane", "--passwords"]);
        command.arg(&passwords).current_dir(folder.path());
        finish(command, "")
    };
    let refused = shell(">&-").refused();
    assert_eq!(
        refused,
        "clearml-keygen: standard output cannot be written: it is closed, or thrown away\n"
    );
    assert!(!passwords.exists());
    assert_eq!(shell(">/dev/null").product(), "");
    assert!(passwords.exists());
}

/// `--force` replaces a keyset. What else is in a file is nowhere else.
#[test]
fn force_replaces_a_keyset_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let name = path.to_str().unwrap();
    let keyset = run(&["-q"]).product();
    let secure = run(&["-q", "-f", "hocon"]).product();
    for (text, said) in [
        (
            format!("CLEARML_HOST_IP=10.0.0.1\n{keyset}"),
            "the other lines of this file would be lost",
        ),
        (
            format!("{secure}\nmongo.x: 1\n"),
            "the other lines of this file would be lost",
        ),
        (
            "services:\n  a: {image: x}\n".to_owned(),
            "this is a compose file or values of the chart",
        ),
        (
            "apiserver: {}\nfileserver: {}\n".to_owned(),
            "this is a compose file or values of the chart",
        ),
    ] {
        fs::write(&path, &text).unwrap();
        for words in [
            &["-o", name][..],
            &["-o", name, "--force"],
            &["-f", "json", "-o", name, "--force"],
        ] {
            let refused = run(words).refused();
            assert!(refused.contains(said), "{refused}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
    // These lines stay.
    fs::write(&path, format!("{secure}\nmongo.x: 1\n")).unwrap();
    run(&[
        "-q", "--from", name, "-f", "hocon", "--only", "tests", "-o", name, "--force",
    ])
    .product();
    assert!(fs::read_to_string(&path).unwrap().ends_with("mongo.x: 1\n"));
}

/// In whatever way it is written.
#[test]
fn force_replaces_no_deployment_and_all_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let name = path.to_str().unwrap();
    const DEPLOYMENT: &str = "this is a compose file or values of the chart";
    for text in [
        r#"{"services": {"a": {"image": "x"}}}"#,
        "services: {a: {image: x}}\n",
        "services: # mine\n  a: {image: x}\n",
        "\"services\":\n  a: {image: x}\n",
        "'services' :\n  a: {image: x}\n",
        "\u{feff}services:\n  a: {image: x}\n",
        "version: '3'\nservices: {}\n",
        "---\ninclude: [a.yml]\n",
        "include:\n  - a.yml\n",
        r#"{"apiserver": {}, "fileserver": {}}"#,
        "\"apiserver\": {}\nclearml : {}\n",
        "services:\n\ta: {{ no yaml }}\n",
    ] {
        fs::write(&path, text).unwrap();
        for words in [
            &["-o", name][..],
            &["-o", name, "--force"],
            &["-f", "jsonl", "--count", "2", "-o", name, "--force"],
            &["-f", "helm", "-o", name, "--force"],
        ] {
            let refused = run(words).refused();
            assert!(refused.contains(DEPLOYMENT), "{text}: {refused}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
    // Nobody can tell what this is.
    fs::write(&path, b"\xff\xfes\0e\0").unwrap();
    let refused = run(&["-o", name, "--force"]).refused();
    assert!(refused.contains("not UTF-8"), "{refused}");
    // What holds no keys is replaced as it is asked for, and so is any keyset, and several.
    let others = [
        "",
        "notes of mine\n",
        "a: [\n",
        "version: '3'\nvolumes: {}\n",
    ];
    let formats = [
        "env",
        "hocon",
        "json",
        "jsonl",
        "kubernetes",
        "toml",
        "yaml",
    ];
    let keysets = formats.map(|format| run(&["-q", "-f", format]).product());
    let several = ["-q", "-f", "jsonl", "--count", "2", "-o", name, "--force"];
    for text in others.into_iter().chain(keysets.iter().map(|text| &**text)) {
        for words in [&["-q", "-o", name, "--force"][..], &several] {
            fs::write(&path, text).unwrap();
            run(words).product();
            assert_ne!(fs::read_to_string(&path).unwrap(), text);
        }
    }
    run(&several).product();
}
