//! The ways to write a row, or both twins at once.
//!
//! In the texts, `{v}` stands for the new value, `{ids}` for the rows, `{one}` and `{other}` for
//! the first and the last of them, `{rows}` for them with their columns, `{n}` for a number of
//! its own, and `{set}` for the usual update. A text that may be cut or run late says `{frail}`,
//! and has a condition that keeps an old value from being written over a new one.

use testkit::DatabaseKind;

use super::gate::FRAIL;
use super::registers::check_of;

/// The usual update: a row never gets a lower value.
pub(super) const SET: &str = "UPDATE register SET v = {v}, c = {v} * 31 + id WHERE id IN ({ids}) \
                              AND v < {v}";

/// The same, to be prepared: given the value, the value, one id, the other, the value.
pub(super) const SET_PREPARED: &str =
    "UPDATE register SET v = ?, c = ? * 31 + id WHERE id IN (?, ?) AND v < ?";

/// One part of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Text(&'static str),
    /// [`SET_PREPARED`].
    Execute,
    /// A text that asks for a file, which has the rows.
    Load(&'static str),
    /// Sends a text and goes away.
    SendAndVanish(&'static str),
    /// Goes away.
    Vanish,
    /// The value was never committed: the next one will be.
    TakeNext,
    /// By now the value is known to be written; without this, it is at the end.
    Known,
}

/// Where a way works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    All,
    /// Not on TiDB.
    Programs,
    /// Where there are stored functions.
    Functions,
    MariaDb,
}

/// A way to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) name: &'static str,
    on: On,
    /// The first value is not committed, nor is the last unless [`Step::TakeNext`] came.
    pub(super) never: bool,
    /// Its text does not tell what it writes, or it may define something, so that it stands for
    /// anything: where such are written, little is kept.
    pub(super) is_opaque: bool,
    pub(super) steps: &'static [Step],
}

use Step::{Execute, Known, Load, SendAndVanish, TakeNext, Text, Vanish};

const fn way(name: &'static str, on: On, steps: &'static [Step]) -> Way {
    Way {
        name,
        on,
        never: false,
        is_opaque: false,
        steps,
    }
}

const fn opaque(name: &'static str, on: On, steps: &'static [Step]) -> Way {
    Way {
        is_opaque: true,
        ..way(name, on, steps)
    }
}

const fn never(name: &'static str, on: On, steps: &'static [Step]) -> Way {
    Way {
        never: true,
        ..way(name, on, steps)
    }
}

const BEGIN: Step = Text("BEGIN");
const COMMIT: Step = Text("COMMIT");
const FRAIL_COMMIT: Step = Text("COMMIT {frail}");
const FRAIL_SET: Step = Text("{set} {frail}");

/// The ways to write rows of `register`.
const OF_REGISTER: [Way; 35] = [
    way("an update", On::All, &[FRAIL_SET]),
    way("a prepared update", On::All, &[Execute]),
    way(
        "a transaction",
        On::All,
        &[Text("BEGIN {frail}"), FRAIL_SET, FRAIL_COMMIT],
    ),
    way(
        "a transaction with a prepared update",
        On::All,
        &[Text("START TRANSACTION"), Execute, COMMIT],
    ),
    way(
        "autocommit off, then COMMIT",
        On::All,
        &[
            Text("SET autocommit = 0"),
            FRAIL_SET,
            FRAIL_COMMIT,
            Known,
            Text("SET autocommit = 1"),
        ],
    ),
    way(
        "autocommit off, then on",
        On::All,
        &[
            Text("SET autocommit = 0"),
            Text("{set}"),
            Text("SET autocommit = 1 {frail}"),
        ],
    ),
    never(
        "a transaction that is rolled back",
        On::All,
        &[BEGIN, FRAIL_SET, Text("ROLLBACK {frail}")],
    ),
    never(
        "a transaction that is left open",
        On::All,
        &[BEGIN, FRAIL_SET, Vanish],
    ),
    never(
        "a prepared update that is rolled back",
        On::All,
        &[BEGIN, Execute, Text("ROLLBACK")],
    ),
    way(
        "an update without waiting",
        On::All,
        &[SendAndVanish("{set} {frail}")],
    ),
    way(
        "a COMMIT without waiting",
        On::All,
        &[BEGIN, Text("{set}"), SendAndVanish("COMMIT {frail}")],
    ),
    way(
        "several statements at once",
        On::All,
        &[Text("DO 1; {set} {frail}; SELECT 1")],
    ),
    way(
        "a transaction in one text",
        On::All,
        &[Text("BEGIN; {set}; COMMIT {frail}")],
    ),
    never(
        "a transaction in one text, rolled back",
        On::All,
        &[Text("BEGIN; {set}; ROLLBACK {frail}")],
    ),
    never(
        "a savepoint that is rolled back to",
        On::All,
        &[
            BEGIN,
            Text("SAVEPOINT a"),
            Text("{set}"),
            Text("ROLLBACK TO a"),
            TakeNext,
            Text("{set}"),
            FRAIL_COMMIT,
        ],
    ),
    way(
        "INSERT ON DUPLICATE KEY UPDATE",
        On::All,
        &[Text(
            "INSERT INTO register (id, v, c) VALUES {rows} ON DUPLICATE KEY UPDATE c = \
             IF(v < {v}, VALUES(c), c), v = IF(v < {v}, {v}, v) {frail}",
        )],
    ),
    way(
        "REPLACE",
        On::All,
        &[Text(
            "REPLACE INTO register (id, v, c) SELECT id, {v}, {v} * 31 + id FROM register WHERE \
             id IN ({ids}) AND v < {v}",
        )],
    ),
    way(
        "DELETE and INSERT in a transaction",
        On::All,
        &[
            BEGIN,
            Text("DELETE FROM register WHERE id IN ({ids}) {frail}"),
            Text("INSERT INTO register (id, v, c) VALUES {rows}"),
            FRAIL_COMMIT,
        ],
    ),
    opaque(
        "a procedure",
        On::Programs,
        &[Text("CALL put({v}, {one}, {other}) {frail}")],
    ),
    opaque(
        "a procedure with a transaction",
        On::Programs,
        &[Text("CALL put_in_transaction({v}, {one}, {other}) {frail}")],
    ),
    opaque(
        "a function in a SELECT",
        On::Functions,
        &[Text("SELECT put_and_tell({v}, {one}, {other}) {frail}")],
    ),
    way(
        "a view",
        On::Programs,
        &[Text(
            "UPDATE seen SET v = {v}, c = {v} * 31 + id WHERE id IN ({ids}) AND v < {v} {frail}",
        )],
    ),
    way(
        "a trigger",
        On::Programs,
        &[Text(
            "UPDATE ticket SET v = {v} WHERE id IN ({ids}) {frail}",
        )],
    ),
    way(
        "an update of several tables",
        On::All,
        &[Text(
            "UPDATE register r JOIN label l ON l.id = r.id SET r.v = {v}, r.c = {v} * 31 + r.id, \
             l.note = {v} WHERE r.id IN ({ids}) AND r.v < {v} {frail}",
        )],
    ),
    way(
        "LOAD DATA",
        On::All,
        &[Load(
            "LOAD DATA LOCAL INFILE 'rows' REPLACE INTO TABLE register (id, v, c)",
        )],
    ),
    way(
        "a qualified name from another database",
        On::All,
        &[
            Text("USE elsewhere"),
            Text(
                "UPDATE coherence.register SET v = {v}, c = {v} * 31 + id WHERE id IN ({ids}) AND \
                 v < {v} {frail}",
            ),
            Known,
            Text("USE coherence"),
        ],
    ),
    opaque(
        "CREATE TABLE in a transaction",
        On::All,
        &[
            BEGIN,
            Text("{set}"),
            Text("CREATE TABLE IF NOT EXISTS scrap (id BIGINT PRIMARY KEY)"),
            Known,
            Text("ROLLBACK"),
        ],
    ),
    way(
        "BEGIN in a transaction",
        On::All,
        &[BEGIN, Text("{set}"), BEGIN, Known, Text("ROLLBACK")],
    ),
    way(
        "LOCK TABLES in a transaction",
        On::Programs,
        &[
            BEGIN,
            Text("{set}"),
            Text("LOCK TABLES label READ"),
            Known,
            Text("UNLOCK TABLES"),
        ],
    ),
    opaque(
        "a text that is prepared",
        On::All,
        &[
            Text("PREPARE p FROM '{set}'"),
            Text("EXECUTE p {frail}"),
            Known,
            Text("DEALLOCATE PREPARE p"),
        ],
    ),
    opaque(
        "EXECUTE IMMEDIATE",
        On::MariaDb,
        &[Text("EXECUTE IMMEDIATE '{set}' {frail}")],
    ),
    opaque(
        "a compound statement",
        On::MariaDb,
        &[Text("BEGIN NOT ATOMIC {set}; END {frail}")],
    ),
    opaque(
        "a comment that is run",
        On::All,
        &[Text("/*!40000 {set} */ {frail}")],
    ),
    opaque(
        "XA in one phase",
        On::Programs,
        &[
            Text("XA START 'x{n}'"),
            Text("{set}"),
            Text("XA END 'x{n}'"),
            Text("XA COMMIT 'x{n}' ONE PHASE"),
        ],
    ),
    way(
        "COMMIT AND CHAIN",
        On::All,
        &[
            BEGIN,
            FRAIL_SET,
            Text("COMMIT AND CHAIN"),
            Known,
            Text("SELECT v FROM register WHERE id = {one}"),
            Text("ROLLBACK"),
        ],
    ),
];

/// The ways to write a row by the foreign key that it refers with.
const OF_OWNED: [Way; 3] = [
    way(
        "a cascade",
        On::All,
        &[Text(
            "UPDATE owner SET v = {v} WHERE id = 1 AND v < {v} {frail}",
        )],
    ),
    way(
        "a cascade in a transaction",
        On::All,
        &[
            BEGIN,
            Text("UPDATE owner SET v = {v} WHERE id = 1 AND v < {v}"),
            FRAIL_COMMIT,
        ],
    ),
    never(
        "a cascade that is rolled back",
        On::All,
        &[
            BEGIN,
            Text("UPDATE owner SET v = {v} WHERE id = 1 AND v < {v}"),
            Text("ROLLBACK"),
        ],
    ),
];

const SET_LOOSE: Step =
    Text("UPDATE loose SET v = {v}, c = {v} * 31 + id WHERE id IN ({ids}) AND v < {v} {frail}");

/// The ways to write a row of a table that knows no transactions: it takes effect at once.
const OF_LOOSE: [Way; 2] = [
    way("an update without transactions", On::Programs, &[SET_LOOSE]),
    way(
        "an update that cannot be rolled back",
        On::Programs,
        &[BEGIN, SET_LOOSE, Known, Text("ROLLBACK")],
    ),
];

/// The ways that a database knows, for `register`, `owned` and `loose`.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    pub(super) register: Vec<Way>,
    pub(super) owned: Vec<Way>,
    pub(super) loose: Vec<Way>,
}

impl Ways {
    pub(super) fn of(kind: DatabaseKind, has_functions: bool) -> Self {
        let known = |ways: &[Way]| {
            let ways = ways.iter().filter(|way| match way.on {
                On::All => true,
                On::Programs => kind != DatabaseKind::Tidb,
                On::Functions => has_functions,
                On::MariaDb => kind == DatabaseKind::MariaDb,
            });
            ways.copied().collect()
        };
        Self {
            register: known(&OF_REGISTER),
            owned: known(&OF_OWNED),
            loose: known(&OF_LOOSE),
        }
    }
}

/// A text with everything put in.
pub(super) fn filled(text: &str, ids: &[usize], value: i64, number: u64) -> String {
    let list =
        |show: &dyn Fn(&usize) -> String| ids.iter().map(show).collect::<Vec<_>>().join(", ");
    let one = ids.first().copied().unwrap_or_default();
    let other = ids.last().copied().unwrap_or_default();
    let row = |id: &usize| {
        let check = check_of(i64::try_from(*id).unwrap_or_default(), value);
        format!("({id}, {value}, {check})")
    };
    text.replace("{set}", SET)
        .replace("{v}", &value.to_string())
        .replace("{ids}", &list(&ToString::to_string))
        .replace("{one}", &one.to_string())
        .replace("{other}", &other.to_string())
        .replace("{rows}", &list(&row))
        .replace("{n}", &number.to_string())
        .replace("{frail}", FRAIL)
}

/// The file that has the rows.
pub(super) fn file(ids: &[usize], value: i64) -> Vec<u8> {
    let line = |id: &usize| {
        let check = check_of(i64::try_from(*id).unwrap_or_default(), value);
        format!("{id}\t{value}\t{check}\n")
    };
    ids.iter().map(line).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_in() {
        let text = filled("{set} {frail}", &[5, 6], 4, 1);
        assert_eq!(
            text,
            "UPDATE register SET v = 4, c = 4 * 31 + id WHERE id IN (5, 6) AND v < 4 /* frail */"
        );
        assert_eq!(filled("{rows}", &[5], 4, 1), "(5, 4, 129)");
        assert_eq!(file(&[5, 6], 4), b"5\t4\t129\n6\t4\t130\n");
    }

    /// What may be run late must not write an old value over a new one.
    #[test]
    fn what_may_be_late_has_a_condition() {
        let ways = Ways::of(DatabaseKind::MariaDb, true);
        for way in ways.register.iter().chain(&ways.owned) {
            for step in way.steps {
                let (Text(text) | SendAndVanish(text)) = step else {
                    continue;
                };
                let text = filled(text, &[1], 4, 1);
                let writes = text.contains(" SET v") || text.contains("ON DUPLICATE");
                let is_safe = text.contains("v < 4") || !text.contains(FRAIL);
                assert!(!writes || is_safe || way.name == "a trigger", "{text}");
            }
        }
    }
}
