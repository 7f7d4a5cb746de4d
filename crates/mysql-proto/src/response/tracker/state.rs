//! What may come next in a response.

use super::Summary;
use super::frame::Packet;
use crate::response::ok::Figures;
use crate::wire::{NULL, Reader};
use crate::{
    Capabilities, Command, DecodeError, EofPacket, ErrPacket, MAX_PAYLOAD, OkPacket, ProtocolError,
    StatusFlags,
};

/// A packet that begins with this byte or a higher one may end the rows; a lower one is a row.
pub(super) const FIRST_TERMINATOR: u8 = EofPacket::HEADER;

/// Begins the request for a file.
const LOCAL_INFILE: u8 = NULL;

/// Capabilities that change responses in a way that is not followed: packets within packets, and
/// result sets without columns.
const UNSUPPORTED: Capabilities = Capabilities::COMPRESS
    .union(Capabilities::ZSTD_COMPRESSION_ALGORITHM)
    .union(Capabilities::OPTIONAL_RESULTSET_METADATA);

/// The next packet is ...
///
/// ```text
///   COM_QUERY, COM_STMT_EXECUTE             COM_STMT_FETCH   COM_FIELD_LIST   COM_STMT_PREPARE
///            │                                     │                │                │
///            ▼    columns                          │                │                ▼  OK
/// ┌──────► Result ──────► Definitions ◄────────────┼────────────────┼──────────── Prepared
/// │          │ │               │ the last          │                │                │
/// │     0xFB │ │ OK            │                   │                ▼                │ nothing
/// │          ▼ │               ├─► DefinitionsEnd  │           FieldList             │ to define
/// │   LocalData│               │    EOF │  (unless │                │ end            │
/// │          ▼ │               ▼        ▼   DEPRECATE_EOF)          │                │
/// │ LocalData- │              Rows ◄────┴──────────┘                │                │
/// │    Answer  │               │ end                                │                │
/// │       OK │ │               │                                    │                │
/// └──────────┴─┴───────────────┤ if MORE_RESULTS_EXISTS             │                │
///                              ▼                                    ▼                ▼
///                            Ended ◄─── Simple, Text (the other commands: one packet)
///                              ▲
///                              └─────── Events (dumps of a binary log: any number, and the end)
/// ```
///
/// `DefinitionsEnd` goes to `Definitions` again when the columns of a prepared statement follow its
/// parameters, to `Ended` when an open cursor keeps the rows back, and to `OutParameters` when the
/// row is a procedure's. An ERR packet leads from anywhere to `Ended`.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// the beginning of a result: OK, ERR, the request for a file, or the number of columns.
    Result,
    /// none: the client must send a file. Becomes `LocalDataAnswer` when the tracker has said so.
    LocalData,
    /// OK or ERR, after a file.
    LocalDataAnswer,
    /// one of `left` definitions.
    Definitions { left: u64, then: Then },
    /// the EOF packet after definitions.
    DefinitionsEnd { then: Then },
    /// a row, or the end of the rows.
    Rows,
    /// the row of a procedure's OUT parameters, or its end: the procedure's own result follows.
    OutParameters,
    /// the OK packet of `COM_STMT_PREPARE`, or ERR.
    Prepared,
    /// a definition of `COM_FIELD_LIST`, or the end of them.
    FieldList,
    /// an event of a binary log, or the end of them.
    Events,
    /// OK, EOF or ERR, and nothing else.
    Simple,
    /// any text, or ERR (`COM_STATISTICS`).
    Text,
    /// none: the response has ended.
    Ended,
    /// none: the response cannot be followed.
    Failed,
}

/// What follows definitions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    Rows,
    /// The columns of a prepared statement, after its parameters.
    Columns(u16),
    Nothing,
}

impl State {
    pub(super) fn new(command: Command, capabilities: Capabilities) -> Result<Self, ProtocolError> {
        if !command.has_response() {
            return Ok(Self::Ended);
        }
        if capabilities.intersects(UNSUPPORTED) {
            let unsupported = capabilities & UNSUPPORTED;
            return Err(ProtocolError::UnsupportedCapabilities(unsupported));
        }
        Ok(match command {
            Command::QUERY
            | Command::STMT_EXECUTE
            | Command::STMT_BULK_EXECUTE
            | Command::PROCESS_INFO => Self::Result,
            Command::STMT_PREPARE => Self::Prepared,
            Command::STMT_FETCH => Self::Rows,
            Command::FIELD_LIST => Self::FieldList,
            Command::STATISTICS => Self::Text,
            Command::BINLOG_DUMP | Command::BINLOG_DUMP_GTID => Self::Events,
            Command::INIT_DB
            | Command::CREATE_DB
            | Command::DROP_DB
            | Command::REFRESH
            | Command::SHUTDOWN
            | Command::PROCESS_KILL
            | Command::DEBUG
            | Command::PING
            | Command::STMT_RESET
            | Command::SET_OPTION
            | Command::REGISTER_SLAVE
            | Command::RESET_CONNECTION => Self::Simple,
            other => return Err(ProtocolError::UnsupportedCommand(other.name())),
        })
    }

    /// The state after `packet`.
    #[inline]
    pub(super) fn next(
        self,
        packet: &Packet<'_>,
        capabilities: Capabilities,
        summary: &mut Summary,
    ) -> Result<Self, ProtocolError> {
        let Some(first) = packet.prefix.first().copied() else {
            // A server may have nothing to say of itself; everything else has a first byte.
            return match self {
                Self::Text => Ok(Self::Ended),
                _ => Err(ProtocolError::EmptyPacket),
            };
        };
        let deprecate_eof = capabilities.contains(Capabilities::DEPRECATE_EOF);
        if first == ErrPacket::HEADER {
            summary.error = Some(ErrPacket::decode_code(&mut Reader::new(packet.prefix))?);
            return Ok(Self::Ended);
        }
        match self {
            Self::Result => packet.result(first, summary),
            Self::LocalDataAnswer => packet.after_ok(first, summary),
            Self::Definitions { left, then } => {
                Ok(Self::after_definition(left, then, deprecate_eof))
            }
            Self::DefinitionsEnd { then } => packet.definitions_end(first, then, summary),
            Self::OutParameters if packet.ends_rows(first, deprecate_eof) => {
                packet.rows_end(summary).map(|_| Self::Result)
            }
            Self::Rows | Self::FieldList if packet.ends_rows(first, deprecate_eof) => {
                packet.rows_end(summary)
            }
            Self::Rows | Self::OutParameters => {
                summary.rows = summary.rows.saturating_add(1);
                Ok(self)
            }
            Self::Events if packet.ends_rows(first, deprecate_eof) => {
                packet.end(summary).map(|_| Self::Ended).map_err(Into::into)
            }
            Self::Events if first == OkPacket::HEADER => Ok(self),
            Self::Prepared => packet.prepared(first, summary),
            Self::FieldList => Ok(Self::FieldList),
            Self::Simple => packet.after_ok(first, summary).map(|_| Self::Ended),
            Self::Text => Ok(Self::Ended),
            Self::LocalData | Self::Events | Self::Ended | Self::Failed => {
                Err(ProtocolError::UnexpectedPacket(first))
            }
        }
    }

    fn after_definition(left: u64, then: Then, deprecate_eof: bool) -> Self {
        match left.saturating_sub(1) {
            0 if deprecate_eof => Self::after_definitions(then),
            0 => Self::DefinitionsEnd { then },
            left => Self::Definitions { left, then },
        }
    }

    fn after_definitions(then: Then) -> Self {
        match then {
            Then::Rows => Self::Rows,
            Then::Columns(0) | Then::Nothing => Self::Ended,
            Then::Columns(columns) => Self::Definitions {
                left: u64::from(columns),
                then: Then::Nothing,
            },
        }
    }

    fn after_result(status: StatusFlags) -> Self {
        if status.contains(StatusFlags::MORE_RESULTS_EXISTS) {
            Self::Result
        } else {
            Self::Ended
        }
    }
}

impl Packet<'_> {
    fn result(&self, first: u8, summary: &mut Summary) -> Result<State, ProtocolError> {
        match first {
            OkPacket::HEADER | EofPacket::HEADER => self.after_ok(first, summary),
            LOCAL_INFILE => Ok(State::LocalData),
            _ => {
                let mut reader = Reader::new(self.prefix);
                let left = reader.lenenc()?;
                if !reader.is_empty() || left == 0 {
                    return Err(ProtocolError::UnexpectedPacket(first));
                }
                summary.result_sets = summary.result_sets.saturating_add(1);
                summary.rows_before = summary.rows;
                summary.ends_with_rows = true;
                Ok(State::Definitions {
                    left,
                    then: Then::Rows,
                })
            }
        }
    }

    /// An OK packet, or the EOF packet that some commands have instead.
    fn after_ok(&self, first: u8, summary: &mut Summary) -> Result<State, ProtocolError> {
        match first {
            OkPacket::HEADER => {
                let ok = Figures::decode(&mut Reader::new(self.prefix))?;
                summary.affected_rows = ok.affected_rows;
                summary.ends_with_rows = false;
                if ok.last_insert_id != 0 {
                    summary.last_insert_id = ok.last_insert_id;
                }
                summary.note_status(ok.status, ok.warnings);
                Ok(State::after_result(ok.status))
            }
            EofPacket::HEADER => Ok(State::after_result(self.end(summary)?)),
            other => Err(ProtocolError::UnexpectedPacket(other)),
        }
    }

    fn definitions_end(
        &self,
        first: u8,
        then: Then,
        summary: &mut Summary,
    ) -> Result<State, ProtocolError> {
        if first != EofPacket::HEADER {
            return Err(ProtocolError::UnexpectedPacket(first));
        }
        let eof = EofPacket::decode(self.prefix)?;
        let has_cursor = eof.status.contains(StatusFlags::CURSOR_EXISTS) && !summary.no_cursor;
        match then {
            // MySQL says here only that more results follow, and not at the end of the rows.
            Then::Rows if eof.status.contains(StatusFlags::PS_OUT_PARAMS) => {
                Ok(State::OutParameters)
            }
            Then::Rows if has_cursor => {
                summary.note_status(eof.status, eof.warnings);
                summary.cursor_open = true;
                Ok(State::after_result(eof.status))
            }
            // The packet at the end of the rows tells it again, and better.
            then => Ok(State::after_definitions(then)),
        }
    }

    fn prepared(&self, first: u8, summary: &mut Summary) -> Result<State, ProtocolError> {
        if first != OkPacket::HEADER {
            return Err(ProtocolError::UnexpectedPacket(first));
        }
        let mut reader = Reader::new(self.prefix);
        reader.u8()?; // header
        let statement_id = reader.u32()?;
        let columns = reader.u16()?;
        let parameters = reader.u16()?;
        reader.u8()?; // filler
        // Servers before MySQL 4.1.1 leave the warnings out; nobody else does.
        let warnings = reader.u16()?;
        summary.statement_id = Some(statement_id);
        summary.statement_params = parameters;
        summary.statement_columns = columns;
        summary.warnings = summary.warnings.saturating_add(u32::from(warnings));
        let then = Then::Columns(columns);
        Ok(match u64::from(parameters) {
            0 => State::after_definitions(then),
            left => State::Definitions { left, then },
        })
    }

    /// Tells the end of rows from a row whose first value is 16 MiB or longer, and has the same
    /// first byte.
    fn ends_rows(&self, first: u8, deprecate_eof: bool) -> bool {
        let limit = if deprecate_eof {
            MAX_PAYLOAD
        } else {
            EofPacket::ROW_LEN
        };
        first == EofPacket::HEADER && self.payload_len < limit
    }

    fn rows_end(&self, summary: &mut Summary) -> Result<State, ProtocolError> {
        let status = self.end(summary)?;
        summary.cursor_open = status.contains(StatusFlags::CURSOR_EXISTS)
            && !summary.no_cursor
            && !status.contains(StatusFlags::LAST_ROW_SENT);
        Ok(State::after_result(status))
    }

    /// Reads an EOF packet, or the OK packet that replaces it: the shorter one is five bytes, the
    /// longer one at least seven.
    fn end(&self, summary: &mut Summary) -> Result<StatusFlags, DecodeError> {
        let (status, warnings) = if self.payload_len == EofPacket::LEN {
            let eof = EofPacket::decode(self.prefix)?;
            (eof.status, eof.warnings)
        } else {
            let ok = Figures::decode(&mut Reader::new(self.prefix))?;
            (ok.status, ok.warnings)
        };
        summary.note_status(status, warnings);
        Ok(status)
    }
}
