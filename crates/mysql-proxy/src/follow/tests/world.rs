//! A real database, somebody who writes to it, and somebody who follows its log.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::{Address, Origin, OriginTls, Via};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use net::TcpDialer;
use testkit::{ADMIN, Database, DatabaseKind, eventually};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::recorder::{Heard, Recorder, anything, table};
use super::way::Way;
use crate::follow::follow;
use crate::origin::OriginConnector;

/// A database with a log, and somebody who follows it.
pub(super) struct World {
    pub(super) database: Database,
    /// Somebody else.
    pub(super) writer: Conn,
    pub(super) way: Way,
    pub(super) recorder: Arc<Recorder>,
    _follower: JoinSet<()>,
}

impl World {
    /// `None`: the database is not installed.
    pub(super) async fn start(kind: DatabaseKind) -> Result<Option<Self>> {
        let Some(database) = start(kind).await? else {
            return Ok(None);
        };
        let way = Way::to(database.port()).await?;
        let connector = connector(way.port(), ADMIN);
        let recorder = Arc::new(Recorder::default());
        let (ears, mut follower) = (Arc::clone(&recorder), JoinSet::new());
        follower.spawn(async move { follow(&connector, &*ears).await });
        let (_, before) = recorder.until(&Heard::Following(true)).await?;
        ensure!(before == [anything()], "{before:?}");
        let mut world = Self {
            writer: database.connect().await?,
            database,
            way,
            recorder,
            _follower: follower,
        };
        world.run("CREATE DATABASE shop").await?;
        world.run("USE shop").await?;
        for name in ["items", "clients", "marks"] {
            let columns = "id INT AUTO_INCREMENT PRIMARY KEY, v INT";
            world
                .run(&format!("CREATE TABLE {name} ({columns})"))
                .await?;
        }
        let heard = world.mark().await?;
        ensure!(heard.len() == 4, "{heard:?}");
        Ok(Some(world))
    }

    /// Somebody writes.
    pub(super) async fn run(&mut self, sql: &str) -> Result<()> {
        let ran = self.writer.query_drop(sql).await;
        ran.with_context(|| sql.to_owned())
    }

    /// Somebody writes, and this is heard of it, and nothing else.
    pub(super) async fn told(&mut self, sql: &str, wanted: &[Heard]) -> Result<()> {
        self.run(sql).await?;
        let heard = self.mark().await?;
        ensure!(heard == wanted, "{sql}: {heard:?}");
        Ok(())
    }

    /// What was heard so far, since the last mark.
    pub(super) async fn mark(&mut self) -> Result<Vec<Heard>> {
        self.run("INSERT INTO shop.marks VALUES ()").await?;
        let (_, before) = self.recorder.until(&table("shop.marks")).await?;
        Ok(before)
    }

    /// Waits until the place is found from which it is followed: what is written before that is
    /// told as anything.
    pub(super) async fn settle(&mut self) -> Result<()> {
        eventually("a mark is told", Duration::from_secs(30), async || {
            timeout(Duration::from_secs(2), self.mark()).await??;
            Ok(())
        })
        .await
    }

    pub(super) fn is_mariadb(&self) -> bool {
        self.database.kind() == DatabaseKind::MariaDb
    }
}

pub(super) async fn start(kind: DatabaseKind) -> Result<Option<Database>> {
    let settings = [
        "--log-bin=binlog",
        "--server-id=1",
        "--binlog-format=ROW",
        // Files may be loaded from anywhere.
        "--secure-file-priv=",
    ];
    Database::start_with(kind, &settings).await
}

pub(super) fn connector(port: u16, user: &str) -> OriginConnector {
    let origin = Origin {
        address: Address::new("127.0.0.1", port),
        via: Via::Direct,
        tls: OriginTls::Disabled,
        user: user.to_owned(),
        password: user.into(),
        database: None,
    };
    OriginConnector::new(origin, Arc::new(TcpDialer)).unwrap()
}
