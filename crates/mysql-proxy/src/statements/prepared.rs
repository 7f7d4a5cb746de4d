//! The prepared statements of one session, by the ids that its client knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use mysql_proto::ErrPacket;

use super::{Handle, HandleKey, MAX_ALL_TEXTS, Made, Shape, StatementText};

/// Most statements that a session may have open: `max_prepared_stmt_count` of a server, which
/// counts those of all its connections.
/// <https://dev.mysql.com/doc/refman/8.4/en/server-system-variables.html#sysvar_max_prepared_stmt_count>
pub(crate) const MAX_PREPARED: usize = 16_382;

/// Most bytes of texts that are kept for one session: a quarter of what a hyperdrive may keep. What
/// is over it stays with the connection that it was prepared on.
const MAX_TEXTS: usize = MAX_ALL_TEXTS / 4;

/// The highest id. MariaDB's clients mean the statement prepared last by the one above it.
const MAX_ID: u32 = u32::MAX - 1;

/// A prepared statement of one client.
#[derive(Debug)]
pub(crate) struct Prepared {
    text: Arc<StatementText>,
    /// Parameters that the origin told.
    pub(crate) params: u16,
    /// The types that the client has bound last, two bytes each.
    pub(crate) types: Option<Arc<[u8]>>,
    /// What the client's executions have made of it.
    pub(crate) shape: Shape,
    /// Its own handle on the connection in hand, while it cannot be used on another.
    pub(crate) bound: Option<Bound>,
    /// Why a piece of long data could not be taken, which has no response of its own: the next
    /// execution is told.
    pub(crate) failed: Option<ErrPacket>,
}

/// A handle that belongs to one statement of one client.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) handle: Handle,
    /// Pieces of parameters wait at the origin.
    pub(crate) long_data: bool,
    /// A cursor is open.
    pub(crate) cursor: bool,
    /// The one that has the cursor, where pieces wait for an execution on another.
    pub(crate) fetched: Option<Handle>,
}

/// All prepared statements of a session.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    open: BTreeMap<u32, Prepared>,
    /// Bytes of their texts, as far as those are kept.
    bytes: usize,
    last_id: u32,
    /// The one that was prepared last, unless it is closed.
    pub(crate) last_prepared: Option<u32>,
    /// Those that have a handle of their own.
    bound: usize,
    /// The handle of the last execution, unless it is bound.
    pub(crate) last_used: HandleKey,
    /// The last execution asked for a cursor.
    pub(crate) asks_for_cursor: bool,
    /// Steps led its connection to the session's state.
    pub(crate) is_led: bool,
    /// The end of a packet of a long execution, which belongs in front of the next one.
    pub(crate) carry: Vec<u8>,
    /// Bytes by which that packet is too short, which it takes from the next one.
    pub(crate) lacks: usize,
}

impl Prepared {
    /// A statement that was just prepared.
    pub(crate) fn new(text: Arc<StatementText>, params: u16) -> Self {
        text.held_by_one_more();
        Self {
            text,
            params,
            types: None,
            shape: Shape::default(),
            bound: None,
            failed: None,
        }
    }

    /// The statement.
    pub(crate) fn text(&self) -> &Arc<StatementText> {
        &self.text
    }

    /// Its own handle is of another text, with literals in the place of what that asks.
    pub(crate) fn is_bound_to_other(&self) -> bool {
        let bound = self.bound.as_ref();
        bound.is_some_and(|bound| bound.handle.key().text != self.text.id())
    }

    /// Pieces of its parameters wait at the origin.
    pub(crate) fn has_pieces(&self) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.long_data)
    }
}

impl Bound {
    /// Not yet bound for anything.
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            handle,
            long_data: false,
            cursor: false,
            fetched: None,
        }
    }

    /// The one that rows are fetched from.
    pub(crate) fn of_cursor(&self) -> &Handle {
        self.fetched.as_ref().unwrap_or(&self.handle)
    }

    /// All that it has at the origin.
    pub(crate) fn into_handles(self) -> impl Iterator<Item = Handle> {
        std::iter::once(self.handle).chain(self.fetched)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.text.held_by_one_less();
    }
}

impl Statements {
    /// True when no more can be prepared.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= MAX_PREPARED
    }

    /// True when a text of this length may be kept for the session: one must not use up what all
    /// sessions of a hyperdrive may have.
    pub(crate) fn may_keep(&self, len: usize) -> bool {
        self.bytes.saturating_add(len) <= MAX_TEXTS
    }

    /// Opens a statement. Gives the client's id of it, which is none that is open.
    pub(crate) fn open(&mut self, prepared: Prepared) -> u32 {
        let mut id = self.last_id;
        loop {
            id = id_behind(id);
            if !self.open.contains_key(&id) {
                break;
            }
        }
        self.last_id = id;
        self.last_prepared = Some(id);
        self.bound += usize::from(prepared.bound.is_some());
        self.bytes += prepared.text.sql().len();
        self.open.insert(id, prepared);
        id
    }

    /// One was refused, and took an id all the same.
    pub(crate) fn skip_id(&mut self) {
        self.last_id = id_behind(self.last_id);
    }

    /// A statement by the client's id.
    pub(crate) fn get(&self, id: u32) -> Option<&Prepared> {
        self.open.get(&id)
    }

    /// What it says.
    pub(crate) fn text(&self, id: u32) -> Option<Arc<StatementText>> {
        self.get(id).map(|prepared| Arc::clone(prepared.text()))
    }

    /// A statement, to be changed.
    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut Prepared> {
        self.open.get_mut(&id)
    }

    /// A statement is as an execution has made it, if that has changed it.
    pub(crate) fn note_made(&mut self, id: u32, made: Option<Made>) {
        if let Some(made) = made
            && let Some(prepared) = self.open.get_mut(&id)
        {
            prepared.note_made(made);
        }
    }

    /// Gives a statement a handle of its own.
    pub(crate) fn bind(&mut self, id: u32, bound: Bound) {
        if let Some(prepared) = self.open.get_mut(&id) {
            self.bound += usize::from(prepared.bound.is_none());
            prepared.bound = Some(bound);
        }
    }

    /// Takes a statement's own handle from it.
    pub(crate) fn unbind(&mut self, id: u32) -> Option<Bound> {
        let bound = self.open.get_mut(&id)?.bound.take();
        self.bound -= usize::from(bound.is_some());
        bound
    }

    /// True when a statement has a handle of its own, which is on the connection in hand.
    pub(crate) fn has_bound(&self) -> bool {
        self.bound > 0
    }

    /// Closes a statement.
    pub(crate) fn close(&mut self, id: u32) -> Option<Prepared> {
        let prepared = self.open.remove(&id)?;
        self.last_prepared = self.last_prepared.filter(|last| *last != id);
        self.bound -= usize::from(prepared.bound.is_some());
        self.bytes -= prepared.text.sql().len();
        Some(prepared)
    }

    /// Closes all. The ids go on.
    pub(crate) fn close_all(&mut self) -> impl Iterator<Item = Prepared> {
        self.bound = 0;
        self.bytes = 0;
        self.last_prepared = None;
        std::mem::take(&mut self.open).into_values()
    }
}

fn id_behind(id: u32) -> u32 {
    if id >= MAX_ID { 1 } else { id + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared() -> Prepared {
        Prepared::new(StatementText::unshared(1), 0)
    }

    fn bound() -> Bound {
        Bound::new(Handle::new(5, StatementText::unshared(1)))
    }

    #[test]
    fn ids_grow_and_skip_what_is_open() {
        let mut statements = Statements::default();
        assert_eq!(statements.open(prepared()), 1);
        assert_eq!(statements.open(prepared()), 2);
        statements.close(2);
        assert_eq!(statements.open(prepared()), 3);
        statements.last_id = MAX_ID;
        assert_eq!(statements.open(prepared()), 2);
        assert_eq!(statements.open(prepared()), 4);
        assert!(statements.get(0).is_none());
    }

    #[test]
    fn counts_what_is_bound() {
        let mut statements = Statements::default();
        let (a, b) = (statements.open(prepared()), statements.open(prepared()));
        statements.bind(a, bound());
        statements.bind(a, bound());
        statements.bind(b, bound());
        assert!(statements.unbind(a).is_some());
        assert!(statements.unbind(a).is_none());
        assert!(statements.has_bound());
        statements.close(b);
        assert!(!statements.has_bound());
        statements.bind(a, bound());
        assert_eq!(statements.close_all().count(), 1);
        assert!(!statements.has_bound());
    }

    #[test]
    fn a_session_has_no_more_than_a_server() {
        let mut statements = Statements::default();
        for _ in 0..MAX_PREPARED {
            assert!(!statements.is_full());
            statements.open(prepared());
        }
        assert!(statements.is_full());
    }

    #[test]
    fn a_session_has_a_share_of_the_texts() {
        let long = StatementText::of_length(MAX_TEXTS / 2);
        let mut statements = Statements::default();
        let first = statements.open(Prepared::new(Arc::clone(&long), 0));
        assert!(statements.may_keep(long.sql().len()));
        statements.open(Prepared::new(Arc::clone(&long), 0));
        assert!(!statements.may_keep(1));
        statements.close(first);
        assert!(statements.may_keep(long.sql().len()));
        assert_eq!(statements.close_all().count(), 1);
        assert!(statements.may_keep(MAX_TEXTS));
    }

    #[test]
    fn texts_know_how_many_hold_them() {
        let text = StatementText::unshared(1);
        let mut statements = Statements::default();
        statements.open(Prepared::new(Arc::clone(&text), 0));
        statements.open(Prepared::new(Arc::clone(&text), 0));
        assert_eq!(text.figures().sessions, 2);
        assert_eq!(statements.close_all().count(), 2);
        assert_eq!(text.figures().sessions, 0);
    }
}
