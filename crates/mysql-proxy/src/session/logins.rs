//! Statements that change what connections are like that are opened after them: `SET GLOBAL`,
//! `GRANT`, `ALTER USER`, `ALTER DATABASE`; also in a routine, or a text that is made of a literal.
//!
//! Whoever logs in directly from then on finds it so. Here the pools of the origin begin anew, also
//! those of its other hyperdrives, before the client is told.
//!
//! ```text
//!   sent ──┬─► one of several results ─► renewed, as the change may be behind it
//!          ├─► the whole response ──┬─► refused: nothing was changed
//!          │                        └─► renewed
//!          ├─► its client leaves ─► cleaned up ─► renewed
//!          └─► its connection is lost ─► renewed, though it may go on at the origin
//! ```
//!
//! What nobody can read is not followed up: a routine whose text is not shown, a text that is put
//! together. See the differences in `docs/protocol/mysql.md`.

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
    /// Statuses that were passed on.
    statuses: u32,
    /// Nothing was changed.
    is_void: bool,
}

/// Errors that tell that a statement was not run: the user has no right to it, or it is none.
const NOT_RUN: [u16; 4] = [1044, 1142, 1227, 1064];

/// True for a statement that runs what is in a text, or that nobody could read.
pub(super) fn runs_text(effect: &Effect) -> bool {
    matches!(
        effect.pin,
        Some(PinReason::TextPrepare | PinReason::NotUnderstood)
    )
}

impl Session {
    /// A statement is about to be sent.
    pub(super) fn begin_login_change(&mut self, effect: &Effect) {
        let is_of_text = runs_text(effect);
        self.logins.texts_do |= is_of_text && effect.changes_logins;
        let changes = effect.changes_logins || (is_of_text && self.logins.texts_do);
        // One of before, of which nobody has said that it is over, is renewed for here.
        self.logins.change = changes.then(|| LoginChange {
            hyperdrives: self.shared.hyperdrives.clone(),
            hyperdrive: Arc::clone(&self.served.hyperdrive),
            runs_program: effect.runs_program || is_of_text,
            is_amid: effect.is_multi || effect.runs_program || is_of_text,
            statuses: 0,
            is_void: false,
        });
    }

    /// Nothing of the statement was sent.
    pub(super) fn forget_login_change(&mut self) {
        if let Some(mut change) = self.logins.change.take() {
            change.is_void = true;
        }
    }
}

impl LoginChange {
    /// A piece of the response is about to be passed on, which is not the last. `summary`: what was
    /// told with it.
    pub(super) fn note_piece(&mut self, summary: &Summary) {
        if self.is_amid && summary.statuses != self.statuses {
            self.statuses = summary.statuses;
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
