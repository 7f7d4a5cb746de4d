//! Which of the origin's threads that ran a lost write are there still.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::LooseEnd;
use crate::origin::{Flavor, Identity, OriginConn, OriginConnector};

/// Longest that one look may take, with the login if it needs one.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a write may be on its way to an origin that tells nothing of its threads, or is another
/// server by now.
const GRACE: Duration = Duration::from_secs(60);

/// What the process list tells of one thread.
struct Thread {
    /// Its whole id: see [`question`].
    id: u64,
    sleeps: bool,
}

/// A connection for the looks, while there is one.
pub(crate) struct Threads<'a> {
    connector: &'a OriginConnector,
    conn: Option<(OriginConn, Identity)>,
}

impl<'a> Threads<'a> {
    pub(super) fn of(connector: &'a OriginConnector) -> Self {
        Self {
            connector,
            conn: None,
        }
    }

    /// Nothing is looked for, for now.
    pub(super) fn rest(&mut self) {
        if let Some((conn, _)) = self.conn.take() {
            conn.quit();
        }
    }

    /// True while the user has a thread that has been busy since that moment: what another edge has
    /// sent, or this one before it was started anew, may be a write.
    pub(super) async fn are_busy_since(&mut self, moment: Instant) -> Result<bool, String> {
        let mut conn = self.conn.take();
        let looked = timeout(LIMIT, longest_busy(self.connector, &mut conn)).await;
        let longest = looked.map_err(|_| format!("no answer within {LIMIT:?}"))??;
        self.conn = conn;
        let elapsed = moment.elapsed().as_secs_f64();
        Ok(longest.is_some_and(|longest| longest + 1.0 >= elapsed))
    }

    /// For each of these ends, whether its thread is gone. One that sleeps is not, and is killed.
    pub(super) async fn are_gone(&mut self, ends: &[LooseEnd]) -> Result<Vec<bool>, String> {
        let mut conn = self.conn.take();
        let looked = timeout(LIMIT, look(self.connector, &mut conn, ends)).await;
        let gone = looked.map_err(|_| format!("no answer within {LIMIT:?}"))??;
        // One that has failed is not used again.
        self.conn = conn;
        Ok(gone)
    }
}

/// The connection for the looks, opened if there is none.
async fn open<'c>(
    connector: &OriginConnector,
    conn: &'c mut Option<(OriginConn, Identity)>,
) -> Result<&'c mut (OriginConn, Identity), String> {
    if let Some(known) = conn {
        return Ok(known);
    }
    let opened = connector.open_aside(None).await;
    let mut opened = opened.map_err(|error| error.to_string())?;
    let identity = opened.identify().await?;
    Ok(conn.insert((opened, identity)))
}

async fn look(
    connector: &OriginConnector,
    conn: &mut Option<(OriginConn, Identity)>,
    ends: &[LooseEnd],
) -> Result<Vec<bool>, String> {
    let (conn, identity) = open(connector, conn).await?;
    if !identity.tells_threads {
        let longest = busy(conn).await?.unwrap_or_default();
        let is_over = |end: &LooseEnd| {
            let since = end.lost.elapsed();
            since >= GRACE && longest + 1.0 < since.as_secs_f64()
        };
        // It cannot be on its way any more, and none has been busy since.
        return Ok(ends.iter().map(is_over).collect());
    }
    let began = server_began(conn).await?;
    let threads = threads(conn, ends).await?;
    let mut gone = Vec::with_capacity(ends.len());
    for end in ends {
        let other = end.server.as_ref().filter(|it| **it != identity.server);
        if other.is_some() {
            // It may have taken over what the other one had committed, and runs nothing of it.
            gone.push(end.lost.elapsed() >= GRACE);
            continue;
        }
        let is_of_before = began.is_some_and(|began| end.began <= began);
        let own = threads.get(&end.thread).map(Vec::as_slice);
        let own = own.filter(|_| !is_of_before).unwrap_or_default();
        // Which of several is the one, nothing tells: then it goes by itself.
        if let [thread] = own
            && thread.sleeps
        {
            kill(thread.id, conn).await?;
        }
        gone.push(own.is_empty());
    }
    Ok(gone)
}

async fn longest_busy(
    connector: &OriginConnector,
    conn: &mut Option<(OriginConn, Identity)>,
) -> Result<Option<f64>, String> {
    let (conn, _) = open(connector, conn).await?;
    busy(conn).await
}

/// For how long the user's threads have been busy, the longest of them, in seconds; but for those
/// that send a binary log.
async fn busy(conn: &mut OriginConn) -> Result<Option<f64>, String> {
    let table = process_list(conn.flavor());
    let question = format!(
        "SELECT ID, TIME FROM information_schema.{table} \
         WHERE USER = SUBSTRING_INDEX(USER(), '@', 1) AND COMMAND <> 'Sleep' \
         AND COMMAND NOT LIKE 'Binlog Dump%' AND ID <> CONNECTION_ID()"
    );
    let rows = rows(conn, &question).await?;
    let times = rows.iter().map(|(_, time)| time.as_deref()?.parse().ok());
    let times: Option<Vec<f64>> = times.collect();
    let times = times.ok_or("the process list cannot be read")?;
    Ok(times.into_iter().reduce(f64::max))
}

/// The threads of these ends that are there, by the id that their logins were told.
async fn threads(
    conn: &mut OriginConn,
    ends: &[LooseEnd],
) -> Result<HashMap<u32, Vec<Thread>>, String> {
    let question = question(conn.flavor(), ends);
    let mut threads: HashMap<u32, Vec<Thread>> = HashMap::new();
    for (id, command) in rows(conn, &question).await? {
        let told = u32::try_from(id & u64::from(u32::MAX)).unwrap_or_default();
        threads.entry(told).or_default().push(Thread {
            id,
            sleeps: command.as_deref() == Some("Sleep"),
        });
    }
    Ok(threads)
}

/// Asks for the ids of threads, and something else of each.
async fn rows(conn: &mut OriginConn, question: &str) -> Result<Vec<(u64, Option<String>)>, String> {
    let answer = conn.ask(question.as_bytes()).await;
    let answer = answer.map_err(|error| error.to_string())?;
    if let Some(refusal) = answer.refusal() {
        return Err(refusal.message);
    }
    // An instance of TiDB's that does not answer is a warning, and its threads are left out.
    if answer.is_cut || (conn.flavor().is_tidb() && answer.summary.warnings > 0) {
        return Err("the process list is not whole".to_owned());
    }
    let read = |row: Option<Vec<Option<String>>>| {
        let [id, other] = <[_; 2]>::try_from(row?).ok()?;
        Some((id?.parse().ok()?, other))
    };
    let rows: Option<Vec<_>> = answer.text_rows(conn.has_eof()).map(read).collect();
    rows.ok_or_else(|| "the process list cannot be read".to_owned())
}

/// The table that has all threads. TiDB's instances have a list each; ids are those of all.
fn process_list(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::TiDb => "CLUSTER_PROCESSLIST",
        Flavor::MySql | Flavor::MariaDb { .. } => "PROCESSLIST",
    }
}

/// Asks for the threads of these ends.
///
/// Of an id of TiDB's that has 64 bits (`enable-32bits-connection-id = false`, and all before 7.0)
/// a login is told the lower half, which threads of other instances may have as well.
fn question(flavor: Flavor, ends: &[LooseEnd]) -> String {
    let table = process_list(flavor);
    let id = if flavor.is_tidb() {
        "ID & 4294967295"
    } else {
        "ID"
    };
    let ids: Vec<_> = ends.iter().map(|end| end.thread.to_string()).collect();
    let ids = ids.join(",");
    format!("SELECT ID, COMMAND FROM information_schema.{table} WHERE {id} IN ({ids})")
}

/// Before this moment the server had not begun yet: its threads of then are gone, and their ids may
/// be given to others. `None`: TiDB's are not given twice.
async fn server_began(conn: &mut OriginConn) -> Result<Option<Instant>, String> {
    if conn.flavor().is_tidb() {
        return Ok(None);
    }
    let row = conn.ask_row("SHOW GLOBAL STATUS LIKE 'Uptime'").await;
    let row = row.map_err(|error| error.to_string())?.unwrap_or_default();
    let uptime = row.get(1).and_then(Option::as_deref);
    let uptime: Option<u64> = uptime.and_then(|text| text.parse().ok());
    // Whole seconds that have passed: it is up for less than one more.
    Ok(uptime.and_then(|seconds| Instant::now().checked_sub(Duration::from_secs(seconds + 1))))
}

async fn kill(thread: u64, conn: &mut OriginConn) -> Result<(), String> {
    let statement = match conn.flavor() {
        Flavor::TiDb => format!("KILL TIDB CONNECTION {thread}"),
        Flavor::MySql | Flavor::MariaDb { .. } => format!("KILL CONNECTION {thread}"),
    };
    // It may have gone by itself just now: the next look will tell.
    let told = conn.ask(statement.as_bytes()).await;
    told.map(drop).map_err(|error| error.to_string())
}
