//! Packets at and beyond 16 MiB, and packets beyond a limit.

use bytes::BytesMut;
use mysql_proto::{
    Capabilities, ColumnDefinition, ColumnType, Command, DecodeError, ErrPacket, HEADER_LEN,
    MAX_PAYLOAD, PacketHeader, PacketReader, ResponseState, ResponseTracker, StatusFlags,
    TextResultSet, write_packet,
};

const MORE: usize = MAX_PAYLOAD + 10;

#[test]
fn long_payloads_are_split_and_joined() {
    for len in [0, 1, MAX_PAYLOAD - 1, MAX_PAYLOAD, MORE, 2 * MAX_PAYLOAD] {
        let payload: Vec<u8> = (0..len).map(|i| i.to_le_bytes()[0]).collect();
        let (mut out, mut sequence_id) = (Vec::new(), 255);
        write_packet(&mut out, &mut sequence_id, &payload);
        let parts = len / MAX_PAYLOAD + 1;
        assert_eq!(out.len(), len + 4 * parts);

        let mut input = BytesMut::from(&out[..out.len() - 1]);
        let mut reader = PacketReader::new(len);
        assert_eq!(reader.next(&mut input).unwrap(), None);
        input.extend_from_slice(&out[out.len() - 1..]);
        let packet = reader.next(&mut input).unwrap().unwrap();
        assert!(packet.payload == payload, "payload of {len} bytes");
        assert_eq!(packet.sequence_id.wrapping_add(1), sequence_id);
        assert!(input.is_empty());
    }
}

#[test]
fn too_long_packets_are_refused_by_their_header() {
    let mut reader = PacketReader::new(10);
    let mut input = BytesMut::from(&[11, 0, 0, 0][..]);
    let too_large = DecodeError::TooLarge {
        length: 11,
        limit: 10,
    };
    assert_eq!(reader.next(&mut input), Err(too_large));

    // The second part is over the limit, the first was not.
    let mut out = Vec::new();
    write_packet(&mut out, &mut 0, &vec![0; MORE]);
    let mut input = BytesMut::from(&out[..]);
    let mut reader = PacketReader::new(MAX_PAYLOAD + 9);
    let error = reader.next(&mut input).unwrap_err();
    assert!(matches!(error, DecodeError::TooLarge { length: MORE, .. }));
}

/// Rows whose first value is so long that they begin like the end of the rows.
#[test]
fn rows_of_16_mib_are_not_the_end_of_the_rows() {
    let value = vec![b'x'; MORE];
    let fits_exactly = vec![b'y'; MAX_PAYLOAD - 4];
    for extra in [Capabilities::empty(), Capabilities::DEPRECATE_EOF] {
        let capabilities = Capabilities::PROTOCOL_41 | extra;
        let columns = [ColumnDefinition::new("v", ColumnType::LONG_BLOB, 63)];
        let status = StatusFlags::AUTOCOMMIT;
        let mut out = Vec::new();
        let mut rows = TextResultSet::columns(&mut out, 1, capabilities, status, &columns);
        rows.row(&mut out, [Some(&value[..])]);
        rows.row(&mut out, [Some(&fits_exactly[..])]);
        rows.row(&mut out, [Some(&b"short"[..])]);
        let _next = rows.finish(&mut out, 0);

        for chunk in [out.len(), MAX_PAYLOAD, 1 << 16, 1021] {
            let mut tracker = ResponseTracker::new(Command::QUERY, capabilities);
            let mut last = None;
            for bytes in out.chunks(chunk) {
                last = Some(tracker.feed(bytes).unwrap().state);
            }
            assert_eq!(last, Some(ResponseState::Done));
            assert_eq!(tracker.summary().rows, 3);
        }
        split_around_headers(&out, capabilities);
    }
}

/// Splits a response of three rows within, before and behind each of its headers.
fn split_around_headers(response: &[u8], capabilities: Capabilities) {
    let mut start = 0;
    while let Some(header) = PacketHeader::decode(&response[start..]) {
        for at in start..(start + 32).min(response.len()) {
            let (head, tail) = response.split_at(at);
            let mut tracker = ResponseTracker::new(Command::QUERY, capabilities);
            let state = tracker.feed(head).unwrap().state;
            assert_eq!(state, ResponseState::Incomplete, "cut at {at}");
            let state = tracker.feed(tail).unwrap().state;
            assert_eq!(state, ResponseState::Done, "split at {at}");
            assert_eq!(tracker.summary().rows, 3, "split at {at}");
        }
        start += HEADER_LEN + header.payload_len;
    }
}

/// Without `DEPRECATE_EOF` a first value with a length of eight bytes makes at least nine bytes.
#[test]
fn short_rows_that_begin_like_an_end_are_rows() {
    let mut out = Vec::new();
    let capabilities = Capabilities::PROTOCOL_41;
    let columns = [ColumnDefinition::new("v", ColumnType::LONG_BLOB, 63)];
    let status = StatusFlags::AUTOCOMMIT;
    let rows = TextResultSet::columns(&mut out, 1, capabilities, status, &columns);
    let mut odd_row = vec![0xFE];
    odd_row.extend_from_slice(&[0; 8]);
    write_packet(&mut out, &mut 4, &odd_row);
    let _next = rows.finish(&mut out, 0);
    let mut tracker = ResponseTracker::new(Command::QUERY, capabilities);
    assert_eq!(tracker.feed(&out).unwrap().state, ResponseState::Done);
    assert_eq!(tracker.summary().rows, 1);
}

#[test]
fn long_messages_are_cut_between_characters() {
    let message = format!("{}é", "m".repeat(511));
    let mut out = Vec::new();
    ErrPacket::new(1105, ErrPacket::GENERAL_STATE, message).encode(&mut out, Capabilities::all());
    let error = ErrPacket::decode(&out).unwrap();
    assert_eq!(error.message, "m".repeat(511));
}
