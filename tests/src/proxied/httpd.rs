//! Apache httpd: virtual hosts, ProxyPass, rewriting, and who is let in.

use super::{Kind, Setup};
use crate::generator::Random;

pub(super) const KIND: Kind = Kind {
    name: "httpd",
    image: "httpd:2",
    program: "apache2",
    generate: |random| Setup::of_file("/usr/local/apache2/conf/httpd.conf", generate(random)),
    before: "ServerRoot @here@
PidFile @here@/pid
ErrorLog @here@/error.log
Mutex default:@here@
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_host_module /usr/lib/apache2/modules/mod_authz_host.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule access_compat_module /usr/lib/apache2/modules/mod_access_compat.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_balancer_module /usr/lib/apache2/modules/mod_proxy_balancer.so
LoadModule slotmem_shm_module /usr/lib/apache2/modules/mod_slotmem_shm.so
LoadModule lbmethod_byrequests_module /usr/lib/apache2/modules/mod_lbmethod_byrequests.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
",
    arguments: |file| ["-X", "-f", file].map(str::to_owned).to_vec(),
    // SHA-1 of the password, as htpasswd writes it.
    password_file: || "u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=\n".to_owned(),
    has_to_settle: false,
};

const PATHS: [&str; 8] = [
    "/", "/es", "/es/", "/api", "/api/", "/files/", "/login", "/a/b",
];
/// `/es` itself, which is not below `/es/`, leads to a page that tells nothing.
const PLACES: [&str; 5] = ["/", "/es", "/api", "/login", "/a/b"];
/// Who is let in.
const LETS_IN: [&str; 16] = [
    "Require all granted",
    "Require all granted",
    "Require all denied",
    "Require valid-user",
    "Require user u",
    "Require ip 10.0.0.0/8",
    "Require not ip 10.0.0.0/8",
    "Require host example.org",
    "Require method GET",
    "<RequireAny>\nRequire ip 10.0.0.0/8\nRequire valid-user\n</RequireAny>",
    "<RequireAll>\nRequire all granted\nRequire not ip 10.0.0.0/8\n</RequireAll>",
    "<Limit POST>\nRequire valid-user\n</Limit>",
    "<LimitExcept GET>\nRequire all denied\n</LimitExcept>",
    "Order deny,allow\nDeny from all",
    "Order deny,allow\nDeny from all\nAllow from 10.0.0.0/8",
    "Order deny,allow\nDeny from all\nAllow from 10.0.0.0/8\nRequire valid-user\nSatisfy any",
];

fn generate(random: &mut Random) -> String {
    let ports: &[&str] = match random.below(3) {
        0 => &["@80@", "@8080@"],
        _ => &["@80@"],
    };
    let mut parts: Vec<String> = ports.iter().map(|port| format!("Listen {port}")).collect();
    parts.push("ServerName own".to_owned());
    if random.one_in(4) {
        parts.push(place(random));
    }
    if random.one_in(4) {
        parts.push(directive(random));
    }
    for _ in 0..=random.below(3) {
        let port = random.pick(ports);
        parts.push(format!("<VirtualHost *:{port}>"));
        parts.push(
            random
                .pick(&[
                    "",
                    "ServerName a.example",
                    "ServerName b.example\nServerAlias *.example",
                ])
                .to_owned(),
        );
        parts.extend((0..=random.below(2)).map(|_| directive(random)));
        parts.extend((0..random.below(3)).map(|_| place(random)));
        parts.push("</VirtualHost>".to_owned());
    }
    parts.join("\n") + "\n"
}

fn backend(random: &mut Random) -> &'static str {
    random.pick(&["@es@", "@es@", "@api@", "@api@", "@other@"])
}

fn place(random: &mut Random) -> String {
    let path = random.pick(&PLACES);
    let (kind, of) = match random.below(6) {
        0 => ("Proxy", "*".to_owned()),
        1 => ("Proxy", "http://@es@/*".to_owned()),
        2 => ("ProxyMatch", "^http://".to_owned()),
        3 => ("LocationMatch", format!("^{path}")),
        _ => ("Location", path.to_owned()),
    };
    let who = random.pick(&LETS_IN);
    let login = match who.contains("user") {
        true => {
            "AuthType Basic\nAuthName own\nAuthBasicProvider file\nAuthUserFile @here@/passwords\n"
        }
        false => "",
    };
    let pass = match kind == "Location" && random.one_in(3) {
        true => format!("\nProxyPass http://{}/", backend(random)),
        false => String::new(),
    };
    format!("<{kind} \"{of}\">\n{login}{who}{pass}\n</{kind}>")
}

fn directive(random: &mut Random) -> String {
    let path = random.pick(&PATHS);
    let backend = backend(random);
    match random.below(10) {
        0 => format!("ProxyPass \"{path}\" !"),
        1 => format!("RewriteEngine On\nRewriteRule ^{path}(.*)$ http://{backend}/$1 [P]"),
        2 => "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://own%{REQUEST_URI} [R=301,L]".to_owned(),
        3 => format!("Redirect {path} https://x.example/"),
        4 => format!("ProxyPassMatch \"^{path}(.*)$\" \"http://{backend}/$1\""),
        5 => format!(
            "<Proxy \"balancer://own\">\nBalancerMember http://{backend}\n</Proxy>\nProxyPass \"{path}\" \"balancer://own/\""
        ),
        _ => format!("ProxyPass \"{path}\" \"http://{backend}/\""),
    }
}
