//! What a statement does to the connection that runs it.
//!
//! ```text
//! classify ─► Reader::statement, for each ─► by its first word: scan, set, show, hold, define
//!                                            └─► Reader::scan: words, calls, up to the semicolon
//! ```

mod columns;
mod define;
mod diagnostics;
mod earlier;
mod header;
mod hold;
mod scan;
mod set;
mod show;
mod value;

use crate::assignment::Assignment;
use crate::effect::{Conditions, Defines, Effect, MakesInsertId};
use crate::logins::may_change_logins;
use crate::pin::PinReason;
use crate::question::{QuestionKind, Server};
use crate::routine::{Routine, RoutineKind};
use crate::token::{Escapes, Letters, Token, Tokens};
use crate::word::{self, Head};
use earlier::Earlier;
pub(crate) use header::inside as inside_of_header;
use scan::Calls;
pub use show::kill_words;

/// Words that begin what changes rows or indexes of a table, and no more.
const OF_TABLES: [&str; 4] = ["TRUNCATE", "OPTIMIZE", "REPAIR", "CHECK"];

/// What is known of a command's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The kind of its first statement: for figures, logs, and what ends a transaction.
    pub kind: StatementKind,
    /// What it does to the connection, or needs of it.
    pub effect: Effect,
}

impl Statement {
    /// A query that leaves nothing behind on its connection, and asks for nothing that is there.
    pub fn plain_read() -> Self {
        Self {
            kind: StatementKind::Read,
            effect: Effect::default(),
        }
    }
}

/// The broad kind of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatementKind {
    /// Only reads.
    Read,
    /// `SHOW`.
    Show,
    /// Changes rows.
    Write,
    /// Changes the schema, rights or tables as a whole.
    Define,
    /// Begins, ends or marks a transaction.
    Transaction,
    /// Anything else.
    Other,
}

/// What is known of the server that reads a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// How a backslash reads.
    pub escapes: Escapes,
    /// Which bytes beyond ASCII are letters.
    pub letters: Letters,
    /// Whose it is.
    pub server: Server,
    /// `sql_mode` surely has `IGNORE_SPACE`: a native function may stand apart from its
    /// parenthesis.
    pub ignores_space: bool,
}

impl From<Escapes> for Dialect {
    fn from(escapes: Escapes) -> Self {
        Self {
            escapes,
            letters: Letters::Utf8,
            server: Server::MySql,
            ignores_space: false,
        }
    }
}

/// Tells what the text of a command (one statement, or several with semicolons) does.
///
/// `sql` may be in any character set that has ASCII's letters where ASCII has them, which all
/// client character sets of MySQL do.
pub fn classify(sql: &[u8], dialect: impl Into<Dialect>) -> Statement {
    let dialect = dialect.into();
    header::read(sql, dialect).unwrap_or_else(|| Reader::new(sql, dialect).read())
}

/// Reads a text and gathers its effect.
struct Reader<'a> {
    tokens: Tokens<'a>,
    dialect: Dialect,
    effect: Effect,
    earlier: Earlier,
    /// What is written to user variables here, no literal tells: behind `SELECT … INTO`.
    writes_variables: bool,
    /// The statement at hand unites several queries.
    has_union: bool,
    /// It has a query in it that is not its first word, or tables to read from.
    reads_rows: bool,
}

impl<'a> Reader<'a> {
    fn new(sql: &'a [u8], dialect: Dialect) -> Self {
        Self {
            tokens: Tokens::new(sql, dialect.escapes, dialect.letters),
            dialect,
            effect: Effect::default(),
            earlier: Earlier::default(),
            writes_variables: false,
            has_union: false,
            reads_rows: false,
        }
    }

    fn read(mut self) -> Statement {
        // Nothing but comments: the origin answers with an error, and nothing changes.
        let kind = self.statement().unwrap_or(StatementKind::Other);
        // It may have set the mode.
        self.dialect.ignores_space = false;
        let backslash = self.tokens.rest().iter().rposition(|&byte| byte == b'\\');
        let last_backslash = backslash.map(|at| at.saturating_add(self.tokens.position()));
        loop {
            self.doubt_backslashes(last_backslash);
            if self.statement().is_none() {
                break;
            }
            self.effect.is_multi = true;
        }
        self.finish();
        Statement {
            kind,
            effect: self.effect,
        }
    }

    /// After `SET sql_mode` in the same text a backslash may be another thing than it was before.
    /// `last` is where the last one of the text stands.
    fn doubt_backslashes(&mut self, last: Option<usize>) {
        let is_mode = |set: &Assignment| matches!(set, Assignment::Variable { name, .. } if name == "sql_mode");
        let is_ahead = last.is_some_and(|at| at >= self.tokens.position());
        let is_doubted = self.effect.pin == Some(PinReason::NotUnderstood);
        if is_ahead && !is_doubted && self.effect.sets.iter().any(is_mode) {
            self.effect.add_pin(PinReason::NotUnderstood);
        }
    }

    /// What is true of the text as a whole.
    fn finish(&mut self) {
        let effect = &mut self.effect;
        if effect.sets_insert_id {
            // Those behind it give what it has set, and the connection knows what was before.
            effect
                .questions
                .retain(|question| question.kind != QuestionKind::LastInsertId);
        }
        if !(effect.is_multi || effect.runs_program || self.earlier.have_cleared) {
            effect.conditions = Conditions::KeptByMariaDb;
        }
        if effect.is_multi {
            // Which of them ran, and in which order they took effect, is not followed up.
            effect.pin_name = None;
            if effect.makes_insert_id != MakesInsertId::No {
                effect.makes_insert_id = MakesInsertId::Untold;
            }
            effect.releases = None;
            effect.tidegate = None;
            effect.reads_conditions |= effect.diagnostics.take().is_some();
            if let Some(kill) = &mut effect.kill {
                kill.id = None;
            }
        }
        effect.changes_logins |= effect.may_be_any() && may_change_logins(self.tokens.text());
        if effect.pin == Some(PinReason::NotUnderstood) {
            // What looks like a question or an assignment may be none.
            effect.sets.clear();
            effect.needs_previous |= effect.questions.iter().any(|q| q.kind.is_about_previous());
            effect.questions.clear();
        }
    }

    /// Reads one statement up to its semicolon. `None` at the end of the text.
    fn statement(&mut self) -> Option<StatementKind> {
        while self.tokens.take_sign(b';') {}
        let begin = self.tokens.clone();
        let questions = self.effect.questions.len();
        let first = self.tokens.find(|token| *token != Token::Sign(b'('))?;
        self.writes_variables = false;
        self.has_union = false;
        self.reads_rows = false;
        let head = match first {
            Token::Word(word) => word::head(word).map(|head| (word, head)),
            _ => None,
        };
        let Some((word, head)) = head else {
            self.not_known(first);
            return Some(StatementKind::Other);
        };
        self.run(word, head);
        if matches!(head, Head::Set | Head::Do) {
            self.effect.may_find_rows |= self.reads_rows;
        }
        self.earlier = self.with_earlier(word, head);
        let asked = self.effect.questions.get_mut(questions..);
        if let Some(asked @ [_, ..]) = asked {
            columns::name(begin, asked, self.dialect.server);
        }
        Some(kind(head))
    }

    fn run(&mut self, word: &[u8], head: Head) {
        match head {
            Head::Read | Head::Do => self.read_rows(word),
            Head::Write => self.write(Calls::Everywhere),
            Head::Insert => {
                self.effect.add_insert_id(MakesInsertId::Told);
                self.write(Calls::From(&["VALUES", "VALUE", "SELECT", "SET", "TABLE"]));
            }
            Head::Load => {
                self.writes_variables = true;
                self.effect.add_insert_id(MakesInsertId::Untold);
                self.write(Calls::From(&["SET"]));
            }
            Head::Define => {
                self.effect
                    .may_define(if word::is_one_of(word, &OF_TABLES) {
                        Defines::Tables
                    } else {
                        Defines::Views
                    });
                self.effect.changes_logins |= word::is(word, "GRANT") || word::is(word, "REVOKE");
                self.write(Calls::From(&["SELECT"]));
            }
            Head::Analyze => self.analyze(),
            Head::Create => self.create(),
            Head::Drop => self.drop_something(),
            Head::Begin => self.begin(word),
            Head::Transaction => self.end_transaction(word),
            Head::Show => self.show(),
            Head::Use => self.use_database(),
            Head::Kill => self.kill(),
            Head::Set => self.set(),
            Head::Call => self.call(),
            Head::Hold => self.hold(word),
            Head::Get => self.get_diagnostics(),
        }
    }

    /// Whatever begins like this. With programs in it, or what is a comment to some servers only,
    /// it may have run in part when a server says that it cannot read it.
    fn not_known(&mut self, first: Token<'_>) {
        let is_hidden = matches!(first, Token::ExecutableComment | Token::Unfinished);
        self.scan(Calls::Everywhere);
        self.effect.is_unknown = !is_hidden && !self.effect.runs_program;
        self.effect.add_pin(PinReason::NotUnderstood);
        self.earlier = Earlier::ANYTHING;
    }

    /// `SELECT`, `EXPLAIN` and their like; `DO`.
    fn read_rows(&mut self, word: &[u8]) {
        if self.lock_by_name(word) {
            return;
        }
        let explains = ["EXPLAIN", "DESCRIBE", "DESC"];
        self.effect.calc_found_rows |= explains.iter().any(|keyword| word::is(word, keyword));
        self.scan(Calls::Reading);
    }

    /// `ANALYZE TABLE …`; MariaDB's `ANALYZE statement` runs that, which may be a `SELECT … INTO`.
    fn analyze(&mut self) {
        const OF_TABLES: [&str; 3] = ["TABLE", "LOCAL", "NO_WRITE_TO_BINLOG"];
        let second = self.words().next().unwrap_or_default();
        if OF_TABLES.iter().any(|keyword| word::is(second, keyword)) {
            self.write(Calls::From(&[]));
        } else {
            self.effect.calc_found_rows = true;
            self.write(Calls::Reading);
        }
    }

    /// What changes rows or tables.
    fn write(&mut self, calls: Calls) {
        self.effect.may_write = true;
        self.scan(calls);
    }

    /// A statement that pins by its first word. What it reads counts all the same.
    fn pin_and_scan(&mut self, reason: PinReason) {
        self.effect.add_pin(reason);
        self.scan(Calls::Everywhere);
    }

    /// `CALL p(…)`. The procedure's name is no call of a function.
    fn call(&mut self) {
        let procedure = self.procedure();
        self.effect.add_call(PinReason::Procedure, procedure);
        self.effect.may_define(Defines::Anything);
        self.effect.may_begin = true;
        while let Some(Token::Word(_) | Token::Quoted(_) | Token::Sign(b'.')) = self.tokens.peek() {
            self.tokens.next();
        }
        self.scan(Calls::Everywhere);
        if !self.effect.user_variables.is_empty() {
            // One may be set to what its parameter is in the end.
            self.effect.routines.pin_otherwise();
        }
    }

    /// The procedure of a `CALL`, if it is named as most are: `p`, or `d.p`.
    fn procedure(&self) -> Option<Routine> {
        let mut tokens = self.tokens.clone();
        let first = tokens.next()?;
        let (database, name) = if tokens.take_sign(b'.') {
            (Some(first), tokens.next()?)
        } else {
            (None, first)
        };
        let ends = matches!(tokens.peek(), None | Some(Token::Sign(b'(' | b';')));
        Routine::new(RoutineKind::Procedure, database, name).filter(|_| ends)
    }

    /// `BEGIN [WORK]`, `START TRANSACTION …`. `BEGIN NOT ATOMIC` (MariaDB's compound statement) and
    /// `START REPLICA` are not ours.
    fn begin(&mut self, first: &[u8]) {
        // TiDB also knows BEGIN PESSIMISTIC and BEGIN OPTIMISTIC.
        const OF_BEGIN: [&str; 3] = ["WORK", "PESSIMISTIC", "OPTIMISTIC"];
        const OF_START: [&str; 1] = ["TRANSACTION"];
        let is_begin = word::is(first, "BEGIN");
        let second = self.tokens.peek();
        let is_alone = matches!(second, None | Some(Token::Sign(b';')));
        let allowed: &[&str] = if is_begin { &OF_BEGIN } else { &OF_START };
        let is_ours = (is_begin && is_alone)
            || matches!(second, Some(Token::Word(word))
                if allowed.iter().any(|keyword| word::is(word, keyword)));
        if is_ours {
            self.scan(Calls::Everywhere);
        } else {
            self.pin_and_scan(PinReason::NotUnderstood);
        }
    }

    /// `COMMIT …`, `ROLLBACK …`, `SAVEPOINT x`, `RELEASE SAVEPOINT x`. With `RELEASE` at the end
    /// the origin closes the connection, which only a direct one can show.
    fn end_transaction(&mut self, first: &[u8]) {
        let names_savepoint = |word| word::is(word, "SAVEPOINT") || word::is(word, "TO");
        let is_about_one = names_savepoint(first) || self.words().any(names_savepoint);
        self.effect.names_savepoint |= is_about_one;
        let mut previous_is_no = false;
        let releases = self.words().any(|word| {
            let releases = word::is(word, "RELEASE") && !previous_is_no;
            previous_is_no = word::is(word, "NO");
            releases
        });
        if releases {
            self.effect.add_pin(PinReason::NotUnderstood);
        }
        self.scan(Calls::Everywhere);
    }

    /// `USE name`.
    fn use_database(&mut self) {
        let name = self.tokens.next().and_then(name);
        match name {
            Some(name) if self.ends() => self.effect.add_set(Assignment::Database(name)),
            _ => self.pin_and_scan(PinReason::NotUnderstood),
        }
    }

    /// Moves behind the semicolon if the statement ends here.
    pub(super) fn ends(&mut self) -> bool {
        let mut following = self.tokens.clone();
        let ends = matches!(following.next(), None | Some(Token::Sign(b';')));
        if ends {
            self.tokens = following;
        }
        ends
    }

    /// The words of the statement at hand, without moving on.
    fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        self.rest_of_statement().filter_map(|token| match token {
            Token::Word(word) => Some(word),
            _ => None,
        })
    }

    /// The tokens of the statement at hand, without moving on.
    fn rest_of_statement(&self) -> impl Iterator<Item = Token<'a>> {
        self.tokens
            .clone()
            .take_while(|token| *token != Token::Sign(b';'))
    }

    /// Passes over the statement. A comment that only some servers run, or a literal that does not
    /// end for all, pins here too.
    fn skip_statement(&mut self) {
        for token in self.tokens.by_ref() {
            match token {
                Token::Sign(b';') => return,
                Token::ExecutableComment | Token::Unfinished => {
                    self.effect.add_pin(PinReason::NotUnderstood);
                }
                _ => {}
            }
        }
    }
}

fn kind(head: Head) -> StatementKind {
    match head {
        Head::Read => StatementKind::Read,
        Head::Show => StatementKind::Show,
        Head::Write | Head::Insert | Head::Load => StatementKind::Write,
        Head::Define | Head::Analyze | Head::Create | Head::Drop => StatementKind::Define,
        Head::Begin | Head::Transaction => StatementKind::Transaction,
        Head::Use | Head::Kill | Head::Set | Head::Do | Head::Call | Head::Hold | Head::Get => {
            StatementKind::Other
        }
    }
}

/// A name, quoted or not.
fn name(token: Token<'_>) -> Option<String> {
    match token {
        Token::Word(name) => String::from_utf8(name.to_vec()).ok(),
        Token::Quoted(name) => String::from_utf8(name.to_vec())
            .ok()
            .map(|name| name.replace("``", "`")),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
