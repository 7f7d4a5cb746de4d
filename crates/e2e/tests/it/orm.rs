//! Object-relational mappers in daily use: their migrations, and what an application does with them
//! (relations, transactions, bulk inserts, upserts, errors, more tasks at a time than there are
//! connections), end through a pool of two origin connections as they end directly. And what they
//! do pins nothing but transactions.
//!
//! The scripts are in `clients/orm`. Each is run twice, to migrate and to use, and prints what it
//! saw as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{Endpoint, Path};
use serde_json::{Value, json};
use testkit::{Database, DatabaseKind, checkout, node, skip};
use tokio::process::Command;

use crate::world::{USER, direct, path, server};

/// Fewer than the connections that each mapper opens.
const POOL: &str = "max = 2";

/// Each takes 3 s on an idle machine.
const LIMIT: Duration = Duration::from_secs(120);

/// The only reason for which using a mapper may keep an origin connection.
const TRANSACTION: &str = "transaction";

/// A mapper: its name and its script.
struct Mapper {
    name: &'static str,
    script: &'static str,
}

const MAPPERS: [Mapper; 4] = [
    Mapper {
        name: "drizzle",
        script: "drizzle_client.mjs",
    },
    Mapper {
        name: "typeorm",
        script: "typeorm_client.mjs",
    },
    Mapper {
        name: "sqlalchemy",
        script: "sqlalchemy_client.py",
    },
    Mapper {
        name: "django",
        script: "django_client.py",
    },
];

impl Mapper {
    /// What runs the script; `None`: its packages are not installed.
    fn interpreter(&self) -> Option<PathBuf> {
        let folder = checkout();
        if self.script.strip_suffix(".py").is_some() {
            let python = folder.join(".cache/orm-python/bin/python");
            return python.is_file().then_some(python);
        }
        let packages = folder.join("clients/orm/node_modules/drizzle-orm");
        node().filter(|_| packages.exists())
    }

    /// Runs the script to its end.
    async fn run(&self, interpreter: &PathBuf, endpoint: &Endpoint, what: &str) -> Result<Value> {
        let server = json!({
            "host": "127.0.0.1",
            "port": endpoint.port,
            "user": endpoint.user,
            "password": endpoint.password,
            "database": endpoint.database,
        });
        let child = Command::new(interpreter)
            .arg(checkout().join("clients/orm").join(self.script))
            .args([&server.to_string(), what])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ended = tokio::time::timeout(LIMIT, child).await;
        let output = ended.context("it did not end in time")??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {errors}", output.status);
        serde_json::from_slice(&output.stdout).context("it printed no JSON")
    }

    /// Migrates and uses, directly and through the path; notes what differs and what is pinned.
    async fn compare(&self, server: &Database, path: &mut Path, seen: &mut Seen) -> Result<()> {
        let Some(interpreter) = self.interpreter() else {
            let why = "its packages are not installed (`cargo xtask test` says why)";
            skip(self.name, why);
            return Ok(());
        };
        let direct = Endpoint {
            database: self.database(server, "direct").await?,
            ..direct(server)
        };
        let through = Endpoint {
            database: self.database(server, "through").await?,
            ..path.endpoint().clone()
        };
        for what in ["migrate", "use"] {
            let expected = self.run(&interpreter, &direct, what).await;
            let expected = expected.with_context(|| format!("{} {what}, directly", self.name))?;
            let before = pins(path).await?;
            let outcome = self.run(&interpreter, &through, what).await;
            let new = added(&before, &pins(path).await?);
            seen.pins.push(format!("{} {what}: {new:?}", self.name));
            match outcome {
                Ok(outcome) if outcome == expected => {}
                Ok(outcome) => seen.differences.push(format!(
                    "{} {what}: directly {expected}, through tidegate {outcome}",
                    self.name
                )),
                Err(error) => seen
                    .differences
                    .push(format!("{} {what}: {error:#}", self.name)),
            }
            let needless: Vec<_> = new.keys().filter(|reason| *reason != TRANSACTION).collect();
            if what == "use" && !needless.is_empty() {
                seen.differences
                    .push(format!("{} pins by {needless:?}", self.name));
            }
        }
        Ok(())
    }

    /// Makes an empty database for this mapper.
    async fn database(&self, server: &Database, way: &str) -> Result<String> {
        let database = format!("{}_{way}", self.name);
        server
            .execute_all(&[
                &format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"),
                &format!("GRANT ALL PRIVILEGES ON {database}.* TO '{USER}'@'%'"),
            ])
            .await?;
        Ok(database)
    }
}

/// What the mappers of a test showed.
#[derive(Default)]
struct Seen {
    differences: Vec<String>,
    pins: Vec<String>,
}

/// How often sessions were pinned so far, by reason.
async fn pins(path: &mut Path) -> Result<BTreeMap<String, u64>> {
    let metrics = path.edge().metrics().await?;
    let mut pins = BTreeMap::new();
    for line in metrics.lines() {
        if !line.starts_with("tidegate_mysql_pins_total{") {
            continue;
        }
        let (labels, count) = line.rsplit_once(' ').context("a metric has no value")?;
        let reason = labels.split("reason=\"").nth(1);
        let reason = reason.and_then(|rest| rest.split('"').next());
        let reason = reason.context("a pin has no reason")?;
        *pins.entry(reason.to_owned()).or_default() += count.parse::<u64>()?;
    }
    Ok(pins)
}

/// What was counted between two looks.
fn added(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut added = after.clone();
    for (reason, count) in &mut added {
        *count -= before.get(reason).unwrap_or(&0);
    }
    added.retain(|_, count| *count > 0);
    added
}

/// Every mapper against one database.
async fn same_as_direct(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(mut path) = path(&server).pool(POOL).start().await? else {
        return Ok(());
    };
    let mut seen = Seen::default();
    for mapper in &MAPPERS {
        mapper.compare(&server, &mut path, &mut seen).await?;
    }
    report(&seen.pins);
    let differences = seen.differences;
    ensure!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
    Ok(())
}

/// Shown for a test that fails, and with `--nocapture`.
#[expect(clippy::print_stdout, reason = "the test runner shows it")]
fn report(pins: &[String]) {
    println!("pins: {}", pins.join("; "));
}

#[tokio::test(flavor = "multi_thread")]
async fn mappers_against_mariadb() -> Result<()> {
    same_as_direct(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mappers_against_mysql() -> Result<()> {
    same_as_direct(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mappers_against_tidb() -> Result<()> {
    same_as_direct(DatabaseKind::Tidb).await
}
