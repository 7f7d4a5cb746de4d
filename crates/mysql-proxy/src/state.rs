//! What a session has made of its connection, in a form that can be carried to another.
//!
//! A session has such a state, and so has every origin connection: where the two are equal, which
//! is nearly always, a command goes out as it came. Where they differ, `bring.rs` leads the
//! connection from its state to the session's.

mod prepare;
mod results;

pub(crate) use prepare::Doubt;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use mysql_sql::{Assignment, Letters, Value, is_character_set};

use crate::collation;

/// Most user variables, and most system variables, that a session may carry. Each is sent to every
/// connection that comes from another session; what is over it pins.
const MAX_VARIABLES: usize = 64;

/// Most bytes that the carried variables may have in all: one packet, and a small part of what an
/// idle session may cost.
const MAX_BYTES: usize = 8 * 1024;

/// What belongs to a session beyond its transaction, and can be carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionState {
    /// Of all that follows; equal states have equal ones.
    stamp: u64,
    /// Likewise, but for user variables.
    result_stamp: u64,
    /// Bytes that are its own: those that few sessions share.
    weight: usize,
    hides_ascii: bool,
    is_utf8: bool,
    /// The default database.
    pub(crate) database: Database,
    /// Character set and collation.
    pub(crate) names: Names,
    /// Nobody has set `sql_mode` since a login with `CLIENT_IGNORE_SPACE`, which adds that mode to
    /// the default, and which nothing else brings back.
    pub(crate) ignore_space: bool,
    /// System variables that differ from the origin's own defaults, in the order in which they were
    /// set last: some set others along.
    pub(crate) variables: Vec<(String, String)>,
    /// User variables, by name.
    pub(crate) user_variables: Vec<(String, UserValue)>,
    /// The role, as `SET ROLE` named it.
    pub(crate) role: Option<String>,
}

/// The value of a user variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UserValue {
    /// What it was set to last other than NULL: its type stays when it is set to that. `NULL`: it
    /// was never set to anything else.
    pub(crate) literal: String,
    /// It is NULL.
    pub(crate) is_null: bool,
}

/// The default database of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Database {
    /// Nobody can tell: after a reset MySQL keeps it and TiDB does not.
    Unknown,
    /// There is none.
    None,
    /// This one.
    Named(String),
}

/// The character set and collation of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Names {
    /// Nobody can tell: after a reset, but for TiDB's.
    Unknown,
    /// Those of a login with this collation.
    Login(u8),
    /// What `SET NAMES …` or `SET CHARACTER SET …` has made of it.
    Set(String),
}

/// A statement has set something that is not carried.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotCarried;

impl SessionState {
    /// The state after a login.
    pub(crate) fn new(database: Option<String>, collation: u8) -> Self {
        Self::with(
            database.map_or(Database::None, Database::Named),
            Names::Login(collation),
        )
    }

    /// The same after a login with this mode, or without it.
    pub(crate) fn ignoring_space(self, ignore_space: bool) -> Self {
        Self {
            ignore_space,
            ..self
        }
        .stamped()
    }

    /// The same with this character set and collation.
    pub(crate) fn named(self, names: Names) -> Self {
        Self { names, ..self }.stamped()
    }

    /// The state of a connection after `COM_RESET_CONNECTION`, which leaves the role as it was on
    /// MySQL and MariaDB.
    ///
    /// `ignore_space`: it keeps that mode, too.
    pub(crate) fn after_reset(names: Names, role: Option<String>, ignore_space: bool) -> Self {
        let mut state = Self::with(Database::Unknown, names);
        state.role = role;
        state.ignore_space = ignore_space;
        state.stamped()
    }

    /// This state without a database.
    pub(crate) fn without_database(&self) -> Self {
        let mut state = self.clone();
        state.database = Database::None;
        state.stamped()
    }

    /// This state in a database that nobody knows.
    pub(crate) fn with_unknown_database(&self) -> Self {
        let mut state = self.clone();
        state.database = Database::Unknown;
        state.stamped()
    }

    /// This state with another role.
    pub(crate) fn in_role(mut self, role: Option<String>) -> Self {
        self.role = role;
        self.stamped()
    }

    fn with(database: Database, names: Names) -> Self {
        Self {
            stamp: 0,
            result_stamp: 0,
            weight: 0,
            hides_ascii: false,
            is_utf8: false,
            database,
            names,
            ignore_space: false,
            variables: Vec::new(),
            user_variables: Vec::new(),
            role: None,
        }
        .stamped()
    }

    /// True when a connection in this state serves a session of the other.
    pub(crate) fn is_same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || (self.stamp == other.stamp && self == other)
    }

    /// Equal for equal states.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The database's name, if there is one.
    pub(crate) fn database_name(&self) -> Option<&str> {
        match &self.database {
            Database::Named(name) => Some(name),
            Database::None | Database::Unknown => None,
        }
    }

    /// The database that a login for a session in this state may begin in. (It would say a name
    /// that is not ASCII in the character set of the client's login, which may be another by now.)
    pub(crate) fn database_of_login(&self) -> Option<String> {
        let name = self.database_name().filter(|name| name.is_ascii());
        name.map(str::to_owned)
    }

    /// True on a connection that is in a database whose name nobody knows, and in a session that
    /// keeps it for that.
    pub(crate) fn is_in_unknown_database(&self) -> bool {
        self.database == Database::Unknown
    }

    /// The state after these assignments, which all succeeded. A [`Value::Expression`] must have
    /// been asked for before.
    pub(crate) fn assigned(&self, sets: &[Assignment]) -> Result<Self, NotCarried> {
        let mut state = self.clone();
        for assignment in sets {
            state.assign(assignment)?;
        }
        state.check_limits()?;
        let state = state.stamped();
        if state.has_doubtful_database(self) {
            return Err(NotCarried);
        }
        Ok(state)
    }

    /// True where a step may say the database's name in another character set than the session
    /// has, which was in the state `before`: that of its bytes beyond ASCII nobody keeps books of,
    /// but that it was UTF-8 all the time.
    pub(crate) fn has_doubtful_database(&self, before: &Self) -> bool {
        let is_ascii = self.database_name().is_none_or(str::is_ascii);
        let is_as_before = || {
            self.database == before.database
                && self.names == before.names
                && self.variable(CLIENT_CHARSET) == before.variable(CLIENT_CHARSET)
        };
        let is_utf8 = || self.is_surely_utf8() && before.is_surely_utf8();
        !(is_ascii || is_as_before() || is_utf8())
    }

    /// True for a session whose texts are UTF-8, also on a connection that is still on its way to
    /// this state.
    fn is_surely_utf8(&self) -> bool {
        let is_new = matches!(self.names, Names::Login(id) if collation::is_new(id));
        self.is_utf8 && !is_new && self.variable(CLIENT_CHARSET).is_none()
    }

    /// The state in which these user variables are NULL, unless they are set.
    pub(crate) fn with_user_variables(&self, names: &[String]) -> Result<Self, NotCarried> {
        let mut state = self.clone();
        for name in names {
            if !self.has_user_variable(name) {
                put(&mut state.user_variables, name, UserValue::null());
            }
        }
        state.check_limits()?;
        Ok(state.stamped())
    }

    /// True when the variable's value is known.
    pub(crate) fn has_user_variable(&self, name: &str) -> bool {
        self.user_variables.iter().any(|(known, _)| known == name)
    }

    /// True when a byte of a character may look like a quote or a backslash (Big5, GBK, Shift JIS,
    /// GB18030 and their like): a statement in it cannot be read safely.
    pub(crate) fn hides_ascii(&self) -> bool {
        self.hides_ascii
    }

    /// True when `sql_mode` surely has `IGNORE_SPACE`: that of the origin's defaults nobody knows.
    pub(crate) fn ignores_space(&self) -> bool {
        let mode = || self.variable("sql_mode");
        self.ignore_space || mode().is_some_and(mode_ignores_space)
    }

    /// Which bytes beyond ASCII are letters in its statements. `knows_all`: its server knows the
    /// collation of any login; otherwise it may have taken its own.
    pub(crate) fn letters(&self, knows_all: bool) -> Letters {
        let is_known =
            knows_all || !matches!(self.names, Names::Login(id) if collation::is_new(id));
        if self.is_utf8 && is_known {
            Letters::Utf8
        } else {
            Letters::Unknown
        }
    }

    /// True when a literal has the same character set and collation in both.
    pub(crate) fn reads_strings_as(&self, other: &Self) -> bool {
        let of = |state: &Self| {
            let variables = state.variables.iter();
            let mut sets: Vec<_> = variables
                .filter(|(name, _)| is_character_set(name))
                .cloned()
                .collect();
            sets.sort_unstable();
            sets
        };
        self.names == other.names && of(self) == of(other)
    }

    /// `sql_mode` is the server's default: the session has not set it.
    pub(crate) fn has_default_mode(&self) -> bool {
        self.variable("sql_mode").is_none()
    }

    /// What the session has set a system variable to, as a literal.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter();
        variables
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// How long the session wants its client to be waited for, if it has said so: the longer of
    /// `net_read_timeout` and `net_write_timeout`.
    pub(crate) fn net_timeout(&self) -> Duration {
        let seconds = |name| self.variable(name)?.parse().ok();
        let both = ["net_write_timeout", "net_read_timeout"].map(seconds);
        let longest = both.into_iter().flatten().max();
        longest.map_or(Duration::ZERO, Duration::from_secs)
    }

    fn assign(&mut self, assignment: &Assignment) -> Result<(), NotCarried> {
        match assignment {
            Assignment::Database(name) => self.database = Database::Named(name.clone()),
            Assignment::Names(text) => self.set_names(text)?,
            Assignment::Variable { name, .. } if is_character_set(name) && self.has_strings() => {
                return Err(NotCarried);
            }
            Assignment::Variable { name, value } => {
                self.ignore_space &= name != "sql_mode";
                match value {
                    Value::Literal(text) => put(&mut self.variables, name, text.clone()),
                    Value::Default => self.variables.retain(|(known, _)| known != name),
                    Value::Expression => return Err(NotCarried),
                }
            }
            Assignment::UserVariable { name, value } => {
                let known = self.user_variables.iter().find(|(known, _)| known == name);
                let value = UserValue::assigned(value, known.map(|(_, value)| value));
                put(&mut self.user_variables, name, value);
            }
            Assignment::Role(role) => self.role = Some(role.clone()),
        }
        Ok(())
    }

    /// A string that was assigned before keeps the collation of its time, which its text does not
    /// tell.
    fn set_names(&mut self, text: &str) -> Result<(), NotCarried> {
        if self.has_strings() {
            return Err(NotCarried);
        }
        self.variables.retain(|(name, _)| !is_character_set(name));
        self.names = Names::Set(text.to_owned());
        Ok(())
    }

    fn has_strings(&self) -> bool {
        let mut values = self.user_variables.iter().map(|(_, value)| value);
        values.any(|value| value.literal.starts_with('\''))
    }

    fn check_limits(&self) -> Result<(), NotCarried> {
        let of_session = self.variables.iter().map(|(name, value)| (name, value));
        let users = self.user_variables.iter();
        let of_user = users.map(|(name, value)| (name, &value.literal));
        let all = of_session.chain(of_user);
        let bytes: usize = all.map(|(name, value)| name.len() + value.len()).sum();
        let is_within = bytes <= MAX_BYTES
            && self.variables.len() <= MAX_VARIABLES
            && self.user_variables.len() <= MAX_VARIABLES;
        is_within.then_some(()).ok_or(NotCarried)
    }

    fn stamped(mut self) -> Self {
        let mut hasher = DefaultHasher::new();
        self.database.hash(&mut hasher);
        self.names.hash(&mut hasher);
        self.ignore_space.hash(&mut hasher);
        self.variables.hash(&mut hasher);
        self.role.hash(&mut hasher);
        self.result_stamp = hasher.finish();
        self.user_variables.hash(&mut hasher);
        self.stamp = hasher.finish();
        self.weight = self.weigh();
        self.hides_ascii = match &self.names {
            Names::Login(collation) => collation_hides_ascii(*collation),
            Names::Set(text) => mentions_hiding(text),
            Names::Unknown => false,
        } || self
            .variables
            .iter()
            .any(|(name, value)| name == CLIENT_CHARSET && mentions_hiding(value));
        let client = self
            .variables
            .iter()
            .find(|(name, _)| name == CLIENT_CHARSET);
        self.is_utf8 = match (client, &self.names) {
            (Some((_, value)), _) => is_utf8(value),
            (None, Names::Login(id)) => collation::is_utf8(*id),
            (None, Names::Set(text)) => is_utf8(text),
            (None, Names::Unknown) => false,
        };
        self
    }
}

impl UserValue {
    const NULL: &str = "NULL";

    /// That of a variable that was never set.
    fn null() -> Self {
        Self {
            literal: Self::NULL.to_owned(),
            is_null: true,
        }
    }

    /// After the assignment of a literal to a variable that had this value before.
    fn assigned(literal: &str, before: Option<&Self>) -> Self {
        let is_null = literal == Self::NULL;
        let literal = match before {
            Some(before) if is_null => &before.literal,
            _ => literal,
        };
        Self {
            literal: literal.to_owned(),
            is_null,
        }
    }

    /// It has a type, though it is NULL.
    pub(crate) fn is_typed_null(&self) -> bool {
        self.is_null && self.literal != Self::NULL
    }
}

/// True for a value of `sql_mode` that has `IGNORE_SPACE`, or `ANSI`, which is short for it and
/// others.
fn mode_ignores_space(mode: &str) -> bool {
    let mut modes = mode.trim_matches('\'').split(',').map(str::trim);
    modes.any(|mode| {
        ["IGNORE_SPACE", "ANSI"]
            .iter()
            .any(|it| it.eq_ignore_ascii_case(mode))
    })
}

/// The variable that tells how the bytes of a statement read.
const CLIENT_CHARSET: &str = "character_set_client";

/// True for the value of that variable, or the text of a `SET`, that makes it UTF-8.
fn is_utf8(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let charset = text
        .trim_start_matches("names")
        .trim_start_matches("character_set_client=")
        .trim_start_matches([' ', '\'', '"', '`']);
    charset.starts_with("utf8")
}

/// Collation ids: `information_schema.COLLATIONS`.
fn collation_hides_ascii(collation: u8) -> bool {
    matches!(collation, 1 | 13 | 28 | 84 | 87 | 88 | 95 | 96 | 248..=250)
}

/// True when the text names one of those character sets. `NAMES DEFAULT` may: it is not carried.
fn mentions_hiding(text: &str) -> bool {
    const HIDING: [&str; 6] = ["big5", "sjis", "cp932", "gbk", "gb18030", "default"];
    let text = text.to_ascii_lowercase();
    HIDING.iter().any(|name| text.contains(name))
}

/// Sets a variable, as the last one.
fn put<V>(variables: &mut Vec<(String, V)>, name: &str, value: V) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.to_owned(), value));
}
