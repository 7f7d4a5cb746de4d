//! Both roles against each other, over a link that delivers pieces of any length.

use bytes::BytesMut;
use mysql_proto::{
    AuthPlugin, Capabilities, ClientConfig, ClientEvent, ClientHandshake, DecodeError, ErrPacket,
    HandshakeError, HandshakeResponse, OkPacket, ServerConfig, ServerEvent, ServerHandshake,
    SslRequest, write_packet,
};

const OFFERED: Capabilities = Capabilities::CONNECT_WITH_DB
    .union(Capabilities::CONNECT_ATTRS)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(Capabilities::DEPRECATE_EOF);

/// The password that is given, the account's (`None`: unknown user), whether it is let in.
type Case = (&'static [u8], Option<&'static [u8]>, bool);

/// Both roles, and what is under way between them.
struct Pair {
    client: ClientHandshake,
    server: ServerHandshake,
    /// The server's side of the account; `None`: unknown user.
    password: Option<&'static [u8]>,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
    /// The client waits for the server to begin TLS.
    client_in_tls: bool,
}

impl Pair {
    fn new(
        plugin: AuthPlugin,
        tls: bool,
        given: &'static [u8],
        password: Option<&'static [u8]>,
    ) -> Self {
        let mut server = server(plugin, tls);
        let mut to_client = Vec::new();
        server.greeting(&mut to_client);
        Self {
            client: ClientHandshake::new(client(given, tls)),
            server,
            password,
            to_client,
            to_server: Vec::new(),
            client_in_tls: false,
        }
    }

    /// Delivers pieces of `piece` bytes until the client's login has ended.
    fn run(&mut self, piece: usize) -> ClientEvent {
        let (mut at_client, mut at_server) = (BytesMut::new(), BytesMut::new());
        for _ in 0..10_000 {
            deliver(&mut self.to_client, &mut at_client, piece);
            if !self.client_in_tls {
                match self
                    .client
                    .input(&mut at_client, &mut self.to_server)
                    .unwrap()
                {
                    ClientEvent::NeedInput => {}
                    ClientEvent::StartTls => self.client_in_tls = true,
                    end => return end,
                }
            }
            deliver(&mut self.to_server, &mut at_server, piece);
            self.serve(&mut at_server);
        }
        panic!("the login does not end")
    }

    fn serve(&mut self, input: &mut BytesMut) {
        if input.is_empty() {
            return;
        }
        let out = &mut self.to_client;
        let mut event = self.server.input(input, out).unwrap();
        if event == ServerEvent::Identify {
            event = self.server.authenticate(self.password, out).unwrap();
        }
        match event {
            ServerEvent::NeedInput => {}
            ServerEvent::StartTls => {
                self.server.tls_established();
                self.client.tls_established(&mut self.to_server);
                self.client_in_tls = false;
            }
            ServerEvent::Authenticated => self.server.accept(&OkPacket::default(), out),
            ServerEvent::Denied => {
                let denied = ErrPacket::new(1045, *b"28000", "access denied");
                self.server.refuse(&denied, out);
            }
            ServerEvent::Identify => panic!("authenticate does not ask who it is"),
        }
    }
}

fn deliver(link: &mut Vec<u8>, input: &mut BytesMut, piece: usize) {
    let bytes = link.drain(..piece.min(link.len()));
    input.extend(bytes);
}

fn server(default_plugin: AuthPlugin, tls: bool) -> ServerHandshake {
    let mut capabilities = OFFERED;
    capabilities.set(Capabilities::SSL, tls);
    ServerHandshake::new(ServerConfig {
        server_version: "8.0.11-tidegate".to_owned(),
        connection_id: 7,
        nonce: *b"0123456789abcdefghij",
        capabilities,
        collation: 45,
        default_plugin,
    })
}

fn client(password: &[u8], tls: bool) -> ClientConfig {
    ClientConfig {
        user: "app".to_owned(),
        password: password.to_vec(),
        database: Some("shop".to_owned()),
        collation: 45,
        capabilities: Capabilities::DEPRECATE_EOF | Capabilities::MULTI_STATEMENTS,
        attributes: vec![("_client_name".to_owned(), "tidegate".to_owned())],
        tls,
        transport_is_private: false,
    }
}

#[test]
fn every_plugin_and_password_ends_as_it_must() {
    let cases: [Case; 8] = [
        (b"secret", Some(b"secret"), true),
        (b"", Some(b""), true),
        (b"wrong", Some(b"secret"), false),
        (b"", Some(b"secret"), false),
        (b"secret", Some(b""), false),
        (b"secret", None, false),
        (b"", None, false),
        // What the server compares with when there is no such user.
        (b"the password of nobody", None, false),
    ];
    let plugins = [
        AuthPlugin::NativePassword,
        AuthPlugin::CachingSha2Password,
        AuthPlugin::ClearPassword,
        AuthPlugin::Other("auth_gssapi".to_owned()),
    ];
    for plugin in plugins {
        for tls in [false, true] {
            for (given, password, right) in cases {
                for piece in (1..120).chain([usize::MAX]) {
                    let mut pair = Pair::new(plugin.clone(), tls, given, password);
                    let done = match pair.run(piece) {
                        ClientEvent::Done(_) => true,
                        ClientEvent::Refused(error) => {
                            assert_eq!((error.code, &error.sql_state), (1045, b"28000"));
                            false
                        }
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(done, right, "{plugin:?} {tls} {given:?} {password:?}");
                    check(&pair, tls);
                }
            }
        }
    }
}

/// What both roles know in the end.
fn check(pair: &Pair, tls: bool) {
    assert_eq!(pair.server.is_tls(), tls);
    assert_eq!(pair.server.capabilities(), pair.client.capabilities());
    assert!(
        !pair
            .client
            .capabilities()
            .contains(Capabilities::MULTI_STATEMENTS)
    );
    let login = pair.server.login().unwrap();
    assert_eq!(
        (login.user.as_str(), login.database.as_deref()),
        ("app", Some("shop"))
    );
    assert_eq!(login.connect_attributes.len(), 1);
    assert_eq!(pair.client.greeting().unwrap().connection_id, 7);
}

/// The packet of a login that names `plugin`.
fn login(plugin: &str, auth_response: &[u8]) -> Vec<u8> {
    let login = HandshakeResponse {
        capabilities: OFFERED | Capabilities::PROTOCOL_41 | Capabilities::PLUGIN_AUTH,
        max_packet_size: 1 << 24,
        collation: 45,
        user: "app".to_owned(),
        auth_response: auth_response.to_vec(),
        database: None,
        auth_plugin: Some(plugin.to_owned()),
        connect_attributes: Vec::new(),
        zstd_level: 0,
    };
    let (mut payload, mut bytes) = (Vec::new(), Vec::new());
    login.encode(&mut payload);
    write_packet(&mut bytes, &mut 1, &payload);
    bytes
}

/// Drives the server role by a login that names `plugin`, and answers a request to switch.
fn switch_from(plugin: &str, default_plugin: AuthPlugin) -> (Vec<u8>, ServerEvent) {
    let mut server = server(default_plugin, false);
    server.greeting(&mut Vec::new());
    let bytes = login(plugin, b"whatever");
    let mut out = Vec::new();
    let mut input = BytesMut::from(&bytes[..]);
    assert_eq!(
        server.input(&mut input, &mut out),
        Ok(ServerEvent::Identify)
    );
    let event = server.authenticate(Some(b"secret"), &mut out);
    assert_eq!(event, Ok(ServerEvent::NeedInput));
    let switch = out.clone();
    let request = mysql_proto::AuthSwitchRequest::decode(&out[4..]).unwrap();
    let nonce = request.nonce().unwrap();
    let answer = match AuthPlugin::from_name(&request.plugin) {
        AuthPlugin::NativePassword => mysql_proto::native_password::scramble(b"secret", &nonce),
        AuthPlugin::CachingSha2Password => mysql_proto::caching_sha2::scramble(b"secret", &nonce),
        other => panic!("asked to switch to {other:?}"),
    };
    let mut bytes = Vec::new();
    write_packet(&mut bytes, &mut 3, &answer);
    let event = server
        .input(&mut BytesMut::from(&bytes[..]), &mut out)
        .unwrap();
    (switch, event)
}

/// libmysqlclient sends one NUL for no password, and waits for the OK packet and nothing else.
#[test]
fn no_password_is_not_confirmed() {
    for response in [&b""[..], b"\0"] {
        let mut server = server(AuthPlugin::CachingSha2Password, false);
        server.greeting(&mut Vec::new());
        let bytes = login("caching_sha2_password", response);
        let mut out = Vec::new();
        let event = server.input(&mut BytesMut::from(&bytes[..]), &mut out);
        assert_eq!(event, Ok(ServerEvent::Identify));
        let event = server.authenticate(Some(b""), &mut out);
        assert_eq!(event, Ok(ServerEvent::Authenticated));
        assert!(out.is_empty());
    }
}

#[test]
fn tls_begins_once() {
    let mut server = server(AuthPlugin::NativePassword, true);
    server.greeting(&mut Vec::new());
    let request = SslRequest {
        capabilities: Capabilities::PROTOCOL_41 | Capabilities::SSL,
        max_packet_size: 1 << 24,
        collation: 45,
    };
    let (mut payload, mut bytes, mut out) = (Vec::new(), Vec::new(), Vec::new());
    request.encode(&mut payload);
    write_packet(&mut bytes, &mut 1, &payload);
    let mut input = BytesMut::from(&bytes[..]);
    assert_eq!(
        server.input(&mut input, &mut out),
        Ok(ServerEvent::StartTls)
    );
    server.tls_established();
    input.extend_from_slice(&bytes);
    let again = server.input(&mut input, &mut out);
    assert_eq!(again, Err(DecodeError::Truncated.into()));
}

#[test]
fn clients_with_other_plugins_are_asked_to_switch() {
    for (default_plugin, asked) in [
        (AuthPlugin::NativePassword, "mysql_native_password"),
        (AuthPlugin::CachingSha2Password, "caching_sha2_password"),
        (AuthPlugin::ClearPassword, "mysql_native_password"),
    ] {
        let (switch, event) = switch_from("mysql_clear_password", default_plugin);
        assert_eq!(switch[3], 2, "the login had the sequence id 1");
        assert!(String::from_utf8_lossy(&switch).contains(asked));
        assert_eq!(event, ServerEvent::Authenticated);
    }
}

/// The client's answer to a packet of the server that follows the login.
fn answer(config: ClientConfig, packet: &[u8]) -> Result<(ClientEvent, Vec<u8>), HandshakeError> {
    let tls = config.tls;
    let mut greeting = Vec::new();
    server(AuthPlugin::CachingSha2Password, tls).greeting(&mut greeting);
    let mut client = ClientHandshake::new(config);
    let mut out = Vec::new();
    client.input(&mut BytesMut::from(&greeting[..]), &mut out)?;
    client.tls_established(&mut out);
    out.clear();
    let mut bytes = Vec::new();
    write_packet(&mut bytes, &mut 4, packet);
    let event = client.input(&mut BytesMut::from(&bytes[..]), &mut out)?;
    Ok((event, out))
}

#[test]
fn the_password_goes_in_clear_text_over_tls_only() {
    let sha256 = b"\xFEsha256_password\x000123456789abcdefghij\0";
    for request in [&b"\xFEmysql_clear_password\0"[..], b"\x01\x04", sha256] {
        let (event, out) = answer(client(b"secret", true), request).unwrap();
        assert_eq!(event, ClientEvent::NeedInput);
        assert_eq!(out, b"\x07\x00\x00\x05secret\0");
    }
    let clear = answer(client(b"secret", false), b"\xFEmysql_clear_password\0");
    assert_eq!(clear, Err(HandshakeError::ClearPasswordWithoutTls));
    for request in [&b"\x01\x04"[..], sha256] {
        let full = answer(client(b"secret", false), request);
        assert_eq!(full, Err(HandshakeError::FullAuthWithoutTls));
    }
    let (_, out) = answer(client(b"", false), sha256).unwrap();
    assert_eq!(out, b"\x01\0\0\x05\0", "there is no password to send");
}

/// Each plugin has its own byte for it.
#[test]
fn the_key_is_asked_for_over_a_private_transport() {
    let private = ClientConfig {
        transport_is_private: true,
        ..client(b"secret", false)
    };
    let sha256 = &b"\xFEsha256_password\x000123456789abcdefghij\0"[..];
    for (request, asked) in [(&b"\x01\x04"[..], 2), (sha256, 1)] {
        let (event, out) = answer(private.clone(), request).unwrap();
        assert_eq!(event, ClientEvent::NeedInput);
        assert_eq!(out, [1, 0, 0, 5, asked]);
    }
}

#[test]
fn insecure_and_unknown_requests_are_errors() {
    let fails = |packet: &[u8]| answer(client(b"secret", false), packet).unwrap_err();
    assert_eq!(fails(b"\xFE"), HandshakeError::OldPassword);
    let unknown = HandshakeError::UnknownPlugin("parsec".to_owned());
    assert_eq!(fails(b"\xFEparsec\x000123"), unknown);
    let cut = HandshakeError::Decode(DecodeError::Truncated);
    assert_eq!(fails(b"\xFEclient_ed25519\x000123"), cut);
    assert_eq!(fails(b"\xFEsha256_password\x000123"), cut);
    assert_eq!(fails(b"\x05"), HandshakeError::UnexpectedPacket(5));
    assert_eq!(fails(b"\x01\x07"), HandshakeError::UnexpectedPacket(1));
}

/// As MariaDB 10.11 takes it (`mysql-client` logs in to one).
#[test]
fn signs_the_nonce_of_ed25519() {
    let request = b"\xFEclient_ed25519\x000123456789abcdefghijklmnopqrstuv";
    let (event, out) = answer(client(b"secret", false), request).unwrap();
    assert_eq!(event, ClientEvent::NeedInput);
    let signature = concat!(
        "f2bfd25ad972620b238b9af9cea77cf36da9c1e084130122805b39951e4c039e",
        "b6afe1aa46a276da36b6bfc44af1a4b538994d4b364ffc2df03c0cf2bf54f807",
    );
    assert_eq!(hex::encode(&out[4..]), signature);
}

#[test]
fn a_server_without_tls_fails_a_client_that_wants_it() {
    let mut greeting = Vec::new();
    server(AuthPlugin::NativePassword, false).greeting(&mut greeting);
    let mut client = ClientHandshake::new(client(b"secret", true));
    let mut out = Vec::new();
    let event = client.input(&mut BytesMut::from(&greeting[..]), &mut out);
    assert_eq!(event, Err(HandshakeError::TlsUnavailable));
    assert!(out.is_empty(), "nothing is said in clear text");
}

#[test]
fn debug_forms_hold_no_secret() {
    let config = client(b"hunter2", false);
    let mut pair = Pair::new(
        AuthPlugin::NativePassword,
        false,
        b"hunter2",
        Some(b"hunter2"),
    );
    pair.run(usize::MAX);
    let event = ClientEvent::EncryptPassword {
        public_key_pem: String::new(),
        message: b"hunter2".to_vec(),
    };
    let shown = format!("{config:?} {:?} {:?} {event:?}", pair.client, pair.server);
    assert!(!shown.contains("hunter2"));
    assert!(!shown.contains(&format!("{:?}", b"hunter2")), "{shown}");
}

#[test]
fn refuses_before_the_login_without_a_sql_state() {
    let mut server = server(AuthPlugin::NativePassword, false);
    let mut out = Vec::new();
    server.refuse(&ErrPacket::new(1040, *b"08004", "full"), &mut out);
    assert_eq!(out, b"\x07\x00\x00\x00\xFF\x10\x04full");
}

#[test]
fn steps_out_of_order_are_errors() {
    let mut server = server(AuthPlugin::NativePassword, false);
    let mut out = Vec::new();
    let mut input = BytesMut::from(&[0, 0, 0, 0][..]);
    let early = server.input(&mut input, &mut out);
    assert_eq!(early, Err(HandshakeError::OutOfOrder));
    assert_eq!(
        server.authenticate(None, &mut out),
        Err(HandshakeError::OutOfOrder)
    );
    server.greeting(&mut out);
    let empty = server.input(&mut input, &mut out);
    assert!(matches!(empty, Err(HandshakeError::Decode(_))));
    let after = server.authenticate(Some(b""), &mut out);
    assert_eq!(after, Err(HandshakeError::OutOfOrder));
}
