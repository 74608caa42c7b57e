//! Servers of nginx as they are read.

use super::*;
use zeroize::Zeroizing;

/// The port, whether it speaks TLS, whether bytes are passed on, and to whom.
type Read = (u16, bool, bool, Vec<String>);

fn read(texts: &[(&str, &str)]) -> Option<Vec<Read>> {
    let files: Vec<File> = texts
        .iter()
        .map(|(path, text)| File {
            path: (*path).to_owned(),
            text: Zeroizing::new((*text).to_owned()),
        })
        .collect();
    let rules = rules(&files.iter().collect::<Vec<_>>(), &|text| {
        text.replace("${API}", "apiserver")
    })?;
    let shown = |address: &Address| {
        let host = address.host.as_deref().unwrap_or("*");
        format!("{host}:{}", address.port.unwrap_or(0))
    };
    Some(
        rules
            .iter()
            .map(|rule| {
                let is_sent = !rule.is_tls && rule.sends_away == Holds::Always;
                let to = rule.to.iter().filter(|_| !is_sent);
                let to = to.map(|one| shown(&one.address)).collect();
                (
                    *rule.at.as_ref().unwrap().start(),
                    rule.is_tls,
                    rule.how == How::Bytes,
                    to,
                )
            })
            .collect(),
    )
}

#[test]
fn servers_are_read() {
    let to = |text: &str| vec![text.to_owned()];
    for (text, expected) in [
        (
            "server { listen 80; location / { proxy_pass http://apiserver:8008; } }",
            (80, false, false, to("apiserver:8008")),
        ),
        (
            "http { upstream a { server apiserver:8008 max_fails=3; } server { listen 443 ssl http2; location / { proxy_pass http://a/x; } } }",
            (443, true, false, to("apiserver:8008")),
        ),
        (
            "server { listen [::]:80; set $up http://apiserver:8008; location / { proxy_pass $up$request_uri; } } # server {",
            (80, false, false, to("apiserver:8008")),
        ),
        (
            "stream { server { listen 27017; proxy_pass mongo:27017; } }",
            (27017, false, true, to("mongo:27017")),
        ),
        (
            "server { listen 80 default_server; return 301 https://$host$request_uri; }",
            (80, false, false, Vec::new()),
        ),
        (
            "server { listen 80; if ($scheme = http) { return 301 https://$host$request_uri; } location / { proxy_pass http://a:1; } }",
            (80, false, false, Vec::new()),
        ),
        (
            "server { location / { proxy_pass http://web; } }",
            (80, false, false, to("web:80")),
        ),
        (
            "server { if ($http_x_forwarded_proto != 'https') { return 301 https://$host; } location / { proxy_pass http://web; } }",
            (80, false, false, Vec::new()),
        ),
        (
            "server { if ($http_x_forwarded_proto = http) { return 301 https://$host; } location / { proxy_pass http://web; } }",
            (80, false, false, to("web:80")),
        ),
        (
            "server { rewrite ^/login https://$host permanent; location / { proxy_pass http://web; } }",
            (80, false, false, to("web:80")),
        ),
        (
            "server { rewrite ^(.*)$ https://$host$1 permanent; location / { proxy_pass http://web; } }",
            (80, false, false, Vec::new()),
        ),
    ] {
        assert_eq!(
            read(&[("/etc/nginx/nginx.conf", text)]),
            Some(vec![expected]),
            "{text}"
        );
    }
    assert_eq!(
        read(&[("/etc/nginx/mime.types", "types { text/html html; }")]),
        None
    );
}

#[test]
fn a_redirect_is_for_all_for_some_or_for_names() {
    for (condition, expected) in [
        ("$scheme = http", Holds::Always),
        ("$scheme != https", Holds::Always),
        ("$scheme != http", Holds::Never),
        ("$scheme ~ ^https$", Holds::Never),
        ("$https", Holds::Never),
        ("$https = off", Holds::Never),
        ("$https = \"\"", Holds::Always),
        ("$https != on", Holds::Always),
        ("$server_port = 443", Holds::Never),
        ("$server_port != 443", Holds::Always),
        ("$server_port = \"80\"", Holds::Always),
        ("$http_x_forwarded_proto != 'https'", Holds::Always),
        ("$http_x_forwarded_proto = http", Holds::Never),
        ("$http_x_forwarded_proto !~ ^(https|wss)$", Holds::Always),
        ("$host = example.com", Holds::ByName),
        ("$request_uri ~ ^/login", Holds::Sometimes),
    ] {
        let text = format!(
            "server {{ if ({condition}) {{ return 301 https://$host$request_uri; }} location / {{ proxy_pass http://a; }} }}"
        );
        let tree = parse(&mut words(&text).into_iter(), 0);
        let own: Vec<&Directive> = tree[0].block.iter().collect();
        assert_eq!(sends_away(&own, 80), expected, "{condition}");
    }
}

fn guarded_or_not(pass: &str) -> Vec<(String, bool)> {
    vec![
        (format!("auth_basic x; location / {{ {pass} }}"), true),
        (format!("location / {{ auth_basic x; {pass} }}"), true),
        (
            format!("location /a {{ auth_basic x; }} location / {{ {pass} }}"),
            false,
        ),
        (
            format!("location /a {{ auth_basic x; {pass} }} location / {{ {pass} }}"),
            false,
        ),
        (
            format!(
                "auth_basic x; location /a {{ auth_basic off; {pass} }} location / {{ {pass} }}"
            ),
            false,
        ),
        (format!("auth_basic $realm; location / {{ {pass} }}"), false),
        (
            format!("allow 10.0.0.0/8; deny all; location / {{ {pass} }}"),
            true,
        ),
        (
            format!("allow all; deny all; location / {{ {pass} }}"),
            false,
        ),
        (format!("deny 10.0.0.1; location / {{ {pass} }}"), false),
        (
            format!("deny all; location / {{ allow 10.0.0.1; {pass} }}"),
            false,
        ),
        (
            format!("auth_basic x; allow all; location / {{ {pass} }}"),
            true,
        ),
        (
            format!("satisfy any; auth_basic x; allow all; location / {{ {pass} }}"),
            false,
        ),
        (
            format!(
                "satisfy any; auth_basic x; allow 10.0.0.0/8; deny all; location / {{ {pass} }}"
            ),
            true,
        ),
        (
            format!("location / {{ limit_except GET {{ deny all; }} {pass} }}"),
            false,
        ),
        (
            format!("listen 80; ssl_verify_client on; location / {{ {pass} }}"),
            false,
        ),
        (
            format!("listen 443 ssl; ssl_verify_client on; location / {{ {pass} }}"),
            true,
        ),
        (
            "location /a { auth_basic x; include p.conf; } location /b { include p.conf; }"
                .to_owned(),
            false,
        ),
        (
            "location /a { auth_basic x; include p.conf; }".to_owned(),
            true,
        ),
    ]
}

#[test]
fn a_guard_counts_where_it_covers_the_target() {
    let pass = "proxy_pass http://es:9200;";
    for (inner, is_guarded) in guarded_or_not(pass) {
        let text = format!("http {{ server {{ {inner} }} }}");
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: Zeroizing::new(text.to_owned()),
        };
        let files = [
            file("/etc/nginx/nginx.conf", &text),
            file("/etc/nginx/p.conf", pass),
        ];
        let rules = rules(&files.iter().collect::<Vec<_>>(), &str::to_owned).unwrap();
        let to = rules.iter().flat_map(|rule| &rule.to);
        let found: Vec<bool> = to.map(|one| one.is_guarded).collect();
        assert!(!found.is_empty(), "{inner}");
        assert_eq!(found.iter().all(|one| *one), is_guarded, "{inner}");
    }
}

#[test]
fn a_target_is_followed_through_all_values_of_its_variables() {
    let to = |text: &str| {
        let found = read(&[("/etc/nginx/nginx.conf", text)]).unwrap();
        found
            .into_iter()
            .flat_map(|(.., to)| to)
            .collect::<Vec<_>>()
    };
    let both = ["a:1", "b:2"];
    for text in [
        "server { location /a { set $up http://a:1; proxy_pass $up; } location /b { set $up http://b:2; proxy_pass $up; } }",
        "map $host $up { default http://a:1; b.example.com http://b:2; } server { location / { proxy_pass $up$request_uri; } }",
        "server { set $up a; set $upstream b:2; location /a { proxy_pass http://${up}:1; } location /b { proxy_pass http://$upstream; } }",
        "server { set $port 1; set $up a:$port; location / { proxy_pass http://$up/x; } } server { listen 81; location / { proxy_pass http://b:2; } }",
    ] {
        let mut found = to(text);
        found.sort();
        assert_eq!(found, both, "{text}");
    }
}

#[test]
fn variables_in_variables_end() {
    let many = |name: &str| format!("${name}").repeat(900);
    let (b, c, d) = (many("b"), many("c"), many("d"));
    let text = format!(
        "server {{ set $a '{b}'; set $b '{c}'; set $c '{d}'; set $d $a; location / {{ proxy_pass http://x$a; }} }}"
    );
    let found = read(&[("/etc/nginx/nginx.conf", &text)]);
    assert_eq!(found, Some(vec![(80, false, false, Vec::new())]));
}

#[test]
fn includes_and_templates_are_read() {
    let found = read(&[
        (
            "/etc/nginx/templates/a.conf.template",
            "server { listen 8008; location / { include snippets/p.conf; } }",
        ),
        (
            "/etc/nginx/snippets/p.conf",
            "proxy_pass http://apiserver:8008;",
        ),
    ]);
    assert_eq!(
        found,
        Some(vec![(
            8008,
            false,
            false,
            vec!["apiserver:8008".to_owned()]
        )])
    );
    let found = read(&[(
        "/etc/nginx/templates/a.conf.template",
        "server { listen 81; location / { proxy_pass http://${API}:8008; } }",
    )]);
    assert_eq!(
        found,
        Some(vec![(81, false, false, vec!["apiserver:8008".to_owned()])])
    );
}

#[test]
fn a_range_has_each_of_its_ports() {
    let text =
        "stream { server { listen 10.0.0.1:9200-9201; listen 53 udp; proxy_pass es:9200; } }";
    let file = File {
        path: "/etc/nginx/nginx.conf".to_owned(),
        text: Zeroizing::new(text.to_owned()),
    };
    let rules = rules(&[&file], &|text| text.to_owned()).unwrap();
    let ports: Vec<_> = rules.iter().map(|rule| rule.at.clone()).collect();
    assert_eq!(ports, [Some(9200..=9201)]);
}
