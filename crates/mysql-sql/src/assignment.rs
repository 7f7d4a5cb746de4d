//! What a statement makes of its session's state.

use crate::variables;

/// One thing that a statement sets in its session, if it succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// `USE name`: the default database.
    Database(String),
    /// `SET NAMES …`, as `NAMES utf8mb4`, `NAMES utf8mb4 COLLATE utf8mb4_bin` or `NAMES DEFAULT`:
    /// what has to stand behind `SET` to have it again. It overrides what was set of
    /// `character_set_client`, `character_set_connection`, `character_set_results` and
    /// `collation_connection` before.
    ///
    /// `SET CHARACTER SET x` is not among them, since it depends on the database: it comes as three
    /// variables, one of them a [`Value::Expression`].
    Names(String),
    /// A system variable, of the session.
    Variable {
        /// Its name in lower case. `tx_isolation` and `tx_read_only` are called
        /// `transaction_isolation` and `transaction_read_only`, whatever the statement calls them
        /// (see [`spelling`](crate::spelling())).
        name: String,
        /// What it is set to.
        value: Value,
    },
    /// A user variable.
    UserVariable {
        /// Its name in lower case, without the `@`: letters, digits, `_`, `$` and `.`.
        name: String,
        /// SQL text with the meaning that [`Value::Literal`] has. A string (it begins with `'`) has
        /// the character set and collation that the connection has at that moment.
        value: String,
    },
    /// `SET ROLE …`: what follows these two words.
    Role(String),
}

impl Assignment {
    /// True if the session is in another database after it.
    pub fn enters_database(&self) -> bool {
        matches!(self, Self::Database(_))
    }
}

/// What a system variable is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL text that reads the same under any `sql_mode` and character set: printable ASCII without
    /// backslash, strings in single quotes.
    Literal(String),
    /// `DEFAULT`: the global value.
    Default,
    /// Something that has to be asked back after it ran, and then told to
    /// [`Value::read_back`].
    Expression,
}

impl Value {
    /// The literal for what `SELECT @@session.name` answered (`None`: NULL) after a statement with
    /// a [`Value::Expression`]. `None`: it cannot be carried, and the session has to be pinned.
    pub fn read_back(name: &str, answer: Option<&[u8]>) -> Option<Self> {
        let text = match answer {
            None => "NULL".to_owned(),
            Some(answer) if is_number(answer) => str::from_utf8(answer).ok()?.to_owned(),
            Some(answer) => quote(answer)?,
        };
        variables::accepts(name, &text).then_some(Self::Literal(text))
    }
}

/// True for an integer or decimal, with or without a sign, as SQL writes it.
pub(crate) fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut parts = digits.splitn(2, |&byte| byte == b'.');
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    text.len() <= MAX_LITERAL && parts.next().is_some_and(is_digits) && parts.all(is_digits)
}

/// The text as a string literal that reads the same under any `sql_mode` and character set. `None`
/// if there is none.
pub(crate) fn quote(text: &[u8]) -> Option<String> {
    let is_plain = |&byte: &u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    if text.len() > MAX_LITERAL || !text.iter().all(is_plain) {
        return None;
    }
    let text = str::from_utf8(text).ok()?;
    Some(format!("'{}'", text.replace('\'', "''")))
}

/// Longest literal that is carried, in bytes. An `optimizer_switch` of MariaDB has 700.
pub(crate) const MAX_LITERAL: usize = 2048;
