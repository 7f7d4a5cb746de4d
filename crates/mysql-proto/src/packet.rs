//! Packets: a header of four bytes, and a payload.
//!
//! A payload of 16 MiB - 1 or more is carried by a run of full packets and a shorter one, which may
//! be empty. Here "packet" is one frame on the wire, and "logical packet" the whole payload.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html>

use bytes::{Buf, Bytes, BytesMut};

use crate::DecodeError;

/// Bytes of a packet's header: the payload's length (three bytes, little-endian), the sequence id.
pub const HEADER_LEN: usize = 4;

/// The longest payload of one packet. A packet of exactly this length is continued by the next.
pub const MAX_PAYLOAD: usize = 0xFF_FFFF;

/// The header of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// Bytes that follow the header.
    pub payload_len: usize,
    /// Counts the packets of one command and its response, from 0; wraps.
    pub sequence_id: u8,
}

impl PacketHeader {
    /// Reads a header from the front of `bytes`. `None`: fewer than [`HEADER_LEN`] bytes are there.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, sequence_id] = *bytes.first_chunk::<HEADER_LEN>()?;
        Some(Self {
            payload_len: u32::from_le_bytes([a, b, c, 0]) as usize,
            sequence_id,
        })
    }

    /// The bytes of the header. A length over [`MAX_PAYLOAD`] loses its high byte: split it before.
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let [a, b, c, ..] = self.payload_len.to_le_bytes();
        [a, b, c, self.sequence_id]
    }
}

/// Appends `payload` to `out` as a logical packet: split at [`MAX_PAYLOAD`], with a trailing empty
/// packet when needed. `sequence_id` is the first packet's, and becomes the one that comes next.
pub fn write_packet(out: &mut Vec<u8>, sequence_id: &mut u8, payload: &[u8]) {
    let mut rest = payload;
    loop {
        let (part, tail) = rest.split_at_checked(MAX_PAYLOAD).unwrap_or((rest, &[]));
        let header = PacketHeader {
            payload_len: part.len(),
            sequence_id: *sequence_id,
        };
        *sequence_id = sequence_id.wrapping_add(1);
        out.extend_from_slice(&header.encode());
        out.extend_from_slice(part);
        if part.len() < MAX_PAYLOAD {
            return;
        }
        rest = tail;
    }
}

/// A packet whose payload is written in place.
///
/// ```
/// # use mysql_proto::PacketWriter;
/// let (mut out, mut sequence_id) = (Vec::new(), 0);
/// let mut packet = PacketWriter::begin(&mut out);
/// packet.payload().push(0x0E);
/// packet.finish(&mut sequence_id);
/// assert_eq!((out.as_slice(), sequence_id), ([1, 0, 0, 0, 0x0E].as_slice(), 1));
/// ```
#[derive(Debug)]
#[must_use = "the packet has no header before `finish`"]
pub struct PacketWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> PacketWriter<'a> {
    /// Leaves room for the header at the end of `out`.
    pub fn begin(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_LEN]);
        Self { out, start }
    }

    /// Where the payload is appended. What `out` held before must stay as it is.
    pub fn payload(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Writes the header; splits the payload if it is [`MAX_PAYLOAD`] or longer. `sequence_id` is
    /// the first packet's, and becomes the one that comes next.
    pub fn finish(self, sequence_id: &mut u8) {
        let payload_start = self.start.saturating_add(HEADER_LEN);
        let payload_len = self.out.len().saturating_sub(payload_start);
        if payload_len >= MAX_PAYLOAD {
            let payload = self.out.split_off(payload_start);
            self.out.truncate(self.start);
            write_packet(self.out, sequence_id, &payload);
            return;
        }
        let header = PacketHeader {
            payload_len,
            sequence_id: *sequence_id,
        };
        if let Some(place) = self
            .out
            .get_mut(self.start..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            *place = header.encode();
            *sequence_id = sequence_id.wrapping_add(1);
        }
    }
}

/// A logical packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Of its last part: an answer has the next one.
    pub sequence_id: u8,
    /// All parts, one after the other.
    pub payload: Bytes,
}

/// Puts logical packets together: for the handshake and for commands, which are read whole.
#[derive(Debug)]
pub struct PacketReader {
    limit: usize,
    /// The full parts of a logical packet that is not complete yet. Empty for nearly all packets.
    parts: BytesMut,
}

impl PacketReader {
    /// Makes a reader of logical packets of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            parts: BytesMut::new(),
        }
    }

    /// Takes the next logical packet from the front of `input`. `None`: more bytes are needed; at
    /// most `limit` and a header are waiting in `input` then.
    ///
    /// A packet of one part is taken out without a copy.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Packet>, DecodeError> {
        while let Some(header) = PacketHeader::decode(input) {
            let length = self.parts.len().saturating_add(header.payload_len);
            if length > self.limit {
                return Err(DecodeError::TooLarge {
                    length,
                    limit: self.limit,
                });
            }
            if input.len() < HEADER_LEN.saturating_add(header.payload_len) {
                return Ok(None);
            }
            input.advance(HEADER_LEN);
            let part = input.split_to(header.payload_len);
            if header.payload_len == MAX_PAYLOAD {
                self.parts.unsplit(part);
                continue;
            }
            let payload = if self.parts.is_empty() {
                part
            } else {
                let mut whole = std::mem::take(&mut self.parts);
                whole.unsplit(part);
                whole
            };
            return Ok(Some(Packet {
                sequence_id: header.sequence_id,
                payload: payload.freeze(),
            }));
        }
        Ok(None)
    }
}
