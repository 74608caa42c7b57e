//! An `apiserver.conf` that a person wrote, and users that come, go and change in it.

use super::*;

/// An `apiserver.conf` that a person wrote, with a user whose hash this is.
const ANN: &str =
    "JDJiJDE2JE45cW84dUxPaWNrZ3gyWk1SWm9NeWVJalpBZ2NmbDdwOTJsZEd4YWQ2OExKWmRMMTdsaFd5";

fn by_hand() -> String {
    format!(
        "# ours\nauth {{\n  cookies {{ secure: true }} # https\n  fixed_users {{\n    enabled: true\n    \
         pass_hashed: true\n    users: [\n      # since May\n      {{ username: \"ann\", password: \"{ANN}\", \
         name: \"Ann\", company: x }}\n    ]\n  }}\n}}\nlisten.port: 8008"
    )
}

#[test]
fn users_of_an_apiserver_conf_by_hand_are_kept() {
    let folder = Folder::new(&[("apiserver.conf", &by_hand())]);
    folder.keygen("-q -f hocon -o secure.conf").exit(0);
    let done = folder.keygen(&format!("{IN_PLACE} --user bob --passwords pw"));
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    assert!(
        done.stderr.contains(
            "clearml-keygen: wrote apiserver.conf (mode 0600): 1 web-login user\n\
             clearml-keygen: apiserver.conf: kept, although not in the keyset: ann\n\
             clearml-keygen: the API server reads its users when it starts. Restart it, in the folder of the compose file:\n\
             \x20 docker compose up -d --force-recreate apiserver\n"
        ),
        "{}",
        done.stderr
    );
    let merged = folder.text("apiserver.conf");
    // Without bob's line, it is the file as it was.
    let line = merged.lines().find(|line| line.contains("bob")).unwrap();
    assert_eq!(merged.replace(&format!("{line}\n"), ""), by_hand());
    // Another one, and new keys: nobody is lost, and of ann's entry only the password is replaced when she is named.
    fs::write(folder.path("chosen"), "ann:a password of hers\n").unwrap();
    folder.keygen(&format!("{IN_PLACE} --only tests")).exit(0);
    assert_eq!(folder.text("apiserver.conf"), merged);
    let done = folder
        .keygen(&format!("{IN_PLACE} --users-from chosen"))
        .exit(0);
    assert!(
        done.stderr
            .contains("clearml-keygen: apiserver.conf: new password for ann\n"),
        "{}",
        done.stderr
    );
    let renewed = folder.text("apiserver.conf");
    let (start, end) = merged.split_once(ANN).unwrap();
    assert!(
        renewed.starts_with(start) && renewed.ends_with(end),
        "{renewed}"
    );
    if let Some(tree) = pyhocon(&folder.path("apiserver.conf")) {
        let users = tree["auth"]["fixed_users"]["users"].as_array().unwrap();
        assert_eq!(users.len(), 2);
        assert_eq!(users[0]["username"], "ann");
        assert_ne!(users[0]["password"], ANN);
        assert_eq!(users[0]["company"], "x");
        assert_eq!(tree["listen"]["port"], 8008);
    }
}

#[test]
fn users_by_hand_are_changed_one_by_one() {
    // Alone, and beside a secure.conf whose keyset does not know them.
    for (arguments, files) in [
        (
            "-f hocon --from apiserver.conf -o apiserver.conf --force",
            vec![],
        ),
        (IN_PLACE, vec![("secure.conf", SECURE)]),
    ] {
        let text = by_hand().replace(
            "    ]",
            "      { username = bob, password = \"B==\", name = Bob } // left\n    ]",
        );
        let mut files = files;
        files.push(("apiserver.conf", &text));
        let folder = Folder::new(&files);
        let done = folder
            .keygen(&format!(
                "{arguments} --reset-password ann --remove-user bob --passwords pw"
            ))
            .exit(0);
        for said in [
            "new password: ann\n",
            "removed: bob\n",
            "wrote apiserver.conf (mode 0600)",
        ] {
            assert!(done.stderr.contains(said), "{}", done.stderr);
        }
        let password = folder.text("pw");
        assert!(password.starts_with("ann:") && password.lines().count() == 1);
        let changed = folder.text("apiserver.conf");
        let (start, end) = by_hand()
            .split_once(ANN)
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert!(
            changed.starts_with(&start) && changed.ends_with(&end),
            "{changed}"
        );
        assert!(!changed.contains(ANN));
        if let Some(tree) = pyhocon(&folder.path("apiserver.conf")) {
            let users = tree["auth"]["fixed_users"]["users"].as_array().unwrap();
            assert_eq!((users.len(), &users[0]["company"]), (1, &json!("x")));
        }
        // The last one: nobody can log in then.
        let done = folder
            .keygen(&format!("{arguments} --remove-user ann"))
            .exit(0);
        assert!(
            done.stderr
                .contains("no web-login user is left: nobody can log in"),
            "{}",
            done.stderr
        );
        assert_eq!(
            folder.text("apiserver.conf"),
            by_hand()
                .lines()
                .filter(|line| !line.contains("ann"))
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
}

#[test]
fn a_user_by_hand_who_cannot_be_changed_exactly_stays() {
    for (text, expected) in [
        (
            by_hand() + "\ninclude \"more.conf\"",
            "apiserver.conf:14:1: an include",
        ),
        (
            by_hand().replace("    ]", "      ${MORE}\n    ]"),
            "apiserver.conf:10:7: auth.fixed_users.users: this entry is a `${…}`",
        ),
        (
            by_hand()
                .replace("pass_hashed: true", "pass_hashed: false")
                .replace(
                    "    ]",
                    "      {username: bob, password: MARKED, name: x}\n    ]",
                ),
            "apiserver.conf:6:18: the passwords in this list are plain text",
        ),
    ] {
        let folder = Folder::new(&[("apiserver.conf", &text)]);
        let before = folder.all();
        let done = folder.keygen("-f hocon --from apiserver.conf -o apiserver.conf --force --reset-password ann --passwords pw");
        assert_eq!(done.status, Some(2));
        assert!(done.stderr.contains(expected), "{}", done.stderr);
        done.never_says("MARKED");
        assert_eq!(folder.all(), before);
    }
    // What a keyset cannot hold of a user is not lost silently.
    let folder = Folder::new(&[("apiserver.conf", &by_hand())]);
    let done = folder.keygen("--from apiserver.conf -o keys.env");
    assert_eq!(done.status, Some(2));
    assert!(
        done.stderr
            .contains("apiserver.conf:9:7: this user has `company`, which a keyset cannot hold"),
        "{}",
        done.stderr
    );
    // Everybody else comes along.
    fs::write(
        folder.path("apiserver.conf"),
        by_hand().replace(", company: x", ""),
    )
    .unwrap();
    folder.keygen("--from apiserver.conf -o keys.env").exit(0);
    assert!(folder.text("keys.env").contains(ANN));
}

#[test]
fn a_user_by_hand_and_one_of_keygen_both_log_in() {
    let folder = Folder::new(&[("chosen", "ann:a password of hers\n")]);
    folder
        .keygen("-q -f hocon -o secure.conf --users-from chosen")
        .exit(0);
    // What ann's administrator wrote, in a folder whose keyset does not know her.
    let config = Folder::new(&[("apiserver.conf", &folder.text("apiserver.conf"))]);
    config.keygen("-q -f hocon -o secure.conf").exit(0);
    config
        .keygen(&format!("{IN_PLACE} --user bob --passwords pw"))
        .exit(0);
    let passwords = config.text("pw");
    let bob = passwords.trim_end().strip_prefix("bob:").unwrap();
    let stock = fixtures().join("stock/docker-compose.yml");
    let Some(standin) = Standin::start(&stock, json!({"config": config.0.path()})) else {
        return;
    };
    for (name, password, expected) in [
        ("ann", "a password of hers", 200),
        ("bob", bob, 200),
        ("ann", bob, 401),
    ] {
        assert_eq!(standin.log_in(name, password), expected, "{name}");
    }
}

#[test]
fn an_apiserver_conf_is_changed_only_when_asked() {
    let folder = Folder::new(&[
        ("apiserver.conf", &by_hand()),
        ("chosen", "jane:a password of hers\n"),
    ]);
    let before = folder.all();
    let done = folder.keygen("-f hocon -o secure.conf --users-from chosen");
    assert_eq!(done.status, Some(2));
    assert!(
        done.stderr
            .starts_with("clearml-keygen: apiserver.conf: exists"),
        "{}",
        done.stderr
    );
    assert_eq!(folder.all(), before);
    folder
        .keygen("-f hocon -o secure.conf --users-from chosen --force")
        .exit(0);
    let merged = folder.text("apiserver.conf");
    assert!(
        merged.contains(ANN) && merged.contains("username: \"jane\""),
        "{merged}"
    );
    assert_eq!(mode(&folder.path("apiserver.conf")), 0o600);
}

#[test]
fn an_apiserver_conf_that_would_lock_out_or_cannot_be_merged_is_refused() {
    for (text, expected) in [
        (
            "auth.fixed_users: ${MARKED}\n".to_owned(),
            "1:19: auth.fixed_users.users",
        ),
        (
            by_hand().replace("pass_hashed: true", "pass_hashed: false"),
            "6:18: the passwords in this list are plain text; with the hashes that keygen adds, these users could no \
             longer log in: ann\n  help: list them in --users-from FILE",
        ),
        (
            by_hand().replace("    pass_hashed: true\n", ""),
            "8:7: the passwords in this list are plain text",
        ),
        (
            by_hand().replace("enabled: true", "enabled: false"),
            "5:14: the users of this file are switched off; to switch on those of the keyset would also let in: ann\n",
        ),
        (
            by_hand().replace("users: [", "users += ["),
            "7:14: auth.fixed_users.users is put together",
        ),
        (
            by_hand().replace("\"ann\"", "${MARKED}"),
            "9:7: auth.fixed_users.users: the username",
        ),
        (
            format!("include \"MARKED\"\n{}", by_hand()),
            "1:1: an include",
        ),
        (by_hand().replace("]", "MARKED"), "11:3: "),
    ] {
        let folder = Folder::new(&[("apiserver.conf", &text)]);
        folder.keygen("-q -f hocon -o secure.conf").exit(0);
        let before = folder.all();
        let done = folder.keygen(&format!(
            "{IN_PLACE} --only tests --user bob --passwords pw"
        ));
        assert_eq!(done.status, Some(2), "{text}\n{}", done.stderr);
        let start = format!("clearml-keygen: apiserver.conf:{expected}");
        assert!(done.stderr.starts_with(&start), "{text}\n{}", done.stderr);
        done.never_says("MARKED").never_says(ANN);
        // Neither file is written, and no passwords are left.
        assert_eq!(folder.all(), before, "{text}");
    }
}

#[test]
fn users_that_an_injection_would_remove_are_named() {
    let folder = Folder::new(&[
        ("apiserver.conf", &by_hand()),
        ("chosen", "jane:a password of hers\n"),
        ("other", "ann:a password of hers\n"),
    ]);
    folder.keygen("-q -f hocon -o secure.conf").exit(0);
    let said = "clearml-keygen: warning: apiserver.conf: clearml-inject would remove these users, because this keyset does not have them: ann\n";
    for more in [
        "-f env",
        "-f json -o keys.json",
        "-f hocon",
        "-f hocon -o keys.conf",
    ] {
        let done = folder.keygen(&format!("--from secure.conf --users-from chosen {more}"));
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        assert!(done.stderr.starts_with(said), "{more}: {}", done.stderr);
    }
    // An injection leaves users alone if the keyset has none; here it has all; and this one is no injection.
    for more in [
        "-f env",
        "-f env --users-from other",
        "-f hocon -o secure.conf --force --users-from chosen",
    ] {
        let done = folder.keygen(&format!("--from secure.conf {more}"));
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        assert!(
            !done.stderr.contains("would remove"),
            "{more}: {}",
            done.stderr
        );
    }
    fs::write(folder.path("apiserver.conf"), "include \"more.conf\"\n").unwrap();
    let done = folder.keygen("--from secure.conf -f env").exit(0);
    let said = [
        "clearml-keygen: apiserver.conf does not tell whether these users of the keyset are still meant; check that they are: jane\n",
        "clearml-keygen: warning: apiserver.conf may have users that",
    ];
    assert!(done.stderr.starts_with(&said.concat()), "{}", done.stderr);
}
