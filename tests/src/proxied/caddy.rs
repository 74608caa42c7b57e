//! Caddy: sites, matchers, and directives in the order that it gives them.

use super::{Kind, Setup};
use crate::generator::Random;

pub(super) const KIND: Kind = Kind {
    name: "caddy",
    image: "caddy:2",
    program: "caddy",
    generate: |random| Setup::of_file("/etc/caddy/Caddyfile", generate(random)),
    before: "",
    arguments: |file| {
        ["run", "--adapter", "caddyfile", "--config", file]
            .map(str::to_owned)
            .to_vec()
    },
    password_file: String::new,
    has_to_settle: false,
};

/// bcrypt of the password, at the lowest cost.
const HASH: &str = "$2a$04$tBqTLzy6ttkkBCQRnhqsQ.dB7vTz6/hpOk1FZLl/vEhmCbOZntnOK";
const SITES: [&str; 8] = [
    ":@80@",
    ":@8080@",
    "http://:@80@",
    "http://a.example:@80@",
    "http://a.example:@8080@",
    "http://*.example:@80@",
    "http://b.example:@80@, http://a.example:@80@",
    "http://localhost:@8080@",
];
const MATCHERS: [&str; 12] = [
    "path /es* /api/*",
    "not path /login",
    "host a.example",
    "remote_ip 10.0.0.0/8",
    "not remote_ip 10.0.0.0/8",
    "method POST",
    "header X-Token *",
    "not header X-Token own",
    "path_regexp ^/a/",
    "protocol https",
    "not protocol https",
    "query k=v",
];

fn generate(random: &mut Random) -> String {
    let mut sites = SITES;
    random.shuffle(&mut sites);
    let count = 1 + random.below(3);
    let mut text = "{\n\tadmin off\n\tauto_https off\n}\n".to_owned();
    let mut snippet = "";
    if random.one_in(4) {
        snippet = "\timport own\n";
        let lines = match random.below(3) {
            0 => password(""),
            1 => "\trespond /es* 403\n".to_owned(),
            _ => format!("\treverse_proxy {}\n", backend(random)),
        };
        text += &format!("(own) {{\n{lines}}}\n");
    }
    for site in &sites[..count] {
        let mut names = Vec::new();
        let mut lines = String::new();
        for name in ["m", "n"].into_iter().take(random.below(3)) {
            lines += &format!("\t@{name} {}\n", random.pick(&MATCHERS));
            names.push(name);
        }
        if random.one_in(2) {
            lines += snippet;
        }
        lines += &block(random, &names, 0);
        text += &format!("{site} {{\n{lines}}}\n");
    }
    text
}

fn block(random: &mut Random, names: &[&str], depth: usize) -> String {
    (0..=random.below(3))
        .map(|_| directive(random, names, depth))
        .collect()
}

fn backend(random: &mut Random) -> &'static str {
    random.pick(&["@es@", "@es@", "@api@", "@api@", "@other@"])
}

fn password(matcher: &str) -> String {
    format!("\tbasicauth {matcher} {{\n\t\tu {HASH}\n\t}}\n")
}

fn directive(random: &mut Random, names: &[&str], depth: usize) -> String {
    let matcher = match random.below(3) {
        0 => random
            .pick(&["/es*", "/api/*", "*", "/a/b", "/es/*"])
            .to_owned(),
        1 if !names.is_empty() => format!("@{}", random.pick(names)),
        _ => String::new(),
    };
    let some = match matcher.as_str() {
        "" => "/login",
        other => other,
    };
    let backend = backend(random);
    match random.below(14) {
        0 => password(&matcher),
        1 => format!("\trespond {some} \"own\" 403\n"),
        2 => format!("\tredir {some} https://x.example/\n"),
        3 if depth < 2 => format!(
            "\thandle {matcher} {{\n{}\t}}\n",
            block(random, names, depth + 1)
        ),
        4 if depth < 2 => format!(
            "\troute {matcher} {{\n{}\t}}\n",
            block(random, names, depth + 1)
        ),
        5 if depth < 2 => format!(
            "\thandle_path {} {{\n{}\t}}\n",
            random.pick(&["/es/*", "/api/*"]),
            block(random, names, depth + 1)
        ),
        6 => format!("\tabort {some}\n"),
        7 => format!("\trewrite {some} /es{{uri}}\n"),
        8 => format!("\treverse_proxy {matcher} {{\n\t\tto {backend}\n\t}}\n"),
        9 => format!("\terror {some} 403\n"),
        10 => format!("\treverse_proxy {matcher} http://{backend}\n"),
        _ => format!("\treverse_proxy {matcher} {backend}\n"),
    }
}
