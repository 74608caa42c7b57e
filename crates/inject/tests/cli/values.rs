//! Values in every form that a file has them in, and those that are refused.

use super::*;

#[test]
fn a_value_over_several_lines_is_replaced_where_its_lines_move() {
    let shared = fixtures().join("shapes/anchor-block-scalars.yml");
    let output = inject().arg(&shared).write_stdin(keys()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("apiserver: 8 added, 4 replaced"),
        "{stderr}"
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains("to-be-replaced\n"), "{stdout}");
    assert!(
        stdout.contains("\n        BANNER: |2+\n            indented,"),
        "{stdout}"
    );
}

#[test]
fn a_value_that_hocon_would_change_is_put_in_its_quotes() {
    let folder = stock();
    let odd = "06d-xy$z#half,and{more}Zq8wVxY3rT6uPn1mKj5hGf4d";
    let mut json = String::from("{\"version\": 1, \"settings\": {");
    for line in keys().lines() {
        let (name, value) = line.split_once('=').unwrap();
        let path = name
            .trim_start_matches("CLEARML__")
            .to_lowercase()
            .replace("__", ".");
        let value = if path == "secure.auth.token_secret" {
            odd
        } else {
            value
        };
        json.push_str(&format!("\"{path}\": \"{value}\","));
    }
    json.pop();
    json.push_str("}, \"users\": []}");
    fs::write(folder.path().join("keys.json"), json).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.json", "docker-compose.yml"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains(&format!("'\"{}\"'", odd.replace('$', "$$"))),
        "{stdout}"
    );
}

#[test]
fn what_is_shared_is_refused_with_the_place_or_kept_for_the_others() {
    let (code, stdout, stderr) = run(
        &fixtures(),
        &["-k", "/dev/null", "shapes/value-anchored.yml"],
    );
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    let shared = fixtures().join("shapes/value-anchored.yml");
    let output = inject().arg(&shared).write_stdin(keys()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("value-anchored.yml:17:13") && stderr.contains("help:"),
        "{stderr}"
    );
}

#[test]
fn a_number_of_any_size_is_no_obstacle() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    for number in ["123456789012345678901234567890", "-9223372036854775809"] {
        let name = format!("A: {number}\n      CLEARML_REDIS_SERVICE_PORT:");
        let text = before.replacen("CLEARML_REDIS_SERVICE_PORT:", &name, 1);
        assert_ne!(text, before);
        fs::write(folder.path().join("numbers.yml"), text).unwrap();
        let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "numbers.yml"]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains(number), "{stdout}");
    }
}

#[test]
fn a_comment_above_a_value_is_no_block_scalar() {
    let folder = stock();
    let before = read(folder.path(), "docker-compose.yml");
    let name = "CLEARML__SECURE__AUTH__TOKEN_SECRET: old\n      CLEARML_REDIS_SERVICE_PORT:";
    for above in ["# see below >", "A: this |"] {
        let text = before.replacen(
            "CLEARML_REDIS_SERVICE_PORT:",
            &format!("{above}\n      {name}"),
            1,
        );
        fs::write(folder.path().join("above.yml"), text).unwrap();
        let (code, stdout, stderr) = run(folder.path(), &["-k", "keys.env", "above.yml"]);
        assert_eq!(code, 0, "{stderr}");
        let lines = format!("{above}\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: MARKED01");
        assert!(stdout.contains(&lines), "{stdout}");
    }
}

#[test]
fn quotes_of_hocon_around_a_name_of_the_env_file_are_no_quotes_of_yaml() {
    let folder = stock();
    let name = r#"CLEARML__SECURE__AUTH__TOKEN_SECRET: '"${TOKEN}"'"#;
    let text = read(folder.path(), "docker-compose.yml").replacen(
        "CLEARML_REDIS_SERVICE_PORT:",
        &format!("{name}\n      CLEARML_REDIS_SERVICE_PORT:"),
        1,
    );
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    fs::write(folder.path().join(".env"), "TOKEN=old\n").unwrap();
    let options = ["-k", "keys.env", "--env-file", ".env", "docker-compose.yml"];
    let (code, _, stderr) = run(folder.path(), &[&options[..], &["-i"]].concat());
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = run(folder.path(), &[&options[..], &["--check"]].concat());
    assert_eq!(code, 0, "{stderr}");
}

/// After the values went to an env file, the usual command must not put them into the compose file.
#[test]
fn a_reference_to_an_env_file_stays_one_unless_a_value_is_meant() {
    let folder = stock();
    let path = folder.path();
    let (code, _, stderr) = run(
        path,
        &[
            "-k",
            "keys.env",
            "--env-file",
            ".env",
            "-i",
            "docker-compose.yml",
        ],
    );
    assert_eq!(code, 0, "{stderr}");
    let compose = read(path, "docker-compose.yml");
    fs::write(path.join("new.env"), keys().replace("MARKED", "OTHERS")).unwrap();
    let again = ["-k", "new.env", "-i", "docker-compose.yml"];
    let (code, _, stderr) = run(path, &again);
    assert_eq!(code, 2);
    assert!(stderr.contains(".env:"), "{stderr}");
    assert!(stderr.contains("add --env-file .env"), "{stderr}");
    assert_eq!(read(path, "docker-compose.yml"), compose);
    // The keys in use are where they belong.
    assert_eq!(
        run(path, &["-k", "keys.env", "-i", "docker-compose.yml"]).0,
        0
    );
    assert_eq!(read(path, "docker-compose.yml"), compose);
    let (code, _, stderr) = run(path, &[&again[..], &["--literal"]].concat());
    assert_eq!(code, 0, "{stderr}");
    assert!(read(path, "docker-compose.yml").contains("OTHERS"));
}

#[test]
fn values_that_protect_nothing_are_refused_unless_they_are_meant() {
    let folder = stock();
    let path = folder.path();
    let changed = |name: &str, value: &str| {
        let lines = keys();
        let lines = lines.lines().map(|line| match line.split_once('=') {
            Some((one, _)) if one == name => format!("{one}={value}\n"),
            _ => format!("{line}\n"),
        });
        lines.collect::<String>()
    };
    let token = "CLEARML__SECURE__AUTH__TOKEN_SECRET";
    let session = "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER";
    let twice = keys();
    let twice = twice
        .lines()
        .find_map(|line| line.strip_prefix(session))
        .unwrap();
    for (value, reason) in [
        (
            "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA",
            "(public)",
        ),
        ("<new-secret-string>", "placeholder"),
        ("a1B2c3", "(too short)"),
        (&twice[1..], "(the same value more than once)"),
    ] {
        fs::write(path.join("weak.env"), changed(token, value)).unwrap();
        let (code, stdout, stderr) = run(path, &["-k", "weak.env", "docker-compose.yml"]);
        assert_eq!((code, stdout.is_empty()), (2, true), "{value}: {stderr}");
        assert!(
            stderr.contains(reason) && !stderr.contains(value),
            "{value}: {stderr}"
        );
        assert!(stderr.contains("--only token_secret"), "{value}: {stderr}");
        let (code, ..) = run(
            path,
            &["-k", "weak.env", "--allow-weak", "docker-compose.yml"],
        );
        assert_eq!(code, 0, "{value}");
    }
}
