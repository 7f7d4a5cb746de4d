//! What to do with a command: the one place where a session's commands branch.

use std::sync::Arc;

use mysql_proto::{Command, StatusFlags};
use mysql_sql::{Effect, PinReason, StatementKind, classify};

use super::Session;
use super::relay::Relayed;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};
use crate::profile::Profile;

/// The first bytes of `COM_STMT_*` commands: the statement's id.
const STATEMENT_ID_LEN: usize = 4;

impl Session {
    /// Serves one command. An error ends the session; trouble with the command alone does not.
    pub(super) async fn serve(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        match packet.command {
            Command::QUIT => Err(SessionEnd::ClientLeft),
            Command::QUERY => self.query(packet).await,
            Command::PING if self.held.is_none() => self.answer_ok(packet).await,
            Command::RESET_CONNECTION => self.reset(packet).await,
            Command::INIT_DB => self.init_db(packet).await,
            Command::STMT_PREPARE => self.prepare(packet).await,
            Command::STMT_CLOSE => self.close_statement(packet).await,
            Command::STMT_EXECUTE
            | Command::STMT_FETCH
            | Command::STMT_RESET
            | Command::STMT_SEND_LONG_DATA => self.run_statement(packet).await,
            Command::PING | Command::STATISTICS | Command::FIELD_LIST => {
                self.served.metrics.commands.inc();
                self.relay_command(packet, Effect::default()).await
            }
            Command::SET_OPTION => {
                self.served.metrics.commands.inc();
                let pin = Effect::pin(PinReason::SessionVariable);
                self.relay_command(packet, pin).await
            }
            Command::BINLOG_DUMP | Command::BINLOG_DUMP_GTID | Command::REGISTER_SLAVE => {
                self.pass_through(packet).await
            }
            Command::CHANGE_USER => self.refuse(packet, "COM_CHANGE_USER").await,
            Command::PROCESS_KILL => self.refuse(packet, "COM_PROCESS_KILL").await,
            command => self.refuse(packet, command.name()).await,
        }
    }

    /// `COM_QUERY`: classify, then relay.
    async fn query(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        if let Err(trouble) = self.learn_status().await {
            return self.give_up(packet, trouble).await;
        }
        let text = self.downstream.argument(packet);
        let (kind, effect) = if packet.is_whole && !self.profile.hides_ascii() {
            let statement = classify(text, self.escapes());
            (statement.kind, statement.effect)
        } else {
            let pin = Effect::pin(PinReason::NotUnderstood);
            (StatementKind::Other, pin)
        };
        self.served.metrics.statement(kind);
        if effect.kill.is_some() {
            return self.refuse(packet, "KILL").await;
        }
        self.relay_statement(packet, kind, effect).await
    }

    /// `COM_INIT_DB`: as `USE`.
    async fn init_db(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.served.metrics.commands.inc();
        let effect = match std::str::from_utf8(self.downstream.argument(packet)) {
            Ok(name) => Effect::use_database(name.to_owned()),
            Err(_) => Effect::pin(PinReason::NotUnderstood),
        };
        self.relay_command(packet, effect).await
    }

    /// `COM_STMT_PREPARE`: the statement lives on the lease, which stays until it is closed.
    async fn prepare(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.served.metrics.commands.inc();
        if let Err(trouble) = self.learn_status().await {
            return self.give_up(packet, trouble).await;
        }
        let text = self.downstream.argument(packet);
        let mut effect = if packet.is_whole && !self.profile.hides_ascii() {
            classify(text, self.escapes()).effect
        } else {
            Effect::pin(PinReason::NotUnderstood)
        };
        if effect.kill.is_some() {
            return self.refuse(packet, "KILL").await;
        }
        if effect.use_database.is_some() {
            // It will change the database each time it runs, which its result does not tell.
            effect = Effect::pin(PinReason::NotUnderstood);
        }
        self.relay_command(packet, effect).await
    }

    /// Commands on a prepared statement, which is on the lease in hand or nowhere.
    async fn run_statement(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.served.metrics.commands.inc();
        let id = self.statement_id(packet);
        if self.held.is_some() && self.pins.has_statement(id) {
            return self.relay_command(packet, Effect::default()).await;
        }
        self.discard(packet).await?;
        if packet.command.has_response() {
            self.tell(Trouble::UnknownStatement(id)).await
        } else {
            Ok(())
        }
    }

    /// `COM_STMT_CLOSE`: has no response.
    async fn close_statement(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let id = self.statement_id(packet);
        if self.held.is_some() && self.pins.has_statement(id) {
            self.pins.closed(id);
            return self.relay_command(packet, Effect::default()).await;
        }
        self.discard(packet).await.map(drop)
    }

    fn statement_id(&self, packet: CommandPacket) -> u32 {
        let argument = self.downstream.argument(packet);
        argument
            .first_chunk::<STATEMENT_ID_LEN>()
            .map_or(0, |id| u32::from_le_bytes(*id))
    }

    /// `COM_RESET_CONNECTION`: the session is as after its login, but for the database, which
    /// stays.
    async fn reset(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.leave_lease().await;
        self.insert_id = 0;
        self.previous = super::Previous::None;
        self.profile = Arc::new(Profile {
            database: self.profile.database.clone(),
            ..Profile::clone(&self.login_profile)
        });
        self.status = self.served.pool.connector().login_status();
        self.answer_ok(packet).await
    }

    /// Ends a command that was not sent. A lease that was taken for it, and that nothing pins, goes
    /// back.
    pub(super) async fn give_up(
        &mut self,
        packet: CommandPacket,
        trouble: Trouble,
    ) -> Result<(), SessionEnd> {
        if let Trouble::Client(end) = trouble {
            return Err(end);
        }
        let last = self.discard(packet).await?;
        if self.held.is_some() {
            self.settle().await?;
        }
        self.tell_within(trouble, Some(last.wrapping_add(1))).await
    }

    /// Answers a command that needs no origin.
    async fn answer_ok(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        self.discard(packet).await?;
        let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
        self.downstream.send_ok(status).await
    }

    /// Answers a command that this version does not carry.
    async fn refuse(
        &mut self,
        packet: CommandPacket,
        what: &'static str,
    ) -> Result<(), SessionEnd> {
        self.give_up(packet, Trouble::NotSupported(what)).await
    }

    async fn relay_command(
        &mut self,
        packet: CommandPacket,
        effect: Effect,
    ) -> Result<(), SessionEnd> {
        // What a prepared statement does when it runs is not read again.
        let kind = StatementKind::Other;
        self.relay_statement(packet, kind, effect).await
    }

    /// Sends a command to the origin, its response to the client, and settles what remains.
    async fn relay_statement(
        &mut self,
        packet: CommandPacket,
        kind: StatementKind,
        effect: Effect,
    ) -> Result<(), SessionEnd> {
        if let Err(trouble) = self.take_lease(&effect).await {
            return self.give_up(packet, trouble).await;
        }
        match self.relay(packet, &effect).await? {
            Relayed::Response(summary) => {
                self.note(packet.command, kind, effect, &summary);
                self.settle().await
            }
            Relayed::Trouble(trouble) => self.tell(trouble).await,
            Relayed::OriginLost {
                loss,
                next_packet,
                client_is_amid,
            } => {
                self.origin_lost(loss, next_packet).await?;
                if client_is_amid {
                    return Err(SessionEnd::StateLost);
                }
                Ok(())
            }
        }
    }
}
