//! `tidegate demo`: the whole path on one machine, by one command.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};
use serde_json::Value;
use testkit::{DatabaseKind, Process, Tidegate, eventually};

use crate::world::{DATABASE, PASSWORD, USER, server};

/// It starts a database of its own, which takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `PATH` with no database on it.
const NO_PROGRAMS: (&str, &str) = ("PATH", "/nonexistent");

/// The report: the only line that is an object.
fn report(process: &Process) -> Result<Value> {
    let log = process.log();
    let line = log.lines().find(|line| line.starts_with('{'));
    Ok(serde_json::from_str(line.with_context(|| {
        format!("it reported nothing:\n{log}")
    })?)?)
}

/// Everything that the README promises of the report of a path that works.
fn is_complete(report: &Value) -> Result<()> {
    ensure!(report["ready"] == true, "it is not ready: {report}");
    let hops = report["path"].as_array().context("`path` is no array")?;
    ensure!(hops.len() >= 4, "the path has only the hops {hops:?}");
    for timing in ["direct", "cold", "pooled"] {
        let milliseconds = report["timings_ms"][timing].as_f64();
        ensure!(
            milliseconds.is_some_and(|it| it > 0.0),
            "`{timing}` is missing: {report}"
        );
    }
    let string = report["connection_string"].as_str().unwrap_or_default();
    ensure!(
        string.starts_with("mysql://"),
        "there is no connection string: {report}"
    );
    Ok(())
}

async fn once(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let arguments = [&["demo", "--json", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut process = Tidegate::command(folder.path(), &arguments, environment)?;
    let status = process.wait(PATIENCE).await?;
    ensure!(
        status.success(),
        "it ended with {status}:\n{}",
        process.log()
    );
    report(&process)
}

#[tokio::test(flavor = "multi_thread")]
async fn proves_the_path_to_a_given_database() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let url = server.url(USER, PASSWORD, DATABASE);
    is_complete(&once(&["--once", "--origin", &url], &[]).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn proves_the_path_without_any_database_on_the_machine() -> Result<()> {
    let report = once(&["--once"], &[NO_PROGRAMS]).await?;
    is_complete(&report)?;
    ensure!(report["origin"]["kind"] == "sqlite", "{report}");
    Ok(())
}

/// It serves until it is told to end, and then takes everything with it.
#[tokio::test(flavor = "multi_thread")]
async fn serves_until_it_is_ended() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let arguments = [
        "demo",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--pool-max",
        "2",
        "--no-cache",
    ];
    let mut process = Tidegate::command(folder.path(), &arguments, &[NO_PROGRAMS])?;
    let report = eventually("the demo is up", PATIENCE, async || {
        process.check()?;
        report(&process)
    })
    .await?;
    is_complete(&report)?;
    let string = report["connection_string"].as_str().unwrap_or_default();
    let mut connection = Conn::new(Opts::from_url(string)?).await?;
    let answer: Option<u32> = connection.query_first("SELECT 40 + 2").await?;
    ensure!(answer == Some(42), "{answer:?}");
    connection.disconnect().await?;
    let status = process.terminate(PATIENCE).await?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// A hop that fails makes the command fail, and the report names it with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn names_the_hop_that_fails() -> Result<()> {
    let Some(server) = server(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    let url = server.url(USER, "stale", DATABASE);
    let folder = tempfile::tempdir()?;
    let arguments = [
        "demo",
        "--json",
        "--once",
        "--listen",
        "127.0.0.1:0",
        "--origin",
        &url,
    ];
    let mut process = Tidegate::command(folder.path(), &arguments, &[])?;
    let status = process.wait(PATIENCE).await?;
    ensure!(!status.success(), "it succeeded with a wrong password");
    let report = report(&process)?;
    ensure!(report["ready"] == false, "{report}");
    let hops = report["path"].as_array().context("`path` is no array")?;
    let advice = hops.iter().filter(|hop| hop["remedy"].is_string()).count();
    ensure!(advice > 0, "no hop says what to do: {report}");
    Ok(())
}
