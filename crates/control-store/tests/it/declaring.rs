//! What is made, kept, replaced and removed as declarations change.

use std::time::Duration;

use control_store::{Store, StoreError};
use domain::{
    AccountTag, CachePolicy, DeclaredVia, ExposeSecret as _, Follow, Keep, Limits, OriginTls,
    PoolPolicy, SecretSlice, SecretString, TableRule, TunnelId, Via,
};

use super::{filled, found, found_tunnel, hyperdrive, password, secret, tunnel};

fn rule(database: Option<&str>, table: &str, keep: Keep) -> TableRule {
    TableRule {
        database: database.map(str::to_owned),
        table: table.to_owned(),
        keep,
    }
}

#[test]
fn everything_declared_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let id = TunnelId::random();
    let mut office = tunnel("office");
    office.id = Some(id);
    office.account = AccountTag("acme".to_owned());
    office.secret = Some(SecretSlice::from(vec![5; 40]));
    let mut app = hyperdrive("app");
    app.password = Some(SecretString::from("local"));
    app.origin.via = DeclaredVia::Tunnel("office".to_owned());
    app.origin.tls = OriginTls::VerifyIdentity {
        roots_pem: Some("PEM".to_owned()),
    };
    app.origin.database = None;
    app.pool = PoolPolicy {
        min: 10,
        max: 1,
        max_waiting: 2,
        wait_timeout: Duration::from_millis(3),
        connect_timeout: Duration::from_millis(4),
        idle_timeout: Duration::from_millis(5),
        max_lifetime: Duration::from_millis(6),
        max_statements: 9,
    };
    app.limits = Limits {
        max_user_connections: Some(11),
        query_timeout: Some(Duration::from_millis(12)),
        transaction_timeout: Some(Duration::from_millis(13)),
        idle_transaction_timeout: Some(Duration::from_millis(14)),
    };
    app.cache = CachePolicy {
        enabled: false,
        max_age: Duration::from_millis(7),
        stale_while_revalidate: Duration::from_millis(8),
        max_bytes: 15,
        max_entry_bytes: 16,
        follow: Follow::Binlog,
        rules: vec![
            rule(Some("shop"), "sessions", Keep::Never),
            rule(None, "countries", Keep::For(Duration::from_millis(17))),
        ],
    };
    store.declare(&[app.clone()], &[office]).unwrap();
    drop(store);

    let snapshot = Store::open(folder.path()).unwrap().snapshot().unwrap();
    let stored = snapshot.hyperdrive_of_user("app-user").unwrap();
    assert_eq!(stored.name, "app");
    assert_eq!(stored.credentials.password.expose_secret(), "local");
    assert_eq!((stored.pool, &stored.cache), (app.pool, &app.cache));
    assert_eq!(stored.limits, app.limits);
    assert_eq!(stored.origin.address, app.origin.address);
    assert_eq!(stored.origin.via, Via::Tunnel(id));
    assert_eq!(stored.origin.tls, app.origin.tls);
    assert_eq!(stored.origin.user, "root");
    assert_eq!(stored.origin.password.expose_secret(), "hunter2");
    assert_eq!(stored.origin.database, None);
    let stored = snapshot.tunnel(id).unwrap();
    assert_eq!(
        (stored.name.as_str(), stored.account.0.as_str()),
        ("office", "acme")
    );
    assert_eq!(stored.secret.expose_secret(), [5; 40]);
}

#[test]
fn no_limit_is_not_a_limit_of_zero() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let mut app = hyperdrive("app");
    app.limits = Limits {
        max_user_connections: None,
        query_timeout: None,
        transaction_timeout: None,
        idle_transaction_timeout: None,
    };
    let snapshot = store.declare(std::slice::from_ref(&app), &[]).unwrap();
    assert_eq!(found(&snapshot, "app").limits, app.limits);
}

/// What is not kept at all is another thing than what is kept for no time.
#[test]
fn rules_of_tables_are_replaced_with_their_hyperdrive_and_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let (mut a, mut b) = (hyperdrive("a"), hyperdrive("b"));
    a.cache.rules = (0..20)
        .rev()
        .map(|n| rule(None, &format!("t{n}"), Keep::Never))
        .collect();
    b.cache.rules = vec![rule(Some("d"), "t", Keep::For(Duration::ZERO))];
    let snapshot = store.declare(&[a.clone(), b.clone()], &[]).unwrap();
    assert_eq!(found(&snapshot, "a").cache, a.cache);
    assert_eq!(found(&snapshot, "b").cache, b.cache);

    a.cache.rules = vec![rule(None, "other", Keep::Never)];
    let snapshot = store.declare(std::slice::from_ref(&a), &[]).unwrap();
    assert_eq!(found(&snapshot, "a").cache, a.cache);
    let snapshot = store.declare(&[hyperdrive("b")], &[]).unwrap();
    assert!(found(&snapshot, "b").cache.rules.is_empty());
}

#[test]
fn every_mode_of_tls_survives() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    for tls in [
        OriginTls::Disabled,
        OriginTls::Required,
        OriginTls::VerifyCa { roots_pem: None },
        OriginTls::VerifyCa {
            roots_pem: Some("PEM".to_owned()),
        },
        OriginTls::VerifyIdentity { roots_pem: None },
    ] {
        let mut app = hyperdrive("app");
        app.origin.tls = tls.clone();
        let snapshot = store.declare(&[app], &[]).unwrap();
        assert_eq!(found(&snapshot, "app").origin.tls, tls);
    }
}

#[test]
fn what_was_made_is_kept_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let first = filled(folder.path());
    assert_eq!(password(&first, "app").len(), 32);
    assert!(
        password(&first, "app")
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
    );
    assert_eq!(secret(&first, "office").len(), 32);
    let second = filled(folder.path());
    assert_eq!(password(&first, "app"), password(&second, "app"));
    assert_eq!(found(&first, "app").id, found(&second, "app").id);
    assert_eq!(secret(&first, "office"), secret(&second, "office"));
    assert_eq!(
        found_tunnel(&first, "office").id,
        found_tunnel(&second, "office").id
    );
}

#[test]
fn each_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let snapshot = store
        .declare(
            &[hyperdrive("a"), hyperdrive("b")],
            &[tunnel("s"), tunnel("t")],
        )
        .unwrap();
    assert_ne!(password(&snapshot, "a"), password(&snapshot, "b"));
    assert_ne!(found(&snapshot, "a").id, found(&snapshot, "b").id);
    assert_ne!(secret(&snapshot, "s"), secret(&snapshot, "t"));
}

#[test]
fn what_is_no_longer_declared_is_gone_with_all_that_was_made_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = filled(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    let empty = store.declare(&[], &[]).unwrap();
    assert_eq!(
        (empty.hyperdrives().count(), empty.tunnels().count()),
        (0, 0)
    );
    drop(store);
    let again = filled(folder.path());
    assert_ne!(password(&first, "app"), password(&again, "app"));
    assert_ne!(secret(&first, "office"), secret(&again, "office"));
}

#[test]
fn another_name_is_another_hyperdrive_even_with_the_same_user() {
    let folder = tempfile::tempdir().unwrap();
    let first = filled(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    let mut renamed = hyperdrive("app");
    renamed.name = "shop".to_owned();
    let second = store.declare(&[renamed], &[]).unwrap();
    assert_eq!(second.hyperdrives().count(), 1);
    assert_ne!(found(&first, "app").id, found(&second, "shop").id);
    assert_ne!(password(&first, "app"), password(&second, "shop"));
}

#[test]
fn users_can_be_exchanged() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let (mut a, mut b) = (hyperdrive("a"), hyperdrive("b"));
    let before = store.declare(&[a.clone(), b.clone()], &[]).unwrap();
    std::mem::swap(&mut a.user, &mut b.user);
    let after = store.declare(&[a, b], &[]).unwrap();
    assert_eq!(found(&after, "a").credentials.user, "b-user");
    assert_eq!(password(&after, "a"), password(&before, "a"));
}

#[test]
fn a_declared_password_wins_and_is_forgotten_with_its_declaration() {
    let folder = tempfile::tempdir().unwrap();
    let made = password(&filled(folder.path()), "app");
    let mut store = Store::open(folder.path()).unwrap();
    let mut declared = hyperdrive("app");
    declared.password = Some(SecretString::from("leaked"));
    let snapshot = store.declare(&[declared], &[]).unwrap();
    assert_eq!(password(&snapshot, "app"), "leaked");
    let snapshot = store.declare(&[hyperdrive("app")], &[]).unwrap();
    assert_ne!(password(&snapshot, "app"), "leaked");
    assert_ne!(password(&snapshot, "app"), made);
}

#[test]
fn a_declared_tunnel_id_replaces_the_one_that_was_made() {
    let folder = tempfile::tempdir().unwrap();
    let first = filled(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    let mut office = tunnel("office");
    office.id = Some(TunnelId::random());
    let mut app = hyperdrive("app");
    app.origin.via = DeclaredVia::Tunnel("office".to_owned());
    let second = store
        .declare(&[app], std::slice::from_ref(&office))
        .unwrap();
    assert_eq!(found_tunnel(&second, "office").id, office.id.unwrap());
    assert_eq!(
        found(&second, "app").origin.via,
        Via::Tunnel(office.id.unwrap())
    );
    // The secret was made for the name, and goes on to be good.
    assert_eq!(secret(&first, "office"), secret(&second, "office"));
}

#[test]
fn a_wrong_declaration_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let before = filled(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    let mut lost = hyperdrive("lost");
    lost.origin.via = DeclaredVia::Tunnel("nowhere".to_owned());
    let error = store.declare(&[lost], &[]).unwrap_err();
    assert!(matches!(error, StoreError::UnknownTunnel(name) if name == "nowhere"));
    let error = store
        .declare(&[hyperdrive("x"), hyperdrive("x")], &[])
        .unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(_)), "{error:?}");
    let after = store.snapshot().unwrap();
    assert_eq!(password(&before, "app"), password(&after, "app"));
    assert_eq!(after.tunnels().count(), 1);
}

#[test]
fn a_tunnel_is_found_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = filled(folder.path());
    let store = Store::open(folder.path()).unwrap();
    let office = store.tunnel("office").unwrap();
    assert_eq!(office.id, found_tunnel(&snapshot, "office").id);
    assert_eq!(office.secret.expose_secret(), secret(&snapshot, "office"));
    assert!(matches!(
        store.tunnel("home"),
        Err(StoreError::UnknownTunnel(_))
    ));
}

#[test]
fn edge_keys_are_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let reset = store.edge_key("stateless-reset").unwrap();
    assert_eq!(reset.expose_secret().len(), 32);
    assert_ne!(
        store.edge_key("token").unwrap().expose_secret(),
        reset.expose_secret()
    );
    drop(store);
    let mut store = Store::open(folder.path()).unwrap();
    store.declare(&[], &[]).unwrap();
    assert_eq!(
        store.edge_key("stateless-reset").unwrap().expose_secret(),
        reset.expose_secret()
    );
}
