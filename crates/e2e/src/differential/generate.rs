//! Makes programs: sessions as drivers and people have them, in a random order, with a model that
//! keeps most statements valid.
//!
//! A program draws from a few themes only, so that what belongs together comes together, and asks
//! often what the statement before did, since that is what a pool forgets first.

mod commands;
mod data;
mod faults;
mod prepared;
mod programs;
mod questions;
mod settings;
mod transactions;
mod variables;

use std::collections::BTreeMap;

use mysql_proto::Capabilities;
use testkit::DatabaseKind;

use super::narrow;
use super::schema;
use super::step::{Ending, Login, Program, Scenario, Step};
use crate::random::Random;
use prepared::Parameter;

/// Sessions of one scenario after each other in a lane.
const PROGRAMS_PER_LANE: usize = 4;

/// Collations by their ids: `utf8mb4_general_ci`, `utf8mb4_bin`, `latin1_swedish_ci`, `binary`,
/// `utf8mb3_general_ci`, `gbk_chinese_ci`.
const COLLATIONS: [(usize, u8); 6] = [
    (89, 45),
    (3, 46),
    (3, 8),
    (1, 63),
    (3, 33),
    (1, narrow::GBK),
];

/// Milliseconds that a session may be silent for.
const LONGEST_PAUSE: usize = 20;

/// What a part of a program is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    Settings,
    Variables,
    Transactions,
    Data,
    Faults,
    Several,
    Procedures,
    Temporary,
    Locks,
    TextPrepared,
    Prepared,
    Commands,
    Databases,
    Definitions,
    Questions,
}

const THEMES: [(usize, Theme); 15] = [
    (12, Theme::Settings),
    (12, Theme::Variables),
    (12, Theme::Transactions),
    (14, Theme::Data),
    (8, Theme::Faults),
    (6, Theme::Several),
    (5, Theme::Procedures),
    (4, Theme::Temporary),
    (3, Theme::Locks),
    (4, Theme::TextPrepared),
    (14, Theme::Prepared),
    (6, Theme::Commands),
    (4, Theme::Databases),
    (1, Theme::Definitions),
    (8, Theme::Questions),
];

/// The scenario of this number in the run of this seed.
pub(super) fn scenario(kind: DatabaseKind, seed: u64, number: u64, lanes: usize) -> Scenario {
    let mut random = Random::of(seed, number);
    // Connections are shared only by sessions with equal capabilities, so most have the same.
    let usual = capabilities(&mut random);
    let mut programs = Vec::new();
    for turn in 0..PROGRAMS_PER_LANE {
        for lane in 0..lanes {
            let capabilities = if random.chance(85) {
                usual
            } else {
                capabilities(&mut random)
            };
            let tag = format!("p{number}x{turn}x{lane}");
            let random = Random::new(random.next());
            programs.push(Generator::new(random, kind, lane, tag).program(capabilities));
        }
    }
    Scenario {
        programs,
        noise: false,
    }
}

fn capabilities(random: &mut Random) -> Capabilities {
    let mut capabilities = Capabilities::empty();
    capabilities.set(Capabilities::DEPRECATE_EOF, random.chance(70));
    capabilities.set(Capabilities::MULTI_STATEMENTS, random.chance(75));
    capabilities.set(Capabilities::FOUND_ROWS, random.chance(20));
    capabilities.set(Capabilities::LOCAL_FILES, random.chance(10));
    capabilities.set(Capabilities::IGNORE_SPACE, random.chance(3));
    capabilities.set(Capabilities::SESSION_TRACK, random.chance(20));
    capabilities
}

/// Makes one program.
struct Generator {
    random: Random,
    kind: DatabaseKind,
    lane: usize,
    /// In no other program of the run: names of locks and tables are made of it.
    tag: String,
    steps: Vec<Step>,
    rebuild: bool,
    /// Statements that are prepared, by slot.
    prepared: BTreeMap<u8, Vec<Parameter>>,
    /// Numbers that are not in the table yet.
    fresh: u32,
}

impl Generator {
    fn new(random: Random, kind: DatabaseKind, lane: usize, tag: String) -> Self {
        Self {
            random,
            kind,
            lane,
            tag,
            steps: Vec::new(),
            rebuild: false,
            prepared: BTreeMap::new(),
            fresh: 0,
        }
    }

    fn program(mut self, capabilities: Capabilities) -> Program {
        let login = Login {
            database: Some(if self.random.chance(95) {
                schema::database(self.lane)
            } else {
                schema::second_database(self.lane)
            }),
            collation: *self.random.weighted(&COLLATIONS),
            capabilities: capabilities.bits(),
        };
        let count = self.random.between(1, 4);
        let themes: Vec<Theme> = (0..count).map(|_| *self.random.weighted(&THEMES)).collect();
        let length = self.random.between(3, 14);
        while self.steps.len() < length {
            let theme = *self.random.pick(&themes);
            if self.random.chance(3) {
                let pause = self.random.between(1, LONGEST_PAUSE);
                self.steps
                    .push(Step::Pause(u8::try_from(pause).unwrap_or_default()));
            } else if self.random.chance(45) {
                self.theme(theme);
            } else if self.random.chance(35) {
                self.theme(Theme::Questions);
            } else {
                self.theme(theme);
            }
        }
        let endings = [
            (80, Ending::Quit),
            (15, Ending::HangUp),
            (5, Ending::HangUpAmidResult),
        ];
        let mut program = Program {
            lane: self.lane,
            login,
            ending: *self.random.weighted(&endings),
            rebuild: self.rebuild,
            steps: self.steps,
        };
        narrow::narrow(&mut program);
        program
    }

    fn theme(&mut self, theme: Theme) {
        match theme {
            Theme::Settings => self.setting(),
            Theme::Variables => {
                let sql = self.variable();
                self.query(sql);
            }
            Theme::Transactions => self.transaction(),
            Theme::Data => {
                let sql = self.data();
                self.query(sql);
            }
            Theme::Faults => {
                let sql = self.fault();
                self.query(sql);
            }
            Theme::Several => self.several(),
            Theme::Procedures => self.procedure(),
            Theme::Temporary => self.temporary(),
            Theme::Locks => self.lock(),
            Theme::TextPrepared => self.text_prepared(),
            Theme::Prepared => self.prepared(),
            Theme::Commands => self.command(),
            Theme::Databases => self.database(),
            Theme::Definitions => self.definition(),
            Theme::Questions => {
                let sql = self.question();
                self.query(sql);
            }
        }
    }

    fn query(&mut self, sql: impl Into<String>) {
        self.steps.push(Step::Query(sql.into()));
    }

    /// Any one statement that does not change what a session is.
    fn plain(&mut self) -> String {
        match self.random.below(6) {
            0 => self.question(),
            1 => self.fault(),
            2 => self.variable(),
            3 => self.effect(),
            _ => self.data(),
        }
    }

    /// Several statements in one text.
    fn several(&mut self) {
        let count = self.random.between(2, 4);
        let mut parts = Vec::new();
        for _ in 0..count {
            let part = match self.random.below(8) {
                0 => self.transaction_control(),
                1 => self.assignment(),
                _ => self.plain(),
            };
            parts.push(part);
        }
        let mut sql = parts.join("; ");
        if self.random.chance(15) {
            sql.push(';');
        }
        self.query(sql);
    }

    fn is_tidb(&self) -> bool {
        self.kind == DatabaseKind::Tidb
    }

    /// A number that this program has not used yet.
    fn fresh(&mut self) -> u32 {
        self.fresh += 1;
        100 + self.fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_scenario_again() {
        let make = |seed| scenario(DatabaseKind::MariaDb, seed, 3, 4);
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        assert_eq!(make(1).programs.len(), 4 * PROGRAMS_PER_LANE);
    }
}
