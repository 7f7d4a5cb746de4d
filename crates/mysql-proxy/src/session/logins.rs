//! Statements that change what connections are like that are opened after them: `SET GLOBAL`,
//! `GRANT`, `ALTER USER`, `ALTER DATABASE`; also in a routine, or a text that is made of a literal.
//!
//! Whoever logs in directly from then on finds it so. Here the pools of the origin begin anew, also
//! those of its other hyperdrives, before the client is told.
//!
//! ```text
//!   sent ──┬─► a piece of a response of several results ─► renewed, as the change may be in it
//!          ├─► the whole response ──┬─► refused: nothing was changed
//!          │                        └─► renewed
//!          ├─► its client leaves ─► cleaned up ─► renewed
//!          └─► its connection is lost ─► renewed
//! ```
//!
//! What nobody can read is not followed up: a routine whose text is not shown, a text that is put
//! together. Docs: `docs/protocol/mysql.md`, the differences.

use std::sync::Arc;

use domain::Hyperdrive;
use mysql_proto::Summary;
use mysql_sql::{Effect, PinReason};

use super::Session;
use crate::hyperdrives::Hyperdrives;

/// What a session does to later logins.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// The statement under way changes them.
    pub(super) change: Option<LoginChange>,
    /// A text that the session has prepared by `PREPARE` does, when it is executed.
    texts_do: bool,
}

/// A change under way. When it is dropped, the pools are renewed.
#[derive(Debug)]
pub(super) struct LoginChange {
    hyperdrives: Hyperdrives,
    hyperdrive: Arc<Hyperdrive>,
    runs_program: bool,
    /// It may be over before the response is.
    is_amid: bool,
    /// Pieces of the response that were passed on.
    pieces: u32,
    /// Nothing was changed.
    is_void: bool,
}

/// Errors that tell that a statement was not run: the user has no right to it, or it is none.
const NOT_RUN: [u16; 5] = [1044, 1142, 1227, 1410, 1064];

/// A response of more pieces than this is one of rows.
const MOST_PIECES: u32 = 32;

impl Session {
    /// A statement is about to be sent.
    pub(super) fn begin_login_change(&mut self, effect: &Effect) {
        let is_of_text = effect.pin == Some(PinReason::TextPrepare);
        self.logins.texts_do |= is_of_text && effect.changes_logins;
        let changes = effect.changes_logins || (is_of_text && self.logins.texts_do);
        // One of before, of which nobody has said that it is over, is renewed for here.
        self.logins.change = changes.then(|| LoginChange {
            hyperdrives: self.shared.hyperdrives.clone(),
            hyperdrive: Arc::clone(&self.served.hyperdrive),
            runs_program: effect.runs_program || is_of_text,
            is_amid: effect.is_multi || effect.runs_program || is_of_text,
            pieces: 0,
            is_void: false,
        });
    }
}

impl LoginChange {
    /// A piece of the response is about to be passed on, which is not the last.
    pub(super) fn note_piece(&mut self) {
        if self.is_amid && self.pieces < MOST_PIECES {
            self.pieces += 1;
            self.renew();
        }
    }

    /// It is known how the statement went, and its client is about to be told.
    pub(super) fn end(mut self, summary: &Summary) {
        let is_refused = summary.error.is_some_and(|code| NOT_RUN.contains(&code));
        // With a status, statements before it were run.
        self.is_void = is_refused && summary.status.is_none() && !self.runs_program;
    }

    fn renew(&self) {
        self.hyperdrives.renew_origin_of(&self.hyperdrive);
    }
}

impl Drop for LoginChange {
    fn drop(&mut self) {
        if !self.is_void {
            self.renew();
        }
    }
}
