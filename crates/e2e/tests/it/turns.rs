//! Sessions that take turns on few connections get what they get directly, byte for byte: cases
//! that a random program does not hit upon.

mod entered;
mod gone;
mod hidden;
mod left;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_proto::{Capabilities, Command};
use testkit::DatabaseKind::{self, MariaDb, MySql, Tidb};
use tokio::time::sleep;

use crate::wire::{COLLATION, Wire};
use crate::world::{DATABASE, USER, direct, path, server};

/// `latin1_swedish_ci`, where 0xA0 is white space.
const LATIN1: u8 = 8;

/// `utf8mb3_general_ci`, which has no emoji.
const UTF8MB3: u8 = 33;

/// How long a server may take to notice that a client has left.
pub(crate) const LEAVING: Duration = Duration::from_millis(300);

/// What one session does: which one, and what.
type Turn = (char, Does);

#[derive(Clone, Copy)]
enum Does {
    Query(&'static [u8]),
    Prepare(&'static str),
    /// Executes what it has prepared.
    Execute,
    /// Likewise, with this text for a parameter.
    ExecuteOf(&'static str),
    /// `COM_INIT_DB`.
    Use(&'static str),
    /// `COM_RESET_CONNECTION`.
    Reset,
    /// `COM_SET_OPTION` with these bytes.
    SetOption(&'static [u8]),
    /// All of these at once, and the end of its direction. What is told of that is not compared.
    SendAndEnd(&'static [&'static str]),
    Quit,
    /// Nothing, for so long.
    Wait(Duration),
}

use Does::{Execute, ExecuteOf, Prepare, Query, Quit, Reset, SendAndEnd, SetOption, Use, Wait};

struct Case {
    kinds: &'static [DatabaseKind],
    /// What an administrator does before, on a table `t (id INT AUTO_INCREMENT, n INT)`.
    before: &'static [&'static str],
    /// What comes last of that.
    last_before: Option<&'static str>,
    collation: u8,
    capabilities: Capabilities,
    turns: &'static [Turn],
}

impl Case {
    const fn new(kinds: &'static [DatabaseKind], turns: &'static [Turn]) -> Self {
        Self {
            kinds,
            before: &[],
            last_before: None,
            collation: COLLATION,
            capabilities: Capabilities::empty(),
            turns,
        }
    }

    /// The same behind this statement of the administrator's.
    const fn after(self, last_before: &'static str) -> Self {
        Self {
            last_before: Some(last_before),
            ..self
        }
    }

    async fn compare(&self) -> Result<()> {
        self.compare_but(usize::MAX).await
    }

    /// Likewise, but for the reply to one turn.
    async fn compare_but(&self, untold: usize) -> Result<()> {
        for &kind in self.kinds {
            self.compare_on(kind, untold).await.context(kind)?;
        }
        Ok(())
    }

    async fn compare_on(&self, kind: DatabaseKind, untold: usize) -> Result<()> {
        let Some(server) = server(kind).await? else {
            return Ok(());
        };
        let rights = format!("GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%'");
        let table = format!("{DATABASE}.t (id INT AUTO_INCREMENT PRIMARY KEY, n INT)");
        let mut before = vec![
            rights,
            format!("DROP TABLE IF EXISTS {DATABASE}.t"),
            format!("CREATE TABLE {table}"),
            format!("INSERT INTO {DATABASE}.t (n) VALUES (7), (8), (9)"),
        ];
        let own = self.before.iter().chain(&self.last_before);
        before.extend(own.map(|sql| (*sql).to_owned()));
        let before: Vec<&str> = before.iter().map(String::as_str).collect();

        server.execute_all(&before).await?;
        let expected = self.play(&direct(&server)).await.context("directly")?;
        server.execute_all(&before).await?;
        let Some(path) = path(&server).pool("max = 2").start().await? else {
            return Ok(());
        };
        let seen = self.play(path.endpoint()).await.context("through")?;
        for (at, (expected, seen)) in expected.iter().zip(&seen).enumerate() {
            ensure!(
                expected == seen || at == untold,
                "turn {at}: {} is not {}",
                seen.escape_ascii(),
                expected.escape_ascii()
            );
        }
        Ok(())
    }

    /// The reply to each turn.
    async fn play(&self, endpoint: &Endpoint) -> Result<Vec<Vec<u8>>> {
        let mut sessions: BTreeMap<char, (Wire, u32)> = BTreeMap::new();
        let mut replies = Vec::new();
        for (name, does) in self.turns {
            if !sessions.contains_key(name) {
                let wire = Wire::open_in(endpoint, self.capabilities, self.collation).await?;
                sessions.insert(*name, (wire, 0));
            }
            let (wire, statement) = sessions.get_mut(name).context("no such session")?;
            replies.push(match does {
                Query(sql) => wire.query_bytes(sql).await?,
                Prepare(sql) => {
                    let (id, reply) = wire.prepare(sql).await?;
                    *statement = id;
                    reply
                }
                Execute => wire.execute(*statement, &[], &[]).await?,
                Reset => wire.ask(Command::RESET_CONNECTION, &[]).await?,
                SetOption(option) => wire.ask(Command::SET_OPTION, option).await?,
                SendAndEnd(texts) => {
                    wire.send_and_end(texts).await?;
                    sessions.remove(name);
                    Vec::new()
                }
                ExecuteOf(text) => {
                    let parameters = [text.as_bytes()];
                    wire.execute(*statement, &parameters, &[]).await?
                }
                Use(database) => wire.ask(Command::INIT_DB, database.as_bytes()).await?,
                Quit => {
                    sessions.remove(name);
                    sleep(LEAVING).await;
                    Vec::new()
                }
                Wait(time) => {
                    sleep(*time).await;
                    Vec::new()
                }
            });
        }
        Ok(replies)
    }
}

/// A word behind white space that only some character sets have is seen.
#[tokio::test(flavor = "multi_thread")]
async fn white_space_of_another_character_set_hides_nothing() -> Result<()> {
    let latin1 = Case {
        collation: LATIN1,
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"SELECT 5 INTO\xa0@x")),
                ('b', Query(b"SELECT @x")),
                ('a', Query(b"CREATE TEMPORARY\xa0TABLE\xa0brief (a INT)")),
                ('b', Query(b"SELECT * FROM brief")),
                ('a', Query(b"SELECT @x, a FROM brief")),
            ],
        )
    };
    latin1.compare().await?;
    let utf8 = Case::new(
        &[Tidb],
        &[
            ('a', Query(b"CREATE \xa0TEMPORARY TABLE brief (a INT)")),
            ('a', Query(b"INSERT INTO brief VALUES (1)")),
            ('b', Query(b"SELECT * FROM brief")),
            ('a', Query(b"SELECT * FROM brief")),
        ],
    );
    utf8.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_of_tidb_in_quotes_is_seen() -> Result<()> {
    let case = Case::new(
        &[Tidb],
        &[
            ('a', Query(b"SELECT `get_lock`('a lock', 1)")),
            ('b', Query(b"SELECT GET_LOCK('a lock', 0)")),
            ('a', Quit),
            ('b', Query(b"SELECT GET_LOCK('a lock', 0)")),
        ],
    );
    case.compare().await
}

/// Without autocommit it opens a transaction, though the status does not tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_savepoint_ahead_of_the_first_write_is_kept() -> Result<()> {
    let case = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"SET autocommit = 0")),
            ('a', Query(b"SAVEPOINT s")),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"INSERT INTO t (n) VALUES (2)")),
            ('a', Query(b"ROLLBACK TO SAVEPOINT s")),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"COMMIT")),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
            ('a', Query(b"ROLLBACK TO SAVEPOINT s")),
        ],
    );
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_savepoint_outlasts_what_only_looks_like_a_definition() -> Result<()> {
    let case = Case::new(
        &[MariaDb],
        &[
            ('a', Query(b"SET autocommit = 0")),
            ('a', Query(b"SAVEPOINT s")),
            ('a', Query(b"ANALYZE FORMAT=JSON SELECT 1 LIMIT 0")),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"INSERT INTO t (n) VALUES (1)")),
            ('a', Query(b"ROLLBACK TO s")),
            ('a', Query(b"COMMIT")),
            ('b', Query(b"SELECT COUNT(*) FROM t")),
        ],
    );
    // How long it took is in the reply to what was analyzed.
    case.compare_but(2).await
}

/// `COM_INIT_DB` reads no text, so that MySQL keeps over it what there was on the connection.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_others_are_not_shown_behind_what_reads_no_text() -> Result<()> {
    let case = Case::new(
        &[MySql, MariaDb],
        &[
            // Which leaves one connection to the others.
            ('c', Query(b"BEGIN")),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"SELECT no_such_column_of_a")),
            ('b', Use("no_such_database")),
            ('b', Query(b"SHOW WARNINGS")),
            ('b', Query(b"SELECT @@warning_count, @@error_count")),
            ('a', Query(b"SHOW WARNINGS")),
        ],
    );
    case.compare().await
}

/// MySQL adds to the conditions of the statement before when it refuses the parameters of an
/// execution, and to nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_refused_adds_to_the_conditions_before() -> Result<()> {
    const SHOW: Does = Query(b"SHOW WARNINGS");
    const BAD: Does = ExecuteOf("an emoji \u{1F600}");
    let case = Case {
        before: &["ALTER TABLE shop.t ADD COLUMN s VARCHAR(40) CHARACTER SET utf8mb4"],
        collation: UTF8MB3,
        ..Case::new(
            &[MySql],
            &[
                // Which leaves one connection to the others.
                ('c', Query(b"BEGIN")),
                ('a', Prepare("INSERT INTO t (s) VALUES (?)")),
                ('a', ExecuteOf("a text")),
                ('b', Query(b"SELECT no_such_column_of_b")),
                ('a', BAD),
                ('a', SHOW),
                ('a', Query(b"SELECT no_such_column_of_a")),
                ('a', BAD),
                ('a', SHOW),
                ('a', Query(b"SELECT @@warning_count, @@error_count")),
                ('a', BAD),
                ('a', SHOW),
                ('a', Query(b"SELECT 1/0")),
                ('b', Query(b"SELEC")),
                ('a', BAD),
                ('a', BAD),
                ('a', Query(b"SHOW ERRORS")),
                ('a', SHOW),
                // No parameters at all.
                ('a', Query(b"SELEC")),
                ('a', Execute),
                ('a', SHOW),
                // The character set of the session is set anew, of which MySQL warns.
                ('b', Query(b"SET NAMES latin1")),
                ('a', BAD),
                ('a', SHOW),
                // Where the statement has to be prepared first.
                ('c', Query(b"COMMIT")),
                ('b', Query(b"BEGIN")),
                ('a', Query(b"BEGIN")),
                ('a', Query(b"SELECT no_such_column_of_a")),
                ('a', BAD),
                ('a', SHOW),
                ('b', Query(b"COMMIT")),
                ('a', Query(b"COMMIT")),
                // One that begins, and fails.
                ('a', Query(b"SELECT no_such_column_of_a")),
                (
                    'a',
                    ExecuteOf("far too long for a column of forty characters"),
                ),
                ('a', SHOW),
            ],
        )
    };
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_release_gave_no_row_is_held() -> Result<()> {
    let case = Case::new(
        &[MariaDb, MySql],
        &[
            ('a', Query(b"SELECT GET_LOCK('a lock', 0)")),
            ('a', Query(b"SET sql_select_limit = 0")),
            ('a', Query(b"SELECT RELEASE_LOCK('a lock')")),
            ('b', Query(b"SELECT GET_LOCK('a lock', 0)")),
            ('a', Query(b"DO RELEASE_LOCK('a lock')")),
            ('b', Query(b"SELECT GET_LOCK('a lock', 0)")),
        ],
    );
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_insert_id_that_a_statement_sets_is_read_behind_that() -> Result<()> {
    let all = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"INSERT INTO t (n) VALUES (1)")),
            ('b', Query(b"SELECT 1")),
            (
                'a',
                Query(b"SELECT LAST_INSERT_ID(), LAST_INSERT_ID(55), LAST_INSERT_ID()"),
            ),
            ('b', Query(b"SELECT LAST_INSERT_ID()")),
            ('a', Query(b"SELECT LAST_INSERT_ID()")),
        ],
    );
    all.compare().await?;
    let of_mariadb = Case::new(
        &[MariaDb],
        &[
            ('a', Query(b"INSERT INTO t (n) VALUES (1)")),
            (
                'a',
                Query(b"SET STATEMENT last_insert_id = 5 FOR SELECT LAST_INSERT_ID()"),
            ),
            ('b', Query(b"SELECT 1")),
            ('a', Query(b"SELECT LAST_INSERT_ID()")),
            ('b', Query(b"SET character_set_results = 'ucs2'")),
            ('b', Query(b"INSERT INTO t (n) SELECT n FROM t")),
            ('a', Query(b"SELECT 1")),
            ('b', Query(b"SELECT LAST_INSERT_ID()")),
        ],
    );
    of_mariadb.compare().await
}

/// TiDB keeps the scale of a division in the plan of a prepared statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_is_not_that_of_other_settings() -> Result<()> {
    let case = Case::new(
        &DatabaseKind::ALL,
        &[
            ('a', Query(b"SET div_precision_increment = 10")),
            ('a', Query(b"SET default_week_format = 3")),
            ('a', Prepare("SELECT 1/3, WEEK('2020-01-01')")),
            ('b', Prepare("SELECT 1/3, WEEK('2020-01-01')")),
            ('a', Execute),
            ('b', Execute),
            ('a', Execute),
            ('b', Execute),
        ],
    );
    case.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_for_all_holds_for_who_logs_in_later() -> Result<()> {
    let case = Case {
        kinds: &DatabaseKind::ALL,
        before: &["SET GLOBAL div_precision_increment = 4"],
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"SELECT 1/3")),
                ('b', Query(b"SET GLOBAL div_precision_increment = 9")),
                ('c', Query(b"SELECT 1/3")),
                ('c', Query(b"SELECT @@div_precision_increment")),
            ],
        )
    };
    case.compare().await?;
    let of_tidb = Case {
        before: &["SET GLOBAL tidb_slow_log_threshold = 300"],
        ..Case::new(
            &[Tidb],
            &[
                ('a', Query(b"SET tidb_slow_log_threshold = 200")),
                ('b', Query(b"SELECT @@tidb_slow_log_threshold")),
                ('c', Query(b"SELECT @@tidb_slow_log_threshold")),
            ],
        )
    };
    of_tidb.compare().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_altered_is_so_at_once() -> Result<()> {
    let case = Case {
        before: &["ALTER DATABASE shop CHARACTER SET utf8mb4"],
        ..Case::new(
            &[MariaDb, MySql],
            &[
                ('a', Query(b"SELECT @@character_set_database")),
                ('b', Query(b"SELECT @@character_set_database")),
                ('a', Query(b"ALTER DATABASE shop CHARACTER SET latin1")),
                ('a', Query(b"SELECT @@character_set_database")),
                ('c', Query(b"SELECT @@character_set_database")),
            ],
        )
    };
    case.compare().await
}

/// MariaDB does not survive the reset of a connection that has prepared one.
#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_distributed_transaction_outlives_its_session() -> Result<()> {
    let case = Case::new(
        &[MariaDb, MySql],
        &[
            ('a', Query(b"XA START 'x'")),
            ('a', Query(b"INSERT INTO t (n) VALUES (10)")),
            ('a', Query(b"XA END 'x'")),
            ('a', Query(b"XA PREPARE 'x'")),
            ('a', Quit),
            ('b', Query(b"XA COMMIT 'x'")),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
            ('c', Query(b"UPDATE t SET n = n + 1")),
            ('c', Query(b"DROP TABLE t")),
        ],
    );
    case.compare().await
}

/// Nor does it where nothing tells that there was one.
#[tokio::test(flavor = "multi_thread")]
async fn a_distributed_transaction_that_nothing_tells_of_outlives_its_session() -> Result<()> {
    for turns in [
        &[
            ('a', Query(b"/*!50000 XA START 'x' */")),
            ('a', Query(b"INSERT INTO t (n) VALUES (10)")),
            ('a', Query(b"/*!50000 XA END 'x' */")),
            ('a', Query(b"/*!50000 XA PREPARE 'x' */")),
            ('a', Quit),
            ('b', Query(b"XA COMMIT 'x'")),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
            ('c', Query(b"UPDATE t SET n = n + 1")),
        ][..],
        &[
            ('a', Query(b"CALL prepares()")),
            ('a', Quit),
            ('b', Query(b"XA COMMIT 'x'")),
            ('b', Query(b"SELECT n FROM t ORDER BY id")),
            ('c', Query(b"UPDATE t SET n = n + 1")),
        ],
    ] {
        let case = Case {
            before: &[
                "DROP PROCEDURE IF EXISTS shop.prepares",
                "CREATE PROCEDURE shop.prepares() BEGIN XA START 'x'; \
                 INSERT INTO shop.t (n) VALUES (10); XA END 'x'; XA PREPARE 'x'; END",
            ],
            ..Case::new(&[MariaDb], turns)
        };
        case.compare().await?;
    }
    Ok(())
}
