//! Servers that are no ClearML servers, or no honest ones: what each does, and what must be said of it.

mod echo;
mod posing;
pub(crate) mod server;
mod transport;

use server::Serve;

/// One way to be hostile.
pub struct Hostile {
    pub name: &'static str,
    serve: Serve,
    /// The rules of the findings that are right; each once or more often, and no other.
    pub finds: &'static [&'static str],
    /// Parts of what must be among that which was not checked.
    pub unknown: &'static [&'static str],
}

/// What is not known of something that is no part of a ClearML server.
const NO_PART: &[&str] = &[
    "the API server of",
    "the file server of",
    "the web server of",
];

/// What a server that plays ClearML has all the same: it refuses the keys at its files, and knows no users.
const AS_IT_COMES: &[&str] = &["keys-not-applied", "open-login"];

impl Hostile {
    /// Something in which no part of a ClearML server is to be seen.
    const fn nobody(name: &'static str, serve: Serve) -> Self {
        Self {
            name,
            serve,
            finds: &[],
            unknown: NO_PART,
        }
    }

    /// Something that plays ClearML, of which this is not known.
    const fn playing(name: &'static str, serve: Serve, unknown: &'static [&'static str]) -> Self {
        Self {
            name,
            serve,
            finds: AS_IT_COMES,
            unknown,
        }
    }

    /// Starts it; it runs as long as the test. The answer is its address.
    pub fn start(&self) -> String {
        server::start(self.serve)
    }
}

/// All of them.
pub fn all() -> Vec<&'static Hostile> {
    [transport::ALL, posing::ALL, echo::ALL].concat()
}
