//! What the origin's process list tells of threads: which of those that ran a lost write are there
//! still, and which are busy.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::error::Elapsed;
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
pub(super) struct Threads<'a> {
    connector: &'a OriginConnector,
    conn: Option<(OriginConn, Identity)>,
}

/// Threads that were busy at one moment. What they ran then is over for each that was seen idle, or
/// gone, since. (`TIME` does not tell that: each statement of a procedure begins it anew.)
#[derive(Clone, Debug)]
pub(super) struct Busy(HashSet<u64>);

impl Busy {
    /// Takes those out that are not busy any more. True: that were all.
    pub(super) fn are_done(&mut self, now: &Self) -> bool {
        self.0.retain(|thread| now.0.contains(thread));
        self.0.is_empty()
    }

    /// Their ids, for a message.
    pub(super) fn ids(&self) -> String {
        let ids: Vec<_> = self.0.iter().map(u64::to_string).collect();
        ids.join(", ")
    }
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

    /// The origin's threads that are busy.
    pub(super) async fn busy(&mut self) -> Result<Busy, String> {
        let looked = timeout(LIMIT, async { busy(&mut self.open().await?.0).await }).await;
        self.checked(looked)
    }

    /// For each of these ends, whether its thread is gone. One that sleeps is not, and is killed.
    pub(super) async fn are_gone(&mut self, ends: &mut [LooseEnd]) -> Result<Vec<bool>, String> {
        let looked = timeout(LIMIT, async {
            let (conn, identity) = self.open().await?;
            if identity.tells_threads {
                look_for(ends, conn, &identity.server).await
            } else {
                look_at_all(ends, conn).await
            }
        });
        let looked = looked.await;
        self.checked(looked)
    }

    /// The connection, opened if there is none.
    async fn open(&mut self) -> Result<&mut (OriginConn, Identity), String> {
        let known = if let Some(known) = self.conn.take() {
            known
        } else {
            let opened = self.connector.open_aside(None).await;
            let mut opened = opened.map_err(|error| error.to_string())?;
            let identity = opened.identify().await?;
            self.connector.note_server_name(&identity.server);
            (opened, identity)
        };
        Ok(self.conn.insert(known))
    }

    /// What has failed was perhaps amid an answer: the connection is not used again.
    fn checked<T>(&mut self, looked: Result<Result<T, String>, Elapsed>) -> Result<T, String> {
        let looked = looked.unwrap_or_else(|_| Err(format!("no answer within {LIMIT:?}")));
        if looked.is_err() {
            self.conn = None;
        }
        looked
    }
}

/// Looks for the thread of each of these ends.
async fn look_for(
    ends: &[LooseEnd],
    conn: &mut OriginConn,
    server: &str,
) -> Result<Vec<bool>, String> {
    let began = server_began(conn).await?;
    let threads = threads(conn, ends).await?;
    let mut gone = Vec::with_capacity(ends.len());
    for end in ends {
        let is_of_before = began.is_some_and(|began| end.began <= began);
        let own = threads.get(&end.thread).map(Vec::as_slice);
        let own = own.filter(|_| !is_of_before).unwrap_or_default();
        if end.server.as_deref().is_some_and(|other| other != server) {
            // Those of its id are strangers, unless it was this server already.
            let is_idle = own.iter().all(|thread| thread.sleeps);
            gone.push(is_idle && end.lost.elapsed() >= GRACE);
            continue;
        }
        // Which of several is the one, nothing tells: then it goes by itself.
        if let [thread] = own
            && thread.sleeps
        {
            kill(thread.id, conn).await?;
        }
        gone.push(own.is_empty() && (is_of_before || is_unknown(end.thread, conn).await?));
    }
    Ok(gone)
}

/// True if the server knows no thread of this id. To a user without the right `PROCESS` the list
/// leaves out those that run a program of another definer, a trigger for one. `KILL` tells these
/// from none (1095, 1094), and does them no harm.
async fn is_unknown(thread: u32, conn: &mut OriginConn) -> Result<bool, String> {
    const NO_SUCH_THREAD: u16 = 1094;
    if conn.flavor().is_tidb() {
        return Ok(true);
    }
    let asked = conn.ask(format!("KILL QUERY {thread}").as_bytes()).await;
    let refusal = asked.map_err(|error| error.to_string())?.refusal();
    Ok(refusal.is_some_and(|refusal| refusal.code == NO_SUCH_THREAD))
}

/// Where a login is told another id than its thread has: a write is over when it cannot be on its
/// way any more, and all are done that were busy then.
async fn look_at_all(ends: &mut [LooseEnd], conn: &mut OriginConn) -> Result<Vec<bool>, String> {
    let now = busy(conn).await?;
    let is_over = |end: &mut LooseEnd| {
        if end.lost.elapsed() < GRACE {
            return false;
        }
        let then = end.busy.get_or_insert_with(|| now.clone());
        then.are_done(&now)
    };
    Ok(ends.iter_mut().map(is_over).collect())
}

/// The threads that are busy, but for those of replication and of the server itself. Of any user,
/// since one that runs a program shows that of its definer.
async fn busy(conn: &mut OriginConn) -> Result<Busy, String> {
    let table = process_list(conn.flavor());
    let question = format!(
        "SELECT ID, COMMAND FROM information_schema.{table} \
         WHERE COMMAND NOT IN ('Sleep', 'Daemon', 'Connect', 'Slave_IO', 'Slave_SQL') \
         AND COMMAND NOT LIKE 'Binlog Dump%' AND ID <> CONNECTION_ID() \
         AND USER NOT IN ('system user', 'event_scheduler')"
    );
    let rows = rows(conn, &question).await?;
    Ok(Busy(rows.into_iter().map(|(id, _)| id).collect()))
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
            sleeps: command == "Sleep",
        });
    }
    Ok(threads)
}

/// Asks for ids and commands of threads.
async fn rows(conn: &mut OriginConn, question: &str) -> Result<Vec<(u64, String)>, String> {
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
        let [id, command] = <[_; 2]>::try_from(row?).ok()?;
        Some((id?.parse().ok()?, command?))
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
