//! The response tracker against captured responses: whole, split at every byte, cut at every byte.

use mysql_proto::{
    Capabilities, Command, HEADER_LEN, PacketHeader, ProtocolError, ResponseState, ResponseTracker,
    StatusFlags, Summary,
};

use crate::golden::{MARIADB_10_11, MYSQL_9_7, Response, Server, TIDB_8_5};

/// Bytes that follow a response and do not belong to it.
const BEHIND: &[u8] = b"\x01\x00\x00\x00\x0e";

/// Feeds `chunks`; the client's file is sent at once when it is asked for.
fn feed(tracker: &mut ResponseTracker, chunks: &[&[u8]]) -> (usize, ResponseState) {
    let (mut consumed, mut state) = (0, ResponseState::Incomplete);
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let fed = tracker.feed(rest).unwrap();
            consumed += fed.consumed;
            rest = &rest[fed.consumed..];
            state = fed.state;
            match state {
                ResponseState::Done => return (consumed, state),
                ResponseState::Incomplete => {
                    assert!(
                        rest.is_empty(),
                        "all bytes of an incomplete response are its own"
                    );
                    break;
                }
                ResponseState::AwaitLocalInfile => {}
            }
        }
    }
    (consumed, state)
}

fn track(response: &Response) -> Summary {
    let new = || ResponseTracker::new(response.command, response.capabilities);
    let bytes = &response.bytes[..];
    let done = (bytes.len(), ResponseState::Done);

    let mut whole = new();
    assert_eq!(feed(&mut whole, &[bytes]), done);
    let summary = *whole.summary();
    assert_eq!(
        whole.feed(BEHIND).unwrap().consumed,
        0,
        "a response ends once"
    );

    let mut followed = new();
    assert_eq!(feed(&mut followed, &[&[bytes, BEHIND].concat()]), done);
    assert_eq!(*followed.summary(), summary);

    let mut dripped = new();
    let drops: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(feed(&mut dripped, &drops), done);
    assert_eq!(*dripped.summary(), summary);

    for at in 0..bytes.len() {
        let (head, tail) = bytes.split_at(at);
        let mut tracker = new();
        let (consumed, state) = feed(&mut tracker, &[head]);
        assert_ne!(state, ResponseState::Done, "cut at {at}");
        assert_eq!(consumed, at);
        assert_eq!(
            feed(&mut tracker, &[tail]).1,
            ResponseState::Done,
            "split at {at}"
        );
        assert_eq!(*tracker.summary(), summary, "split at {at}");
    }
    summary
}

/// Tracks a response in both its forms, which must tell the same.
fn track_both(server: Server, name: &str) -> Summary {
    let with_eof = track(&server.response(&format!("{name}_eof")));
    let with_ok = track(&server.response(&format!("{name}_ok")));
    let told_alike = |summary: Summary| Summary {
        // Some ids count on between the two captures.
        last_insert_id: 0,
        statement_id: None,
        ..summary
    };
    assert_eq!(told_alike(with_eof), told_alike(with_ok));
    with_ok
}

macro_rules! tracks {
    ($($name:ident($summary:ident) $checks:block)*) => {$(
        pub(super) fn $name(server: Server) {
            let $summary = track_both(server, stringify!($name));
            $checks
        }
    )*};
}

/// What each server must be found to have said.
mod says {
    use super::*;

    tracks! {
        insert(it) {
            assert_eq!(it.affected_rows, 1);
            assert!(it.last_insert_id > 3);
            assert_eq!(it.status, Some(StatusFlags::AUTOCOMMIT));
        }
        update(it) { assert_eq!((it.affected_rows, it.rows, it.error), (1, 0, None)) }
        unknown_table(it) { assert_eq!((it.error, it.status), (Some(1146), None)) }
        select(it) { assert_eq!((it.result_sets, it.rows, it.error), (1, 3, None)) }
        select_empty(it) { assert_eq!((it.result_sets, it.rows), (1, 0)) }
        select_warning(it) { assert_eq!((it.rows, it.warnings), (1, 1)) }
        multi(it) {
            assert_eq!((it.result_sets, it.rows, it.last_rows()), (2, 1, 0));
            assert!(!it.status.unwrap().contains(StatusFlags::MORE_RESULTS_EXISTS));
        }
        multi_error(it) { assert_eq!((it.rows, it.error), (1, Some(1146))) }
        call(it) { assert_eq!((it.result_sets, it.rows, it.error), (2, 1, None)) }
        error_amid_rows(it) {
            assert_eq!((it.result_sets, it.error), (1, Some(1690)));
            assert!((1..40).contains(&it.rows), "{} rows", it.rows);
        }
        begin(it) {
            assert!(it.in_transaction_seen);
            assert!(it.status.unwrap().contains(StatusFlags::IN_TRANS));
        }
        commit(it) { assert!(!it.in_transaction_seen) }
        local_infile(it) { assert_eq!((it.affected_rows, it.error), (2, None)) }
        prepare(it) { assert!(it.statement_id.is_some()) }
        prepare_columns_only(it) { assert!(it.statement_id.is_some()) }
        prepare_parameters_only(it) { assert!(it.statement_id.is_some()) }
        prepare_nothing(it) { assert!(it.statement_id.is_some()) }
        prepare_error(it) { assert_eq!((it.error, it.statement_id), (Some(1064), None)) }
        execute(it) { assert_eq!((it.result_sets, it.rows, it.cursor_open), (1, 3, false)) }
        execute_empty(it) { assert_eq!((it.result_sets, it.rows), (1, 0)) }
        execute_insert(it) { assert_eq!((it.result_sets, it.affected_rows), (0, 1)) }
        execute_call(it) { assert_eq!((it.result_sets, it.rows), (2, 1)) }
        execute_out(it) { assert_eq!((it.result_sets, it.rows, it.error), (2, 2, None)) }
        execute_cursor(it) { assert_eq!((it.rows, it.cursor_open), (0, true)) }
        fetch_some(it) { assert_eq!((it.rows, it.cursor_open), (2, true)) }
        fetch_last(it) { assert_eq!((it.rows, it.cursor_open), (1, false)) }
        fetch_unknown(it) { assert!(it.error.is_some()) }
        stmt_reset(it) { assert_eq!(it.error, None) }
        ping(it) { assert_eq!(it.error, None) }
        init_db(it) { assert_eq!(it.error, None) }
        init_db_unknown(it) { assert_eq!(it.error, Some(1049)) }
        statistics(it) { assert_eq!((it.error, it.status), (None, None)) }
        field_list(it) { assert_eq!((it.error, it.rows, it.result_sets), (None, 0, 0)) }
        field_list_unknown(it) { assert_eq!(it.error, Some(1146)) }
        set_option(it) { assert!(it.status.is_some()) }
        reset_connection(it) { assert_eq!(it.error, None) }
        process_kill_unknown(it) { assert!(it.error.is_some()) }
    }
}

macro_rules! servers {
    ($($module:ident = $server:ident: $($name:ident)*;)*) => {$(
        mod $module {
            $(#[test]
            fn $name() {
                super::says::$name(super::$server);
            })*

            #[test]
            fn no_capture_is_forgotten() {
                let tested = [$(stringify!($name)),*];
                for capture in super::$server.responses() {
                    let (name, _) = capture.rsplit_once('_').unwrap();
                    assert!(tested.contains(&name), "{capture}");
                }
            }
        }
    )*};
}

servers! {
    tracks_mariadb_10_11 = MARIADB_10_11:
        insert update unknown_table select select_empty select_warning multi multi_error call
        error_amid_rows begin commit local_infile prepare prepare_columns_only
        prepare_parameters_only prepare_nothing prepare_error execute execute_empty execute_insert
        execute_call execute_out execute_cursor fetch_some fetch_last fetch_unknown stmt_reset ping
        init_db init_db_unknown statistics field_list field_list_unknown set_option reset_connection
        process_kill_unknown;
    tracks_mysql_9_7 = MYSQL_9_7:
        insert update unknown_table select select_empty select_warning multi multi_error call
        error_amid_rows begin commit local_infile prepare prepare_columns_only
        prepare_parameters_only prepare_nothing prepare_error execute execute_empty execute_insert
        execute_call execute_out execute_cursor fetch_some fetch_last fetch_unknown stmt_reset ping
        init_db init_db_unknown statistics field_list field_list_unknown set_option reset_connection
        process_kill_unknown;
    tracks_tidb_8_5 = TIDB_8_5:
        insert update unknown_table select select_empty select_warning multi multi_error
        error_amid_rows begin commit local_infile prepare prepare_columns_only
        prepare_parameters_only prepare_nothing prepare_error execute execute_empty execute_insert
        execute_cursor fetch_some fetch_last fetch_unknown stmt_reset ping init_db
        init_db_unknown statistics field_list field_list_unknown set_option reset_connection
        process_kill_unknown;
}

#[test]
fn asks_for_the_file_before_the_answer() {
    let response = MYSQL_9_7.response("local_infile_ok");
    let mut tracker = ResponseTracker::new(response.command, response.capabilities);
    let fed = tracker.feed(&response.bytes).unwrap();
    assert_eq!(fed.state, ResponseState::AwaitLocalInfile);
    assert!(fed.consumed < response.bytes.len());
    assert_eq!(tracker.feed(&[]).unwrap().state, ResponseState::Incomplete);
    let rest = &response.bytes[fed.consumed..];
    assert_eq!(tracker.feed(rest).unwrap().state, ResponseState::Done);
}

#[test]
fn commands_without_a_response_are_done_at_once() {
    for command in [
        Command::QUIT,
        Command::STMT_CLOSE,
        Command::STMT_SEND_LONG_DATA,
    ] {
        let mut tracker = ResponseTracker::new(command, Capabilities::PROTOCOL_41);
        let fed = tracker.feed(BEHIND).unwrap();
        assert_eq!((fed.consumed, fed.state), (0, ResponseState::Done));
    }
}

#[test]
fn refuses_what_it_cannot_follow() {
    for command in [Command::CHANGE_USER, Command(0xFB)] {
        let mut tracker = ResponseTracker::new(command, Capabilities::PROTOCOL_41);
        let error = tracker.feed(&[]).unwrap_err();
        assert_eq!(error, ProtocolError::UnsupportedCommand(command.name()));
    }
    let compressed = Capabilities::PROTOCOL_41 | Capabilities::COMPRESS;
    let mut tracker = ResponseTracker::new(Command::QUERY, compressed);
    let unsupported = ProtocolError::UnsupportedCapabilities(Capabilities::COMPRESS);
    assert_eq!(tracker.feed(&[]).unwrap_err(), unsupported);
}

#[test]
fn stays_failed_after_an_error() {
    let mut tracker = ResponseTracker::new(Command::QUERY, Capabilities::PROTOCOL_41);
    let empty = [0, 0, 0, 1];
    assert_eq!(tracker.feed(&empty), Err(ProtocolError::EmptyPacket));
    let ok = [7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
    assert_eq!(tracker.feed(&ok), Err(ProtocolError::EmptyPacket));
}

#[test]
fn tells_where_a_packet_could_be_put_in() {
    for name in [
        "select_eof",
        "select_ok",
        "error_amid_rows_ok",
        "prepare_eof",
    ] {
        let response = MYSQL_9_7.response(name);
        let mut tracker = ResponseTracker::new(response.command, response.capabilities);
        assert_eq!(tracker.next_sequence_id(), Some(1));
        let mut rest = &response.bytes[..];
        while let Some(header) = PacketHeader::decode(rest) {
            let (packet, behind) = rest.split_at(HEADER_LEN + header.payload_len);
            let (head, tail) = packet.split_at(packet.len() - 1);
            tracker.feed(head).unwrap();
            assert_eq!(tracker.next_sequence_id(), None);
            tracker.feed(tail).unwrap();
            assert_eq!(tracker.next_sequence_id(), Some(header.sequence_id + 1));
            rest = behind;
        }
        let mut whole = ResponseTracker::new(response.command, response.capabilities);
        whole.feed(&response.bytes).unwrap();
        assert_eq!(whole.next_sequence_id(), tracker.next_sequence_id());
    }
}
