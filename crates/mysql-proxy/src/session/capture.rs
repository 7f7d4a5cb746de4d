//! Before a lease is given back: what the client may still ask about its last statement is taken
//! from it, if there is anything to take.

use conn_pool::Lease;
use mysql_proto::Summary;
use tracing::{debug, warn};

use super::warnings::{Warnings, may_be_of_parameters};
use super::{OF_SESSION, Session};
use crate::error::OriginLoss;
use crate::mutant::Fault;
use crate::origin::{Flavor, MAX_CONDITION_BYTES, MAX_CONDITIONS, OriginConnector};

/// Conditions of the statement before, if they were captured.
pub(super) struct Older(Option<Warnings>);

impl Session {
    /// Takes all that there is to take from the lease in hand: nearly always nothing.
    pub(super) async fn take_answers(&mut self) {
        self.keep_answers().await;
        // Neither news nor what this session was told or gave itself may stay: the next session
        // could make just that value.
        let has_id = |lease: &Lease<OriginConnector>| !lease.has_neutral_id();
        if self.held.as_ref().is_some_and(has_id) {
            self.take_insert_id().await;
        }
    }

    /// Takes what a statement of our own would take away.
    pub(super) async fn keep_answers(&mut self) {
        if self.previous.warned {
            self.capture().await;
        }
        if self.previous.found_rows.is_none() {
            self.take_found_rows().await;
        }
    }

    /// Takes the warnings of the last statement from the connection that ran it.
    async fn capture(&mut self) {
        let Some(lease) = &mut self.held else { return };
        let is_here = self.previous.visit == Some(lease.visit());
        if !is_here || !self.previous.warned || self.previous.warnings.is_some() {
            return;
        }
        self.previous.visit = None;
        if self.shared.config.mutant.has(Fault::Capture) {
            self.previous.warned = false;
            return;
        }
        let forget = self.previous.found_rows.is_some();
        match lease.take_conditions(forget).await {
            // There are more, and half of them would be a wrong answer; or it was killed.
            Ok(answer)
                if answer.summary.rows >= MAX_CONDITIONS
                    || answer.is_cut
                    || answer.bytes.len() > MAX_CONDITION_BYTES
                    || answer.summary.error.is_some() => {}
            Ok(answer) => {
                if let Some(status) = answer.summary.status {
                    // What an error has left unsaid.
                    self.status = Some(status.intersection(OF_SESSION));
                }
                let has_eof = lease.has_eof();
                self.previous.captured(answer, has_eof);
            }
            Err(error) => self.lose_idle(&error),
        }
    }

    /// Ahead of what leads to an execution: that may be refused before it begins, and MySQL then
    /// adds the error to the conditions of the statement before, which a preparation takes away.
    pub(super) async fn keep_conditions(&mut self) {
        if self.previous.warned && self.is_on_mysql() {
            Box::pin(self.capture()).await;
        }
    }

    /// What MySQL may have added the error of this response to, which is an execution's: conditions
    /// that were captured of the statement before, or those of steps on its connection.
    pub(super) fn take_older(&mut self, summary: &Summary) -> Option<Older> {
        if !summary.error.is_some_and(may_be_of_parameters) || !self.is_on_mysql() {
            return None;
        }
        let older = self.previous.warnings.take();
        (older.is_some() || self.statements.is_led).then_some(Older(older))
    }

    /// Puts them, but for those of steps, ahead of the error.
    pub(super) async fn add_to(&mut self, older: Older) {
        self.capture().await;
        self.previous.put_behind(older.0.as_ref());
    }

    fn is_on_mysql(&self) -> bool {
        let is_mysql = |lease: &Lease<OriginConnector>| lease.flavor() == Flavor::MySql;
        self.held.as_ref().is_some_and(is_mysql)
    }

    /// Makes the lease in hand forget warnings and errors, which are nobody else's to read.
    pub(super) async fn clear_conditions(&mut self) {
        let Some(lease) = &mut self.held else { return };
        self.previous.visit = None;
        if let Err(error) = lease.clear_conditions().await {
            self.lose_idle(&error);
        }
    }

    /// Leaves the connection as a read without warnings does.
    pub(super) async fn read_nothing(&mut self) {
        let Some(lease) = &mut self.held else { return };
        self.previous.visit = None;
        if let Err(error) = lease.read_nothing().await {
            self.lose_idle(&error);
        }
    }

    /// Asks for the rows that a `SQL_CALC_FOUND_ROWS` has counted.
    async fn take_found_rows(&mut self) {
        let Some(lease) = &mut self.held else { return };
        self.previous.visit = None;
        match lease.ask_number("SELECT FOUND_ROWS() LIMIT 1").await {
            Ok(rows) => self.previous.found_rows = rows,
            Err(error) => self.lose_idle(&error),
        }
    }

    /// Takes the last insert id from the connection, where it is news, so that a statement on
    /// another connection can be given it. What an OK packet carries is another thing: an explicit
    /// value of an `AUTO_INCREMENT` column shows there too.
    async fn take_insert_id(&mut self) {
        let Some(lease) = &mut self.held else { return };
        self.previous.visit = None;
        let before = lease.insert_id().known;
        let taken = lease.take_insert_id().await;
        self.note_insert_id(before, taken);
    }

    /// Asks the connection for it, and leaves it there, as the session stays.
    pub(super) async fn read_insert_id(&mut self) {
        let Some(lease) = &mut self.held else { return };
        self.previous.visit = None;
        let before = lease.insert_id().known;
        let read = lease.read_insert_id().await;
        self.note_insert_id(before, read);
    }

    fn note_insert_id(&mut self, before: u64, told: Result<Option<u64>, OriginLoss>) {
        match told {
            Ok(Some(value)) if value != before => self.insert_id = Some(value),
            Ok(Some(_)) => {}
            Ok(None) => {
                warn!("Origin gave no number for LAST_INSERT_ID()");
                self.lose_lease();
            }
            Err(error) => self.lose_idle(&error),
        }
    }

    /// A connection was lost between two statements, which nobody has to be told.
    pub(super) fn lose_idle(&mut self, error: &OriginLoss) {
        debug!(%error, "Lost an origin connection between two statements");
        self.lose_lease();
    }

    /// The lease in hand is closed, with the last insert id if a statement has made one there.
    pub(super) fn lose_lease(&mut self) {
        let has_news = |lease: Lease<OriginConnector>| lease.insert_id().is_news;
        if self.held.take().is_some_and(has_news) {
            self.insert_id = None;
        }
    }
}
