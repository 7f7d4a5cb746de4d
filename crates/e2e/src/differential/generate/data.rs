//! Statements on rows: inserts that make ids, updates, deletes, reads.

use super::Generator;

impl Generator {
    /// One statement on rows.
    pub(super) fn data(&mut self) -> String {
        match self.random.below(25) {
            0..=3 => {
                let n = self.fresh();
                format!("INSERT INTO item (n, s, d) VALUES ({n}, 'row {n}', {n}.25)")
            }
            4 => {
                let (a, b) = (self.fresh(), self.fresh());
                format!("INSERT INTO item (n, s) VALUES ({a}, 'first'), ({b}, NULL)")
            }
            5 => "INSERT INTO item (n) SELECT id + 1000 FROM kind ON DUPLICATE KEY UPDATE n = n + 1"
                .to_owned(),
            6 => "INSERT INTO item (n, s) VALUES (101, 'again') ON DUPLICATE KEY UPDATE s = 'again', \
                  id = LAST_INSERT_ID(id)"
                .to_owned(),
            7 => "REPLACE INTO kind (id, label) VALUES (2, 'replaced')".to_owned(),
            8 => "INSERT IGNORE INTO item (id, n) VALUES (1, 101), (2, 102), (NULL, 500)".to_owned(),
            9 => "UPDATE item SET s = 'changed' WHERE n >= 101".to_owned(),
            10 => "UPDATE kind SET price = price WHERE id < 3".to_owned(),
            11 => "DELETE FROM item WHERE n = 101".to_owned(),
            12 => "INSERT INTO journal (note) VALUES ('noted')".to_owned(),
            13 => "INSERT INTO journal (note, at) VALUES ('a', NULL), ('b', '2024-01-01')".to_owned(),
            14 => "SELECT n, s, d FROM item ORDER BY n".to_owned(),
            15 => "SELECT * FROM kind ORDER BY id".to_owned(),
            16 => "SELECT SQL_CALC_FOUND_ROWS label FROM kind ORDER BY id LIMIT 1".to_owned(),
            17 => "SELECT * FROM big ORDER BY id".to_owned(),
            18 => "SELECT k.label, COUNT(i.id) FROM kind k LEFT JOIN item i ON i.n = k.id + 100 \
                   GROUP BY k.label ORDER BY k.label"
                .to_owned(),
            19 => "UPDATE item SET id = LAST_INSERT_ID(id + 40) WHERE n = 102".to_owned(),
            20 => "INSERT INTO kind (id, label) VALUES (LAST_INSERT_ID() + 5000, 'by id')".to_owned(),
            21 => "DO SLEEP(0), LAST_INSERT_ID(33)".to_owned(),
            22 => "LOAD DATA LOCAL INFILE 'rows' INTO TABLE item (n, s)".to_owned(),
            23 => "SELECT label FROM kind WHERE id = 3".to_owned(),
            _ => "(SELECT id FROM kind) UNION ALL (SELECT 9) ORDER BY 1 DESC LIMIT 2".to_owned(),
        }
    }
}
