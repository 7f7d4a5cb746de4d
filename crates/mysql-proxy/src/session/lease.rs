//! Takes the lease that a statement needs: the one in hand, the very connection of the statement
//! before, an unused one, or any of the session's profile.

use std::sync::Arc;

use conn_pool::Lease;
use mysql_sql::{Effect, PinReason};

use super::Session;
use crate::error::{OriginLoss, Trouble};
use crate::origin::OriginConnector;

impl Session {
    /// Sees to it that the lease in hand can run a statement of this effect.
    pub(super) async fn take_lease(&mut self, effect: &Effect) -> Result<(), Trouble> {
        match effect {
            Effect::ReadsPrevious => self.take_previous().await,
            Effect::ReadsPreviousAndInsertId => {
                self.take_previous().await?;
                self.require_insert_id()
            }
            Effect::ReadsLastInsertId => {
                self.take_any().await?;
                self.bring_insert_id().await
            }
            // What a trigger or a stored function of another session may have left in a variable
            // is not this session's to see.
            Effect::Pin(PinReason::UserVariable) => self.take_unused().await,
            _ => self.take_any().await,
        }
    }

    /// Any connection of the session's profile.
    pub(super) async fn take_any(&mut self) -> Result<(), Trouble> {
        if self.held.is_none() {
            let lease = self.served.pool.lease(&self.profile).await;
            self.held = Some(lease.map_err(Trouble::NoLease)?);
        }
        Ok(())
    }

    /// A connection that nobody has used.
    async fn take_unused(&mut self) -> Result<(), Trouble> {
        if self.held.is_none() {
            let lease = self.served.pool.lease_unused(&self.profile).await;
            self.held = Some(lease.map_err(Trouble::NoLease)?);
        }
        Ok(())
    }

    /// The connection that ran the statement before, which must not have served anybody else since.
    async fn take_previous(&mut self) -> Result<(), Trouble> {
        if self.held.is_some() {
            return Ok(());
        }
        let Some(visit) = self.last_visit else {
            // There was no statement before: a connection without a past says so.
            return self.take_unused().await;
        };
        let lease = self
            .served
            .pool
            .resume(visit)
            .ok_or(Trouble::PreviousGone)?;
        if self.insert_id.home == Some(visit) {
            self.insert_id.home = Some(lease.visit());
        }
        self.held = Some(lease);
        Ok(())
    }

    /// The connection must know the session's last insert id by itself: it cannot be brought there
    /// without hiding what else the statement asks about.
    fn require_insert_id(&mut self) -> Result<(), Trouble> {
        let visit = self.held.as_ref().map(Lease::visit);
        let never_used = self.held.as_ref().is_some_and(Lease::is_unused);
        if self.insert_id.home == visit || (never_used && self.insert_id.value == 0) {
            Ok(())
        } else {
            Err(Trouble::PreviousGone)
        }
    }

    /// Makes the session's last insert id the connection's.
    ///
    /// `LAST_INSERT_ID(n)` sets what the next call without an argument gives, on MySQL, MariaDB and
    /// TiDB (where the variable of that name cannot be set):
    /// <https://dev.mysql.com/doc/refman/8.4/en/information-functions.html#function_last-insert-id>
    async fn bring_insert_id(&mut self) -> Result<(), Trouble> {
        let value = self.insert_id.value;
        let Some(lease) = &mut self.held else {
            return Ok(());
        };
        if self.insert_id.home == Some(lease.visit()) {
            return Ok(());
        }
        let sql = format!("DO LAST_INSERT_ID({value})");
        let brought = lease.execute(&sql).await;
        self.insert_id.home = Some(lease.visit());
        brought.map_err(|loss| self.lost_before_sending(loss))
    }

    /// The connection broke before the client's statement was sent.
    fn lost_before_sending(&mut self, loss: OriginLoss) -> Trouble {
        self.held = None;
        Trouble::OriginLost(loss)
    }

    /// Puts another lease in the place of one that broke before anything was sent on it. What asks
    /// about the statement before it finds that gone.
    pub(super) async fn replace_lease(&mut self, effect: &Effect) -> Result<(), Trouble> {
        self.held = None;
        self.take_lease(effect).await
    }

    /// Gives the lease a new default database, as the statement on it did.
    pub(super) fn set_database(&mut self, database: String) {
        let profile = Arc::new(crate::profile::Profile {
            database: Some(database),
            ..crate::profile::Profile::clone(&self.profile)
        });
        if let Some(lease) = &mut self.held {
            Lease::<OriginConnector>::set_key(lease, Arc::clone(&profile));
        }
        self.profile = profile;
    }
}
