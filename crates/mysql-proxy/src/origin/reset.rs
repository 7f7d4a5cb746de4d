//! Takes a connection back to what it was after its login, where a session may have made of it what
//! no state tells.
//!
//! `COM_RESET_CONNECTION` does most of that. What it leaves, as seen on MariaDB 10.11, MySQL 9.7
//! and TiDB 8.4:
//!
//! | | MariaDB | MySQL | TiDB |
//! |---|---|---|---|
//! | the role | left | left | of the login |
//! | texts in `SHOW PROFILES` | left, for good | gone | has none |
//! | texts in `OPTIMIZER_TRACE` | gone | left | has none |

use std::sync::Arc;

use mysql_proto::{Command, ErrPacket};

use super::{BringError, Flavor, OriginConn};
use crate::bring::Steps;

impl OriginConn {
    /// Rolls back. False: a distributed transaction is open or prepared (1399), or the connection
    /// is lost. On MariaDB a reset would take a prepared one from its owner, and leave a connection
    /// on which `InnoDB` answers nothing but 1031. (Seen with 10.11. When it is closed, the
    /// transaction stays for `XA RECOVER`.)
    pub(crate) async fn outlives_reset(&mut self) -> bool {
        let rolled_back = self.ask(b"ROLLBACK").await;
        rolled_back.is_ok_and(|answer| answer.summary.error.is_none())
    }

    /// `COM_RESET_CONNECTION`: rolls back, drops temporary tables, lets go of locks, closes
    /// prepared statements, and sets all variables back.
    pub(crate) async fn reset(&mut self) -> Result<(), BringError> {
        let mut steps = Steps::on(self.capabilities());
        steps.push(Command::RESET_CONNECTION, &[]);
        self.begin_command();
        self.send(&steps.bytes)
            .await
            .map_err(|error| BringError::Lost(error.source.into()))?;
        let state = Arc::new(self.state_after_reset(None));
        self.finish(&steps, &state).await?;
        self.end_command();
        match self.flavor() {
            Flavor::TiDb => {}
            Flavor::MySql => self.leave_to_mysql().await?,
            Flavor::MariaDb { .. } => self.leave_to_mariadb().await?,
        }
        self.unused();
        Ok(())
    }

    /// Goes back to the roles of a login, and forgets the statements that were traced. (A server
    /// that does not know of a variable has nothing of the kind: before 8.0 there are no roles.)
    async fn leave_to_mysql(&mut self) -> Result<(), BringError> {
        const FORGET: &[u8] = b"SET optimizer_trace_offset=DEFAULT";
        let activates = match self.activates_all_roles {
            Some(known) => known,
            None => self.ask_for_roles().await?,
        };
        let role: &[u8] = if activates {
            b"SET ROLE ALL"
        } else {
            b"SET ROLE DEFAULT"
        };
        let left = self.ask_all(&[FORGET, role]).await;
        left.map(drop).map_err(BringError::Lost)
    }

    /// Asks whether a login has all roles of its user, or those that are its default.
    async fn ask_for_roles(&mut self) -> Result<bool, BringError> {
        let question = "SELECT @@GLOBAL.activate_all_roles_on_login LIMIT 1";
        let answer = self.ask_number(question).await.map_err(BringError::Lost)?;
        let activates = answer == Some(1);
        self.activates_all_roles = Some(activates);
        Ok(activates)
    }

    /// Refuses what it has no statement for: to go back to a login's own role, and to forget the
    /// statements that were profiled.
    async fn leave_to_mariadb(&mut self) -> Result<(), BringError> {
        const BOTH: &str = "SELECT CURRENT_ROLE(), \
             (SELECT COUNT(*) FROM information_schema.PROFILING) LIMIT 1";
        const ROLE: &str = "SELECT CURRENT_ROLE() LIMIT 1";
        let mut left = self.ask_row(BOTH).await.map_err(BringError::Lost)?;
        if left.is_none() {
            // 1289: it was built without profiles.
            left = self.ask_row(ROLE).await.map_err(BringError::Lost)?;
        }
        let is_none = |profiled: &str| profiled.trim_matches('\0') == "0";
        match left.as_deref() {
            Some([None]) => Ok(()),
            Some([None, Some(profiled)]) if is_none(profiled) => Ok(()),
            _ => Err(BringError::Refused(ErrPacket::new(
                1105,
                ErrPacket::GENERAL_STATE,
                "The connection has a role or a profile that cannot be left",
            ))),
        }
    }
}
