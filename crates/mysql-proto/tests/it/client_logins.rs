//! The server role against what real clients have sent.

use bytes::BytesMut;
use mysql_proto::{
    AuthPlugin, AuthSwitchRequest, Capabilities, DecodeError, Greeting, HandshakeError,
    HandshakeResponse, ServerConfig, ServerEvent, ServerHandshake, SslRequest,
};

use crate::golden::{MYSQL_9_7, client};

const HEADER_LEN: usize = mysql_proto::HEADER_LEN;

/// A server with the nonce that the clients were given when they were captured.
fn server(extra: Capabilities) -> ServerHandshake {
    let login = MYSQL_9_7.login("login_empty_by_caching");
    let greeting = Greeting::decode(&login[0].bytes[HEADER_LEN..]).unwrap();
    let mut server = ServerHandshake::new(ServerConfig {
        server_version: greeting.server_version,
        connection_id: greeting.connection_id,
        nonce: greeting.nonce,
        capabilities: Capabilities::CONNECT_WITH_DB
            | Capabilities::CONNECT_ATTRS
            | Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA
            | extra,
        collation: 255,
        default_plugin: AuthPlugin::CachingSha2Password,
    });
    server.greeting(&mut Vec::new());
    server
}

/// Logs in by a captured packet, in pieces of all lengths, and by its every cut.
fn log_in(name: &str) -> HandshakeResponse {
    let bytes = client(name);
    for piece in 1..=bytes.len() {
        let mut server = server(Capabilities::empty());
        let (mut input, mut out) = (BytesMut::new(), Vec::new());
        let (others, last) = bytes.split_at((bytes.len() - 1) / piece * piece);
        for chunk in others.chunks(piece) {
            input.extend_from_slice(chunk);
            assert_eq!(
                server.input(&mut input, &mut out),
                Ok(ServerEvent::NeedInput)
            );
        }
        input.extend_from_slice(last);
        assert_eq!(
            server.input(&mut input, &mut out),
            Ok(ServerEvent::Identify)
        );
        let event = server.authenticate(Some(b"secret"), &mut out);
        assert_eq!(event, Ok(ServerEvent::Authenticated));
        assert_eq!(out, [2, 0, 0, 2, 1, 3], "the scramble is confirmed");
    }
    let payload = &bytes[HEADER_LEN..];
    let login = HandshakeResponse::decode(payload).unwrap();
    for len in 0..payload.len() {
        match HandshakeResponse::decode(&payload[..len]) {
            // What may be missing at the end is missing as a whole, never a part of it.
            Ok(cut) => assert!(
                cut.connect_attributes.is_empty() && cut.auth_response == login.auth_response
            ),
            Err(error) => assert_eq!(error, DecodeError::Truncated, "cut at {len}"),
        }
    }
    assert_eq!(login.user, "app");
    assert_eq!(login.database.as_deref(), Some("shop"));
    assert_eq!(login.auth_plugin.as_deref(), Some("caching_sha2_password"));
    assert_eq!(login.auth_response.len(), 32);
    assert!(!format!("{login:?}").contains("auth_response"));
    let mut encoded = Vec::new();
    login.encode(&mut encoded);
    assert_eq!(HandshakeResponse::decode(&encoded).unwrap(), login);
    login
}

fn attribute<'a>(login: &'a HandshakeResponse, key: &str) -> Option<&'a str> {
    let mut attributes = login.connect_attributes.iter();
    attributes.find_map(|(k, v)| (k == key).then_some(v.as_str()))
}

#[test]
fn decodes_login_of_mariadb_cli_10_11() {
    let login = log_in("mariadb_cli_10_11");
    assert_eq!(attribute(&login, "_client_name"), Some("libmariadb"));
    assert!(login.capabilities.contains(Capabilities::LOCAL_FILES));
}

#[test]
fn decodes_login_of_mysql_cli_9_7() {
    let login = log_in("mysql_cli_9_7");
    assert_eq!(attribute(&login, "_client_version"), Some("9.7.4"));
    assert!(login.capabilities.contains(Capabilities::QUERY_ATTRIBUTES));
}

#[test]
fn decodes_login_of_pymysql_1_2() {
    let login = log_in("pymysql_1_2");
    assert_eq!(attribute(&login, "_client_name"), Some("pymysql"));
}

#[test]
fn decodes_login_of_mysql2_3_24() {
    let login = log_in("mysql2_node");
    assert_eq!(attribute(&login, "_client_name"), Some("Node-MySQL-2"));
}

#[test]
fn starts_tls_for_both_command_lines_and_leaves_the_client_hello() {
    for name in ["mariadb_cli_10_11_ssl_request", "mysql_cli_9_7_ssl_request"] {
        let bytes = client(name);
        assert!(SslRequest::is_one(&bytes[HEADER_LEN..]));
        let mut tls = server(Capabilities::SSL);
        let mut input = BytesMut::from(&bytes[..]);
        input.extend_from_slice(b"\x16\x03\x01 ClientHello");
        let event = tls.input(&mut input, &mut Vec::new());
        assert_eq!(event, Ok(ServerEvent::StartTls));
        assert_eq!(&input[..], b"\x16\x03\x01 ClientHello");
        tls.tls_established();
        assert!(tls.is_tls());

        let mut plain = server(Capabilities::empty());
        let event = plain.input(&mut BytesMut::from(&bytes[..]), &mut Vec::new());
        assert_eq!(event, Err(HandshakeError::TlsNotOffered));
    }
}

/// MySQL 9 clients have no `mysql_native_password`: greeted with it, they name
/// `caching_sha2_password`, answer nothing, and wait to be asked.
#[test]
fn asks_a_client_that_could_not_answer_the_greeting() {
    let mut server = ServerHandshake::new(ServerConfig {
        server_version: "8.0.11".to_owned(),
        connection_id: 1,
        nonce: *b"abcdefghijklmnopqrst",
        capabilities: Capabilities::CONNECT_WITH_DB,
        collation: 45,
        default_plugin: AuthPlugin::NativePassword,
    });
    let (mut input, mut out) = (BytesMut::new(), Vec::new());
    server.greeting(&mut out);
    out.clear();
    let login = HandshakeResponse {
        auth_response: Vec::new(),
        ..HandshakeResponse::decode(&client("mysql_cli_9_7")[HEADER_LEN..]).unwrap()
    };
    let mut packet = Vec::new();
    let mut payload = Vec::new();
    login.encode(&mut payload);
    mysql_proto::write_packet(&mut packet, &mut 1, &payload);
    input.extend_from_slice(&packet);
    assert_eq!(
        server.input(&mut input, &mut out),
        Ok(ServerEvent::Identify)
    );
    let event = server.authenticate(Some(b"secret"), &mut out);
    assert_eq!(event, Ok(ServerEvent::NeedInput));
    let request = AuthSwitchRequest::decode(&out[HEADER_LEN..]).unwrap();
    assert_eq!(request.plugin, "caching_sha2_password");

    let scramble = mysql_proto::caching_sha2::scramble(b"secret", b"abcdefghijklmnopqrst");
    packet.clear();
    mysql_proto::write_packet(&mut packet, &mut 3, &scramble);
    input.extend_from_slice(&packet);
    let event = server.input(&mut input, &mut out);
    assert_eq!(event, Ok(ServerEvent::Authenticated));
}
