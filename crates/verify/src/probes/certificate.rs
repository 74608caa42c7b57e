//! A certificate is not valid, or soon will not be.
//!
//! **What**: it has expired or does within three weeks, is for another name, is signed by nobody that this machine trusts, or
//! has a short key; or the server takes TLS 1.0 or 1.1, alone or beside newer ones.
//!
//! **Why**: browsers and agents refuse it, or people turn the check off; then an attacker in between can show another one.
//!
//! **Fix**: renew it, for the name in the address, from an authority that the machines trust. In nginx
//! `ssl_protocols TLSv1.2 TLSv1.3`. If an authority of your own signs it, `SSL_CERT_FILE=FILE clearml-verify …` trusts that one's
//! certificate in place of those that the machine trusts; `SSL_CERT_DIR` names a folder of them.
//!
//! **Asks**: a TLS handshake, over which nothing is sent, and the beginning of one in each old version.

use std::env;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use clearml_secure_core::setting::Server;
use clearml_secure_core::shown::escape;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::Probe;
use crate::finding::Severity;
use crate::live::{
    Failure, NoHandshake, OLD, Seen, Shown, Site, Trust, host, shake, takes, together,
};
use crate::words::and;

/// Clients refuse it.
const REFUSED: Severity = Severity::Error;
/// They will, or it can be broken with effort.
const SOON: Severity = Severity::Warning;

/// Three weeks, in seconds.
const NOTICE: i64 = 21 * 24 * 3600;

/// Fewer bits are refused by browsers.
const LEAST_RSA: usize = 2048;

const HELP: &str =
    "get a certificate for the name in the address, from an authority that your machines trust";

/// Many have an authority of their own, which their other machines know.
const HELP_AUTHORITY: &str = "if an authority of your own signed it, run this with its certificate: SSL_CERT_FILE=FILE clearml-verify …; \
     if not, get one from an authority that your machines trust";

/// Why nobody is trusted, of no fault of the server's.
fn no_authorities() -> String {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .into_iter()
        .find(|name| env::var_os(name).is_some());
    match named {
        Some(name) => format!("{name} leads to no certificate of an authority"),
        None => {
            "this machine has no certificates of authorities; in a container, mount /etc/ssl/certs"
                .to_owned()
        }
    }
}

const HELP_OLD: &str = "allow only TLS 1.2 and 1.3";

pub(crate) struct Certificate;

impl Probe for Certificate {
    fn id(&self) -> &'static str {
        "certificate"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        // That nothing answers is said already.
        if site.is_deserted {
            return;
        }
        let [web, api, files] = &site.named;
        let parts = [
            (Server::Webserver, site.web.as_ref()),
            (Server::Apiserver, site.api.as_ref()),
            (Server::Fileserver, site.files.as_ref()),
            // With a certificate that is no good no part is found.
            (Server::Webserver, Some(&site.target)),
            (Server::Webserver, web.as_ref()),
            (Server::Apiserver, api.as_ref()),
            (Server::Fileserver, files.as_ref()),
        ];
        let mut asked: Vec<(Server, String)> = Vec::new();
        for (server, address) in parts {
            let Some(address) = address.filter(|address| address.starts_with("https://")) else {
                continue;
            };
            let origin: Vec<&str> = address.splitn(4, '/').take(3).collect();
            let origin = origin.join("/");
            if !asked.iter().any(|(_, known)| *known == origin) {
                asked.push((server, origin));
            }
        }
        let shaken = together(&asked, |(_, origin)| {
            let shown = shake(&site.client, origin)?;
            // Of who speaks nothing newer, that is what is said.
            let old = together(&OLD, |(_, version)| takes(&site.client, origin, *version));
            Ok((shown, old))
        });
        for ((server, origin), shown) in asked.into_iter().zip(shaken) {
            match shown {
                Ok((shown, old)) => {
                    // One certificate is renewed once, whatever is wrong with it.
                    let wrong = wrong(&shown, host(&origin));
                    if let Some(worst) = wrong.iter().min_by_key(|one| one.severity) {
                        let what: Vec<&str> = wrong.iter().map(|one| one.what.as_str()).collect();
                        let message = format!("the certificate of {origin} {}", and(&what));
                        seen.found(worst.severity, server, message, worst.help);
                    }
                    if let Trust::NotKnown = shown.trust {
                        seen.unknown(
                            &format!("whether the certificate of {origin} is trusted"),
                            &no_authorities(),
                        );
                    }
                    self.old(server, &origin, old, seen);
                }
                Err(NoHandshake::Old(reason)) => seen.found(
                    REFUSED,
                    server,
                    format!(
                        "{origin} supports no TLS version newer than 1.1 ({})",
                        escape(&reason)
                    ),
                    HELP_OLD,
                ),
                Err(NoHandshake::Unreachable(failure)) => {
                    seen.unknown(
                        &format!("the certificate of {origin}"),
                        &failure.to_string(),
                    );
                }
            }
        }
    }
}

impl Certificate {
    /// Says which versions are taken that are out of use, beside newer ones.
    fn old(&self, server: Server, origin: &str, old: Vec<Result<bool, Failure>>, seen: &mut Seen) {
        let mut taken = Vec::new();
        for ((version, _), takes) in OLD.iter().zip(old) {
            match takes {
                Ok(true) => taken.push(*version),
                Ok(false) => {}
                Err(failure) => seen.unknown(
                    &format!("whether {origin} accepts TLS {version}"),
                    &failure.to_string(),
                ),
            }
        }
        if !taken.is_empty() {
            seen.found(
                // It takes somebody on the way, and a client that lets itself be talked down (RFC 8996).
                SOON,
                server,
                format!("{origin} accepts the outdated TLS {}", and(&taken)),
                HELP_OLD,
            );
        }
    }
}

/// Something that is wrong with a certificate.
struct Wrong {
    severity: Severity,
    what: String,
    help: &'static str,
}

impl Wrong {
    fn new(severity: Severity, what: impl Into<String>) -> Self {
        Self {
            severity,
            what: what.into(),
            help: HELP,
        }
    }
}

/// What is wrong with a certificate.
fn wrong(shown: &Shown, name: &str) -> Vec<Wrong> {
    let Ok((_, certificate)) = X509Certificate::from_der(&shown.certificate) else {
        return vec![Wrong::new(REFUSED, "cannot be read")];
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        });
    let ends = certificate.validity().not_after;
    let mut found = Vec::new();
    if ends.timestamp() < now {
        found.push(Wrong::new(REFUSED, format!("expired on {ends}")));
    } else if ends.timestamp() < now + NOTICE {
        found.push(Wrong::new(SOON, format!("expires on {ends}")));
    }
    if certificate.validity().not_before.timestamp() > now {
        let starts = certificate.validity().not_before;
        found.push(Wrong::new(REFUSED, format!("is not valid before {starts}")));
    }
    if !is_for(&certificate, name) {
        let others = match names(&certificate) {
            Some(names) => format!(" (only for {names})"),
            None => String::new(),
        };
        found.push(Wrong::new(REFUSED, format!("is not for {name}{others}")));
    }
    let refused = match &shown.trust {
        Trust::Refused(reason) => Some(reason),
        Trust::Given | Trust::NotKnown => None,
    };
    if certificate.issuer() == certificate.subject() && refused.is_some() {
        found.push(Wrong::new(REFUSED, "is self-signed"));
    }
    if let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed()
        && key.key_size() < LEAST_RSA
    {
        found.push(Wrong::new(
            SOON,
            format!("has a weak RSA key ({} bits)", key.key_size()),
        ));
    }
    // What is none of the above is somebody that this machine does not know.
    if let Some(reason) = refused.filter(|_| !found.iter().any(|one| one.severity == REFUSED)) {
        found.push(Wrong {
            help: HELP_AUTHORITY,
            ..Wrong::new(
                REFUSED,
                format!("is not trusted on this machine: {}", escape(reason)),
            )
        });
    }
    found
}

/// Whether a certificate names a host, by its alternative names; clients look at nothing else.
fn is_for(certificate: &X509Certificate<'_>, name: &str) -> bool {
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return false;
    };
    let address = name.parse::<IpAddr>().ok().map(|address| match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    });
    names
        .value
        .general_names
        .iter()
        .any(|general| match general {
            GeneralName::DNSName(pattern) => match pattern.strip_prefix("*.") {
                Some(domain) => name
                    .split_once('.')
                    .is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
                None => pattern.eq_ignore_ascii_case(name),
            },
            GeneralName::IPAddress(octets) => address.as_deref() == Some(*octets),
            _ => false,
        })
}

/// For whom a certificate is, in at most three names.
fn names(certificate: &X509Certificate<'_>) -> Option<String> {
    const MOST: usize = 3;
    let names = certificate.subject_alternative_name().ok()??;
    let names = names.value.general_names.iter();
    let names: Vec<&str> = names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if is_fit_to_be_shown(name) => Some(*name),
            _ => None,
        })
        .collect();
    let mut shown: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|&name| name.to_owned())
        .collect();
    let more = names.len() - shown.len();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    (!shown.is_empty()).then(|| and(&shown))
}

/// Whether a name is a host's and no more. A server could have put there what it was sent: no part of a name that is shown
/// is as long as a key.
fn is_fit_to_be_shown(name: &str) -> bool {
    const MOST: usize = 20;
    let is_label = |label: &str| {
        (1..=MOST).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let name = name.strip_prefix("*.").unwrap_or(name);
    name.split('.').count() <= 6 && name.split('.').all(is_label)
}
