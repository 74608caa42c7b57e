//! What a server's certificate says, whether it is any good or not.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::failure::words;
use super::{Client, Failure, host};
use crate::address::port;

/// What a server shows of itself in a handshake.
pub(crate) struct Shown {
    /// Its own certificate.
    pub(crate) certificate: CertificateDer<'static>,
    /// Whether this system trusts it.
    pub(crate) trust: Trust,
}

/// Whether a system trusts a certificate.
pub(crate) enum Trust {
    /// It does.
    Given,
    /// It does not: why.
    Refused(String),
    /// It knows no authority at all, as in an image from scratch.
    NotKnown,
}

/// Why there was no handshake.
pub(crate) enum NoHandshake {
    /// Nobody answers there, or not in time.
    Unreachable(Failure),
    /// It speaks no TLS that is still in use.
    Old(String),
}

/// Shakes hands with the server at an address, and looks.
pub(crate) fn shake(client: &Client, url: &str) -> Result<Shown, NoHandshake> {
    let unreachable = |reason: String| NoHandshake::Unreachable(Failure::new(reason));
    let name = host(url);
    let port = port(url).unwrap_or(443);
    let mut connected = client
        .connect(name, port)
        .map_err(NoHandshake::Unreachable)?;
    let provider = Arc::new(ring::default_provider());
    let server = ServerName::try_from(name.to_owned())
        .map_err(|_| unreachable(format!("no certificate can be for the name {name}")))?;
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything(Arc::clone(&provider))))
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), server.clone())
        .map_err(|error| unreachable(error.to_string()))?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut connected.stream) {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            return Err(match inner {
                Some(error) if is_old(error) => NoHandshake::Old(words(error)),
                _ => NoHandshake::Unreachable(Failure::of_io(&error)),
            });
        }
    }
    let shown = connection.peer_certificates().unwrap_or_default();
    let Some((certificate, others)) = shown.split_first() else {
        return Err(unreachable("it sends no certificate".to_owned()));
    };
    let trust = match Verifier::new(provider) {
        Err(_) => Trust::NotKnown,
        Ok(verifier) => {
            let now = UnixTime::now();
            match verifier.verify_server_cert(certificate, others, &server, &[], now) {
                Ok(_) => Trust::Given,
                Err(error) => Trust::Refused(words(&error)),
            }
        }
    };
    Ok(Shown {
        certificate: certificate.clone().into_owned(),
        trust,
    })
}

/// Whether a handshake ended because of the protocol's version.
fn is_old(error: &Error) -> bool {
    matches!(
        error,
        Error::AlertReceived(rustls::AlertDescription::ProtocolVersion)
            | Error::PeerIncompatible(_)
    )
}

/// Takes any certificate: it is looked at, and nothing is sent over the connection.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // With a key that is too short for this library nothing could be said of the certificate.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
