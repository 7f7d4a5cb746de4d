//! What a client was told, whole: two replies are equal only if no client can tell them apart.

use std::{fmt, io};

use bytes::Bytes;
use mysql_proto::{Capabilities, ColumnDefinition, ErrPacket, StatusFlags};

/// Flags that tell of the session or of the reply. The others tell how the server ran a statement.
const COMPARED_STATUS: StatusFlags = StatusFlags::IN_TRANS
    .union(StatusFlags::AUTOCOMMIT)
    .union(StatusFlags::MORE_RESULTS_EXISTS)
    .union(StatusFlags::CURSOR_EXISTS)
    .union(StatusFlags::LAST_ROW_SENT)
    .union(StatusFlags::DB_DROPPED)
    .union(StatusFlags::NO_BACKSLASH_ESCAPES)
    .union(StatusFlags::PS_OUT_PARAMS)
    .union(StatusFlags::IN_TRANS_READONLY)
    .union(StatusFlags::SESSION_STATE_CHANGED);

/// Most rows that are printed of a result.
const SHOWN_ROWS: usize = 12;

/// Most bytes that are printed of a value.
const SHOWN_BYTES: usize = 80;

/// Why there is no reply, mostly.
pub(super) const CLOSED: &str = "the connection was closed";

/// One reply; a command may have several.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    LoggedIn(Capabilities, Status),
    Ok(Outcome),
    Error(ErrPacket),
    Rows(ResultSet),
    Prepared(Prepared),
    /// The columns of `COM_FIELD_LIST`.
    Fields(Vec<Column>, End),
    /// Text whose figures are the server's: only that there is some.
    Text,
    /// The server asks for a file.
    Infile(String),
    /// There was no reply that could be read, and why.
    Lost(String),
}

/// An OK packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) affected_rows: u64,
    pub(super) last_insert_id: u64,
    pub(super) end: End,
    pub(super) info: String,
    pub(super) session_state: Vec<u8>,
}

/// What closes a reply, and stands between its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: Status,
    pub(super) warnings: u16,
    /// Beyond what an EOF packet can say.
    pub(super) info: String,
}

/// Status flags of which only those count that a client can rely on.
#[derive(Clone, Copy, Default)]
pub(super) struct Status(pub(super) StatusFlags);

/// A result set, or rows fetched from a cursor (without columns).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ResultSet {
    pub(super) columns: Vec<Column>,
    /// After the columns, where an EOF packet stands there.
    pub(super) between: Option<End>,
    pub(super) rows: Vec<Row>,
    pub(super) end: Option<End>,
    /// What ended it instead.
    pub(super) error: Option<ErrPacket>,
}

/// A column's definition, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column(pub(super) Bytes);

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Text(Vec<Option<Bytes>>),
    /// Of the binary protocol, as it came.
    Binary(Bytes),
}

/// What a statement was prepared to; its id is left out, as a direct connection may have another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) parameters: Vec<Column>,
    pub(super) columns: Vec<Column>,
    pub(super) warnings: u16,
}

impl Reply {
    /// For an error of the client's own. How a connection was closed is the network's choice.
    pub(super) fn lost(error: &anyhow::Error) -> Self {
        let is_closed = error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
            )
        });
        Self::Lost(if is_closed {
            CLOSED.to_owned()
        } else {
            format!("{error:#}")
        })
    }

    /// True when the connection is of no use any more.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    pub(super) fn is_error(&self) -> bool {
        self.is_lost() || self.error().is_some()
    }

    /// The error that it is, or that ends it.
    pub(super) fn error(&self) -> Option<&ErrPacket> {
        match self {
            Self::Error(packet) => Some(packet),
            Self::Rows(rows) => rows.error.as_ref(),
            _ => None,
        }
    }

    /// True when another reply to the same command follows.
    pub(super) fn has_more(&self) -> bool {
        let end = match self {
            Self::Infile(_) => return true,
            Self::Ok(outcome) => Some(&outcome.end),
            // With OUT parameters MySQL says it ahead of the rows only.
            Self::Rows(ResultSet {
                between: Some(between),
                error: None,
                ..
            }) if between.status.0.contains(StatusFlags::PS_OUT_PARAMS) => Some(between),
            Self::Rows(rows) => rows.end.as_ref(),
            _ => None,
        };
        end.is_some_and(|end| end.status.0.contains(StatusFlags::MORE_RESULTS_EXISTS))
    }
}

impl Column {
    fn definition(&self) -> Option<ColumnDefinition> {
        ColumnDefinition::decode(&self.0).ok()
    }

    pub(super) fn name(&self) -> String {
        self.definition()
            .map(|definition| definition.name)
            .unwrap_or_default()
    }
}

impl Status {
    fn compared(self) -> StatusFlags {
        self.0.intersection(COMPARED_STATUS)
    }
}

impl PartialEq for Status {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}

impl Eq for Status {}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .compared()
            .iter_names()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        write!(f, "[{}]", names.join(" "))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} warnings", self.status, self.warnings)?;
        if !self.info.is_empty() {
            write!(f, ", {:?}", self.info)?;
        }
        Ok(())
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(column) = self.definition() else {
            return write!(f, "unreadable: {:?}", self.0);
        };
        let ColumnDefinition {
            schema,
            table,
            org_table,
            name,
            org_name,
            charset,
            ..
        } = &column;
        write!(
            f,
            "{name} (of {schema}.{table}, {org_table}.{org_name}): type {:#04x}, length {}, \
             collation {charset}, flags {:#06x}, decimals {}",
            column.column_type.0,
            column.column_length,
            column.flags.bits(),
            column.decimals
        )
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binary(bytes) => write!(f, "binary {}", shown(bytes)),
            Self::Text(values) => {
                let values: Vec<_> = values
                    .iter()
                    .map(|value| {
                        value
                            .as_ref()
                            .map_or_else(|| "NULL".to_owned(), |value| shown(value))
                    })
                    .collect();
                f.write_str(&values.join(", "))
            }
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    let part = bytes.get(..SHOWN_BYTES).unwrap_or(bytes);
    let text: String = part
        .iter()
        .flat_map(|byte| std::ascii::escape_default(*byte))
        .map(char::from)
        .collect();
    if part.len() < bytes.len() {
        return format!("\"{text}\"... ({} bytes)", bytes.len());
    }
    format!("\"{text}\"")
}

fn error(packet: &ErrPacket) -> String {
    let state = String::from_utf8_lossy(&packet.sql_state);
    format!("error {} ({state}): {}", packet.code, packet.message)
}

fn lines(f: &mut fmt::Formatter<'_>, what: &str, columns: &[Column]) -> fmt::Result {
    columns
        .iter()
        .try_for_each(|column| writeln!(f, "{what} {column}"))
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoggedIn(capabilities, status) => {
                writeln!(f, "logged in {status:?}, {capabilities:?}")
            }
            Self::Ok(outcome) => writeln!(
                f,
                "OK, {} affected, insert id {}, {}, {:?}, state {}",
                outcome.affected_rows,
                outcome.last_insert_id,
                outcome.end,
                outcome.info,
                shown(&outcome.session_state)
            ),
            Self::Error(packet) => writeln!(f, "{}", error(packet)),
            Self::Rows(rows) => rows.fmt(f),
            Self::Prepared(prepared) => {
                writeln!(f, "prepared, {} warnings", prepared.warnings)?;
                lines(f, "parameter", &prepared.parameters)?;
                lines(f, "column", &prepared.columns)
            }
            Self::Fields(columns, end) => {
                lines(f, "field", columns)?;
                writeln!(f, "end of fields {end}")
            }
            Self::Text => writeln!(f, "a line of text"),
            Self::Infile(name) => writeln!(f, "asked for the file {name:?}"),
            Self::Lost(why) => writeln!(f, "no reply: {why}"),
        }
    }
}

impl fmt::Display for ResultSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lines(f, "column", &self.columns)?;
        if let Some(between) = &self.between {
            writeln!(f, "end of columns {between}")?;
        }
        for row in self.rows.iter().take(SHOWN_ROWS) {
            writeln!(f, "row {row}")?;
        }
        writeln!(f, "{} rows", self.rows.len())?;
        if let Some(end) = &self.end {
            writeln!(f, "end {end}")?;
        }
        if let Some(packet) = &self.error {
            writeln!(f, "then {}", error(packet))?;
        }
        Ok(())
    }
}
