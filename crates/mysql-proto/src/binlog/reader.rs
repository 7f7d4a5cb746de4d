//! The packets that answer `COM_BINLOG_DUMP`.

use super::BinlogError;
use super::event::{BinlogEvent, Checksums};
use super::gather::Gatherer;
use crate::{DecodeError, EofPacket, ErrPacket, OkPacket};

/// Reads the binary log from the bytes of a connection that has asked for it.
///
/// Its memory is bounded, whatever the events hold.
#[derive(Debug, Default)]
pub struct BinlogReader {
    gatherer: Gatherer,
    checksums: Checksums,
}

/// One packet of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinlogPacket<'a> {
    /// An event.
    Event(BinlogEvent<'a>),
    /// The server will not send more, and says why. 1236: it cannot read the log at this place.
    Refused(ErrPacket),
    /// The server will not send more.
    End,
}

impl BinlogReader {
    /// Begins at the first byte of the answer, on a connection that was told
    /// [`binlog_settings`](super::binlog_settings).
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next packet from the front of `rest`, which may be split anywhere. `None`: all of
    /// it is used up.
    pub fn next(&mut self, rest: &mut &[u8]) -> Result<Option<BinlogPacket<'_>>, BinlogError> {
        let Some(packet) = self.gatherer.next(rest) else {
            return Ok(None);
        };
        let (header, event) = packet.kept.split_first().ok_or(DecodeError::Truncated)?;
        let packet = match *header {
            OkPacket::HEADER => {
                let len = packet.len.saturating_sub(1);
                BinlogPacket::Event(BinlogEvent::decode(event, len, &mut self.checksums)?)
            }
            ErrPacket::HEADER => BinlogPacket::Refused(ErrPacket::decode(packet.kept)?),
            EofPacket::HEADER => BinlogPacket::End,
            other => return Err(DecodeError::UnexpectedHeader(other).into()),
        };
        Ok(Some(packet))
    }
}
