//! Requests that change nothing, with every answer bounded in time and size.

use std::io::Read;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::Failure;

/// No more of an answer is read. Nothing is unpacked, so what is read is what was sent.
const LONGEST: u64 = 1 << 20;

/// Asks servers. Its copies share what is costly: the authorities that the system trusts.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    timeout: Duration,
    deadline: Instant,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Client {
    /// `timeout` bounds one request, `deadline` all of them.
    pub(crate) fn new(timeout: Duration, deadline: Instant) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A server of one's own is asked directly.
            .proxy(None)
            .tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::PlatformVerifier)
                    .build(),
            )
            .user_agent(concat!("clearml-verify/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self {
            agent,
            timeout,
            deadline,
        }
    }

    /// How long a request may take.
    pub(crate) fn timeout(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.timeout.min(left)
    }

    /// A connection for what is no HTTP.
    pub(crate) fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Failure> {
        let timeout = self.timeout();
        let failed = |error: std::io::Error| Failure(error.to_string());
        let mut last = Failure(format!("{host} has no address"));
        for address in (host, port).to_socket_addrs().map_err(failed)? {
            let connected = TcpStream::connect_timeout(&address, timeout).and_then(|stream| {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                Ok(stream)
            });
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = failed(error),
            }
        }
        Err(last)
    }

    /// Asks for an address. Redirects are answers.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let timeout = self.timeout();
        if timeout.is_zero() {
            return Err(Failure("the time for all requests is over".to_owned()));
        }
        let mut request = self.agent.get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let failed = |error: ureq::Error| Failure(reason(&error));
        let request = request.config().timeout_global(Some(timeout)).build();
        let mut response = request.call().map_err(failed)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Vec::new();
        let mut reader = response.body_mut().as_reader().take(LONGEST + 1);
        let read = reader.read_to_end(&mut body);
        read.map_err(|error| Failure(format!("its answer breaks off: {error}")))?;
        if body.len() as u64 > LONGEST {
            return Err(Failure("its answer is longer than 1 MiB".to_owned()));
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body,
        })
    }
}

/// What went wrong, in words; no header of the request is in them.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        error => error.to_string(),
    }
}

impl Answer {
    /// The first header of a name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        let (_, value) = all.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Every header of a name.
    pub(crate) fn headers_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.headers.iter();
        all.filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the API server says went wrong.
    pub(crate) fn message(&self) -> String {
        let text = &self.json()["meta"]["result_msg"];
        text.as_str().unwrap_or_default().to_owned()
    }
}

/// The host of an address, without its port.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    }
}

/// Whether an address is on this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = if url.parse::<std::net::Ipv6Addr>().is_ok() {
        url
    } else {
        host(url)
    };
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        for (url, name, is_here) in [
            ("http://localhost:8008", "localhost", true),
            ("https://127.0.0.9/api", "127.0.0.9", true),
            ("http://[::1]:8008/x", "::1", true),
            (
                "http://localhost.example.com",
                "localhost.example.com",
                false,
            ),
            ("http://127.0.0.1@example.com/", "example.com", false),
            ("https://10.0.0.1", "10.0.0.1", false),
        ] {
            assert_eq!((host(url), is_loopback(url)), (name, is_here), "{url}");
        }
    }
}
