//! The client role against what real servers have sent: whole, split at every byte, cut at every
//! byte.

use bytes::BytesMut;
use mysql_proto::{
    AuthSwitchRequest, Capabilities, ClientConfig, ClientEvent, ClientHandshake, DecodeError,
    Greeting, HandshakeError, HandshakeResponse,
};

use crate::golden::{MARIADB_10_11, MYSQL_9_7, Said, Server, TIDB_8_5, payloads};

const HEADER_LEN: usize = mysql_proto::HEADER_LEN;

/// What came of a login.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused(u16),
    Failed(HandshakeError),
}

fn config(user: &str, password: &str) -> ClientConfig {
    ClientConfig {
        user: user.to_owned(),
        password: password.into(),
        database: None,
        collation: 45,
        capabilities: Capabilities::LONG_PASSWORD
            | Capabilities::TRANSACTIONS
            | Capabilities::DEPRECATE_EOF,
        attributes: Vec::new(),
        tls: false,
        transport_is_private: true,
    }
}

/// Plays the server's packets, each after what the client had said before it, in pieces of `piece`
/// bytes. The client must say what it said when the capture was made.
fn play(config: ClientConfig, login: &[Said], piece: usize) -> Outcome {
    let mut client = ClientHandshake::new(config);
    let (mut input, mut out) = (BytesMut::new(), Vec::new());
    for said in login {
        if !said.by_server {
            check_said(&client, &std::mem::take(&mut out), &said.bytes);
            continue;
        }
        for bytes in said.bytes.chunks(piece) {
            input.extend_from_slice(bytes);
            match client.input(&mut input, &mut out) {
                Ok(ClientEvent::NeedInput) => {}
                Ok(ClientEvent::EncryptPassword {
                    public_key_pem,
                    message,
                }) => {
                    assert!(public_key_pem.starts_with("-----BEGIN PUBLIC KEY-----"));
                    assert_eq!(message.len(), "secret".len() + 1);
                    let encrypted = login[login.len() - 2].bytes[HEADER_LEN..].to_vec();
                    client.encrypted_password(encrypted, &mut out);
                }
                Ok(ClientEvent::Done(_)) => return Outcome::Done,
                Ok(ClientEvent::Refused(error)) => return Outcome::Refused(error.code),
                Ok(ClientEvent::StartTls) => panic!("TLS was not wanted"),
                Err(error) => return Outcome::Failed(error),
            }
        }
    }
    panic!("the login has not ended")
}

/// The login itself differs in what both clients can do; everything after it must be the same.
fn check_said(client: &ClientHandshake, ours: &[u8], captured: &[u8]) {
    if captured[HEADER_LEN - 1] != 1 || captured.len() < HEADER_LEN + 32 {
        assert_eq!(ours, captured);
        return;
    }
    let theirs = HandshakeResponse::decode(&captured[HEADER_LEN..]).unwrap();
    let ours = HandshakeResponse::decode(payloads(ours)[0]).unwrap();
    assert_eq!(ours.user, theirs.user);
    assert_eq!(ours.capabilities, client.capabilities());
    if ours.auth_plugin == theirs.auth_plugin {
        assert_eq!(ours.auth_response, theirs.auth_response);
    }
}

/// Plays a login in pieces of all lengths; all must end the same.
fn log_in(server: Server, capture: &str, user: &str, password: &str) -> Outcome {
    let login = server.login(capture);
    let outcome = play(config(user, password), &login, usize::MAX);
    let longest = login.iter().map(|said| said.bytes.len()).max().unwrap();
    for piece in 1..longest {
        let pieced = play(config(user, password), &login, piece);
        assert_eq!(pieced, outcome, "in pieces of {piece}");
    }
    outcome
}

fn denied() -> Outcome {
    Outcome::Refused(1045)
}

#[test]
fn logs_in_to_mariadb_10_11() {
    let server = MARIADB_10_11;
    assert_eq!(
        log_in(server, "login_empty_by_mysql", "root", ""),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_native_by_mysql", "u", "secret"),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_wrong_by_mysql", "u", "wrong"),
        denied()
    );
    assert_eq!(
        log_in(server, "login_caching_by_mysql", "e", "secret"),
        denied()
    );
}

#[test]
fn switches_plugin_for_mariadb_10_11() {
    let server = MARIADB_10_11;
    assert_eq!(
        log_in(server, "login_empty_by_caching", "root", ""),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_native_by_caching", "u", "secret"),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_wrong_by_caching", "u", "wrong"),
        denied()
    );
}

#[test]
fn logs_in_to_tidb_8_5() {
    let server = TIDB_8_5;
    assert_eq!(
        log_in(server, "login_empty_by_mysql", "root", ""),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_native_by_mysql", "u", "secret"),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_wrong_by_mysql", "u", "wrong"),
        denied()
    );
    assert_eq!(
        log_in(server, "login_native_by_caching", "u", "secret"),
        Outcome::Done
    );
}

/// TiDB takes the password of `caching_sha2_password` only over TLS: it has no key to give.
#[test]
fn full_authentication_of_tidb_8_5_needs_tls() {
    let outcome = log_in(TIDB_8_5, "login_caching_by_mysql", "e", "secret");
    assert_eq!(outcome, denied());
}

#[test]
fn logs_in_to_mysql_9_7_with_the_password_cached() {
    let server = MYSQL_9_7;
    assert_eq!(
        log_in(server, "login_empty_by_caching", "root", ""),
        Outcome::Done
    );
    assert_eq!(
        log_in(server, "login_caching_by_caching", "e", "secret"),
        Outcome::Done
    );
}

#[test]
fn logs_in_to_mysql_9_7_by_its_public_key() {
    let outcome = full_authentication_of_mysql(true);
    assert_eq!(outcome, Outcome::Done);
}

#[test]
fn sends_no_password_to_mysql_9_7_over_a_public_transport() {
    let outcome = full_authentication_of_mysql(false);
    assert_eq!(outcome, Outcome::Failed(HandshakeError::FullAuthWithoutTls));
}

/// The capture has a client that named another plugin, and was asked to switch. Ours names the one
/// of the greeting, and takes the request to switch all the same.
fn full_authentication_of_mysql(transport_is_private: bool) -> Outcome {
    let login = MYSQL_9_7.login("login_caching_by_mysql");
    let config = ClientConfig {
        transport_is_private,
        ..config("e", "secret")
    };
    play(config, &login, usize::MAX)
}

/// MySQL 9 hides which users exist behind plugins that it draws for them.
#[test]
fn sends_no_password_where_mysql_9_7_draws_sha256_password() {
    let login = MYSQL_9_7.login("login_native_by_caching");
    let config = ClientConfig {
        transport_is_private: false,
        ..config("u", "secret")
    };
    let outcome = play(config, &login, usize::MAX);
    assert_eq!(outcome, Outcome::Failed(HandshakeError::FullAuthWithoutTls));
}

#[test]
fn is_refused_by_mysql_9_7_in_place_of_a_greeting() {
    let outcome = log_in(MYSQL_9_7, "refused", "root", "");
    assert_eq!(outcome, Outcome::Refused(1130));
}

fn greeting(server: Server) -> (Vec<u8>, Greeting) {
    let login = server.login("login_empty_by_mysql");
    let payload = login[0].bytes[HEADER_LEN..].to_vec();
    let greeting = Greeting::decode(&payload).unwrap();
    (payload, greeting)
}

fn greeting_fails_when_cut(payload: &[u8]) {
    for len in 0..payload.len() {
        match Greeting::decode(&payload[..len]) {
            // The plugin's name may lack its NUL.
            Ok(cut) => assert!(cut.auth_plugin.len() + len >= payload.len() - 1 || len > 40),
            Err(error) => assert_eq!(error, DecodeError::Truncated, "cut at {len}"),
        }
    }
}

#[test]
fn decodes_greeting_of_mariadb_10_11() {
    let (payload, greeting) = greeting(MARIADB_10_11);
    assert!(greeting.server_version.starts_with("5.5.5-10.11."));
    assert_eq!(greeting.auth_plugin, "mysql_native_password");
    assert!(!greeting.capabilities.contains(Capabilities::LONG_PASSWORD));
    greeting_fails_when_cut(&payload);
}

#[test]
fn decodes_greeting_of_mysql_9_7() {
    let (payload, greeting) = greeting(MYSQL_9_7);
    assert_eq!(greeting.server_version, "9.7.4-2");
    assert_eq!(greeting.auth_plugin, "caching_sha2_password");
    let tls = Capabilities::SSL | Capabilities::DEPRECATE_EOF;
    assert!(greeting.capabilities.contains(tls));
    greeting_fails_when_cut(&payload);
    let mut encoded = Vec::new();
    greeting.encode(&mut encoded);
    assert_eq!(encoded, payload);
}

#[test]
fn decodes_greeting_of_tidb_8_5() {
    let (payload, greeting) = greeting(TIDB_8_5);
    assert!(greeting.server_version.starts_with("8.0.11-TiDB-"));
    assert_eq!(greeting.auth_plugin, "mysql_native_password");
    assert!(!greeting.capabilities.contains(Capabilities::SSL));
    greeting_fails_when_cut(&payload);
    let mut encoded = Vec::new();
    greeting.encode(&mut encoded);
    assert_eq!(encoded, payload);
}

#[test]
fn decodes_auth_switch_of_mariadb_10_11() {
    let login = MARIADB_10_11.login("login_native_by_caching");
    let payload = &login[2].bytes[HEADER_LEN..];
    let request = AuthSwitchRequest::decode(payload).unwrap();
    assert_eq!(request.plugin, "mysql_native_password");
    let greeting = Greeting::decode(&login[0].bytes[HEADER_LEN..]).unwrap();
    assert_eq!(request.nonce().unwrap(), greeting.nonce);
    let mut encoded = Vec::new();
    request.encode(&mut encoded);
    assert_eq!(encoded, payload);
    for len in 0..payload.len() - 1 {
        let cut = AuthSwitchRequest::decode(&payload[..len]);
        assert!(cut.and_then(|cut| cut.nonce()).is_err(), "cut at {len}");
    }
}
