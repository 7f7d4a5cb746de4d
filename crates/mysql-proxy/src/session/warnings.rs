//! Warnings and errors of a statement whose connection was given back.

use std::borrow::Cow;
use std::ops::Range;

use mysql_proto::{
    Capabilities, ColumnDefinition, ColumnType, HEADER_LEN, StatusFlags, TextResultSet, TextRow,
    write_packet,
};

use super::OF_SESSION;
use crate::origin::{Answer, MAX_CONDITION_BYTES, MAX_CONDITIONS};

/// What MySQL says of an execution before it begins, with what is at the end of the sentence: of
/// arguments that are wrong, of a number or a time that is out of range, of a packet that is
/// malformed, and of a text that another character set cannot have.
const OF_PARAMETERS: [(u16, &[u8]); 4] = [
    (1210, b"mysqld_stmt_execute"),
    (1690, b"'set_parameter_value'"),
    (1835, b""),
    (3988, b"parameter"),
];

/// True for an error that may be one of those.
pub(super) fn may_be_of_parameters(code: u16) -> bool {
    OF_PARAMETERS.iter().any(|known| known.0 == code)
}

/// True for a row that says it.
fn is_of_parameters(row: &[u8]) -> bool {
    let mut values = TextRow::new(row)
        .skip(1)
        .map_while(|value| value.ok().flatten());
    let code = values
        .next()
        .and_then(|code| str::from_utf8(code).ok()?.parse().ok());
    let message = values.next().unwrap_or_default();
    let known = OF_PARAMETERS.iter().find(|known| Some(known.0) == code);
    known.is_some_and(|(_, end)| message.ends_with(end))
}

/// A captured response to `SHOW WARNINGS`.
#[derive(Debug)]
pub(super) struct Warnings {
    answer: Answer,
    has_eof: bool,
}

/// Which conditions are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// All of them.
    Any,
    /// Errors.
    Error,
}

/// What a client expects of the rows of a result set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowFormat {
    /// It sent `COM_QUERY`.
    Text,
    /// It sent `COM_STMT_EXECUTE`.
    Binary,
}

/// A part of the conditions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) level: Level,
    /// So many are left out.
    pub(super) offset: u64,
    /// At most so many come then.
    pub(super) limit: Option<u64>,
}

impl Warnings {
    pub(super) fn new(mut answer: Answer, has_eof: bool) -> Self {
        answer.bytes.shrink_to_fit();
        Self { answer, has_eof }
    }

    /// The last of these alone, behind older ones, if MySQL says by it that it has not begun an
    /// execution: then those of the statement before are still there, and whatever else is, is of
    /// what led the connection to the session's state. `None`: they are too many to be kept.
    pub(super) fn behind(self, older: Option<&Self>) -> Option<Self> {
        let (before, mut mine) = self.answer.split(self.has_eof);
        let last = number(self.answer.summary.rows).checked_sub(1);
        let last = last.filter(|at| {
            mine.get(*at)
                .is_some_and(|row| is_of_parameters(payload(row)))
        });
        let Some(last) = last else {
            return Some(self);
        };
        let older_rows = older.map_or(0, |older| older.answer.summary.rows);
        let rows = older.map(|older| older.answer.split(older.has_eof).1);
        let mut rows = rows.unwrap_or_default();
        rows.truncate(number(older_rows));
        rows.extend(mine.drain(last..));
        let mut summary = self.answer.summary;
        summary.rows = older_rows.saturating_add(1);
        let answer = Answer {
            bytes: [before, rows].concat().concat(),
            is_cut: false,
            summary,
        };
        let fits = summary.rows < MAX_CONDITIONS && answer.bytes.len() <= MAX_CONDITION_BYTES;
        fits.then(|| Self::new(answer, self.has_eof))
    }

    /// How many there are of a level.
    pub(super) fn count(&self, level: Level) -> i128 {
        let rows = self.answer.rows(self.has_eof);
        let count = rows.filter(|row| level.includes(row)).count();
        i128::try_from(count).unwrap_or(i128::MAX)
    }

    /// The response with only some of its rows, and how many they are. `status`: the session's own,
    /// which may be another than that of the response.
    pub(super) fn part(
        &self,
        part: Part,
        format: RowFormat,
        status: StatusFlags,
    ) -> (Vec<u8>, u64) {
        let (before, rows) = self.answer.split(self.has_eof);
        let count = usize::try_from(self.answer.summary.rows).unwrap_or(0);
        let chosen = rows
            .iter()
            .take(count)
            .map(|packet| payload(packet))
            .filter(|row| part.level.includes(row))
            .skip(number(part.offset))
            .take(part.limit.map_or(usize::MAX, number));
        let mut packets = Packets::default();
        for packet in before {
            packets.push(&with_status(payload(packet), status));
        }
        let mut shown = 0;
        for row in chosen {
            shown += 1;
            match format {
                RowFormat::Text => packets.push(row),
                RowFormat::Binary => packets.push(&binary(row)),
            }
        }
        for packet in rows.iter().skip(count) {
            packets.push(&with_status(payload(packet), status));
        }
        (packets.bytes, shown)
    }
}

/// What TiDB answers to `SHOW COUNT(*) WARNINGS`.
pub(super) fn count_of_tidb(
    number: i128,
    capabilities: Capabilities,
    status: StatusFlags,
) -> Vec<u8> {
    const BINARY: u16 = 63;
    let column = ColumnDefinition {
        column_length: 11,
        ..ColumnDefinition::new("Count", ColumnType::LONG, BINARY)
    };
    let mut answer = Vec::new();
    let mut rows = TextResultSet::columns(&mut answer, 1, capabilities, status, &[column]);
    rows.row(&mut answer, [Some(number.to_string().as_bytes())]);
    rows.finish(&mut answer, 0);
    answer
}

/// A packet that ends columns or rows, with another status; any other as it is.
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_eof_packet.html>
fn with_status(payload: &[u8], status: StatusFlags) -> Cow<'_, [u8]> {
    const HEADER: u8 = 0xFE;
    /// Behind the header and two bytes: the number of warnings, or two figures that are 0.
    const STATUS: Range<usize> = 3..5;
    if payload.first() != Some(&HEADER) {
        return Cow::Borrowed(payload);
    }
    let mut payload = payload.to_vec();
    if let Some([low, high]) = payload.get_mut(STATUS) {
        let there = StatusFlags::from_bits_retain(u16::from_le_bytes([*low, *high]));
        let status = there.difference(OF_SESSION) | status.intersection(OF_SESSION);
        [*low, *high] = status.bits().to_le_bytes();
    }
    Cow::Owned(payload)
}

impl Level {
    /// True for a row of this level, which is its first column.
    fn includes(self, row: &[u8]) -> bool {
        let is_error = || matches!(TextRow::new(row).next(), Some(Ok(Some(b"Error"))));
        self == Self::Any || is_error()
    }
}

/// The packets of a response, numbered anew. None of them is so long that it would have to be
/// split.
#[derive(Default)]
struct Packets {
    bytes: Vec<u8>,
    sequence_id: u8,
}

impl Packets {
    fn push(&mut self, payload: &[u8]) {
        if self.bytes.is_empty() {
            self.sequence_id = 1;
        }
        write_packet(&mut self.bytes, &mut self.sequence_id, payload);
    }
}

fn payload(packet: &[u8]) -> &[u8] {
    packet.get(HEADER_LEN..).unwrap_or_default()
}

fn number(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A row of text in the binary format: a level, a code of four bytes, and a message. Strings are
/// the same in both.
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html>
fn binary(row: &[u8]) -> Vec<u8> {
    /// The packet's header, and the bits of the columns that are NULL: none.
    const BEFORE: [u8; 2] = [0, 0];
    let mut values = TextRow::new(row).map(|value| value.ok().flatten().unwrap_or_default());
    let level = values.next().unwrap_or_default();
    let code = values.next().unwrap_or_default();
    let number: u32 = str::from_utf8(code)
        .ok()
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    // Both are short, so the length of each is one byte.
    let code_at = 1 + level.len();
    let message_at = code_at + 1 + code.len();
    let mut binary = BEFORE.to_vec();
    binary.extend_from_slice(row.get(..code_at).unwrap_or_default());
    binary.extend_from_slice(&number.to_le_bytes());
    binary.extend_from_slice(row.get(message_at..).unwrap_or_default());
    binary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_same_strings_in_both_formats() {
        let text = b"\x07Warning\x041265\x06a word";
        let binary = binary(text);
        assert_eq!(binary, b"\0\0\x07Warning\xF1\x04\0\0\x06a word");
    }
}
