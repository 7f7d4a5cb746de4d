//! The statements that are prepared on one origin connection.

use std::sync::Arc;

use hashlink::LruCache;
use mysql_proto::{Command, write_command};

use super::{Bound, MAX_ALL_TEXTS, Shape, StatementText};

/// A statement prepared on one origin connection.
#[derive(Debug)]
pub(crate) struct Handle {
    /// The origin's id of it.
    pub(crate) id: u32,
    /// The types that it was last executed with. A server takes them where a command has none.
    pub(crate) types: Option<Arc<[u8]>>,
    /// What executions have made of it.
    pub(crate) shape: Shape,
    /// It was executed with a cursor, on MySQL. One whose first execution had a cursor gives no
    /// rows without one, and no end of them, from then on (seen on 9.7): it keeps the cursor's way
    /// of giving rows as the plain one.
    pub(crate) had_cursor: bool,
    text: Arc<StatementText>,
}

/// What tells handles of one connection apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct HandleKey {
    /// [`StatementText::id`].
    pub(crate) text: u64,
    /// [`Shape::stamp`].
    pub(crate) shape: u64,
    /// It was executed with a cursor.
    pub(crate) had_cursor: bool,
}

/// So many bytes are kept however many connections there are: they share most texts.
const LEAST_BYTES: usize = 256 * 1024;

/// How much is kept prepared on one origin connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandleLimits {
    /// Most statements; at least one is kept.
    pub(crate) statements: usize,
    /// Most bytes of their texts; a longer text is kept alone.
    pub(crate) bytes: usize,
}

impl HandleLimits {
    /// Those of a pool of so many connections: together they keep at most half of the texts that a
    /// hyperdrive may keep, so that the other half is for what sessions have open.
    pub(crate) fn of(statements: usize, connections: usize) -> Self {
        Self {
            statements,
            bytes: (MAX_ALL_TEXTS / 2 / connections.max(1)).max(LEAST_BYTES),
        }
    }
}

/// For what runs nothing but statements of our own.
impl Default for HandleLimits {
    fn default() -> Self {
        Self::of(1, 1)
    }
}

/// The statements that are prepared on one origin connection and free for any session: those used
/// last stay.
#[derive(Debug)]
pub(crate) struct Handles {
    free: LruCache<HandleKey, Handle>,
    /// Of their texts.
    bytes: usize,
    max_bytes: usize,
    /// The id that the origin gave last, if it is known to be the last that it gave.
    last_id: Option<u32>,
    /// `COM_STMT_CLOSE` packets to go ahead of the next command. They have no response.
    closing: Vec<u8>,
}

impl Handle {
    /// A statement that was just prepared.
    pub(crate) fn new(id: u32, text: Arc<StatementText>) -> Self {
        text.prepared_on_one_more();
        Self {
            id,
            types: None,
            shape: Shape::default(),
            had_cursor: false,
            text,
        }
    }

    /// What tells it from others.
    pub(crate) fn key(&self) -> HandleKey {
        HandleKey {
            text: self.text.id(),
            shape: self.shape.stamp(),
            had_cursor: self.had_cursor,
        }
    }

    /// Of its text.
    fn bytes(&self) -> usize {
        self.text.sql().len()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.text.prepared_on_one_less();
    }
}

impl Handles {
    /// Keeps so many statements.
    pub(crate) fn new(limits: HandleLimits) -> Self {
        Self {
            free: LruCache::new(limits.statements.max(1)),
            bytes: 0,
            max_bytes: limits.bytes,
            last_id: None,
            closing: Vec::new(),
        }
    }

    /// The handle of a statement in this shape.
    pub(crate) fn get(&mut self, key: HandleKey) -> Option<&mut Handle> {
        self.free.get_mut(&key)
    }

    /// True when there is a handle of a statement in this shape.
    pub(crate) fn has(&self, key: HandleKey) -> bool {
        self.free.contains_key(&key)
    }

    /// Takes a handle out: nobody else gets it until it is put back.
    pub(crate) fn take(&mut self, key: HandleKey) -> Option<Handle> {
        let taken = self.free.remove(&key)?;
        self.bytes -= taken.bytes();
        Some(taken)
    }

    /// Makes a handle free for anybody. It takes the place of one of the same statement and shape;
    /// if there are too many, the one that was not used for longest goes.
    pub(crate) fn put(&mut self, handle: Handle) {
        if let Some(replaced) = self.take(handle.key()) {
            self.close(replaced);
        }
        let len = handle.bytes();
        while self.free.len() == self.free.capacity()
            || self.bytes.saturating_add(len) > self.max_bytes
        {
            let Some(oldest) = self.take_oldest() else {
                break;
            };
            self.close(oldest);
        }
        self.bytes += len;
        self.free.insert(handle.key(), handle);
    }

    fn take_oldest(&mut self) -> Option<Handle> {
        let (_, oldest) = self.free.remove_lru()?;
        self.bytes -= oldest.bytes();
        Some(oldest)
    }

    /// Closes a statement at the origin, ahead of the next command.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "nobody has the handle any more"
    )]
    pub(crate) fn close(&mut self, handle: Handle) {
        let id = handle.id.to_le_bytes();
        write_command(&mut self.closing, Command::STMT_CLOSE, &id);
    }

    /// Likewise, all of one statement.
    pub(crate) fn close_all(&mut self, bound: Bound) {
        for handle in bound.into_handles() {
            self.close(handle);
        }
    }

    /// Closes all that are free at the origin, ahead of the next command. False: there was none.
    pub(crate) fn close_free(&mut self) -> bool {
        let mut any = false;
        while let Some(handle) = self.take_oldest() {
            self.close(handle);
            any = true;
        }
        any
    }

    /// Takes the packets that close statements at the origin.
    pub(crate) fn take_closing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.closing)
    }

    /// True when [`Handles::take_closing`] would give something.
    pub(crate) fn has_closing(&self) -> bool {
        !self.closing.is_empty()
    }

    /// The id that the next `COM_STMT_PREPARE` will get, as far as one can tell. A wrong guess
    /// names no statement: ids only grow until the connection is reset.
    pub(crate) fn predicted_id(&self) -> Option<u32> {
        self.last_id?.checked_add(1)
    }

    /// The origin has given this id.
    pub(crate) fn note_id(&mut self, id: u32) {
        self.last_id = Some(id);
    }

    /// What id comes next is not known: a `COM_STMT_PREPARE` has failed, which takes an id on some
    /// servers.
    pub(crate) fn forget_id(&mut self) {
        self.last_id = None;
    }

    /// The connection was reset: nothing is prepared on it any more.
    pub(crate) fn clear(&mut self) {
        self.free.clear();
        self.bytes = 0;
        self.closing.clear();
        self.last_id = None;
    }
}

#[cfg(test)]
impl Handles {
    /// Keeps so many, however long.
    pub(super) fn of(statements: usize) -> Self {
        Self::new(HandleLimits {
            statements,
            bytes: usize::MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use mysql_proto::statement_id;
    use proptest::prelude::*;

    use super::*;

    fn text(id: u64) -> Arc<StatementText> {
        StatementText::unshared(id)
    }

    fn key(text: u64) -> HandleKey {
        HandleKey {
            text,
            ..HandleKey::default()
        }
    }

    /// The ids of the statements that were closed since it was last asked.
    fn closed(handles: &mut Handles) -> Vec<u32> {
        let packets = handles.take_closing();
        let payloads = packets.chunks(9).map(|packet| &packet[4..]);
        payloads.filter_map(statement_id).collect()
    }

    #[test]
    fn long_texts_leave_room_for_few() {
        let mut handles = Handles::new(HandleLimits {
            statements: 9,
            bytes: 100,
        });
        let of_length = StatementText::of_length;
        handles.put(Handle::new(11, of_length(50)));
        handles.put(Handle::new(12, of_length(40)));
        handles.put(Handle::new(13, of_length(30)));
        assert_eq!(closed(&mut handles), [11]);
        // Alone, if it has to be.
        handles.put(Handle::new(14, of_length(500)));
        assert_eq!(closed(&mut handles), [12, 13]);
        assert_eq!(handles.take(key(500)).map(|handle| handle.id), Some(14));
        handles.put(Handle::new(15, of_length(60)));
        handles.put(Handle::new(16, of_length(40)));
        assert_eq!(closed(&mut handles), [0; 0]);
        handles.clear();
        handles.put(Handle::new(17, of_length(100)));
        assert_eq!(closed(&mut handles), [0; 0]);
    }

    #[test]
    fn what_was_not_used_for_longest_is_closed() {
        let mut handles = Handles::of(2);
        handles.put(Handle::new(11, text(1)));
        handles.put(Handle::new(12, text(2)));
        assert_eq!(handles.get(key(1)).map(|handle| handle.id), Some(11));
        handles.put(Handle::new(13, text(3)));
        assert_eq!(closed(&mut handles), [12]);
        assert!(handles.get(key(2)).is_none());
        assert!(handles.get(key(1)).is_some());
        assert!(!handles.has_closing());
    }

    #[test]
    fn a_new_handle_closes_the_older_one_of_its_statement() {
        let mut handles = Handles::of(2);
        handles.put(Handle::new(11, text(1)));
        handles.put(Handle::new(12, text(1)));
        assert_eq!(closed(&mut handles), [11]);
        assert_eq!(handles.get(key(1)).map(|handle| handle.id), Some(12));
    }

    #[test]
    fn ids_are_predicted_from_the_last() {
        let mut handles = Handles::of(2);
        assert_eq!(handles.predicted_id(), None);
        handles.note_id(7);
        assert_eq!(handles.predicted_id(), Some(8));
        handles.forget_id();
        assert_eq!(handles.predicted_id(), None);
        handles.note_id(u32::MAX);
        assert_eq!(handles.predicted_id(), None);
    }

    #[test]
    fn connections_are_counted() {
        let one = text(1);
        let mut handles = Handles::of(2);
        handles.put(Handle::new(1, Arc::clone(&one)));
        assert_eq!(one.figures().connections, 1);
        let taken = handles.take(key(1)).unwrap();
        assert_eq!(one.figures().connections, 1);
        handles.close(taken);
        assert_eq!(one.figures().connections, 0);
    }

    proptest! {
        /// Every handle is free, taken or closed, and only one of them; and never too many are
        /// free.
        #[test]
        fn no_handle_is_lost(operations in prop::collection::vec((0_u8..3, 0_u64..6), 0..200)) {
            let mut handles = Handles::of(3);
            let (mut open, mut next) = (std::collections::BTreeSet::new(), 0);
            for (operation, number) in operations {
                match operation {
                    0 => {
                        next += 1;
                        open.insert(next);
                        handles.put(Handle::new(next, text(number)));
                    }
                    1 => if let Some(handle) = handles.take(key(number)) {
                        handles.put(handle);
                    },
                    _ => if let Some(handle) = handles.take(key(number)) {
                        handles.close(handle);
                    },
                }
                for id in closed(&mut handles) {
                    prop_assert!(open.remove(&id), "closed twice: {id}");
                }
                prop_assert!(open.len() <= 3);
                prop_assert_eq!(handles.free.len(), open.len());
            }
        }
    }
}
