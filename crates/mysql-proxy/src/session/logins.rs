//! Statements that change what connections are like that are opened after them: `SET GLOBAL`,
//! `GRANT`, `ALTER USER`, `ALTER DATABASE`; also in a routine, or a text that is made of a literal.
//!
//! Whoever logs in directly from then on finds it so. Here the pools of the origin begin anew, also
//! those of its other hyperdrives, before the client is told.
//!
//! ```text
//!   sent ──┬─► one of several results ─► renewed, as the change may be in it
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
use mysql_sql::Effect;

use super::Session;
use crate::hyperdrives::Hyperdrives;

/// What a session does to later logins.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// The statement under way changes them.
    change: Option<LoginChange>,
    /// A text that the session has prepared by `PREPARE` does, when it is executed.
    texts_do: bool,
}

/// A change under way. When it is dropped, the pools are renewed.
#[derive(Debug)]
pub(super) struct LoginChange {
    hyperdrives: Hyperdrives,
    hyperdrive: Arc<Hyperdrive>,
    /// What it runs is not in its text: an error may be one of behind the change.
    runs_program: bool,
    /// Statuses that were passed on.
    statuses: u32,
    /// Nothing was changed.
    is_void: bool,
}

/// Errors that tell that a statement was not run: the user has no right to it, or it is none.
const NOT_RUN: [u16; 4] = [1044, 1142, 1227, 1064];

impl Session {
    /// Ahead of a statement: one that runs what is in a text, or that cannot be read, may call a
    /// routine which changes later logins.
    pub(super) fn look_at_text(&self, effect: &mut Effect, sql: &[u8]) {
        if effect.may_be_any() {
            let told = self.served.pool.connector().programs().leavings();
            effect.changes_logins |= told.is_some_and(|told| told.are_named_in(sql));
        }
    }

    /// A statement is about to be sent.
    pub(super) fn begin_login_change(&mut self, effect: &Effect) {
        let may_be_any = effect.may_be_any();
        self.logins.texts_do |= may_be_any && effect.changes_logins;
        let changes = effect.changes_logins || (may_be_any && self.logins.texts_do);
        // One of before, of which nobody has said that it is over, is renewed for here.
        self.logins.change = changes.then(|| LoginChange {
            hyperdrives: self.shared.hyperdrives.clone(),
            hyperdrive: Arc::clone(&self.served.hyperdrive),
            runs_program: effect.runs_program || may_be_any,
            statuses: 0,
            is_void: false,
        });
    }
}

impl Logins {
    /// True when no change is under way.
    pub(super) fn are_settled(&self) -> bool {
        self.change.is_none()
    }

    /// A piece of the response is about to be passed on, with what it tells; mostly it is the last.
    pub(super) fn note_piece(&mut self, summary: &Summary, is_last: bool) {
        if is_last && let Some(change) = self.change.take() {
            change.end(summary);
        } else if let Some(change) = &mut self.change {
            change.note_result(summary);
        }
    }

    /// Nothing of the statement was sent.
    pub(super) fn forget(&mut self) {
        if let Some(mut change) = self.change.take() {
            change.is_void = true;
        }
    }

    /// The change under way, to be dropped when its statement is over, or at once where nobody will
    /// know.
    pub(super) fn take(&mut self) -> Option<LoginChange> {
        self.change.take()
    }
}

impl LoginChange {
    /// One of several results may have been told, and more follow.
    fn note_result(&mut self, summary: &Summary) {
        if summary.statuses != self.statuses {
            self.statuses = summary.statuses;
            self.renew();
        }
    }

    /// It is known how the statement went, and its client is about to be told.
    fn end(mut self, summary: &Summary) {
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
