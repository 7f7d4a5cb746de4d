//! `SET`: what it makes of the session.
//!
//! See <https://dev.mysql.com/doc/refman/8.4/en/set-statement.html> and the pages that it links to.

use super::scan::Stop;
use super::{Reader, name, value};
use crate::assignment::{Assignment, MAX_LITERAL, Value, quote};
use crate::pin::PinReason;
use crate::token::{Token, Tokens};
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

    /// The forms that stand alone. False: it is none of them.
    fn set_special(&mut self) -> bool {
        let before = self.tokens.clone();
        let scope = self.take_scope();
        if self.tokens.take_word("TRANSACTION") {
            self.set_transaction(scope);
            return true;
        }
        self.tokens = before.clone();
        if self.tokens.take_word("DEFAULT") && self.tokens.take_word("ROLE") {
            self.effect.may_write = true;
            self.skip_statement();
            return true;
        }
        self.tokens = before.clone();
        if self.tokens.take_word("ROLE") {
            self.set_role();
        } else if self.tokens.take_word("STATEMENT") {
            self.set_statement();
        } else {
            return false;
        }
        true
    }

    /// `SET PASSWORD [FOR account] = …`. In a list MariaDB goes on behind it.
    fn set_password(&mut self) {
        self.effect.may_write = true;
        if self
            .rest_of_statement()
            .any(|token| token == Token::Sign(b','))
        {
            self.effect.add_pin(PinReason::SessionVariable);
        }
        self.skip_statement();
    }

    /// `SET [GLOBAL | SESSION] TRANSACTION characteristic, …`.
    fn set_transaction(&mut self, scope: Option<Scope>) {
        let mut sets = Vec::new();
        loop {
            let Some((name, value)) = self.characteristic() else {
                self.pin_and_scan(PinReason::NotUnderstood);
                return;
            };
            sets.push(Assignment::Variable {
                name: name.to_owned(),
                value: Value::Literal(value.to_owned()),
            });
            if !self.tokens.take_sign(b',') {
                break;
            }
        }
        if !self.ends() {
            self.pin_and_scan(PinReason::NotUnderstood);
            return;
        }
        match scope {
            Some(Scope::Global) => self.effect.may_write = true,
            Some(_) => sets.into_iter().for_each(|set| self.effect.add_set(set)),
            None => self.effect.next_transaction = true,
        }
    }

    fn characteristic(&mut self) -> Option<(&'static str, &'static str)> {
        const FORMS: [(&[&str], &str, &str); 6] = [
            (
                &["ISOLATION", "LEVEL", "READ", "COMMITTED"],
                variables::ISOLATION,
                "'READ-COMMITTED'",
            ),
            (
                &["ISOLATION", "LEVEL", "READ", "UNCOMMITTED"],
                variables::ISOLATION,
                "'READ-UNCOMMITTED'",
            ),
            (
                &["ISOLATION", "LEVEL", "REPEATABLE", "READ"],
                variables::ISOLATION,
                "'REPEATABLE-READ'",
            ),
            (
                &["ISOLATION", "LEVEL", "SERIALIZABLE"],
                variables::ISOLATION,
                "'SERIALIZABLE'",
            ),
            (&["READ", "ONLY"], variables::READ_ONLY, "1"),
            (&["READ", "WRITE"], variables::READ_ONLY, "0"),
        ];
        for (words, name, value) in FORMS {
            let before = self.tokens.clone();
            if words.iter().all(|word| self.tokens.take_word(word)) {
                return Some((name, value));
            }
            self.tokens = before;
        }
        None
    }

    /// `SET ROLE …`. Only names as they are usually written; others pin.
    fn set_role(&mut self) {
        let mut role = String::new();
        loop {
            let part = match self.tokens.peek() {
                None | Some(Token::Sign(b';')) => break,
                Some(Token::Word(word)) => String::from_utf8(word.to_vec()).ok(),
                Some(Token::Quoted(name)) => {
                    quote(name).map(|_| format!("`{}`", String::from_utf8_lossy(name)))
                }
                Some(Token::Literal(text)) => {
                    value::plain_string(text).and_then(|text| quote(text.as_bytes()))
                }
                Some(Token::At) => Some("@".to_owned()),
                Some(Token::Sign(b',')) => Some(",".to_owned()),
                Some(_) => None,
            };
            let Some(part) = part.filter(|part| part.is_ascii()) else {
                self.pin_and_scan(PinReason::SessionVariable);
                return;
            };
            self.tokens.next();
            if !role.is_empty() && part != "," && part != "@" && !role.ends_with('@') {
                role.push(' ');
            }
            role.push_str(&part);
        }
        self.ends();
        if role.is_empty() || role.len() > MAX_LITERAL {
            self.effect.add_pin(PinReason::SessionVariable);
        } else {
            self.effect.add_set(Assignment::Role(role));
        }
    }

    /// MariaDB's `SET STATEMENT a=1, … FOR statement`: the variables are as before afterwards.
    fn set_statement(&mut self) {
        while let Some(token) = self.tokens.peek() {
            match token {
                Token::Sign(b';') => {
                    self.effect.add_pin(PinReason::NotUnderstood);
                    return;
                }
                Token::Word(word) if word::is(word, "FOR") => break,
                Token::Word(_)
                | Token::Quoted(_)
                | Token::Literal(_)
                | Token::Sign(b'=' | b':' | b',' | b'.' | b'-' | b'+') => {}
                // An expression: not read here.
                _ => {
                    self.pin_and_scan(PinReason::NotUnderstood);
                    return;
                }
            }
            self.tokens.next();
        }
        self.tokens.next();
        // A `SET` of the same variables would be undone, and one within another nests.
        let is_set = matches!(self.tokens.peek(),
            Some(Token::Word(word)) if word::is(word, "SET"));
        if is_set || self.tokens.peek().is_none() {
            self.pin_and_scan(PinReason::NotUnderstood);
        } else {
            self.statement();
        }
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
        }
    }

    /// `@name = value`, behind the `@`.
    fn set_user_variable(&mut self) -> Stop {
        let Some(name) = self.tokens.variable_name() else {
            self.effect.add_pin(PinReason::NotUnderstood);
            return self.scan_item();
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
            self.effect.add_pin(PinReason::SessionVariable);
        } else if scope == Some(Scope::Global) {
            self.effect.may_write = true;
        } else {
            self.assign(&name, text, scope == Some(Scope::Bare));
        }
        stop
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

    /// Notes that a session's variable is set.
    fn assign(&mut self, name: &str, text: &[u8], is_bare: bool) {
        let name = variables::canonical(name);
        let Some(carried) = variables::find(name) else {
            self.effect.add_pin(PinReason::SessionVariable);
            return;
        };
        let mut value = value::of_system_variable(text);
        if is_bare && carried == Carried::NextTransaction {
            self.effect.next_transaction = true;
            value = Value::Expression;
        }
        match carried.check(value) {
            Some(value) => {
                self.effect.may_write |= value == Value::Expression;
                self.effect.add_set(Assignment::Variable {
                    // One sets the other along.
                    name: match name {
                        "character_set_connection" => "collation_connection",
                        name => name,
                    }
                    .to_owned(),
                    value,
                });
            }
            None => self.effect.add_pin(PinReason::SessionVariable),
        }
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

    /// `CHARACTER SET`, `CHAR SET`, `CHARSET`.
    fn take_character_set(&mut self) -> bool {
        let before = self.tokens.clone();
        let is_two = (self.tokens.take_word("CHARACTER") || self.tokens.take_word("CHAR"))
            && self.tokens.take_word("SET");
        if is_two {
            return true;
        }
        self.tokens = before;
        self.tokens.take_word("CHARSET")
    }

    /// `NAMES x [COLLATE y]`, behind the first word.
    fn set_names(&mut self) -> Stop {
        let charset = self.charset();
        let mut text = charset.as_ref().map(|charset| format!("NAMES {charset}"));
        if self.tokens.take_word("COLLATE") {
            text = match (text, self.charset()) {
                (Some(text), Some(collation)) if collation != "DEFAULT" => {
                    Some(format!("{text} COLLATE {collation}"))
                }
                _ => None,
            };
        }
        match (text, self.list_goes_on()) {
            (Some(text), Some(stop)) => {
                self.effect.add_set(Assignment::Names(text));
                stop
            }
            (_, stop) => {
                self.effect.add_pin(PinReason::SessionVariable);
                stop.unwrap_or_else(|| self.scan_item())
            }
        }
    }

    /// `CHARACTER SET x`, behind the first words: the connection's becomes that of the database.
    fn set_character_set(&mut self) -> Stop {
        let charset = self.charset().filter(|charset| charset != "DEFAULT");
        match (charset, self.list_goes_on()) {
            (Some(charset), Some(stop)) => {
                for name in ["character_set_client", "character_set_results"] {
                    self.effect.add_set(Assignment::Variable {
                        name: name.to_owned(),
                        value: Value::Literal(format!("'{charset}'")),
                    });
                }
                self.effect.add_set(Assignment::Variable {
                    name: "collation_connection".to_owned(),
                    value: Value::Expression,
                });
                stop
            }
            (_, stop) => {
                self.effect.add_pin(PinReason::SessionVariable);
                stop.unwrap_or_else(|| self.scan_item())
            }
        }
    }

    /// A character set or collation in lower case, or `DEFAULT`. `None`: unknown, or one in which
    /// statements cannot be read.
    fn charset(&mut self) -> Option<String> {
        let text = match self.tokens.next()? {
            Token::Word(word) if word::is(word, "DEFAULT") => return Some("DEFAULT".to_owned()),
            Token::Word(word) => String::from_utf8(word.to_vec()).ok()?,
            Token::Literal(text) => value::plain_string(text)?,
            _ => return None,
        };
        let text = text.to_ascii_lowercase();
        let is_name = !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (is_name && !variables::hides_ascii(&text)).then_some(text)
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

/// Takes `=` or `:=`.
fn take_equals(tokens: &mut Tokens<'_>) -> bool {
    tokens.take_sign(b':');
    tokens.take_sign(b'=')
}
