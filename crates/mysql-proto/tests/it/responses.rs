//! The decoders of response packets against captured responses.

use mysql_proto::{
    ColumnDefinition, ColumnFlags, ColumnType, DecodeError, EofPacket, ErrPacket, OkPacket,
    StatusFlags,
};

use crate::golden::{MARIADB_10_11, MYSQL_9_7, Server, TIDB_8_5, payloads};

/// Every cut of the payload must be an error.
fn fails_when_cut<T: std::fmt::Debug>(
    payload: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) {
    for len in 0..payload.len() {
        let decoded = decode(&payload[..len]);
        assert_eq!(decoded.unwrap_err(), DecodeError::Truncated, "cut at {len}");
    }
}

fn decodes_info(server: Server) {
    let response = server.response("update_ok");
    let [payload] = payloads(&response.bytes)[..] else {
        panic!("an OK packet is one packet");
    };
    let ok = OkPacket::decode(payload, response.capabilities).unwrap();
    assert_eq!(ok.affected_rows, 1);
    assert_eq!(ok.info, "Rows matched: 1  Changed: 1  Warnings: 0");
    let mut encoded = Vec::new();
    ok.encode(&mut encoded, response.capabilities, false);
    assert_eq!(encoded, payload);
    // Cut right after the figures it is an OK packet without an info.
    let figures = 7;
    fails_when_cut(&payload[..figures], |cut| {
        OkPacket::decode(cut, response.capabilities)
    });
    for len in figures + 1..payload.len() {
        assert!(OkPacket::decode(&payload[..len], response.capabilities).is_err());
    }
}

fn decodes_error(server: Server) {
    let response = server.response("unknown_table_ok");
    let [payload] = payloads(&response.bytes)[..] else {
        panic!("an ERR packet is one packet");
    };
    let error = ErrPacket::decode(payload).unwrap();
    assert_eq!((error.code, &error.sql_state), (1146, b"42S02"));
    assert_eq!(error.message, "Table 'golden.missing' doesn't exist");
    let mut encoded = Vec::new();
    error.encode(&mut encoded, response.capabilities);
    assert_eq!(encoded, payload);
    for len in 0..payload.len() {
        match ErrPacket::decode(&payload[..len]) {
            // The message has no length of its own, and an error before the login no state.
            Ok(_) => assert!(len == 3 || len >= 9, "cut at {len}"),
            Err(error) => assert_eq!(error, DecodeError::Truncated),
        }
    }
}

fn decodes_columns(server: Server) {
    let response = server.response("select_eof");
    let packets = payloads(&response.bytes);
    let [count, id, name, score, born, eof, ..] = packets[..] else {
        panic!("{} packets", packets.len());
    };
    assert_eq!(count, [4]);
    for payload in [id, name, score, born] {
        fails_when_cut(payload, ColumnDefinition::decode);
        let mut encoded = Vec::new();
        ColumnDefinition::decode(payload)
            .unwrap()
            .encode(&mut encoded, mysql_proto::Capabilities::empty());
        assert_eq!(encoded, payload);
    }
    let id = ColumnDefinition::decode(id).unwrap();
    assert_eq!(
        (&*id.schema, &*id.table, &*id.name),
        ("golden", "people", "id")
    );
    assert_eq!(id.column_type, ColumnType::LONG);
    assert!(
        id.flags
            .contains(ColumnFlags::PRIMARY_KEY | ColumnFlags::AUTO_INCREMENT)
    );
    let born = ColumnDefinition::decode(born).unwrap();
    assert_eq!(born.column_type, ColumnType::DATE);
    fails_when_cut(eof, EofPacket::decode);
    let eof = EofPacket::decode(eof).unwrap();
    assert!(eof.status.contains(StatusFlags::AUTOCOMMIT));
}

fn decodes_the_end_of_rows(server: Server) {
    let response = server.response("select_warning_ok");
    let packets = payloads(&response.bytes);
    let end = packets.last().unwrap();
    assert_eq!(end[0], OkPacket::EOF_HEADER);
    let ok = OkPacket::decode(end, response.capabilities).unwrap();
    assert_eq!(ok.warnings, 1);
    let mut encoded = Vec::new();
    ok.encode(&mut encoded, response.capabilities, true);
    assert_eq!(encoded, *end);
}

macro_rules! servers {
    ($($module:ident = $server:ident;)*) => {$(
        mod $module {
            #[test]
            fn info() { super::decodes_info(super::$server); }
            #[test]
            fn error() { super::decodes_error(super::$server); }
            #[test]
            fn columns() { super::decodes_columns(super::$server); }
            #[test]
            fn end_of_rows() { super::decodes_the_end_of_rows(super::$server); }
        }
    )*};
}

servers! {
    decodes_mariadb_10_11 = MARIADB_10_11;
    decodes_mysql_9_7 = MYSQL_9_7;
    decodes_tidb_8_5 = TIDB_8_5;
}
