//! Gathers the beginnings of logical packets from bytes that are split anywhere.
//!
//! An event may have gigabytes, so a packet is never put together whole: of one that holds rows
//! only the event's header is kept, and of any other no more than [`MAX_KEPT`].

use super::event::{self, EventKind};
use crate::{HEADER_LEN, MAX_PAYLOAD, OkPacket, PacketHeader};

/// Most of a packet that is kept: the text of a statement, or a compressed transaction.
pub(super) const MAX_KEPT: usize = 1024 * 1024;

/// What tells whether more of the packet is wanted: its first byte, and the header of its event.
const PREFIX_LEN: usize = 1 + event::HEADER_LEN;

/// More than this is given back after a packet: few have so much.
const USUAL: usize = 64 * 1024;

/// Where the stream is within the packets.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    /// The header of the frame under way.
    header: [u8; HEADER_LEN],
    /// Bytes of it that have come.
    header_len: usize,
    /// Bytes of the frame under way that are still to come, once its header is there.
    left: usize,
    /// The packet under way, as far as it is kept.
    kept: Vec<u8>,
    /// Its length so far.
    len: u64,
    /// It was given out, and the next one begins.
    is_over: bool,
}

/// A logical packet whose last byte has come.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    /// Its payload, or the beginning of it.
    pub(super) kept: &'a [u8],
    /// The whole length of its payload.
    pub(super) len: u64,
}

impl Gatherer {
    /// Goes on to the end of the next packet. `None`: the input is used up.
    pub(super) fn next(&mut self, rest: &mut &[u8]) -> Option<Gathered<'_>> {
        self.clear();
        loop {
            if self.header_len < HEADER_LEN && !self.take_header(rest) {
                return None;
            }
            self.take_payload(rest);
            if self.left > 0 {
                return None;
            }
            let continues = PacketHeader::decode(&self.header)?.payload_len == MAX_PAYLOAD;
            self.header_len = 0;
            if !continues {
                self.is_over = true;
                return Some(Gathered {
                    kept: &self.kept,
                    len: self.len,
                });
            }
        }
    }

    /// Forgets the packet that was given out last.
    fn clear(&mut self) {
        if !self.is_over {
            return;
        }
        self.kept.clear();
        self.kept.shrink_to(USUAL);
        self.len = 0;
        self.is_over = false;
    }

    /// True when the header is whole.
    fn take_header(&mut self, rest: &mut &[u8]) -> bool {
        let free = self.header.get_mut(self.header_len..).unwrap_or_default();
        let count = free.len().min(rest.len());
        let (bytes, tail) = rest.split_at_checked(count).unwrap_or_default();
        for (place, byte) in free.iter_mut().zip(bytes) {
            *place = *byte;
        }
        *rest = tail;
        self.header_len = self.header_len.saturating_add(count);
        match PacketHeader::decode(&self.header) {
            Some(header) if self.header_len == HEADER_LEN => {
                self.left = header.payload_len;
                true
            }
            _ => false,
        }
    }

    fn take_payload(&mut self, rest: &mut &[u8]) {
        let count = self.left.min(rest.len());
        let (bytes, tail) = rest.split_at_checked(count).unwrap_or_default();
        *rest = tail;
        self.left = self.left.saturating_sub(count);
        self.len = self.len.saturating_add(count as u64);
        let more = self.keep(bytes, PREFIX_LEN);
        if self.is_wanted() {
            self.keep(more, MAX_KEPT);
        }
    }

    /// Keeps what there is room for up to `limit`, and returns the rest.
    fn keep<'b>(&mut self, bytes: &'b [u8], limit: usize) -> &'b [u8] {
        let room = limit.saturating_sub(self.kept.len()).min(bytes.len());
        let (kept, more) = bytes.split_at_checked(room).unwrap_or_default();
        self.kept.extend_from_slice(kept);
        more
    }

    /// True unless the packet holds an event of which the header tells all.
    fn is_wanted(&self) -> bool {
        let is_event = self.kept.first() == Some(&OkPacket::HEADER);
        let kind = self.kept.get(1..).and_then(EventKind::peek);
        !is_event || !kind.is_some_and(EventKind::is_told_by_header)
    }
}
