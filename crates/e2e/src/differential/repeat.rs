//! Reads again and again, for a tidegate that keeps results: programs as they are seldom ask the
//! same twice, and where nothing is kept, nothing old can be shown.

use super::narrow;
use super::step::{Scenario, Step};
use crate::random::Random;

/// What is read around the steps of a program, twice in a row: what it is about.
const READS: [&str; 8] = [
    "SELECT id, n, s, d FROM item ORDER BY id",
    "SELECT COUNT(*), SUM(n) FROM item",
    "SELECT id, label, price, made FROM kind ORDER BY id",
    "SELECT note FROM journal ORDER BY id",
    "SELECT i.id, k.label FROM item i JOIN kind k ON k.id = i.n ORDER BY i.id",
    "SELECT id, body, doc, u, f FROM big ORDER BY id",
    "SELECT label FROM kind WHERE id = 2",
    "SELECT s FROM item WHERE n IN (1, 2, 3) UNION ALL SELECT label FROM kind",
];

/// First words of what leaves results in the cache that are still right, and keeps a session free
/// for more. One scenario of [`WILD`] has all else too; after that little is kept for a while.
const TAME: [&str; 11] = [
    "select", "insert", "update", "delete", "replace", "begin", "start", "commit", "rollback",
    "set", "with",
];
const WILD: u64 = 8;

/// Has the programs of a scenario read what they write, and ask twice what they ask.
pub(super) fn repeat(scenario: &mut Scenario, seed: u64, number: u64) {
    let mut random = Random::of(!seed, number);
    for program in &mut scenario.programs {
        if number % WILD != WILD - 1 {
            program.steps.retain(is_tame);
            program.rebuild = false;
        }
        // A program is about a few things; so is what it reads.
        let reads: Vec<&str> = (0..2).map(|_| *random.pick(&READS)).collect();
        let mut steps = Vec::new();
        for step in std::mem::take(&mut program.steps) {
            let copies = match &step {
                Step::Query(sql) if is_read(sql) => random.below(3),
                Step::Execute(_) => random.below(2),
                _ => 0,
            };
            for _ in 0..copies {
                steps.push(step.clone());
            }
            let is_question = matches!(&step, Step::Query(sql) if is_read(sql));
            steps.push(step);
            if !is_question && random.chance(50) {
                let sql = *random.pick(&reads);
                for _ in 0..random.between(1, 2) {
                    steps.push(Step::Query(sql.to_owned()));
                }
            }
        }
        program.steps = steps;
        // What came to stand behind what else may be what no program is to ask.
        narrow::narrow(program);
    }
}

fn is_tame(step: &Step) -> bool {
    let (Step::Query(sql) | Step::Prepare(_, sql)) = step else {
        return !matches!(step, Step::ChangeUser(_) | Step::LongData(..));
    };
    let is_word = |c: char| !c.is_ascii_alphabetic();
    let first = sql.split(is_word).find(|word| !word.is_empty());
    let first = first.unwrap_or_default().to_ascii_lowercase();
    let is_wild = ["@", ";", "LOCK", "lock", "INTO", "SLEEP"];
    TAME.contains(&first.as_str()) && !is_wild.iter().any(|part| sql.contains(part))
}

fn is_read(sql: &str) -> bool {
    let word = sql.trim_start().get(..6);
    word.is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differential::generate;
    use testkit::DatabaseKind;

    #[test]
    fn a_seed_repeats_the_same_again() {
        let make = || {
            let mut scenario = generate::scenario(DatabaseKind::MariaDb, 1, 3, 4);
            let before = scenario.clone();
            repeat(&mut scenario, 1, 3);
            assert_ne!(before, scenario);
            scenario
        };
        assert_eq!(make(), make());
    }
}
