//! Finds the logical packets in a stream of bytes that is split anywhere.

use crate::{HEADER_LEN, MAX_PAYLOAD, PacketHeader};

/// Payload bytes that are looked at, at most: the longest that matter are the figures of an OK
/// packet, 1 + 9 + 9 + 2 + 2.
const PREFIX_LEN: usize = 23;

/// A header and a prefix.
const WINDOW_LEN: usize = HEADER_LEN + PREFIX_LEN;

/// Where the stream is within the packets.
#[derive(Debug, Default)]
pub(super) struct Framer {
    /// Payload bytes of the packet that are still to come, and are not looked at.
    skip: usize,
    /// The packet is continued by the next one, which has no first byte of its own.
    continues: bool,
    /// Of the last header; 0, the command's own, before the first.
    sequence_id: u8,
    /// Bytes in `window`.
    window_len: usize,
    /// Header and prefix of a packet that the end of the input has cut, else unused.
    window: [u8; WINDOW_LEN],
}

/// The beginning of a logical packet.
pub(super) struct Packet<'a> {
    /// Bytes of the payload's first part.
    pub(super) payload_len: usize,
    /// The first of them, as many as there are up to [`PREFIX_LEN`].
    pub(super) prefix: &'a [u8],
}

impl Framer {
    /// True if all bytes of the logical packets so far are passed.
    #[inline]
    pub(super) fn is_between_packets(&self) -> bool {
        self.skip == 0 && !self.continues && self.window_len == 0
    }

    /// Skips the packets at the front of `rest` that lie whole in it, and that begin with a byte
    /// below `first_kept`: at most `limit`. Returns how many they were. Not to be called amid a
    /// packet.
    ///
    /// Rows and column definitions are nearly all of a response, and this is all that they need.
    #[inline]
    pub(super) fn skip_packets(&mut self, rest: &mut &[u8], first_kept: u8, limit: u64) -> u64 {
        let mut skipped: u64 = 0;
        while skipped < limit {
            let Some(header) = PacketHeader::decode(rest) else {
                break;
            };
            let is_kept = rest
                .get(HEADER_LEN)
                .is_none_or(|first| *first >= first_kept);
            if is_kept || header.payload_len == 0 || header.payload_len == MAX_PAYLOAD {
                break;
            }
            let Some(behind) = rest.get(HEADER_LEN.saturating_add(header.payload_len)..) else {
                break;
            };
            *rest = behind;
            self.sequence_id = header.sequence_id;
            skipped = skipped.saturating_add(1);
        }
        skipped
    }

    /// The sequence id of the packet that would come next.
    pub(super) fn next_sequence_id(&self) -> u8 {
        self.sequence_id.wrapping_add(1)
    }

    /// Goes on to the next logical packet, and past the bytes of it that are there. `None`: the
    /// input is used up, or the packet before has just ended.
    #[inline]
    pub(super) fn next<'s, 'b: 's>(&'s mut self, rest: &mut &'b [u8]) -> Option<Packet<'s>> {
        if !self.is_between_packets() {
            return self.next_cut(rest);
        }
        let bytes = *rest;
        let payload = bytes.get(HEADER_LEN..).unwrap_or_default();
        let Some(header) = PacketHeader::decode(bytes) else {
            self.take(rest, WINDOW_LEN);
            return None;
        };
        let Some(prefix) = payload.get(..header.payload_len.min(PREFIX_LEN)) else {
            self.take(rest, WINDOW_LEN);
            return None;
        };
        if let Some(behind) = payload.get(header.payload_len..) {
            *rest = behind;
        } else {
            *rest = &[];
            self.skip = header.payload_len.saturating_sub(payload.len());
        }
        self.continues = header.payload_len == MAX_PAYLOAD;
        self.sequence_id = header.sequence_id;
        Some(Packet {
            payload_len: header.payload_len,
            prefix,
        })
    }

    /// As [`Framer::next`], amid a packet.
    fn next_cut(&mut self, rest: &mut &[u8]) -> Option<Packet<'_>> {
        loop {
            self.skip(rest);
            if self.skip > 0 || (!self.continues && self.window_len == 0) {
                return None;
            }
            self.take(rest, HEADER_LEN);
            if self.window_len < HEADER_LEN {
                return None;
            }
            let header = PacketHeader::decode(&self.window)?;
            let prefix_len = if self.continues {
                0
            } else {
                header.payload_len.min(PREFIX_LEN)
            };
            let wanted = HEADER_LEN.saturating_add(prefix_len);
            self.take(rest, wanted);
            if self.window_len < wanted {
                return None;
            }
            let was_continuation = self.continues;
            self.window_len = 0;
            self.skip = header.payload_len.saturating_sub(prefix_len);
            self.continues = header.payload_len == MAX_PAYLOAD;
            self.sequence_id = header.sequence_id;
            if was_continuation {
                continue;
            }
            self.skip(rest);
            return Some(Packet {
                payload_len: header.payload_len,
                prefix: self.window.get(HEADER_LEN..wanted).unwrap_or_default(),
            });
        }
    }

    fn skip(&mut self, rest: &mut &[u8]) {
        let skipped = self.skip.min(rest.len());
        *rest = rest.get(skipped..).unwrap_or_default();
        self.skip = self.skip.saturating_sub(skipped);
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
