//! Following, without a server and with real ones.

mod losses;
mod recorder;
mod refusals;
mod way;
mod world;
mod writes;

use mysql_proto::{BinlogEvent, BinlogEventBody, BinlogStatement, PackedEvents, PackedForm};

use super::place::{FileId, Place};
use super::report::Reporter;
use recorder::{Heard, Recorder, anything, statement, table};

const ITEMS: BinlogEventBody<'_> = BinlogEventBody::Table {
    database: b"shop",
    table: b"items",
};
const CLIENTS: BinlogEventBody<'_> = BinlogEventBody::Table {
    database: b"shop",
    table: b"clients",
};

/// What a listener hears of these events.
fn heard(events: &[BinlogEventBody<'_>]) -> Vec<Heard> {
    let recorder = Recorder::default();
    let mut reporter = Reporter::new(&recorder);
    for event in events {
        reporter.report(event);
    }
    recorder.take()
}

fn text(sql: &[u8]) -> BinlogStatement<'_> {
    BinlogStatement {
        thread: 7,
        database: b"shop",
        sql,
        sql_mode: Some(0),
        collation: Some(45),
    }
}

/// An event of this kind with this body, without a checksum.
fn event(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(19 + body.len()).unwrap().to_le_bytes();
    [&[0; 4][..], &[kind], &[1, 0, 0, 0], &len, &[0; 6], body].concat()
}

/// A transaction that changes `shop.items`, as it is within a payload.
fn transaction() -> Vec<u8> {
    let map = event(19, b"\x01\0\0\0\0\0\x01\0\x04shop\0\x05items\0\x01\x03\0\0");
    let rows = event(30, &[0; 24]);
    let commit = event(16, &[0; 8]);
    [map, rows, commit].concat()
}

fn packed(bytes: &[u8], unpacked_len: u64) -> BinlogEventBody<'_> {
    BinlogEventBody::Packed(PackedEvents {
        form: PackedForm::Zstd,
        unpacked_len,
        bytes,
    })
}

#[test]
fn a_table_is_told_once_for_each_transaction() {
    let (begin, commit) = (BinlogEventBody::Begin, BinlogEventBody::Commit);
    let events = [begin, ITEMS, ITEMS, CLIENTS, commit, begin, CLIENTS];
    let told = ["shop.items", "shop.clients", "shop.clients"].map(table);
    assert_eq!(heard(&events), told);
}

#[test]
fn a_statement_that_reads_otherwise_is_anything() {
    let drop = b"DROP TABLE items";
    let usual = text(drop);
    let ansi_quotes = BinlogStatement {
        sql_mode: Some(0x4),
        ..usual
    };
    let no_escapes = BinlogStatement {
        sql_mode: Some(0x10_0000),
        ..usual
    };
    let unknown_mode = BinlogStatement {
        sql_mode: None,
        ..usual
    };
    // The last byte is a backslash in ASCII.
    let gbk = BinlogStatement {
        collation: Some(28),
        ..text(b"DROP TABLE \x81\x5C")
    };
    let events = [usual, ansi_quotes, no_escapes, unknown_mode, gbk];
    let told = [
        statement("shop", "DROP TABLE items"),
        anything(),
        anything(),
        anything(),
        anything(),
    ];
    assert_eq!(heard(&events.map(BinlogEventBody::Statement)), told);
}

#[test]
fn a_statement_may_have_letters_of_utf8() {
    let sql = "DROP TABLE café";
    let known = text(sql.as_bytes());
    let of_mariadb_11_5 = BinlogStatement {
        collation: Some(2304),
        ..known
    };
    let latin1 = BinlogStatement {
        collation: Some(8),
        ..known
    };
    let broken = text(b"DROP TABLE caf\xE9");
    let events = [known, of_mariadb_11_5, latin1, broken];
    let told = [
        statement("shop", sql),
        statement("shop", sql),
        anything(),
        anything(),
    ];
    assert_eq!(heard(&events.map(BinlogEventBody::Statement)), told);
}

#[test]
fn a_compressed_transaction_is_told_as_any() {
    let events = transaction();
    let len = events.len() as u64;
    let bytes = zstd::bulk::compress(&events, 3).unwrap();
    assert_eq!(heard(&[packed(&bytes, len)]), [table("shop.items")]);
}

#[test]
fn what_cannot_be_unpacked_is_anything() {
    let events = transaction();
    let len = events.len() as u64;
    let bytes = zstd::bulk::compress(&events, 3).unwrap();
    let cut = &bytes[..bytes.len() - 1];
    for (bytes, len) in [(cut, len), (&*bytes, len - 1), (&*bytes, u64::MAX)] {
        assert_eq!(heard(&[packed(bytes, len)]), [anything()]);
    }
    let bytes = zstd::bulk::compress(&events[..events.len() - 1], 3).unwrap();
    let told = [table("shop.items"), anything()];
    assert_eq!(heard(&[packed(&bytes, len - 1)]), told);
}

fn format(timestamp: u32) -> BinlogEvent<'static> {
    BinlogEvent {
        timestamp,
        server_id: 1,
        end: None,
        body: BinlogEventBody::Format,
    }
}

#[test]
fn a_place_is_known_by_more_than_the_name_of_its_file() {
    let mut place = Place::default();
    assert!(!place.is_known());
    assert!(!place.enter(FileId::of(&format(5))));
    assert!(place.enter(FileId::of(&format(5))));
    assert!(!place.enter(FileId::of(&format(6))));
    assert!(place.is_known());
}

#[test]
fn a_place_goes_on_with_the_events() {
    let mut place = Place::default();
    let mut advance = |body, end| {
        place.advance(&BinlogEvent {
            body,
            end,
            ..format(5)
        });
        place.to_string()
    };
    let rotate = |file| BinlogEventBody::Rotate { file, position: 4 };
    assert_eq!(advance(rotate(b"binlog.000007"), None), "binlog.000007:4");
    assert_eq!(advance(ITEMS, Some(120)), "binlog.000007:120");
    assert_eq!(advance(BinlogEventBody::Nothing, None), "binlog.000007:120");
    assert_eq!(
        advance(rotate(b"binlog.000008"), Some(150)),
        "binlog.000008:4"
    );
    assert!(!place.is_known());
}
