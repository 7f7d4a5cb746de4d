//! A server certificate for 127.0.0.1 and localhost, and the authority that signed it, as files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use net::tls::Authority;

/// The width of the lines of a PEM file: <https://www.rfc-editor.org/rfc/rfc7468#section-2>.
const LINE: usize = 64;

/// Paths of PEM files.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate, to be trusted by clients.
    pub authority: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's key (PKCS #8).
    pub key: PathBuf,
}

impl Certificates {
    /// Makes them in `folder`, signed by a new authority.
    pub fn make(folder: &Path) -> Result<Self> {
        let authority = Authority::ephemeral()?;
        let (chain, key) = authority.issue(&["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        let made = Self {
            authority: folder.join("authority.pem"),
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
        };
        let chain: String = chain
            .iter()
            .map(|certificate| pem("CERTIFICATE", certificate))
            .collect();
        fs::write(&made.authority, authority.certificate_pem())?;
        fs::write(&made.certificate, chain)?;
        fs::write(&made.key, pem("PRIVATE KEY", key.secret_der()))?;
        Ok(made)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push('\n');
    pem + &format!("-----END {label}-----\n")
}
