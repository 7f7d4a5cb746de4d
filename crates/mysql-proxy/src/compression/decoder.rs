//! Takes the content out of compressed packets, piece by piece.
//!
//! ```text
//!            header                    content_len = 0
//!   Header ─────────► has it length? ───────────────────► Plain
//!     ▲                     │                               │
//!     │                     │ content_len > 0               │ all passed on
//!     │                     ▼                               │
//!     │                 Compressed                          │
//!     │ all inflated        │                               │
//!     └─────────────────────┴───────────────────────────────┘
//! ```
//!
//! Nothing is gathered: a packet is inflated into the reader's own buffer, as far as that has room.
//! So a packet that would inflate to more than it says (and it can say 16 MiB at most) costs no
//! memory, and is an error.

use std::io;

use bytes::{Buf, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

use super::{Algorithm, HEADER_LEN};

/// The largest window of zstd, as a power of 2: the content of a packet is shorter than 16 MiB, so
/// no packet needs more.
const MAX_WINDOW_LOG: u32 = 24;

/// Takes contents out of packets.
pub(super) struct Decoder {
    algorithm: Algorithm,
    state: State,
    /// Of the last packet that has begun.
    sequence_id: u8,
}

/// See the diagram at the top of the file.
enum State {
    Header,
    /// Bytes of the content that are still to come.
    Plain {
        left: usize,
    },
    Compressed(Packet),
}

/// A compressed packet in the making.
struct Packet {
    inflater: Inflater,
    /// Bytes of it that are still to come.
    left: usize,
    /// Bytes that it still has to inflate to.
    content_left: usize,
}

enum Inflater {
    Zlib(Box<Decompress>),
    Zstd(Zstd<'static>),
}

impl Decoder {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            state: State::Header,
            sequence_id: 0,
        }
    }

    /// The sequence id of the last packet that has begun.
    pub(super) fn sequence_id(&self) -> u8 {
        self.sequence_id
    }

    /// True if no packet has begun that has not ended.
    pub(super) fn is_between_packets(&self) -> bool {
        matches!(self.state, State::Header)
    }

    /// Takes what it can from the front of `input`, and writes content to the front of `output`,
    /// which must have room. Returns how much; 0: more input is needed.
    pub(super) fn decode(&mut self, input: &mut BytesMut, output: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                State::Header => {
                    if !self.begin(input)? {
                        return Ok(0);
                    }
                }
                State::Plain { left } => {
                    let count = output.len().min(*left).min(input.len());
                    for (place, byte) in output.iter_mut().zip(input.split_to(count)) {
                        *place = byte;
                    }
                    *left -= count;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                    return Ok(count);
                }
                State::Compressed(packet) => {
                    let step = packet.inflate(input, output)?;
                    if step.has_ended {
                        self.state = State::Header;
                    }
                    if step.written > 0 || step.is_nothing() {
                        return Ok(step.written);
                    }
                }
            }
        }
    }

    /// Begins a packet. False: its header is not whole.
    fn begin(&mut self, input: &mut BytesMut) -> io::Result<bool> {
        let Some(&[l0, l1, l2, sequence_id, c0, c1, c2]) = input.first_chunk::<HEADER_LEN>() else {
            return Ok(false);
        };
        input.advance(HEADER_LEN);
        let left = u32::from_le_bytes([l0, l1, l2, 0]) as usize;
        let content_left = u32::from_le_bytes([c0, c1, c2, 0]) as usize;
        self.sequence_id = sequence_id;
        self.state = match (left, content_left) {
            (0, 0) => State::Header,
            (0, _) => return Err(invalid("compressed packet without a byte")),
            (_, 0) => State::Plain { left },
            _ => State::Compressed(Packet {
                inflater: Inflater::new(self.algorithm)?,
                left,
                content_left,
            }),
        };
        Ok(true)
    }
}

impl Packet {
    /// Goes on as far as `input` and `output` allow. Both lengths of the header must be met when
    /// the compressed form ends, and not before.
    fn inflate(&mut self, input: &mut BytesMut, output: &mut [u8]) -> io::Result<Step> {
        let available = self.left.min(input.len());
        let source = input.get(..available).unwrap_or_default();
        let room = self.content_left.min(output.len());
        let target = output.get_mut(..room).unwrap_or_default();
        let step = self.inflater.step(source, target)?;
        input.advance(step.read);
        self.left -= step.read;
        self.content_left -= step.written;
        if step.has_ended && (self.left > 0 || self.content_left > 0) {
            return Err(invalid("compressed packet ends before its length"));
        }
        if step.is_nothing() && self.left == 0 {
            return Err(invalid("compressed packet is cut"));
        }
        if step.is_nothing() && available > 0 {
            return Err(invalid("compressed packet inflates to more than it says"));
        }
        Ok(step)
    }
}

/// What an inflater has done with the bytes that it was given.
struct Step {
    read: usize,
    written: usize,
    /// The compressed form has ended.
    has_ended: bool,
}

impl Step {
    /// Without more input it cannot go on.
    fn is_nothing(&self) -> bool {
        self.read == 0 && self.written == 0 && !self.has_ended
    }
}

impl Inflater {
    fn new(algorithm: Algorithm) -> io::Result<Self> {
        Ok(match algorithm {
            Algorithm::Zlib => Self::Zlib(Box::new(Decompress::new(true))),
            Algorithm::Zstd { .. } => {
                let mut zstd = Zstd::new()?;
                zstd.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG))?;
                Self::Zstd(zstd)
            }
        })
    }

    fn step(&mut self, source: &[u8], target: &mut [u8]) -> io::Result<Step> {
        match self {
            Self::Zlib(zlib) => {
                let (total_in, total_out) = (zlib.total_in(), zlib.total_out());
                let status = zlib
                    .decompress(source, target, FlushDecompress::None)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                Ok(Step {
                    read: usize::try_from(zlib.total_in() - total_in).unwrap_or(source.len()),
                    written: usize::try_from(zlib.total_out() - total_out).unwrap_or(target.len()),
                    has_ended: status == Status::StreamEnd,
                })
            }
            Self::Zstd(zstd) => {
                let status = zstd.run_on_buffers(source, target)?;
                Ok(Step {
                    read: status.bytes_read,
                    written: status.bytes_written,
                    has_ended: status.remaining == 0,
                })
            }
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
