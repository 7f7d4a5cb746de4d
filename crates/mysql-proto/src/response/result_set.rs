//! Makes a result set in text form.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset.html>

use crate::wire::{NULL, put_lenenc, put_lenenc_bytes};
use crate::{
    Capabilities, ColumnDefinition, EofPacket, ErrPacket, OkPacket, PacketWriter, StatusFlags,
};

/// A result set that is being written. It holds no bytes: `out` may be sent and cleared between any
/// two calls, so that rows can stream.
///
/// ```
/// # use mysql_proto::{Capabilities, ColumnDefinition, ColumnType, StatusFlags, TextResultSet};
/// # let (capabilities, status) = (Capabilities::PROTOCOL_41, StatusFlags::AUTOCOMMIT);
/// let mut out = Vec::new();
/// let columns = [ColumnDefinition::new("answer", ColumnType::LONGLONG, 63)];
/// // 1: the command's packet had 0.
/// let mut rows = TextResultSet::columns(&mut out, 1, capabilities, status, &columns);
/// rows.row(&mut out, [Some("42".as_bytes())]);
/// rows.finish(&mut out, 0);
/// ```
#[derive(Debug)]
#[must_use = "a result set must be ended by `finish` or `fail`"]
pub struct TextResultSet {
    sequence_id: u8,
    capabilities: Capabilities,
    status: StatusFlags,
}

impl TextResultSet {
    /// Begins a result set. There must be a column: a result without any is an [`OkPacket`].
    ///
    /// `sequence_id` is the first packet's, `capabilities` those that are in force, `status` the
    /// session's after the statement.
    pub fn columns(
        out: &mut Vec<u8>,
        sequence_id: u8,
        capabilities: Capabilities,
        status: StatusFlags,
        columns: &[ColumnDefinition],
    ) -> Self {
        let mut set = Self {
            sequence_id,
            capabilities,
            status,
        };
        set.packet(out, |payload| put_lenenc(payload, columns.len() as u64));
        for column in columns {
            set.packet(out, |payload| column.encode(payload, capabilities));
        }
        if !capabilities.contains(Capabilities::DEPRECATE_EOF) {
            let eof = EofPacket {
                warnings: 0,
                status,
            };
            set.packet(out, |payload| eof.encode(payload));
        }
        set
    }

    /// Appends a row: one value for each column, `None` for NULL.
    pub fn row<'v>(
        &mut self,
        out: &mut Vec<u8>,
        values: impl IntoIterator<Item = Option<&'v [u8]>>,
    ) {
        self.packet(out, |payload| {
            for value in values {
                match value {
                    Some(bytes) => put_lenenc_bytes(payload, bytes),
                    None => payload.push(NULL),
                }
            }
        });
    }

    /// Ends the result set. Returns the sequence id of the next result, if one follows: the status
    /// has `MORE_RESULTS_EXISTS` then.
    pub fn finish(mut self, out: &mut Vec<u8>, warnings: u16) -> u8 {
        let (capabilities, status) = (self.capabilities, self.status);
        self.packet(out, |payload| {
            if capabilities.contains(Capabilities::DEPRECATE_EOF) {
                let ok = OkPacket {
                    status,
                    warnings,
                    ..OkPacket::default()
                };
                ok.encode(payload, capabilities, true);
            } else {
                EofPacket { warnings, status }.encode(payload);
            }
        });
        self.sequence_id
    }

    /// Ends the result set, and the response, with an error amid the rows.
    pub fn fail(mut self, out: &mut Vec<u8>, error: &ErrPacket) {
        error.write(out, &mut self.sequence_id, self.capabilities);
    }

    fn packet(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let mut packet = PacketWriter::begin(out);
        write(packet.payload());
        packet.finish(&mut self.sequence_id);
    }
}
