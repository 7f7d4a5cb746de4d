//! The definition of a column.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_column_definition.html>

use crate::wire::{Reader, put_lenenc, put_lenenc_bytes, text};
use crate::{Capabilities, DecodeError};

/// Bytes of the fields of fixed length, which the packet announces.
const FIXED_LEN: u64 = 0x0C;

/// One column of a result set, or one parameter of a prepared statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// Always `def`.
    pub catalog: String,
    /// The database.
    pub schema: String,
    /// The table, by its alias.
    pub table: String,
    /// The table, by its own name.
    pub org_table: String,
    /// The column, by its alias.
    pub name: String,
    /// The column, by its own name.
    pub org_name: String,
    /// The collation of the values; 63 is binary, which numbers have too.
    pub charset: u16,
    /// The longest value, in bytes.
    pub column_length: u32,
    /// The type of the values.
    pub column_type: ColumnType,
    /// What else is known of the column.
    pub flags: ColumnFlags,
    /// Digits after the point that are shown; 31 for a floating-point number without a limit.
    pub decimals: u8,
}

/// The type of a column's values. Types that have no name here are kept as they are.
///
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColumnType(pub u8);

#[expect(missing_docs, reason = "they are the names of SQL's own types")]
impl ColumnType {
    pub const DECIMAL: Self = Self(0x00);
    pub const TINY: Self = Self(0x01);
    pub const SHORT: Self = Self(0x02);
    pub const LONG: Self = Self(0x03);
    pub const FLOAT: Self = Self(0x04);
    pub const DOUBLE: Self = Self(0x05);
    pub const NULL: Self = Self(0x06);
    pub const TIMESTAMP: Self = Self(0x07);
    pub const LONGLONG: Self = Self(0x08);
    pub const INT24: Self = Self(0x09);
    pub const DATE: Self = Self(0x0A);
    pub const TIME: Self = Self(0x0B);
    pub const DATETIME: Self = Self(0x0C);
    pub const YEAR: Self = Self(0x0D);
    pub const VARCHAR: Self = Self(0x0F);
    pub const BIT: Self = Self(0x10);
    pub const VECTOR: Self = Self(0xF2);
    pub const JSON: Self = Self(0xF5);
    pub const NEWDECIMAL: Self = Self(0xF6);
    pub const ENUM: Self = Self(0xF7);
    pub const SET: Self = Self(0xF8);
    pub const TINY_BLOB: Self = Self(0xF9);
    pub const MEDIUM_BLOB: Self = Self(0xFA);
    pub const LONG_BLOB: Self = Self(0xFB);
    pub const BLOB: Self = Self(0xFC);
    pub const VAR_STRING: Self = Self(0xFD);
    pub const STRING: Self = Self(0xFE);
    pub const GEOMETRY: Self = Self(0xFF);
}

bitflags::bitflags! {
    /// What else is known of a column. Bits that have no name here are kept as they are.
    ///
    /// <https://dev.mysql.com/doc/dev/mysql-server/latest/group__group__cs__column__definition__flags.html>
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ColumnFlags: u16 {
        /// Never NULL.
        const NOT_NULL = 1;
        /// Part of the primary key.
        const PRIMARY_KEY = 1 << 1;
        /// Part of a unique key.
        const UNIQUE_KEY = 1 << 2;
        /// Part of a key that is not unique.
        const MULTIPLE_KEY = 1 << 3;
        /// A blob or a text.
        const BLOB = 1 << 4;
        /// A number that is never negative.
        const UNSIGNED = 1 << 5;
        /// Filled up with zeros.
        const ZEROFILL = 1 << 6;
        /// Compared as bytes.
        const BINARY = 1 << 7;
        /// An enumeration.
        const ENUM = 1 << 8;
        /// Counts up by itself.
        const AUTO_INCREMENT = 1 << 9;
        /// A timestamp.
        const TIMESTAMP = 1 << 10;
        /// A set.
        const SET = 1 << 11;
        /// Has no default value.
        const NO_DEFAULT_VALUE = 1 << 12;
        /// Takes the time of each update.
        const ON_UPDATE_NOW = 1 << 13;
        /// A number.
        const NUM = 1 << 15;
    }
}

impl ColumnDefinition {
    /// A column of this name and type, of no table.
    pub fn new(name: impl Into<String>, column_type: ColumnType, charset: u16) -> Self {
        Self {
            catalog: "def".to_owned(),
            name: name.into(),
            charset,
            column_type,
            ..Self::default()
        }
    }

    /// Reads the payload of a column definition. The default value that `COM_FIELD_LIST` appends is
    /// left aside.
    pub fn decode(payload: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(payload);
        let mut string = || reader.lenenc_bytes().map(text);
        let (catalog, schema, table) = (string()?, string()?, string()?);
        let (org_table, name, org_name) = (string()?, string()?, string()?);
        let fixed_len = reader.lenenc()?;
        if fixed_len < FIXED_LEN {
            return Err(DecodeError::Truncated);
        }
        let definition = Self {
            catalog,
            schema,
            table,
            org_table,
            name,
            org_name,
            charset: reader.u16()?,
            column_length: reader.u32()?,
            column_type: ColumnType(reader.u8()?),
            flags: ColumnFlags::from_bits_retain(reader.u16()?),
            decimals: reader.u8()?,
        };
        reader.array::<2>()?; // filler
        Ok(definition)
    }

    /// Appends the payload to `out`; without types of MariaDB's own, where there is room for them.
    pub fn encode(&self, out: &mut Vec<u8>, capabilities: Capabilities) {
        for string in [
            &self.catalog,
            &self.schema,
            &self.table,
            &self.org_table,
            &self.name,
            &self.org_name,
        ] {
            put_lenenc_bytes(out, string.as_bytes());
        }
        if capabilities.contains(Capabilities::MARIADB_EXTENDED_METADATA) {
            put_lenenc_bytes(out, &[]);
        }
        put_lenenc(out, FIXED_LEN);
        out.extend_from_slice(&self.charset.to_le_bytes());
        out.extend_from_slice(&self.column_length.to_le_bytes());
        out.push(self.column_type.0);
        out.extend_from_slice(&self.flags.bits().to_le_bytes());
        out.extend_from_slice(&[self.decimals, 0, 0]);
    }
}
