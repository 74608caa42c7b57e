//! One mistake at a time, in a deployment that has none.

use e2e::standin::{Injected, Standin, asked, with_as_it_comes};
use serde_json::json;

/// A secured deployment with one mistake.
struct Mistake {
    name: &'static str,
    version: &'static str,
    /// The generation of the library that signs tokens: "old" works with an empty secret.
    pyjwt: &'static str,
    /// The service that has these variables besides.
    service: &'static str,
    variables: &'static [(&'static str, &'static str)],
    finds: &'static [&'static str],
    /// Whether it also has what every server has as it comes.
    as_it_comes: bool,
    /// How many things are not checked then.
    unknown: usize,
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "an empty token secret",
        version: "2.0.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[("CLEARML__SECURE__AUTH__TOKEN_SECRET", "")],
        finds: &["misread-secret error apiserver"],
        as_it_comes: true,
        // The file server cannot log in, and ends.
        unknown: 1,
    },
    Mistake {
        name: "an empty token secret, where the library works with it",
        version: "2.0.0",
        pyjwt: "old",
        service: "apiserver",
        variables: &[("CLEARML__SECURE__AUTH__TOKEN_SECRET", "")],
        finds: &[
            "forged-token error apiserver",
            "forged-token error fileserver",
        ],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "a token secret of digits",
        version: "2.0.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[("CLEARML__SECURE__AUTH__TOKEN_SECRET", "12345")],
        finds: &[
            "misread-secret error apiserver",
            "stack-trace note apiserver",
        ],
        as_it_comes: true,
        // The file server cannot log in, and ends. What fails at every token has refused none.
        unknown: 2,
    },
    Mistake {
        name: "4: authentication turned off",
        version: "2.0.0",
        pyjwt: "new",
        service: "fileserver",
        variables: &[("CLEARML__fileserver__auth__enabled", "false")],
        finds: &["anonymous-files error fileserver"],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "4: a guest",
        version: "2.0.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[(
            "CLEARML__services__auth__fixed_users__guest__enabled",
            "true",
        )],
        finds: &["guest-login warning apiserver"],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "9: a guest whose password is no hash",
        version: "2.3.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[
            (
                "CLEARML__services__auth__fixed_users__guest__enabled",
                "true",
            ),
            ("CLEARML__apiserver__auth__fixed_users__pass_hashed", "true"),
        ],
        finds: &["guest-login warning apiserver"],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "9: a user of the documentation's",
        version: "2.3.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[
            ("CLEARML__apiserver__auth__fixed_users__enabled", "true"),
            (
                "CLEARML__apiserver__auth__fixed_users__users",
                "[{username: jane, password: \"12345678\", name: Jane}]",
            ),
        ],
        finds: &[
            "cors-reflection note apiserver",
            "default-login error apiserver",
        ],
        as_it_comes: false,
        unknown: 0,
    },
    Mistake {
        name: "9: a debugger",
        version: "2.3.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[("CLEARML__apiserver__debug", "true")],
        finds: &["debug-console error apiserver"],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "9: a debugger at the file server",
        version: "2.3.0",
        pyjwt: "new",
        service: "fileserver",
        variables: &[("CLEARML__fileserver__debug", "true")],
        finds: &["debug-console error fileserver"],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "6: origins",
        version: "2.0.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[(
            "CLEARML__apiserver__cors__origins",
            "\"https://clearml.example.com\"",
        )],
        finds: &["open-login warning apiserver"],
        as_it_comes: false,
        unknown: 0,
    },
    Mistake {
        name: "5d: fixed users",
        version: "2.0.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[("CLEARML__apiserver__auth__fixed_users__enabled", "true")],
        finds: &["cors-reflection note apiserver"],
        as_it_comes: false,
        unknown: 0,
    },
    Mistake {
        name: "5b: the file server's account at the API server only",
        version: "2.0.0",
        pyjwt: "new",
        service: "fileserver",
        variables: &[
            (
                "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
                "ANOTHERKEYTHATTHEAPISERVERHASN",
            ),
            (
                "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET",
                "another",
            ),
        ],
        finds: &[],
        as_it_comes: true,
        unknown: 1,
    },
    Mistake {
        name: "4: 2.3 keeps its version",
        version: "2.3.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[],
        finds: &[],
        as_it_comes: true,
        unknown: 0,
    },
    Mistake {
        name: "7: a release without authentication",
        version: "1.13.0",
        pyjwt: "new",
        service: "apiserver",
        variables: &[],
        finds: &[
            "anonymous-files error fileserver",
            "vulnerable-version error apiserver",
            "vulnerable-version error apiserver",
            "vulnerable-version error fileserver",
            "vulnerable-version error webserver",
        ],
        as_it_comes: true,
        unknown: 0,
    },
];

#[test]
fn each_single_mistake_gives_what_is_meant_for_it() {
    let injected = Injected::stock();
    for mistake in MISTAKES {
        let compose = injected.change(mistake.service, mistake.variables);
        let Some(standin) = Standin::start(
            &compose,
            json!({"version": mistake.version, "pyjwt": mistake.pyjwt}),
        ) else {
            return;
        };
        let expected = if mistake.as_it_comes {
            with_as_it_comes(mistake.finds)
        } else {
            mistake.finds.iter().map(|one| (*one).to_owned()).collect()
        };
        let (_, found, not_asked) = asked(&standin, &[]);
        assert_eq!(
            (found, not_asked.len()),
            (expected, mistake.unknown),
            "{}: {not_asked:?}",
            mistake.name
        );
    }
}
