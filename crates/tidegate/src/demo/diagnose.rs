//! From what was seen to the hops of the path: which did its part, which broke, and what to do.

use mysql_client::LoginError;
use mysql_proto::HandshakeError;
use std::time::Duration;

use super::client::ClientError;
use super::report::{Hop, State};

/// What was seen.
#[derive(Debug)]
pub(super) struct Facts {
    /// Where the edge listens, or why it does not.
    pub(super) edge: Result<String, String>,
    pub(super) pool: PoolFacts,
    pub(super) tunnel: TunnelFacts,
    /// The connector's only rule, for example `tcp://127.0.0.1:4000`.
    pub(super) ingress: String,
    pub(super) database: DatabaseFacts,
    /// What asking through the path gave; `None`: it was not tried.
    pub(super) through: Option<Result<(), ClientError>>,
}

/// The pool of the hyperdrive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PoolFacts {
    pub(super) max: usize,
    pub(super) open: usize,
    pub(super) idle: usize,
}

/// The tunnel, as edge and connector see it.
#[derive(Clone, Debug, Default)]
pub(super) struct TunnelFacts {
    /// Connections that are registered.
    pub(super) connections: usize,
    /// The connector's id and release.
    pub(super) connector: Option<String>,
    /// The shortest round trip of its connections.
    pub(super) rtt: Option<Duration>,
    /// Why a connection is down.
    pub(super) reason: Option<String>,
}

/// The database, as asked directly.
#[derive(Debug)]
pub(super) struct DatabaseFacts {
    pub(super) address: String,
    pub(super) description: String,
    /// Whether the user named it.
    pub(super) is_given: bool,
    /// Its version.
    pub(super) version: Result<String, ClientError>,
}

/// Where an error that came through the path arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    Edge,
    Pool,
    Tunnel,
    Connector,
    Database,
}

/// The path from the client to the database.
pub(super) fn path(facts: &Facts) -> Vec<Hop> {
    let through = facts
        .through
        .as_ref()
        .and_then(|result| result.as_ref().err());
    let failed = |blame| through.filter(|error| blamed(error) == blame);
    let mut hops = vec![
        hop(
            "client",
            "this process, as any MySQL client would".to_owned(),
        ),
        edge(facts, failed(Blame::Edge)),
        pool(facts, failed(Blame::Pool)),
        tunnel(facts, failed(Blame::Tunnel)),
        connector(facts, failed(Blame::Connector)),
        database(facts, failed(Blame::Database)),
    ];
    if facts.edge.is_err() {
        // They were not even started.
        for hop in hops
            .iter_mut()
            .filter(|hop| ["pool", "tunnel"].contains(&hop.name))
        {
            *hop = self::hop(hop.name, "not started".to_owned());
        }
    }
    // Beyond a break nothing was tried by way of the path; a hop may still be known to be broken.
    let broken = hops.iter().position(|hop| hop.state == State::Failed);
    for hop in hops.iter_mut().skip(broken.map_or(usize::MAX, |at| at + 1)) {
        if hop.state == State::Ok {
            hop.state = State::NotReached;
        }
    }
    hops
}

/// By the codes that the edge gives its own errors.
fn blamed(error: &ClientError) -> Blame {
    match error.code() {
        // Without a code the connection to the edge itself failed.
        Some(1040 | 1045 | 1049 | 1053) | None => Blame::Edge,
        Some(1203) => Blame::Pool,
        Some(1477 | 1158) => Blame::Tunnel,
        Some(1429) => Blame::Connector,
        Some(_) => Blame::Database,
    }
}

fn hop(name: &'static str, detail: String) -> Hop {
    Hop {
        name,
        state: State::Ok,
        detail,
        remedy: None,
    }
}

fn broken(name: &'static str, detail: String, remedy: &str) -> Hop {
    Hop {
        name,
        state: State::Failed,
        detail,
        remedy: Some(remedy.to_owned()),
    }
}

fn edge(facts: &Facts, error: Option<&ClientError>) -> Hop {
    const NAME: &str = "edge";
    match (&facts.edge, error) {
        (Err(error), _) => broken(
            NAME,
            error.clone(),
            "free the address, or name another one with --listen 127.0.0.1:0",
        ),
        (Ok(address), Some(error)) => broken(
            NAME,
            format!("listens on {address}, but: {error}"),
            "run again with TIDEGATE_LOG=debug to see what the edge says",
        ),
        (Ok(address), None) => hop(NAME, format!("listens on {address} for MySQL clients")),
    }
}

fn pool(facts: &Facts, error: Option<&ClientError>) -> Hop {
    const NAME: &str = "pool";
    let PoolFacts { max, open, idle } = facts.pool;
    if let Some(error) = error {
        let remedy = "allow more origin connections with --pool-max";
        return broken(NAME, error.to_string(), remedy);
    }
    let hyperdrive = format!("hyperdrive demo, at most {max} origin connections");
    hop(NAME, format!("{hyperdrive}; {open} open, {idle} idle"))
}

fn tunnel(facts: &Facts, error: Option<&ClientError>) -> Hop {
    const NAME: &str = "tunnel";
    const REMEDY: &str = "let UDP through on 127.0.0.1, or see TIDEGATE_LOG=debug";
    let TunnelFacts {
        connections,
        rtt,
        reason,
        ..
    } = &facts.tunnel;
    if *connections == 0 {
        let reason = reason.as_deref().unwrap_or("no connector came");
        return broken(
            NAME,
            format!("no connection is registered: {reason}"),
            REMEDY,
        );
    }
    if let Some(error) = error {
        return broken(NAME, error.to_string(), REMEDY);
    }
    let rtt = rtt.map_or_else(String::new, |rtt| {
        format!(", round trip {:.2} ms", rtt.as_secs_f64() * 1000.0)
    });
    hop(
        NAME,
        format!("demo, {connections} connections over QUIC{rtt}"),
    )
}

fn connector(facts: &Facts, error: Option<&ClientError>) -> Hop {
    const NAME: &str = "connector";
    let ingress = &facts.ingress;
    // It cannot reach a database that nobody reaches.
    if let Some(error) = error.filter(|_| facts.database.version.is_ok()) {
        return broken(
            NAME,
            format!("ingress {ingress}, but: {error}"),
            "the database answers when it is asked directly: see TIDEGATE_LOG=debug",
        );
    }
    let who = facts.tunnel.connector.as_deref();
    let who = who.map_or_else(String::new, |who| format!("{who}; "));
    hop(NAME, format!("{who}ingress {ingress}, nothing else"))
}

fn database(facts: &Facts, error: Option<&ClientError>) -> Hop {
    const NAME: &str = "database";
    let DatabaseFacts {
        address,
        description,
        version,
        ..
    } = &facts.database;
    let error = error.or_else(|| version.as_ref().err());
    match (version, error) {
        (Ok(version), None) => hop(NAME, format!("{version} on {address}; {description}")),
        (_, Some(error)) => broken(
            NAME,
            format!("{address}: {error}"),
            remedy(error, facts.database.is_given),
        ),
        (Err(_), None) => hop(NAME, address.clone()),
    }
}

fn remedy(error: &ClientError, is_given: bool) -> &'static str {
    match error {
        _ if !is_given => "give a database of your own with --origin mysql://user:password@host/db",
        ClientError::Dial(_) | ClientError::Timeout => {
            "see that the database runs, and that host and port of --origin are right"
        }
        ClientError::Refused(error) if error.code == 1045 || error.code == 1698 => {
            "correct user and password of --origin; percent-encode / ? # @ : and % in them"
        }
        ClientError::Refused(error) if error.code == 1044 || error.code == 1049 => {
            "correct the database of --origin, or leave it out"
        }
        ClientError::Refused(error) if error.code == 1130 => {
            "allow the database's user to come from this machine"
        }
        ClientError::Login(LoginError::Handshake(HandshakeError::TlsUnavailable)) => {
            "the database has no TLS: if the network to it is private, add --origin-tls disabled"
        }
        ClientError::Tls(_) => "see that --origin-tls fits the database's certificate",
        _ => "see what the database's log says",
    }
}

#[cfg(test)]
mod tests;
