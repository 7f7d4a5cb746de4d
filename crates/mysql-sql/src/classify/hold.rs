//! What pins a session and can end: locks, text `PREPARE`, `HANDLER`, `XA`.

use super::scan::Calls;
use super::{Reader, name, value};
use crate::effect::Defines;
use crate::pin::{PinReason, Release};
use crate::token::Token;
use crate::word;

/// Longest name that a pin is remembered by; longer ones are refused by servers.
const MAX_NAME: usize = 64;

impl Reader<'_> {
    pub(super) fn hold(&mut self, word: &[u8]) {
        self.effect.may_write = true;
        if word::is(word, "LOCK") {
            self.lock_tables();
        } else if word::is(word, "UNLOCK") {
            self.unlock_tables();
        } else if word::is(word, "FLUSH") {
            self.flush();
        } else if word::is(word, "XA") {
            self.distributed();
        } else if word::is(word, "HANDLER") {
            self.handler();
        } else if word::is(word, "DEALLOCATE") {
            self.deallocate();
        } else if word::is(word, "PREPARE") {
            self.effect.add_pin(PinReason::TextPrepare);
            self.effect.pin_name = self.tokens.next().and_then(name).filter(is_short);
            self.scan(Calls::Everywhere);
        } else {
            // `EXECUTE`, also `EXECUTE IMMEDIATE` of MariaDB: may do anything.
            self.effect.may_define(Defines::Anything);
            self.pin_and_scan(PinReason::TextPrepare);
        }
    }

    /// `LOCK TABLES`. (`LOCK INSTANCE FOR BACKUP` ends by another statement.)
    fn lock_tables(&mut self) {
        let to_write = self.words().any(|word| word::is(word, "WRITE"));
        self.effect.locks_to_write |= to_write;
        let reason = if self.take_tables() {
            PinReason::TableLock
        } else {
            PinReason::NotUnderstood
        };
        self.effect.add_pin(reason);
        self.scan(Calls::From(&[]));
    }

    /// `UNLOCK TABLES` also ends `FLUSH TABLES … WITH READ LOCK` and `… FOR EXPORT`.
    fn unlock_tables(&mut self) {
        if self.take_tables() && self.ends() {
            self.release(PinReason::TableLock, None);
        } else {
            self.pin_and_scan(PinReason::NotUnderstood);
        }
    }

    fn take_tables(&mut self) -> bool {
        self.tokens.take_word("TABLES") || self.tokens.take_word("TABLE")
    }

    /// `FLUSH …` locks with `WITH READ LOCK` and `FOR EXPORT` only.
    fn flush(&mut self) {
        let locks = self
            .words()
            .any(|word| word::is(word, "LOCK") || word::is(word, "EXPORT"));
        if locks {
            self.effect.add_pin(PinReason::TableLock);
        }
        self.scan(Calls::From(&[]));
    }

    /// `XA …`. While one is open, `COMMIT` and `ROLLBACK` of another are refused: success means
    /// that none is open any more.
    fn distributed(&mut self) {
        if self.tokens.take_word("COMMIT") || self.tokens.take_word("ROLLBACK") {
            self.release(PinReason::DistributedTransaction, None);
        } else if !self.tokens.take_word("RECOVER") {
            self.effect.add_pin(PinReason::DistributedTransaction);
        }
        self.scan(Calls::From(&[]));
    }

    /// `HANDLER t OPEN [[AS] h]`, `HANDLER h READ …`, `HANDLER h CLOSE`.
    fn handler(&mut self) {
        let mut handler = self.tokens.next().and_then(name);
        if self.tokens.take_sign(b'.') {
            handler = self.tokens.next().and_then(name);
        }
        if self.tokens.take_word("OPEN") {
            self.tokens.take_word("AS");
            if let Some(Token::Word(_) | Token::Quoted(_)) = self.tokens.peek() {
                handler = self.tokens.next().and_then(name);
            }
            self.effect.add_pin(PinReason::HandlerStatement);
            self.effect.pin_name = handler.filter(is_short);
            self.scan(Calls::From(&[]));
        } else if self.tokens.take_word("CLOSE") && self.ends() {
            self.release(PinReason::HandlerStatement, handler);
        } else if self.tokens.take_word("READ") {
            self.scan(Calls::From(&["WHERE"]));
        } else {
            self.pin_and_scan(PinReason::NotUnderstood);
        }
    }

    /// `DEALLOCATE PREPARE s`, `DROP PREPARE s`.
    pub(super) fn deallocate(&mut self) {
        self.tokens.take_word("PREPARE");
        let statement = self.tokens.next().and_then(name);
        if statement.is_some() && self.ends() {
            self.release(PinReason::TextPrepare, statement);
        } else {
            self.pin_and_scan(PinReason::NotUnderstood);
        }
    }

    /// `SELECT GET_LOCK('name', n)`, `SELECT RELEASE_LOCK('name')`, `SELECT RELEASE_ALL_LOCKS()`,
    /// with nothing else but an alias: each runs exactly once. (Also behind `DO`.) Reads nothing if
    /// it is none of these.
    pub(super) fn lock_by_name(&mut self, head: &[u8]) -> bool {
        let function = match self.tokens.peek() {
            Some(Token::Word(word)) if (8..=17).contains(&word.len()) => word,
            _ => return false,
        };
        let is_select = word::is(head, "SELECT");
        let takes = word::is(function, "GET_LOCK");
        let gives = word::is(function, "RELEASE_LOCK");
        let gives_all = word::is(function, "RELEASE_ALL_LOCKS");
        if !(takes || gives || gives_all) || !(is_select || word::is(head, "DO")) {
            return false;
        }
        let before = self.tokens.clone();
        self.tokens.next();
        let lock = self.lock_arguments(takes, gives_all);
        let is_alone = self.tokens.take_sign(b')') && self.ends_with_alias();
        match lock {
            Some(lock) if is_alone => {
                self.effect.may_write = true;
                if takes {
                    self.effect.add_pin(PinReason::UserLock);
                    self.effect.pin_name = Some(lock);
                } else {
                    self.release(PinReason::UserLock, gives.then_some(lock));
                }
                true
            }
            _ => {
                self.tokens = before;
                false
            }
        }
    }

    /// `('name'`, `('name', 5`, `(`: gives the name.
    fn lock_arguments(&mut self, has_timeout: bool, is_empty: bool) -> Option<String> {
        if !self.tokens.take_sign(b'(') {
            return None;
        }
        if is_empty {
            return Some(String::new());
        }
        let Some(Token::Literal(lock)) = self.tokens.next() else {
            return None;
        };
        if has_timeout {
            if !self.tokens.take_sign(b',') {
                return None;
            }
            self.tokens.take_sign(b'-');
            let has_fraction = self.take_digits() && self.tokens.take_sign(b'.');
            if has_fraction && !self.take_digits() {
                return None;
            }
        }
        value::plain_string(lock).filter(is_short)
    }

    fn take_digits(&mut self) -> bool {
        let is_digits = |word: &[u8]| word.iter().all(u8::is_ascii_digit);
        self.tokens
            .take_if(|token| matches!(token, Token::Word(word) if is_digits(word)))
    }

    /// `[[AS] name]` and the end.
    fn ends_with_alias(&mut self) -> bool {
        self.tokens.take_word("AS");
        if let Some(Token::Word(_) | Token::Quoted(_) | Token::Literal(_)) = self.tokens.peek() {
            self.tokens.next();
        }
        self.ends()
    }

    fn release(&mut self, reason: PinReason, name: Option<String>) {
        self.effect.releases = Some(Release { reason, name });
    }
}

#[expect(clippy::ptr_arg, reason = "a filter of an Option<String>")]
fn is_short(name: &String) -> bool {
    name.len() <= MAX_NAME
}
