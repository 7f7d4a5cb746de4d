//! Finds the logical packets in a stream of bytes that is split anywhere.

use crate::{HEADER_LEN, MAX_PAYLOAD, PacketHeader};

/// Payload bytes that are looked at, at most: the longest that matter are the figures of an OK
/// packet, 1 + 9 + 9 + 2 + 2.
pub(super) const PREFIX_LEN: usize = 23;

/// A header and a prefix.
const WINDOW_LEN: usize = HEADER_LEN + PREFIX_LEN;

/// Where the stream is within the packets.
#[derive(Debug, Default)]
pub(super) struct Framer {
    /// Payload bytes of the packet that are still to come, and are not looked at.
    skip: usize,
    /// The packet is continued by the next one, which has no first byte of its own.
    continues: bool,
    /// The sequence id of the last header.
    pub(super) sequence_id: u8,
    /// Bytes in `window`.
    window_len: usize,
    /// Header and prefix of a packet that were cut by the end of the input, else unused.
    window: [u8; WINDOW_LEN],
}

/// What the framer came upon.
pub(super) enum Frame<'a> {
    /// Bytes that do not matter.
    Skipped,
    /// A logical packet begins. Its bytes are passed (and not yet skipped, if they are many).
    Begins {
        /// Bytes of its first part.
        payload_len: usize,
        /// The first of them, as many as there are up to [`PREFIX_LEN`].
        prefix: Prefix<'a>,
    },
}

/// The first bytes of a payload.
pub(super) enum Prefix<'a> {
    /// In the input itself.
    Borrowed(&'a [u8]),
    /// Put together from several inputs.
    Joined([u8; WINDOW_LEN], usize),
}

impl Prefix<'_> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Joined(window, len) => window.get(HEADER_LEN..*len).unwrap_or_default(),
        }
    }
}

impl Framer {
    /// True if all bytes of the logical packets so far are passed.
    pub(super) fn is_between_packets(&self) -> bool {
        self.skip == 0 && !self.continues && self.window_len == 0
    }

    /// Goes on to the next thing. `None`: all of `rest` is used up.
    pub(super) fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Frame<'a>> {
        if self.skip > 0 {
            let skipped = self.skip.min(rest.len());
            *rest = rest.get(skipped..).unwrap_or_default();
            self.skip = self.skip.saturating_sub(skipped);
            return (self.skip == 0).then_some(Frame::Skipped);
        }
        if self.window_len > 0 {
            return self.next_cut(rest);
        }
        let bytes = *rest;
        let Some(header) = PacketHeader::decode(bytes) else {
            return self.cut(rest);
        };
        let prefix_len = self.prefix_len(header.payload_len);
        let whole = bytes
            .get(HEADER_LEN..)
            .and_then(|payload| payload.split_at_checked(prefix_len));
        let Some((prefix, tail)) = whole else {
            return self.cut(rest);
        };
        *rest = tail;
        Some(self.begin(header, Prefix::Borrowed(prefix)))
    }

    /// Bytes of the payload that must be seen: none of a continuation.
    fn prefix_len(&self, payload_len: usize) -> usize {
        if self.continues {
            0
        } else {
            payload_len.min(PREFIX_LEN)
        }
    }

    fn begin<'a>(&mut self, header: PacketHeader, prefix: Prefix<'a>) -> Frame<'a> {
        let payload_len = header.payload_len;
        self.sequence_id = header.sequence_id;
        let was_continuation = self.continues;
        self.skip = payload_len.saturating_sub(prefix.as_slice().len());
        self.continues = payload_len == MAX_PAYLOAD;
        self.window_len = 0;
        if was_continuation {
            return Frame::Skipped;
        }
        Frame::Begins {
            payload_len,
            prefix,
        }
    }

    /// Keeps the beginning of a packet that the end of the input has cut. It is short: else it
    /// would hold a whole prefix.
    fn cut(&mut self, rest: &mut &[u8]) -> Option<Frame<'static>> {
        self.take(rest, WINDOW_LEN);
        None
    }

    /// Goes on with a packet whose beginning is in the window.
    fn next_cut(&mut self, rest: &mut &[u8]) -> Option<Frame<'static>> {
        self.take(rest, HEADER_LEN);
        if self.window_len < HEADER_LEN {
            return None;
        }
        let header = PacketHeader::decode(&self.window)?;
        let wanted = HEADER_LEN.saturating_add(self.prefix_len(header.payload_len));
        self.take(rest, wanted);
        if self.window_len < wanted {
            return None;
        }
        let prefix = Prefix::Joined(self.window, self.window_len);
        Some(self.begin(header, prefix))
    }

    /// Moves bytes from `rest` to the window until it holds `wanted`.
    fn take(&mut self, rest: &mut &[u8], wanted: usize) {
        let missing = wanted.saturating_sub(self.window_len).min(rest.len());
        let Some((bytes, tail)) = rest.split_at_checked(missing) else {
            return;
        };
        let free = self.window.get_mut(self.window_len..).unwrap_or_default();
        for (place, byte) in free.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.window_len = self.window_len.saturating_add(missing);
        *rest = tail;
    }
}
