//! Query attributes: names and values that a client sends along with a statement
//! (`CLIENT_QUERY_ATTRIBUTES`, MySQL 8.0.23).
//!
//! Where the capability is in force, every `COM_QUERY` has this in front of its text:
//!
//! ```text
//!   0x03   count    sets (1)   [block of parameters]   statement
//!   1      lenenc   lenenc     if count > 0
//! ```
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html>

use crate::statement::Parameters;
use crate::wire::{Reader, text};
use crate::{ColumnType, Command};

/// Sets of values: the protocol has room for several, and allows one.
const SETS: u64 = 1;

/// Set in the second byte of a type.
const UNSIGNED: u8 = 0x80;

/// The payload of a `COM_QUERY` on a connection where query attributes are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributedQuery<'a> {
    payload: &'a [u8],
    attributes: Option<Parameters>,
    statement: usize,
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryAttribute<'a> {
    /// The name, in the character set of the client.
    pub name: &'a [u8],
    /// The type of the value.
    pub kind: ColumnType,
    /// A number has no sign.
    pub is_unsigned: bool,
    /// The value as parameters of prepared statements have it, without the length of a string;
    /// `None`: NULL.
    pub value: Option<&'a [u8]>,
}

impl<'a> AttributedQuery<'a> {
    /// Finds the statement and the attributes in `payload`, from the command's byte on. `None`: it
    /// is no such command, its attributes cannot be read, or they end too early. A part of a
    /// payload is enough if the attributes lie in it.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        if reader.u8().ok()? != Command::QUERY.0 {
            return None;
        }
        let count = usize::try_from(reader.lenenc().ok()?).ok()?;
        if reader.lenenc().ok()? != SETS {
            return None;
        }
        let start = payload.len().saturating_sub(reader.len());
        if count == 0 {
            return Some(Self {
                payload,
                attributes: None,
                statement: start,
            });
        }
        let attributes = Parameters::find(payload, start, count, true)?;
        if attributes.types.is_empty() {
            return None;
        }
        let mut values = Reader::new(payload.get(attributes.values..)?);
        for (index, (kind, _)) in attributes.types(payload).enumerate() {
            if !attributes.is_null(payload, index) {
                value(&mut values, kind)?;
            }
        }
        Some(Self {
            payload,
            attributes: Some(attributes),
            statement: payload.len().saturating_sub(values.len()),
        })
    }

    /// Where the statement begins; it goes on to the end of the command.
    pub fn statement_start(&self) -> usize {
        self.statement
    }

    /// The statement.
    pub fn statement(&self) -> &'a [u8] {
        self.payload.get(self.statement..).unwrap_or_default()
    }

    /// The attributes, in the order of the client.
    pub fn attributes(&self) -> impl Iterator<Item = QueryAttribute<'a>> {
        self.attributes
            .iter()
            .flat_map(|block| attributes(self.payload, block))
    }

    /// The same command for a server that knows no query attributes.
    pub fn without_attributes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len());
        out.push(Command::QUERY.0);
        out.extend_from_slice(self.statement());
        out
    }
}

fn attributes<'a>(
    payload: &'a [u8],
    block: &Parameters,
) -> impl Iterator<Item = QueryAttribute<'a>> {
    let mut values = Reader::new(payload.get(block.values..).unwrap_or_default());
    let types = block.types(payload).enumerate();
    types.map_while(move |(index, (kind, name))| {
        let is_null = block.is_null(payload, index);
        let [kind_byte, flags] = kind;
        Some(QueryAttribute {
            name,
            kind: ColumnType(kind_byte),
            is_unsigned: flags & UNSIGNED != 0,
            value: if is_null {
                None
            } else {
                Some(value(&mut values, kind)?)
            },
        })
    })
}

impl QueryAttribute<'_> {
    /// The value as text, if it is a number or a string.
    pub fn text(&self) -> Option<String> {
        let bytes = self.value?;
        match Form::of(self.kind)? {
            Form::Integer(_) => integer(bytes, self.is_unsigned),
            Form::Float => Some(f32::from_le_bytes(bytes.try_into().ok()?).to_string()),
            Form::Double => Some(f64::from_le_bytes(bytes.try_into().ok()?).to_string()),
            Form::Moment => None,
            Form::String => Some(text(bytes)),
        }
    }
}

/// How a value is written.
///
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html>
enum Form {
    /// Of so many bytes.
    Integer(usize),
    Float,
    Double,
    /// Dates and times: a length of one byte; what is 0 at their end is left out.
    Moment,
    /// All else, decimals too: `string<lenenc>`.
    String,
}

impl Form {
    /// `None`: nobody sends such a parameter, and what MySQL makes of it is not what its type says
    /// (9.7 takes a `YEAR` for a string).
    fn of(kind: ColumnType) -> Option<Self> {
        Some(match kind {
            ColumnType::TINY => Self::Integer(1),
            ColumnType::SHORT => Self::Integer(2),
            ColumnType::LONG => Self::Integer(4),
            ColumnType::LONGLONG => Self::Integer(8),
            ColumnType::FLOAT => Self::Float,
            ColumnType::DOUBLE => Self::Double,
            ColumnType::DATE | ColumnType::TIME | ColumnType::DATETIME | ColumnType::TIMESTAMP => {
                Self::Moment
            }
            ColumnType::DECIMAL
            | ColumnType::NEWDECIMAL
            | ColumnType::VARCHAR
            | ColumnType::VAR_STRING
            | ColumnType::STRING
            | ColumnType::TINY_BLOB
            | ColumnType::MEDIUM_BLOB
            | ColumnType::LONG_BLOB
            | ColumnType::BLOB
            | ColumnType::JSON
            | ColumnType::ENUM
            | ColumnType::SET
            | ColumnType::BIT
            | ColumnType::GEOMETRY
            | ColumnType::VECTOR => Self::String,
            _ => return None,
        })
    }
}

/// Reads a value in the binary form. `None`: it ends too early, or its form is not known.
fn value<'a>(reader: &mut Reader<'a>, [kind, _]: [u8; 2]) -> Option<&'a [u8]> {
    match Form::of(ColumnType(kind))? {
        Form::Integer(len) => reader.bytes(len).ok(),
        Form::Float => reader.bytes(size_of::<f32>()).ok(),
        Form::Double => reader.bytes(size_of::<f64>()).ok(),
        Form::Moment => {
            let len = reader.u8().ok()?;
            reader.bytes(usize::from(len)).ok()
        }
        Form::String => reader.lenenc_bytes().ok(),
    }
}

/// A little-endian number of up to eight bytes.
fn integer(bytes: &[u8], is_unsigned: bool) -> Option<String> {
    let is_negative = !is_unsigned && bytes.last()? & 0x80 != 0;
    let mut wide = [if is_negative { u8::MAX } else { 0 }; 8];
    for (place, byte) in wide.iter_mut().zip(bytes) {
        *place = *byte;
    }
    Some(if is_unsigned {
        u64::from_le_bytes(wide).to_string()
    } else {
        i64::from_le_bytes(wide).to_string()
    })
}
