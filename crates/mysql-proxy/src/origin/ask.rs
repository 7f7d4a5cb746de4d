//! What the edge itself asks of an origin connection: to be led to a session's state, to be reset,
//! and what a client may ask about its last statement.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mysql_proto::{
    Capabilities, Command, ErrPacket, HEADER_LEN, PacketHeader, ResponseState, ResponseTracker,
    Summary, TextRow, write_command,
};
use tokio::time::timeout;

use super::insert_id::InsertId;
use super::{Flavor, OriginConn};
use crate::bring::{Steps, push_command};
use crate::error::OriginLoss;
use crate::state::SessionState;

/// Most of a response to a question of our own that is kept: the texts of an origin's views, or
/// `SHOW WARNINGS`, which on TiDB has a row for each of a file that it has loaded.
pub(crate) const MAX_ANSWER: usize = 256 * 1024;

/// Likewise of one that tells what the origin has: a hundred thousand tables, or thousands of
/// views.
const LONGEST_TABLE: usize = 16 << 20;

/// Longest such response. What is longer is no answer to anything that was asked.
const LONGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Most conditions of a statement that are captured: an idle session keeps them.
pub(crate) const MAX_CONDITIONS: u64 = 100;

/// Most bytes of them that a session keeps: 100 of usual length.
pub(crate) const MAX_CONDITION_BYTES: usize = 32 * 1024;

/// Asks for so many.
const CONDITIONS: &[u8] = b"SHOW WARNINGS LIMIT 100";

/// Longest wait for the answer to a `COM_PING`.
const PING_LIMIT: Duration = Duration::from_secs(5);

/// A read of no row.
const NOTHING: &[u8] = b"SELECT 1 FROM (SELECT 1) AS t LIMIT 0";

/// What makes a connection forget warnings and errors, which the next session may read: MariaDB
/// keeps them over statements that use no table, TiDB over a text that it cannot read, and MySQL
/// over what it refuses without reading a text, as an execution for its parameters.
fn forgets(flavor: Flavor) -> &'static [u8] {
    match flavor {
        Flavor::MariaDb { .. } => NOTHING,
        Flavor::MySql | Flavor::TiDb => b"DO 0",
    }
}

/// What a connection is made to give for `LAST_INSERT_ID()` before it is given back. TiDB cannot be
/// told to give 0.
fn neutral_id(flavor: Flavor) -> u64 {
    if flavor.is_tidb() { i64::MAX as u64 } else { 0 }
}

/// Why a connection could not be led to a state. It is in none that is known then.
#[derive(Debug)]
pub(crate) enum BringError {
    /// It is gone.
    Lost(OriginLoss),
    /// The origin refused a step: a database is gone, a right was taken away.
    Refused(ErrPacket),
    /// The origin refused the reset with this error, for a reason that is not the session's: TiDB
    /// goes back to the database that the connection was in last, which may have been dropped.
    NotReset(u16),
}

/// A whole response to a question of our own.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its packets, as they came.
    pub(crate) bytes: Vec<u8>,
    /// They are not all there: it was longer than what is kept, mostly [`MAX_ANSWER`].
    pub(crate) is_cut: bool,
    /// What it tells.
    pub(crate) summary: Summary,
}

impl OriginConn {
    /// What `LAST_INSERT_ID()` gives on it.
    pub(crate) fn insert_id(&self) -> InsertId {
        self.insert_id
    }

    /// True when it gives a value that no statement makes, so that the next one that does is told
    /// from what was there.
    pub(crate) fn has_neutral_id(&self) -> bool {
        let InsertId { known, is_news } = self.insert_id;
        !is_news && (known == 0 || known == neutral_id(self.flavor()))
    }

    /// A statement may have changed what `LAST_INSERT_ID()` gives.
    pub(crate) fn note_insert_id(&mut self) {
        self.insert_id.is_news = true;
    }

    /// Takes the warnings and errors that it remembers. `forget`: and makes it forget them, and
    /// what `FOUND_ROWS()` gives along with them.
    pub(crate) async fn take_conditions(&mut self, forget: bool) -> Result<Answer, OriginLoss> {
        let question: &[u8] = match self.flavor() {
            // It knows no `LIMIT`, and remembers 64 by default.
            Flavor::TiDb => b"SHOW WARNINGS",
            Flavor::MySql | Flavor::MariaDb { .. } => CONDITIONS,
        };
        let mut questions = vec![question];
        if forget {
            questions.push(forgets(self.flavor()));
        }
        let mut answers = self.ask_all(&questions).await?;
        if forget {
            self.forget_conditions();
        }
        Ok(answers.swap_remove(0))
    }

    /// Makes it forget warnings and errors.
    pub(crate) async fn clear_conditions(&mut self) -> Result<(), OriginLoss> {
        self.ask_all(&[forgets(self.flavor())]).await?;
        self.forget_conditions();
        Ok(())
    }

    /// `COM_PING`: true if the server serves it still. Leaves conditions as they are.
    pub(crate) async fn is_there(&mut self) -> bool {
        let pinged = timeout(PING_LIMIT, async {
            let mut ping = Vec::new();
            write_command(&mut ping, Command::PING, &[]);
            self.begin_command();
            self.send(&ping).await.map_err(|error| error.source)?;
            self.read_answer(Command::PING).await
        });
        let is_there = matches!(pinged.await, Ok(Ok(_))) && !self.has_unread();
        if is_there {
            self.end_command();
        }
        is_there
    }

    /// Leaves it as a read without warnings does.
    pub(crate) async fn read_nothing(&mut self) -> Result<(), OriginLoss> {
        self.ask_all(&[NOTHING]).await?;
        self.forget_conditions();
        Ok(())
    }

    /// Asks what `LAST_INSERT_ID()` gives. `None`: the origin gave no number.
    pub(crate) async fn read_insert_id(&mut self) -> Result<Option<u64>, OriginLoss> {
        let value = self.ask_number("SELECT LAST_INSERT_ID() LIMIT 1").await?;
        if let Some(value) = value {
            self.insert_id = InsertId::known(value);
        }
        Ok(value)
    }

    /// Takes what `LAST_INSERT_ID()` gives, and leaves a value there that no statement makes: the
    /// next one that does is told from what was there. `None`: the origin gave no number.
    pub(crate) async fn take_insert_id(&mut self) -> Result<Option<u64>, OriginLoss> {
        let none = neutral_id(self.flavor());
        let sql = format!("SELECT LAST_INSERT_ID(), LAST_INSERT_ID({none}) LIMIT 1");
        let value = self.ask_number(&sql).await?;
        if value.is_some() {
            self.insert_id = InsertId::known(none);
        }
        Ok(value)
    }

    /// Asks for a number. `None`: the origin gave none.
    pub(crate) async fn ask_number(&mut self, sql: &str) -> Result<Option<u64>, OriginLoss> {
        let values = self.ask_row(sql).await?;
        let first = values.and_then(|values| values.into_iter().next().flatten());
        // In UTF-16 or UTF-32, which MariaDB takes for results, digits have zeros beside them.
        Ok(first.and_then(|text| text.replace('\0', "").parse().ok()))
    }

    /// Asks for one row, in text form; `None` in it is NULL. `None`: the origin gave no row, or not
    /// in UTF-8.
    pub(crate) async fn ask_row(
        &mut self,
        sql: &str,
    ) -> Result<Option<Vec<Option<String>>>, OriginLoss> {
        let rows = self.ask_rows(sql).await?;
        Ok(rows.and_then(|rows| rows.into_iter().next()))
    }

    /// Likewise, for all rows. `None`: the origin refused, or one of them is not in UTF-8.
    pub(crate) async fn ask_rows(
        &mut self,
        sql: &str,
    ) -> Result<Option<Vec<Vec<Option<String>>>>, OriginLoss> {
        let answer = self.ask(sql.as_bytes()).await?;
        if answer.summary.warnings > 0 {
            // MySQL warns of `FOUND_ROWS()`, which it will not have for ever.
            self.note_conditions();
        }
        if answer.summary.error.is_some() || answer.is_cut {
            return Ok(None);
        }
        Ok(answer.text_rows(self.has_eof()).collect())
    }

    /// Asks for rows of so many columns, with NULL as an empty text. (TiDB's own `IFNULL` makes an
    /// empty text of a view's.) The error: it was refused, or is no such answer in UTF-8.
    pub(crate) async fn ask_columns<const COLUMNS: usize>(
        &mut self,
        sql: &str,
    ) -> Result<Vec<[String; COLUMNS]>, String> {
        let answer = self.ask_long(sql.as_bytes(), LONGEST_TABLE).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if let Some(refusal) = answer.refusal() {
            return Err(refusal.message);
        }
        let rows = answer.text_rows(self.has_eof()).map(|row| {
            let values: Vec<_> = row?.into_iter().map(Option::unwrap_or_default).collect();
            values.try_into().ok()
        });
        let rows: Option<Vec<_>> = rows.collect();
        rows.filter(|_| !answer.is_cut)
            .ok_or_else(|| "the origin's answer cannot be read".to_owned())
    }

    /// Reads the responses to steps that were sent, which lead to `state`. What comes behind them
    /// stays unread.
    pub(crate) async fn finish(
        &mut self,
        steps: &Steps,
        state: &Arc<SessionState>,
    ) -> Result<(), BringError> {
        let mut last = None;
        for command in &steps.commands {
            let answer = self.read_answer(*command).await.map_err(BringError::Lost)?;
            let is_reset = *command == Command::RESET_CONNECTION;
            if !(is_reset && self.flavor().is_tidb()) {
                last = answer.summary.status.or(last);
            }
            match answer.refusal() {
                Some(error) if is_reset => return Err(BringError::NotReset(error.code)),
                Some(error) => return Err(BringError::Refused(error)),
                None if is_reset => self.forget(),
                None => {}
            }
        }
        if let Some(value) = steps.insert_id {
            self.insert_id = InsertId::known(value);
        }
        if steps.leaves_traces {
            self.touch();
        }
        let state = steps.instead.as_ref().unwrap_or(state);
        self.set_state(Arc::clone(state));
        if let Some(status) = last
            && state.has_default_mode()
            && !steps.forces_escapes
        {
            self.note_default(status);
        }
        Ok(())
    }

    /// Sends a statement of our own and reads its answer.
    pub(crate) async fn ask(&mut self, sql: &[u8]) -> Result<Answer, OriginLoss> {
        let mut answers = self.ask_all(&[sql]).await?;
        Ok(answers.swap_remove(0))
    }

    /// Sends statements of our own in one piece and reads their answers: as many.
    pub(crate) async fn ask_all(
        &mut self,
        statements: &[&[u8]],
    ) -> Result<Vec<Answer>, OriginLoss> {
        let mut packets = Vec::new();
        let attributes = self.capabilities().contains(Capabilities::QUERY_ATTRIBUTES);
        for sql in statements {
            push_command(&mut packets, Command::QUERY, sql, attributes);
        }
        self.begin_command();
        self.send(&packets).await.map_err(|error| error.source)?;
        let mut answers = Vec::with_capacity(statements.len());
        for _ in statements {
            answers.push(self.read_answer(Command::QUERY).await?);
        }
        if !self.has_unread() {
            self.end_command();
        }
        Ok(answers)
    }

    /// As [`OriginConn::ask`], where a longer answer than [`MAX_ANSWER`] is kept.
    pub(crate) async fn ask_long(
        &mut self,
        sql: &[u8],
        max_answer: usize,
    ) -> Result<Answer, OriginLoss> {
        let mut packet = Vec::new();
        let attributes = self.capabilities().contains(Capabilities::QUERY_ATTRIBUTES);
        push_command(&mut packet, Command::QUERY, sql, attributes);
        self.begin_command();
        self.send(&packet).await.map_err(|error| error.source)?;
        let answer = self.read_long_answer(Command::QUERY, max_answer).await?;
        if !self.has_unread() {
            self.end_command();
        }
        Ok(answer)
    }

    /// Reads the response to one command of ours, and not a byte more.
    pub(crate) async fn read_answer(&mut self, command: Command) -> Result<Answer, OriginLoss> {
        self.read_long_answer(command, MAX_ANSWER).await
    }

    /// Likewise, and keeps so much of it.
    pub(crate) async fn read_long_answer(
        &mut self,
        command: Command,
        max_answer: usize,
    ) -> Result<Answer, OriginLoss> {
        let mut tracker = ResponseTracker::new(command, self.capabilities());
        let mut bytes = Vec::new();
        let mut len = 0u64;
        loop {
            let read = self.receive().await?;
            let fed = tracker.feed(read)?;
            let part = read.get(..fed.consumed).unwrap_or_default();
            len += part.len() as u64;
            if bytes.len() <= max_answer {
                bytes.extend_from_slice(part);
            }
            let rest = read.len() - fed.consumed;
            self.put_back(rest);
            match fed.state {
                ResponseState::Done => {
                    return Ok(Answer {
                        is_cut: bytes.len() > max_answer,
                        bytes,
                        summary: *tracker.summary(),
                    });
                }
                ResponseState::Incomplete if len <= LONGEST_ANSWER => {}
                _ => {
                    let error = io::Error::other("the origin's answer is longer than it can be");
                    return Err(error.into());
                }
            }
        }
    }
}

impl Answer {
    /// The origin's error, if it answered with one.
    pub(crate) fn refusal(&self) -> Option<ErrPacket> {
        self.summary.error?;
        let payload = self.bytes.get(HEADER_LEN..).unwrap_or_default();
        Some(ErrPacket::decode(payload).unwrap_or_else(|_| {
            ErrPacket::new(
                1105,
                ErrPacket::GENERAL_STATE,
                "The origin sent no readable error",
            )
        }))
    }

    /// The payloads of the rows, of a response with one result set.
    pub(crate) fn rows(&self, has_eof: bool) -> impl Iterator<Item = &[u8]> {
        let count = usize::try_from(self.summary.rows).unwrap_or(0);
        let (_, rows) = self.split(has_eof);
        rows.into_iter()
            .take(count)
            .map(|packet| packet.get(HEADER_LEN..).unwrap_or_default())
    }

    /// The values of the rows, each with `None` for NULL; likewise. `None`: one is not in UTF-8.
    pub(crate) fn text_rows(
        &self,
        has_eof: bool,
    ) -> impl Iterator<Item = Option<Vec<Option<String>>>> {
        self.rows(has_eof).map(texts)
    }

    /// Its packets with their headers: those before the rows, and all from the first row on.
    pub(crate) fn split(&self, has_eof: bool) -> (Vec<&[u8]>, Vec<&[u8]>) {
        let mut packets: Vec<_> = packets(&self.bytes).collect();
        // Fewer than 251 columns: the first packet is their count in one byte.
        let columns = packets.first().and_then(|packet| packet.get(HEADER_LEN));
        let before = 1 + usize::from(columns.copied().unwrap_or(0)) + usize::from(has_eof);
        let rows = packets.split_off(before.min(packets.len()));
        (packets, rows)
    }
}

/// The values of a row. `None`: not UTF-8.
fn texts(row: &[u8]) -> Option<Vec<Option<String>>> {
    TextRow::new(row)
        .map(|value| {
            let text = value.ok()?.map(|bytes| String::from_utf8(bytes.to_vec()));
            text.transpose().ok()
        })
        .collect()
}

/// Whole packets with their headers, one after the other.
pub(crate) fn packets(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let header = PacketHeader::decode(bytes)?;
        let (packet, rest) = bytes.split_at_checked(HEADER_LEN + header.payload_len)?;
        bytes = rest;
        Some(packet)
    })
}
