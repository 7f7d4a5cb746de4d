//! What asks for warnings and errors: `SHOW WARNINGS` and its like, `GET DIAGNOSTICS`.

use super::Reader;
use crate::command::Diagnostics;
use crate::pin::PinReason;
use crate::question::Server;
use crate::token::{Token, Tokens, VariableName};
use crate::word;

impl Reader<'_> {
    /// Notes that the statement at hand asks for conditions, which may be those of before the text.
    pub(super) fn ask_for_conditions(&mut self) {
        if self.earlier.exist && !self.earlier.have_cleared {
            self.effect.reads_kept_conditions = true;
            self.effect.reads_previous = true;
        }
    }

    /// `SHOW WARNINGS …`, `SHOW COUNT(*) WARNINGS`, and the same with `ERRORS`.
    pub(super) fn is_about_conditions(&self) -> bool {
        let mut words = self.words();
        let is_level = |word: &[u8]| word::is(word, "WARNINGS") || word::is(word, "ERRORS");
        match words.next() {
            Some(word) if word::is(word, "COUNT") => words.next().is_some_and(is_level),
            Some(word) => is_level(word),
            None => false,
        }
    }

    /// Likewise, as it is read by the server at hand. `None`: it is not, or not surely.
    pub(super) fn diagnostics(&mut self) -> Option<Diagnostics> {
        let count = self.tokens.take_word("COUNT");
        let is_called = self.dialect.ignores_space || self.tokens.is_at_parenthesis();
        if count
            && !(is_called
                && self.tokens.take_sign(b'(')
                && self.tokens.take_sign(b'*')
                && self.tokens.take_sign(b')'))
        {
            return None;
        }
        let only_errors = self.tokens.take_word("ERRORS");
        if !only_errors && !self.tokens.take_word("WARNINGS") {
            return None;
        }
        let (mut offset, mut limit) = (0, None);
        let has_limits = self.dialect.server != Server::TiDb;
        if !count && has_limits && self.tokens.take_word("LIMIT") {
            let first = self.number()?;
            if self.tokens.take_sign(b',') {
                (offset, limit) = (first, Some(self.number()?));
            } else if self.tokens.take_word("OFFSET") {
                (offset, limit) = (self.number()?, Some(first));
            } else {
                limit = Some(first);
            }
        }
        self.ends().then_some(Diagnostics {
            only_errors,
            count,
            offset,
            limit,
        })
    }

    /// Whether a server may answer what [`Reader::diagnostics`] cannot read: TiDB has `LIKE` and
    /// `WHERE`, MariaDB more of `LIMIT`. The rest is an error of syntax, as any connection tells.
    pub(super) fn may_be_answered(&self) -> bool {
        let own: &[&str] = match self.dialect.server {
            Server::TiDb => &["LIKE", "WHERE"],
            Server::MariaDb => &["EXAMINED", "FETCH", "OFFSET"],
            Server::MySql => &[],
        };
        self.tokens.clone().any(|token| match token {
            Token::ExecutableComment | Token::Unfinished | Token::Sign(b'?') => true,
            Token::Word(word) => word::is_one_of(word, own),
            _ => false,
        })
    }

    /// `GET DIAGNOSTICS …`.
    pub(super) fn get_diagnostics(&mut self) {
        let counts = self.words().any(|word| word::is(word, "ROW_COUNT"));
        self.effect.reads_previous = true;
        if counts {
            self.effect.needs_previous = true;
        } else {
            self.effect.reads_conditions = true;
        }
        let statement = self.tokens.clone();
        let before = self.effect.user_variables.len();
        self.pin_and_scan(PinReason::Diagnostics);
        let users = &mut self.effect.user_variables;
        let added = users.split_off(before.min(users.len()));
        users.extend(those_read(statement, added));
    }
}

/// Those of these user variables, of which there are few, that the statement does more with than
/// to write to them by `=`.
fn those_read(mut tokens: Tokens<'_>, names: Vec<String>) -> impl Iterator<Item = String> {
    let mut are_read = vec![false; names.len()];
    while let Some(token) = tokens.next() {
        match token {
            Token::Sign(b';') => break,
            Token::At => {
                if let VariableName::Plain(name) = tokens.variable_name()
                    && tokens.peek() != Some(Token::Sign(b'='))
                {
                    let is_it = |known: &String| known.as_bytes().eq_ignore_ascii_case(name);
                    let place = names.iter().position(is_it);
                    if let Some(is_read) = place.and_then(|place| are_read.get_mut(place)) {
                        *is_read = true;
                    }
                }
            }
            _ => {}
        }
    }
    let names = names.into_iter().zip(are_read);
    names.filter_map(|(name, is_read)| is_read.then_some(name))
}
