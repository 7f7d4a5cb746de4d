//! What a session does: a program of steps. Programs are data, so that one that shows a difference
//! can be made smaller, printed, kept in a file and run again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Several sessions, at once and after each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Scenario {
    /// Their programs. Those of one lane run after each other, lanes run at once.
    pub(super) programs: Vec<Program>,
    /// Other sessions keep the pool busy meanwhile; what they are told is not looked at.
    #[serde(default)]
    pub(super) noise: bool,
}

/// One session, from its login to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Program {
    /// The lane, and so the databases, that it works in.
    pub(super) lane: usize,
    pub(super) login: Login,
    pub(super) steps: Vec<Step>,
    pub(super) ending: Ending,
    /// It changes tables, which have to be made anew afterwards.
    #[serde(default)]
    pub(super) rebuild: bool,
}

/// How a session logs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Login {
    /// The database to begin in.
    pub(super) database: Option<String>,
    /// The low byte of the collation's id.
    pub(super) collation: u8,
    /// Bits of the capabilities beyond those that every login has.
    pub(super) capabilities: u64,
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ending {
    /// `COM_QUIT`.
    Quit,
    /// The connection is closed without a word.
    HangUp,
    /// The connection is closed while a long result comes.
    HangUpAmidResult,
}

/// One thing that a session does. Statements are known by a number of the program's own (`slot`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Step {
    Query(String),
    InitDb(String),
    Ping,
    ResetConnection,
    ChangeUser(Option<String>),
    SetOption(bool),
    FieldList(String),
    Statistics,
    Prepare(u8, String),
    Execute(Execution),
    LongData(u8, u16, String),
    Fetch(u8, u32),
    ResetStatement(u8),
    CloseStatement(u8),
    /// Milliseconds in which others use the connection.
    Pause(u8),
}

/// One `COM_STMT_EXECUTE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Execution {
    pub(super) slot: u8,
    pub(super) values: Vec<Value>,
    /// The types of the parameters are sent although they were sent before.
    pub(super) rebind: bool,
    /// A cursor is asked for.
    pub(super) cursor: bool,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Unsigned(u64),
    Double(f64),
    Text(String),
    Blob(Vec<u8>),
    /// The id that the greeting gave to the session's connection.
    ConnectionId,
}

impl Program {
    /// The first words of a step, for telling kinds of differences apart: no names, no numbers.
    pub(super) fn kind_of(step: &Step) -> String {
        let text = step.to_string();
        let words = text.split_whitespace().take(4).map(|word| {
            if word.contains('@') && !word.contains("@@") {
                return "@variable".to_owned();
            }
            let plain = word.chars().filter(|c| !c.is_ascii_digit());
            plain.take(24).collect::<String>()
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Login {
            database,
            collation,
            capabilities,
        } = &self.login;
        let database = database.as_deref().unwrap_or("no database");
        writeln!(
            f,
            "  log in to {database}, collation {collation}, capabilities {capabilities:#x}"
        )?;
        for (at, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {:>2}. {step}", at + 1)?;
        }
        writeln!(f, "  {}", self.ending)
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quit => "COM_QUIT",
            Self::HangUp => "hang up",
            Self::HangUpAmidResult => "hang up amid a long result",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(sql) => f.write_str(sql),
            Self::InitDb(database) => write!(f, "COM_INIT_DB {database}"),
            Self::Ping => f.write_str("COM_PING"),
            Self::ResetConnection => f.write_str("COM_RESET_CONNECTION"),
            Self::ChangeUser(database) => write!(f, "COM_CHANGE_USER, database {database:?}"),
            Self::SetOption(multi) => write!(f, "COM_SET_OPTION, multi-statements: {multi}"),
            Self::FieldList(table) => write!(f, "COM_FIELD_LIST {table}"),
            Self::Statistics => f.write_str("COM_STATISTICS"),
            Self::Prepare(slot, sql) => write!(f, "COM_STMT_PREPARE #{slot} {sql}"),
            Self::Execute(execution) => {
                write!(
                    f,
                    "COM_STMT_EXECUTE #{} {:?}",
                    execution.slot, execution.values
                )?;
                if !execution.rebind {
                    f.write_str(", types as before")?;
                }
                if execution.cursor {
                    f.write_str(", with a cursor")?;
                }
                Ok(())
            }
            Self::LongData(slot, parameter, text) => {
                write!(
                    f,
                    "COM_STMT_SEND_LONG_DATA #{slot} parameter {parameter}: {text:?}"
                )
            }
            Self::Fetch(slot, rows) => write!(f, "COM_STMT_FETCH #{slot}, {rows} rows"),
            Self::ResetStatement(slot) => write!(f, "COM_STMT_RESET #{slot}"),
            Self::Pause(milliseconds) => write!(f, "(says nothing for {milliseconds} ms)"),
            Self::CloseStatement(slot) => write!(f, "COM_STMT_CLOSE #{slot}"),
        }
    }
}
