//! Takes the lease that a statement needs: the one in hand, the very connection of the statement
//! before, an unused one, or any of the session's profile.

use std::sync::Arc;

use conn_pool::Lease;
use mysql_sql::Effect;

use super::{MAX_RETRIES, Previous, Session};
use crate::error::Trouble;
use crate::origin::OriginConnector;

impl Session {
    /// Sees to it that the lease in hand can run a statement of this effect.
    pub(super) async fn take_lease(&mut self, effect: &Effect) -> Result<(), Trouble> {
        if self.held.is_none() {
            self.held = Some(if effect.reads_previous {
                self.lease_of_previous().await?
            } else if effect.needs_unused {
                self.lease_unused().await?
            } else {
                self.lease_any().await?
            });
        }
        // From a pin on, the session reads everything on this connection, by whatever statement.
        if effect.reads_insert_id || effect.pin.is_some() {
            self.bring_insert_id(effect).await?;
        }
        Ok(())
    }

    /// How the first statement's literals read is the origin's to say, so it is asked: by a login.
    pub(super) async fn learn_status(&mut self) -> Result<(), Trouble> {
        if self.status.is_none() {
            self.take_lease(&Effect::default()).await?;
            self.status = self.served.pool.connector().login_status();
        }
        Ok(())
    }

    /// Any connection of the session's profile. While it waits, it watches the client: the command
    /// of one that left is not run.
    async fn lease_any(&mut self) -> Result<Lease<OriginConnector>, Trouble> {
        tokio::select! {
            biased;
            lease = self.served.pool.lease(&self.profile, &(), None) => {
                lease.map_err(Trouble::NoLease)
            }
            end = self.downstream.ended() => Err(Trouble::Client(end)),
        }
    }

    /// A connection that nobody has used; likewise.
    async fn lease_unused(&mut self) -> Result<Lease<OriginConnector>, Trouble> {
        tokio::select! {
            biased;
            lease = self.served.pool.lease_unused(&self.profile) => {
                lease.map_err(Trouble::NoLease)
            }
            end = self.downstream.ended() => Err(Trouble::Client(end)),
        }
    }

    /// The connection that ran the statement before, which must not have served anybody else since.
    async fn lease_of_previous(&mut self) -> Result<Lease<OriginConnector>, Trouble> {
        match self.previous {
            // A connection without a past says so.
            Previous::None => self.lease_unused().await,
            Previous::On(visit) => {
                let lease = self.served.pool.resume(visit);
                lease.ok_or(Trouble::PreviousGone)
            }
            Previous::Gone => Err(Trouble::PreviousGone),
        }
    }

    /// Makes the session's last insert id the connection's.
    async fn bring_insert_id(&mut self, effect: &Effect) -> Result<(), Trouble> {
        for _ in 0..=MAX_RETRIES {
            let Some(lease) = &mut self.held else { break };
            let there = lease.insert_id();
            // News was made by this session, on the lease in hand.
            if there.is_news || there.known == self.insert_id {
                return Ok(());
            }
            if effect.reads_previous {
                // To bring it would hide what else the statement asks about.
                return Err(Trouble::PreviousGone);
            }
            match lease.set_insert_id(self.insert_id).await {
                Ok(true) => return Ok(()),
                // Nothing of the client's was sent yet, and nothing binds it to this connection. On
                // one that nobody has used the value is 0, and any other can be set.
                _ if !self.pins.hold() => {
                    self.held = None;
                    self.held = Some(self.lease_unused().await?);
                }
                Ok(false) => {
                    return Err(Trouble::NotSupported(
                        "LAST_INSERT_ID() in this place: the origin cannot set it",
                    ));
                }
                Err(loss) => {
                    self.held = None;
                    return Err(Trouble::OriginLost(loss));
                }
            }
        }
        Err(Trouble::PreviousGone)
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
