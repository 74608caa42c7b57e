//! Why something could not be asked, in our own words: libraries put into theirs what a server has said.

use std::fmt;
use std::io;

use clearml_secure_core::shown::escape;
use rustls::{AlertDescription, CertificateError, Error};

/// Why something could not be asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(super) reason: String,
    kind: Kind,
    /// What was answered instead, where several addresses were asked.
    pub(super) answers: Vec<String>,
    /// The addresses at which nobody was.
    pub(super) tried: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Other,
    /// There is no such host.
    NoHost,
    /// Nobody listens there, which may be so for a moment only.
    Refused,
    /// Nobody takes the connection.
    Silent,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            kind: Kind::Other,
            answers: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// Nobody is at any of these addresses.
    pub(super) fn refused(reason: impl Into<String>, tried: Vec<String>) -> Self {
        Self {
            kind: Kind::Refused,
            tried,
            ..Self::new(reason)
        }
    }

    /// These were the answers at some addresses, and nobody is at the others.
    pub(super) fn answered(reason: String, answers: Vec<String>, tried: Vec<String>) -> Self {
        Self {
            answers,
            tried,
            ..Self::new(reason)
        }
    }

    /// Whether nobody is there.
    pub(crate) fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Whether nobody is there, now or later.
    pub(crate) fn is_nobody(&self) -> bool {
        matches!(self.kind, Kind::Refused | Kind::NoHost)
    }

    /// Whether nobody is there, as far as can be told from here.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.kind != Kind::Other
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.reason))
    }
}

impl Failure {
    /// What went wrong with a request.
    pub(super) fn of_request(error: &ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Failure::new("no answer in time"),
            ureq::Error::Io(error) => Failure::of_io(error),
            ureq::Error::HostNotFound => Self {
                kind: Kind::NoHost,
                ..Self::new("no such host")
            },
            ureq::Error::Rustls(error) => Self::new(words(error)),
            ureq::Error::Tls(_) | ureq::Error::TlsRequired => {
                Failure::new("the TLS handshake failed")
            }
            ureq::Error::Protocol(_) => Failure::new("it does not speak valid HTTP"),
            ureq::Error::LargeResponseHeader(..) => Failure::new("its header is too long"),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                Failure::new("the address is not valid")
            }
            _ => Failure::new("the request failed"),
        }
    }

    /// No time is left.
    pub(super) fn over() -> Self {
        Self::new("the time for all requests ran out")
    }

    /// What the operating system says, or what TLS does.
    pub(crate) fn of_io(error: &io::Error) -> Self {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::new(words(error));
        }
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => "connection refused",
            io::ErrorKind::ConnectionReset => "connection reset",
            io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => "connection closed",
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time",
            io::ErrorKind::HostUnreachable => "the host cannot be reached from here",
            io::ErrorKind::NetworkUnreachable => "the network cannot be reached from here",
            io::ErrorKind::AddrNotAvailable => "no such address here",
            // A text of the system's own; any other may quote the server.
            _ if error.raw_os_error().is_some() => &error.to_string(),
            _ => "the connection failed",
        };
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable => Kind::Refused,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::TimedOut => Kind::Silent,
            _ => Kind::Other,
        };
        Self {
            kind,
            ..Self::new(reason)
        }
    }
}

/// What is wrong with a handshake or a certificate, in words that quote nothing of the server's.
pub(super) fn words(error: &Error) -> String {
    let text = match error {
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it asks for a client certificate, and clearml-verify has none"
        }
        Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion,
        )
        | Error::PeerIncompatible(_) => "it supports no common TLS version or cipher",
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it has no certificate for this name"
        }
        Error::AlertReceived(_) => "it ends the TLS handshake",
        Error::InvalidCertificate(wrong) => certificate(wrong),
        Error::InvalidMessage(_) => "it does not speak TLS",
        Error::NoCertificatesPresented => "it sends no certificate",
        _ => "the TLS handshake failed",
    };
    text.to_owned()
}

fn certificate(wrong: &CertificateError) -> &'static str {
    match wrong {
        CertificateError::BadSignature => "the signature of the certificate is wrong",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name"
        }
        CertificateError::Revoked => "the certificate was revoked",
        CertificateError::UnknownIssuer => "the issuer of its certificate is unknown here",
        _ => "the certificate is not valid",
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn nothing_that_a_server_shows_is_in_the_words() {
        let name = ServerName::try_from("clearml.example.com")
            .unwrap()
            .to_owned();
        let other = CertificateError::NotValidForNameContext {
            expected: name,
            presented: vec!["MARKED.example.com".to_owned()],
        };
        let error = Error::InvalidCertificate(other);
        assert!(error.to_string().contains("MARKED"));
        assert_eq!(words(&error), "the certificate is for another name");
        let said = io::Error::other("MARKED");
        assert_eq!(Failure::of_io(&said).to_string(), "the connection failed");
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
        assert!(!Failure::of_io(&wrapped).to_string().contains("MARKED"));
        let request = ureq::Error::BadUri("MARKED".to_owned());
        assert!(!Failure::of_request(&request).to_string().contains("MARKED"));
    }

    #[test]
    fn nobody_there_is_no_failure_of_ours() {
        let of = |kind: io::ErrorKind| Failure::of_io(&io::Error::from(kind));
        assert!(of(io::ErrorKind::ConnectionRefused).is_refused());
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::NetworkUnreachable] {
            assert!(of(kind).is_unreachable() && !of(kind).is_nobody());
        }
        // No more files may be open, or no time is left.
        assert!(!Failure::of_io(&io::Error::from_raw_os_error(24)).is_unreachable());
        assert!(!Failure::over().is_unreachable());
    }
}
