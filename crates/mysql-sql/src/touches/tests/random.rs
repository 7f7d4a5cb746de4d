//! Random statements: no table is missed, and nothing panics.

use std::collections::BTreeSet;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

/// Makes a query out of choices, and notes which tables it reads.
struct Maker<'a> {
    choices: std::slice::Iter<'a, u8>,
    tables: BTreeSet<String>,
    depth: usize,
    count: usize,
}

impl Maker<'_> {
    /// One of so many. The first, where the choices have run out: it must not nest.
    fn pick(&mut self, count: usize) -> usize {
        usize::from(*self.choices.next().unwrap_or(&0)) % count
    }

    fn one_of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.pick(texts.len())]
    }

    fn gap(&mut self) -> &'static str {
        self.one_of(&[
            " ",
            "\n",
            "/**/",
            " -- ' (\n",
            "\t/* FROM x ( */ ",
            "\r# `\n",
        ])
    }

    /// A new name.
    fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}{}", self.count)
    }

    fn join(&mut self, parts: &[&str]) -> String {
        let mut text = String::new();
        for part in parts {
            text.push_str(self.gap());
            text.push_str(part);
        }
        text
    }

    fn table(&mut self) -> String {
        const TABLES: [(&str, &str); 9] = [
            ("t", "t"),
            ("U1", "u1"),
            ("`a b`", "a b"),
            ("`from`", "from"),
            ("`x``y`", "x`y"),
            ("d.t", "d.t"),
            ("d . `select`", "d.select"),
            ("`D`./**/join", "d.join"),
            (".v", "v"),
        ];
        let (text, name) = TABLES[self.pick(TABLES.len())];
        self.tables.insert(name.to_owned());
        text.to_owned()
    }

    fn factor(&mut self) -> String {
        let alias = self.name("a");
        match self.pick(8) {
            0 | 1 => self.table(),
            2 => [&self.table(), " AS", self.gap(), &alias].concat(),
            3 => [
                &self.table(),
                " PARTITION (p, q) ",
                &alias,
                " USE INDEX (i)",
            ]
            .concat(),
            4 => [&self.table(), " IGNORE KEY FOR JOIN (PRIMARY, `from`)"].concat(),
            5 => ["(", &self.nested(Self::query), ") ", &alias].concat(),
            6 => ["LATERAL(", &self.nested(Self::query), ") AS ", &alias].concat(),
            _ => ["(", &self.nested(Self::references), ")"].concat(),
        }
    }

    fn references(&mut self) -> String {
        let mut text = self.factor();
        for _ in 0..self.pick(3) {
            let join = self.one_of(&[",", " JOIN ", " LEFT OUTER JOIN ", " STRAIGHT_JOIN "]);
            let factor = self.factor();
            text = [text, join.to_owned(), factor].concat();
            if join != "," {
                let condition = match self.pick(3) {
                    0 => " USING (a, b)".to_owned(),
                    1 => [" ON ", &self.expression()].concat(),
                    _ => String::new(),
                };
                text.push_str(&condition);
            }
        }
        text
    }

    fn expression(&mut self) -> String {
        match self.pick(14) {
            0 => "'it''s (' ".to_owned(),
            1 => "t.from".to_owned(),
            2 => "1.5e-3".to_owned(),
            3 => "`order`.`a`".to_owned(),
            4 => "?".to_owned(),
            5 => [&self.nested(Self::expression), " + 1"].concat(),
            6 => ["(", &self.nested(Self::expression), ")"].concat(),
            7 => ["(", &self.nested(Self::query), ")"].concat(),
            8 => ["a IN(", &self.nested(Self::query), ")"].concat(),
            9 => ["NOT EXISTS (", &self.nested(Self::query), ")"].concat(),
            10 => ["TRIM(BOTH 'x' FROM ", &self.nested(Self::expression), ")"].concat(),
            11 => [
                "EXTRACT(DAY FROM",
                self.gap(),
                &self.nested(Self::expression),
                ")",
            ]
            .concat(),
            12 => ["COUNT(DISTINCT ", &self.nested(Self::expression), ")"].concat(),
            _ => ["LEFT(", &self.nested(Self::expression), ", 2)"].concat(),
        }
    }

    /// One level deeper, or a leaf.
    fn nested(&mut self, make: fn(&mut Self) -> String) -> String {
        self.depth += 1;
        if self.depth > 6 {
            self.choices = [].iter();
        }
        let text = make(self);
        self.depth -= 1;
        text
    }

    fn select(&mut self) -> String {
        let list = self.expression();
        let mut text = ["SELECT ", &list].concat();
        if self.pick(5) < 4 {
            let references = self.references();
            text = self.join(&[&text, "FROM", &references]);
        }
        for clause in ["WHERE", "GROUP BY", "HAVING"] {
            if self.pick(4) == 1 {
                let expression = self.expression();
                text = self.join(&[&text, clause, &expression]);
            }
        }
        text
    }

    fn term(&mut self) -> String {
        match self.pick(6) {
            4 => ["TABLE ", &self.table()].concat(),
            5 => ["(", &self.nested(Self::query), ")"].concat(),
            _ => self.select(),
        }
    }

    fn query(&mut self) -> String {
        let mut text = self.term();
        for _ in 0..self.pick(4).saturating_sub(1) {
            let union = self.one_of(&["UNION", "UNION ALL", "EXCEPT DISTINCT", "INTERSECT"]);
            let term = self.term();
            text = self.join(&[&text, union, &term]);
        }
        if self.pick(6) == 1 {
            let name = self.name("q");
            let named = self.nested(Self::query);
            self.tables.insert(format!("{name}?"));
            text = format!("WITH {name} (x, y) AS ({named}) SELECT * FROM {name}, ({text}) z");
        }
        text
    }
}

/// A statement that begins with `SELECT` or `WITH`, and its tables.
fn statement(choices: &[u8]) -> (String, BTreeSet<String>) {
    let mut maker = Maker {
        choices: choices.iter(),
        tables: BTreeSet::new(),
        depth: 0,
        count: 0,
    };
    let text = maker.query();
    (format!("SELECT 1 FROM t0, ({text}) z"), maker.tables)
}

/// Pieces of statements, to be thrown together.
const SCRAPS: [&str; 64] = [
    "SELECT",
    "FROM",
    "t",
    "u",
    "d.v",
    "`w`",
    ",",
    "(",
    ")",
    "JOIN",
    "LEFT",
    "ON",
    "USING",
    "AS",
    "WHERE",
    "UNION",
    "EXCEPT",
    "WITH",
    "x",
    "TABLE",
    "VALUES",
    "LATERAL",
    "JSON_TABLE",
    "COUNT(",
    "TRIM(",
    "EXTRACT(",
    "FOR",
    "UPDATE",
    "SET",
    "DELETE",
    "INSERT",
    "INTO",
    "REPLACE",
    "IGNORE",
    "INDEX",
    "PARTITION",
    "WINDOW",
    "OFFSET",
    "LIMIT",
    "ORDER BY",
    "'a'",
    "\"b\"",
    "1",
    "1.5",
    ".",
    "1e5",
    "@a",
    "@@b",
    ";",
    "/*!",
    "*/",
    "/* tidegate: max_age=5 */",
    "DUAL",
    "=",
    "*",
    "STATEMENT",
    "NEXT",
    "VALUE",
    "TRUNCATE",
    "LOAD DATA",
    "ROLLBACK TO",
    "EXPLAIN",
    "PREPARE",
    "--\n",
];

proptest! {
    #[test]
    fn misses_no_table(choices in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (sql, mut expected) = statement(&choices);
        expected.insert("t0".to_owned());
        for server in SERVERS {
            let kept = of(&sql, server).keeps;
            prop_assert!(kept.is_ok(), "{:?}: {}", kept, sql);
            let found = kept.iter().flatten().map(|table| shown(std::slice::from_ref(table)));
            prop_assert_eq!(found.collect::<BTreeSet<_>>(), expected.clone(), "{}", sql);
        }
    }

    /// What is only read is not missed where it is joined to what changes, either.
    #[test]
    fn misses_no_table_of_an_update(choices in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (sql, expected) = statement(&choices);
        let update = format!("UPDATE t0 JOIN ({sql}) y ON 1, t9 SET a = 1");
        let Touched::Tables(tables) = of(&update, Server::MySql).writes else {
            panic!("{update}");
        };
        let found: BTreeSet<_> = tables.iter().map(|t| shown(std::slice::from_ref(t))).collect();
        prop_assert!(found.is_superset(&expected) && found.contains("t9"), "{}", update);
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for server in SERVERS {
            for begin in ["", "SELECT ", "UPDATE t,", "DELETE ", "WITH x AS (", "SET STATEMENT "] {
                let sql = [begin.as_bytes(), &bytes].concat();
                let dialect = dialect(server);
                touches(&sql, dialect, &classify(&sql, dialect));
            }
        }
    }

    /// No words are both kept and written, and what is kept is one statement.
    #[test]
    fn keeps_nothing_that_writes(scraps in proptest::collection::vec(0..SCRAPS.len(), 0..24)) {
        let sql = scraps.iter().map(|&at| SCRAPS[at]).collect::<Vec<_>>().join(" ");
        for begin in ["", "SELECT a FROM t ", "SELECT a FROM t JOIN (", "UPDATE t, "] {
            let sql = format!("{begin}{sql}");
            let touches = of(&sql, Server::MariaDb);
            if let Ok(tables) = &touches.keeps {
                prop_assert!(!tables.is_empty(), "{}", sql);
                prop_assert_eq!(touches.writes, Touched::Nothing, "{}", sql);
                prop_assert!(!touches.may_commit, "{}", sql);
            }
        }
    }
}
