//! What the edge demands of an origin, by [`OriginTls`] mode.

use std::sync::Arc;

use domain::OriginTls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
    WantsVerifier,
};
use tokio_rustls::TlsConnector;

use super::provider;
use crate::BoxStream;

/// TLS towards one origin, made once per hyperdrive.
#[derive(Clone)]
pub struct ClientTls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientTls")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why TLS towards an origin cannot be set up, or failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientTlsError {
    /// The host cannot stand in a certificate.
    #[error("`{0}` is neither a DNS name nor an IP address")]
    Name(String),
    /// The file of authorities is not PEM, or holds no certificate.
    #[error("the authorities to trust are not PEM certificates: {0}")]
    Roots(String),
    /// rustls refused the configuration.
    #[error(transparent)]
    Config(#[from] rustls::Error),
    /// The handshake failed.
    #[error("TLS handshake failed: {0}")]
    Handshake(#[from] std::io::Error),
}

impl ClientTls {
    /// Makes the configuration for `mode`; `None` when the mode is [`OriginTls::Disabled`].
    pub fn new(mode: &OriginTls, host: &str) -> Result<Option<Self>, ClientTlsError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?;
        let config = match mode {
            OriginTls::Disabled => return Ok(None),
            OriginTls::Required => with_any_name(builder, None),
            OriginTls::VerifyCa { roots_pem } => {
                with_any_name(builder, Some(roots(roots_pem.as_deref())?))
            }
            OriginTls::VerifyIdentity { roots_pem } => {
                let roots = Arc::new(roots(roots_pem.as_deref())?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
                    .build()
                    .map_err(|error| ClientTlsError::Roots(error.to_string()))?;
                builder.with_webpki_verifier(verifier).with_no_client_auth()
            }
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| ClientTlsError::Name(host.to_owned()))?;
        Ok(Some(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        }))
    }

    /// Does the handshake over `stream`.
    pub async fn connect(&self, stream: BoxStream) -> Result<BoxStream, ClientTlsError> {
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        Ok(Box::new(stream))
    }
}

fn with_any_name(
    builder: ConfigBuilder<ClientConfig, WantsVerifier>,
    roots: Option<RootCertStore>,
) -> ClientConfig {
    let provider = provider();
    builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyName { roots, provider }))
        .with_no_client_auth()
}

fn roots(pem: Option<&str>) -> Result<RootCertStore, ClientTlsError> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = pem else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| ClientTlsError::Roots(error.to_string()))?;
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        return Err(ClientTlsError::Roots("no certificate in it".to_owned()));
    }
    Ok(roots)
}

/// `required` and `verify-ca`: whatever name the certificate carries.
#[derive(Debug)]
struct AnyName {
    /// Who must have signed it. `None`: whoever answers, as MySQL's mode `REQUIRED`.
    roots: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
