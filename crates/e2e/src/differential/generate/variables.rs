//! User variables: values of each type, in each place where they are set or read.

use super::Generator;

const NAMES: [&str; 6] = ["@a", "@b", "@A", "@`strange name`", "@c.d", "@'q'"];

const PLAIN: [&str; 18] = [
    "5",
    "-5",
    "0",
    "18446744073709551615",
    "1.50",
    "-0.5",
    "1e3",
    "'text'",
    "''",
    "'it''s'",
    "'back\\\\slash'",
    "\"double\"",
    "NULL",
    "TRUE",
    "'ä€'",
    "x'41FF'",
    "b'101'",
    "9223372036854775808",
];

const EXPRESSIONS: [&str; 9] = [
    "@a + 1",
    "CONCAT(@b, 'x')",
    "(SELECT MAX(id) FROM kind)",
    "_latin1'x'",
    "DATE'2024-02-29'",
    "'x' COLLATE utf8mb4_bin",
    "CAST(7 AS UNSIGNED)",
    "LAST_INSERT_ID()",
    "@@sql_mode",
];

impl Generator {
    /// `@name = value`.
    pub(super) fn user_assignment(&mut self) -> String {
        let name = *self.random.pick(&NAMES);
        let value = if self.random.chance(75) {
            *self.random.pick(&PLAIN)
        } else {
            *self.random.pick(&EXPRESSIONS)
        };
        let sign = if self.random.chance(90) { "=" } else { ":=" };
        format!("{name} {sign} {value}")
    }

    /// One statement that sets or reads user variables.
    pub(super) fn variable(&mut self) -> String {
        let name = *self.random.pick(&NAMES);
        let other = *self.random.pick(&NAMES);
        match self.random.below(20) {
            0..=5 => format!("SET {}", self.user_assignment()),
            6 => format!("SET {}, {}", self.user_assignment(), self.user_assignment()),
            7..=11 => format!("SELECT {name}, {other}"),
            12 => format!("SELECT {name} AS v, {other} + 1 AS w, {name} IS NULL"),
            13 => format!("SELECT {name} := 12"),
            14 => format!("SELECT id, label INTO @a, {other} FROM kind WHERE id = 2"),
            15 => format!("SELECT id FROM kind WHERE id > {name} ORDER BY id"),
            16 => {
                let fresh = self.fresh();
                format!("INSERT INTO item (n, s) VALUES ({fresh}, {name})")
            }
            17 => "SELECT @never_set, @fired, @left_behind, @noted".to_owned(),
            // Set first: a variable that was never set is another thing than one that is NULL.
            18 => "SET @rank = 0; SELECT @rank := @rank + 1 AS place, label FROM kind ORDER BY id"
                .to_owned(),
            _ => format!("SELECT COLLATION({name}), CHARSET({other}), COERCIBILITY({name})"),
        }
    }
}
