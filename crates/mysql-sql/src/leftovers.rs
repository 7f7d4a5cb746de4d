//! What the body of a stored routine leaves on its connection.
//!
//! ```text
//!   nothing            rows it writes, tables it reads, its own variables and cursors
//!   a question         FOUND_ROWS() behind a query, LAST_INSERT_ID() behind an INSERT, whether a
//!                      transaction is open
//!   anything           @a, @@a, SET of what is not its own, TEMPORARY, GET_LOCK(), SAVEPOINT, …
//! ```
//!
//! What it runs of a text or defines, [`mentions()`](crate::mentions()) refuses already.

use crate::classify::Dialect;
use crate::mentions::folded;
use crate::token::{Token, Tokens};
use crate::variables;
use crate::word::{self, Betraying, is, is_one_of};

/// What a routine leaves that the session may ask about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// `FOUND_ROWS()` may be the number of rows of a query in it.
    pub found_rows: bool,
    /// `LAST_INSERT_ID()` may be one that it has made.
    pub insert_id: bool,
    /// A transaction may be open, which an error would not tell.
    pub transaction: bool,
}

impl Leftovers {
    /// What both leave.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            found_rows: self.found_rows || other.found_rows,
            insert_id: self.insert_id || other.insert_id,
            transaction: self.transaction || other.transaction,
        }
    }
}

/// Words behind which a `SET` sets columns, or the items of a condition.
const SET_COLUMNS: [&str; 5] = ["UPDATE", "INSERT", "REPLACE", "SIGNAL", "RESIGNAL"];

/// Words behind which another statement begins, or may.
const BEGIN_STATEMENT: [&str; 6] = ["BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"];

/// Words of statements that find rows, and of those that an optimizer could be asked about.
const FIND_ROWS: [&str; 12] = [
    "ANALYZE", "CHECK", "CHECKSUM", "DESC", "DESCRIBE", "EXPLAIN", "OPTIMIZE", "REPAIR", "SELECT",
    "SHOW", "TABLE", "VALUES",
];

/// Words of statements that begin a transaction, but for `BEGIN`, which begins a block.
const BEGIN_TRANSACTION: [&str; 3] = ["START", "WORK", "CHAIN"];

/// Words of statements that decide which others run.
const BRANCH: [&str; 6] = ["IF", "CASE", "WHILE", "LOOP", "REPEAT", "LEAVE"];

/// What is declared that no `SET` can set.
const NO_VARIABLES: [&str; 3] = ["HANDLER", "CURSOR", "CONDITION"];

/// Words that ask about the conditions of the statement before, behind `SHOW`.
const SHOWN_CONDITIONS: [&str; 3] = ["WARNINGS", "ERRORS", "COUNT"];

/// What the definition of a routine leaves behind, apart from what the routines leave that it
/// calls. `sql` is its body, or all of it but for the word `CREATE`; `parameters` are their names
/// in lower case. `None`: it may leave anything, or asks about the statement before its call, which
/// only the connection of that one can tell.
pub fn leftovers<S: AsRef<str>>(
    sql: &[u8],
    parameters: impl IntoIterator<Item = S>,
    dialect: Dialect,
) -> Option<Leftovers> {
    let own = parameters.into_iter().map(|name| name.as_ref().to_owned());
    let mut reader = Reader {
        tokens: Tokens::new(sql, dialect.escapes, dialect.letters),
        own: own.collect(),
        blocks: Vec::new(),
        left: Leftovers::default(),
        sets: Sets::Unknown,
        handler: Handler::None,
        ran: Ran::default(),
    };
    reader.pass_definer()?;
    reader.read()?;
    Some(reader.left)
}

struct Reader<'a> {
    tokens: Tokens<'a>,
    /// Its parameters, and the variables that are declared in the blocks around.
    own: Vec<String>,
    /// How many there were when each block began.
    blocks: Vec<usize>,
    left: Leftovers,
    sets: Sets,
    handler: Handler,
    ran: Ran,
}

/// What a `SET` in the statement at hand sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sets {
    /// That has to be seen.
    Unknown,
    /// Columns, or the items of a condition.
    Columns,
    /// What the body has declared. So many parentheses are open since.
    Own { depth: usize },
}

/// Where the body stands with its handlers of conditions, which may never run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handler {
    None,
    /// What it does is told up to the next semicolon, unless a block begins before.
    Statement,
    /// It is a block, within so many others.
    Block(usize),
}

/// What has surely run by the time that the statement at hand does.
#[derive(Default)]
struct Ran {
    /// There is a statement before which may keep those behind it from running.
    is_branched: bool,
    /// There is a handler before.
    has_handler: bool,
    before: Statements,
    /// At hand.
    now: Statements,
}

#[derive(Clone, Copy, Default)]
struct Statements {
    write: bool,
    read: bool,
}

impl<'a> Reader<'a> {
    /// `DEFINER = user@host`, which is no user variable.
    fn pass_definer(&mut self) -> Option<()> {
        if !self.tokens.take_word("DEFINER") {
            return Some(());
        }
        self.tokens.take_sign(b'=').then_some(())?;
        self.name()?;
        if self.tokens.take_if(|token| token == Token::At) {
            self.name()?;
        }
        Some(())
    }

    fn name(&mut self) -> Option<String> {
        match self.tokens.next()? {
            Token::Word(name) => folded(name, None),
            Token::Quoted(name) => folded(name, Some('`')),
            Token::Literal([b'"', name @ .., b'"']) => folded(name, Some('"')),
            _ => None,
        }
    }

    fn read(&mut self) -> Option<()> {
        let mut before: &[u8] = b"";
        while let Some(token) = self.tokens.next() {
            match token {
                Token::Word(word) => {
                    self.word(word, before)?;
                    before = word;
                    continue;
                }
                Token::At | Token::AtAt | Token::ExecutableComment | Token::Unfinished => {
                    return None;
                }
                Token::Sign(sign) => self.sign(sign)?,
                Token::Quoted(_) | Token::Literal(_) => {}
            }
            before = b"";
        }
        Some(())
    }

    fn sign(&mut self, sign: u8) -> Option<()> {
        match (sign, &mut self.sets) {
            (b';', _) => self.end_statement(),
            (b',', Sets::Own { depth: 0 }) => self.set()?,
            (b'(', Sets::Own { depth }) => *depth = depth.saturating_add(1),
            (b')', Sets::Own { depth }) => *depth = depth.saturating_sub(1),
            // `label: SET …`; as a part of `:=` it does no harm.
            (b':', sets @ Sets::Columns) => *sets = Sets::Unknown,
            _ => {}
        }
        Some(())
    }

    fn end_statement(&mut self) {
        self.sets = Sets::Unknown;
        if self.handler == Handler::Statement {
            self.handler = Handler::None;
        }
        let ran = std::mem::take(&mut self.ran.now);
        self.ran.before.write |= ran.write;
        self.ran.before.read |= ran.read;
    }

    fn word(&mut self, word: &'a [u8], before: &[u8]) -> Option<()> {
        let opens = self.tokens.opens_parenthesis();
        self.note_blocks(word, before);
        self.note_what_runs(word, before, opens);
        self.asks(word, before, opens)?;
        match word::betraying(word) {
            Some(Betraying::Temporary | Betraying::Binding) => return None,
            Some(Betraying::UserLock | Betraying::Sequence | Betraying::SetsVariable) if opens => {
                return None;
            }
            Some(Betraying::Value) if is(before, "NEXT") || is(before, "PREVIOUS") => return None,
            Some(Betraying::Inserts | Betraying::LastInsertId) => self.left.insert_id = true,
            _ => {}
        }
        let of_handler = ["CONTINUE", "EXIT", "UNDO"];
        match word {
            _ if is(word, "SET") => {
                let is_type = opens || is(before, "CHARACTER") || is(before, "CHAR");
                if self.sets != Sets::Columns && !is_type {
                    self.set()?;
                }
            }
            _ if is(word, "DECLARE") => self.declaration()?,
            // `LOCK IN SHARE MODE`.
            _ if is(word, "LOCK") && !self.is_before("IN") => return None,
            _ if is(word, "HANDLER") && !is_one_of(before, &of_handler) => return None,
            // Without autocommit it is there before any transaction.
            _ if is_one_of(word, &["SAVEPOINT", "UNLOCK"]) => return None,
            // `COMMIT RELEASE` ends the connection.
            _ if is_one_of(word, &["RELEASE", "RELEASE_LOCK", "RELEASE_ALL_LOCKS"]) => return None,
            _ => {}
        }
        Some(())
    }

    /// True if this word comes next.
    fn is_before(&self, keyword: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(word)) if is(word, keyword))
    }

    /// Follows `BEGIN … END` and `CASE … END`, in which there may be others.
    fn note_blocks(&mut self, word: &[u8], before: &[u8]) {
        const ENDS_OTHERS: [&str; 5] = ["IF", "LOOP", "WHILE", "REPEAT", "FOR"];
        let begins = is(word, "BEGIN");
        if begins || (is(word, "CASE") && !is(before, "END")) {
            if begins && self.handler == Handler::Statement {
                self.handler = Handler::Block(self.blocks.len());
            }
            self.blocks.push(self.own.len());
        }
        let ends_another = ENDS_OTHERS.iter().any(|other| self.is_before(other));
        if is(word, "END") && !ends_another {
            let begun = self.blocks.pop().unwrap_or_default();
            self.own.truncate(begun);
            if self.handler == Handler::Block(self.blocks.len()) {
                self.handler = Handler::None;
            }
        }
        if is(word, "HANDLER") && self.handler == Handler::None {
            self.handler = Handler::Statement;
            self.ran.has_handler = true;
        }
    }

    fn note_what_runs(&mut self, word: &[u8], before: &[u8], opens: bool) {
        // (Within an expression they begin none, and only a semicolon ends a list of its own.)
        if is_one_of(word, &BEGIN_STATEMENT) && self.sets == Sets::Columns {
            self.sets = Sets::Unknown;
        }
        // `INSERT(…)` and `REPLACE(…)` are functions; `FOR UPDATE` and `KEY UPDATE` begin nothing.
        let is_part = opens || is(before, "FOR") || is(before, "KEY");
        if is_one_of(word, &SET_COLUMNS) && !is_part {
            self.sets = Sets::Columns;
        }
        self.left.found_rows |= is_one_of(word, &FIND_ROWS);
        self.left.transaction |= is_one_of(word, &BEGIN_TRANSACTION);
        if self.handler == Handler::None {
            let is_sure = !self.ran.is_branched;
            let writes = ["UPDATE", "INSERT", "REPLACE", "DELETE"];
            self.ran.now.write |= is_sure && is_one_of(word, &writes) && !is_part;
            self.ran.now.read |= is_sure && is(word, "SELECT");
            self.ran.is_branched |= is_one_of(word, &BRANCH);
        }
    }

    /// `None`: it asks about the statement before its call, or may.
    fn asks(&self, word: &[u8], before: &[u8], opens: bool) -> Option<()> {
        let is_answered = match word {
            _ if is(word, "ROW_COUNT") => !opens || self.ran.before.write,
            _ if is(word, "FOUND_ROWS") => !opens || self.ran.before.read,
            // A handler asks about what it handles.
            _ if is(word, "DIAGNOSTICS") => {
                is(before, "STACKED") || (self.ran.has_handler && self.is_before("CONDITION"))
            }
            _ if is(before, "SHOW") => !is_one_of(word, &SHOWN_CONDITIONS),
            _ => true,
        };
        is_answered.then_some(())
    }

    /// `SET a = …` up to its expression, where that is its own; so what follows each comma of the
    /// list has to be.
    fn set(&mut self) -> Option<()> {
        let name = self.name()?;
        // `SET r.a = …`, of a row; `SET a.b = …` may be a key cache of the server's.
        self.own.contains(&name).then_some(())?;
        if self.tokens.take_sign(b'.') {
            self.name()?;
        }
        self.tokens.take_sign(b':');
        self.sets = Sets::Own { depth: 0 };
        self.tokens.take_sign(b'=').then_some(())
    }

    /// `DECLARE a, b INT …`. (`DECLARE c CURSOR …`, `DECLARE c CONDITION …` and `DECLARE EXIT
    /// HANDLER …` declare no variable.)
    fn declaration(&mut self) -> Option<()> {
        let mut ahead = self.tokens.clone();
        ahead.next();
        let of_no_variable =
            |token| matches!(token, Token::Word(word) if is_one_of(word, &NO_VARIABLES));
        if ahead.take_if(of_no_variable) {
            return Some(());
        }
        loop {
            let name = self.name()?;
            // Whether the block is over where that is set, is better not left to this.
            variables::find(variables::canonical(&name))
                .is_none()
                .then_some(())?;
            self.own.push(name);
            if !self.tokens.take_sign(b',') {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Escapes;

    fn of(sql: &str) -> Option<Leftovers> {
        leftovers(sql.as_bytes(), ["p", "q"], Escapes::Backslash.into())
    }

    #[test]
    fn a_body_of_every_day_leaves_nothing() {
        let body = "DEFINER=`app`@`%` PROCEDURE `orders`(IN p INT, OUT q DECIMAL(10,2))
            SQL SECURITY INVOKER COMMENT 'SET @a = 1'
            main: BEGIN
            DECLARE done, n INT UNSIGNED DEFAULT FALSE;
            DECLARE `s` VARCHAR(20) CHARACTER SET utf8mb4;
            DECLARE e SET('a', 'b') DEFAULT 'a';
            DECLARE lines CURSOR FOR SELECT a, b FROM t FOR UPDATE;
            DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE, n = 1;
            DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
            SET p = 1, `s` = CONCAT('a', (SELECT COUNT(*), 2 FROM t)), q := 2;
            again: SET n = 3;
            START TRANSACTION; OPEN lines;
            l: LOOP FETCH lines INTO s, n; IF done THEN SET n = 4; LEAVE l; ELSE SET n = 5; END IF;
              INSERT INTO t (a, b) VALUES (s, n) ON DUPLICATE KEY UPDATE b = VALUES(b);
              INSERT INTO t SET a = 1, b = REPLACE(s, 'a', 'b');
              UPDATE t SET sql_mode = IF(b > 1, b, b - 1), b = 1 WHERE a = n;
              WHILE n > 0 DO SET n = n - 1; END WHILE;
            END LOOP l;
            SELECT a INTO q FROM t WHERE a = 1 LOCK IN SHARE MODE;
            IF q < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x', MYSQL_ERRNO = 2; END IF;
            FETCH NEXT FROM lines INTO s, n; CLOSE lines; COMMIT; END";
        let all = Leftovers {
            found_rows: true,
            insert_id: true,
            transaction: true,
        };
        assert_eq!(of(body), Some(all));
    }

    #[test]
    fn what_it_leaves_to_ask_about_is_told() {
        for (sql, found_rows, insert_id) in [
            ("RETURN CONCAT(p, q)", false, false),
            ("RETURN (SELECT a FROM t WHERE b = p)", true, false),
            ("BEGIN UPDATE t SET a = p; RETURN 1; END", false, false),
            ("INSERT INTO t SET a = p", false, true),
            ("REPLACE t SELECT 1", true, true),
            ("DO LAST_INSERT_ID(p)", false, true),
            (
                "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN \
                 GET DIAGNOSTICS CONDITION 1 p = MYSQL_ERRNO; ROLLBACK; RESIGNAL; END; \
                 UPDATE t SET a = p; IF ROW_COUNT() = 0 THEN SIGNAL SQLSTATE '45000'; END IF; END",
                false,
                false,
            ),
            (
                "BEGIN DECLARE a INT; BEGIN DECLARE b INT; SET b = 1; END; SET a = 1; END",
                false,
                false,
            ),
            (
                "BEGIN DECLARE a INT; IF p THEN SET a = CASE WHEN p THEN 1 END; END IF; \
                 CASE p WHEN 1 THEN SET a = 2; END CASE; SET a = 3; END",
                false,
                false,
            ),
            (
                "BEGIN SELECT SQL_CALC_FOUND_ROWS 1; SELECT FOUND_ROWS(); END",
                true,
                false,
            ),
        ] {
            let expected = Leftovers {
                found_rows,
                insert_id,
                transaction: false,
            };
            assert_eq!(of(sql), Some(expected), "{sql}");
        }
    }

    #[test]
    fn what_may_leave_anything_is_told() {
        for sql in [
            "SET @a = 1",
            "SELECT 1 INTO @a",
            "SELECT @@sql_mode",
            "SET sql_mode = ''",
            "SET p = 1, sql_mode = ''",
            "SET p = IF(1, 2, 3), autocommit = 0",
            "SET p = CASE WHEN q THEN 1 ELSE 2 END, autocommit = 0",
            "SET p = REPEAT('a', 2), autocommit = 0",
            "SET p = (SELECT INSERT(a, 1, 1, ',') FROM t), autocommit = 0",
            "SET SESSION p = 1",
            "SET NAMES utf8mb4",
            "SET CHARACTER SET utf8mb4",
            "SET TRANSACTION READ ONLY",
            "SET ROLE p",
            "SET STATEMENT max_statement_time = 1 FOR SELECT 1",
            "SET p.q.a = 1",
            "SET p = GET_LOCK('a', 1)",
            "BEGIN BEGIN DECLARE sql_mode INT; END; SET sql_mode = ''; END",
            "BEGIN UPDATE t SET a = 1; SET autocommit = 0; END",
            "IF REPLACE(p, 1, 2) THEN SET autocommit = 0; END IF",
            "BEGIN INSERT INTO t VALUES (1); l: SET autocommit = 0; END",
            "DECLARE EXIT HANDLER FOR NOT FOUND SET autocommit = 0;",
            "BEGIN DECLARE c CURSOR FOR SELECT a FROM t FOR UPDATE; SET autocommit = 0; END",
            "CASE INSERT(p, 1, 1, 'a') WHEN 'a' THEN SET autocommit = 0; END CASE",
            "CREATE TEMPORARY TABLE a (b INT)",
            "DROP TEMPORARY TABLE a",
            "DO RELEASE_LOCK('a')",
            "DO RELEASE_ALL_LOCKS()",
            "SAVEPOINT a",
            "SELECT NEXTVAL(s)",
            "SELECT NEXT VALUE FOR s",
            "SELECT PREVIOUS VALUE FOR s",
            "LOCK INSTANCE FOR BACKUP",
            "HANDLER t OPEN",
            "SELECT 'a",
            "BEGIN BEGIN DECLARE timestamp INT; SET timestamp = 1; END; SET timestamp = 2; END",
            "BEGIN DECLARE timestamp CURSOR FOR SELECT 1; SET timestamp = 2; END",
            "BEGIN DECLARE sql_log_bin CONDITION FOR 1146; SET sql_log_bin = 0; END",
            "BEGIN DECLARE EXIT HANDLER FOR 1 BEGIN DECLARE insert_id INT; END; \
             SET insert_id = 2; END",
            "BEGIN BEGIN DECLARE a INT; SET a = CASE 1 WHEN 1 THEN 2 END; END; SET a = 1; END",
            "ROLLBACK RELEASE",
            "SELECT ROW_COUNT()",
            "RETURN FOUND_ROWS()",
            "SHOW WARNINGS",
            "SHOW COUNT(*) ERRORS",
            "BEGIN UPDATE t SET a = 1; SELECT FOUND_ROWS(); END",
            "BEGIN IF p THEN UPDATE t SET a = 1; END IF; SELECT ROW_COUNT(); END",
            "BEGIN DECLARE EXIT HANDLER FOR 1 BEGIN DELETE FROM t; END; SELECT ROW_COUNT(); END",
            "GET DIAGNOSTICS p = ROW_COUNT",
            "GET CURRENT DIAGNOSTICS CONDITION 1 p = MYSQL_ERRNO",
            "/*!50000 SET @a = 1 */",
            "DEFINER=`a`@`b` PROCEDURE p(a INT DEFAULT @a) SELECT a",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
    }
}
