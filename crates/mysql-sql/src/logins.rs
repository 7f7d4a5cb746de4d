//! Whether a text changes what connections are like that are opened after it.

use std::collections::HashSet;
use std::hash::BuildHasher;

use crate::word::is_one_of;

/// Words that make a variable global, or give rights and take them.
const GLOBAL: [&str; 5] = ["GLOBAL", "GRANT", "PERSIST", "PERSIST_ONLY", "REVOKE"];

/// Words that are about logins behind these.
const OF_LOGINS: [&str; 4] = ["DATABASE", "ROLE", "SCHEMA", "USER"];
const CHANGE: [&str; 6] = ["ALTER", "CREATE", "DEFAULT", "DROP", "RENAME", "REPLACE"];

/// True if a text that is not followed up, as the body of a routine or a statement that is made of
/// a literal, may be `SET GLOBAL`, `GRANT`, `ALTER USER` or their like.
///
/// Only words are looked at, wherever they are. A text that has one of them in a name, a literal or
/// a comment is taken for one that does so, which costs the pools of its origin their idle
/// connections.
pub fn may_change_logins(text: &[u8]) -> bool {
    let mut before: &[u8] = b"";
    for word in words(text) {
        let is_of_logins = is_one_of(word, &OF_LOGINS) && is_one_of(before, &CHANGE);
        if is_of_logins || is_one_of(word, &GLOBAL) {
            return true;
        }
        before = word;
    }
    false
}

/// Whether a text has one of these names, in lower case, for a word.
pub fn has_name_of<S: BuildHasher>(text: &[u8], names: &HashSet<String, S>) -> bool {
    let is_one = |word: &[u8]| {
        let word = str::from_utf8(word).unwrap_or_default();
        names.contains(word.to_ascii_lowercase().as_str())
    };
    !names.is_empty() && words(text).any(is_one)
}

/// What servers read as words, in any kind of text.
fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    let words = text.split(move |byte| !is_part(byte));
    words.filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_changes_later_logins_in_any_text() {
        for text in [
            "BEGIN SET GLOBAL time_zone = zone; END",
            "EXECUTE IMMEDIATE 'set global time_zone = ''+08:00'''",
            "SELECT 1; SET @@global.sql_mode = ''",
            "BEGIN SET PERSIST max_connections = 1; END",
            "GRANT r TO u",
            "EXECUTE IMMEDIATE CONCAT('REVOKE ', r, ' FROM u')",
            "CREATE USER IF NOT EXISTS u",
            "CREATE OR REPLACE ROLE r",
            "ALTER  USER u ACCOUNT LOCK",
            "SET DEFAULT ROLE NONE TO u",
            "ALTER DATABASE d CHARACTER SET latin1",
        ] {
            assert!(may_change_logins(text.as_bytes()), "{text}");
        }
        let names = HashSet::from(["zone".to_owned()]);
        assert!(has_name_of(b"EXECUTE IMMEDIATE 'CALL `Zone`(1)'", &names));
        assert!(!has_name_of(b"CALL zones()", &names));
        for text in [
            "",
            "UPDATE user SET role = 1, password = ''",
            "SET @a = 1, sql_mode = ''",
            "INSERT INTO global_users VALUES (1)",
            "SELECT user, role FROM t; DROP TABLE users",
        ] {
            assert!(!may_change_logins(text.as_bytes()), "{text}");
        }
    }
}
