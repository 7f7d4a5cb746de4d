//! Hits: commands that are answered before anything of them is begun.
//!
//! All that a hit needs is a look at its command, one at the session and one into the cache. So it
//! takes nothing of what is there for a command that may wait: no limits to be watched, no future
//! that can be dropped, nothing to settle afterwards. Where the cache has nothing, or anything else
//! has to be seen to first, the command is served as ever ([`Session::serve`]).

use std::mem;

use mysql_proto::Command;
use query_cache::Sought;
use tokio::time::Instant;

use super::super::Session;
use super::Read;
use crate::cache::{Entry, Hashed, Key};
use crate::downstream::CommandPacket;
use crate::error::SessionEnd;

/// What came of it that the command under way was to be answered at once.
#[derive(Debug, Default)]
pub(in crate::session) struct AtOnce {
    pub(super) not_found: NotFound,
    pub(in crate::session) unsent: Option<Box<Unsent>>,
}

/// Why it was not. Good as long as the session is as it was: see [`AtOnce::forget`].
#[derive(Debug, Default)]
pub(in crate::session) enum NotFound {
    /// Nothing was looked for.
    #[default]
    NotSought,
    /// There is nothing for a text, under the key with this hash.
    Text { hash: u64 },
    /// Nor for an execution, which surely reads and so may be kept under this key.
    Execution(Key),
}

/// An answer of which the client has not taken all at once.
#[derive(Debug)]
pub(in crate::session) struct Unsent {
    kept: Entry,
    /// Bytes that it has taken.
    sent: usize,
}

impl AtOnce {
    /// The session may become another before its command is planned.
    pub(in crate::session) fn forget(&mut self) {
        self.not_found = NotFound::NotSought;
    }

    /// The key of an execution for which there was nothing.
    pub(in crate::session) fn take_key(&mut self) -> Option<Key> {
        match mem::take(&mut self.not_found) {
            NotFound::Execution(key) => Some(key),
            NotFound::NotSought | NotFound::Text { .. } => None,
        }
    }
}

impl Session {
    /// Answers a command from the cache. False: it has to be served. `now`: when it came.
    pub(in crate::session) fn answer_at_once(
        &mut self,
        packet: CommandPacket,
        now: Instant,
    ) -> Result<bool, SessionEnd> {
        let kept = match self.find_kept(packet, now) {
            Ok(kept) => kept,
            Err(not_found) => {
                self.at_once.not_found = not_found;
                return Ok(false);
            }
        };
        self.registered.entry().begin_and_rest(now);
        self.downstream.consume(packet);
        self.previous.note_kept(kept.value().rows);
        let sent = self.downstream.send_at_once(kept.bytes())?;
        self.at_once.unsent = sent.map(|sent| Box::new(Unsent { kept, sent }));
        Ok(self.at_once.unsent.is_none())
    }

    /// Sends the rest of an answer to a client that is slow to take it.
    pub(in crate::session) async fn send_rest(
        &mut self,
        unsent: &Unsent,
    ) -> Result<(), SessionEnd> {
        let Unsent { kept, sent } = unsent;
        let rest = kept.bytes().get(*sent..).unwrap_or_default();
        self.downstream.send(rest).await
    }

    /// What the cache has for a command. Nothing is sought for one that has to wait before it is
    /// planned: by then the session may be another, and the hash of its key.
    fn find_kept(&mut self, packet: CommandPacket, now: Instant) -> Result<Entry, NotFound> {
        let has_to_wait = self.registered.entry().kill_comes() || self.has_lost_database();
        if has_to_wait || !packet.is_whole || !self.may_look_up() {
            return Err(NotFound::NotSought);
        }
        match packet.command {
            Command::QUERY => self.find_text(packet, now),
            Command::STMT_EXECUTE => self.find_execution(packet, now),
            _ => Err(NotFound::NotSought),
        }
    }

    /// The key of a read that may be kept.
    #[inline]
    pub(in crate::session) fn sought<'a>(&'a self, read: Read<'a>) -> Result<Hashed<'a>, NotFound> {
        read.fits().map_err(|_| NotFound::NotSought)?;
        Ok(self.key_of(read))
    }

    fn find_text(&self, packet: CommandPacket, now: Instant) -> Result<Entry, NotFound> {
        if self.is_malformed(packet) || self.has_to_learn() || self.has_explaining(packet) {
            return Err(NotFound::NotSought);
        }
        let key = self.sought(Read::Text(self.downstream.sql(packet)))?;
        let kept = self.look_up(&key, 0, now);
        kept.ok_or_else(|| NotFound::Text { hash: key.hash() })
    }
}
