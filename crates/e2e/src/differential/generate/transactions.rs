//! Transactions, temporary tables, and locks.

use super::Generator;

const CONTROL: [&str; 18] = [
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "COMMIT",
    "ROLLBACK",
    "ROLLBACK",
    "START TRANSACTION READ ONLY",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    "COMMIT AND CHAIN",
    "ROLLBACK AND CHAIN",
    "SAVEPOINT here",
    "ROLLBACK TO here",
    "RELEASE SAVEPOINT here",
    "SET autocommit = 0",
    "SET autocommit = 1",
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET TRANSACTION READ ONLY",
];

impl Generator {
    /// A part of a transaction, or a whole one.
    pub(super) fn transaction(&mut self) {
        match self.random.below(12) {
            0..=2 => self.whole_transaction(),
            3 => {
                let next = [
                    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                    "SET TRANSACTION READ ONLY",
                    "SET @@transaction_isolation = 'READ-COMMITTED'",
                    "SET @@tx_isolation = 'READ-COMMITTED'",
                ];
                let next = *self.random.pick(&next);
                self.query(next);
                if self.random.chance(60) {
                    self.query("BEGIN");
                }
                let sql = self.data();
                self.query(sql);
            }
            4..=7 => {
                let sql = self.transaction_control();
                self.query(sql);
            }
            8 if !self.is_tidb() => self.xa(),
            _ => {
                let sql = self.data();
                self.query(sql);
            }
        }
    }

    pub(super) fn transaction_control(&mut self) -> String {
        (*self.random.pick(&CONTROL)).to_owned()
    }

    fn whole_transaction(&mut self) {
        self.query("BEGIN");
        for _ in 0..self.random.between(1, 4) {
            let sql = self.plain();
            self.query(sql);
        }
        let end = *self.random.pick(&["COMMIT", "ROLLBACK", "COMMIT RELEASE"]);
        if end != "COMMIT RELEASE" {
            self.query(end);
        }
    }

    /// Never prepared: a transaction that is would outlive its session.
    fn xa(&mut self) {
        let id = self.tag.clone();
        self.query(format!("XA START '{id}'"));
        let sql = self.data();
        self.query(sql);
        self.query(format!("XA END '{id}'"));
        let end = if self.random.chance(50) {
            format!("XA COMMIT '{id}' ONE PHASE")
        } else {
            format!("XA ROLLBACK '{id}'")
        };
        self.query(end);
    }

    /// Temporary tables, also such as hide a real one.
    pub(super) fn temporary(&mut self) {
        let table = *self.random.pick(&["item", "brief", "other_brief"]);
        let sql = match self.random.below(9) {
            0..=2 => format!("CREATE TEMPORARY TABLE {table} (id INT PRIMARY KEY, n INT, s TEXT)"),
            3 => format!("INSERT INTO {table} (id, n) VALUES (1, 1), (2, 4)"),
            4 | 5 => format!("SELECT * FROM {table} ORDER BY id"),
            6 => format!("DROP TEMPORARY TABLE {table}"),
            7 => format!("DROP TEMPORARY TABLE IF EXISTS {table}"),
            _ => "CREATE TEMPORARY TABLE IF NOT EXISTS brief AS SELECT id, label FROM kind"
                .to_owned(),
        };
        self.query(sql);
    }

    /// Locks by name, which are the program's own, and of tables.
    pub(super) fn lock(&mut self) {
        let name = format!("{}-{}", self.tag, self.random.below(2));
        let sql = match self.random.below(12) {
            0..=2 => format!("SELECT GET_LOCK('{name}', 10)"),
            3 => format!("SELECT RELEASE_LOCK('{name}')"),
            4 => format!("SELECT IS_FREE_LOCK('{name}')"),
            5 => format!("SELECT IS_USED_LOCK('{name}') = CONNECTION_ID() AS mine"),
            6 => "SELECT RELEASE_ALL_LOCKS()".to_owned(),
            7 => "LOCK TABLES kind READ".to_owned(),
            8 => "LOCK TABLES item WRITE, kind READ".to_owned(),
            9 => "UNLOCK TABLES".to_owned(),
            10 => "HANDLER kind OPEN".to_owned(),
            _ => "HANDLER kind READ FIRST".to_owned(),
        };
        self.query(sql);
        if self.random.chance(40) {
            let sql = self.data();
            self.query(sql);
        }
    }
}
