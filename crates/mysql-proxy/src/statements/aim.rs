//! Chooses the handle for an execution, and sees to it that the handle knows the types.

use std::sync::Arc;

use mysql_proto::ExecuteView;

use super::{Handle, HandleKey, Handles, Parameters, Prepared, Shape};
use crate::origin::Flavor;

/// Bytes of an execution in front of its parameters.
const HEAD_LEN: usize = 10;

/// What an execution is to be sent to.
#[derive(Debug)]
pub(crate) struct Aim {
    /// The origin's id of the handle. `None`: there is none, and one has to be prepared.
    pub(crate) id: Option<u32>,
    /// Where the handle is among those of the connection, unless it is bound.
    pub(crate) key: HandleKey,
    /// What the execution makes of a handle that has to be prepared.
    pub(crate) shape: Shape,
    /// The command with types in it, which the handle has not seen from this client.
    pub(crate) retyped: Option<Vec<u8>>,
}

/// Where to look for a handle.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Of the text that is executed.
    pub(crate) text: u64,
    pub(crate) flavor: Flavor,
    /// It is the statement's own text: what is bound to it is used.
    pub(crate) is_own: bool,
    /// A cursor is asked for, and the handle is not good for executions without one any more.
    pub(crate) keeps_cursor: bool,
    /// Executions of the client have room for query attributes.
    pub(crate) client_has_attributes: bool,
    /// So has what the origin takes.
    pub(crate) origin_has_attributes: bool,
}

impl Aim {
    /// Nothing is known.
    pub(crate) fn nowhere() -> Self {
        Self {
            id: None,
            key: HandleKey::default(),
            shape: Shape::default(),
            retyped: None,
        }
    }
}

impl Prepared {
    /// Chooses the handle for an execution, whose payload this is, from its command's byte on; and
    /// notes what the execution makes of the statement.
    pub(crate) fn aim(&mut self, payload: &[u8], handles: &mut Handles, target: Target) -> Aim {
        if target.client_has_attributes && !target.origin_has_attributes {
            let plain = self.without_attributes(payload);
            let target = Target {
                client_has_attributes: false,
                ..target
            };
            let mut aim = self.aim(&plain, handles, target);
            aim.retyped.get_or_insert(plain);
            return aim;
        }
        let before = self.shape.stamp();
        let mut aim = Aim {
            id: None,
            key: HandleKey {
                text: target.text,
                shape: before,
                had_cursor: target.keeps_cursor,
            },
            shape: Shape::default(),
            retyped: None,
        };
        let Some(view) = ExecuteView::parse(payload, self.params, target.client_has_attributes)
        else {
            // What is wrong with it, the origin says.
            aim.id = match &self.bound {
                Some(bound) if target.is_own => Some(bound.handle.id),
                _ => handles.get(aim.key).map(|handle| handle.id),
            };
            return aim;
        };
        if target.client_has_attributes {
            let mut types = view.plain_types();
            types.truncate(usize::from(self.params) * 2);
            self.bind_types(&types);
        } else {
            self.bind_types(payload.get(view.types()).unwrap_or_default());
        }
        let types = self.types.clone();
        let parameters = Parameters::of(&view, payload, types.as_deref().unwrap_or_default());
        if let Some(after) = self.shape.after(parameters, target.flavor) {
            self.shape = after;
        }
        let handle = match &mut self.bound {
            Some(bound) if target.is_own => {
                bound.handle.had_cursor |= target.keeps_cursor;
                Some(&mut bound.handle)
            }
            _ => {
                let (key, shape) = find(handles, parameters, target, [self.shape.stamp(), before]);
                (aim.key, aim.shape) = (key, shape);
                // A new handle says itself what it thinks of parameters that were never bound.
                let is_unbound = self.params > 0 && types.is_none();
                let handle = handles.get(key);
                handle.filter(|handle| !is_unbound || handle.types.is_none())
            }
        };
        let knows_types = view.has_types() || types.is_none();
        let Some(handle) = handle else {
            aim.retyped = retyped(&view, types.as_deref(), knows_types);
            return aim;
        };
        aim.id = Some(handle.id);
        let has_seen = knows_types || handle.types == types;
        aim.retyped = retyped(&view, types.as_deref(), has_seen);
        handle.note_types(types);
        aim
    }

    /// The command for an origin that knows no query attributes. One that cannot be read becomes
    /// one that the origin cannot read either.
    fn without_attributes(&self, payload: &[u8]) -> Vec<u8> {
        let view = ExecuteView::parse(payload, self.params, true);
        let plain = view.and_then(|view| view.without_attributes(self.params));
        plain.unwrap_or_else(|| payload.iter().take(HEAD_LEN).copied().collect())
    }

    /// The client has bound these types; none if empty.
    pub(super) fn bind_types(&mut self, types: &[u8]) {
        if !types.is_empty() && self.types.as_deref() != Some(types) {
            self.types = Some(types.into());
        }
    }
}

impl Handle {
    fn note_types(&mut self, types: Option<Arc<[u8]>>) {
        let is_same = match (&self.types, &types) {
            (Some(mine), Some(other)) => Arc::ptr_eq(mine, other),
            (_, None) => true,
            (None, Some(_)) => false,
        };
        if !is_same {
            self.types = types;
        }
    }
}

fn retyped(view: &ExecuteView<'_>, types: Option<&[u8]>, has_seen: bool) -> Option<Vec<u8>> {
    if has_seen {
        return None;
    }
    view.with_types(types?)
}

/// The key of the handle that an execution gets, which need not be there; and the shape of one that
/// is prepared for it. `stamps`: of the shapes that the statement has after the execution, and had
/// before.
fn find(
    handles: &mut Handles,
    parameters: Parameters<'_>,
    target: Target,
    stamps: [u64; 2],
) -> (HandleKey, Shape) {
    let key = |shape| HandleKey {
        text: target.text,
        shape,
        had_cursor: target.keeps_cursor,
    };
    let [wanted, before] = stamps;
    if handles.has(key(wanted)) {
        return (key(wanted), Shape::default());
    }
    let mut lead = |from: u64, to: u64| {
        let Some(mut handle) = handles.take(key(from)) else {
            return false;
        };
        if let Some(after) = handle.shape.after(parameters, target.flavor)
            && after.stamp() == to
        {
            handle.shape = after;
        }
        let is_there = handle.shape.stamp() == to;
        handles.put(handle);
        is_there
    };
    if lead(before, wanted) {
        return (key(wanted), Shape::default());
    }
    // The statement's history was made on other connections, and cannot be made again: nearest to
    // it is a handle without any.
    let fresh = Shape::default();
    let plain = fresh.after(parameters, target.flavor).unwrap_or(fresh);
    let stamp = plain.stamp();
    if stamp != 0 {
        lead(0, stamp);
    }
    (key(stamp), plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statements::{Bound, StatementText};

    const INT: [u8; 2] = [3, 0];
    const DOUBLE: [u8; 2] = [5, 0];
    const TARGET: Target = Target {
        text: 1,
        flavor: Flavor::MySql,
        is_own: true,
        keeps_cursor: false,
        client_has_attributes: false,
        origin_has_attributes: false,
    };

    fn prepared(params: u16) -> Prepared {
        Prepared::new(StatementText::unshared(1), params)
    }

    fn handle(id: u32) -> Handle {
        Handle::new(id, StatementText::unshared(1))
    }

    /// An execution with one parameter of four bytes.
    fn execution(types: Option<[u8; 2]>) -> Vec<u8> {
        let mut payload = vec![0x17, 9, 9, 9, 9, 0, 1, 0, 0, 0, 0];
        payload.push(u8::from(types.is_some()));
        payload.extend(types.into_iter().flatten());
        payload.extend([7, 0, 0, 0]);
        payload
    }

    #[test]
    fn uses_the_handle_that_is_there() {
        let (mut statement, mut handles) = (prepared(0), Handles::of(4));
        let payload = [0x17, 9, 9, 9, 9, 0, 1, 0, 0, 0];
        assert_eq!(statement.aim(&payload, &mut handles, TARGET).id, None);
        handles.put(handle(5));
        let aim = statement.aim(&payload, &mut handles, TARGET);
        assert_eq!((aim.id, aim.retyped), (Some(5), None));
    }

    #[test]
    fn puts_types_in_where_the_handle_has_seen_others() {
        let (mut statement, mut handles) = (prepared(1), Handles::of(4));
        handles.put(handle(5));
        let bound = statement.aim(&execution(Some(INT)), &mut handles, TARGET);
        assert_eq!((bound.id, bound.retyped), (Some(5), None));
        let again = statement.aim(&execution(None), &mut handles, TARGET);
        assert_eq!((again.id, again.retyped), (Some(5), None));
        // On another connection nobody has bound anything yet.
        let mut elsewhere = Handles::of(4);
        let new = statement.aim(&execution(None), &mut elsewhere, TARGET);
        assert_eq!((new.id, new.retyped), (None, Some(execution(Some(INT)))));
        elsewhere.put(handle(8));
        let first = statement.aim(&execution(None), &mut elsewhere, TARGET);
        assert_eq!(
            (first.id, first.retyped),
            (Some(8), Some(execution(Some(INT))))
        );
        let second = statement.aim(&execution(None), &mut elsewhere, TARGET);
        assert_eq!((second.id, second.retyped), (Some(8), None));
    }

    #[test]
    fn another_client_gets_no_handle_that_was_settled_otherwise() {
        let (mut one, mut other, mut handles) = (prepared(1), prepared(1), Handles::of(4));
        handles.put(handle(5));
        assert_eq!(
            one.aim(&execution(Some(INT)), &mut handles, TARGET).id,
            Some(5)
        );
        let aim = other.aim(&execution(Some(DOUBLE)), &mut handles, TARGET);
        assert_eq!(aim.id, None);
        let mut new = handle(6);
        new.shape = aim.shape;
        handles.put(new);
        assert_eq!(
            one.aim(&execution(Some(INT)), &mut handles, TARGET).id,
            Some(5)
        );
        assert_eq!(
            other.aim(&execution(Some(DOUBLE)), &mut handles, TARGET).id,
            Some(6)
        );
    }

    #[test]
    fn parameters_that_were_never_bound_need_a_new_handle() {
        let (mut one, mut other, mut handles) = (prepared(1), prepared(1), Handles::of(4));
        let target = Target {
            flavor: Flavor::MariaDb {
                has_new_names: true,
                has_defaults: false,
            },
            ..TARGET
        };
        handles.put(handle(5));
        assert_eq!(
            one.aim(&execution(Some(INT)), &mut handles, target).id,
            Some(5)
        );
        assert_eq!(other.aim(&execution(None), &mut handles, target).id, None);
    }

    #[test]
    fn what_is_bound_goes_to_its_own_handle() {
        let (mut statement, mut handles) = (prepared(1), Handles::of(4));
        handles.put(handle(5));
        statement.bound = Some(Bound::new(handle(6)));
        let aim = statement.aim(&execution(Some(INT)), &mut handles, TARGET);
        assert_eq!(aim.id, Some(6));
    }

    #[test]
    fn a_handle_that_had_a_cursor_serves_cursors_only() {
        let (mut statement, mut handles) = (prepared(0), Handles::of(4));
        let payload = [0x17, 9, 9, 9, 9, 0, 1, 0, 0, 0];
        let mut had_cursor = handle(5);
        had_cursor.had_cursor = true;
        handles.put(had_cursor);
        assert_eq!(statement.aim(&payload, &mut handles, TARGET).id, None);
        let target = Target {
            keeps_cursor: true,
            ..TARGET
        };
        assert_eq!(statement.aim(&payload, &mut handles, target).id, Some(5));
    }

    #[test]
    fn what_cannot_be_read_is_left_to_the_origin() {
        let (mut statement, mut handles) = (prepared(1), Handles::of(4));
        handles.put(handle(5));
        let aim = statement.aim(&[0x17, 1, 0], &mut handles, TARGET);
        assert_eq!((aim.id, aim.retyped), (Some(5), None));
    }

    proptest! {
        /// Whatever clients execute in whatever order: each gets a handle that has seen the types
        /// which the command leaves out, or a command with them.
        #[test]
        fn the_origin_knows_the_types(
            turns in prop::collection::vec((0_usize..3, 0_usize..2, 0_u8..3), 0..60),
            flavor in prop::sample::select(vec![
                Flavor::MySql,
                Flavor::TiDb,
                Flavor::MariaDb {
                    has_new_names: true,
                    has_defaults: false,
                },
            ]),
        ) {
            let mut clients = [prepared(1), prepared(1), prepared(1)];
            let mut connections = [Handles::of(2), Handles::of(2)];
            let mut bound = [None; 3];
            // What the origin has by connection and handle.
            let mut origin = std::collections::HashMap::new();
            let mut next = 0;
            for (client, connection, kind) in turns {
                let types = [None, Some(INT), Some(DOUBLE)][usize::from(kind)];
                bound[client] = types.or(bound[client]);
                let target = Target { flavor, ..TARGET };
                let payload = execution(types);
                let handles = &mut connections[connection];
                let aim = clients[client].aim(&payload, handles, target);
                let id = aim.id.unwrap_or_else(|| {
                    next += 1;
                    let mut new = handle(next);
                    new.types.clone_from(&clients[client].types);
                    new.shape = aim.shape;
                    handles.put(new);
                    next
                });
                let sent = aim.retyped.unwrap_or(payload);
                let view = ExecuteView::parse(&sent, 1, false).unwrap();
                let seen = origin.entry((connection, id)).or_insert(None);
                if view.has_types() {
                    *seen = Some([sent[view.types()][0], 0]);
                }
                prop_assert_eq!(*seen, bound[client]);
            }
        }
    }
}
