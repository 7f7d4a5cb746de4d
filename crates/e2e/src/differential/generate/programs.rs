//! What is stored in the database: procedures, functions, triggers, sequences; definitions that
//! change; and statements prepared by text.

use testkit::DatabaseKind;

use super::Generator;

impl Generator {
    /// Calls something that is stored.
    pub(super) fn procedure(&mut self) {
        if self.is_tidb() {
            let sql = self.plain();
            return self.query(sql);
        }
        let sql = match self.random.below(24) {
            0 | 1 => "CALL two_results()".to_owned(),
            2 => "CALL doubled(21, @b)".to_owned(),
            3 => "SELECT @b".to_owned(),
            4 => "SET @a = 3".to_owned(),
            5 => "CALL counted(@a)".to_owned(),
            6 => "CALL leaves_state()".to_owned(),
            7 => "SELECT @left_behind, @@group_concat_max_len".to_owned(),
            8 => "CALL fails_late()".to_owned(),
            9 => format!("CALL adds({})", self.fresh()),
            10 => {
                let calls = ["noted(4)", "uuid_to_bin(4)", "nvl(4)", "mid (4)"];
                format!("SELECT {}", self.random.pick(&calls))
            }
            11 => "SELECT @noted, @fired".to_owned(),
            12 => "INSERT INTO journal (note) VALUES ('for the trigger')".to_owned(),
            13 => "INSERT INTO journal (note) VALUES (COALESCE(@never_set, 'nothing'))".to_owned(),
            14 if self.kind == DatabaseKind::MariaDb => "SELECT NEXTVAL(serial) > 0".to_owned(),
            14 => "CALL doubled(1)".to_owned(),
            15 => "SET ROLE NONE".to_owned(),
            _ => self.quiet_routine(),
        };
        self.query(sql);
    }

    /// Calls what leaves nothing, but for a transaction; or asks about that.
    fn quiet_routine(&mut self) -> String {
        match self.random.below(8) {
            0 => format!("CALL begins({})", self.fresh()),
            1 => format!("CALL begins_and_fails({})", self.fresh()),
            2 | 3 => {
                let calls = ["CALL warns()", "CALL handles()", "CALL finds()"];
                (*self.random.pick(&calls)).to_owned()
            }
            4 => "SELECT plus_one(id) FROM kind ORDER BY id".to_owned(),
            5 => "SELECT kinds(), plus_one(4)".to_owned(),
            6 => format!("SELECT stores({}) > 0", self.fresh()),
            _ => {
                let questions = [
                    "SELECT FOUND_ROWS()",
                    "SELECT LAST_INSERT_ID() > 0",
                    "SELECT ROW_COUNT()",
                    "SHOW WARNINGS",
                ];
                (*self.random.pick(&questions)).to_owned()
            }
        }
    }

    /// Changes definitions, in the lane's own tables.
    pub(super) fn definition(&mut self) {
        // To make the tables anew takes TiDB as long as twenty programs.
        if self.is_tidb() && !self.rebuild && self.random.chance(75) {
            let sql = self.plain();
            return self.query(sql);
        }
        self.rebuild = true;
        let sql = *self.random.pick(&[
            "ALTER TABLE kind ADD COLUMN extra INT DEFAULT 5",
            "ALTER TABLE kind MODIFY label VARCHAR(60) NOT NULL",
            "ALTER TABLE item ADD COLUMN extra VARCHAR(5) NOT NULL DEFAULT 'x' AFTER n",
            "CREATE TABLE extra (a INT PRIMARY KEY, b TEXT)",
            "DROP TABLE extra",
            "TRUNCATE TABLE item",
            "CREATE VIEW seen AS SELECT id, label FROM kind",
            "SELECT * FROM seen ORDER BY id",
            "SELECT * FROM kind ORDER BY id",
            "RENAME TABLE big TO bigger",
            "CREATE INDEX by_label ON kind (label)",
        ]);
        self.query(sql);
    }

    /// `PREPARE`, `EXECUTE`, `DEALLOCATE`.
    pub(super) fn text_prepared(&mut self) {
        let sql = match self.random.below(12) {
            0 => "PREPARE one FROM 'SELECT id, label FROM kind WHERE id = ?'".to_owned(),
            1 => "PREPARE two FROM 'SELECT @a + ? AS total'".to_owned(),
            2 => "PREPARE two FROM 'INSERT INTO item (n) VALUES (?)'".to_owned(),
            3 => "SET @sql = 'SELECT label FROM kind WHERE id = 3'".to_owned(),
            4 => "PREPARE one FROM @sql".to_owned(),
            5 => "SET @x = 2".to_owned(),
            6 | 7 => "EXECUTE one USING @x".to_owned(),
            8 => "EXECUTE two USING @x".to_owned(),
            9 => "EXECUTE one".to_owned(),
            10 if self.kind == DatabaseKind::MariaDb => {
                "EXECUTE IMMEDIATE 'SELECT 1 AS at_once'".to_owned()
            }
            _ => "DEALLOCATE PREPARE one".to_owned(),
        };
        self.query(sql);
    }
}
