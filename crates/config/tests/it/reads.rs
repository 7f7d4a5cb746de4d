//! What good files mean.

use std::path::PathBuf;
use std::time::Duration;

use config::{ConfigError, ConnectorCredentials, LogFormat, TlsMode};
use domain::{
    Address, CachePolicy, DeclaredVia, ExposeSecret as _, Follow, Keep, OriginTls, Service,
    TableRule,
};

use super::{accepted, env, read};

#[test]
fn an_edge_of_few_keys_has_defaults() {
    let config = accepted("[edge]\n[[edge.hyperdrives]]\nname = 'app'\norigin = 'mysql://u@db'\n");
    assert_eq!(config.log.level, "info");
    assert!(config.connector.is_none());
    let edge = config.edge.unwrap();
    assert_eq!(edge.state_dir, PathBuf::from("etc/tidegate-state"));
    assert_eq!(edge.listen.to_string(), "127.0.0.1:3306");
    assert_eq!(edge.tls.mode, TlsMode::Optional);
    let hyperdrive = &edge.hyperdrives[0];
    assert_eq!(hyperdrive.user, "app");
    assert!(hyperdrive.password.is_none());
    assert_eq!(hyperdrive.pool, domain::PoolPolicy::default());
    assert_eq!(hyperdrive.limits, domain::Limits::default());
    let cache = CachePolicy {
        enabled: false,
        ..CachePolicy::default()
    };
    assert_eq!(hyperdrive.cache, cache);
    assert_eq!(hyperdrive.origin.address, Address::new("db", 3306));
    assert_eq!(hyperdrive.origin.tls, OriginTls::Required);
}

/// Every key, each with a value that is not its default where it can have another.
const EVERY_KEY: &str = r#"
[log]
level = "debug"
format = "json"
[edge]
state_dir = "/var/lib/tidegate"
listen = "0.0.0.0:1"
tunnel_listen = "[::1]:2"
admin_listen = "127.0.0.1:3"
server_version = "9.0.0"
max_clients = 7
login_timeout = "1s"
drain_timeout = "250ms"
[edge.tls]
mode = "required"
cert_file = "cert.pem"
key_file = "/key.pem"
[[edge.tunnels]]
name = "office"
id = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
secret = "${TUNNEL_SECRET}"
account = "acme"
[[edge.hyperdrives]]
name = "app"
user = "clients"
password = "local"
origin = "mysql://root:${DB_PASSWORD}@10.0.0.5:4000/shop"
tunnel = "office"
tls = "verify-identity"
[edge.hyperdrives.pool]
min = 1
max = 1
max_waiting = 0
wait_timeout = "2s"
connect_timeout = "3s"
idle_timeout = "4s"
max_lifetime = "5s"
max_statements = 6
[edge.hyperdrives.limits]
max_user_connections = 7
query_timeout = "8s"
transaction_timeout = "9s"
idle_transaction_timeout = "10s"
[edge.hyperdrives.cache]
enabled = true
max_age = "11s"
stale_while_revalidate = "12s"
max_bytes = "13MiB"
max_entry_bytes = "14kB"
follow = "binlog"
[[edge.hyperdrives.cache.tables]]
table = "shop.sessions"
never = true
[[edge.hyperdrives.cache.tables]]
table = "countries"
max_age = "1h"
[connector]
edge = ["a:1", "[::1]:2"]
token = "${TUNNEL_TOKEN}"
ca_file = "ca.pem"
connections = 2
grace_period = "1m"
admin_listen = "127.0.0.1:4"
[[connector.ingress]]
service = "tcp://10.0.0.5:4000"
"#;

#[test]
fn every_key_of_the_edge_arrives() {
    let config = accepted(EVERY_KEY);
    assert_eq!(
        (config.log.level.as_str(), config.log.format),
        ("debug", LogFormat::Json)
    );
    let edge = config.edge.unwrap();
    assert_eq!(edge.state_dir, PathBuf::from("/var/lib/tidegate"));
    assert_eq!(edge.listen.port(), 1);
    assert_eq!(edge.tunnel_listen.unwrap().port(), 2);
    assert_eq!(edge.admin_listen.unwrap().port(), 3);
    assert_eq!(
        (edge.server_version.as_str(), edge.max_clients),
        ("9.0.0", 7)
    );
    assert_eq!(edge.login_timeout, Duration::from_secs(1));
    assert_eq!(edge.drain_timeout, Duration::from_millis(250));
    assert_eq!(edge.tls.mode, TlsMode::Required);
    let certificate = edge.tls.certificate.unwrap();
    assert_eq!(certificate.cert_file, PathBuf::from("etc/cert.pem"));
    assert_eq!(certificate.key_file, PathBuf::from("/key.pem"));

    let tunnel = &edge.tunnels[0];
    assert_eq!(
        (tunnel.name.as_str(), tunnel.account.0.as_str()),
        ("office", "acme")
    );
    assert_eq!(
        tunnel.id.unwrap().to_string(),
        "6ff42ae2-765d-4adf-8112-31c55c1551ef"
    );
    assert_eq!(tunnel.secret.as_ref().unwrap().expose_secret(), [0; 32]);
}

#[test]
fn every_key_of_a_hyperdrive_arrives() {
    let edge = accepted(EVERY_KEY).edge.unwrap();
    let app = &edge.hyperdrives[0];
    assert_eq!((app.name.as_str(), app.user.as_str()), ("app", "clients"));
    assert_eq!(app.password.as_ref().unwrap().expose_secret(), "local");
    assert_eq!(app.origin.password.expose_secret(), "hunter2");
    assert_eq!(app.origin.user, "root");
    assert_eq!(app.origin.database.as_deref(), Some("shop"));
    assert_eq!(app.origin.address, Address::new("10.0.0.5", 4000));
    assert_eq!(app.origin.via, DeclaredVia::Tunnel("office".to_owned()));
    assert_eq!(
        app.origin.tls,
        OriginTls::VerifyIdentity { roots_pem: None }
    );
    assert_eq!((app.pool.min, app.pool.max), (1, 1));
    assert_eq!((app.pool.max_waiting, app.pool.max_statements), (0, 6));
    assert_eq!(app.limits.max_user_connections, Some(7));
    let limits = [
        app.limits.query_timeout,
        app.limits.transaction_timeout,
        app.limits.idle_transaction_timeout,
    ];
    assert_eq!(limits, [8, 9, 10].map(Duration::from_secs).map(Some));
    let times = [
        app.pool.wait_timeout,
        app.pool.connect_timeout,
        app.pool.idle_timeout,
        app.pool.max_lifetime,
    ];
    assert_eq!(times, [2, 3, 4, 5].map(Duration::from_secs));
}

#[test]
fn every_key_of_the_cache_arrives() {
    let edge = accepted(EVERY_KEY).edge.unwrap();
    let expected = CachePolicy {
        enabled: true,
        max_age: Duration::from_secs(11),
        stale_while_revalidate: Duration::from_secs(12),
        max_bytes: 13 << 20,
        max_entry_bytes: 14_000,
        follow: Follow::Binlog,
        rules: vec![
            TableRule {
                database: Some("shop".to_owned()),
                table: "sessions".to_owned(),
                keep: Keep::Never,
            },
            TableRule {
                database: None,
                table: "countries".to_owned(),
                keep: Keep::For(Duration::from_secs(3_600)),
            },
        ],
    };
    assert_eq!(edge.hyperdrives[0].cache, expected);
}

#[test]
fn a_cache_takes_its_limits() {
    let app = "[edge]\n[[edge.hyperdrives]]\nname='app'\norigin='mysql://u@db'\n";
    for keys in [
        "enabled=true, max_age='1h', stale_while_revalidate='60m'",
        "enabled=true, max_age='1ms', stale_while_revalidate='0h'",
        "enabled=true, max_bytes='1MiB'",
        "enabled=true, max_bytes='1024GiB', max_entry_bytes='50MB', follow='nothing'",
        "enabled=true, max_bytes='2MB', max_entry_bytes='2MB'",
        "enabled=true, tables=[{table='a.t', never=true}, {table='t', never=false, max_age='5s'}]",
        // What is off may be described all the same.
        "max_age='5s', follow='binlog', tables=[{table='t', never=true}]",
    ] {
        let edge = accepted(&format!("{app}cache={{ {keys} }}\n"))
            .edge
            .unwrap();
        let cache = &edge.hyperdrives[0].cache;
        assert_eq!(cache.enabled, keys.contains("enabled"), "{keys}");
    }
}

#[test]
fn every_key_of_the_connector_arrives() {
    let connector = accepted(EVERY_KEY).connector.unwrap();
    assert_eq!(
        connector.edge,
        [Address::new("a", 1), Address::new("::1", 2)]
    );
    assert!(matches!(
        connector.credentials,
        ConnectorCredentials::Token(_)
    ));
    assert_eq!(connector.ca_file, Some(PathBuf::from("etc/ca.pem")));
    assert_eq!(connector.connections, 2);
    assert_eq!(connector.grace_period, Duration::from_secs(60));
    assert_eq!(connector.admin_listen.unwrap().port(), 4);
    assert_eq!(
        connector.ingress[0].service,
        Service::Tcp(Address::new("10.0.0.5", 4000))
    );
}

#[test]
fn zero_stands_for_no_limit() {
    let config = accepted(
        "[edge]\n[[edge.hyperdrives]]\nname='app'\norigin='mysql://u@db'\n\
         [edge.hyperdrives.limits]\nmax_user_connections=0\nquery_timeout='0ms'\n\
         transaction_timeout='0s'\nidle_transaction_timeout='0h'\n",
    );
    let limits = config.edge.unwrap().hyperdrives[0].limits;
    assert_eq!(
        limits,
        domain::Limits {
            max_user_connections: None,
            query_timeout: None,
            transaction_timeout: None,
            idle_transaction_timeout: None,
        }
    );
}

/// TiDB Cloud shares one address between clusters, and tells them apart by a prefix of the user.
#[test]
fn the_prefix_of_an_origins_user_is_no_part_of_the_local_credentials() {
    let config = accepted(
        "[edge]\n[[edge.hyperdrives]]\nname='app'\norigin='mysql://3pTAoNNegb47Uc8.root:x@db:4000/test'\n",
    );
    let app = &config.edge.unwrap().hyperdrives[0];
    assert_eq!(app.origin.user, "3pTAoNNegb47Uc8.root");
    assert_eq!(app.user, "app");
    assert!(app.password.is_none());
}

#[test]
fn nothing_secret_is_in_debug() {
    let config = accepted(
        "[edge]\ntunnel_listen='127.0.0.1:1'\n[[edge.tunnels]]\nname='t'\nsecret='${TUNNEL_SECRET}'\n\
         [[edge.hyperdrives]]\nname='app'\npassword='swordfish'\norigin='mysql://u:${DB_PASSWORD}@db'\n\
         [connector]\nedge=['a:1']\ntoken='sesame'\n[[connector.ingress]]\nservice='tcp://db:1'\n",
    );
    let debug = format!("{config:?}");
    for secret in ["swordfish", "hunter2", "sesame", "[0, 0"] {
        assert!(!debug.contains(secret), "{secret}: {debug}");
    }
}

#[test]
fn origin_tls_depends_on_the_way() {
    for (origin, tunnel, expected) in [
        ("mysql://u@db", "", OriginTls::Required),
        ("mysql://u@10.0.0.5", "", OriginTls::Required),
        ("mysql://u@db", "tunnel = 't'", OriginTls::Disabled),
        ("mysql://u@127.0.0.1", "", OriginTls::Disabled),
        ("mysql://u@127.3.2.1", "", OriginTls::Disabled),
        ("mysql://u@[::1]", "", OriginTls::Disabled),
        ("mysql://u@LOCALHOST", "", OriginTls::Disabled),
        ("mysql://u@localhost.example.com", "", OriginTls::Required),
        (
            "mysql://u@127.0.0.1",
            "tls = 'verify-ca'",
            OriginTls::VerifyCa { roots_pem: None },
        ),
    ] {
        let config = accepted(&format!(
            "[edge]\ntunnel_listen='127.0.0.1:1'\n[[edge.tunnels]]\nname='t'\n\
             [[edge.hyperdrives]]\nname='app'\norigin='{origin}'\n{tunnel}\n"
        ));
        let edge = config.edge.unwrap();
        assert_eq!(
            edge.hyperdrives[0].origin.tls, expected,
            "{origin} {tunnel}"
        );
    }
}

#[test]
fn the_log_variable_overrides_the_file() {
    let env = |name: &str| (name == config::LOG_VARIABLE).then(|| "trace".to_owned());
    let text = "[log]\nlevel = 'warn'\n[edge]\n";
    let config = config::Config::from_toml(text, "t.toml", &env).unwrap();
    assert_eq!(config.log.level, "trace");
    let empty = |_: &str| Some(String::new());
    let config = config::Config::from_toml(text, "t.toml", &empty).unwrap();
    assert_eq!(config.log.level, "warn");
}

#[test]
fn port_0_may_be_listened_on_twice() {
    assert!(read("[edge]\nlisten='127.0.0.1:0'\nadmin_listen='127.0.0.1:0'\n").is_ok());
}

#[test]
fn files_are_found_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidegate.toml");
    std::fs::write(
        &file,
        "[edge]\n[[edge.hyperdrives]]\nname='app'\norigin='mysql://u@db'\ntls='verify-ca'\nca_file='ca.pem'\n",
    )
    .unwrap();
    let error = config::Config::from_file(&file).unwrap_err();
    assert!(matches!(error, ConfigError::Invalid(_)));
    assert!(
        error
            .to_string()
            .contains(":6:9: edge.hyperdrives[0].ca_file: cannot read"),
        "{error}"
    );

    std::fs::write(folder.path().join("ca.pem"), "not one").unwrap();
    let error = config::Config::from_file(&file).unwrap_err().to_string();
    assert!(error.contains("holds no PEM certificate"), "{error}");

    let pem = "-----BEGIN CERTIFICATE-----\n";
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let edge = config::Config::from_file(&file).unwrap().edge.unwrap();
    let roots_pem = Some(pem.to_owned());
    assert_eq!(
        edge.hyperdrives[0].origin.tls,
        OriginTls::VerifyCa { roots_pem }
    );
    assert_eq!(edge.state_dir, folder.path().join("tidegate-state"));
}

#[test]
fn a_missing_file_is_named() {
    let error = config::Config::from_file("nowhere/tidegate.toml".as_ref()).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }));
    assert!(error.to_string().contains("nowhere/tidegate.toml"));
}

#[test]
fn variables_reach_every_text() {
    let config = accepted(
        "[edge]\n[[edge.hyperdrives]]\nname='a${DB_PASSWORD}'\npassword='$${x}'\norigin='mysql://u@db'\n",
    );
    let edge = config.edge.unwrap();
    assert_eq!(edge.hyperdrives[0].name, "ahunter2");
    assert_eq!(
        edge.hyperdrives[0]
            .password
            .as_ref()
            .unwrap()
            .expose_secret(),
        "${x}"
    );
    assert!(env("x").is_none());
}
