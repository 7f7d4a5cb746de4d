//! The thread's half of a session: answers one command after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mysql_proto::{Capabilities, Command, ErrPacket, OkPacket, Packet, PacketWriter, StatusFlags};
use rusqlite::types::Value;
use rusqlite::{Connection, InterruptHandle};

use super::Login;
use super::failure::{DEADLOCK, failure};
use super::open::{Facts, open};
use super::outlet::{Gone, Outlet, Stop};
use super::prepared::PreparedStatements;
use super::rows::Format;
use crate::connection::unknown_database;
use crate::dialect::{self, Context, Statement, Variables, is_on};
use crate::origin::Shared;

/// Everything that one session is.
pub(super) struct Worker {
    pub(super) facts: Arc<Facts>,
    pub(super) sqlite: Connection,
    pub(super) capabilities: Capabilities,
    pub(super) prepared: PreparedStatements,
    autocommit: bool,
    variables: Variables,
}

impl Worker {
    pub(super) fn open(
        shared: Arc<Shared>,
        login: Login,
        closing: Arc<AtomicBool>,
    ) -> rusqlite::Result<Self> {
        let facts = Arc::new(Facts::new(shared, login, closing));
        Ok(Self {
            sqlite: open(&facts)?,
            facts,
            capabilities: login.capabilities,
            autocommit: true,
            variables: Variables::default(),
            prepared: PreparedStatements::default(),
        })
    }

    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.sqlite.get_interrupt_handle()
    }

    /// Answers one command: whatever fails is an answer too, unless the client has gone.
    pub(super) fn answer(&mut self, packet: &Packet, outlet: &mut Outlet<'_>) -> Result<(), Gone> {
        let error = match self.dispatch(&packet.payload, outlet) {
            Ok(()) => return Ok(()),
            Err(Stop::Gone) => return Err(Gone),
            Err(Stop::Failed(error)) => error,
        };
        if error.code == DEADLOCK {
            // As MySQL: the transaction is gone, so that it can be begun again.
            self.roll_back().map_err(|_| Gone)?;
        }
        error.write(outlet.bytes(), &mut 1, self.capabilities);
        Ok(())
    }

    fn dispatch(&mut self, payload: &[u8], outlet: &mut Outlet<'_>) -> Result<(), Stop> {
        let (command, argument) = match payload.split_first() {
            Some((byte, argument)) => (Command(*byte), argument),
            None => return Err(super::wire::malformed().into()),
        };
        match command {
            Command::QUERY => self.query(text(argument)?, outlet),
            Command::PING => self.ok(OkPacket::default(), outlet),
            Command::INIT_DB => self.use_database(text(argument)?, outlet),
            Command::STATISTICS => {
                statistics(outlet);
                Ok(())
            }
            Command::RESET_CONNECTION => self.reset(outlet),
            Command::STMT_PREPARE => self.prepare(text(argument)?, outlet),
            Command::STMT_EXECUTE => {
                let (statement, parameters) = self.prepared.execution(argument)?;
                self.run(&statement, &parameters, Format::Binary, outlet)
            }
            Command::STMT_SEND_LONG_DATA => {
                self.prepared.long_data(argument);
                Ok(())
            }
            Command::STMT_RESET => {
                self.prepared.reset(argument)?;
                self.ok(OkPacket::default(), outlet)
            }
            Command::STMT_CLOSE => {
                self.prepared.close(argument);
                Ok(())
            }
            other => {
                let message = format!("Unknown command {}{}", other.name(), dialect::HINT);
                Err(ErrPacket::new(1047, *b"08S01", message).into())
            }
        }
    }

    fn query(&mut self, sql: &str, outlet: &mut Outlet<'_>) -> Result<(), Stop> {
        let statement = self.translate(sql)?;
        self.run(&statement, &[], Format::Text, outlet)
    }

    pub(super) fn translate(&self, sql: &str) -> Result<Statement, ErrPacket> {
        dialect::translate(
            sql,
            Context {
                database: &self.facts.shared.config.database,
                variables: &self.variables,
            },
        )
    }

    fn run(
        &mut self,
        statement: &Statement,
        parameters: &[Value],
        format: Format,
        outlet: &mut Outlet<'_>,
    ) -> Result<(), Stop> {
        match statement {
            Statement::Nothing => self.ok(OkPacket::default(), outlet),
            Statement::Begin { snapshot } => {
                self.commit()?;
                self.execute("BEGIN")?;
                if *snapshot {
                    self.execute("SELECT 1 FROM sqlite_master")?;
                }
                self.ok(OkPacket::default(), outlet)
            }
            Statement::Commit => {
                self.commit()?;
                self.ok(OkPacket::default(), outlet)
            }
            Statement::Rollback => {
                self.roll_back()?;
                self.ok(OkPacket::default(), outlet)
            }
            Statement::Use(name) => self.use_database(name, outlet),
            Statement::Set(assignments) => self.set(assignments, outlet),
            Statement::Sql { text, commits } => {
                if *commits {
                    self.commit()?;
                } else if !self.autocommit && self.sqlite.is_autocommit() {
                    self.execute("BEGIN")?;
                }
                self.sql(text, parameters, format, outlet)
            }
        }
    }

    fn use_database(&mut self, name: &str, outlet: &mut Outlet<'_>) -> Result<(), Stop> {
        if name != self.facts.shared.config.database {
            return Err(unknown_database(name, &self.facts.shared).into());
        }
        self.facts.has_database.store(true, Ordering::Relaxed);
        self.ok(OkPacket::default(), outlet)
    }

    fn set(
        &mut self,
        assignments: &[(String, String)],
        outlet: &mut Outlet<'_>,
    ) -> Result<(), Stop> {
        for (name, value) in assignments {
            if name == "autocommit" {
                let error = || {
                    let message = format!("Variable 'autocommit' can't be set to '{value}'");
                    ErrPacket::new(1231, *b"42000", message)
                };
                let on = is_on(value).ok_or_else(error)?;
                if on && !self.autocommit {
                    self.commit()?;
                }
                self.autocommit = on;
                self.variables.set(name, if on { "1" } else { "0" })?;
            } else {
                self.variables.set(name, value)?;
            }
        }
        self.ok(OkPacket::default(), outlet)
    }

    /// `COM_RESET_CONNECTION`: as after the login, but for the database.
    fn reset(&mut self, outlet: &mut Outlet<'_>) -> Result<(), Stop> {
        self.roll_back()?;
        self.prepared.clear();
        self.variables = Variables::default();
        self.autocommit = true;
        self.facts.last_insert_id.store(0, Ordering::Relaxed);
        self.drop_temporary()?;
        self.ok(OkPacket::default(), outlet)
    }

    fn drop_temporary(&self) -> Result<(), ErrPacket> {
        let names: rusqlite::Result<Vec<(String, String)>> = self
            .sqlite
            .prepare_cached("SELECT type, name FROM sqlite_temp_master WHERE type <> 'index'")
            .and_then(|mut statement| {
                let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                pairs.collect()
            });
        for (kind, name) in names.map_err(|error| failure(&error))? {
            let name = name.replace('"', "\"\"");
            self.execute(&format!("DROP {kind} IF EXISTS temp.\"{name}\""))?;
        }
        Ok(())
    }

    fn commit(&self) -> Result<(), ErrPacket> {
        if self.sqlite.is_autocommit() {
            return Ok(());
        }
        self.execute("COMMIT")
    }

    fn roll_back(&self) -> Result<(), ErrPacket> {
        if self.sqlite.is_autocommit() {
            return Ok(());
        }
        self.execute("ROLLBACK")
    }

    pub(super) fn status(&self) -> StatusFlags {
        let mut status = StatusFlags::empty();
        status.set(StatusFlags::AUTOCOMMIT, self.autocommit);
        status.set(StatusFlags::IN_TRANS, !self.sqlite.is_autocommit());
        status
    }

    #[expect(clippy::unnecessary_wraps, reason = "every verb ends with it")]
    pub(super) fn ok(&self, ok: OkPacket, outlet: &mut Outlet<'_>) -> Result<(), Stop> {
        let ok = OkPacket {
            status: self.status(),
            ..ok
        };
        ok.write(outlet.bytes(), &mut 1, self.capabilities);
        Ok(())
    }
}

/// The argument of a command as text. The demo origin has no other character set than UTF-8.
fn text(argument: &[u8]) -> Result<&str, ErrPacket> {
    std::str::from_utf8(argument).map_err(|_| {
        let message = "Invalid utf8mb4 character string: the demo origin takes only UTF-8";
        ErrPacket::new(1300, *b"HY000", message)
    })
}

/// A line for people, as a bare string.
fn statistics(outlet: &mut Outlet<'_>) {
    let mut packet = PacketWriter::begin(outlet.bytes());
    packet
        .payload()
        .extend_from_slice(b"tidegate demo origin: SQLite, in process");
    packet.finish(&mut 1);
}
