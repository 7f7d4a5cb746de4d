//! Commands other than statements, and changes of the database.

use super::Generator;
use crate::differential::schema;
use crate::differential::step::Step;

impl Generator {
    /// A command that is no statement.
    pub(super) fn command(&mut self) {
        let step = match self.random.below(16) {
            0..=2 => Step::Ping,
            3..=6 => {
                self.prepared.clear();
                Step::ResetConnection
            }
            7 | 8 => Step::SetOption(self.random.chance(70)),
            9 => Step::FieldList("kind".to_owned()),
            10 => Step::FieldList("missing".to_owned()),
            11 => Step::Statistics,
            12 => Step::InitDb("no_such_database".to_owned()),
            13 => {
                self.prepared.clear();
                Step::ChangeUser(Some(schema::database(self.lane)))
            }
            _ => Step::InitDb(schema::second_database(self.lane)),
        };
        self.steps.push(step);
    }

    /// A change of the database, or a question that depends on it.
    pub(super) fn database(&mut self) {
        let database = if self.random.chance(50) {
            schema::database(self.lane)
        } else {
            schema::second_database(self.lane)
        };
        let other = schema::second_database(self.lane);
        let step = match self.random.below(10) {
            0..=2 => Step::Query(format!("USE {database}")),
            3 => Step::Query(format!("use `{database}`")),
            4 => Step::InitDb(database),
            5 => Step::Query("SELECT DATABASE(), label FROM kind WHERE id = 3".to_owned()),
            6 => Step::Query(format!("SELECT label FROM {other}.kind WHERE id = 3")),
            7 => Step::Query(format!("USE {database}; SELECT DATABASE()")),
            8 => Step::FieldList("item".to_owned()),
            _ => Step::Query("SELECT label FROM kind WHERE id = 3".to_owned()),
        };
        self.steps.push(step);
    }
}
