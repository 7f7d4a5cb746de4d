//! Statements that change what connections are like that are opened after them: `SET GLOBAL`,
//! `GRANT`, `ALTER USER`, `ALTER DATABASE`; also in a routine, or a text that is made of a literal.
//!
//! Whoever logs in directly from then on finds it so. Here the pools of the origin begin anew, also
//! those of its other hyperdrives, before the client is told.

use mysql_proto::Summary;
use mysql_sql::Effect;

use crate::hyperdrives::{Hyperdrives, Served};

/// Whether the statement under way changes later logins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LoginChange {
    #[default]
    No,
    /// If it succeeds.
    Whole,
    /// A part of it may, and the rest may fail.
    Parts,
}

/// Errors that say that the user has no right to what it asks for.
const DENIED: [u16; 4] = [1044, 1142, 1227, 1410];

impl LoginChange {
    /// That of a statement.
    pub(super) fn of(effect: &Effect) -> Self {
        if !effect.changes_logins {
            Self::No
        } else if effect.is_multi || effect.runs_program {
            Self::Parts
        } else {
            Self::Whole
        }
    }

    /// It is known how the statement went, and its client is about to be told.
    pub(super) fn end(self, summary: &Summary, hyperdrives: &Hyperdrives, served: &Served) {
        let has_run = match self {
            Self::No => false,
            Self::Whole => summary.error.is_none(),
            Self::Parts => summary.error.is_none_or(|code| !DENIED.contains(&code)),
        };
        if has_run {
            hyperdrives.renew_origin_of(&served.hyperdrive);
        }
    }
}
