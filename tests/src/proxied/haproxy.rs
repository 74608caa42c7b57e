//! HAProxy: frontends, backends and conditions.

use super::{Kind, Setup};
use crate::generator::Random;

pub(super) const KIND: Kind = Kind {
    name: "haproxy",
    image: "haproxy:2",
    program: "haproxy",
    generate: |random| Setup::of_file("/usr/local/etc/haproxy/haproxy.cfg", generate(random)),
    before: "",
    arguments: |file| ["-db", "-q", "-f", file].map(str::to_owned).to_vec(),
    password_file: String::new,
    has_to_settle: false,
};

const TESTS: [&str; 15] = [
    "path_beg /es",
    "path_beg /api /files",
    "path /login",
    "path_reg ^/a/",
    "path_dir es",
    "url_beg /es",
    "hdr(host) -i a.example",
    "hdr_dom(host) example",
    "hdr_end(host) .example",
    "src 10.0.0.0/8",
    "ssl_fc",
    "method POST",
    "http_auth(users)",
    "always_true",
    "hdr(x-token) -m found",
];
const RULES: [&str; 8] = [
    "deny",
    "deny deny_status 404",
    "auth realm own",
    "allow",
    "redirect scheme https code 301",
    "redirect location https://x.example/",
    "set-header X-Own own",
    "return status 403",
];

fn generate(random: &mut Random) -> String {
    let mode = if random.one_in(6) { "tcp" } else { "http" };
    let mut lines = vec![
        "userlist users".to_owned(),
        "  user u insecure-password p".to_owned(),
        "defaults".to_owned(),
        format!("  mode {mode}"),
        "  timeout connect 1s".to_owned(),
        "  timeout client 2s".to_owned(),
        "  timeout server 2s".to_owned(),
    ];
    let is_http = mode == "http";
    let backends = ["b0", "b1", "b2"];
    if random.one_in(7) {
        lines.push(format!("  default_backend {}", random.pick(&backends)));
    }
    let ports: &[&str] = match random.below(3) {
        0 => &["@80@", "@8080@"],
        _ => &["@80@"],
    };
    for (at, port) in ports.iter().enumerate() {
        section(random, &mut lines, &backends, at, port, is_http);
    }
    for name in backends {
        lines.push(format!("backend {name}"));
        if is_http && random.one_in(3) {
            rules(random, &mut lines, &[]);
        }
        for at in 0..=random.below(2) {
            lines.push(format!(
                "  server s{at} {}{}",
                backend(random),
                state(random)
            ));
        }
    }
    lines.join("\n") + "\n"
}

fn section(
    random: &mut Random,
    lines: &mut Vec<String>,
    backends: &[&str],
    at: usize,
    port: &str,
    is_http: bool,
) {
    let kind = random.pick(&["frontend", "frontend", "listen"]);
    lines.push(format!("{kind} f{at}"));
    lines.push(format!("  bind *:{port}"));
    if random.one_in(12) {
        lines.push("  disabled".to_owned());
    }
    let mut names = Vec::new();
    if is_http {
        for name in ["own", "other"].into_iter().take(random.below(3)) {
            for _ in 0..=random.below(2) {
                lines.push(format!("  acl {name} {}", random.pick(&TESTS)));
            }
            names.push(name);
        }
        rules(random, lines, &names);
        for _ in 0..random.below(3) {
            let backend = random.pick(backends);
            lines.push(format!(
                "  use_backend {backend} {}",
                condition(random, &names)
            ));
        }
    }
    if kind == "listen" {
        lines.push(format!("  server s {}{}", backend(random), state(random)));
    } else if !random.one_in(5) {
        lines.push(format!("  default_backend {}", random.pick(backends)));
    }
}

fn backend(random: &mut Random) -> &'static str {
    random.pick(&["@es@", "@es@", "@api@", "@api@", "@other@"])
}

fn state(random: &mut Random) -> &'static str {
    random.pick(&["", "", "", "", "", " disabled", " backup"])
}

fn rules(random: &mut Random, lines: &mut Vec<String>, names: &[&str]) {
    for _ in 0..random.below(3) {
        let rule = random.pick(&RULES);
        let condition = match random.one_in(5) {
            true => String::new(),
            false => condition(random, names),
        };
        lines.push(format!("  http-request {rule} {condition}"));
    }
    if random.one_in(12) {
        lines.push("  tcp-request content reject unless { src 10.0.0.0/8 }".to_owned());
    }
}

fn condition(random: &mut Random, names: &[&str]) -> String {
    let word = random.pick(&["if", "if", "unless"]);
    let mut parts = Vec::new();
    for _ in 0..=random.below(2) {
        let not = if random.one_in(3) { "!" } else { "" };
        parts.push(match names.is_empty() || random.one_in(2) {
            true => format!("{not}{{ {} }}", random.pick(&TESTS)),
            false => format!("{not}{}", random.pick(names)),
        });
    }
    format!("{word} {}", parts.join(random.pick(&[" ", " or ", " || "])))
}
