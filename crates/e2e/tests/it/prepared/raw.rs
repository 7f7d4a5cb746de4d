//! A client that sends the commands of prepared statements as it likes, and writes down the very
//! bytes of each response.

use anyhow::{Context, Result, ensure};
use e2e::Endpoint;
use mysql_client::log_in;
use mysql_proto::{
    Capabilities, ClientConfig, Command, ErrPacket, HEADER_LEN, ResponseState, ResponseTracker,
    Summary, patch_statement_id, write_command,
};
use net::BoxStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Types of parameters, as they are bound.
pub(super) const INT: [u8; 2] = [3, 0];
pub(super) const DOUBLE: [u8; 2] = [5, 0];
pub(super) const TEXT: [u8; 2] = [253, 0];

/// What an execution asks for a cursor with.
pub(super) const CURSOR: u8 = 1;

/// Bytes of an error that tell its code and state; its sentence names ids.
const CODE_AND_STATE: usize = HEADER_LEN + 9;

/// Bytes of a long response that are written down.
const SHOWN: usize = 4096;

/// One session.
pub(super) struct Raw {
    stream: BoxStream,
    capabilities: Capabilities,
    /// The server is TiDB.
    pub(super) is_tidb: bool,
    /// What was done, and what came back.
    pub(super) log: Vec<(String, Vec<u8>)>,
}

/// The parameters of an execution, all of one type.
#[derive(Clone, Default)]
pub(super) struct Values {
    /// Bound with it; else those of the execution before hold.
    pub(super) types: Vec<[u8; 2]>,
    pub(super) count: usize,
    pub(super) nulls: u8,
    pub(super) bytes: Vec<u8>,
    pub(super) flags: u8,
}

impl Values {
    /// One number, with its type.
    pub(super) fn int(value: i32) -> Self {
        Self {
            types: vec![INT],
            count: 1,
            bytes: value.to_le_bytes().to_vec(),
            ..Self::default()
        }
    }

    /// One floating point number, with its type.
    pub(super) fn double(value: f64) -> Self {
        Self {
            types: vec![DOUBLE],
            count: 1,
            bytes: value.to_le_bytes().to_vec(),
            ..Self::default()
        }
    }

    /// One text of at most 250 bytes, with its type.
    pub(super) fn text(value: &str) -> Self {
        let len = u8::try_from(value.len()).unwrap_or(u8::MAX);
        let mut bytes = vec![len];
        bytes.extend(value.bytes().take(len.into()));
        Self {
            types: vec![TEXT],
            count: 1,
            bytes,
            ..Self::default()
        }
    }

    /// No parameters, and a cursor.
    pub(super) fn cursor() -> Self {
        Self {
            flags: CURSOR,
            ..Self::default()
        }
    }

    /// The types are those of the execution before.
    pub(super) fn without_types(self) -> Self {
        Self {
            types: Vec::new(),
            ..self
        }
    }
}

impl Raw {
    /// Logs in. `capabilities`: beside the usual.
    pub(super) async fn connect(endpoint: &Endpoint, capabilities: Capabilities) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", endpoint.port)).await?;
        stream.set_nodelay(true)?;
        let usual = Capabilities::LONG_PASSWORD
            | Capabilities::PROTOCOL_41
            | Capabilities::TRANSACTIONS
            | Capabilities::SECURE_CONNECTION
            | Capabilities::MULTI_RESULTS
            | Capabilities::PS_MULTI_RESULTS
            | Capabilities::PLUGIN_AUTH
            | Capabilities::CONNECT_WITH_DB;
        let config = ClientConfig {
            user: endpoint.user.clone(),
            password: endpoint.password.clone().into_bytes(),
            database: Some(endpoint.database.clone()),
            collation: 45,
            capabilities: usual | capabilities,
            attributes: Vec::new(),
            tls: false,
            transport_is_private: true,
        };
        let logged_in = log_in(Box::new(stream), config, None).await?;
        Ok(Self {
            stream: logged_in.stream,
            capabilities: logged_in.capabilities,
            is_tidb: false,
            log: Vec::new(),
        })
    }

    /// Sends a command, and writes down what came back.
    pub(super) async fn ask(
        &mut self,
        what: String,
        command: Command,
        argument: &[u8],
    ) -> Result<Summary> {
        self.send(command, argument).await?;
        let mut tracker = ResponseTracker::new(command, self.capabilities);
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = self.stream.read(&mut buffer).await?;
            ensure!(count > 0, "{what}: hung up");
            let fed = tracker.feed(&buffer[..count])?;
            ensure!(fed.consumed == count, "{what}: more than was asked for");
            bytes.extend_from_slice(&buffer[..count]);
            if fed.state == ResponseState::Done {
                break;
            }
        }
        if bytes.get(HEADER_LEN) == Some(&ErrPacket::HEADER) {
            bytes.drain(..HEADER_LEN - 1);
            bytes.truncate(CODE_AND_STATE - HEADER_LEN + 1);
        } else if command == Command::STMT_PREPARE {
            patch_statement_id(&mut bytes[HEADER_LEN..], 0);
        }
        bytes.truncate(SHOWN);
        self.log.push((what, bytes));
        Ok(*tracker.summary())
    }

    async fn send(&mut self, command: Command, argument: &[u8]) -> Result<()> {
        let mut packet = Vec::new();
        write_command(&mut packet, command, argument);
        self.stream.write_all(&packet).await?;
        Ok(self.stream.flush().await?)
    }

    pub(super) async fn query(&mut self, sql: &str) -> Result<Summary> {
        self.ask(sql.to_owned(), Command::QUERY, sql.as_bytes())
            .await
    }

    /// Prepares; gives the id, which is not written down.
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<u32> {
        let what = format!("prepare {sql}");
        let summary = self.ask(what.clone(), Command::STMT_PREPARE, sql.as_bytes());
        let summary = summary.await?;
        let id = summary.statement_id;
        id.with_context(|| format!("{what}: error {:?}", summary.error))
    }

    pub(super) async fn execute(&mut self, id: u32, values: &Values) -> Result<Summary> {
        let mut argument = id.to_le_bytes().to_vec();
        argument.push(values.flags);
        argument.extend(1_u32.to_le_bytes());
        if values.count > 0 {
            argument.push(values.nulls);
            argument.push(u8::from(!values.types.is_empty()));
            argument.extend(values.types.iter().flatten());
            argument.extend(&values.bytes);
        }
        let shown = values.bytes.get(..values.bytes.len().min(40));
        let what = format!("execute {:?} {shown:?} {}", values.types, values.flags);
        self.ask(what, Command::STMT_EXECUTE, &argument).await
    }

    pub(super) async fn fetch(&mut self, id: u32, rows: u32) -> Result<Summary> {
        let argument = [id.to_le_bytes(), rows.to_le_bytes()].concat();
        self.ask(format!("fetch {rows}"), Command::STMT_FETCH, &argument)
            .await
    }

    pub(super) async fn reset(&mut self, id: u32) -> Result<Summary> {
        let what = "reset the statement".to_owned();
        self.ask(what, Command::STMT_RESET, &id.to_le_bytes()).await
    }

    pub(super) async fn close(&mut self, id: u32) -> Result<()> {
        self.send(Command::STMT_CLOSE, &id.to_le_bytes()).await
    }

    pub(super) async fn long_data(&mut self, id: u32, parameter: u16, data: &[u8]) -> Result<()> {
        let mut argument = id.to_le_bytes().to_vec();
        argument.extend(parameter.to_le_bytes());
        argument.extend(data);
        self.send(Command::STMT_SEND_LONG_DATA, &argument).await
    }
}
