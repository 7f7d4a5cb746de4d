//! Query attributes, and the changes of state that OK packets tell.

use mysql_proto::{
    AttributedQuery, ColumnType, DecodeError, StateChange, StateChangeKind, state_changes,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Type and its flags, the value as it goes over the wire, and as text.
type Value = (ColumnType, u8, Vec<u8>, Option<String>);

fn attribute() -> impl Strategy<Value = Value> {
    let lenenc = |bytes: &[u8]| {
        let mut out = vec![u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    };
    prop_oneof![
        any::<i8>().prop_map(|it| (
            ColumnType::TINY,
            0,
            it.to_le_bytes().to_vec(),
            Some(it.to_string())
        )),
        any::<u16>().prop_map(|it| (
            ColumnType::SHORT,
            0x80,
            it.to_le_bytes().to_vec(),
            Some(it.to_string())
        )),
        any::<i32>().prop_map(|it| (
            ColumnType::LONG,
            0,
            it.to_le_bytes().to_vec(),
            Some(it.to_string())
        )),
        any::<u64>().prop_map(|it| (
            ColumnType::LONGLONG,
            0x80,
            it.to_le_bytes().to_vec(),
            Some(it.to_string())
        )),
        any::<f64>().prop_map(|it| (
            ColumnType::DOUBLE,
            0,
            it.to_le_bytes().to_vec(),
            Some(it.to_string())
        )),
        any::<f32>().prop_map(|it| (
            ColumnType::FLOAT,
            0,
            it.to_le_bytes().to_vec(),
            Some(it.to_string())
        )),
        "[ -~]{0,20}".prop_map(move |it| (
            ColumnType::VAR_STRING,
            0,
            lenenc(it.as_bytes()),
            Some(it)
        )),
        vec(any::<u8>(), 0..12).prop_map(move |it| (ColumnType::DATETIME, 0, lenenc(&it), None)),
    ]
}

/// As a client writes it.
fn encode(attributes: &[(String, bool, Value)], statement: &[u8]) -> Vec<u8> {
    let mut out = vec![3, u8::try_from(attributes.len()).unwrap(), 1];
    if !attributes.is_empty() {
        let mut bitmap = vec![0; attributes.len().div_ceil(8)];
        for (index, (_, is_null, _)) in attributes.iter().enumerate() {
            bitmap[index / 8] |= u8::from(*is_null) << (index % 8);
        }
        out.append(&mut bitmap);
        out.push(1);
        for (name, _, (kind, flags, ..)) in attributes {
            out.extend([kind.0, *flags, u8::try_from(name.len()).unwrap()]);
            out.extend_from_slice(name.as_bytes());
        }
        for (_, is_null, (_, _, value, _)) in attributes {
            if !is_null {
                out.extend_from_slice(value);
            }
        }
    }
    out.extend_from_slice(statement);
    out
}

proptest! {
    #[test]
    fn statement_and_attributes_are_found(
        attributes in vec(("[a-z]{0,9}", any::<bool>(), attribute()), 0..20),
        statement in vec(any::<u8>(), 0..50),
    ) {
        let payload = encode(&attributes, &statement);
        let query = AttributedQuery::parse(&payload).unwrap();
        prop_assert_eq!(query.statement(), &statement);
        prop_assert_eq!(&payload[query.statement_start()..], &statement);
        let found: Vec<_> = query
            .attributes()
            .map(|it| (String::from_utf8_lossy(it.name).into_owned(), it.kind, it.text()))
            .collect();
        let expected: Vec<_> = attributes
            .into_iter()
            .map(|(name, is_null, (kind, _, _, text))| (name, kind, text.filter(|_| !is_null)))
            .collect();
        prop_assert_eq!(found, expected);
        let plain = query.without_attributes();
        prop_assert_eq!((plain[0], &plain[1..]), (3, &statement[..]));
    }

    /// Cut before the statement, nothing is taken for one.
    #[test]
    fn cuts_are_borne(
        attributes in vec(("[a-z]{0,9}", any::<bool>(), attribute()), 0..9),
        cut: prop::sample::Index,
    ) {
        let payload = encode(&attributes, b"");
        let head = &payload[..cut.index(payload.len())];
        prop_assert_eq!(AttributedQuery::parse(head), None);
    }

    #[test]
    fn any_bytes_are_borne(mut payload in vec(any::<u8>(), 0..60), count in 0..9u8) {
        payload.splice(0..0, [3, count, 1]);
        if let Some(query) = AttributedQuery::parse(&payload) {
            prop_assert_eq!(query.attributes().count(), usize::from(count));
            let text: Vec<_> = query.attributes().map(|it| it.text()).collect();
            drop(text);
        }
        let changes = state_changes(&payload).count();
        prop_assert!(changes <= payload.len());
    }

    #[test]
    fn changes_of_state_come_back(changes in vec((any::<u8>(), vec(any::<u8>(), 0..300)), 0..9)) {
        let mut block = Vec::new();
        for (kind, data) in &changes {
            StateChange { kind: StateChangeKind(*kind), data }.encode(&mut block);
        }
        let found: Vec<_> = state_changes(&block)
            .map(|change| change.map(|it| (it.kind.0, it.data.to_vec())))
            .collect();
        prop_assert_eq!(found, changes.into_iter().map(Ok).collect::<Vec<_>>());
    }
}

/// A value of a type whose length servers do not agree on would move the statement.
#[test]
fn attributes_of_unknown_types_are_not_read() {
    let attribute = |kind: u8| [&[3, 1, 1, 0, 1, kind, 0, 0, 2, b'a', b'b'][..], b"DO 1"].concat();
    let string = attribute(ColumnType::STRING.0);
    let query = AttributedQuery::parse(&string).unwrap();
    assert_eq!(query.statement(), b"DO 1");
    for kind in [ColumnType::YEAR, ColumnType::INT24, ColumnType(0xF4)] {
        assert_eq!(AttributedQuery::parse(&attribute(kind.0)), None);
    }
}

#[test]
fn attributes_without_types_or_in_several_sets_are_not_read() {
    assert_eq!(AttributedQuery::parse(&[3, 1, 1, 1, 0]), None);
    assert_eq!(AttributedQuery::parse(&[3, 0, 2, b';']), None);
    assert!(AttributedQuery::parse(&[3, 0, 1]).is_some());
    assert_eq!(AttributedQuery::parse(&[0x16, 0, 1]), None);
}

/// What MySQL 9.7 tells after `SET time_zone = '+01:00'`, and after `USE shop`.
#[test]
fn changes_of_state_have_names_and_values() {
    let block = b"\x00\x11\x09time_zone\x06+01:00\x01\x05\x04shop\x02\x02\x01\x31";
    let changes: Vec<_> = state_changes(block).map(Result::unwrap).collect();
    assert_eq!(changes[0].kind, StateChangeKind::SYSTEM_VARIABLES);
    let strings: Vec<_> = changes[0].strings().collect();
    assert_eq!(strings, [&b"time_zone"[..], b"+01:00"]);
    assert_eq!(changes[1].kind, StateChangeKind::SCHEMA);
    assert_eq!(changes[1].strings().next(), Some(&b"shop"[..]));
    assert_eq!(changes[2].kind, StateChangeKind::STATE_CHANGE);
    let cut = &block[..block.len() - 1];
    let last = state_changes(cut).last();
    assert_eq!(last, Some(Err(DecodeError::Truncated)));
}
