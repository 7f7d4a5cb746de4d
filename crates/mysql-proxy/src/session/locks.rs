//! Locks by name, `GET_LOCK()` and `RELEASE_LOCK()`: what a statement that is nothing but such a
//! call has taken or let go of, as far as its text alone does not tell.
//!
//! ```text
//!   SELECT GET_LOCK('job', 0)  ◄ 1         the session is pinned, by the name
//!                              ◄ 0, NULL   nothing was taken: it is not
//!   SELECT GET_LOCK(?, ?), executed with 'job' and 0: read as that text
//! ```
//!
//! Not on TiDB, which goes on with the name of the first execution, sometimes. (Seen with 8.4:
//! `RELEASE_LOCK(?)` with another name answers 0, and that one stays locked.)

use mysql_proto::{Command, HEADER_LEN, Summary, TextRow};
use mysql_sql::{Effect, PinReason, classify};

use super::Session;
use super::attributes::has_attributes;
use crate::downstream::CommandPacket;
use crate::origin::packets;
use crate::statements::StatementText;

/// Longest text of which an execution is read with its values: a call, and an alias.
const LONGEST_CALL: usize = 256;

/// Most bytes of an answer that are looked at: a column, and a number.
const LONGEST_ANSWER: usize = 1024;

/// What comes to a client that has asked for a lock.
#[derive(Debug)]
pub(super) struct LockAnswer {
    bytes: Vec<u8>,
    is_binary: bool,
}

impl LockAnswer {
    /// The answer to a command. `None`: it takes no lock whose name is known.
    pub(super) fn to(command: Command, effect: &Effect) -> Option<Box<Self>> {
        let takes_lock = effect.pin == Some(PinReason::UserLock) && effect.pin_name.is_some();
        takes_lock.then(|| {
            Box::new(Self {
                bytes: Vec::new(),
                is_binary: command == Command::STMT_EXECUTE,
            })
        })
    }

    /// A piece of it has come.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = LONGEST_ANSWER.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// True when it says that nothing was taken: 0, or NULL.
    pub(super) fn is_refusal(&self, summary: &Summary) -> bool {
        let is_one_row = summary.error.is_none() && summary.result_sets == 1 && summary.rows == 1;
        let row = self.row().filter(|_| is_one_row);
        row.is_some_and(|row| self.is_none_or_zero(row))
    }

    /// The payload of its only row, which is its last packet but one. `None`: it is cut, or empty.
    fn row(&self) -> Option<&[u8]> {
        let packets: Vec<_> = packets(&self.bytes).collect();
        let len: usize = packets.iter().map(|packet| packet.len()).sum();
        match packets.as_slice() {
            [.., row, _] if len == self.bytes.len() => row.get(HEADER_LEN..),
            _ => None,
        }
    }

    fn is_none_or_zero(&self, row: &[u8]) -> bool {
        /// Two bits are not used.
        const FIRST_IS_NULL: u8 = 1 << 2;
        if self.is_binary {
            return match row {
                [0, nulls, ..] if nulls & FIRST_IS_NULL != 0 => true,
                [0, _, value @ ..] => !value.is_empty() && value.iter().all(|byte| *byte == 0),
                _ => false,
            };
        }
        matches!(TextRow::new(row).next(), Some(Ok(None | Some(b"0"))))
    }
}

impl Session {
    /// The effect of an execution that names its lock by a parameter: that of a text with the name
    /// in its place. `None`: it is nothing of the kind.
    pub(super) fn effect_on_lock(
        &self,
        packet: CommandPacket,
        id: u32,
        text: &StatementText,
    ) -> Option<Effect> {
        let effect = &text.statement().effect;
        let takes_lock = effect.pin == Some(PinReason::UserLock) && effect.pin_name.is_none();
        let may_give = self.pins.has(PinReason::UserLock.name());
        let is_tidb = self.served.pool.connector().flavor().is_tidb();
        if !(takes_lock || may_give) || is_tidb || !packet.is_whole {
            return None;
        }
        let prepared = self.statements.get(id)?;
        if prepared.params == 0 || prepared.bound.is_some() {
            return None;
        }
        let has_attributes = has_attributes(self.downstream.capabilities());
        let plain = prepared.plain_execution(self.downstream.payload(packet), has_attributes)?;
        let sql = with_name(text.sql(), plain.first_string()?, prepared.params)?;
        let effect = classify(&sql, self.dialect()).effect;
        let is_named = effect.pin_name.is_some() || effect.releases.is_some();
        is_named.then_some(effect)
    }
}

/// A text with a literal for each of its parameters: the first is this name, all others may be any
/// number. `None`: it is not certain where they stand, or that the name stands for itself.
fn with_name(sql: &[u8], name: &[u8], params: u16) -> Option<Vec<u8>> {
    let is_odd = |byte: &u8| !byte.is_ascii() || b"'\"`#-/*\\".contains(byte);
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"'\\".contains(byte);
    let is_sure = sql.len() <= LONGEST_CALL && !sql.iter().any(is_odd) && name.iter().all(is_plain);
    let pieces: Vec<_> = sql.split(|byte| *byte == b'?').collect();
    let (first, pieces) = pieces.split_first()?;
    if !is_sure || pieces.len() != usize::from(params) {
        return None;
    }
    let mut text = first.to_vec();
    let mut value = [b"'", name, b"'"].concat();
    for piece in pieces {
        text.append(&mut value);
        text.extend_from_slice(piece);
        value = b"1".to_vec();
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_where_its_parameter_did() {
        for (sql, params, expected) in [
            (
                "SELECT GET_LOCK(?, ?)",
                2,
                Some("SELECT GET_LOCK('a b', 1)"),
            ),
            (
                "SELECT GET_LOCK(?, 10)",
                1,
                Some("SELECT GET_LOCK('a b', 10)"),
            ),
            ("DO RELEASE_LOCK(?)", 1, Some("DO RELEASE_LOCK('a b')")),
            ("SELECT RELEASE_LOCK(?)", 2, None),
            ("SELECT RELEASE_LOCK('?'), ?", 2, None),
            ("SELECT RELEASE_LOCK(?) /* ? */", 2, None),
            ("SELECT RELEASE_LOCK(?) -- ?", 2, None),
        ] {
            let text = with_name(sql.as_bytes(), b"a b", params);
            assert_eq!(text.as_deref(), expected.map(str::as_bytes), "{sql}");
        }
        for name in ["a'b", "a\\", "\u{e9}", "a\n"] {
            let text = with_name(b"SELECT RELEASE_LOCK(?)", name.as_bytes(), 1);
            assert_eq!(text, None, "{name:?}");
        }
    }

    #[test]
    fn an_answer_may_say_that_nothing_was_taken() {
        let one_row = Summary {
            result_sets: 1,
            rows: 1,
            ..Summary::default()
        };
        for (is_binary, row, is_refusal) in [
            (false, &b"\x010"[..], true),
            (false, b"\xfb", true),
            (false, b"\x011", false),
            (false, b"\x0210", false),
            (false, b"", false),
            (true, &[0, 0, 0, 0, 0, 0], true),
            (true, &[0, 4], true),
            (true, &[0, 0, 1, 0, 0, 0, 0, 0, 0, 0], false),
            (true, &[0, 0], false),
        ] {
            let mut answer = LockAnswer {
                bytes: Vec::new(),
                is_binary,
            };
            for payload in [&b"\x01"[..], b"definition", row, b"\xfe\0\0\x02\0"] {
                answer.push(&[u8::try_from(payload.len()).unwrap(), 0, 0, 0]);
                answer.push(payload);
            }
            assert_eq!(answer.is_refusal(&one_row), is_refusal, "{row:?}");
            assert!(!answer.is_refusal(&Summary::default()), "{row:?}");
            answer.bytes.pop();
            assert!(!answer.is_refusal(&one_row), "{row:?}, cut");
        }
    }
}
