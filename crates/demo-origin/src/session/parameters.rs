//! The parameters of `COM_STMT_EXECUTE`.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html>

use std::collections::HashMap;
use std::fmt::Write;

use mysql_proto::{ColumnType, ErrPacket};
use rusqlite::types::Value;

use super::wire::{malformed, take, take_slice, take_string, take_u8};

/// Set in the second byte of a parameter's type.
const UNSIGNED: u8 = 0x80;

/// A parameter's type, and whether it is unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ParameterType {
    column_type: ColumnType,
    unsigned: bool,
}

/// Reads the values from what follows the fixed part of the command.
///
/// `types` are those of the execution before, and become those of this one: a client sends them
/// once. `long_data` has the parameters that were sent ahead in pieces.
pub(super) fn read(
    mut bytes: &[u8],
    count: usize,
    types: &mut Vec<ParameterType>,
    long_data: &HashMap<u16, Vec<u8>>,
) -> Result<Vec<Value>, ErrPacket> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let nulls = take_slice(&mut bytes, count.div_ceil(8))?;
    if take_u8(&mut bytes)? == 1 {
        types.clear();
        for _ in 0..count {
            let [column_type, flags] = take(&mut bytes)?;
            types.push(ParameterType {
                column_type: ColumnType(column_type),
                unsigned: flags & UNSIGNED != 0,
            });
        }
    }
    if types.len() != count {
        return Err(malformed());
    }
    let mut values = Vec::with_capacity(count);
    for (index, parameter) in types.iter().enumerate() {
        let is_null = nulls
            .get(index / 8)
            .is_some_and(|byte| byte & (1 << (index % 8)) != 0);
        let long = u16::try_from(index)
            .ok()
            .and_then(|index| long_data.get(&index));
        values.push(match long {
            Some(data) => string(data, parameter.column_type),
            None if is_null => Value::Null,
            None => value(&mut bytes, *parameter)?,
        });
    }
    Ok(values)
}

fn value(bytes: &mut &[u8], parameter: ParameterType) -> Result<Value, ErrPacket> {
    let ParameterType {
        column_type,
        unsigned,
    } = parameter;
    Ok(match column_type {
        ColumnType::NULL => Value::Null,
        ColumnType::TINY => {
            let [byte] = take::<1>(bytes)?;
            Value::Integer(if unsigned {
                byte.into()
            } else {
                i8::from_le_bytes([byte]).into()
            })
        }
        ColumnType::SHORT | ColumnType::YEAR => {
            let raw = take(bytes)?;
            Value::Integer(if unsigned {
                u16::from_le_bytes(raw).into()
            } else {
                i16::from_le_bytes(raw).into()
            })
        }
        ColumnType::LONG | ColumnType::INT24 => {
            let raw = take(bytes)?;
            Value::Integer(if unsigned {
                u32::from_le_bytes(raw).into()
            } else {
                i32::from_le_bytes(raw).into()
            })
        }
        ColumnType::LONGLONG => Value::Integer(long_long(take(bytes)?, unsigned)?),
        ColumnType::FLOAT => Value::Real(f32::from_le_bytes(take(bytes)?).into()),
        ColumnType::DOUBLE => Value::Real(f64::from_le_bytes(take(bytes)?)),
        ColumnType::DATE | ColumnType::DATETIME | ColumnType::TIMESTAMP => {
            Value::Text(date_time(bytes)?)
        }
        ColumnType::TIME => Value::Text(time(bytes)?),
        _ => string(take_string(bytes)?, column_type),
    })
}

fn long_long(raw: [u8; 8], unsigned: bool) -> Result<i64, ErrPacket> {
    if !unsigned {
        return Ok(i64::from_le_bytes(raw));
    }
    i64::try_from(u64::from_le_bytes(raw)).map_err(|_| {
        let message = "Out of range value: SQLite's integers end at 9223372036854775807";
        ErrPacket::new(1264, *b"22003", message)
    })
}

/// Drivers send text and bytes as the same type: what is UTF-8 is text, which compares with text.
fn string(bytes: &[u8], column_type: ColumnType) -> Value {
    let is_blob = matches!(
        column_type,
        ColumnType::TINY_BLOB
            | ColumnType::MEDIUM_BLOB
            | ColumnType::LONG_BLOB
            | ColumnType::BLOB
            | ColumnType::GEOMETRY
    );
    match std::str::from_utf8(bytes) {
        Ok(text) if !is_blob => Value::Text(text.to_owned()),
        _ => Value::Blob(bytes.to_vec()),
    }
}

/// Date and time, in the form that SQLite's own functions have. Parts at the end may be missing.
fn date_time(bytes: &mut &[u8]) -> Result<String, ErrPacket> {
    let len = take_u8(bytes)?;
    if len == 0 {
        return Ok("0000-00-00 00:00:00".to_owned());
    }
    let [year_low, year_high, month, day] = take(bytes)?;
    let year = u16::from_le_bytes([year_low, year_high]);
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if len > 4 {
        let [hour, minute, second] = take(bytes)?;
        write!(text, " {hour:02}:{minute:02}:{second:02}").map_err(|_| malformed())?;
    }
    if len > 7 {
        fraction(&mut text, bytes)?;
    }
    Ok(text)
}

fn time(bytes: &mut &[u8]) -> Result<String, ErrPacket> {
    let len = take_u8(bytes)?;
    if len == 0 {
        return Ok("00:00:00".to_owned());
    }
    let [is_negative, days @ .., hour, minute, second] = take::<8>(bytes)?;
    let hours = u64::from(u32::from_le_bytes(days)) * 24 + u64::from(hour);
    let sign = if is_negative == 1 { "-" } else { "" };
    let mut text = format!("{sign}{hours:02}:{minute:02}:{second:02}");
    if len > 8 {
        fraction(&mut text, bytes)?;
    }
    Ok(text)
}

fn fraction(text: &mut String, bytes: &mut &[u8]) -> Result<(), ErrPacket> {
    let microseconds = u32::from_le_bytes(take(bytes)?);
    write!(text, ".{microseconds:06}").map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bitmap, the types, a TINY of -1, a NULL, a string, a DATETIME with microseconds, a TIME.
    const BYTES: &[u8] = &[
        0b0000_0010,
        1,
        1,
        0,
        8,
        0,
        0xFD,
        0,
        12,
        0,
        11,
        0, // types
        0xFF,
        2,
        b'h',
        b'i', // values
        11,
        0xEA,
        0x07,
        1,
        5,
        9,
        30,
        0,
        1,
        0,
        0,
        0, // 2026-01-05 09:30:00.000001
        8,
        1,
        1,
        0,
        0,
        0,
        2,
        3,
        4, // -26:03:04
    ];

    #[test]
    fn reads_values_and_remembers_types() {
        let mut types = Vec::new();
        let values = read(BYTES, 5, &mut types, &HashMap::new()).unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(
            values,
            [
                Value::Integer(-1),
                Value::Null,
                text("hi"),
                text("2026-01-05 09:30:00.000001"),
                text("-26:03:04"),
            ]
        );
        // The second time without types.
        let mut again = vec![BYTES[0], 0];
        again.extend_from_slice(&BYTES[12..]);
        assert_eq!(
            read(&again, 5, &mut types, &HashMap::new()).unwrap(),
            values
        );
    }

    #[test]
    fn truncated_parameters_are_malformed() {
        for len in 0..BYTES.len() {
            let error = read(&BYTES[..len], 5, &mut Vec::new(), &HashMap::new()).unwrap_err();
            assert_eq!(error.code, 1835, "{len}");
        }
    }

    #[test]
    fn long_data_takes_the_place_of_a_value() {
        let long_data = HashMap::from([(0, b"sent ahead".to_vec())]);
        let bytes = [0, 1, 0xFD, 0];
        let values = read(&bytes, 1, &mut Vec::new(), &long_data).unwrap();
        assert_eq!(values, [Value::Text("sent ahead".to_owned())]);
    }
}
