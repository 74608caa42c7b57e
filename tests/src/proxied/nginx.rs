//! nginx: servers and locations, in every order and with every way to ask.

use super::{Kind, Setup};
use crate::generator::Random;

pub(super) const KIND: Kind = Kind {
    name: "nginx",
    image: "nginx:2",
    program: "nginx",
    generate: |random| Setup::of_file("/etc/nginx/nginx.conf", generate(random)),
    before: "daemon off; master_process off; pid @here@/pid; error_log @here@/error.log crit;\n",
    arguments: |file| vec!["-c".to_owned(), file.to_owned()],
    password_file: || "u:{PLAIN}p\n".to_owned(),
    has_to_settle: false,
};

const PATHS: [&str; 8] = [
    "/", "/es", "/es/", "/api", "/api/", "/files/z", "/login", "/a/b",
];
const GUARDS: [&str; 12] = [
    "auth_basic own; auth_basic_user_file @here@/passwords;",
    "auth_basic off;",
    "deny all;",
    "allow 10.0.0.0/8; deny all;",
    "allow all;",
    "satisfy any; allow 10.0.0.0/8; deny all; auth_basic own; auth_basic_user_file @here@/passwords;",
    "return 403;",
    "return 301 https://$host$request_uri;",
    "if ($scheme = http) { return 301 https://$host$request_uri; }",
    "if ($request_method = POST) { return 405; }",
    "if ($http_x_token = \"\") { return 403; }",
    "limit_except GET { deny all; }",
];
const NAMES: [&str; 7] = [
    "",
    "server_name a.example;",
    "server_name a.example b.example;",
    "server_name *.example;",
    "server_name _;",
    "server_name \"\";",
    "server_name ~^b\\.;",
];

fn generate(random: &mut Random) -> String {
    let mut upstreams = Vec::new();
    let servers: Vec<String> = (0..=random.below(3))
        .map(|_| server(random, &mut upstreams))
        .collect();
    let all = match random.one_in(6) {
        true => guard(random),
        false => "",
    };
    // A guard of requests has no place outside of a server.
    let all = if all.contains("return") || all.contains("limit_except") {
        ""
    } else {
        all
    };
    format!(
        "events {{}}\nhttp {{\n  access_log off; client_body_temp_path @here@/a; proxy_temp_path @here@/b; fastcgi_temp_path @here@/c;\n  \
         uwsgi_temp_path @here@/d; scgi_temp_path @here@/e;\n  {all}\n{}{}}}\n",
        upstreams.concat(),
        servers.concat()
    )
}

fn guard(random: &mut Random) -> &'static str {
    random.pick(&GUARDS)
}

fn backend(random: &mut Random) -> &'static str {
    random.pick(&["@es@", "@es@", "@api@", "@api@", "@other@"])
}

fn server(random: &mut Random, upstreams: &mut Vec<String>) -> String {
    let listens: &[&str] = match random.below(5) {
        0 => &["@80@", "@8080@"],
        1 => &["@8080@"],
        2 => &["@80@ default_server"],
        _ => &["@80@"],
    };
    let listens: String = listens
        .iter()
        .map(|one| format!("listen {one}; "))
        .collect();
    let names = random.pick(&NAMES);
    let own = match random.one_in(5) {
        // A location is where this belongs.
        true => guard(random).replace("limit_except GET { deny all; }", ""),
        false => String::new(),
    };
    let named = random.one_in(4);
    let mut locations: Vec<String> = Vec::new();
    for _ in 0..=random.below(3) {
        let one = location(random, upstreams, named);
        if !locations
            .iter()
            .any(|other| other.split('{').next() == one.split('{').next())
        {
            locations.push(one);
        }
    }
    if named {
        let guard = if random.one_in(3) { guard(random) } else { "" };
        locations.push(format!(
            "    location @own {{ {guard} proxy_pass http://{}; }}\n",
            backend(random)
        ));
    }
    format!(
        "  server {{\n    {listens}{names} {own}\n{}  }}\n",
        locations.concat()
    )
}

fn location(random: &mut Random, upstreams: &mut Vec<String>, named: bool) -> String {
    let kind = random.pick(&["", "", "", "= ", "^~ ", "~ ", "~* "]);
    let path = match kind {
        "~ " | "~* " => random.pick(&["^/es", "/api", "^/(es|api)/", "^/a/[a-z]+$"]),
        _ => random.pick(&PATHS),
    };
    let guard = if random.one_in(3) { guard(random) } else { "" };
    let target = target(random, upstreams, named);
    format!("    location {kind}{path} {{ {guard} {target} }}\n")
}

fn target(random: &mut Random, upstreams: &mut Vec<String>, named: bool) -> String {
    let backend = backend(random);
    match random.below(9) {
        0 => format!("proxy_pass http://{backend}/;"),
        1 => format!("set $to {backend}; proxy_pass http://$to;"),
        2 => {
            let name = format!("own{}", upstreams.len());
            let more = random.pick(&["", "", " server @other@ backup;", " server @es@;"]);
            upstreams.push(format!("  upstream {name} {{ server {backend};{more} }}\n"));
            format!("proxy_pass http://{name};")
        }
        3 if named => "root /var/empty; try_files /none @own;".to_owned(),
        4 if named => "root /var/empty; error_page 404 403 = @own;".to_owned(),
        5 => {
            let to = random.pick(&PATHS);
            let flag = random.pick(&["last", "break"]);
            format!("rewrite ^ {to} {flag}; proxy_pass http://{backend};")
        }
        6 => "return 200 own;".to_owned(),
        _ => format!("proxy_pass http://{backend};"),
    }
}
