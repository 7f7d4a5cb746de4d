//! The forms of `SET` that stand alone, and in no list.

use super::Scope;
use crate::assignment::{Assignment, MAX_LITERAL, Value, quote};
use crate::classify::scan::Calls;
use crate::classify::{Reader, value};
use crate::pin::PinReason;
use crate::question::Server;
use crate::token::Token;
use crate::{variables, word};

impl Reader<'_> {
    /// The forms that stand alone. False: it is none of them.
    pub(super) fn set_special(&mut self) -> bool {
        let before = self.tokens.clone();
        let scope = self.take_scope();
        if self.tokens.take_word("TRANSACTION") {
            self.set_transaction(scope);
            return true;
        }
        self.tokens = before.clone();
        if self.tokens.take_word("DEFAULT") && self.tokens.take_word("ROLE") {
            self.set_globally();
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
    pub(super) fn set_password(&mut self) {
        self.effect.may_write = true;
        if self
            .rest_of_statement()
            .any(|token| token == Token::Sign(b','))
        {
            self.effect.add_pin(PinReason::CharacterSet);
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
        if scope.is_none() && self.takes_time() {
            self.scan(Calls::Everywhere);
        } else if !self.ends() {
            self.pin_and_scan(PinReason::NotUnderstood);
            return;
        }
        self.effect.may_set_in_part = sets.len() > 1;
        match scope {
            Some(Scope::Global) => self.set_globally(),
            Some(_) => sets.into_iter().for_each(|set| self.effect.add_set(set)),
            None => self.effect.next_transaction = true,
        }
    }

    /// TiDB: `… READ ONLY AS OF TIMESTAMP expression`.
    /// <https://docs.pingcap.com/tidb/stable/as-of-timestamp/>
    fn takes_time(&mut self) -> bool {
        const WORDS: [&str; 3] = ["AS", "OF", "TIMESTAMP"];
        self.dialect.server == Server::TiDb && WORDS.iter().all(|word| self.tokens.take_word(word))
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
                // No literal stands for what `LAST_INSERT_ID()` gives then.
                Token::Word(word) if is_insert_id(word) => {
                    self.pin_and_scan(PinReason::NotUnderstood);
                    return;
                }
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
        // A `SET` of the same variables would be undone. And it may be another `SET STATEMENT`: a
        // long text of them, each in the last one, would take the whole stack.
        let mut following = self.tokens.clone();
        let first = following.find(|token| *token != Token::Sign(b'('));
        let is_plain = matches!(first, Some(Token::Word(word)) if !word::is(word, "SET"));
        if is_plain {
            self.statement();
            // With `sql_select_limit=0` a `SELECT RELEASE_LOCK('a')` does nothing.
            self.effect.releases = None;
        } else {
            self.pin_and_scan(PinReason::NotUnderstood);
        }
    }
}

/// The variable that `LAST_INSERT_ID()` reads, by one of its names.
fn is_insert_id(word: &[u8]) -> bool {
    ["last_insert_id", "identity"]
        .iter()
        .any(|name| word::is(word, name))
}
