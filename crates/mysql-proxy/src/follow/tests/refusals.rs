//! Servers that do not let their log be followed, or have none.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use testkit::{ADMIN, Database, DatabaseKind};
use tokio::time::timeout;

use super::recorder::{Heard, Recorder};
use super::world::{connector, start};
use crate::follow::Follower;
use crate::follow::error::FollowError;

/// The error of one attempt.
async fn refusal(port: u16, user: &str) -> Result<FollowError> {
    let (connector, recorder) = (connector(port, user), Recorder::default());
    let mut follower = Follower::new(&connector, &recorder);
    let Err(error) = timeout(Duration::from_secs(30), follower.follow_once()).await?;
    ensure!(recorder.take().is_empty(), "something was heard");
    Ok(error)
}

async fn a_user_without_the_right_is_told_which(kind: DatabaseKind) -> Result<()> {
    let Some(database) = start(kind).await? else {
        return Ok(());
    };
    let (port, user) = (database.port(), "replica");
    let may_ask = "GRANT REPLICATION CLIENT ON *.* TO replica@'%'";
    let may_follow = "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO replica@'%'";
    database
        .execute("CREATE USER replica@'%' IDENTIFIED BY 'replica'")
        .await?;
    for grant in ["DO 0", may_ask] {
        database.execute(grant).await?;
        let error = refusal(port, user).await?;
        ensure!(error.needs_operator(), "{grant}: {error}");
        let advice = error.advice().trim_end_matches('…');
        ensure!(advice.ends_with("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO "));
    }
    database.execute(may_follow).await?;
    let (connector, recorder) = (connector(port, user), Recorder::default());
    let mut follower = Follower::new(&connector, &recorder);
    tokio::select! {
        ended = follower.follow_once() => bail!("{ended:?}"),
        heard = recorder.until(&Heard::Following(true)) => drop(heard?),
    }
    drop(follower);
    ensure!(
        recorder.take() == [Heard::Following(false)],
        "it was dropped"
    );
    Ok(())
}

async fn a_server_without_a_log_is_told_of(kind: DatabaseKind) -> Result<()> {
    let Some(database) = Database::start(kind).await? else {
        return Ok(());
    };
    let error = refusal(database.port(), ADMIN).await?;
    ensure!(matches!(error, FollowError::NoLog), "{error}");
    ensure!(error.needs_operator());
    Ok(())
}

#[tokio::test]
async fn a_user_of_mariadb_without_the_right_is_told_which() -> Result<()> {
    a_user_without_the_right_is_told_which(DatabaseKind::MariaDb).await
}

#[tokio::test]
async fn a_user_of_mysql_without_the_right_is_told_which() -> Result<()> {
    a_user_without_the_right_is_told_which(DatabaseKind::MySql).await
}

#[tokio::test]
async fn databases_without_a_log_are_told_of() -> Result<()> {
    for kind in DatabaseKind::ALL {
        a_server_without_a_log_is_told_of(kind).await?;
    }
    Ok(())
}
