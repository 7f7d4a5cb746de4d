//! Prepared statements of the binary protocol.

use testkit::DatabaseKind;

use super::Generator;
use crate::differential::step::{Execution, Step, Value};

/// What a parameter takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parameter {
    Integer,
    /// A number that is not in the table yet.
    Fresh,
    /// The id of one of the rows that are always there.
    Row,
    Text,
    Any,
    Document,
    ConnectionId,
}

use Parameter::{Any, ConnectionId, Document, Fresh, Integer, Row, Text};

const STATEMENTS: &[(&str, &[Parameter])] = &[
    (
        "SELECT id, label, price, made FROM kind WHERE id = ?",
        &[Row],
    ),
    ("SELECT label FROM kind WHERE id = 3", &[]),
    (
        "INSERT INTO item (n, s, d) VALUES (?, ?, ?)",
        &[Fresh, Text, Integer],
    ),
    ("SELECT ? + 1 AS more, ? AS same", &[Integer, Any]),
    ("SELECT n, s, d FROM item ORDER BY n", &[]),
    ("UPDATE item SET s = ? WHERE n >= ?", &[Text, Integer]),
    (
        "SELECT ? AS given, LENGTH(?), CHARSET(?)",
        &[Any, Text, Text],
    ),
    ("SELECT * FROM kind WHERE label = ? ORDER BY id", &[Text]),
    ("SELECT @a, @b, ?", &[Any]),
    ("SET @a = ?", &[Any]),
    ("SELECT @@sql_mode, @@time_zone, @@autocommit", &[]),
    ("SELECT LAST_INSERT_ID(), ROW_COUNT()", &[]),
    ("SELECT CONNECTION_ID() = ? AS mine", &[ConnectionId]),
    (
        "INSERT INTO big (id, body, doc, u, f) VALUES (?, ?, ?, ?, ?)",
        &[Fresh, Text, Document, Integer, Integer],
    ),
    ("SELECT * FROM big WHERE id >= ? ORDER BY id", &[Integer]),
    ("SELECT DATABASE(), ?", &[Integer]),
    ("SELECT \"label\" FROM kind WHERE id = ?", &[Row]),
    ("SELECT 'a' || ?", &[Text]),
    ("SELECT id FROM kind ORDER BY id LIMIT ?", &[Row]),
    (
        "SELECT id, label FROM kind WHERE id IN (?, ?) ORDER BY id FOR UPDATE",
        &[Row, Row],
    ),
    ("DELETE FROM item WHERE n > ?", &[Integer]),
    ("DO ?", &[Any]),
    ("BEGIN", &[]),
    ("COMMIT", &[]),
    ("SET autocommit = ?", &[Row]),
    ("SET SESSION sql_mode = 'ANSI_QUOTES'", &[]),
    ("SELECT FROM_UNIXTIME(0), 1/3", &[]),
    ("SELECT FOUND_ROWS()", &[]),
    ("SHOW WARNINGS", &[]),
    (
        "INSERT INTO item (n, s) VALUES (?, 'too long for the column')",
        &[Fresh],
    ),
    ("INSERT INTO kind (id, label) VALUES (?, ?)", &[Row, Text]),
    ("INSERT INTO journal (note) VALUES (?)", &[Text]),
    ("SELECT * FROM missing WHERE a = ?", &[Integer]),
    ("SELECT FROM", &[]),
    ("SELECT 1; SELECT 2", &[]),
    ("CREATE TEMPORARY TABLE brief (a INT)", &[]),
    ("USE no_such_database", &[]),
    ("SELECT /* one of many */ COUNT(*), ? FROM item", &[Any]),
];

const STATEMENTS_OF_MYSQL: &[(&str, &[Parameter])] = &[
    ("CALL two_results()", &[]),
    ("CALL doubled(?, ?)", &[Row, Any]),
    // Not too large a number: the error would count the rows of an earlier statement.
    ("CALL counted(?)", &[Row]),
    ("CALL fails_late()", &[]),
    ("SELECT noted(?)", &[Row]),
    ("SELECT plus_one(?), kinds()", &[Row]),
    ("CALL finds()", &[]),
    ("CALL begins(?)", &[Row]),
    ("CALL leaves_state()", &[]),
];

/// Statements that a program has at the same time.
const SLOTS: usize = 3;

impl Generator {
    /// Prepares, executes, fetches, resets, closes.
    pub(super) fn prepared(&mut self) {
        let slot = self.slot();
        if !self.prepared.contains_key(&slot) {
            return self.prepare(slot);
        }
        match self.random.below(20) {
            0 | 1 => self.prepare(slot),
            2 => {
                self.prepared.remove(&slot);
                self.steps.push(Step::CloseStatement(slot));
            }
            3 => self.steps.push(Step::ResetStatement(slot)),
            4 => self.with_long_data(slot),
            5 | 6 => self.with_cursor(slot),
            7 => self.steps.push(Step::Fetch(slot, 1)),
            8 => {
                // A statement that was closed, or was never there.
                self.steps.push(Step::CloseStatement(slot));
                let values = self.values(slot);
                self.execute(slot, values, false);
                self.prepared.remove(&slot);
            }
            _ => {
                let values = self.values(slot);
                self.execute(slot, values, false);
            }
        }
    }

    fn slot(&mut self) -> u8 {
        u8::try_from(self.random.below(SLOTS)).unwrap_or_default()
    }

    fn prepare(&mut self, slot: u8) {
        let statements = if self.kind != DatabaseKind::Tidb && self.random.chance(15) {
            STATEMENTS_OF_MYSQL
        } else {
            STATEMENTS
        };
        // The first are what everybody prepares, so several sessions do at the same time.
        let (sql, parameters) = if self.random.chance(30) {
            STATEMENTS[self.random.below(5)]
        } else {
            *self.random.pick(statements)
        };
        self.prepared.insert(slot, parameters.to_vec());
        self.steps.push(Step::Prepare(slot, sql.to_owned()));
        if self.random.chance(75) {
            let values = self.values(slot);
            self.execute(slot, values, false);
        }
    }

    fn execute(&mut self, slot: u8, values: Vec<Value>, cursor: bool) {
        self.steps.push(Step::Execute(Execution {
            slot,
            values,
            rebind: self.random.chance(30),
            cursor,
        }));
    }

    fn with_cursor(&mut self, slot: u8) {
        let values = self.values(slot);
        self.execute(slot, values, true);
        for _ in 0..self.random.below(4) {
            let rows = u32::try_from(self.random.between(1, 3)).unwrap_or(1);
            self.steps.push(Step::Fetch(slot, rows));
        }
        if self.random.chance(40) {
            self.steps.push(Step::ResetStatement(slot));
        }
    }

    fn with_long_data(&mut self, slot: u8) {
        // Of a number in pieces, MariaDB makes what happens to be in its memory.
        let parameters = self.prepared.get(&slot).into_iter().flatten();
        let texts: Vec<usize> = parameters
            .enumerate()
            .filter(|(_, parameter)| matches!(parameter, Text))
            .map(|(at, _)| at)
            .collect();
        if texts.is_empty() {
            return self.steps.push(Step::ResetStatement(slot));
        }
        let parameter = u16::try_from(*self.random.pick(&texts)).unwrap_or_default();
        for _ in 0..self.random.between(1, 3) {
            let piece = "in pieces ".repeat(self.random.between(0, 3));
            self.steps.push(Step::LongData(slot, parameter, piece));
        }
        if self.random.chance(20) {
            self.steps.push(Step::ResetStatement(slot));
        }
        let values = self.values(slot);
        self.execute(slot, values, false);
    }

    fn values(&mut self, slot: u8) -> Vec<Value> {
        let parameters = self.prepared.get(&slot).cloned().unwrap_or_default();
        parameters.into_iter().map(|one| self.value(one)).collect()
    }

    fn value(&mut self, parameter: Parameter) -> Value {
        if self.random.chance(6) {
            return Value::Null;
        }
        match parameter {
            Fresh => Value::Integer(self.fresh().into()),
            Row => Value::Integer([1, 2, 3, 0][self.random.below(4)]),
            Integer => Value::Integer([0, 1, -7, 104, i64::MAX][self.random.below(5)]),
            Text => Value::Text(self.text()),
            Document => Value::Text("{\"k\": [1, null]}".to_owned()),
            ConnectionId => Value::ConnectionId,
            // A handle of MySQL or TiDB keeps the types of its first execution, at times, and a
            // statement may get another handle at any time.
            Any if self.kind != DatabaseKind::MariaDb => Value::Text(self.text()),
            Any => match self.random.below(5) {
                0 => Value::Integer(-3),
                1 => Value::Unsigned(u64::MAX),
                2 => Value::Double(2.5),
                3 => Value::Blob(vec![0, 0xFF, b'\'', b'\\']),
                _ => Value::Text(self.text()),
            },
        }
    }

    fn text(&mut self) -> String {
        let texts = [
            "",
            "one",
            "it's",
            "back\\slash",
            "ä€😀",
            "NULL",
            "much longer than ten",
        ];
        (*self.random.pick(&texts)).to_owned()
    }
}
