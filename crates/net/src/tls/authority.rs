//! A private certificate authority, made when an edge first starts: nobody can get public
//! certificates for the names that connectors check (`quic.cftunnel.com`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca.key";

/// A private certificate authority whose key is on this machine only.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    certificate_pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// Why the authority could not be opened or made, or did not sign.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is there, but is not what it should be.
    #[error("{path} is not a PEM file of a certificate authority made by tidegate: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Sign(#[from] rcgen::Error),
}

impl Authority {
    /// Opens the authority in `dir` (`ca.pem`, `ca.key`), or makes one there.
    pub fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let key_path = dir.join(KEY_FILE);
        let certificate_path = dir.join(CERTIFICATE_FILE);
        if !key_path.exists() {
            let (made, key_pem) = Self::make()?;
            write_private(&key_path, &key_pem)?;
            write(&certificate_path, &made.certificate_pem)?;
            return Ok(made);
        }
        let key_pem = read(&key_path)?;
        let key = KeyPair::from_pem(&key_pem).map_err(|error| malformed(&key_path, error))?;
        let issuer = CertifiedIssuer::self_signed(authority_params(), key)?;
        if !certificate_path.exists() {
            // Lost, or the first start was cut short: one of the same name and key does as well.
            write(&certificate_path, &issuer.pem())?;
        }
        // The certificate on disk is the one that connectors were given; ours has the same name and
        // key, so what it signs verifies under either.
        let certificate_pem = read(&certificate_path)?;
        CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| malformed(&certificate_path, error))?;
        Ok(Self {
            issuer,
            certificate_pem,
        })
    }

    /// Makes an authority that lives as long as the process, for a path on one machine.
    pub fn ephemeral() -> Result<Self, AuthorityError> {
        Self::make().map(|(authority, _)| authority)
    }

    fn make() -> Result<(Self, String), AuthorityError> {
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let issuer = CertifiedIssuer::self_signed(authority_params(), key)?;
        let certificate_pem = issuer.pem();
        let authority = Self {
            issuer,
            certificate_pem,
        };
        Ok((authority, key_pem))
    }

    /// The authority's certificate, which peers are given to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Signs a server certificate for `names` (DNS names and IP addresses) with a new key.
    pub fn issue(
        &self,
        names: &[String],
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "tidegate edge");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok((vec![leaf.der().clone()], key))
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "tidegate local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn malformed(path: &Path, reason: impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Malformed {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

fn read(path: &Path) -> Result<String, AuthorityError> {
    fs::read_to_string(path).map_err(|source| AuthorityError::File {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), AuthorityError> {
    fs::write(path, text).map_err(|source| AuthorityError::File {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file that only its owner can read, from its first byte on.
fn write_private(path: &Path, text: &str) -> Result<(), AuthorityError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|source| AuthorityError::File {
        path: path.to_owned(),
        source,
    })?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(|source| AuthorityError::File {
        path: path.to_owned(),
        source,
    })
}
