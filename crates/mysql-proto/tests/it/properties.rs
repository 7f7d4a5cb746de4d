//! No input makes this crate panic or run on, and what is encoded is decoded again.

use bytes::BytesMut;
use mysql_proto::{
    AuthPlugin, AuthSwitchRequest, Capabilities, ClientConfig, ClientHandshake, ColumnDefinition,
    ColumnFlags, ColumnType, Command, EofPacket, ErrPacket, Greeting, HandshakeResponse, OkPacket,
    PacketReader, ProtocolError, ResponseState, ResponseTracker, ServerConfig, ServerEvent,
    ServerHandshake, SslRequest, StatusFlags, Summary, TextResultSet, write_packet,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..max)
}

/// Text without NUL.
fn word() -> impl Strategy<Value = String> {
    "[^\0]{0,12}"
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    // MariaDB's own have no place beside the first one.
    any::<u64>().prop_map(|bits| {
        let of_mariadb = if bits & 1 == 1 {
            0
        } else {
            u64::from(u32::MAX) << 32
        };
        Capabilities::from_bits_retain(bits & (of_mariadb | u64::from(u32::MAX)))
    })
}

/// Capabilities with which any response can be followed.
fn trackable() -> impl Strategy<Value = Capabilities> {
    prop_oneof![
        Just(Capabilities::PROTOCOL_41),
        Just(Capabilities::PROTOCOL_41 | Capabilities::DEPRECATE_EOF),
    ]
}

/// Packets that look like those of a response, in any order.
fn packets() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        Just(0x00),
        Just(0x01),
        Just(0x02),
        Just(0x03),
        Just(0xFB),
        Just(0xFE),
        Just(0xFF),
    ];
    let payload = (
        first,
        prop_oneof![Just(vec![]), vec(0..16u8, 0..30), bytes(40)],
    );
    vec(payload, 0..20).prop_map(|payloads| {
        let (mut out, mut sequence_id) = (Vec::new(), 1);
        for (first, mut payload) in payloads {
            payload.insert(0, first);
            write_packet(&mut out, &mut sequence_id, &payload);
        }
        out
    })
}

type Tracked = (Summary, usize, Result<bool, ProtocolError>);

/// Tracks until the end, an error, or the last byte. True: the response has ended.
fn track<'a>(
    command: u8,
    capabilities: Capabilities,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> Tracked {
    let mut tracker = ResponseTracker::new(Command(command), capabilities);
    let mut consumed = 0;
    for chunk in chunks {
        let mut rest = chunk;
        loop {
            let fed = match tracker.feed(rest) {
                Ok(fed) => fed,
                Err(error) => return (*tracker.summary(), 0, Err(error)),
            };
            consumed += fed.consumed;
            rest = &rest[fed.consumed..];
            match fed.state {
                ResponseState::Done => return (*tracker.summary(), consumed, Ok(true)),
                ResponseState::Incomplete => break,
                ResponseState::AwaitLocalInfile => {}
            }
        }
    }
    (*tracker.summary(), consumed, Ok(false))
}

proptest! {
    #[test]
    fn tracker_bears_any_bytes(command: u8, caps in capabilities(), input in bytes(300)) {
        let (_, consumed, _) = track(command, caps, std::iter::once(&input[..]));
        prop_assert!(consumed <= input.len());
    }

    /// Where the bytes are split changes nothing.
    #[test]
    fn tracker_does_not_see_splits(
        command in 0..0x20u8,
        caps in trackable(),
        input in packets(),
        piece in 1..40usize,
    ) {
        let whole = track(command, caps, std::iter::once(&input[..]));
        let pieces = track(command, caps, input.chunks(piece));
        if input.is_empty() {
            return Ok(());
        }
        prop_assert_eq!(whole.2, pieces.2);
        prop_assert_eq!(whole.1, pieces.1);
        prop_assert_eq!(whole.0, pieces.0);
    }

    #[test]
    fn tracker_follows_what_the_writer_writes(
        caps in trackable(),
        columns in 1..6usize,
        rows in vec(vec(proptest::option::of(bytes(300)), 6), 0..10),
        piece in 1..500usize,
        warnings: u16,
    ) {
        let column = ColumnDefinition::new("c", ColumnType::VAR_STRING, 45);
        let definitions = vec![column; columns];
        let mut out = Vec::new();
        let status = StatusFlags::IN_TRANS;
        let mut set = TextResultSet::columns(&mut out, 1, caps, status, &definitions);
        for row in &rows {
            set.row(&mut out, row.iter().take(columns).map(Option::as_deref));
        }
        let _next = set.finish(&mut out, warnings);
        let (summary, consumed, end) = track(Command::QUERY.0, caps, out.chunks(piece));
        prop_assert_eq!((consumed, end), (out.len(), Ok(true)));
        prop_assert_eq!(summary.rows, rows.len() as u64);
        prop_assert_eq!(summary.warnings, u32::from(warnings));
        prop_assert!(summary.in_transaction_seen);
    }

    #[test]
    fn decoders_bear_any_bytes(caps in capabilities(), input in bytes(200)) {
        // What comes out does not matter, only that it does.
        let results = (
            OkPacket::decode(&input, caps),
            ErrPacket::decode(&input),
            EofPacket::decode(&input),
            ColumnDefinition::decode(&input),
            Greeting::decode(&input),
            HandshakeResponse::decode(&input),
            SslRequest::decode(&input),
            AuthSwitchRequest::decode(&input),
        );
        drop(results);
        let mut reader = PacketReader::new(100);
        let mut rest = BytesMut::from(&input[..]);
        while let Ok(Some(_)) = reader.next(&mut rest) {}
    }

    #[test]
    fn server_bears_any_bytes(input in bytes(300), framed in packets(), tls: bool) {
        for input in [input, framed] {
            server_takes(&input, tls);
        }
    }

    #[test]
    fn server_bears_damaged_logins(at in 36..120usize, byte: u8, tls: bool) {
        let mut input = crate::golden::client("mysql_cli_9_7");
        input[at] = byte;
        server_takes(&input, tls);
    }

    #[test]
    fn client_bears_any_bytes(input in bytes(300), framed in packets(), tls: bool) {
        let login = crate::golden::MYSQL_9_7.login("login_caching_by_mysql");
        for mut behind in [input, framed] {
            let mut bytes = login[0].bytes.clone();
            bytes.append(&mut behind);
            client_takes(&bytes, tls);
        }
    }

    #[test]
    fn ok_comes_back(
        affected_rows: u64, last_insert_id: u64, status: u16, warnings: u16,
        info in word(), session_state in bytes(20), as_eof: bool,
    ) {
        let status = StatusFlags::from_bits_retain(status);
        let tracked = status.contains(StatusFlags::SESSION_STATE_CHANGED);
        let session_state = if tracked { session_state } else { Vec::new() };
        let ok = OkPacket { affected_rows, last_insert_id, status, warnings, info, session_state };
        let caps = Capabilities::SESSION_TRACK;
        let mut out = Vec::new();
        ok.encode(&mut out, caps, as_eof);
        prop_assert_eq!(OkPacket::decode(&out, caps), Ok(ok));
    }

    #[test]
    fn err_and_eof_come_back(code: u16, sql_state: [u8; 5], message in word(), status: u16) {
        let error = ErrPacket { code, sql_state, message };
        let mut out = Vec::new();
        error.encode(&mut out, Capabilities::PROTOCOL_41);
        prop_assert_eq!(ErrPacket::decode(&out), Ok(error));
        let eof = EofPacket { warnings: code, status: StatusFlags::from_bits_retain(status) };
        let mut out = Vec::new();
        eof.encode(&mut out);
        prop_assert_eq!(EofPacket::decode(&out), Ok(eof));
    }

    #[test]
    fn columns_come_back(
        words in vec(word(), 6), charset: u16, column_length: u32, kind: u8, flags: u16,
        decimals: u8,
    ) {
        let word = |index: usize| words[index].clone();
        let column = ColumnDefinition {
            catalog: word(0), schema: word(1), table: word(2), org_table: word(3), name: word(4),
            org_name: word(5), charset, column_length, column_type: ColumnType(kind),
            flags: ColumnFlags::from_bits_retain(flags), decimals,
        };
        let mut out = Vec::new();
        column.encode(&mut out, Capabilities::empty());
        prop_assert_eq!(ColumnDefinition::decode(&out), Ok(column));
    }

    #[test]
    fn greetings_come_back(
        server_version in word(), connection_id: u32, nonce: [u8; 20], caps in capabilities(),
        collation: u8, status: u16, auth_plugin in word(),
    ) {
        let needed = Capabilities::PROTOCOL_41
            | Capabilities::SECURE_CONNECTION
            | Capabilities::PLUGIN_AUTH;
        let greeting = Greeting {
            server_version, connection_id, nonce, capabilities: caps | needed, collation,
            status: StatusFlags::from_bits_retain(status), auth_plugin,
        };
        let mut out = Vec::new();
        greeting.encode(&mut out);
        prop_assert_eq!(Greeting::decode(&out), Ok(greeting));
    }

    #[test]
    fn logins_come_back(
        caps in capabilities(), max_packet_size: u32, collation: u8, user in word(),
        auth_response in bytes(300), database in "[^\0]{1,9}", plugin in "[^\0]{1,9}",
        attributes in vec((word(), word()), 0..10),
    ) {
        let caps = caps | Capabilities::PROTOCOL_41 | Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA;
        let login = HandshakeResponse {
            capabilities: caps, max_packet_size, collation, user, auth_response,
            database: caps.contains(Capabilities::CONNECT_WITH_DB).then_some(database),
            auth_plugin: caps.contains(Capabilities::PLUGIN_AUTH).then_some(plugin),
            connect_attributes: if caps.contains(Capabilities::CONNECT_ATTRS) {
                attributes
            } else {
                Vec::new()
            },
            zstd_level: if caps.contains(Capabilities::ZSTD_COMPRESSION_ALGORITHM) {
                collation
            } else {
                0
            },
        };
        let mut out = Vec::new();
        login.encode(&mut out);
        prop_assert_eq!(HandshakeResponse::decode(&out), Ok(login));
    }
}

/// Does what events ask for, until the input is used up or refused.
fn server_takes(input: &[u8], tls: bool) {
    let mut server = ServerHandshake::new(ServerConfig {
        server_version: String::new(),
        connection_id: 1,
        nonce: [1; 20],
        capabilities: if tls {
            Capabilities::all()
        } else {
            Capabilities::empty()
        },
        collation: 45,
        default_plugin: AuthPlugin::CachingSha2Password,
    });
    let mut out = Vec::new();
    server.greeting(&mut out);
    let mut input = BytesMut::from(input);
    for _ in 0..1000 {
        let before = input.len();
        let mut event = server.input(&mut input, &mut out);
        if event == Ok(ServerEvent::Identify) {
            event = server.authenticate(Some(b"secret"), &mut out);
            assert_ne!(
                event,
                Ok(ServerEvent::Authenticated),
                "nobody guesses a scramble"
            );
        }
        match event {
            Ok(ServerEvent::StartTls) => server.tls_established(),
            Ok(ServerEvent::NeedInput) if input.len() < before => {}
            _ => return,
        }
    }
    panic!("the server goes on without input");
}

fn client_takes(input: &[u8], tls: bool) {
    let mut client = ClientHandshake::new(ClientConfig {
        user: "app".to_owned(),
        password: b"secret".to_vec(),
        database: None,
        collation: 45,
        capabilities: Capabilities::all(),
        attributes: Vec::new(),
        tls,
        transport_is_private: true,
    });
    let mut out = Vec::new();
    let mut input = BytesMut::from(input);
    for _ in 0..1000 {
        match client.input(&mut input, &mut out) {
            Ok(mysql_proto::ClientEvent::StartTls) => client.tls_established(&mut out),
            Ok(mysql_proto::ClientEvent::EncryptPassword { .. }) => {
                client.encrypted_password(vec![1; 256], &mut out);
            }
            _ => return,
        }
    }
    panic!("the client goes on without input");
}
