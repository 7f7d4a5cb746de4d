//! Looks for words, calls and variables that say something, wherever they stand in a statement.

use super::Reader;
use crate::builtin::is_native;
use crate::effect::MakesInsertId;
use crate::pin::PinReason;
use crate::question::{QuestionKind, Server};
use crate::routine::{Routine, RoutineKind};
use crate::token::{Token, VariableName};
use crate::word::{self, Betraying};

/// From where on a name before a parenthesis is a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Calls {
    /// Everywhere, in a statement that may read only: words that write betray it.
    Reading,
    Everywhere,
    /// Behind one of these words: what is before them names tables with their columns.
    From(&'static [&'static str]),
}

/// What a scan stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A comma, outside of all parentheses.
    Comma,
    /// The semicolon, or the end of the text.
    End,
}

/// What the words before the one at hand make of it.
#[derive(Clone, Copy, Default)]
struct Before<'a> {
    /// The last word, wherever it is.
    word: &'a [u8],
    /// What is right before.
    last: Last,
    /// The name right before.
    name: Option<Token<'a>>,
    /// The name before the point that is right before.
    qualifier: Option<Token<'a>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Other,
    Point,
    Word,
    /// A literal, or `)`: no call can follow, but a name with a list of columns.
    Operand,
}

impl<'a> Reader<'a> {
    /// Reads up to the end of the statement.
    pub(super) fn scan(&mut self, calls: Calls) {
        self.scan_until(calls, false);
    }

    /// Reads up to the next comma of a list, or the end of the statement.
    pub(super) fn scan_item(&mut self) -> Stop {
        self.scan_until(Calls::Everywhere, true)
    }

    fn scan_until(&mut self, mut calls: Calls, stops_at_comma: bool) -> Stop {
        let mut before = Before::default();
        let mut depth = 0usize;
        while let Some(token) = self.tokens.next() {
            let last = std::mem::take(&mut before.last);
            let name = before.name.take();
            match token {
                Token::Word(word) => {
                    self.word(word, calls, Before { last, ..before });
                    before.name = Some(token);
                    // `CHARACTER SET utf8` sets nothing.
                    if let Calls::From(words) = calls
                        && !word::is(before.word, "CHARACTER")
                        && words.iter().any(|keyword| word::is(word, keyword))
                    {
                        calls = Calls::Everywhere;
                        self.effect.may_find_rows |= word::is(word, "SELECT");
                    }
                    before.word = word;
                    before.last = Last::Word;
                }
                Token::Sign(b';') => return Stop::End,
                Token::Sign(b',') if stops_at_comma && depth == 0 => return Stop::Comma,
                Token::Sign(sign) => match sign {
                    b'.' => {
                        before.last = Last::Point;
                        before.qualifier = name;
                    }
                    b'(' => depth = depth.saturating_add(1),
                    b')' => {
                        depth = depth.saturating_sub(1);
                        before.last = Last::Operand;
                    }
                    _ => {}
                },
                Token::At => self.user_variable(calls),
                Token::AtAt => self.system_variable(),
                Token::ExecutableComment | Token::Unfinished => {
                    self.effect.add_pin(PinReason::NotUnderstood);
                }
                // Under `ANSI_QUOTES` it is a name, and this is a call.
                Token::Literal(_) if are_calls(calls) && self.tokens.opens_parenthesis() => {
                    self.effect.add_pin(PinReason::NotUnderstood);
                }
                // It may be the user's, whatever it is called.
                Token::Quoted(_) if are_calls(calls) && self.tokens.opens_parenthesis() => {
                    self.called(token, Before { last, ..before });
                }
                Token::Literal(_) => before.last = Last::Operand,
                Token::Quoted(_) => before.name = Some(token),
            }
        }
        Stop::End
    }

    fn word(&mut self, word: &'a [u8], calls: Calls, before: Before<'a>) {
        let is_qualified = before.last == Last::Point;
        let opens = self.tokens.opens_parenthesis();
        if let Some(betraying) = word::betraying(word) {
            self.betrayed(betraying, calls, before, opens && !is_qualified);
        }
        // Behind a point it may be the user's, whatever it is called.
        if opens && are_calls(calls) && (is_qualified || !self.is_native(word)) {
            self.called(Token::Word(word), before);
        }
    }

    /// True for the name of a native function before its parenthesis.
    fn is_native(&self, word: &[u8]) -> bool {
        let server = self.dialect.server;
        let is_apart = !self.dialect.ignores_space && !self.tokens.is_at_parenthesis();
        server == Server::TiDb || is_native(word, is_apart, server)
    }

    /// A name that is not native stands before a parenthesis: a stored function may do anything.
    fn called(&mut self, name: Token<'a>, before: Before<'a>) {
        if names_columns(before) || self.names_query() {
            return;
        }
        if self.dialect.server == Server::TiDb {
            // It has none, but one of its own may be written like that.
            return self.effect.add_pin(PinReason::NotUnderstood);
        }
        let is_qualified = before.last == Last::Point;
        let qualifier = before.qualifier.filter(|_| is_qualified);
        let function = Routine::new(RoutineKind::Function, qualifier, name)
            .filter(|_| !is_qualified || qualifier.is_some());
        self.effect.add_call(PinReason::StoredFunction, function);
    }

    /// True for the columns of a `WITH name (a, b) AS (…)`.
    fn names_query(&self) -> bool {
        let mut following = self.tokens.clone();
        following.take_sign(b'(');
        loop {
            if !matches!(following.next(), Some(Token::Word(_) | Token::Quoted(_))) {
                return false;
            }
            if !following.take_sign(b',') {
                break;
            }
        }
        following.take_sign(b')') && following.take_word("AS") && following.take_sign(b'(')
    }

    fn betrayed(&mut self, word: Betraying, calls: Calls, before: Before<'a>, is_call: bool) {
        let is_reading = calls == Calls::Reading;
        match word {
            Betraying::Temporary => self.effect.add_pin(PinReason::TemporaryTable),
            Betraying::Binding => self.effect.add_pin(PinReason::SessionVariable),
            Betraying::UserLock if is_call => self.effect.add_pin(PinReason::UserLock),
            Betraying::SetsVariable if is_call && self.dialect.server == Server::TiDb => {
                self.effect.add_pin(PinReason::UserVariable);
            }
            // It is a table.
            Betraying::Sequence if is_call => {
                self.reads_rows = true;
                self.effect.add_pin(PinReason::Sequence);
            }
            Betraying::Value
                if word::is(before.word, "NEXT") || word::is(before.word, "PREVIOUS") =>
            {
                self.reads_rows = true;
                self.effect.add_pin(PinReason::Sequence);
            }
            Betraying::Reads => self.reads_rows = true,
            Betraying::CalcFoundRows => self.effect.calc_found_rows = true,
            Betraying::Union => self.has_union = true,
            Betraying::Limit if self.has_union => self.effect.calc_found_rows = true,
            // MariaDB remembers how many rows there would be without the limit.
            Betraying::Ties if word::is(before.word, "WITH") => self.effect.calc_found_rows = true,
            // `REPLACE(…)` and `INSERT(…)` are functions.
            Betraying::Writes if is_reading && !is_call => self.effect.may_write = true,
            Betraying::Inserts if !is_call => {
                self.effect.add_insert_id(MakesInsertId::Untold);
                self.effect.may_write = true;
            }
            Betraying::Into if is_reading => {
                self.effect.may_write = true;
                self.effect.may_find_rows = true;
                self.writes_variables = true;
            }
            Betraying::Asks(kind) if is_call && are_calls(calls) => {
                self.asked(kind);
            }
            Betraying::LastInsertId if is_call && are_calls(calls) => {
                self.effect.reads_insert_id |= true;
                if !self.asked(QuestionKind::LastInsertId) {
                    self.effect.sets_insert_id = true;
                    self.effect.may_write = true;
                }
            }
            _ => {}
        }
    }

    /// Takes a question whose name was read. False: it has arguments, and is none.
    fn asked(&mut self, kind: QuestionKind) -> bool {
        let mut following = self.tokens.clone();
        let name = match kind {
            QuestionKind::RowCount => "ROW_COUNT",
            QuestionKind::FoundRows => "FOUND_ROWS",
            QuestionKind::ConnectionId => "CONNECTION_ID",
            _ => "LAST_INSERT_ID",
        };
        let start = self.tokens.position().saturating_sub(name.len());
        let is_question = following.take_sign(b'(') && following.take_sign(b')');
        if is_question {
            self.ask(kind, start..following.position());
        }
        is_question
    }

    /// Notes a question, unless the connection itself answers it, wherever the text runs: it is
    /// about a statement of the same text.
    fn ask(&mut self, kind: QuestionKind, range: std::ops::Range<usize>) {
        let is_behind = match kind {
            QuestionKind::ConnectionId => false,
            QuestionKind::LastInsertId => self.earlier.may_have_id,
            QuestionKind::FoundRows => self.earlier.may_have_found,
            QuestionKind::RowCount => self.earlier.exist,
            QuestionKind::WarningCount | QuestionKind::ErrorCount => {
                self.ask_for_conditions();
                self.earlier.exist
            }
        };
        if !is_behind {
            self.effect.reads_previous |= kind.is_about_previous();
            self.effect.add_question(kind, range);
        } else if kind == QuestionKind::LastInsertId && self.dialect.server == Server::TiDb {
            self.effect.add_question_behind(kind, range);
        }
    }

    /// True for the first statement of the text.
    pub(super) fn is_first(&self) -> bool {
        !self.earlier.exist
    }

    /// What follows `@`: a user variable, or the host of an account.
    fn user_variable(&mut self, calls: Calls) {
        let name = match self.tokens.variable_name() {
            VariableName::Plain(name) => name,
            // The host of an account, perhaps.
            VariableName::Odd | VariableName::None
                if !are_calls(calls) && !self.writes_variables =>
            {
                return;
            }
            VariableName::Odd => return self.effect.add_pin(PinReason::UserVariable),
            VariableName::None => return self.effect.add_pin(PinReason::NotUnderstood),
        };
        self.effect.add_user_variable(name);
        let mut following = self.tokens.clone();
        let is_assigned = following.take_sign(b':') && following.take_sign(b'=');
        if is_assigned || self.writes_variables {
            self.effect.add_pin(PinReason::UserVariable);
        }
    }

    /// What follows `@@`: `name`, `session.name`, `global.name`.
    fn system_variable(&mut self) {
        let start = self.tokens.position().saturating_sub(2);
        let Some(name) = self.system_variable_name() else {
            self.effect.add_pin(PinReason::NotUnderstood);
            return;
        };
        if let Some(kind) = word::asking_variable(name) {
            self.effect.reads_insert_id |= kind == QuestionKind::LastInsertId;
            self.ask(kind, start..self.tokens.position());
        } else if word::is_previous_variable(name) && self.is_first() {
            self.effect.reads_previous = true;
            self.effect.needs_previous = true;
        }
    }

    fn system_variable_name(&mut self) -> Option<&'a [u8]> {
        let mut name = self.one_name()?;
        // A third part belongs to a variable of a component or key cache.
        for _ in 0..2 {
            if !self.tokens.take_sign(b'.') {
                break;
            }
            name = self.one_name()?;
        }
        Some(name)
    }

    fn one_name(&mut self) -> Option<&'a [u8]> {
        match self.tokens.next()? {
            Token::Word(name) | Token::Quoted(name) => Some(name),
            _ => None,
        }
    }
}

/// True where a parenthesis behind a name can only hold columns: `(SELECT …) AS d (a, b)`,
/// `INSERT INTO t (a)`, `'$[*]' COLUMNS (…)`.
fn names_columns(before: Before<'_>) -> bool {
    match before.last {
        Last::Operand => true,
        Last::Word => {
            let keywords = ["AS", "INTO", "WITH", "RECURSIVE"];
            keywords
                .iter()
                .any(|keyword| word::is(before.word, keyword))
        }
        Last::Point | Last::Other => false,
    }
}

/// True where a name before a parenthesis is a call.
fn are_calls(calls: Calls) -> bool {
    !matches!(calls, Calls::From(_))
}
