//! The binary log, as MariaDB and MySQL have sent it.

use std::fmt::Write;
use std::time::Duration;

use mysql_proto::{
    BinlogDump, BinlogError, BinlogEvent, BinlogEventBody, BinlogPacket, BinlogReader, DecodeError,
    ErrPacket, PackedForm, binlog_settings, unpacked_events, write_packet,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::golden::{BINLOG_MARIADB_10_11, BINLOG_MYSQL_9_7, Server};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// An event in a word or two.
fn told(body: &BinlogEventBody<'_>) -> String {
    match body {
        BinlogEventBody::Format => "format".to_owned(),
        BinlogEventBody::Rotate { file, position } => format!("{}:{position}", text(file)),
        BinlogEventBody::Begin => "begin".to_owned(),
        BinlogEventBody::Table { database, table } => {
            format!("{}.{}", text(database), text(table))
        }
        BinlogEventBody::Statement(statement) => text(statement.sql).replace('\n', " "),
        BinlogEventBody::Packed(events) => format!("packed {:?}", events.form),
        BinlogEventBody::Commit => "commit".to_owned(),
        BinlogEventBody::Anything(why) => format!("anything: {why}"),
        BinlogEventBody::Nothing => "-".to_owned(),
    }
}

/// What a log tells, one line for each step at the server.
fn story(server: Server) -> Vec<String> {
    let mut reader = BinlogReader::new();
    let (mut story, mut last) = (Vec::<String>::new(), "");
    for (step, payload) in server.log() {
        if step != last {
            story.push(step.to_owned());
            last = step;
        }
        let packet = framed(&payload);
        let mut rest = packet.as_slice();
        let BinlogPacket::Event(event) = reader.next(&mut rest).unwrap().unwrap() else {
            panic!("{step}: not an event");
        };
        write!(story.last_mut().unwrap(), " | {}", told(&event.body)).unwrap();
        assert!(rest.is_empty());
    }
    story
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    write_packet(&mut packet, &mut 1, payload);
    packet
}

/// All packets as they come on the wire.
fn wire(server: Server) -> Vec<u8> {
    let (mut wire, mut sequence_id) = (Vec::new(), 1);
    for (_, payload) in server.log() {
        write_packet(&mut wire, &mut sequence_id, &payload);
    }
    wire
}

/// All that a reader makes of bytes in these pieces, up to an error.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Option<BinlogError>) {
    let (mut reader, mut read) = (BinlogReader::new(), Vec::new());
    for mut rest in pieces {
        loop {
            match reader.next(&mut rest) {
                Ok(Some(packet)) => read.push(format!("{packet:?}")),
                Ok(None) => break,
                Err(error) => return (read, Some(error)),
            }
        }
        assert!(rest.is_empty(), "there is a packet left");
    }
    (read, None)
}

#[test]
fn mariadb_tells_what_was_changed() {
    let expected = [
        "start | binlog.000001:1076 | format",
        "insert | begin | shop.t | - | commit",
        "two_tables | begin | shop.t | - | shop.u | - | shop.t | - | commit",
        "myisam | begin | shop.m | - | commit",
        "truncate | begin | TRUNCATE t",
        "create_select | begin | CREATE TABLE `c` (   `id` int(11) NOT NULL ) | shop.c | - | commit",
        "statement | begin | - | INSERT INTO t VALUES (1,@v) | commit",
        "load_statement | begin | - | LOAD DATA LOCAL INFILE 'rows.txt' IGNORE INTO TABLE `t` \
         FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' \
         (`id`, `v`) | commit",
        "ansi_quotes | begin | ALTER TABLE \"c\" ADD x INT",
        "other_charset | begin | CREATE TABLE caf\u{FFFD} (id INT)",
        "xa | begin | shop.u | - | - | -",
        "xa_commit | begin | anything: a prepared transaction has ended",
        "compressed | begin | shop.t | - | commit | begin | anything: a statement is compressed",
        "idle | -",
        "rotate | binlog.000002:4 | binlog.000002:4 | format | - | - | -",
        "behind | begin | shop.t | - | commit",
    ];
    assert_eq!(story(BINLOG_MARIADB_10_11), expected);
}

#[test]
fn mysql_tells_what_was_changed() {
    let expected = [
        "start | binlog.000001:1346 | format",
        "insert | begin | begin | shop.t | - | commit",
        "two_tables | begin | begin | shop.t | - | shop.u | - | shop.t | - | commit",
        "myisam | begin | begin | shop.m | - | commit",
        "truncate | begin | TRUNCATE t",
        "create_select | begin | begin \
         | CREATE TABLE `c` (   `id` int NOT NULL ) START TRANSACTION | shop.c | - | commit",
        "statement | begin | begin | - | INSERT INTO t VALUES (1,@v) | commit",
        "load_statement | begin | begin | - | LOAD DATA LOCAL INFILE 'rows.txt' IGNORE INTO TABLE `t` \
         FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' \
         (`id`, `v`) | commit",
        "ansi_quotes | begin | ALTER TABLE \"c\" ADD x INT",
        "other_charset | begin | CREATE TABLE caf\u{FFFD} (id INT)",
        "xa | begin | - | shop.u | - | - | -",
        "xa_commit | begin | anything: a prepared transaction has ended",
        "compressed | begin | packed Zstd",
        "idle | -",
        "rotate | binlog.000002:4 | binlog.000002:4 | format | -",
        "behind | begin | begin | shop.t | - | commit",
    ];
    assert_eq!(story(BINLOG_MYSQL_9_7), expected);
}

/// The events of a step, each with what it is read as.
fn events_of(server: Server, wanted: &str, mut check: impl FnMut(usize, BinlogEvent<'_>)) {
    let mut reader = BinlogReader::new();
    let mut count = 0;
    for (step, payload) in server.log() {
        let packet = framed(&payload);
        let packet = reader.next(&mut packet.as_slice()).unwrap().unwrap();
        match packet {
            BinlogPacket::Event(event) if step == wanted => {
                check(count, event);
                count += 1;
            }
            _ => {}
        }
    }
    assert_ne!(count, 0, "there is no step {wanted}");
}

#[test]
fn a_statement_says_how_it_reads() {
    let read = |step| {
        let mut read = None;
        events_of(BINLOG_MYSQL_9_7, step, |_, event| {
            if let BinlogEventBody::Statement(statement) = event.body {
                let mode = statement.sql_mode.unwrap();
                read = Some((mode & 0x4 != 0, statement.collation.unwrap()));
                assert_eq!(statement.database, b"shop");
                assert_ne!(statement.thread, 0);
            }
        });
        read.unwrap()
    };
    assert_eq!(read("truncate"), (false, 255));
    assert_eq!(read("ansi_quotes"), (true, 255));
    assert_eq!(read("other_charset"), (false, 8));
}

#[test]
fn only_what_is_in_the_file_has_an_end() {
    for server in [BINLOG_MARIADB_10_11, BINLOG_MYSQL_9_7] {
        for step in ["start", "idle"] {
            events_of(server, step, |_, event| assert_eq!(event.end, None));
        }
        let mut ends = Vec::new();
        events_of(server, "insert", |_, event| ends.extend(event.end));
        assert!(ends.len() >= 4 && ends.is_sorted(), "{ends:?}");
    }
}

#[test]
fn the_first_event_of_a_file_tells_when_and_where_it_was_begun() {
    let began = |step| {
        let mut began = None;
        events_of(BINLOG_MYSQL_9_7, step, |_, event| {
            if event.body == BinlogEventBody::Format {
                began = Some((event.timestamp, event.server_id));
            }
        });
        began.unwrap()
    };
    let (first, second) = (began("start"), began("rotate"));
    assert!(first.0 < second.0, "{first:?} {second:?}");
    assert_eq!((first.1, second.1), (1, 1));
}

/// A packet with an event of this kind.
fn packet(kind: u8, flags: u16, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(19 + body.len()).unwrap().to_le_bytes();
    let flags = flags.to_le_bytes();
    let event = [
        &[0, 1, 1, 1, 1, kind, 1, 0, 0, 0][..],
        &len,
        &[9, 0, 0, 0],
        &flags,
        body,
    ];
    framed(&event.concat())
}

fn first(bytes: &[u8]) -> String {
    let mut reader = BinlogReader::new();
    match reader.next(&mut &*bytes).unwrap().unwrap() {
        BinlogPacket::Event(event) => told(&event.body),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_unknown_event_is_anything_unless_it_may_be_ignored() {
    assert_eq!(
        first(&packet(200, 0, b"x")),
        "anything: an event is of an unknown kind"
    );
    assert_eq!(first(&packet(200, 0x80, b"x")), "-");
    assert_eq!(
        first(&packet(26, 0, &[1, 0])),
        "anything: the log lacks something"
    );
}

/// As a server with an encrypted log has sent it: what comes behind is not encrypted.
#[test]
fn an_encrypted_log_of_mariadb_can_be_followed() {
    let event = "00063d0b6ba4010000002800000000000000800001010000000428ad2e7419a7195513551f62\
                 20a9b2";
    assert_eq!(first(&framed(&hex::decode(event).unwrap())), "-");
}

#[test]
fn a_log_ends_with_an_error_or_without() {
    let error = b"\xFF\xD4\x04#HY000could not find next log";
    let mut reader = BinlogReader::new();
    let packet = framed(error);
    let BinlogPacket::Refused(error) = reader.next(&mut packet.as_slice()).unwrap().unwrap() else {
        panic!("it is an error");
    };
    let expected = ErrPacket::new(1236, *b"HY000", "could not find next log");
    assert_eq!(error, expected);
    assert_eq!(first(&framed(&[0xFE, 0, 0, 2, 0])), "End");
}

#[test]
fn what_is_no_log_is_an_error() {
    let error = |packet: &[u8]| read([packet]).1.unwrap();
    let truncated = BinlogError::Malformed(DecodeError::Truncated);
    assert_eq!(error(&framed(&[])), truncated);
    assert_eq!(error(&framed(&[0; 19])), truncated);
    let unexpected = DecodeError::UnexpectedHeader(7);
    assert_eq!(error(&framed(&[7])), BinlogError::Malformed(unexpected));
    let longer = BinlogError::WrongLength {
        announced: 0,
        actual: 20,
    };
    assert_eq!(error(&framed(&[0; 21])), longer);
    let version_3 = packet(15, 0, &[3; 80]);
    assert_eq!(error(&version_3), BinlogError::UnsupportedVersion(0x303));
}

/// A format as a server of this version writes it, with this byte for checksums.
fn format(server: &str, algorithm: u8) -> Vec<u8> {
    let mut body = vec![4, 0];
    body.extend_from_slice(server.as_bytes());
    body.resize(52, 0);
    body.extend_from_slice(&[0, 0, 0, 0, 19, 13, 13, algorithm, 0, 0, 0, 0]);
    packet(15, 0, &body)
}

#[test]
fn the_format_tells_whether_there_are_checksums() {
    let commit = |sql: &str| packet(2, 0, &[&[0; 14][..], sql.as_bytes()].concat());
    let sql = |server: &str, algorithm| {
        let mut reader = BinlogReader::new();
        let log = [format(server, algorithm), commit("COMMIT1234")].concat();
        let mut rest = log.as_slice();
        reader.next(&mut rest)?.unwrap();
        match reader.next(&mut rest)?.unwrap() {
            BinlogPacket::Event(event) => Ok::<_, BinlogError>(told(&event.body)),
            other => panic!("{other:?}"),
        }
    };
    for server in [
        "5.6.1",
        "8.0.45-log",
        "26.4",
        "5.3.0-MariaDB",
        "11.8.2-MariaDB-log",
    ] {
        assert_eq!(sql(server, 1).unwrap(), "commit", "{server}");
        assert_eq!(sql(server, 0).unwrap(), "COMMIT1234", "{server}");
        assert_eq!(sql(server, 255).unwrap(), "COMMIT1234", "{server}");
        let unknown = BinlogError::UnsupportedChecksum(2);
        assert_eq!(sql(server, 2).unwrap_err(), unknown);
    }
    for server in ["5.5.68-log", "5.6.0", "5.2.14-MariaDB"] {
        assert_eq!(sql(server, 1).unwrap(), "COMMIT1234", "{server}");
    }
}

#[test]
fn a_long_event_is_cut_and_the_next_is_read() {
    let rows = packet(30, 0, &vec![7; 40 << 20]);
    let statement = packet(2, 0, &vec![7; 20 << 20]);
    let log = [rows, statement, packet(16, 0, &[0; 8])].concat();
    for size in [log.len(), 16 * 1024, 4_194_301] {
        let (packets, error) = read(log.chunks(size));
        assert_eq!(error, None);
        let told = ["Nothing", "an event is too long to be read", "Commit"];
        for (packet, told) in packets.iter().zip(told) {
            assert!(packet.contains(told), "{packet}");
        }
        assert_eq!(packets.len(), told.len());
    }
}

#[test]
fn the_command_and_the_statement_are_as_servers_want_them() {
    let mut command = Vec::new();
    let dump = BinlogDump {
        file: b"binlog.000007",
        position: 0x1234,
        server_id: 0xF000_0001,
    };
    dump.write(&mut command);
    let expected = b"\x18\0\0\0\x12\x34\x12\0\0\0\0\x01\0\0\xF0binlog.000007";
    assert_eq!(command, expected);
    let sql = binlog_settings(Duration::from_secs(1));
    assert!(sql.starts_with("SET @") && sql.contains("@master_heartbeat_period = 1000000000,"));
}

#[test]
fn pieces_of_any_size_tell_the_same() {
    for server in [BINLOG_MARIADB_10_11, BINLOG_MYSQL_9_7] {
        let wire = wire(server);
        let whole = read([&*wire]);
        assert_eq!(whole.1, None);
        for size in 1..200 {
            assert_eq!(read(wire.chunks(size)), whole, "{size}");
        }
    }
}

/// An event that is cut short, and says so, is an error or tells less, and never more.
#[test]
fn a_cut_event_does_not_panic() {
    for server in [BINLOG_MARIADB_10_11, BINLOG_MYSQL_9_7] {
        for (_, payload) in server.log() {
            for len in 0..payload.len() {
                let mut cut = payload[..len].to_vec();
                if let Some(place) = cut.get_mut(10..14) {
                    place.copy_from_slice(&u32::try_from(len - 1).unwrap().to_le_bytes());
                }
                let (packets, error) = read([&*framed(&cut)]);
                assert_eq!(packets.len() + usize::from(error.is_some()), 1);
            }
        }
    }
}

#[test]
fn events_of_a_payload_are_read_one_after_the_other() {
    let event = |kind, body: &[u8]| packet(kind, 0, body)[5..].to_vec();
    let map = event(19, b"\x01\0\0\0\0\0\x01\0\x04shop\0\x01t\0");
    let payload = [map, event(30, &[1; 9]), event(16, &[0; 8])].concat();
    let read = |bytes: &[u8]| {
        let events = unpacked_events(bytes);
        let told = events.map(|event| event.map(|event| told(&event.body)));
        told.collect::<Result<Vec<_>, _>>()
    };
    assert_eq!(read(&payload).unwrap(), ["shop.t", "-", "commit"]);
    for len in 0..payload.len() {
        let _either = read(&payload[..len]);
    }
    assert!(read(&payload[..payload.len() - 1]).is_err());
}

#[test]
fn a_payload_says_how_it_is_compressed() {
    events_of(BINLOG_MYSQL_9_7, "compressed", |index, event| {
        match event.body {
            BinlogEventBody::Packed(events) => {
                assert_eq!((index, events.form), (1, PackedForm::Zstd));
                assert!(events.bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]));
                assert!(events.unpacked_len > events.bytes.len() as u64);
            }
            body => assert_eq!((index, body), (0, BinlogEventBody::Begin)),
        }
    });
}

proptest! {
    #[test]
    fn random_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..2000), size in 1..200usize) {
        let _either = read(bytes.chunks(size));
        unpacked_events(&bytes).for_each(drop);
    }

    #[test]
    fn random_bodies_do_not_panic(events in vec((any::<u8>(), vec(any::<u8>(), 0..80)), 0..20)) {
        let packets = events.iter().map(|(kind, body)| packet(*kind, 0, body));
        let log: Vec<u8> = [format("8.0.45", 1)].into_iter().chain(packets).flatten().collect();
        let _either = read([&*log]);
        let bare = events.iter().map(|(kind, body)| packet(*kind, 0, body)[5..].to_vec());
        unpacked_events(&bare.collect::<Vec<_>>().concat()).for_each(drop);
    }

    #[test]
    fn flipped_bytes_do_not_panic(place in 0..4000usize, byte in any::<u8>()) {
        for server in [BINLOG_MARIADB_10_11, BINLOG_MYSQL_9_7] {
            let mut wire = wire(server);
            if let Some(place) = wire.get_mut(place) {
                *place = byte;
            }
            let _either = read([&*wire]);
        }
    }
}
