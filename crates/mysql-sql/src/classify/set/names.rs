//! `SET NAMES`, `SET CHARACTER SET`.

use crate::assignment::{Assignment, Value};
use crate::classify::scan::Stop;
use crate::classify::{Reader, value};
use crate::pin::PinReason;
use crate::token::Token;
use crate::{variables, word};

impl Reader<'_> {
    /// `CHARACTER SET`, `CHAR SET`, `CHARSET`.
    pub(super) fn take_character_set(&mut self) -> bool {
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
    pub(super) fn set_names(&mut self) -> Stop {
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
                self.effect.add_pin(PinReason::CharacterSet);
                stop.unwrap_or_else(|| self.scan_item())
            }
        }
    }

    /// `CHARACTER SET x`, behind the first words: the connection's becomes that of the database.
    pub(super) fn set_character_set(&mut self) -> Stop {
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
                self.effect.add_pin(PinReason::CharacterSet);
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
}
