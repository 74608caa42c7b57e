//! Requests that change nothing, with every answer bounded in time and size.

use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, http};
use zeroize::Zeroizing;

use super::Failure;
use super::slots::{Slot, Slots};

/// No more of an answer is read. Nothing is unpacked, so what is read is what was sent.
const LONGEST: u64 = 1 << 20;

/// Asks servers. Its copies share what is costly: the authorities that the system trusts.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    timeout: Duration,
    deadline: Instant,
    slots: Slots,
}

/// A connection for what is no HTTP, which counts as a request as long as it is there.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    _slot: Slot,
}

/// What a server answered. Its copies share the text, which may hold a token.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Arc<[(String, String)]>,
    body: Arc<Zeroizing<Vec<u8>>>,
}

impl Client {
    /// `timeout` bounds one request, `deadline` all of them; `jobs` are made at once.
    pub(crate) fn new(timeout: Duration, deadline: Instant, jobs: u16) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // As many connections are kept as requests may be under way: opening one takes longer than a question.
            .max_idle_connections(usize::from(jobs))
            .max_idle_connections_per_host(usize::from(jobs))
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
            slots: Slots::new(usize::from(jobs)),
        }
    }

    /// How long a request may take.
    pub(crate) fn timeout(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.timeout.min(left)
    }

    /// Whether there is no time left for any request.
    pub(crate) fn is_over(&self) -> bool {
        self.timeout().is_zero()
    }

    /// A connection to a port.
    pub(crate) fn connect(&self, host: &str, port: u16) -> Result<Connection, Failure> {
        let slot = self.slots.take();
        let timeout = self.timeout();
        let failed = |error: io::Error| Failure::new(error.to_string());
        let mut last = Failure::new(format!("{host} has no address"));
        for address in (host, port).to_socket_addrs().map_err(failed)? {
            let connected = TcpStream::connect_timeout(&address, timeout).and_then(|stream| {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                Ok(stream)
            });
            match connected {
                Ok(stream) => {
                    return Ok(Connection {
                        stream,
                        _slot: slot,
                    });
                }
                Err(error) => last = failed(error),
            }
        }
        Err(last)
    }

    /// Asks for an address. Redirects are answers.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        let mut request = http::Request::get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.call(request.body(()))
    }

    /// Sends nothing to an address: no text, and no word on what it would be. A file server has nothing to write then
    /// (docs/clearml.md#file-server-answers).
    pub(crate) fn post_nothing(&self, url: &str) -> Result<Answer, Failure> {
        let nothing: &[u8] = &[];
        self.call(http::Request::post(url).body(nothing))
    }

    fn call(
        &self,
        request: Result<http::Request<impl AsSendBody>, http::Error>,
    ) -> Result<Answer, Failure> {
        // To wait for others is no part of the time that the server has.
        let _slot = self.slots.take();
        let timeout = self.timeout();
        if timeout.is_zero() {
            return Err(Failure::new("the time for all requests is over"));
        }
        let request = request.map_err(|error| Failure::new(error.to_string()))?;
        let request = self.agent.configure_request(request);
        let request = request.timeout_global(Some(timeout)).build();
        let mut response = self.agent.run(request).map_err(|error| failure(&error))?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Zeroizing::new(Vec::new());
        let mut reader = response.body_mut().as_reader().take(LONGEST + 1);
        let read = reader.read_to_end(&mut body);
        read.map_err(|error| Failure::new(format!("its answer breaks off: {error}")))?;
        if body.len() as u64 > LONGEST {
            return Err(Failure::new("its answer is longer than 1 MiB"));
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body: Arc::new(body),
        })
    }
}

/// What went wrong, in words; no header of the request is in them.
fn failure(error: &ureq::Error) -> Failure {
    match error {
        ureq::Error::Timeout(_) => Failure::new("no answer in time"),
        ureq::Error::Io(inner) if inner.kind() == io::ErrorKind::ConnectionRefused => Failure {
            is_refused: true,
            ..Failure::new(error.to_string())
        },
        error => Failure::new(error.to_string()),
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
