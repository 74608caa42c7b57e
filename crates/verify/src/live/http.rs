//! Requests that change nothing, with every answer bounded in time and size, and all of them in number and pace.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, http};
use zeroize::Zeroizing;

use super::answer::LONGEST;
use super::candidates::origin;
use super::loose::{Served, served};
use super::names::Names;
use super::pace::{Pace, Refusal};
use super::slots::{Slot, Slots};
use super::{Answer, Failure, host};

/// No server is sent more requests, whatever it answers.
pub(crate) const MOST_REQUESTS: u32 = 200;

/// A longer header is none that ClearML's servers send.
const LONGEST_HEADER: usize = 32 << 10;

/// Asks servers. Its copies share what is costly: the authorities that the system trusts.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    /// Makes a connection for each request.
    alone: Agent,
    config: Config,
    names: Names,
    bounds: Bounds,
    pace: Arc<Pace>,
    slots: Slots,
    /// How many requests the server was sent.
    sent: Arc<AtomicU32>,
}

/// What the user allows.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Of one request.
    pub(crate) timeout: Duration,
    /// Of all of them.
    pub(crate) deadline: Instant,
    /// How many are made at once.
    pub(crate) jobs: u16,
    /// How many are made in a second to one host, if the user has said it.
    pub(crate) rate: Option<f64>,
}

/// A connection for what is no HTTP, which counts as a request as long as it is there.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    _slot: Slot,
}

impl Client {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let jobs = usize::from(bounds.jobs);
        let kept = config(jobs);
        let names = Names::default();
        Self {
            agent: agent(&kept, &names),
            alone: agent(&config(0), &names),
            config: kept,
            names,
            bounds,
            pace: Arc::new(Pace::new(bounds.rate)),
            slots: Slots::new(jobs),
            sent: Arc::default(),
        }
    }

    /// The same for a server of its own, whose requests are counted apart.
    pub(crate) fn for_a_server(&self) -> Self {
        Self {
            sent: Arc::default(),
            ..self.clone()
        }
    }

    /// The same for another address of each name, which is a server of its own.
    pub(crate) fn at(&self, place: usize) -> Self {
        let names = self.names.at(place);
        Self {
            // Connections to another address are not used again.
            agent: agent(&self.config, &names),
            alone: agent(&config(0), &names),
            names,
            ..self.for_a_server()
        }
    }

    /// The same on a new connection for each request: a load balancer may lead each to another server.
    pub(crate) fn afresh(&self) -> Self {
        Self {
            agent: self.alone.clone(),
            ..self.clone()
        }
    }

    /// How long so many requests to one host take, for the pauses between them.
    pub(crate) fn pauses(rate: Option<f64>, requests: u32) -> Duration {
        Pace::takes(rate, requests)
    }

    /// How long a request may take.
    pub(crate) fn timeout(&self) -> Duration {
        let left = self
            .bounds
            .deadline
            .saturating_duration_since(Instant::now());
        self.bounds.timeout.min(left)
    }

    /// Whether there is no time left for any request.
    pub(crate) fn is_over(&self) -> bool {
        self.timeout().is_zero()
    }

    /// All addresses of a host.
    pub(crate) fn addresses(&self, host: &str) -> Result<Arc<[IpAddr]>, Failure> {
        self.names.all(host)
    }

    /// The one that is asked.
    pub(crate) fn address(&self, host: &str) -> Result<IpAddr, Failure> {
        self.names.one(host)
    }

    /// A connection to a port of a host, at the address that is asked.
    pub(crate) fn connect(&self, host: &str, port: u16) -> Result<Connection, Failure> {
        self.connect_to(host, SocketAddr::new(self.names.one(host)?, port))
    }

    /// A connection to a port of an address of a host.
    pub(crate) fn connect_to(&self, host: &str, to: SocketAddr) -> Result<Connection, Failure> {
        let slot = self.turn(host, &to.to_string(), false)?;
        let timeout = self.timeout();
        if timeout.is_zero() {
            return Err(Failure::over());
        }
        let connected = TcpStream::connect_timeout(&to, timeout).and_then(|stream| {
            stream.set_read_timeout(Some(timeout))?;
            stream.set_write_timeout(Some(timeout))?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => Ok(Connection {
                stream,
                _slot: slot,
            }),
            Err(error) => Err(Failure::of_io(&error)),
        }
    }

    /// Asks for an address. Redirects are answers.
    pub(crate) fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.call(url, with(http::Request::get(url), headers).body(()))
    }

    /// Asks for a document in JSON at an address, and says what it gives away. `is_ours` knows a text with a secret of the
    /// user's own.
    pub(crate) fn document(
        &self,
        url: &str,
        is_ours: &dyn Fn(&str) -> bool,
    ) -> Result<(Answer, Served), Failure> {
        self.read(url, http::Request::get(url).body(()), |answer, text| {
            let served = served(text, is_ours);
            (answer, served)
        })
    }

    /// Sends a document in JSON to an address.
    pub(crate) fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        document: &str,
    ) -> Result<Answer, Failure> {
        let request = with(http::Request::post(url), headers);
        let request = request.header("Content-Type", "application/json");
        self.call(url, request.body(document.as_bytes()))
    }

    /// Sends nothing to an address: no text, and no word on what it would be. A file server has nothing to write then
    /// (docs/clearml.md#file-server-answers).
    pub(crate) fn post_nothing(&self, url: &str) -> Result<Answer, Failure> {
        let nothing: &[u8] = &[];
        self.call(url, http::Request::post(url).body(nothing))
    }

    /// Asks for what a file server never does (docs/clearml.md#file-server-answers), with nothing to be written.
    pub(crate) fn put_nothing(&self, url: &str) -> Result<Answer, Failure> {
        let nothing: &[u8] = &[];
        self.call(url, http::Request::put(url).body(nothing))
    }

    /// Waits until a request may be made: one more to this server and to this host, and one more at all.
    fn turn(&self, host: &str, server: &str, with_keys: bool) -> Result<Slot, Failure> {
        if self.sent.fetch_add(1, Ordering::Relaxed) >= MOST_REQUESTS {
            return Err(Failure::new(format!(
                "it was sent {MOST_REQUESTS} requests, the most that are sent to one server"
            )));
        }
        self.pace
            .wait(host, server, with_keys, self.bounds.deadline)?;
        // To wait for others is no part of the time that the server has.
        Ok(self.slots.take())
    }

    fn call(
        &self,
        url: &str,
        request: Result<http::Request<impl AsSendBody>, http::Error>,
    ) -> Result<Answer, Failure> {
        self.read(url, request, |answer, _| answer)
    }

    /// Makes a request, and takes of the answer what is of interest.
    fn read<T>(
        &self,
        url: &str,
        request: Result<http::Request<impl AsSendBody>, http::Error>,
        take: impl FnOnce(Answer, &[u8]) -> T,
    ) -> Result<T, Failure> {
        let request = request.map_err(|_| Failure::new("the address is not valid"))?;
        let with_keys = request.headers().contains_key(http::header::AUTHORIZATION);
        let server = origin(url);
        let _slot = self.turn(host(url), server, with_keys)?;
        let timeout = self.timeout();
        if timeout.is_zero() {
            return Err(Failure::over());
        }
        let request = self.agent.configure_request(request);
        let request = request.timeout_global(Some(timeout)).build();
        let mut response = self
            .agent
            .run(request)
            .map_err(|error| Failure::of_request(&error))?;
        // As large as it may become: a buffer that grows leaves copies.
        let mut body = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        let mut reader = response.body_mut().as_reader().take(LONGEST as u64 + 1);
        let read = reader.read_to_end(&mut body);
        read.map_err(|error| {
            let reason = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => Failure::of_request(error).reason,
                None => Failure::of_io(&error).reason,
            };
            Failure::new(format!("its answer is incomplete: {reason}"))
        })?;
        let status = response.status().as_u16();
        if status == http::StatusCode::TOO_MANY_REQUESTS {
            self.pace.enough(server, Refusal::Everything);
        }
        let answer = Answer::of(status, response.headers(), &body);
        if with_keys && answer.head.wants_login {
            self.pace.enough(server, Refusal::Keys);
        }
        Ok(take(answer, &body))
    }
}

fn agent(config: &Config, names: &Names) -> Agent {
    Agent::with_parts(config.clone(), DefaultConnector::default(), names.clone())
}

/// How a server is asked, with so many connections kept that are not in use.
fn config(kept: usize) -> Config {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        // As many connections are kept as requests may be under way: opening one takes longer than a question.
        .max_idle_connections(kept)
        .max_idle_connections_per_host(kept)
        .max_redirects_will_error(false)
        .max_response_header_size(LONGEST_HEADER)
        .input_buffer_size(LONGEST_HEADER)
        .output_buffer_size(LONGEST_HEADER)
        // A server of one's own is asked directly.
        .proxy(None)
        .tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .build(),
        )
        // Nothing is unpacked, and without this a server may send what it likes.
        .accept_encoding("identity")
        .user_agent(concat!("clearml-verify/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn with(request: http::request::Builder, headers: &[(&str, &str)]) -> http::request::Builder {
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}
