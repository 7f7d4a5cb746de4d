//! Plays a program on a connection of its own and notes every reply.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use mysql_proto::{Command, ErrPacket, native_password};

use super::connection::Connection;
use super::execute::{self, Bound};
use super::read::{self, Statement, replies};
use super::reply::{Reply, Row};
use super::step::{Ending, Execution, Program, Step};
use crate::Endpoint;

/// Longer than the buffers between the server and a client that does not read.
const LONG_RESULT: &str = "SELECT REPEAT('x', 4000000) UNION ALL SELECT REPEAT('y', 4000000)";

/// No statement has it.
const NO_STATEMENT: u32 = 0x7FFF_FFF0;

/// Columns whose value is the id of the connection.
const ID_COLUMNS: [&str; 2] = ["connection_id", "thread_id"];

/// What a session was told: first of its login, then of each step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Transcript(pub(super) Vec<Vec<Reply>>);

struct Session<'a> {
    connection: Connection,
    endpoint: &'a Endpoint,
    statements: BTreeMap<u8, Open>,
}

/// A statement that was prepared.
struct Open {
    statement: Statement,
    bound: Bound,
}

/// Plays the whole program, or up to where the connection is lost.
pub(super) async fn play(program: &Program, endpoint: &Endpoint) -> Transcript {
    let (connection, reply) = Connection::open(endpoint, &program.login).await;
    let mut transcript = vec![vec![reply]];
    let Some(connection) = connection else {
        return Transcript(transcript);
    };
    let mut session = Session {
        connection,
        endpoint,
        statements: BTreeMap::new(),
    };
    for step in &program.steps {
        let replies = match session.step(step).await {
            Ok(replies) => replies,
            Err(error) => vec![Reply::lost(&error)],
        };
        let lost = replies.iter().any(Reply::is_lost);
        transcript.push(replies);
        if lost {
            return Transcript(transcript);
        }
    }
    if let Err(error) = session.end(program.ending).await {
        transcript.push(vec![Reply::Lost(format!("at the end: {error:#}"))]);
    }
    Transcript(transcript)
}

impl Session<'_> {
    async fn step(&mut self, step: &Step) -> Result<Vec<Reply>> {
        match step {
            Step::Query(sql) => self.ask(Command::QUERY, sql.as_bytes()).await,
            Step::InitDb(database) => self.ask(Command::INIT_DB, database.as_bytes()).await,
            Step::Ping => self.ask(Command::PING, &[]).await,
            Step::Statistics => self.ask(Command::STATISTICS, &[]).await,
            Step::ResetConnection => {
                self.statements.clear();
                self.ask(Command::RESET_CONNECTION, &[]).await
            }
            Step::ChangeUser(database) => self.change_user(database.as_deref()).await,
            Step::SetOption(multi) => {
                let option = u16::from(!*multi);
                self.ask(Command::SET_OPTION, &option.to_le_bytes()).await
            }
            Step::FieldList(table) => {
                let argument = [table.as_bytes(), &[0]].concat();
                self.ask(Command::FIELD_LIST, &argument).await
            }
            Step::Prepare(slot, sql) => self.prepare(*slot, sql).await,
            Step::Execute(execution) => self.execute(execution).await,
            Step::LongData(slot, parameter, text) => {
                self.long_data(*slot, *parameter, text).await?;
                Ok(Vec::new())
            }
            Step::Fetch(slot, rows) => {
                let argument = [self.id(*slot).to_le_bytes(), rows.to_le_bytes()].concat();
                self.ask_of(*slot, Command::STMT_FETCH, &argument).await
            }
            Step::ResetStatement(slot) => {
                if let Some(open) = self.statements.get_mut(slot) {
                    open.bound.forget_long_data();
                }
                let argument = self.id(*slot).to_le_bytes();
                self.ask_of(*slot, Command::STMT_RESET, &argument).await
            }
            Step::Pause(milliseconds) => {
                tokio::time::sleep(Duration::from_millis((*milliseconds).into())).await;
                Ok(Vec::new())
            }
            Step::CloseStatement(slot) => {
                let id = self.id(*slot);
                self.statements.remove(slot);
                self.connection
                    .send(Command::STMT_CLOSE, &id.to_le_bytes())
                    .await?;
                Ok(Vec::new())
            }
        }
    }

    fn id(&self, slot: u8) -> u32 {
        self.statements
            .get(&slot)
            .map_or(NO_STATEMENT, |open| open.statement.id)
    }

    /// Sends a command and takes its replies, in which the connection's own id is given a name.
    async fn ask(&mut self, command: Command, argument: &[u8]) -> Result<Vec<Reply>> {
        self.send(command, argument).await?;
        let (mut replies, _) = replies(&mut self.connection, command).await;
        name_connection(&mut replies, self.connection.id);
        Ok(replies)
    }

    async fn send(&mut self, command: Command, argument: &[u8]) -> Result<()> {
        ensure!(
            self.connection.is_idle(),
            "bytes came that nobody asked for"
        );
        self.connection.send(command, argument).await
    }

    /// As [`Session::ask`], for a command on a statement, whose id errors may name.
    async fn ask_of(&mut self, slot: u8, command: Command, argument: &[u8]) -> Result<Vec<Reply>> {
        let id = self.id(slot);
        let mut replies = self.ask(command, argument).await?;
        for reply in &mut replies {
            if let Reply::Error(ErrPacket { message, .. }) = reply {
                *message = message.replace(&format!("({id})"), "(the statement)");
            }
        }
        Ok(replies)
    }

    async fn prepare(&mut self, slot: u8, sql: &str) -> Result<Vec<Reply>> {
        let before = self.statements.remove(&slot);
        let command = Command::STMT_PREPARE;
        self.send(command, sql.as_bytes()).await?;
        let (replies, statement) = replies(&mut self.connection, command).await;
        if let Some(statement) = statement {
            let bound = Bound::default();
            self.statements.insert(slot, Open { statement, bound });
        }
        if let Some(before) = before {
            let id = before.statement.id.to_le_bytes();
            self.connection.send(Command::STMT_CLOSE, &id).await?;
        }
        Ok(replies)
    }

    async fn execute(&mut self, execution: &Execution) -> Result<Vec<Reply>> {
        let id = self.id(execution.slot);
        let own_id = self.connection.id;
        let argument = match self.statements.get_mut(&execution.slot) {
            None => execute::without_parameters(id, execution.cursor),
            Some(open) => {
                let count = open.statement.parameters;
                execute::encode(id, count, execution, &mut open.bound, own_id)
            }
        };
        self.ask_of(execution.slot, Command::STMT_EXECUTE, &argument)
            .await
    }

    async fn long_data(&mut self, slot: u8, parameter: u16, text: &str) -> Result<()> {
        let id = self.id(slot);
        if let Some(open) = self.statements.get_mut(&slot) {
            if usize::from(parameter) >= open.statement.parameters {
                return Ok(());
            }
            open.bound.has_long_data(parameter);
        }
        let mut argument = id.to_le_bytes().to_vec();
        argument.extend_from_slice(&parameter.to_le_bytes());
        argument.extend_from_slice(text.as_bytes());
        self.connection
            .send(Command::STMT_SEND_LONG_DATA, &argument)
            .await
    }

    /// Logs in again as the same user.
    async fn change_user(&mut self, database: Option<&str>) -> Result<Vec<Reply>> {
        self.statements.clear();
        let password = self.endpoint.password.as_bytes();
        let scrambled = native_password::scramble(password, &self.connection.nonce);
        let mut argument = self.endpoint.user.clone().into_bytes();
        argument.push(0);
        argument.push(u8::try_from(scrambled.len())?);
        argument.extend_from_slice(&scrambled);
        argument.extend_from_slice(database.unwrap_or_default().as_bytes());
        argument.extend_from_slice(&[0, 45, 0]);
        argument.extend_from_slice(native_password::NAME.as_bytes());
        argument.push(0);
        self.send(Command::CHANGE_USER, &argument).await?;
        let replies = read::change_user(&mut self.connection, password).await;
        Ok(vec![replies?])
    }

    async fn end(mut self, ending: Ending) -> Result<()> {
        match ending {
            Ending::Quit => self.connection.quit().await,
            Ending::HangUp => Ok(()),
            Ending::HangUpAmidResult => {
                let sql = LONG_RESULT.as_bytes();
                self.connection.send(Command::QUERY, sql).await?;
                self.connection.begin_reply().await
            }
        }
    }
}

/// The connection's id differs between two runs of a program, and is right on both.
fn name_connection(replies: &mut [Reply], id: u32) {
    let id = id.to_string();
    for reply in replies {
        let Reply::Rows(result) = reply else { continue };
        let columns = result.columns.iter().enumerate().filter(|(_, column)| {
            let name = column.name().to_lowercase();
            ID_COLUMNS.iter().any(|part| name.contains(part))
        });
        let places: Vec<usize> = columns.map(|(place, _)| place).collect();
        for row in &mut result.rows {
            let Row::Text(values) = row else { continue };
            for place in &places {
                if let Some(Some(value)) = values.get_mut(*place)
                    && *value == id.as_bytes()
                {
                    *value = Bytes::from_static(b"the connection's own id");
                }
            }
        }
    }
}
