//! What a session has made of its connection, in a form that can be carried to another.
//!
//! A session has such a state, and so has every origin connection: where the two are equal, which
//! is nearly always, a command goes out as it came. Where they differ, `bring.rs` leads the
//! connection from its state to the session's.

mod results;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use mysql_sql::{Assignment, Effect, Letters, Value, is_character_set};

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

    /// What preparing a statement of this effect depends on: how its text reads, which tables its
    /// names mean, and the types of the user variables that it reads. Nothing that a step back to
    /// it could do harm with: `autocommit` ends transactions.
    pub(crate) fn for_prepare(&self, effect: &Effect) -> Arc<Self> {
        let mut state = Self::with(self.database.clone(), self.names.clone());
        state.ignore_space = self.ignore_space;
        let variables = self.variables.iter().filter(|(name, _)| is_of_text(name));
        state.variables = variables.cloned().collect();
        let is_read = |name: &String| effect.user_variables.contains(name);
        let user_variables = self.user_variables.iter();
        state.user_variables = user_variables
            .filter(|(name, _)| is_read(name))
            .cloned()
            .collect();
        Arc::new(state.stamped())
    }

    /// Whether that is `under`, without making it.
    pub(crate) fn is_for_prepare(&self, effect: &Effect, under: &Self) -> bool {
        let variables = self.variables.iter().filter(|(name, _)| is_of_text(name));
        let is_read = |name: &String| effect.user_variables.contains(name);
        let user_variables = self.user_variables.iter().filter(|(name, _)| is_read(name));
        self.database == under.database
            && self.names == under.names
            && self.ignore_space == under.ignore_space
            && under.role.is_none()
            && variables.eq(&under.variables)
            && user_variables.eq(&under.user_variables)
    }

    /// This state, but for what preparing a statement depends on, which is as in `under`.
    pub(crate) fn as_under(&self, under: &Self) -> Self {
        let mut state = self.clone();
        state.database = under.database.clone();
        state.names = under.names.clone();
        state.ignore_space = under.ignore_space;
        state.variables.retain(|(name, _)| !is_of_text(name));
        state.variables.extend(under.variables.iter().cloned());
        for (name, value) in &under.user_variables {
            put(&mut state.user_variables, name, value.clone());
        }
        state.stamped()
    }

    /// The database's name, if there is one.
    pub(crate) fn database_name(&self) -> Option<&str> {
        match &self.database {
            Database::Named(name) => Some(name),
            Database::None | Database::Unknown => None,
        }
    }

    /// The state after these assignments, which all succeeded. A [`Value::Expression`] must have
    /// been asked for before.
    pub(crate) fn assigned(&self, sets: &[Assignment]) -> Result<Self, NotCarried> {
        let mut state = self.clone();
        for assignment in sets {
            state.assign(assignment)?;
        }
        state.check_limits()?;
        Ok(state.stamped())
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

    /// How long the session wants its client to be waited for, if it has said so. Longest where it
    /// has for what is read and what is written.
    pub(crate) fn patience(&self) -> Duration {
        let seconds = |name| self.variable(name)?.parse().ok();
        let both = ["net_write_timeout", "net_read_timeout"].map(seconds);
        let longest = both.into_iter().flatten().max();
        longest.map_or(Duration::ZERO, Duration::from_secs)
    }

    fn assign(&mut self, assignment: &Assignment) -> Result<(), NotCarried> {
        match assignment {
            // In which character set a step would have to say it, nobody keeps books of.
            Assignment::Database(name) if !name.is_ascii() => return Err(NotCarried),
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

/// True for a variable that is in what a server makes of a text when it prepares that: how it
/// reads, a locale, the types of its columns.
///
/// Only what does no harm when it is stepped back to, also amid a transaction: `autocommit` ends
/// one, and some cannot be set in one.
fn is_of_text(name: &str) -> bool {
    const OTHERS: [&str; 9] = [
        "sql_mode",
        "block_encryption_mode",
        "default_week_format",
        "div_precision_increment",
        "explain_format",
        "group_concat_max_len",
        "lc_time_names",
        "time_zone",
        "windowing_use_high_precision",
    ];
    OTHERS.contains(&name)
        || name.starts_with("character_set_")
        || name.starts_with("collation_")
        || name.starts_with("default_collation")
}

/// Sets a variable, as the last one.
fn put<V>(variables: &mut Vec<(String, V)>, name: &str, value: V) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.to_owned(), value));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// States that differ in what preparing depends on, and in what it does not.
    fn states() -> Vec<SessionState> {
        let plain = SessionState::new(Some("a".to_owned()), 45);
        let set = |name: &str, value: &str| Assignment::Variable {
            name: name.to_owned(),
            value: Value::Literal(value.to_owned()),
        };
        let user = |name: &str, literal: &str| Assignment::UserVariable {
            name: name.to_owned(),
            value: literal.to_owned(),
        };
        let all = [
            vec![Assignment::Database("b".to_owned())],
            vec![Assignment::Names("NAMES latin1".to_owned())],
            vec![Assignment::Role("r".to_owned())],
            vec![set("sql_mode", "'ANSI'")],
            vec![set("sql_mode", "''"), set("time_zone", "'+00:00'")],
            vec![set("time_zone", "'+00:00'"), set("sql_mode", "''")],
            vec![set("autocommit", "0")],
            vec![user("x", "1")],
            vec![user("x", "NULL"), user("y", "2")],
        ];
        let mut states: Vec<_> = all
            .iter()
            .map(|sets| plain.assigned(sets).unwrap())
            .collect();
        states.push(plain.clone().ignoring_space(true));
        states.push(plain);
        states
    }

    #[test]
    fn what_preparing_depends_on_is_compared_as_it_is_made() {
        let reads_x = Effect {
            user_variables: vec!["x".to_owned()],
            ..Effect::default()
        };
        for effect in [Effect::default(), reads_x] {
            for state in states() {
                let others = states().into_iter();
                let made = others.clone().map(|other| other.for_prepare(&effect));
                for other in others.map(Arc::new).chain(made) {
                    let made = state.for_prepare(&effect);
                    let is_under = state.is_for_prepare(&effect, &other);
                    assert_eq!(is_under, made.is_same(&other), "{state:?}, {other:?}");
                }
            }
        }
    }
}
