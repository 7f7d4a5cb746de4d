//! What programs leave on a connection that no statement betrays: others get nothing of that.

use super::*;

/// What a trigger of `log`, or a view, is made to leave; and what its session reads then, which the
/// cache keeps.
const LEFT: [(&str, &str); 4] = [
    (
        "SET SESSION div_precision_increment = 0",
        "SELECT v / 3 FROM r",
    ),
    (
        "SET SESSION sql_select_limit = 1",
        "SELECT v FROM r ORDER BY id",
    ),
    (
        "CREATE TEMPORARY TABLE IF NOT EXISTS r SELECT 1 AS id, 55 AS v",
        "SELECT v FROM r",
    ),
    (
        "CREATE TEMPORARY TABLE IF NOT EXISTS other.o SELECT 1 AS id, 56 AS v",
        "SELECT v FROM other.o",
    ),
];

async fn nothing_left_is_kept(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let mut maker = world.client().await?;
    let mut truth = world.direct().await?;
    for (leaves, read) in LEFT {
        for by_trigger in [true, false] {
            for prepared in [false, true] {
                let program = if by_trigger {
                    [
                        "DROP TRIGGER IF EXISTS leaves".to_owned(),
                        format!(
                            "CREATE TRIGGER leaves BEFORE INSERT ON other.r FOR EACH ROW {leaves}"
                        )
                        .replace("TRIGGER leaves", "TRIGGER other.leaves"),
                        "DO 1".to_owned(),
                    ]
                } else {
                    [
                        "DROP FUNCTION IF EXISTS leaves".to_owned(),
                        format!(
                            "CREATE FUNCTION leaves() RETURNS INT DETERMINISTIC BEGIN {leaves}; \
                             RETURN 1; END"
                        ),
                        "CREATE OR REPLACE VIEW other.led AS SELECT shop.leaves() AS n".to_owned(),
                    ]
                };
                maker
                    .query_drop("DROP TRIGGER IF EXISTS other.leaves")
                    .await?;
                for statement in &program {
                    maker
                        .query_drop(statement)
                        .await
                        .context(statement.clone())?;
                }
                world.warm_up().await?;
                let (mut led, mut reader) = (world.client().await?, world.client().await?);
                for round in 0..3 {
                    let id = 100 + round;
                    led.query_drop(if by_trigger {
                        format!("REPLACE INTO other.r VALUES ({id}, 1)")
                    } else {
                        "SELECT * FROM other.led".to_owned()
                    })
                    .await?;
                    rows(&mut led, read, prepared).await?;
                    let seen = rows(&mut reader, read, prepared).await?;
                    let expected = rows(&mut truth, read, prepared).await?;
                    ensure!(
                        seen == expected,
                        "{leaves}, prepared {prepared}: {seen:?}, not {expected:?}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_leave_is_not_kept_on_mariadb() -> Result<()> {
    nothing_left_is_kept(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_leave_is_not_kept_on_mysql() -> Result<()> {
    nothing_left_is_kept(DatabaseKind::MySql).await
}

/// A trigger makes a temporary table whose rows are those of another.
async fn a_name_may_be_a_triggers(kind: DatabaseKind) -> Result<()> {
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let mut maker = world.client().await?;
    for statement in [
        "CREATE TABLE base (v INT) ENGINE=MyISAM",
        "CREATE TABLE x (v INT)",
        "INSERT INTO base VALUES (1)",
        "CREATE TRIGGER merges BEFORE INSERT ON log FOR EACH ROW CREATE TEMPORARY TABLE IF NOT \
         EXISTS x (v INT) ENGINE=MERGE UNION=(base) INSERT_METHOD=LAST",
    ] {
        maker.query_drop(statement).await.context(statement)?;
    }
    let read = "SELECT v FROM base ORDER BY v";
    let mut truth = world.direct().await?;
    for value in 70..75 {
        world.warm_up().await?;
        let (mut writer, mut reader) = (world.client().await?, world.client().await?);
        writer.query_drop("INSERT INTO log VALUES (0)").await?;
        // Which keeps the connection.
        writer.query_drop("BEGIN").await?;
        world.warm_up().await?;
        keep(&mut reader, read).await?;
        let write = format!("INSERT INTO x VALUES ({value})");
        writer.query_drop(&write).await?;
        ensure_fresh(&mut reader, &mut truth, read, &write).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_may_be_of_a_triggers_table_on_mariadb() -> Result<()> {
    a_name_may_be_a_triggers(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_may_be_of_a_triggers_table_on_mysql() -> Result<()> {
    a_name_may_be_a_triggers(DatabaseKind::MySql).await
}
