//! A result set whose rows are in binary form: the answer to `COM_STMT_EXECUTE`.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html>

use mysql_proto::{
    Capabilities, ColumnDefinition, ColumnType, EofPacket, ErrPacket, OkPacket, PacketWriter,
    StatusFlags,
};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::rows::check_length;
use super::wire::{put_length, put_string};

/// The null bitmap of a binary row begins at this bit.
const BITMAP_OFFSET: usize = 2;

/// A result set that is being written; as [`mysql_proto::TextResultSet`], it holds no bytes.
#[derive(Debug)]
pub(super) struct BinaryRows {
    sequence_id: u8,
    capabilities: Capabilities,
    status: StatusFlags,
    types: Vec<ColumnType>,
}

impl BinaryRows {
    pub(super) fn columns(
        out: &mut Vec<u8>,
        capabilities: Capabilities,
        status: StatusFlags,
        columns: &[ColumnDefinition],
    ) -> Self {
        let mut rows = Self {
            sequence_id: 1,
            capabilities,
            status,
            types: columns.iter().map(|column| column.column_type).collect(),
        };
        let mut packet = PacketWriter::begin(out);
        put_length(packet.payload(), columns.len());
        packet.finish(&mut rows.sequence_id);
        definitions(out, &mut rows.sequence_id, capabilities, status, columns);
        rows
    }

    pub(super) fn row(&mut self, out: &mut Vec<u8>, row: &Row<'_>) -> rusqlite::Result<()> {
        let bitmap_len = (self.types.len() + BITMAP_OFFSET).div_ceil(8);
        let mut bitmap = vec![0u8; bitmap_len];
        let mut values = Vec::new();
        for (index, column_type) in self.types.iter().enumerate() {
            let value = row.get_ref(index)?;
            if value == ValueRef::Null {
                let bit = index + BITMAP_OFFSET;
                if let Some(byte) = bitmap.get_mut(bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            } else {
                put_value(&mut values, *column_type, value);
                check_length(values.len())?;
            }
        }
        let mut packet = PacketWriter::begin(out);
        packet.payload().push(0);
        packet.payload().extend_from_slice(&bitmap);
        packet.payload().extend_from_slice(&values);
        packet.finish(&mut self.sequence_id);
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        if !self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            end(out, &mut self.sequence_id, self.status);
            return;
        }
        let ok = OkPacket {
            status: self.status,
            ..OkPacket::default()
        };
        let mut packet = PacketWriter::begin(out);
        ok.encode(packet.payload(), self.capabilities, true);
        packet.finish(&mut self.sequence_id);
    }

    pub(super) fn fail(mut self, out: &mut Vec<u8>, error: &ErrPacket) {
        error.write(out, &mut self.sequence_id, self.capabilities);
    }
}

/// Appends column definitions, with the EOF packet that follows where it is not deprecated.
pub(super) fn definitions(
    out: &mut Vec<u8>,
    sequence_id: &mut u8,
    capabilities: Capabilities,
    status: StatusFlags,
    columns: &[ColumnDefinition],
) {
    for column in columns {
        let mut packet = PacketWriter::begin(out);
        column.encode(packet.payload(), capabilities);
        packet.finish(sequence_id);
    }
    if !columns.is_empty() && !capabilities.contains(Capabilities::DEPRECATE_EOF) {
        end(out, sequence_id, status);
    }
}

fn end(out: &mut Vec<u8>, sequence_id: &mut u8, status: StatusFlags) {
    let mut packet = PacketWriter::begin(out);
    let eof = EofPacket {
        warnings: 0,
        status,
    };
    eof.encode(packet.payload());
    packet.finish(sequence_id);
}

/// Appends a value in the form of its column, converted if it is of another type: SQLite's columns
/// hold anything.
fn put_value(out: &mut Vec<u8>, column_type: ColumnType, value: ValueRef<'_>) {
    match column_type {
        ColumnType::LONGLONG => out.extend_from_slice(&integer(value).to_le_bytes()),
        ColumnType::DOUBLE => out.extend_from_slice(&real(value).to_le_bytes()),
        _ => match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => put_string(out, bytes),
            ValueRef::Integer(number) => put_string(out, number.to_string().as_bytes()),
            ValueRef::Real(number) => put_string(out, number.to_string().as_bytes()),
            ValueRef::Null => put_string(out, &[]),
        },
    }
}

fn integer(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Integer(number) => number,
        #[expect(clippy::cast_possible_truncation, reason = "as MySQL's CAST does")]
        ValueRef::Real(number) => number as i64,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => parse(bytes).unwrap_or(0),
        ValueRef::Null => 0,
    }
}

fn real(value: ValueRef<'_>) -> f64 {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "as MySQL's CAST does")]
        ValueRef::Integer(number) => number as f64,
        ValueRef::Real(number) => number,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => parse(bytes).unwrap_or(0.0),
        ValueRef::Null => 0.0,
    }
}

fn parse<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}
