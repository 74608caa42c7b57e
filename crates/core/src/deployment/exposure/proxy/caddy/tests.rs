//! Sites of Caddy's as they are read.

use super::*;
use zeroize::Zeroizing;

fn port(rule: &Rule) -> u16 {
    *rule.at.as_ref().unwrap().start()
}

fn read(text: &str) -> Vec<(u16, bool, usize)> {
    let file = File {
        path: "/etc/caddy/Caddyfile".to_owned(),
        text: Zeroizing::new(text.to_owned()),
    };
    let rules = rules(&[], &[&file], &str::to_owned).unwrap();
    rules
        .iter()
        .map(|rule| (port(rule), rule.is_tls, rule.to.len()))
        .collect()
}

#[test]
fn imported_files_are_read_in_their_place() {
    let file = |(path, text): &(&str, &str)| File {
        path: (*path).to_owned(),
        text: Zeroizing::new((*text).to_owned()),
    };
    for (texts, expected) in [
        (
            &[
                ("/etc/caddy/Caddyfile", "import sites/*\n"),
                ("/etc/caddy/sites/a", ":80 {\n  import ../up\n}\n"),
                (
                    "/etc/caddy/sites/b",
                    "x.example.com {\n  reverse_proxy b:1\n}\n",
                ),
            ][..],
            &[(80, false, 0), (443, true, 1)][..],
        ),
        (
            &[
                (
                    "/etc/caddy/Caddyfile",
                    "http://a {\n  import up.inc web:80\n}\n",
                ),
                ("/etc/caddy/up.inc", "reverse_proxy {args[0]}\n"),
            ],
            &[(80, false, 1)],
        ),
        // Files that import one another, and nothing else.
        (
            &[
                ("/etc/caddy/Caddyfile", "import *.caddy\n:81 {\n}\n"),
                ("/etc/caddy/a.caddy", "import *.caddy\n"),
                ("/etc/caddy/b.caddy", "import *.caddy\n"),
            ],
            &[(81, false, 0)],
        ),
    ] {
        let files: Vec<File> = texts.iter().map(file).collect();
        let files: Vec<&File> = files.iter().collect();
        let rules = rules(&[], &files, &str::to_owned).unwrap();
        let found = rules.iter();
        let found: Vec<_> = found
            .map(|rule| (port(rule), rule.is_tls, rule.to.len()))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn sites_are_read() {
    for (text, expected) in [
        (
            "app.example.com {\n  reverse_proxy webserver:80\n}\n",
            (443, true, 1),
        ),
        (":80 {\n  reverse_proxy apiserver:8008\n}\n", (80, false, 1)),
        (
            "http://api.example.com {\n  reverse_proxy /x apiserver:8008\n}\n",
            (80, false, 1),
        ),
        (
            ":8008 {\n  reverse_proxy {\n    to apiserver:8008 other:1\n  }\n}\n",
            (8008, false, 2),
        ),
        (
            "api.example.com:8008 {\n  reverse_proxy apiserver:8008\n}\n",
            (8008, true, 1),
        ),
        (
            ":8443 {\n  tls internal\n  reverse_proxy apiserver:8008\n}\n",
            (8443, true, 1),
        ),
        (
            "{\n  auto_https off\n}\na.example.com {\n  reverse_proxy a:1\n}\n",
            (80, false, 1),
        ),
        (
            "(api) {\n  reverse_proxy apiserver:8008\n}\n:80 {\n  import api\n}\n",
            (80, false, 1),
        ),
        (":80\nreverse_proxy apiserver:8008\n", (80, false, 1)),
        (
            "{\n  http_port 8080\n}\nhttp:// {\n  reverse_proxy a:1\n}\n",
            (8080, false, 1),
        ),
        (
            "(tls) {\n  tls internal\n}\n(api) {\n  import tls\n  reverse_proxy apiserver:8008\n}\n:8443 {\n  import api\n}\n",
            (8443, true, 1),
        ),
    ] {
        assert_eq!(read(text), [expected], "{text}");
    }
    assert_eq!(
        as_shell("{$SITE::80} {\n  reverse_proxy {$UP:a:1} {env.B} {host}\n}"),
        "${SITE:-:80} {\n  reverse_proxy ${UP:-a:1} ${B} {host}\n}"
    );
    let command = [
        "caddy",
        "reverse-proxy",
        "--from",
        ":80",
        "--to",
        "apiserver:8008",
    ]
    .map(str::to_owned);
    let rules = rules(&command, &[], &str::to_owned).unwrap();
    assert_eq!(
        (Some(port(&rules[0])), rules[0].is_tls, rules[0].to.len()),
        (Some(80), false, 1)
    );
}

#[test]
fn a_guard_counts_where_it_covers_the_target() {
    let pass = "reverse_proxy es:9200";
    let outside = "@outside not remote_ip 10.0.0.0/8";
    for (lines, is_guarded) in [
        (format!("basic_auth {{\na b\n}}\n{pass}"), true),
        (format!("basic_auth bcrypt {{\na b\n}}\n{pass}"), true),
        (format!("basic_auth /admin/* {{\na b\n}}\n{pass}"), false),
        (
            format!("basic_auth {{\na b\n}}\nhandle {{\n{pass}\n}}"),
            true,
        ),
        (
            format!("handle /a {{\nbasic_auth {{\na b\n}}\n}}\nhandle {{\n{pass}\n}}"),
            false,
        ),
        (
            format!("handle /a {{\nbasic_auth {{\na b\n}}\n{pass}\n}}"),
            true,
        ),
        (format!("{outside}\nrespond @outside 403\n{pass}"), true),
        (
            format!("{outside}\nrespond @outside 403\nhandle {{\n{pass}\n}}"),
            false,
        ),
        (
            format!("@bad remote_ip 10.0.0.1\nabort @bad\n{pass}"),
            false,
        ),
        (
            format!("@bad {{\nnot remote_ip 10.0.0.1\npath /a\n}}\nabort @bad\n{pass}"),
            false,
        ),
        (
            format!("@in remote_ip 10.0.0.0/8\nhandle @in {{\n{pass}\n}}\nrespond 403"),
            true,
        ),
        (
            format!("@in remote_ip 0.0.0.0/0\nhandle @in {{\n{pass}\n}}"),
            false,
        ),
        (
            format!("route {{\n{pass}\nbasic_auth {{\na b\n}}\n}}"),
            false,
        ),
        (
            format!("route {{\nbasic_auth {{\na b\n}}\n{pass}\n}}"),
            true,
        ),
        (
            format!("tls {{\nclient_auth {{\nmode require_and_verify\n}}\n}}\n{pass}"),
            true,
        ),
        (format!("import auth\n{pass}"), true),
    ] {
        let text =
            format!("(auth) {{\nbasic_auth {{\na b\n}}\nimport auth\n}}\n:443 {{\n{lines}\n}}\n");
        let rules = of_text(&text);
        assert_eq!(rules[0].to[0].is_guarded, is_guarded, "{lines}");
    }
}
