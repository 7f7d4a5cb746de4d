//! Commands of prepared statements: their parts, and the changes that a proxy makes to them.

use mysql_proto::{
    Capabilities, Command, ExecuteFlags, ExecuteView, ResponseTracker, patch_statement_id,
    statement_id,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// What an execution is made of.
#[derive(Clone, Debug)]
struct Execution {
    cursor: u8,
    /// Type, name, value (`None`: NULL).
    parameters: Vec<([u8; 2], String, Option<Vec<u8>>)>,
    /// How many of them are query attributes.
    attributes: usize,
    has_types: bool,
}

impl Execution {
    fn params(&self) -> u16 {
        u16::try_from(self.parameters.len() - self.attributes).unwrap()
    }

    fn types(&self) -> Vec<u8> {
        self.parameters.iter().flat_map(|it| it.0).collect()
    }

    /// As a client writes it. `query_attributes`: of the connection.
    fn encode(&self, query_attributes: bool) -> Vec<u8> {
        // The count of a statement with parameters is there without the flag too.
        let needs_flag = query_attributes && self.params() == 0;
        let flags = self.cursor | if needs_flag { 8 } else { 0 };
        let mut out = vec![0x17, 9, 0, 0, 0, flags, 1, 0, 0, 0];
        let count = self.parameters.len();
        if query_attributes {
            out.push(u8::try_from(count).unwrap());
        }
        if count == 0 {
            return out;
        }
        let mut bitmap = vec![0; count.div_ceil(8)];
        for (index, (_, _, value)) in self.parameters.iter().enumerate() {
            bitmap[index / 8] |= u8::from(value.is_none()) << (index % 8);
        }
        out.append(&mut bitmap);
        out.push(u8::from(self.has_types));
        for (kind, name, _) in self.parameters.iter().filter(|_| self.has_types) {
            out.extend_from_slice(kind);
            if query_attributes {
                out.push(u8::try_from(name.len()).unwrap());
                out.extend_from_slice(name.as_bytes());
            }
        }
        let values = self.parameters.iter().filter_map(|it| it.2.as_ref());
        out.extend(values.flatten());
        out
    }
}

prop_compose! {
    fn execution()(
        cursor in 0..2u8,
        parameters in vec((any::<[u8; 2]>(), "[a-z]{0,9}", proptest::option::of(vec(0..9u8, 0..5))), 0..20),
        attributes: prop::sample::Index,
        has_types: bool,
    ) -> Execution {
        let attributes = attributes.index(parameters.len() + 1);
        Execution { cursor, parameters, attributes, has_types }
    }
}

proptest! {
    #[test]
    fn parts_are_found(mut execution in execution(), query_attributes: bool) {
        if !query_attributes {
            execution.parameters.truncate(usize::from(execution.params()));
            execution.attributes = 0;
        }
        let payload = execution.encode(query_attributes);
        let view = ExecuteView::parse(&payload, execution.params(), query_attributes).unwrap();
        prop_assert_eq!(view.parameter_count(), execution.parameters.len());
        prop_assert_eq!(view.opens_cursor(), execution.cursor == 1);
        let is_empty = execution.parameters.is_empty();
        prop_assert_eq!(view.has_types(), execution.has_types || is_empty);
        let values: Vec<u8> =
            execution.parameters.iter().filter_map(|it| it.2.clone()).flatten().collect();
        prop_assert_eq!(&payload[view.values()..], &values);
        prop_assert_eq!(view.bound_flag().is_none(), is_empty);
        if execution.has_types {
            prop_assert_eq!(view.plain_types(), execution.types());
        } else {
            prop_assert!(view.types().is_empty());
        }
    }

    /// Types that are put in are those that the client would have sent with empty names.
    #[test]
    fn types_are_put_in(mut execution in execution(), query_attributes: bool) {
        if !query_attributes {
            execution.parameters.truncate(usize::from(execution.params()));
            execution.attributes = 0;
        }
        for parameter in &mut execution.parameters {
            parameter.1.clear();
        }
        let params = execution.params();
        execution.has_types = true;
        let with = execution.encode(query_attributes);
        execution.has_types = false;
        let without = execution.encode(query_attributes);
        let view = ExecuteView::parse(&without, params, query_attributes).unwrap();
        let mut types = execution.types();
        let put = view.with_types(&types);
        prop_assert_eq!(put.as_ref(), Some(&with));
        let again = ExecuteView::parse(&with, params, query_attributes).unwrap();
        prop_assert_eq!(again.with_types(&types), Some(with));
        if types.pop().is_some() {
            prop_assert_eq!(view.with_types(&types), None);
        }
    }

    #[test]
    fn attributes_are_dropped(mut execution in execution()) {
        let params = execution.params();
        let payload = execution.encode(true);
        let view = ExecuteView::parse(&payload, params, true).unwrap();
        let dropped = view.without_attributes(params).unwrap();
        let left_values: usize = execution
            .parameters
            .drain(usize::from(params)..)
            .filter_map(|it| it.2)
            .map(|value| value.len())
            .sum();
        execution.attributes = 0;
        let plain = execution.encode(false);
        let tail = if params == 0 { 0 } else { left_values };
        prop_assert_eq!(dropped.len(), plain.len() + tail);
        // Bits of attributes may be left in the last byte of the bitmap, which nobody reads.
        let view = ExecuteView::parse(&dropped, params, false).unwrap();
        let expected = ExecuteView::parse(&plain, params, false).unwrap();
        prop_assert_eq!(view.plain_types(), expected.plain_types());
        prop_assert_eq!(view.flags(), expected.flags());
        prop_assert!(dropped[view.values()..].starts_with(&plain[expected.values()..]));
    }

    #[test]
    fn any_bytes_are_borne(mut payload in vec(any::<u8>(), 0..60), params in 0..40u16, on: bool) {
        if let Some(first) = payload.first_mut() {
            *first = 0x17;
        }
        if let Some(view) = ExecuteView::parse(&payload, params, on) {
            let types = view.plain_types();
            prop_assert!(view.types().end <= payload.len() && view.values() <= payload.len());
            prop_assert_eq!(view.with_types(&types).is_some(), view.has_types());
            prop_assert!(view.without_attributes(params).is_some());
        }
        let id = statement_id(&payload);
        prop_assert_eq!(id.is_some(), payload.len() >= 5);
        prop_assert_eq!(patch_statement_id(&mut payload, 77), id.is_some());
        prop_assert_eq!(statement_id(&payload), id.map(|_| 77));
    }

    /// Whatever is cut off, the view finds what is there or nothing at all.
    #[test]
    fn cuts_are_borne(execution in execution(), cut: prop::sample::Index) {
        let payload = execution.encode(true);
        let head = &payload[..cut.index(payload.len())];
        if let Some(view) = ExecuteView::parse(head, execution.params(), true) {
            let whole = ExecuteView::parse(&payload, execution.params(), true).unwrap();
            prop_assert_eq!(view.types(), whole.types());
        }
    }
}

#[test]
fn other_commands_have_no_parts() {
    let fetch = [Command::STMT_FETCH.0, 1, 0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(ExecuteView::parse(&fetch, 0, false), None);
}

#[test]
fn fewer_parameters_than_the_statement_has_are_no_execution() {
    let payload = [0x17, 1, 0, 0, 0, 8, 1, 0, 0, 0, 1, 0, 1, 3, 0, 0];
    assert!(ExecuteView::parse(&payload, 1, true).is_some());
    assert_eq!(ExecuteView::parse(&payload, 2, true), None);
}

/// What MySQL 9.7 takes, with the flag and without.
#[test]
fn the_count_is_told_where_there_are_parameters() {
    let mut payload = *b"\x17\x01\0\0\0\x08\x01\0\0\0\x01\0\x01\x08\0\0\x05\0\0\0\0\0\0\0";
    for flags in [8, 0] {
        payload[5] = flags;
        let view = ExecuteView::parse(&payload, 1, true).unwrap();
        assert_eq!((view.plain_types(), view.values()), (vec![8, 0], 16));
    }
}

#[test]
fn a_cursor_is_asked_for() {
    let payload = [0x17, 1, 0, 0, 0, 1, 1, 0, 0, 0];
    let view = ExecuteView::parse(&payload, 0, false).unwrap();
    assert_eq!(view.flags(), ExecuteFlags::CURSOR_READ_ONLY);
    assert!(view.opens_cursor());
}

#[test]
fn the_answer_to_prepare_tells_parameters_and_columns() {
    let mut ok = vec![12, 0, 0, 1, 0, 7, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0];
    let mut tracker = ResponseTracker::new(Command::STMT_PREPARE, Capabilities::DEPRECATE_EOF);
    tracker.feed(&ok).unwrap();
    let summary = tracker.summary();
    assert_eq!(
        (summary.statement_params, summary.statement_columns),
        (1, 2)
    );
    assert_eq!(statement_id(&ok[4..]), summary.statement_id);
    assert!(patch_statement_id(&mut ok[4..], 0x0102_0304));
    assert_eq!(ok[5..9], [4, 3, 2, 1]);
}
