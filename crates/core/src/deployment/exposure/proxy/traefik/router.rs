//! A router: whom it lets in where, and to which service it leads.

use super::Traefik;

/// A rule that nobody wrote is made of a container's name.
pub(super) const LONGEST_RULE: u64 = 255;

/// One router.
pub(super) struct Router<'a> {
    pub(super) kind: Kind,
    /// The container of which labels define it.
    pub(super) container: Option<usize>,
    /// What defines it, and what it names without another one.
    pub(super) provider: &'static str,
    pub(super) entry_points: Option<Vec<&'a str>>,
    pub(super) has_tls: bool,
    pub(super) tls_options: Option<&'a str>,
    pub(super) middlewares: Vec<&'a str>,
    pub(super) priority: u64,
    /// Whether its rule fits some addresses of who comes in alone.
    pub(super) is_for_few: bool,
    /// With its provider.
    pub(super) service: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Http,
    Tcp,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
        }
    }
}

impl Traefik {
    /// Whether it asks those who come in for a certificate that it knows.
    pub(super) fn asks_for_certificate(&self, options: Option<&str>) -> bool {
        let name = options.unwrap_or("default");
        let name = name.split('@').next().unwrap_or(name).to_ascii_lowercase();
        let path = format!("tls.options.{name}.clientauth.clientauthtype");
        let told = self.own.get(&path);
        told.is_some_and(|told| told.eq_ignore_ascii_case("RequireAndVerifyClientCert"))
    }
}
