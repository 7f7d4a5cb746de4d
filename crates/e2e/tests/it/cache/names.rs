//! What a name writes to where it looks like another thing.

use super::*;

/// A temporary table may be a way to others' rows.
async fn a_temporary_table_of_others_rows_is_known(kind: DatabaseKind) -> Result<()> {
    const COUNT: &str = "SELECT COUNT(*) FROM below";
    const ALTERED: &str = "INSERT INTO log VALUES (6)";
    let Some(world) = World::start(kind, "").await? else {
        return Ok(());
    };
    let (mut maker, mut reader) = (world.client().await?, world.client().await?);
    for statement in [
        "CREATE TABLE below (v INT) ENGINE=MyISAM",
        "CREATE TABLE above (v INT) ENGINE=MERGE UNION=(below) INSERT_METHOD=LAST",
        "CREATE PROCEDURE enters() INSERT INTO log VALUES (7)",
    ] {
        maker.query_drop(statement).await.context(statement)?;
    }
    let mut truth = world.direct().await?;
    for (makes, writes) in [
        (
            "ENGINE=MERGE UNION=(below) INSERT_METHOD=LAST",
            "INSERT INTO log VALUES (5)",
        ),
        (
            "ENGINE=MERGE UNION=(below) INSERT_METHOD=LAST",
            "CALL enters()",
        ),
        ("LIKE above", "INSERT INTO shop.log VALUES (5)"),
        ("ENGINE=MyISAM", ALTERED),
    ] {
        world.warm_up().await?;
        let mut writer = world.client().await?;
        let columns = if makes.starts_with("LIKE") {
            ""
        } else {
            "(v INT)"
        };
        let make = format!("CREATE TEMPORARY TABLE log {columns} {makes}");
        writer.query_drop(&make).await.context(make)?;
        if writes == ALTERED {
            let alter = "ALTER TABLE log ENGINE=MERGE UNION=(below) INSERT_METHOD=LAST";
            writer.query_drop(alter).await.context(alter)?;
        }
        world.warm_up().await?;
        keep(&mut reader, COUNT).await?;
        writer.query_drop(writes).await.context(writes)?;
        ensure_fresh(
            &mut reader,
            &mut truth,
            COUNT,
            &format!("{kind}, {makes}, {writes}"),
        )
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_table_of_others_rows_is_known_on_mariadb() -> Result<()> {
    a_temporary_table_of_others_rows_is_known(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_table_of_others_rows_is_known_on_mysql() -> Result<()> {
    a_temporary_table_of_others_rows_is_known(DatabaseKind::MySql).await
}

/// What stands in brackets is a name under one mode of MariaDB's.
#[tokio::test(flavor = "multi_thread")]
async fn brackets_hide_nothing() -> Result<()> {
    const COUNT: &str = "SELECT COUNT(*) FROM `odd name`";
    let Some(world) = World::start(DatabaseKind::MariaDb, "").await? else {
        return Ok(());
    };
    let mut client = world.client().await?;
    for statement in [
        "SET sql_mode = 'MSSQL'",
        "CREATE TABLE [odd name] (n INT)",
        "CREATE TABLE fired (n INT)",
        "CREATE PROCEDURE odd() INSERT INTO [odd name] VALUES (1)",
        "CREATE TRIGGER fires AFTER INSERT ON fired FOR EACH ROW INSERT INTO [odd name] VALUES (1)",
    ] {
        client.query_drop(statement).await.context(statement)?;
    }
    world.warm_up().await?;
    let (mut reader, mut truth) = (world.client().await?, world.direct().await?);
    for write in [
        "CALL odd()",
        "INSERT INTO fired VALUES (1)",
        "SELECT 1 AS [a'b]; INSERT INTO `odd name` VALUES (1); SELECT 1 AS [c'd]",
    ] {
        keep(&mut reader, COUNT).await?;
        let mut writer = world.client().await?;
        writer.query_drop("SET sql_mode = 'MSSQL'").await?;
        writer.query_drop(write).await.context(write)?;
        ensure_fresh(&mut reader, &mut truth, COUNT, write).await?;
        world.warm_up().await?;
    }
    Ok(())
}
