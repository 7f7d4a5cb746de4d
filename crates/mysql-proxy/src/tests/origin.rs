//! An origin that answers by script.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use domain::Address;
use mysql_proto::{
    AuthPlugin, Capabilities, ColumnDefinition, ColumnType, Command, ErrPacket, OkPacket,
    PacketReader, ServerConfig, ServerEvent, ServerHandshake, StatusFlags, TextResultSet,
    statement_id, write_packet,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// Longest command that a test sends.
const MAX_COMMAND: usize = 32 << 20;

/// How the origin answers a query.
pub(super) enum Reply {
    Ok {
        in_transaction: bool,
    },
    /// OK, with this last insert id.
    Inserted(u64),
    Rows(u64),
    /// One row of one column, without a value.
    Null,
    Error(u16),
    /// To a preparation: so many ids are left out.
    Prepared {
        gap: u32,
    },
    /// One byte at a time.
    Trickled {
        rows: u64,
    },
    /// Closes the connection without a word.
    Hangup,
    /// Says nothing, and keeps the connection.
    Silence,
    /// Says nothing until another connection sends `KILL QUERY`, and then the error for that.
    UntilKilled,
    /// Sends two rows, or one and a half, and closes.
    RowsThenHangup {
        amid: bool,
    },
    /// Answers in full, then closes the idle connection.
    RowsThenClose,
    /// Answers in full, and goes on talking.
    RowsAndMore,
}

pub(super) struct ScriptedOrigin {
    address: Address,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    version: &'static str,
    script: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    next_id: AtomicU32,
    connections: AtomicUsize,
    closed: Semaphore,
    queries: Mutex<Vec<String>>,
    /// Statements that wait to be killed, by connection id.
    waiting: Mutex<HashMap<u32, oneshot::Sender<()>>>,
}

impl ScriptedOrigin {
    pub(super) async fn start(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_as("8.0.0-scripted", script).await
    }

    /// One of this version.
    pub(super) async fn start_as(
        version: &'static str,
        script: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::new("127.0.0.1", listener.local_addr().unwrap().port());
        let shared = Arc::new(Shared {
            version,
            script: Box::new(script),
            next_id: AtomicU32::new(1),
            connections: AtomicUsize::new(0),
            closed: Semaphore::new(0),
            queries: Mutex::default(),
            waiting: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub(super) fn address(&self) -> Address {
        self.address.clone()
    }

    /// Logins so far.
    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How often this query came.
    pub(super) fn times(&self, sql: &str) -> usize {
        let queries = self.shared.queries.lock().unwrap();
        queries.iter().filter(|query| *query == sql).count()
    }

    /// Waits until this query has come.
    pub(super) async fn has_seen(&self, sql: &str) {
        while self.times(sql) == 0 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a connection was closed by script, and the edge's runtime could see it.
    pub(super) async fn closed_once(&self) {
        self.shared.closed.acquire().await.unwrap().forget();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

impl Drop for ScriptedOrigin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn kill(&self, id: u32) -> Reply {
        if let Some(killer) = self.waiting.lock().unwrap().remove(&id) {
            killer.send(()).ok();
        }
        Reply::Ok {
            in_transaction: false,
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut connection = Connection {
                stream,
                input: BytesMut::new(),
                reader: PacketReader::new(MAX_COMMAND),
                capabilities: Capabilities::empty(),
                statements: HashMap::new(),
                last_statement: 0,
                id: shared.next_id.fetch_add(1, Ordering::SeqCst),
                shared,
            };
            connection.log_in().await;
            connection.serve().await;
        });
    }
}

struct Connection {
    stream: TcpStream,
    input: BytesMut,
    reader: PacketReader,
    capabilities: Capabilities,
    id: u32,
    /// Prepared ones, by id.
    statements: HashMap<u32, String>,
    last_statement: u32,
    shared: Arc<Shared>,
}

impl Connection {
    async fn log_in(&mut self) {
        let mut handshake = ServerHandshake::new(ServerConfig {
            server_version: self.shared.version.to_owned(),
            connection_id: self.id,
            nonce: *b"abcdefghijklmnopqrst",
            capabilities: Capabilities::all() - Capabilities::SSL,
            collation: 45,
            default_plugin: AuthPlugin::CachingSha2Password,
        });
        let mut out = Vec::new();
        handshake.greeting(&mut out);
        loop {
            self.stream.write_all(&out).await.unwrap();
            out.clear();
            self.stream.read_buf(&mut self.input).await.unwrap();
            let mut event = handshake.input(&mut self.input, &mut out).unwrap();
            if event == ServerEvent::Identify {
                let password = b"origin-password";
                event = handshake.authenticate(Some(password), &mut out).unwrap();
            }
            if event == ServerEvent::Authenticated {
                break;
            }
        }
        handshake.accept(&OkPacket::default(), &mut out);
        self.stream.write_all(&out).await.unwrap();
        self.capabilities = handshake.capabilities();
        self.shared.connections.fetch_add(1, Ordering::SeqCst);
    }

    async fn serve(&mut self) {
        loop {
            while let Some(packet) = self.reader.next(&mut self.input).unwrap() {
                if packet.payload[0] == Command::QUIT.0 {
                    return;
                }
                let sql = self.text(&packet.payload);
                let reply = match sql.strip_prefix("KILL QUERY ") {
                    Some(id) => self.shared.kill(id.parse().unwrap()),
                    None if sql == "EXECUTE ?" => Reply::Error(1243),
                    None => (self.shared.script)(&sql),
                };
                if let Reply::Prepared { gap } = reply {
                    self.last_statement += 1 + gap;
                    let text = sql.strip_prefix("PREPARE ").unwrap().to_owned();
                    self.statements.insert(self.last_statement, text);
                }
                self.shared.queries.lock().unwrap().push(sql);
                if packet.payload[0] == Command::STMT_CLOSE.0 {
                    continue;
                }
                if !self.reply(reply, packet.sequence_id.wrapping_add(1)).await {
                    self.stream.shutdown().await.ok();
                    self.shared.closed.add_permits(1);
                    return;
                }
            }
            if !matches!(self.stream.read_buf(&mut self.input).await, Ok(1..)) {
                return;
            }
        }
    }

    /// What a command is called in scripts and counts.
    fn text(&mut self, payload: &[u8]) -> String {
        let argument = &payload[1..];
        let statement = || statement_id(payload).and_then(|id| self.statements.get(&id));
        let named = |verb: &str| format!("{verb} {}", statement().map_or("?", String::as_str));
        match Command(payload[0]) {
            Command::STMT_PREPARE => format!("PREPARE {}", String::from_utf8_lossy(argument)),
            Command::STMT_EXECUTE => named("EXECUTE"),
            Command::STMT_CLOSE => named("CLOSE"),
            Command::RESET_CONNECTION => {
                self.statements.clear();
                "RESET".to_owned()
            }
            _ => String::from_utf8(argument.to_vec()).unwrap(),
        }
    }

    /// False: close the connection.
    async fn send_ok(&mut self, in_transaction: bool, id: u64, sequence_id: u8) -> bool {
        let mut status = StatusFlags::AUTOCOMMIT;
        status.set(StatusFlags::IN_TRANS, in_transaction);
        let ok = OkPacket {
            status,
            last_insert_id: id,
            ..OkPacket::default()
        };
        let mut out = Vec::new();
        ok.write(&mut out, &mut { sequence_id }, self.capabilities);
        self.send(&out).await
    }

    async fn reply(&mut self, reply: Reply, sequence_id: u8) -> bool {
        match reply {
            Reply::Hangup => false,
            Reply::Silence => true,
            Reply::UntilKilled => {
                let (sender, killed) = oneshot::channel();
                self.shared.waiting.lock().unwrap().insert(self.id, sender);
                if killed.await.is_err() {
                    return false;
                }
                let error = ErrPacket::new(1317, *b"70100", "interrupted");
                let mut out = Vec::new();
                error.write(&mut out, &mut { sequence_id }, self.capabilities);
                self.send(&out).await
            }
            Reply::Ok { in_transaction } => self.send_ok(in_transaction, 0, sequence_id).await,
            Reply::Inserted(id) => self.send_ok(false, id, sequence_id).await,
            Reply::Error(code) => {
                let mut out = Vec::new();
                let error = ErrPacket::new(code, *b"HY000", "by script");
                error.write(&mut out, &mut { sequence_id }, self.capabilities);
                self.send(&out).await
            }
            Reply::Prepared { .. } => {
                let mut payload = vec![0];
                payload.extend(self.last_statement.to_le_bytes());
                payload.extend([0; 7]); // no columns, no parameters, no warnings
                let mut out = Vec::new();
                write_packet(&mut out, &mut { sequence_id }, &payload);
                self.send(&out).await
            }
            Reply::Rows(rows) => self.send(&self.rows(rows, sequence_id)).await,
            Reply::Null => self.send(&self.rows_of(None, 1, sequence_id)).await,
            Reply::Trickled { rows } => {
                for byte in self.rows(rows, sequence_id) {
                    self.send(&[byte]).await;
                    tokio::task::yield_now().await;
                }
                true
            }
            Reply::RowsThenHangup { amid } => {
                // The end is an OK packet of 11 bytes, the row before it has 6.
                let bytes = self.rows(2, sequence_id);
                let cut = if amid { 13 } else { 11 };
                self.send(&bytes[..bytes.len() - cut]).await;
                false
            }
            Reply::RowsThenClose => {
                self.send(&self.rows(1, sequence_id)).await;
                false
            }
            Reply::RowsAndMore => {
                let mut bytes = self.rows(1, sequence_id);
                bytes.extend_from_slice(&[1, 0, 0, 0, 0]);
                self.send(&bytes).await
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    fn rows(&self, count: u64, sequence_id: u8) -> Vec<u8> {
        self.rows_of(Some(b"1"), count, sequence_id)
    }

    fn rows_of(&self, value: Option<&[u8]>, count: u64, sequence_id: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let columns = [ColumnDefinition::new("n", ColumnType::LONGLONG, 63)];
        let status = StatusFlags::AUTOCOMMIT;
        let mut set =
            TextResultSet::columns(&mut out, sequence_id, self.capabilities, status, &columns);
        for _ in 0..count {
            set.row(&mut out, [value]);
        }
        set.finish(&mut out, 0);
        out
    }
}
