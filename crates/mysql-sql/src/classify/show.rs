//! `SHOW` and `KILL`: what the proxy answers or translates.

use super::Reader;
use super::scan::Calls;
use crate::command::{Kill, TidegateTable};
use crate::question::Server;
use crate::token::Token;
use crate::word;

impl Reader<'_> {
    /// `SHOW …`.
    pub(super) fn show(&mut self) {
        if self.tokens.take_word("TIDEGATE") {
            let table = self.tidegate();
            self.effect.tidegate = Some(table);
        } else if self.is_about_conditions() {
            self.effect.reads_previous |= self.is_first();
            self.ask_for_conditions();
            let before = self.tokens.clone();
            if let Some(diagnostics) = self.diagnostics() {
                if self.is_first() {
                    self.effect.diagnostics = Some(diagnostics);
                }
                return;
            }
            self.tokens = before;
            self.effect.reads_conditions |= self.is_first() && self.may_be_answered();
        }
        // `last_insert_id` is one of them.
        let names_variables = self.words().any(|word| word::is(word, "VARIABLES"));
        self.effect.reads_insert_id |= names_variables;
        let names_account = self.words().any(|word| word::is(word, "GRANTS"));
        self.scan(if names_account {
            Calls::From(&[])
        } else {
            Calls::Everywhere
        });
    }

    fn tidegate(&mut self) -> TidegateTable {
        const TABLES: [(&str, TidegateTable); 5] = [
            ("POOLS", TidegateTable::Pools),
            ("SESSIONS", TidegateTable::Sessions),
            ("PINS", TidegateTable::Pins),
            ("STATEMENTS", TidegateTable::Statements),
            ("CACHE", TidegateTable::Cache),
        ];
        let table = TABLES
            .iter()
            .find(|(name, _)| self.tokens.take_word(name))
            .map_or(TidegateTable::Unknown, |&(_, table)| table);
        let is_alone = matches!(self.tokens.peek(), None | Some(Token::Sign(b';')));
        if is_alone {
            table
        } else {
            TidegateTable::Unknown
        }
    }

    /// An integer without a sign.
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.tokens.next()? {
            Token::Word(digits) if digits.iter().all(u8::is_ascii_digit) => {
                str::from_utf8(digits).ok()?.parse().ok()
            }
            _ => None,
        }
    }

    /// `KILL [CONNECTION | QUERY] id`; MariaDB: `KILL [HARD | SOFT] …`; TiDB: `KILL TIDB …`.
    /// (MariaDB's `KILL QUERY ID` counts queries, and `KILL USER` names no connection.)
    pub(super) fn kill(&mut self) {
        let own = kill_words(self.dialect.server);
        for keyword in own.iter().chain(&["CONNECTION"]) {
            self.tokens.take_word(keyword);
        }
        let query = self.tokens.take_word("QUERY");
        let before = self.tokens.clone();
        let id = self
            .number()
            .map(|id| (id, self.tokens.position()))
            .filter(|_| matches!(self.tokens.peek(), None | Some(Token::Sign(b';'))))
            .map(|(id, end)| {
                let mut digits = before.clone();
                let start = digits.next().map_or(end, |token| digits.start_of(token));
                (id, start..end)
            });
        self.tokens = before;
        self.effect.kill = Some(Kill { id, query });
        self.effect.may_write = true;
        self.scan(Calls::Everywhere);
    }
}

/// What may stand right behind the word `KILL` on this server alone.
pub fn kill_words(server: Server) -> &'static [&'static str] {
    match server {
        Server::MariaDb => &["HARD", "SOFT"],
        Server::TiDb => &["TIDB"],
        Server::MySql => &[],
    }
}
