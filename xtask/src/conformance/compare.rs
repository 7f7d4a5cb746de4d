//! Two runs of a suite, test by test.

use testkit::DatabaseKind;

use super::explained::Explained;
use super::outcomes::{Outcome, Outcomes};

/// A test whose result is not the same on both ways.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) test: String,
    pub(super) direct: String,
    pub(super) through: String,
    /// Why that is so, if it is known.
    pub(super) reason: Option<String>,
}

/// What a suite showed with one database.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) driver: &'static str,
    pub(super) origin: DatabaseKind,
    /// Passed, failed, skipped.
    pub(super) direct: [usize; 3],
    pub(super) through: [usize; 3],
    pub(super) explained: Vec<Difference>,
    pub(super) unexplained: Vec<Difference>,
    /// Differed the first time and not the second.
    pub(super) by_chance: Vec<Difference>,
}

impl Comparison {
    pub(super) fn new(
        driver: &'static str,
        origin: DatabaseKind,
        direct: &Outcomes,
        through: &Outcomes,
        explained: &Explained,
    ) -> Self {
        let differences = differences(direct, through).into_iter().map(|difference| {
            let reason = explained.reason(driver, origin, &difference.test);
            let reason = reason.map(str::to_owned);
            Difference {
                reason,
                ..difference
            }
        });
        let (explained, unexplained) =
            differences.partition(|difference| difference.reason.is_some());
        Self {
            driver,
            origin,
            direct: direct.counts(),
            through: through.counts(),
            explained,
            unexplained,
            by_chance: Vec::new(),
        }
    }

    /// Keeps as unexplained only what differs in a second run too.
    pub(super) fn confirmed_by(mut self, second: &Self) -> Self {
        let (confirmed, by_chance) = self.unexplained.drain(..).partition(|difference| {
            let same = |other: &&Difference| other.test == difference.test;
            second.unexplained.iter().find(same).is_some()
        });
        self.unexplained = confirmed;
        self.by_chance = by_chance;
        self
    }
}

fn differences(direct: &Outcomes, through: &Outcomes) -> Vec<Difference> {
    let only_through = through.names().filter(|name| direct.get(name).is_none());
    let names = direct.names().chain(only_through);
    names
        .filter_map(|name| {
            let (left, right) = (direct.get(name), through.get(name));
            let is_same = match (left, right) {
                (Some(left), Some(right)) => left.is_like(right),
                _ => false,
            };
            let say = |outcome: Option<&Outcome>| {
                outcome.map_or_else(|| "not run".to_owned(), ToString::to_string)
            };
            (!is_same).then(|| Difference {
                test: name.to_owned(),
                direct: say(left),
                through: say(right),
                reason: None,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(list: &[(&str, Outcome)]) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for (name, outcome) in list {
            outcomes.note(name, outcome.clone());
        }
        outcomes
    }

    #[test]
    fn finds_what_is_not_the_same() {
        let direct = outcomes(&[
            ("a", Outcome::Passed),
            ("b", Outcome::failed("thread 7")),
            ("c", Outcome::Passed),
        ]);
        let through = outcomes(&[
            ("a", Outcome::failed("1203")),
            ("b", Outcome::failed("thread 8")),
            ("d", Outcome::Skipped),
        ]);
        let found = differences(&direct, &through);
        let found: Vec<_> = found
            .iter()
            .map(|each| {
                (
                    each.test.as_str(),
                    each.direct.as_str(),
                    each.through.as_str(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("a", "passed", "failed: 1203"),
                ("c", "passed", "not run"),
                ("d", "not run", "skipped")
            ]
        );
    }
}
