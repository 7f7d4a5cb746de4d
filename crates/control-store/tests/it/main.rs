//! The store over real files: what survives a restart, and what is refused.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, also in its helpers"
)]

mod declaring;
mod opening;
mod secrets;

use std::path::Path;

use control_store::Store;
use domain::{
    Address, CachePolicy, DeclaredHyperdrive, DeclaredOrigin, DeclaredTunnel, DeclaredVia,
    ExposeSecret as _, Hyperdrive, Limits, OriginTls, PoolPolicy, SecretString, Snapshot, Tunnel,
};
use rusqlite::Connection;

fn hyperdrive(name: &str) -> DeclaredHyperdrive {
    DeclaredHyperdrive {
        name: name.to_owned(),
        user: format!("{name}-user"),
        password: None,
        origin: DeclaredOrigin {
            address: Address::new("db", 4000),
            via: DeclaredVia::Direct,
            tls: OriginTls::Required,
            user: "root".to_owned(),
            password: SecretString::from("hunter2"),
            database: Some("shop".to_owned()),
        },
        pool: PoolPolicy::default(),
        limits: Limits::default(),
        cache: CachePolicy::default(),
    }
}

fn tunnel(name: &str) -> DeclaredTunnel {
    DeclaredTunnel::new(name)
}

fn found<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Hyperdrive {
    snapshot
        .hyperdrives()
        .find(|hyperdrive| hyperdrive.name == name)
        .unwrap()
}

fn found_tunnel<'a>(snapshot: &'a Snapshot, name: &str) -> &'a Tunnel {
    snapshot
        .tunnels()
        .find(|tunnel| tunnel.name == name)
        .unwrap()
}

fn password(snapshot: &Snapshot, name: &str) -> String {
    found(snapshot, name)
        .credentials
        .password
        .expose_secret()
        .to_owned()
}

fn secret(snapshot: &Snapshot, name: &str) -> Vec<u8> {
    found_tunnel(snapshot, name).secret.expose_secret().to_vec()
}

/// A store that declares one hyperdrive and one tunnel, closed again.
fn filled(folder: &Path) -> Snapshot {
    let mut store = Store::open(folder).unwrap();
    store
        .declare(&[hyperdrive("app")], &[tunnel("office")])
        .unwrap()
}

/// The database, behind the store's back.
fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("tidegate.db")).unwrap()
}
