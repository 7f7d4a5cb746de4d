//! Leads an origin connection from the state that it is in to a session's.
//!
//! The commands go out in one piece, ahead of the session's own command. Their responses are read
//! by `origin/ask.rs`; any failure means that the connection is in no known state, and closes it.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use conn_pool::Fit;
use mysql_proto::{Capabilities, Command, write_command};
use mysql_sql::{Escapes, is_character_set};

use crate::collation;
use crate::origin::Flavor;
use crate::state::{Database, Names, SessionState, UserValue};

const SQL_MODE: &str = "sql_mode";

/// Commands that lead a connection to a state, not sent yet.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// The packets, one after the other.
    pub(crate) bytes: Vec<u8>,
    /// Which command each is.
    pub(crate) commands: Vec<Command>,
    /// What `LAST_INSERT_ID()` gives after them, if they change it.
    pub(crate) insert_id: Option<u64>,
    /// Statements have room for query attributes.
    attributes: bool,
    /// They leave user variables behind that are NULL, which is nearly as if they were not there.
    pub(crate) leaves_traces: bool,
    /// They set `sql_mode`, though the session has not.
    pub(crate) forces_escapes: bool,
    /// They put `sql_mode` back to what the server has for a default now.
    pub(crate) defaults_mode: bool,
    /// They lead to this state, and not to the session's.
    pub(crate) instead: Option<Arc<SessionState>>,
}

impl Steps {
    /// None yet, for a connection with these capabilities.
    pub(crate) fn on(capabilities: Capabilities) -> Self {
        Self {
            attributes: capabilities.contains(Capabilities::QUERY_ATTRIBUTES),
            ..Self::default()
        }
    }

    /// True when there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub(crate) fn push(&mut self, command: Command, argument: &[u8]) {
        push_command(&mut self.bytes, command, argument, self.attributes);
        self.commands.push(command);
    }

    /// Makes `LAST_INSERT_ID()` give `value`. `by_variable`: `DO` may run nothing, on MySQL with
    /// `sql_select_limit = 0`.
    ///
    /// `LAST_INSERT_ID(n)` sets what the next call without an argument gives, on MySQL, MariaDB and
    /// TiDB (where the variable of that name cannot be set), though not to 0 on TiDB:
    /// <https://dev.mysql.com/doc/refman/8.4/en/information-functions.html#function_last-insert-id>
    pub(crate) fn set_insert_id(&mut self, value: u64, by_variable: bool) {
        if by_variable {
            self.set(&format!("@@SESSION.last_insert_id={value}"));
        } else {
            self.push(
                Command::QUERY,
                format!("DO LAST_INSERT_ID({value})").as_bytes(),
            );
        }
        self.insert_id = Some(value);
    }

    /// Makes backslashes read like this, whatever else `sql_mode` is.
    pub(crate) fn set_escapes(&mut self, escapes: Escapes) {
        self.forces_escapes = true;
        self.set(match escapes {
            Escapes::Backslash => {
                "@@SESSION.sql_mode=REPLACE(@@SESSION.sql_mode,'NO_BACKSLASH_ESCAPES','')"
            }
            Escapes::None => {
                "@@SESSION.sql_mode=CONCAT(@@SESSION.sql_mode,',NO_BACKSLASH_ESCAPES')"
            }
        });
    }

    fn set(&mut self, what: &str) {
        self.push(Command::QUERY, format!("SET {what}").as_bytes());
    }
}

/// Appends a command of the edge's own. `attributes`: the connection expects query attributes, of
/// which the edge has none.
pub(crate) fn push_command(
    bytes: &mut Vec<u8>,
    command: Command,
    argument: &[u8],
    attributes: bool,
) {
    /// How many, in how many sets.
    const NONE: [u8; 2] = [0, 1];
    if attributes && command == Command::QUERY {
        write_command(bytes, command, &[&NONE, argument].concat());
    } else {
        write_command(bytes, command, argument);
    }
}

/// Whether a connection can be led from one state to another.
pub(crate) fn fit(from: &SessionState, to: &SessionState, flavor: Flavor) -> Fit {
    // A database cannot be left but for another one.
    let loses_database = to.database == Database::None && from.database != Database::None;
    // Which roles a login has, `SET ROLE DEFAULT` does not tell.
    let loses_role = to.role.is_none() && from.role.is_some();
    let has_names = names(&to.names, flavor).is_some()
        || (from.names == to.names
            && (!unsets_character_set(from, to) || lost_names(&to.names, flavor).is_some()));
    if loses_database || loses_role || !has_names {
        Fit::Never
    } else {
        Fit::Bring
    }
}

/// Adds to `steps` what leads from one state to another that [`fit`]. `reset`: by way of a reset,
/// which leads to this state.
pub(crate) fn add_steps(
    steps: &mut Steps,
    from: &SessionState,
    to: &SessionState,
    flavor: Flavor,
    reset: Option<&SessionState>,
) {
    let from = if let Some(after_reset) = reset {
        steps.defaults_mode = true;
        steps.push(Command::RESET_CONNECTION, &[]);
        if flavor.is_mariadb() {
            // It keeps what `FOUND_ROWS()` gives.
            steps.push(Command::QUERY, b"SELECT 1 LIMIT 0");
        }
        after_reset
    } else {
        from
    };
    // It may be what lets the user set the rest.
    if from.role != to.role
        && let Some(role) = &to.role
    {
        steps.set(&format!("ROLE {role}"));
    }
    // Ahead of values, because a literal has the character set of its statement's time.
    if from.names != to.names || unsets_character_set(from, to) {
        let text = names(&to.names, flavor).map(Cow::Borrowed);
        if let Some(text) = text.or_else(|| lost_names(&to.names, flavor)) {
            steps.set(&text);
        }
    }
    if from.database != to.database
        && let Database::Named(name) = &to.database
    {
        steps.push(Command::INIT_DB, name.as_bytes());
    }
    let is_unset = |(name, _): &(String, UserValue)| value_of(&to.user_variables, name).is_none();
    steps.leaves_traces = from.user_variables.iter().any(is_unset);
    steps.defaults_mode |= !from.has_default_mode() && to.has_default_mode();
    // Two statements, because a string has the collation of its statement's time.
    for list in [variables(from, to, flavor), user_variables(from, to)] {
        if !list.is_empty() {
            steps.set(&list);
        }
    }
}

fn names(names: &Names, flavor: Flavor) -> Option<&str> {
    match names {
        Names::Login(id) => collation::set_names(*id, flavor),
        Names::Set(text) => Some(text),
        Names::Unknown => None,
    }
}

/// What puts back a character set that no `SET NAMES` is known for: MySQL's reset goes to the
/// server's own, those of MariaDB and TiDB to that of the login.
fn lost_names(names: &Names, flavor: Flavor) -> Option<Cow<'static, str>> {
    match names {
        Names::Login(id) if flavor == Flavor::MySql => collation::set_numbers(*id).map(Cow::Owned),
        _ => None,
    }
}

/// True when a variable that `SET NAMES` sets has to go back to what that made of it.
fn unsets_character_set(from: &SessionState, to: &SessionState) -> bool {
    let is_of_names =
        |name: &str| name.starts_with("character_set_") || name.starts_with("collation_");
    from.variables
        .iter()
        .any(|(name, _)| is_of_names(name) && value_of(&to.variables, name).is_none())
}

/// The list of a `SET` that makes the system variables equal.
fn variables(from: &SessionState, to: &SessionState, flavor: Flavor) -> String {
    let mut list = String::new();
    let renames = unsets_character_set(from, to) || from.names != to.names;
    let mode = value_of(&to.variables, SQL_MODE);
    let is_default = value_of(&from.variables, SQL_MODE).is_none();
    if mode.is_none() && !(is_default && from.ignore_space == to.ignore_space) {
        // Servers forgive a comma too many. TiDB passes over the capability.
        let value = if to.ignore_space && !flavor.is_tidb() {
            "CONCAT(@@GLOBAL.sql_mode,',IGNORE_SPACE')"
        } else {
            "DEFAULT"
        };
        add(&mut list, format_args!("@@SESSION.{SQL_MODE}={value}"));
    }
    // The last one first: it may be one that the others before it allow.
    for (name, _) in from.variables.iter().rev() {
        let is_unset = value_of(&to.variables, name).is_none() && name != SQL_MODE;
        if is_unset && !is_character_set(name) {
            add(
                &mut list,
                format_args!(
                    "@@SESSION.{}={}",
                    flavor.spelling(name),
                    mysql_sql::initial(name)
                ),
            );
        }
    }
    for (name, value) in &to.variables {
        let is_there =
            value_of(&from.variables, name) == Some(value) && !(renames && is_character_set(name));
        if !is_there {
            add(
                &mut list,
                format_args!("@@SESSION.{}={value}", flavor.spelling(name)),
            );
        }
    }
    list
}

/// The list of a `SET` that makes the user variables equal.
fn user_variables(from: &SessionState, to: &SessionState) -> String {
    let mut list = String::new();
    for (name, value) in &from.user_variables {
        if !value.is_null && value_of(&to.user_variables, name).is_none() {
            add(&mut list, format_args!("@{}=NULL", quoted(name)));
        }
    }
    for (name, value) in &to.user_variables {
        if value_of(&from.user_variables, name) != Some(value) {
            let name = quoted(name);
            add(&mut list, format_args!("@{name}={}", value.literal));
            if value.is_typed_null() {
                add(&mut list, format_args!("@{name}=NULL"));
            }
        }
    }
    list
}

fn add(list: &mut String, item: std::fmt::Arguments<'_>) {
    if !list.is_empty() {
        list.push(',');
    }
    // Writing to a string cannot fail.
    let _infallible = list.write_fmt(item);
}

fn value_of<'v, V>(variables: &'v [(String, V)], name: &str) -> Option<&'v V> {
    variables
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
