//! Replies without what may differ in them.

use mysql_proto::{ErrPacket, StatusFlags};

use super::reply::{Column, Reply};

/// `ER_PARSE_ERROR`.
pub(super) const PARSE_ERROR: u16 = 1064;

pub(super) fn without_near(reply: &Reply) -> Reply {
    match reply {
        Reply::Error(packet) if packet.code == PARSE_ERROR => {
            Reply::Error(ErrPacket::new(packet.code, packet.sql_state, ""))
        }
        other => other.clone(),
    }
}

/// `Out of range value for column 'a' at row 1`.
pub(super) fn without_row_number(reply: &Reply) -> Reply {
    const AT: &str = " at row ";
    match reply {
        Reply::Error(packet) if packet.message.contains(AT) => {
            let message = packet.message.split(AT).next().unwrap_or_default();
            Reply::Error(ErrPacket::new(packet.code, packet.sql_state, message))
        }
        other => other.clone(),
    }
}

pub(super) fn without_types(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    let columns = match &mut reply {
        Reply::Rows(rows) => &mut rows.columns,
        Reply::Prepared(prepared) => &mut prepared.columns,
        _ => return reply,
    };
    for column in columns {
        *column = Column(column.name().into());
    }
    reply
}

pub(super) fn without_flags(reply: &Reply) -> Reply {
    /// Behind them: the decimals, and two bytes that nobody uses.
    const BEHIND: usize = 3;
    let mut reply = reply.clone();
    if let Reply::Rows(rows) = &mut reply {
        for column in &mut rows.columns {
            let mut definition = column.0.to_vec();
            let end = definition.len().saturating_sub(BEHIND);
            definition[end.saturating_sub(2)..end].fill(0);
            *column = Column(definition.into());
        }
    }
    reply
}

pub(super) fn without_warnings(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    match &mut reply {
        Reply::Ok(outcome) => outcome.end.warnings = 0,
        Reply::Rows(rows) => {
            for end in [&mut rows.between, &mut rows.end].into_iter().flatten() {
                end.warnings = 0;
            }
        }
        _ => {}
    }
    reply
}

pub(super) fn without_figures(reply: &Reply) -> Reply {
    let mut reply = without_warnings(reply);
    match &mut reply {
        Reply::Ok(outcome) => {
            (outcome.affected_rows, outcome.last_insert_id) = (0, 0);
            outcome.end.info.clear();
            outcome.info.clear();
        }
        Reply::Fields(_, end) => {
            end.warnings = 0;
            end.info.clear();
        }
        _ => {}
    }
    reply
}

/// Without what an OK packet tells of the session's state.
pub(super) fn without_state(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    if let Reply::Ok(outcome) = &mut reply {
        outcome.session_state.clear();
        let status = &mut outcome.end.status.0;
        status.remove(StatusFlags::SESSION_STATE_CHANGED);
    }
    reply
}

pub(super) fn without_rows(reply: &Reply) -> Reply {
    let mut reply = reply.clone();
    if let Reply::Rows(rows) = &mut reply {
        rows.rows.clear();
    }
    reply
}
