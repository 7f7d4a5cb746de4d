//! `COM_CHANGE_USER`: the ways in which clients answer.

use bytes::BytesMut;
use mysql_proto::{
    AuthPlugin, AuthSwitchRequest, Capabilities, ChangeUser, ChangeUserConfig, ChangeUserRequest,
    DecodeError, ErrPacket, HandshakeError, OkPacket, ServerEvent, caching_sha2, native_password,
    write_packet,
};
use proptest::collection::vec;
use proptest::prelude::*;

const CAPABILITIES: Capabilities = Capabilities::PROTOCOL_41
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::CONNECT_ATTRS);

const NONCE: [u8; 20] = *b"0123456789abcdefghij";
const FRESH: [u8; 20] = *b"klmnopqrstuvwxyz0123";

const NATIVE: &str = "mysql_native_password";
const CACHING_SHA2: &str = "caching_sha2_password";

fn request(plugin: Option<&str>, auth_response: Vec<u8>) -> ChangeUserRequest {
    ChangeUserRequest {
        user: "app".to_owned(),
        auth_response,
        database: Some("shop".to_owned()),
        collation: Some(45),
        auth_plugin: plugin.map(str::to_owned),
        connect_attributes: Vec::new(),
    }
}

fn change_user(request: ChangeUserRequest, capabilities: Capabilities) -> ChangeUser {
    ChangeUser::new(
        request,
        ChangeUserConfig {
            capabilities,
            nonce: NONCE,
            fresh_nonce: FRESH,
            default_plugin: AuthPlugin::CachingSha2Password,
        },
    )
}

fn scramble(plugin: &str, password: &[u8], nonce: &[u8; 20]) -> Vec<u8> {
    match plugin {
        NATIVE => native_password::scramble(password, nonce),
        CACHING_SHA2 => caching_sha2::scramble(password, nonce),
        other => panic!("{other} cannot be answered"),
    }
}

/// Answers the request to switch in `out`, byte by byte.
fn answer(
    change: &mut ChangeUser,
    out: &mut Vec<u8>,
    password: &[u8],
) -> Result<ServerEvent, HandshakeError> {
    let switch = AuthSwitchRequest::decode(&out[4..]).unwrap();
    assert_eq!((out[3], switch.nonce().unwrap()), (1, FRESH));
    out.clear();
    let mut bytes = Vec::new();
    let scramble = scramble(&switch.plugin, password, &FRESH);
    write_packet(&mut bytes, &mut 2, &scramble);
    let mut input = BytesMut::new();
    let (last, first) = bytes.split_last().unwrap();
    for byte in first {
        input.extend_from_slice(&[*byte]);
        assert_eq!(change.input(&mut input, out), Ok(ServerEvent::NeedInput));
    }
    input.extend_from_slice(&[*last]);
    change.input(&mut input, out)
}

#[test]
fn an_answer_to_the_greeting_is_enough() {
    for (plugin, confirmation) in [(NATIVE, &b""[..]), (CACHING_SHA2, b"\x02\0\0\x01\x01\x03")] {
        let response = scramble(plugin, b"secret", &NONCE);
        let mut change = change_user(request(Some(plugin), response), CAPABILITIES);
        let mut out = Vec::new();
        let event = change.authenticate(Some(b"secret"), &mut out);
        assert_eq!(event, ServerEvent::Authenticated);
        assert_eq!(out, confirmation);
        change.accept(&OkPacket::default(), &mut out);
        let next = if confirmation.is_empty() { 1 } else { 2 };
        assert_eq!(out[confirmation.len() + 3], next);
    }
}

/// libmysqlclient answers nothing, or a nonce that it was shown later; others lack the plugin.
#[test]
fn other_answers_are_asked_for_again() {
    for (plugin, response) in [
        (Some(CACHING_SHA2), vec![]),
        (Some(CACHING_SHA2), vec![0]),
        (Some(NATIVE), scramble(NATIVE, b"secret", &FRESH)),
        (Some("client_ed25519"), vec![7; 64]),
        (None, vec![]),
    ] {
        let mut change = change_user(request(plugin, response), CAPABILITIES);
        let mut out = Vec::new();
        let event = change.authenticate(Some(b"secret"), &mut out);
        assert_eq!(event, ServerEvent::NeedInput);
        let event = answer(&mut change, &mut out, b"secret");
        assert_eq!(event, Ok(ServerEvent::Authenticated));
        change.accept(&OkPacket::default(), &mut out);
        assert!(out.ends_with(&[0, 0, 0, 0, 0, 0, 0]), "it ends with OK");
        assert_eq!(change.request().user, "app");
    }
}

#[test]
fn wrong_passwords_and_unknown_users_look_the_same() {
    for plugin in [NATIVE, CACHING_SHA2] {
        let told = |password: Option<&[u8]>| {
            let response = scramble(plugin, b"wrong", &NONCE);
            let mut change = change_user(request(Some(plugin), response), CAPABILITIES);
            let mut out = Vec::new();
            let event = change.authenticate(password, &mut out);
            assert_eq!(event, ServerEvent::NeedInput);
            let event = answer(&mut change, &mut out, b"wrong");
            assert_eq!(event, Ok(ServerEvent::Denied));
            let denied = ErrPacket::new(1045, *b"28000", "access denied");
            change.refuse(&denied, &mut out);
            out
        };
        let wrong = told(Some(b"secret"));
        assert_eq!(wrong, told(None));
        assert_eq!(wrong[3..5], [3, 0xFF]);
    }
}

#[test]
fn nobody_gets_in_by_the_password_of_nobody() {
    let response = scramble(NATIVE, b"the password of nobody", &NONCE);
    let mut change = change_user(request(Some(NATIVE), response), CAPABILITIES);
    let mut out = Vec::new();
    assert_eq!(change.authenticate(None, &mut out), ServerEvent::NeedInput);
    let event = answer(&mut change, &mut out, b"the password of nobody");
    assert_eq!(event, Ok(ServerEvent::Denied));
}

#[test]
fn clients_without_plugins_are_judged_at_once() {
    let capabilities = CAPABILITIES - Capabilities::PLUGIN_AUTH;
    for (password, expected) in [
        (&b"secret"[..], ServerEvent::Authenticated),
        (b"wrong", ServerEvent::Denied),
    ] {
        let response = scramble(NATIVE, password, &NONCE);
        let mut change = change_user(request(None, response), capabilities);
        let mut out = Vec::new();
        assert_eq!(change.authenticate(Some(b"secret"), &mut out), expected);
        assert!(out.is_empty());
        let input = change.input(&mut BytesMut::new(), &mut out);
        assert_eq!(input, Err(HandshakeError::OutOfOrder));
    }
}

/// What mysql2 3 sends.
#[test]
fn decodes_a_request_of_mysql2() {
    let mut payload = b"\x11app\0\x03abcshop\0\x2D\0mysql_native_password\0\0".to_vec();
    let decoded = ChangeUserRequest::decode(&payload, CAPABILITIES).unwrap();
    assert_eq!(decoded, request(Some(NATIVE), b"abc".to_vec()));
    assert!(!format!("{decoded:?}").contains("auth_response"));
    payload[0] = 0x0E;
    assert_eq!(
        ChangeUserRequest::decode(&payload, CAPABILITIES),
        Err(DecodeError::UnexpectedHeader(0x0E))
    );
}

#[test]
fn decodes_a_request_that_ends_with_the_database() {
    let payload = b"\x11app\0\0shop\0";
    let decoded = ChangeUserRequest::decode(payload, CAPABILITIES).unwrap();
    assert_eq!((decoded.collation, decoded.auth_plugin), (None, None));
    assert_eq!(decoded.database.as_deref(), Some("shop"));
}

proptest! {
    #[test]
    fn requests_come_back(
        user in "[^\0]{0,9}", auth_response in vec(1..=255u8, 0..40),
        database in proptest::option::of("[^\0]{1,9}"), collation in any::<u16>(),
        plugin in "[^\0]{1,9}", attributes in vec(("[^\0]{0,9}", "[^\0]{0,9}"), 0..5), bits: u64,
    ) {
        let capabilities = Capabilities::from_bits_retain(bits);
        let has = |capability| capabilities.contains(capability);
        let request = ChangeUserRequest {
            user, auth_response, database,
            collation: Some(collation),
            auth_plugin: has(Capabilities::PLUGIN_AUTH).then_some(plugin),
            connect_attributes: if has(Capabilities::CONNECT_ATTRS) { attributes } else { vec![] },
        };
        let mut payload = Vec::new();
        request.encode(&mut payload, capabilities);
        prop_assert_eq!(ChangeUserRequest::decode(&payload, capabilities), Ok(request));
    }

    #[test]
    fn requests_bear_any_bytes(mut payload in vec(any::<u8>(), 0..60), bits: u64) {
        if let Some(first) = payload.first_mut() {
            *first = 0x11;
        }
        let capabilities = Capabilities::from_bits_retain(bits);
        let Ok(request) = ChangeUserRequest::decode(&payload, capabilities) else {
            return Ok(());
        };
        let mut change = change_user(request, capabilities);
        let mut out = Vec::new();
        let event = change.authenticate(Some(b"secret"), &mut out);
        prop_assert_ne!(event, ServerEvent::Authenticated, "nobody guesses a scramble");
        let _end = change.input(&mut BytesMut::from(&payload[..]), &mut out);
    }
}
