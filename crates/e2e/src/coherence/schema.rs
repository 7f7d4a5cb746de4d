//! The tables of the registers: one table that everything is tried on, and one of its own for each
//! thing that would not go together with the rest.

use testkit::DatabaseKind;

use super::registers::FIRST;

/// The database that writers and most readers are in, and one that the others are in.
pub(super) const DATABASE: &str = "coherence";
pub(super) const OTHER_DATABASE: &str = "elsewhere";

/// The ids of the rows in `register`.
pub(super) const REGISTERS: [usize; 6] = [1, 2, 3, 4, 5, 6];
/// The row that a foreign key changes.
pub(super) const OWNED: usize = 7;
/// The row of a table that is truncated.
pub(super) const SIDE: usize = 8;
/// The row of a view that shows another table from time to time.
pub(super) const SHOWN: usize = 9;
/// The row of a table that another is renamed to.
pub(super) const PRESENT: usize = 10;
/// The row whose value is in the definition of its table.
pub(super) const SHAPED: usize = 11;
/// The row of a table without transactions.
pub(super) const LOOSE: usize = 12;
/// The row of the scenes.
pub(super) const STAGE: usize = 13;
/// The row of a table of the same name in the other database.
pub(super) const NAMESAKE: usize = 14;

/// Rows of the table that is only there to fill the cache, and bytes of each.
pub(super) const BIG_ROWS: usize = 400;
const BIG_BYTES: usize = 12_000;

/// What makes the databases, run as an administrator.
pub(super) fn build(kind: DatabaseKind) -> Vec<String> {
    let mut statements = vec![
        format!("CREATE DATABASE {DATABASE}"),
        format!("CREATE DATABASE {OTHER_DATABASE}"),
        format!("USE {DATABASE}"),
    ];
    let v = FIRST;
    for table in ["register", "ticket", "loose", "stage", "side"] {
        let engine = if table == "loose" && kind != DatabaseKind::Tidb {
            "ENGINE=MyISAM"
        } else {
            ""
        };
        statements.push(format!(
            "CREATE TABLE {table} (id BIGINT PRIMARY KEY, v BIGINT NOT NULL, c BIGINT NOT NULL) \
             {engine}"
        ));
    }
    let row = |id: usize| format!("({id}, {v}, {v} * 31 + {id})");
    let rows = REGISTERS.map(row).join(", ");
    statements.push(format!("INSERT INTO register VALUES {rows}"));
    statements.push(format!("INSERT INTO ticket VALUES {rows}"));
    for (table, id) in [("loose", LOOSE), ("stage", STAGE), ("side", SIDE)] {
        statements.push(format!("INSERT INTO {table} VALUES {}", row(id)));
    }
    statements.push(format!("CREATE TABLE {OTHER_DATABASE}.stage LIKE stage"));
    statements.push(format!(
        "INSERT INTO {OTHER_DATABASE}.stage VALUES {}",
        row(NAMESAKE)
    ));
    statements.extend(of_definitions());
    let more = [
        "CREATE TABLE label (id BIGINT PRIMARY KEY, note BIGINT NOT NULL)",
        "INSERT INTO label VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (13, 0)",
        "CREATE VIEW seen AS SELECT id, v, c FROM register",
        "CREATE VIEW seen_again AS SELECT s.id, s.v, s.c FROM seen s JOIN label l ON l.id = s.id",
        "CREATE TABLE scrap (id BIGINT PRIMARY KEY)",
        "CREATE TABLE big (id BIGINT PRIMARY KEY, body TEXT)",
    ];
    statements.extend(more.map(str::to_owned));
    let bodies: Vec<_> = (1..=BIG_ROWS)
        .map(|id| format!("({id}, REPEAT('x', {BIG_BYTES}))"))
        .collect();
    statements.push(format!("INSERT INTO big VALUES {}", bodies.join(", ")));
    if kind != DatabaseKind::Tidb {
        statements.extend(programs());
    }
    statements
}

/// The tables that change what they are.
fn of_definitions() -> Vec<String> {
    let v = FIRST;
    vec![
        format!("CREATE TABLE owner (id BIGINT PRIMARY KEY, v BIGINT NOT NULL, UNIQUE KEY (v))"),
        format!("INSERT INTO owner VALUES (1, {v})"),
        "CREATE TABLE owned (id BIGINT PRIMARY KEY, v BIGINT NOT NULL, KEY (v), \
         FOREIGN KEY (v) REFERENCES owner (v) ON UPDATE CASCADE)"
            .to_owned(),
        format!("INSERT INTO owned VALUES ({OWNED}, {v})"),
        "CREATE TABLE left_side (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)".to_owned(),
        "CREATE TABLE right_side (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)".to_owned(),
        format!("INSERT INTO left_side VALUES ({SHOWN}, {v})"),
        format!("INSERT INTO right_side VALUES ({SHOWN}, {v})"),
        "CREATE VIEW shown AS SELECT id, v FROM left_side".to_owned(),
        "CREATE TABLE present (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)".to_owned(),
        "CREATE TABLE next_one (id BIGINT PRIMARY KEY, v BIGINT NOT NULL)".to_owned(),
        format!("INSERT INTO present VALUES ({PRESENT}, {v})"),
        format!("INSERT INTO next_one VALUES ({PRESENT}, {v})"),
        format!("CREATE TABLE shaped (id BIGINT PRIMARY KEY, v{v} BIGINT NOT NULL DEFAULT {v})"),
        format!("INSERT INTO shaped (id) VALUES ({SHAPED})"),
    ]
}

/// The body of the programs that write.
const WRITE: &str =
    "UPDATE register SET v = value, c = value * 31 + id WHERE id IN (one, other) AND v < value";

/// Stored functions. Where there are any, any statement may call one, so they are there for some
/// rounds only.
pub(super) fn functions() -> Vec<String> {
    vec![
        format!(
            "CREATE FUNCTION {DATABASE}.put_and_tell(value BIGINT, one BIGINT, other BIGINT) \
             RETURNS BIGINT DETERMINISTIC MODIFIES SQL DATA BEGIN {WRITE}; RETURN 0; END"
        ),
        format!(
            "CREATE FUNCTION {DATABASE}.value_of(row_id BIGINT) RETURNS BIGINT DETERMINISTIC READS \
             SQL DATA RETURN (SELECT v FROM register WHERE id = row_id)"
        ),
    ]
}

/// What takes them away again.
pub(super) fn no_functions() -> Vec<String> {
    ["put_and_tell", "value_of"]
        .map(|name| format!("DROP FUNCTION {DATABASE}.{name}"))
        .to_vec()
}

/// Triggers and procedures, which TiDB does not have.
fn programs() -> Vec<String> {
    vec![
        "CREATE TRIGGER passed_on AFTER UPDATE ON ticket FOR EACH ROW UPDATE register SET v = \
         NEW.v, c = NEW.v * 31 + NEW.id WHERE id = NEW.id AND v < NEW.v"
            .to_owned(),
        format!("CREATE PROCEDURE put(value BIGINT, one BIGINT, other BIGINT) {WRITE}"),
        format!(
            "CREATE PROCEDURE put_in_transaction(value BIGINT, one BIGINT, other BIGINT) BEGIN \
             START TRANSACTION; {WRITE}; COMMIT; END"
        ),
    ]
}
