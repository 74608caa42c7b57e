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
    /// Whether it leaves TLS to the server.
    pub(super) passes_tls: bool,
    pub(super) tls_options: Option<&'a str>,
    /// The hosts that its rule names.
    pub(super) hosts: Vec<&'a str>,
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
    /// Whether it asks those who come in by a router, at an entry point with TLS, for a certificate that it knows.
    pub(super) fn asks_for_certificate(&self, router: &Router<'_>, entry_point: &str) -> bool {
        let asks = |name: &str| {
            let name = name.split('@').next().unwrap_or(name).to_ascii_lowercase();
            let path = format!("tls.options.{name}.clientauth.clientauthtype");
            let told = self.settings.dynamic.get(&path);
            told.is_some_and(|told| told.eq_ignore_ascii_case("RequireAndVerifyClientCert"))
        };
        let is_default = asks("default");
        let told = self.options(router, entry_point);
        // Hardly any Traefik asks for one, and thousands of routers may be compared with each other below.
        if router.passes_tls || is_default == told.map_or(is_default, asks) {
            return is_default && !router.passes_tls;
        }
        let is_other = |other: &Router<'_>| {
            let mut shared = other
                .hosts
                .iter()
                .filter(|host| router.hosts.contains(host));
            router.kind == other.kind
                && shared.next().is_some()
                && self.options(other, entry_point) != told
        };
        // Options are those of a host, and where two routers have others for it, the default ones count.
        let counts = router.kind == Kind::Tcp
            || !router.hosts.is_empty() && !self.dynamic.routers().any(|one| is_other(&one));
        // The two are different.
        if counts { !is_default } else { is_default }
    }

    /// The options that are meant for a router: an entry point has them for those without TLS of their own.
    fn options<'a>(&'a self, router: &Router<'a>, entry_point: &str) -> Option<&'a str> {
        match router.has_tls {
            true => router.tls_options,
            false => {
                let path = format!("entrypoints.{entry_point}.http.tls.options");
                self.settings.own.get(&path).map(String::as_str)
            }
        }
    }
}
