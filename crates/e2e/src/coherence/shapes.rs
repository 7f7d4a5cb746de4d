//! The reads: the same few rows by many statements, so that one may be a hit where another is a
//! miss.

use testkit::DatabaseKind;

use super::registers::{Expected, TWINS};
use super::schema::{
    DATABASE, LOOSE, OTHER_DATABASE, OWNED, PRESENT, REGISTERS, SHAPED, SHOWN, SIDE, STAGE,
};

/// One statement of a reader.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) sql: String,
    /// What a prepared statement is given. `None`: it is sent as a text.
    pub(super) values: Option<Vec<i64>>,
    pub(super) expected: Expected,
}

/// Shapes of a read of one row of `register`; `{id}` is its id.
const OF_ONE: [&str; 11] = [
    "SELECT id, v, c FROM register WHERE id = {id}",
    "SELECT id, v, c FROM seen WHERE id = {id}",
    "SELECT r.id, r.v, r.c FROM register r JOIN label l ON l.id = r.id WHERE r.id = {id}",
    "SELECT id, v, c FROM register WHERE id = (SELECT MIN(id) FROM label WHERE id >= {id})",
    "SELECT id, v, c FROM coherence.register WHERE id = {id}",
    "SELECT id, v, c FROM (SELECT * FROM register) AS every WHERE id = {id}",
    "WITH one AS (SELECT id, v, c FROM register WHERE id = {id}) SELECT id, v, c FROM one",
    "SELECT l.id, (SELECT v FROM register WHERE id = {id}), (SELECT c FROM register WHERE id = \
     {id}) FROM label l WHERE l.id = {id}",
    "SELECT id, v, c FROM seen_again WHERE id = {id}",
    "SELECT r.id, r.v, r.c FROM register AS r WHERE EXISTS (SELECT 1 FROM label l WHERE l.id = \
     r.id) AND r.id = {id}",
    "SELECT /* tidegate: no-cache */ id, v, c FROM register WHERE id = {id}",
];

/// What TiDB does not have: a stored function.
const BY_FUNCTION: &str =
    "SELECT l.id, value_of({id}), value_of({id}) * 31 + {id} FROM label l WHERE l.id = {id}";

/// Those that are prepared; each is given the id once.
const PREPARED: [&str; 3] = [
    "SELECT id, v, c FROM register WHERE id = ?",
    "SELECT r.id, r.v, r.c FROM register r JOIN label l ON l.id = r.id WHERE r.id = ?",
    "SELECT id, v, c FROM seen WHERE id = ?",
];

/// The reads of a session in the first database. Those in front are the ones to run most.
pub(super) fn reads(kind: DatabaseKind, has_functions: bool) -> Vec<Read> {
    let mut all = Vec::new();
    for sql in [OF_ONE[0], OF_ONE[1], OF_ONE[2]] {
        all.extend([1, 5].map(|id| of_one(sql, id)));
    }
    all.extend([1, 5].map(|id| prepared(PREPARED[0], id)));
    all.push(of_both_twins());
    all.push(sums());
    for sql in PREPARED {
        all.extend(REGISTERS.map(|id| prepared(sql, id)));
    }
    all.extend(of_several());
    all.extend(of_other_tables());
    for sql in OF_ONE {
        all.extend(REGISTERS.map(|id| of_one(sql, id)));
    }
    if kind == DatabaseKind::Tidb {
        // There, a table cannot be altered at once: a read may find the column gone, or two.
        all.retain(|read| !read.expected.ids.contains(&SHAPED));
    }
    if has_functions {
        all.extend([1, 5].map(|id| of_one(BY_FUNCTION, id)));
    }
    all
}

/// The reads of a session in another database.
pub(super) fn reads_from_elsewhere() -> Vec<Read> {
    let tables = [
        (DATABASE, "register", 1),
        (DATABASE, "register", 5),
        (DATABASE, "seen", 1),
        (DATABASE, "seen", 5),
        (DATABASE, "register", 3),
    ];
    let texts = tables.map(|(database, table, id)| {
        let sql = format!("SELECT id, v, c FROM {database}.{table} WHERE id = {{id}}");
        of_one(&sql, id)
    });
    let mut all = texts.to_vec();
    let sql = format!("SELECT id, v, c FROM {DATABASE}.register WHERE id = ?");
    all.extend([1, 5].map(|id| prepared(&sql, id)));
    all
}

/// The databases that readers are in; most are in the first.
pub(super) fn database_of(reader: usize) -> &'static str {
    if reader % 4 == 3 {
        OTHER_DATABASE
    } else {
        DATABASE
    }
}

/// Texts for sessions that must not put into the cache what they see.
pub(super) fn to_meddle_with() -> Vec<String> {
    let mut texts: Vec<_> = [1, 5]
        .into_iter()
        .flat_map(|id| [OF_ONE[0], OF_ONE[1], OF_ONE[2]].map(|sql| with_id(sql, id)))
        .collect();
    texts.push(of_both_twins().sql);
    texts
}

fn of_one(sql: &str, id: usize) -> Read {
    Read {
        sql: with_id(sql, id),
        values: None,
        expected: rows(&[id]),
    }
}

fn with_id(sql: &str, id: usize) -> String {
    sql.replace("{id}", &id.to_string())
}

fn prepared(sql: &str, id: usize) -> Read {
    Read {
        sql: sql.to_owned(),
        values: Some(vec![i64::try_from(id).unwrap_or_default()]),
        expected: rows(&[id]),
    }
}

fn rows(ids: &[usize]) -> Expected {
    Expected {
        ids: ids.to_vec(),
        sums: false,
    }
}

fn text(sql: &str, expected: Expected) -> Read {
    Read {
        sql: sql.to_owned(),
        values: None,
        expected,
    }
}

fn of_both_twins() -> Read {
    let sql = "SELECT id, v, c FROM register WHERE id IN (5, 6)";
    text(sql, rows(&TWINS))
}

fn sums() -> Read {
    let expected = Expected {
        ids: REGISTERS.to_vec(),
        sums: true,
    };
    let sql = "SELECT CAST(SUM(v) AS SIGNED), CAST(SUM(c) AS SIGNED) FROM register";
    text(sql, expected)
}

fn of_several() -> Vec<Read> {
    vec![
        text(
            "SELECT id, v, c FROM register WHERE id IN (1, 2)",
            rows(&[1, 2]),
        ),
        text(
            "SELECT id, v, c FROM register ORDER BY id",
            rows(&REGISTERS),
        ),
        text(
            "SELECT id, v, c FROM register ORDER BY v DESC, id LIMIT 3",
            rows(&[]),
        ),
        text(
            "SELECT id, v, c FROM register WHERE id = 1 UNION ALL SELECT id, v, c FROM register \
             WHERE id = 5",
            rows(&[1, 5]),
        ),
        text(
            "SELECT id, v, c FROM register WHERE id = 5 UNION SELECT id, v, c FROM seen WHERE id \
             = 6",
            rows(&TWINS),
        ),
        text("SELECT id, v, c FROM seen ORDER BY id", rows(&REGISTERS)),
        text(
            "SELECT r.id, r.v, r.c FROM label l LEFT JOIN register r USING (id) WHERE l.id = 2",
            rows(&[2]),
        ),
    ]
}

fn of_other_tables() -> Vec<Read> {
    let owned = format!("SELECT id, v FROM owned WHERE id = {OWNED}");
    let joined = format!(
        "SELECT d.id, r.v FROM owner r JOIN owned d ON d.v = r.v WHERE d.id = {OWNED} AND r.id = 1"
    );
    let mut all = vec![
        text(&owned, rows(&[OWNED])),
        text(&joined, rows(&[OWNED])),
        text("SELECT id, v FROM shown", rows(&[SHOWN])),
        text(
            "SELECT id, v FROM shown WHERE id = 9 AND v > 0",
            rows(&[SHOWN]),
        ),
        text("SELECT id, v FROM present", rows(&[PRESENT])),
        text("SELECT id, v FROM coherence.present AS p", rows(&[PRESENT])),
        text("SELECT * FROM shaped", rows(&[SHAPED])),
        text("SELECT s.* FROM shaped s", rows(&[SHAPED])),
    ];
    for (table, id) in [("side", SIDE), ("loose", LOOSE), ("stage", STAGE)] {
        let one = format!("SELECT id, v, c FROM {table} WHERE id = {id}");
        all.push(text(&one, rows(&[id])));
        let every = format!("SELECT id, v, c FROM {table}");
        all.push(text(&every, rows(&[id])));
        let by_id = format!("SELECT id, v, c FROM {table} WHERE id = ?");
        all.push(prepared(&by_id, id));
    }
    all
}
