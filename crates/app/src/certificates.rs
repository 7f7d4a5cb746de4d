//! The certificates that an edge presents: to MySQL clients, and to connectors.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use config::{CertificateFiles, EdgeTls};
use mysql_proxy::TlsMode;
use net::tls::{Authority, server_config};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// TLS towards MySQL clients, by a certificate from files or from the local authority.
pub(crate) fn mysql_tls(
    tls: &EdgeTls,
    authority: &Authority,
    listen: SocketAddr,
) -> Result<TlsMode> {
    if tls.mode == config::TlsMode::Off {
        return Ok(TlsMode::Off);
    }
    let (chain, key) = match &tls.certificate {
        Some(files) => read(files)?,
        None => authority.issue(&names(listen))?,
    };
    let config = Arc::new(server_config(chain, key, &[]).context("edge.tls cannot be used")?);
    Ok(match tls.mode {
        config::TlsMode::Required => TlsMode::Required(config),
        _ => TlsMode::Optional(config),
    })
}

/// What clients on this machine call the edge. Others need a certificate from files to verify it.
fn names(listen: SocketAddr) -> Vec<String> {
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    let address = listen.ip().to_string();
    if !listen.ip().is_unspecified() && !names.contains(&address) {
        names.push(address);
    }
    names
}

fn read(
    files: &CertificateFiles,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let chain = CertificateDer::pem_slice_iter(&read(&files.cert_file)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} is not PEM", files.cert_file.display()))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key_file)?)
        .with_context(|| format!("{} holds no PEM private key", files.key_file.display()))?;
    Ok((chain, key))
}
