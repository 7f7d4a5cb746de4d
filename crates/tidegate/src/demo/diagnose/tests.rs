//! Each way in which the path can break, and where the tree says so.

use mysql_proto::ErrPacket;
use net::{DialError, DialErrorKind};

use super::*;

fn working() -> Facts {
    Facts {
        edge: Ok("127.0.0.1:3307".to_owned()),
        pool: PoolFacts {
            max: 20,
            open: 1,
            idle: 1,
        },
        tunnel: TunnelFacts {
            connections: 4,
            connector: Some("tidegate 0.1.0".to_owned()),
            rtt: Some(Duration::from_micros(340)),
            reason: None,
        },
        ingress: "tcp://127.0.0.1:4000".to_owned(),
        database: DatabaseFacts {
            address: "127.0.0.1:4000".to_owned(),
            description: "given by --origin".to_owned(),
            is_given: true,
            version: Ok("8.0.11-TiDB-v8.5.0".to_owned()),
        },
        through: Some(Ok(())),
    }
}

fn refused(code: u16) -> ClientError {
    ClientError::Refused(ErrPacket::new(code, *b"HY000", "no"))
}

fn unreachable() -> ClientError {
    DialError::new(DialErrorKind::OriginUnreachable, "cannot connect").into()
}

/// The states, one letter each: ok, failed, not reached.
fn states(facts: &Facts) -> String {
    let letter = |hop: &Hop| match hop.state {
        State::Ok => 'o',
        State::Failed => 'F',
        State::NotReached => '.',
    };
    path(facts).iter().map(letter).collect()
}

#[test]
fn a_path_that_works_tells_its_figures() {
    let path = path(&working());
    let names: Vec<&str> = path.iter().map(|hop| hop.name).collect();
    assert_eq!(
        names,
        ["client", "edge", "pool", "tunnel", "connector", "database"]
    );
    assert_eq!(states(&working()), "oooooo");
    assert_eq!(
        path[3].detail,
        "demo, 4 connections over QUIC, round trip 0.34 ms"
    );
    assert!(path[5].detail.contains("TiDB-v8.5.0"), "{:?}", path[5]);
}

#[test]
fn a_database_that_is_down_is_not_blamed_on_the_path() {
    let mut facts = working();
    facts.database.version = Err(unreachable());
    facts.through = None;
    assert_eq!(states(&facts), "oooooF");
    facts.through = Some(Err(refused(1429)));
    assert_eq!(states(&facts), "oooooF");
    let remedy = path(&facts)[5].remedy.clone().unwrap();
    assert!(remedy.contains("host and port"), "{remedy}");
}

#[test]
fn codes_of_the_edge_tell_the_hop() {
    for (code, expected) in [
        (1045, "oF...."),
        (1203, "ooF..."),
        (1477, "oooF.."),
        (1429, "ooooF."),
        (1146, "oooooF"),
    ] {
        let mut facts = working();
        facts.through = Some(Err(refused(code)));
        assert_eq!(states(&facts), expected, "{code}");
    }
}

#[test]
fn without_an_edge_or_a_tunnel_nothing_is_reached() {
    let mut facts = working();
    facts.through = None;
    facts.tunnel = TunnelFacts {
        reason: Some("timed out".to_owned()),
        ..TunnelFacts::default()
    };
    assert_eq!(states(&facts), "oooF..");
    assert!(path(&facts)[3].detail.contains("timed out"));
    facts.edge = Err("address in use".to_owned());
    assert_eq!(states(&facts), "oF....");
}

#[test]
fn every_failure_says_what_to_do() {
    let failures = [
        refused(1045),
        refused(1049),
        refused(1130),
        refused(1105),
        unreachable(),
        ClientError::Timeout,
        LoginError::from(HandshakeError::TlsUnavailable).into(),
    ];
    let mut remedies = Vec::new();
    for error in failures {
        let mut facts = working();
        facts.database.version = Err(error);
        facts.through = None;
        remedies.push(path(&facts)[5].remedy.clone().unwrap());
    }
    assert!(remedies[0].contains("password"), "{remedies:?}");
    assert!(
        remedies[6].contains("--origin-tls disabled"),
        "{remedies:?}"
    );
    remedies.sort();
    remedies.dedup();
    assert_eq!(remedies.len(), 6, "{remedies:?}");
}
