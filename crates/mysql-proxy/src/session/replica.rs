//! What a replica sends: it registers, and has the binary log dumped.
//!
//! Both are relayed like any command. The response to a dump has no end, as a rule; it ends when
//! the client leaves, when somebody kills the session, or, if the client has asked for that, with
//! the log, and then servers close the connection. They know a replica by it, so the session keeps
//! it from its registration on, and nobody else gets it.
//!
//! A replica that wants to acknowledge what it has (`rpl_semi_sync_replica_enabled`) would send
//! that amid the response. It is refused: its source would wait for it in vain.

use mysql_proto::Command;
use mysql_sql::{Effect, StatementKind};

use super::Session;
use super::outcome::Relayed;
use super::outgoing::Outgoing;
use crate::downstream::CommandPacket;
use crate::error::{SessionEnd, Trouble};

/// The reason for the pin.
pub(super) const REPLICA: &str = "replica";

/// Other user variables by which a replica tells a dump what it can do.
/// <https://github.com/mysql/mysql-server/blob/9.4/sql/rpl_binlog_sender.cc>
/// <https://github.com/MariaDB/server/blob/11.8/sql/sql_repl.cc>
const TELLS: [&str; 12] = [
    "source_binlog_checksum",
    "master_binlog_checksum",
    "source_heartbeat_period",
    "master_heartbeat_period",
    "replica_uuid",
    "slave_uuid",
    "mariadb_slave_capability",
    "slave_connect_state",
    "slave_gtid_strict_mode",
    "slave_gtid_ignore_duplicates",
    "slave_until_gtid",
    "master_binlog_compression",
];

/// Those that say that it acknowledges.
const SEMI_SYNC: [&str; 2] = ["rpl_semi_sync_replica", "rpl_semi_sync_slave"];

impl Session {
    /// `COM_REGISTER_SLAVE`.
    pub(super) async fn register_replica(
        &mut self,
        packet: CommandPacket,
    ) -> Result<(), SessionEnd> {
        self.relay_of_replica(packet, Effect::command()).await
    }

    /// `COM_BINLOG_DUMP`, `COM_BINLOG_DUMP_GTID`.
    pub(super) async fn dump_log(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        if SEMI_SYNC
            .iter()
            .any(|name| self.state.has_user_variable(name))
        {
            let trouble = Trouble::NotSupported("a dump for a semi-synchronous replica");
            return self.give_up(packet, trouble).await;
        }
        let mut effect = Effect::command();
        effect.user_variables = TELLS.map(str::to_owned).into();
        self.relay_of_replica(packet, effect).await
    }

    async fn relay_of_replica(
        &mut self,
        packet: CommandPacket,
        mut effect: Effect,
    ) -> Result<(), SessionEnd> {
        self.served.metrics.commands.inc();
        self.expect_user_variables(&mut effect);
        if let Err(trouble) = self.take_lease().await {
            return self.give_up(packet, trouble).await;
        }
        let relayed = self.relay(&Outgoing::unchanged(packet), &effect).await;
        let is_refused = matches!(&relayed,
            Ok(Relayed::Response(summary)) if summary.error.is_some());
        if !is_refused {
            // Also if the client has left amid the response.
            self.pin(REPLICA, None);
        }
        match relayed? {
            Relayed::Response(summary) => {
                self.note(StatementKind::Other, &effect, &summary).await?;
                if let Some(lease) = &mut self.held
                    && packet.command != Command::REGISTER_SLAVE
                    && !lease.is_there().await
                {
                    // Behind a dump servers close, and so does the edge.
                    lease.begin_command();
                }
                self.settle().await
            }
            Relayed::Failed(how) => self.tell_failed(*how).await,
        }
    }
}
