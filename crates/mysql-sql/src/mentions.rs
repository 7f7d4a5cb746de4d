//! The names that the body of a trigger, a procedure or a function mentions: whatever tables it
//! writes are among them, and whatever routines it calls.

use crate::builtin::is_native;
use crate::classify::Dialect;
use crate::question::Server;
use crate::token::{Token, Tokens};
use crate::touches::{Touched, written_by_temporary};
use crate::word::{is, is_one_of};

/// What a body mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mentions {
    /// All names, keywords among them: what it does not mention it does not touch.
    pub names: Vec<Mention>,
    /// It has a word that begins what changes rows. Without one it changes none by itself.
    pub may_write: bool,
}

/// A name in a text, of whatever it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name before the point, in lower case.
    pub database: Option<String>,
    /// The name itself, likewise.
    pub name: String,
    /// A parenthesis follows, no native function or keyword has the name, and it does not stand
    /// where that is of a table or procedure, as behind `INTO`: a stored function, perhaps.
    pub may_be_function: bool,
    /// Where it stands.
    pub place: Place,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before a point: a database, a table, an alias, or `NEW`.
    Qualifier,
    /// Where a table stands, as behind `INTO` or behind the comma of a list of tables; or a column,
    /// as in `EXTRACT(DAY FROM c)`.
    Table,
    /// Behind `CALL`.
    Procedure,
    /// Right behind another name, or behind a word: an alias, perhaps.
    BehindName,
    /// Anywhere else.
    Other,
}

/// Words behind which a text may run that is not in the body.
const RUNS: [&str; 3] = ["EXECUTE", "PREPARE", "IMMEDIATE"];

/// Those that change what tables there are, who may use them, or what a server does with them, or
/// bring rows from elsewhere, or what another transaction has prepared. (Not all of them may stand
/// in a body everywhere.)
const DEFINES: [&str; 21] = [
    "ALTER",
    "BACKUP",
    "BINLOG",
    "CHANGE",
    "CLONE",
    "CREATE",
    "DROP",
    "FLUSH",
    "GLOBAL",
    "GRANT",
    "IMPORT",
    "INSTALL",
    "LOAD",
    "PERSIST",
    "PERSIST_ONLY",
    "RENAME",
    "RESTORE",
    "REVOKE",
    "STOP",
    "UNINSTALL",
    "XA",
];

/// Those without which no rows change.
const WRITES: [&str; 6] = [
    "DELETE", "INSERT", "REPAIR", "REPLACE", "TRUNCATE", "UPDATE",
];

/// Words behind which a table stands.
const BEFORE_TABLES: [&str; 16] = [
    "INTO",
    "UPDATE",
    "FROM",
    "JOIN",
    "STRAIGHT_JOIN",
    "TABLE",
    "INSERT",
    "REPLACE",
    "DELETE",
    "IGNORE",
    "LOW_PRIORITY",
    "HIGH_PRIORITY",
    "TRUNCATE",
    "DELAYED",
    "QUICK",
    "USING",
];

/// Those behind which several may stand.
const BEFORE_LISTS: [&str; 4] = ["UPDATE", "FROM", "JOIN", "STRAIGHT_JOIN"];

/// Words behind which a name with a parenthesis is no call of a function: `TABLE IF NOT EXISTS
/// t (…)`, or the routine's own name.
const BEFORE_OTHERS: [&str; 8] = [
    "INTO",
    "CALL",
    "TABLE",
    "EXISTS",
    "KEY",
    "INDEX",
    "PROCEDURE",
    "FUNCTION",
];

/// Words that end a list of tables.
const BEHIND_TABLES: [&str; 8] = [
    "SET", "VALUES", "SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT",
];

/// Whether names stand in a list of tables.
#[derive(Default)]
struct Lists {
    /// Those of the innermost parenthesis do.
    is_of_tables: bool,
    /// Likewise of those around it.
    outer: Vec<bool>,
    is_behind_comma: bool,
}

impl Lists {
    fn pass_sign(&mut self, sign: u8) {
        self.is_behind_comma = sign == b',';
        match sign {
            b'(' => self.outer.push(self.is_of_tables),
            b')' => self.is_of_tables = self.outer.pop().unwrap_or_default(),
            b';' => *self = Self::default(),
            _ => {}
        }
    }

    /// Passes a name, the first of those with points in between, or a word. Says whether it is the
    /// second or a later one of a list of tables.
    fn pass_name(&mut self, name: &[u8], is_quoted: bool, word_before: &[u8]) -> bool {
        let is_behind_comma = std::mem::take(&mut self.is_behind_comma);
        // A list may begin with a parenthesis.
        let begins_list = is_one_of(name, &BEFORE_LISTS) && !is(word_before, "KEY");
        if is_before_table(word_before) || (begins_list && !is_quoted) {
            self.is_of_tables = true;
        } else if !is_quoted && is_one_of(name, &BEHIND_TABLES) {
            self.is_of_tables = false;
        }
        is_behind_comma && self.is_of_tables
    }
}

fn is_before_table(word: &[u8]) -> bool {
    is_one_of(word, &BEFORE_TABLES)
}

/// The place of a name behind this word, or none; in a list of tables, behind another name, or
/// neither.
fn place(word_before: &[u8], is_listed: bool, is_behind_name: bool) -> Place {
    if is(word_before, "CALL") {
        Place::Procedure
    } else if is_before_table(word_before) || is_listed {
        Place::Table
    } else if is_behind_name {
        Place::BehindName
    } else {
        Place::Other
    }
}

/// True for a word that begins what a body is not read for; `tokens` are those behind it.
fn defines(word: &[u8], mut tokens: Tokens<'_>, server: Server) -> bool {
    if is(word, "START") {
        return !tokens.take_word("TRANSACTION");
    }
    if !is_one_of(word, &DEFINES) {
        return false;
    }
    // A temporary table nobody else sees.
    if tokens.take_word("OR") {
        tokens.take_word("REPLACE");
    }
    !tokens.take_word("TEMPORARY") || written_by_temporary(tokens, server) != Touched::Nothing
}

/// What a body mentions, with or without what is before it in its definition, but for the word
/// `CREATE`. `None`: it runs what is not in it, or defines something, or cannot be read.
///
/// Under `sql_mode=ORACLE` a name alone may be a call: such a body is not for this.
pub fn mentions(sql: &[u8], dialect: Dialect) -> Option<Mentions> {
    let mut tokens = Tokens::new(sql, dialect.escapes, dialect.letters);
    let mut mentions: Vec<Mention> = Vec::new();
    let mut may_write = false;
    let mut before: Option<String> = None;
    let mut is_behind_point = false;
    // The word before the name at hand, with what qualifies that.
    let (mut last_word, mut word_before): (&[u8], &[u8]) = (b"", b"");
    // Likewise, whether that is a name, quoted or not.
    let (mut was_name, mut is_behind_name) = (false, false);
    let (mut lists, mut is_listed) = (Lists::default(), false);
    while let Some(token) = tokens.next() {
        let is_point = token == Token::Sign(b'.');
        let (name, quote) = match token {
            Token::ExecutableComment | Token::Unfinished => return None,
            Token::Word(word) if is_one_of(word, &RUNS) => return None,
            Token::Word(word) if defines(word, tokens.clone(), dialect.server) => return None,
            Token::Word(word) => {
                may_write |= is_one_of(word, &WRITES);
                (word, None)
            }
            Token::Quoted(name) => (name, Some('`')),
            // A name under `ANSI_QUOTES`.
            Token::Literal([b'"', name @ .., b'"']) => (name, Some('"')),
            _ => {
                is_behind_point = is_point;
                if let Token::Sign(sign) = token {
                    lists.pass_sign(sign);
                }
                if let Some(qualifier) =
                    mentions.last_mut().filter(|_| is_point && before.is_some())
                {
                    qualifier.place = Place::Qualifier;
                }
                before = before.filter(|_| is_point);
                if !is_point {
                    (last_word, was_name) = (b"", false);
                }
                continue;
            }
        };
        let is_quoted = quote.is_some();
        if !is_behind_point {
            (word_before, is_behind_name) = (last_word, was_name);
            is_listed = lists.pass_name(name, is_quoted, word_before);
        }
        was_name = true;
        let is_of_key = is(last_word, "KEY") && is(name, "UPDATE");
        // Behind `ON DUPLICATE KEY UPDATE` a column stands.
        last_word = if is_quoted || is_of_key { b"" } else { name };
        let name = folded(name, quote)?;
        let is_number = !is_quoted && name.bytes().all(|byte| byte.is_ascii_digit());
        let is_apart = !tokens.is_at_parenthesis();
        let is_native =
            !is_quoted && !is_behind_point && is_native(name.as_bytes(), is_apart, dialect.server);
        mentions.push(Mention {
            database: before.take().filter(|_| is_behind_point),
            name: name.clone(),
            may_be_function: tokens.opens_parenthesis()
                && !is_native
                && !is_one_of(word_before, &BEFORE_OTHERS),
            place: place(word_before, is_listed, is_behind_name),
        });
        // `1.5` has no qualifier.
        before = (!is_number).then_some(name);
        is_behind_point = false;
    }
    Some(Mentions {
        names: mentions,
        may_write,
    })
}

/// A name in lower case. `None`: it is not in ASCII, where servers may think otherwise of which
/// ones are equal.
pub(crate) fn folded(name: &[u8], quote: Option<char>) -> Option<String> {
    let name = str::from_utf8(name).ok().filter(|name| name.is_ascii())?;
    let name = name.to_ascii_lowercase();
    Some(match quote {
        Some(quote) => name.replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Escapes;

    fn of(sql: &str) -> Option<Vec<String>> {
        let mentions = mentions(sql.as_bytes(), Escapes::Backslash.into())?;
        let shown = mentions.names.into_iter().map(|mention| {
            let database = mention.database.map_or(String::new(), |name| name + ".");
            let call = if mention.may_be_function { "()" } else { "" };
            format!("{database}{}{call}", mention.name)
        });
        Some(shown.collect())
    }

    #[test]
    fn all_names_are_told() {
        assert_eq!(
            of("INSERT INTO `Shop` . log (a, b) VALUES (UPPER('x.y'), `f`(1), \"T\")").unwrap(),
            [
                "insert", "into", "shop", "shop.log", "a", "b", "values", "upper", "f()", "1", "t"
            ]
        );
        assert_eq!(
            of("a \"b\"\"c``\" `d``e\"\"`").unwrap(),
            ["a", "b\"c``", "d`e\"\""]
        );
        assert_eq!(
            of("SET NEW.a = db.f(1)").unwrap(),
            ["set", "new", "new.a", "db", "db.f()", "1"]
        );
    }

    #[test]
    fn a_body_of_every_day_calls_no_function() {
        let body = "BEGIN
            DECLARE done, n INT UNSIGNED DEFAULT FALSE;
            DECLARE s VARCHAR(20) CHARACTER SET utf8mb4;
            DECLARE d DECIMAL(10, 2) DEFAULT 0; DECLARE w DATETIME(6); DECLARE b BINARY(16);
            DECLARE e ENUM('a', 'b'); DECLARE j JSON; DECLARE k TINYINT(1); DECLARE c CHAR(3);
            DECLARE f FLOAT(7); DECLARE g VARBINARY(8); DECLARE h SET('x'); DECLARE y YEAR(4);
            DECLARE lines CURSOR FOR SELECT a, COUNT(*) FROM t GROUP BY a HAVING COUNT(*) > (1);
            DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
            DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
            CREATE TEMPORARY TABLE IF NOT EXISTS x (n INT, m BIGINT(20), KEY (n), INDEX (m));
            CREATE TEMPORARY TABLE z (n INT, PRIMARY KEY (n), UNIQUE KEY u (n));
            START TRANSACTION; OPEN lines;
            l: LOOP FETCH lines INTO s, n; IF (done) THEN LEAVE l; END IF;
              INSERT INTO t (a, b) VALUES (s, n), (UPPER(s), n + 1)
                ON DUPLICATE KEY UPDATE b = VALUES(b);
              UPDATE t SET b = IF(b > 1, (b), b - 1) WHERE a IN (1, 2) AND b = ANY (SELECT 1);
              WHILE (n > 0) DO SET n = n - 1; END WHILE;
            END LOOP l;
            CASE WHEN (n) THEN SELECT LAST_INSERT_ID(); ELSE SELECT NOW(6), ROW_COUNT(); END CASE;
            SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t USE INDEX (i);
            WITH q AS (SELECT 1) SELECT * FROM q JOIN t USING (a);
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'; CLOSE lines; COMMIT; END";
        let functions = |server| {
            let dialect = Dialect {
                server,
                ..Escapes::Backslash.into()
            };
            let names = mentions(body.as_bytes(), dialect)
                .unwrap()
                .names
                .into_iter();
            names
                .filter(|it| it.may_be_function)
                .map(|it| it.name)
                .collect::<Vec<_>>()
        };
        for server in [Server::MySql, Server::MariaDb] {
            assert_eq!(functions(server), [""; 0], "{server:?}");
        }
    }

    #[test]
    fn a_definition_mentions_what_its_defaults_call() {
        let header = "DEFINER=`f`@`%` PROCEDURE `p`(a INT DEFAULT g(1), INOUT b ENUM('x')) \
                      COMMENT 'h(1)' SELECT a";
        let names = mentions(header.as_bytes(), Escapes::Backslash.into())
            .unwrap()
            .names;
        let called = names.into_iter().filter(|it| it.may_be_function);
        assert_eq!(called.map(|it| it.name).collect::<Vec<_>>(), ["g"]);
    }

    #[test]
    fn places_are_told() {
        let places = |sql: &str| {
            let mentions = mentions(sql.as_bytes(), Escapes::Backslash.into()).unwrap();
            let qualified = mentions.names.into_iter().filter_map(|mention| {
                let shown = format!("{}.{}", mention.database?, mention.name);
                Some((shown, mention.place))
            });
            qualified.collect::<Vec<_>>()
        };
        for (sql, name, place) in [
            ("INSERT INTO `a` . b VALUES (1)", "a.b", Place::Table),
            ("update ignore a.b set c = 1.5", "a.b", Place::Table),
            ("DELETE FROM a.b", "a.b", Place::Table),
            ("SELECT c FROM t, a.b", "a.b", Place::Table),
            (
                "UPDATE t x JOIN u ON (1), a.b SET c = d",
                "a.b",
                Place::Table,
            ),
            (
                "SELECT 1 FROM (SELECT 2 FROM t WHERE 3) x, a.b",
                "a.b",
                Place::Table,
            ),
            ("UPDATE (t, a.b) SET c = 1", "a.b", Place::Table),
            ("ON DUPLICATE KEY UPDATE c = (d, a.b)", "a.b", Place::Other),
            ("SELECT c, a.b FROM t", "a.b", Place::Other),
            ("INSERT INTO t VALUES (c, a.b)", "a.b", Place::Other),
            ("UPDATE t SET c = 1, a.b = 2", "a.b", Place::Other),
            ("UPDATE t SET c = 1; SET d = a.b", "a.b", Place::Other),
            ("SET a.b = 1.5", "a.b", Place::BehindName),
            ("ON DUPLICATE KEY UPDATE a.b = 1", "a.b", Place::BehindName),
            ("CALL a.b(c)", "a.b", Place::Procedure),
            ("call `a` . `b`", "a.b", Place::Procedure),
        ] {
            assert_eq!(places(sql), [(name.to_owned(), place)], "{sql}");
        }
        let text = b"UPDATE t AS x, u y, z.w SET a = 1";
        let mentions = mentions(text, Escapes::Backslash.into()).unwrap();
        for (name, place) in [
            ("t", Place::Table),
            ("x", Place::BehindName),
            ("y", Place::BehindName),
            ("z", Place::Qualifier),
        ] {
            let mention = mentions.names.iter().find(|it| it.name == name).unwrap();
            assert_eq!(mention.place, place, "{name}");
        }
    }

    #[test]
    fn what_runs_something_else_is_not_told() {
        for sql in [
            "execute s",
            "CREATE TABLE t (a INT)",
            "DROP TABLE IF EXISTS t",
            "SET @@GLOBAL.a = 1",
            "BEGIN XA COMMIT 'a'; END",
            "START REPLICA",
            "CREATE TEMPORARY TABLE x (n INT) ENGINE=MERGE UNION=(t)",
            "CREATE TEMPORARY TABLE x (n INT) ENGINE InnoDB UNION (t)",
            "CREATE TEMPORARY TABLE IF NOT EXISTS d.`x` LIKE t",
            "CREATE TEMPORARY TABLE x (LIKE t)",
            "INSERT INTO [odd name] VALUES (1)",
            "/*! x */",
            "SELECT 'a",
            "INSERT INTO té VALUES (1)",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_changes_no_rows_is_told() {
        for (sql, may_write) in [
            ("BEGIN SELECT a FROM t; CALL p(); END", false),
            ("CREATE TEMPORARY TABLE x SELECT a FROM t", false),
            ("CREATE OR REPLACE TEMPORARY TABLE x SELECT 1", true),
            ("SELECT `delete` FROM t", false),
            ("BEGIN IF a THEN DELETE FROM t; END IF; END", true),
            ("SELECT a FROM t FOR UPDATE", true),
            ("START TRANSACTION", false),
            ("CREATE TEMPORARY TABLE x (n INT) ENGINE=InnoDB", false),
        ] {
            let mentions = mentions(sql.as_bytes(), Escapes::Backslash.into()).unwrap();
            assert_eq!(mentions.may_write, may_write, "{sql}");
        }
        assert_eq!(of("CALL p(1)").unwrap(), ["call", "p", "1"]);
    }
}
