//! Numbers the packets within, where clients do not.
//!
//! A command of 16 MiB or more goes in several packets, whose sequence ids count up. Under
//! compression no server looks at them, and MariaDB's client library leaves all of them at 0. The
//! origin, which gets them without compression, would hang up.

use mysql_proto::{HEADER_LEN, MAX_PAYLOAD};

/// Where the sequence id is in a header.
const SEQUENCE_ID: usize = 3;

/// Follows the packets within, through bytes that are split anywhere.
#[derive(Default)]
pub(super) struct Continuation {
    /// Bytes of the packet's payload that are still to come.
    left: usize,
    header: [u8; HEADER_LEN],
    /// Bytes of the header that have come.
    header_len: usize,
    /// The sequence id that the next packet must have, if it continues the last one.
    expected: Option<u8>,
}

impl Continuation {
    /// Passes on the next bytes: a packet that continues one of full length gets the sequence id
    /// behind that one's.
    pub(super) fn number(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while let Some(byte) = bytes.get_mut(at) {
            if self.left == 0 {
                self.header_byte(byte);
                at += 1;
            } else {
                let skipped = self.left.min(bytes.len() - at);
                self.left -= skipped;
                at += skipped;
            }
        }
    }

    /// Bytes up to where a packet begins or ends: of its header, or of its payload. 0 between two.
    pub(super) fn missing(&self) -> usize {
        if self.header_len > 0 {
            HEADER_LEN - self.header_len
        } else {
            self.left
        }
    }

    fn header_byte(&mut self, byte: &mut u8) {
        if let (SEQUENCE_ID, Some(expected)) = (self.header_len, self.expected) {
            *byte = expected;
        }
        if let Some(place) = self.header.get_mut(self.header_len) {
            *place = *byte;
        }
        self.header_len += 1;
        if self.header_len < HEADER_LEN {
            return;
        }
        self.header_len = 0;
        let [a, b, c, sequence_id] = self.header;
        self.left = u32::from_le_bytes([a, b, c, 0]) as usize;
        let is_full = self.left == MAX_PAYLOAD;
        self.expected = is_full.then(|| sequence_id.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use mysql_proto::write_packet;

    use super::*;

    /// Commands of three packets, two, and one, as a client writes them, and as MariaDB's does.
    #[test]
    fn continuations_are_numbered_and_others_are_left_alone() {
        let mut right = Vec::new();
        for len in [2 * MAX_PAYLOAD + 5, MAX_PAYLOAD, 3] {
            write_packet(&mut right, &mut 0, &vec![9; len]);
        }
        write_packet(&mut right, &mut 77, b"of a file");
        let mut wrong = right.clone();
        let parts = [1, 2, 4].map(|part| match part {
            4 => 3 * (HEADER_LEN + MAX_PAYLOAD) + HEADER_LEN + 5,
            part => part * (HEADER_LEN + MAX_PAYLOAD),
        });
        for part in parts {
            assert_ne!(std::mem::take(&mut wrong[part + SEQUENCE_ID]), 0);
        }
        for piece in [1000, 65_537, usize::MAX] {
            let mut passed = wrong.clone();
            let mut continuation = Continuation::default();
            for bytes in passed.chunks_mut(piece) {
                continuation.number(bytes);
            }
            assert!(passed == right, "in pieces of {piece}");
        }
    }
}
