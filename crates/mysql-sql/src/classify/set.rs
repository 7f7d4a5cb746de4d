//! `SET`: what it makes of the session.
//!
//! See <https://dev.mysql.com/doc/refman/8.4/en/set-statement.html> and the pages that it links to.

mod alone;
mod names;

use super::scan::Stop;
use super::{Reader, name, value};
use crate::assignment::{Assignment, MAX_LITERAL, Value};
use crate::pin::PinReason;
use crate::question::Server;
use crate::token::{Token, Tokens, VariableName};
use crate::variables::{self, Carried};
use crate::word;

/// Whose variable is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Session,
    /// `GLOBAL`, `PERSIST`, `PERSIST_ONLY`: the session keeps its own value.
    Global,
    /// `@@name` without a scope: the session, but for the transaction's own variables, of which it
    /// is the next transaction's (TiDB: the session's).
    Bare,
}

impl<'a> Reader<'a> {
    /// `SET …`.
    pub(super) fn set(&mut self) {
        if self.tokens.take_word("PASSWORD") {
            self.set_password();
        } else if self.names_variable() || !self.set_special() {
            self.set_list();
        }
    }

    /// True when the first word is the name of a variable, whatever else it may mean.
    fn names_variable(&self) -> bool {
        let mut following = self.tokens.clone();
        let is_name = matches!(following.next(), Some(Token::Word(_)));
        is_name && take_equals(&mut following)
    }

    /// `SET a = 1, @b = 2, NAMES utf8mb4, …`.
    fn set_list(&mut self) {
        let mut is_global_sticky = false;
        loop {
            let stop = match self.tokens.peek() {
                Some(Token::At) => {
                    self.tokens.next();
                    self.set_user_variable()
                }
                Some(Token::Word(word)) if word::is(word, "NAMES") && !self.names_variable() => {
                    self.tokens.next();
                    self.set_names()
                }
                Some(Token::Word(_)) if !self.names_variable() && self.take_character_set() => {
                    self.set_character_set()
                }
                Some(Token::Word(_) | Token::Quoted(_) | Token::AtAt) => {
                    self.set_system_variable(&mut is_global_sticky)
                }
                _ => {
                    self.pin_and_scan(PinReason::NotUnderstood);
                    Stop::End
                }
            };
            if stop == Stop::End {
                return;
            }
            self.effect.may_set_in_part = true;
        }
    }

    /// `@name = value`, behind the `@`.
    fn set_user_variable(&mut self) -> Stop {
        let name = match self.tokens.variable_name() {
            VariableName::Plain(name) => name,
            VariableName::Odd => {
                self.effect.add_pin(PinReason::UserVariable);
                return self.scan_item();
            }
            VariableName::None => {
                self.effect.add_pin(PinReason::NotUnderstood);
                return self.scan_item();
            }
        };
        if !take_equals(&mut self.tokens) {
            self.effect.add_pin(PinReason::NotUnderstood);
            return self.scan_item();
        }
        let (text, stop) = self.value();
        match value::of_user_variable(text) {
            Some(value) => self.effect.add_set(Assignment::UserVariable {
                name: String::from_utf8_lossy(name).to_ascii_lowercase(),
                value,
            }),
            None => self.effect.add_pin(PinReason::UserVariable),
        }
        stop
    }

    /// `[scope] name = value`, `@@[scope.]name = value`.
    fn set_system_variable(&mut self, is_global_sticky: &mut bool) -> Stop {
        let Some((scope, name)) = self.variable() else {
            self.effect.add_pin(PinReason::NotUnderstood);
            return self.scan_item();
        };
        // In MySQL and MariaDB a `GLOBAL` without `@@` holds for those behind it too.
        let is_unsure = *is_global_sticky && matches!(scope, None | Some(Scope::Bare));
        *is_global_sticky |= scope == Some(Scope::Global);
        if !take_equals(&mut self.tokens) {
            self.effect.add_pin(PinReason::NotUnderstood);
            return self.scan_item();
        }
        let (text, stop) = self.value();
        if is_unsure {
            self.effect.add_pin(reason(&name));
        } else if scope == Some(Scope::Global) || variables::is_of_instance(&name) {
            self.set_globally();
        } else {
            self.assign(&name, text, scope == Some(Scope::Bare));
        }
        stop
    }

    /// The session keeps its own value, and those that log in later do not.
    fn set_globally(&mut self) {
        self.effect.may_write = true;
        self.effect.changes_logins = true;
    }

    /// The scope and the name of a variable, in lower case.
    fn variable(&mut self) -> Option<(Option<Scope>, String)> {
        let mut scope = None;
        if self.tokens.take_if(|token| token == Token::AtAt) {
            scope = Some(Scope::Bare);
            let before = self.tokens.clone();
            if let Some(named) = self.take_scope() {
                if self.tokens.take_sign(b'.') {
                    scope = Some(named);
                } else {
                    self.tokens = before;
                }
            }
        } else if !self.names_variable() {
            scope = self.take_scope();
        }
        let mut variable = name(self.tokens.next()?)?.to_ascii_lowercase();
        // Of a component or key cache.
        while self.tokens.take_sign(b'.') {
            variable = format!("{variable}.{}", name(self.tokens.next()?)?);
            if variable.len() > MAX_LITERAL {
                return None;
            }
        }
        Some((scope, variable))
    }

    /// Notes that a session's variable is set.
    fn assign(&mut self, name: &str, text: &[u8], is_bare: bool) {
        let name = variables::canonical(name);
        let Some(carried) = variables::find(name) else {
            self.effect.add_pin(PinReason::SessionVariable);
            return;
        };
        if self.dialect.server == Server::TiDb && variables::is_of_plan(name) {
            // What is on the connection is from others, and what comes on it must not be theirs.
            self.effect.add_pin(PinReason::SessionVariable);
            self.effect.needs_unused = true;
            return;
        }
        let mut value = value::of_system_variable(text);
        if is_bare && carried == Carried::NextTransaction {
            self.effect.next_transaction = true;
            value = Value::Expression;
        }
        match carried.check(value) {
            Some(value) => {
                self.effect.may_write |= value == Value::Expression;
                // It sets the collation along, which says both.
                let (name, value) = match name {
                    "character_set_connection" => ("collation_connection", Value::Expression),
                    name => (name, value),
                };
                self.effect.add_set(Assignment::Variable {
                    name: name.to_owned(),
                    value,
                });
            }
            None => self.effect.add_pin(reason(name)),
        }
    }

    fn take_scope(&mut self) -> Option<Scope> {
        const SCOPES: [(&str, Scope); 5] = [
            ("SESSION", Scope::Session),
            ("LOCAL", Scope::Session),
            ("GLOBAL", Scope::Global),
            ("PERSIST", Scope::Global),
            ("PERSIST_ONLY", Scope::Global),
        ];
        SCOPES
            .iter()
            .find(|(keyword, _)| self.tokens.take_word(keyword))
            .map(|&(_, scope)| scope)
    }

    /// Reads a value up to the comma or the end. What else it does goes into the effect.
    fn value(&mut self) -> (&'a [u8], Stop) {
        let mut first = self.tokens.clone();
        let start = first.next().map_or(0, |token| first.start_of(token));
        let before = self.tokens.clone();
        let stop = self.scan_item();
        let mut end = start;
        let mut tokens = before;
        let limit = self.tokens.position();
        // The text without what is behind its last token.
        while let Some(token) = tokens.next() {
            let is_over =
                tokens.position() >= limit && (stop == Stop::Comma || token == Token::Sign(b';'));
            if is_over || tokens.position() > limit {
                break;
            }
            end = tokens.position();
        }
        (self.tokens.slice(start..end), stop)
    }

    /// Takes the comma or the end behind an item. `None`: something else is there.
    fn list_goes_on(&mut self) -> Option<Stop> {
        if self.tokens.take_sign(b',') {
            Some(Stop::Comma)
        } else {
            self.ends().then_some(Stop::End)
        }
    }
}

/// Why a session pins that sets this variable to something that is not carried.
fn reason(name: &str) -> PinReason {
    if variables::is_character_set(name) {
        PinReason::CharacterSet
    } else {
        PinReason::SessionVariable
    }
}

/// Takes `=` or `:=`.
fn take_equals(tokens: &mut Tokens<'_>) -> bool {
    tokens.take_sign(b':');
    tokens.take_sign(b'=')
}
