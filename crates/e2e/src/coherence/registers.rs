//! The model: what each row may show to a read, given what was told to whom before it began.
//!
//! A value is `2 n`, or `2 n + 1` where the write of number `n` is meant to be rolled back, so that
//! nobody else may ever see it. Beside its value `v` a row has `c = 31 v + id`, so that half of a
//! write shows.
//!
//! `floor` is the largest value that was acknowledged to its writer or returned by a completed
//! read; `begun` the largest that any write has begun for. Before a read is sent all floors are
//! noted; when it is answered, no row may be under the floor that was noted, or over what has begun
//! by then. Both are moved by whoever learns something, after it has learned it, so the order is
//! that of real time as clients can know it: what is told here as a violation is one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::report::{Fault, Violation};

/// Registers of a run: ids are `1..=COUNT`.
pub(super) const COUNT: usize = 14;

/// Violations after which a run ends: what comes later only repeats them.
const ENOUGH: usize = 20;

/// The last writes of a row that are told with a violation.
const HISTORY: usize = 6;

/// The value that every row begins with.
pub(super) const FIRST: i64 = 2;

/// The floors of all registers at one time.
pub(super) type Floors = [i64; COUNT + 1];

/// All rows.
#[derive(Debug)]
pub(super) struct Registers {
    rows: Vec<Register>,
    began: Instant,
    violations: Mutex<Vec<Violation>>,
    is_enough: AtomicBool,
    /// After how many it is.
    enough: usize,
    pub(super) reads: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) failed_reads: AtomicU64,
    pub(super) failed_writes: AtomicU64,
}

#[derive(Debug)]
struct Register {
    begun: AtomicI64,
    floor: AtomicI64,
    /// The last value that stands for "there is no row".
    gone: AtomicI64,
    /// Held by the writer of a row, so that its numbers are written one after the other.
    turn: tokio::sync::Mutex<()>,
    history: Mutex<VecDeque<String>>,
}

/// The right to write some rows, and the value that they are given.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    registers: &'a Registers,
    ids: Vec<usize>,
    pub(super) value: i64,
    _locks: Vec<tokio::sync::MutexGuard<'a, ()>>,
}

/// What a read is about.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    /// Rows that have to be in the result.
    pub(super) ids: Vec<usize>,
    /// The result is one row of sums over them: of the values, of the checks.
    pub(super) sums: bool,
}

/// `c` of a row.
pub(super) fn check_of(id: i64, value: i64) -> i64 {
    value.wrapping_mul(31).wrapping_add(id)
}

impl Registers {
    pub(super) fn new(enough: Option<usize>) -> Self {
        let rows = (0..=COUNT).map(|_| Register {
            begun: AtomicI64::new(FIRST),
            floor: AtomicI64::new(FIRST),
            gone: AtomicI64::new(0),
            turn: tokio::sync::Mutex::new(()),
            history: Mutex::default(),
        });
        Self {
            rows: rows.collect(),
            began: Instant::now(),
            violations: Mutex::default(),
            is_enough: AtomicBool::new(false),
            enough: enough.unwrap_or(ENOUGH),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            failed_reads: AtomicU64::new(0),
            failed_writes: AtomicU64::new(0),
        }
    }

    /// To be taken before a read is sent.
    pub(super) fn floors(&self) -> Floors {
        std::array::from_fn(|id| self.rows[id].floor.load(Ordering::SeqCst))
    }

    /// Takes the turn of some rows, in the order of their ids, and a value for them.
    pub(super) async fn turn(&self, ids: &[usize], never: bool) -> Turn<'_> {
        let mut locks = Vec::with_capacity(ids.len());
        for id in ids {
            locks.push(self.rows[*id].turn.lock().await);
        }
        let mut turn = Turn {
            registers: self,
            ids: ids.to_vec(),
            value: 0,
            _locks: locks,
        };
        turn.take_next(never);
        turn
    }

    /// Checks a result, and learns from it.
    pub(super) fn check(
        &self,
        floors: &Floors,
        expected: &Expected,
        rows: &[Vec<i64>],
        of: &Of<'_>,
    ) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let faults = if expected.sums {
            self.check_sums(floors, expected, rows)
        } else {
            self.check_rows(floors, expected, rows)
        };
        for fault in faults {
            self.violated(fault, of);
        }
    }

    fn check_rows(&self, floors: &Floors, expected: &Expected, rows: &[Vec<i64>]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for id in &expected.ids {
            let number = i64::try_from(*id).unwrap_or_default();
            let is_there = rows.iter().any(|row| row.first() == Some(&number));
            let gone = self.rows[*id].gone.load(Ordering::SeqCst);
            if !is_there && gone < floors[*id] {
                faults.push(Fault::missing(*id, floors[*id]));
            }
        }
        let mut twins = None;
        let mut seen = Vec::new();
        for row in rows {
            let (Some(number), Some(value)) = (row.first(), row.get(1)) else {
                faults.push(Fault::unasked(0, 0));
                continue;
            };
            let id = usize::try_from(*number).unwrap_or_default();
            let is_asked_for = expected.ids.is_empty() || expected.ids.contains(&id);
            let Some(register) = self.rows.get(id).filter(|_| id > 0 && is_asked_for) else {
                faults.push(Fault::unasked(id, *value));
                continue;
            };
            if seen.contains(&id) {
                faults.push(Fault::unasked(id, *value));
            }
            seen.push(id);
            let begun = register.begun.load(Ordering::SeqCst);
            let check = row.get(2).copied();
            let check = check.unwrap_or_else(|| check_of(*number, *value));
            let range = (floors[id], begun);
            if let Some(fault) = Fault::of(id, *value, check, range) {
                faults.push(fault);
            } else {
                register.floor.fetch_max(*value, Ordering::SeqCst);
            }
            if TWINS.contains(&id) {
                let other = *twins.get_or_insert(*value);
                if other != *value {
                    faults.push(Fault::twins(id, *value, other));
                }
            }
        }
        faults
    }

    fn check_sums(&self, floors: &Floors, expected: &Expected, rows: &[Vec<i64>]) -> Vec<Fault> {
        let ids = || expected.ids.iter().copied();
        let floor: i64 = ids().map(|id| floors[id]).sum();
        let begun = ids().map(|id| self.rows[id].begun.load(Ordering::SeqCst));
        let begun: i64 = begun.sum();
        let Some([value, check]) = rows.first().map(Vec::as_slice) else {
            return vec![Fault::missing(0, floor)];
        };
        let numbers: i64 = ids().filter_map(|id| i64::try_from(id).ok()).sum();
        // A sum may be odd by two values that are rolled back, so only its bounds are looked at.
        if *check != value * 31 + numbers {
            return vec![Fault::torn(0, *value, *check)];
        }
        let fault = Fault::outside(0, *value, (floor, begun));
        fault.into_iter().collect()
    }

    fn violated(&self, fault: Fault, of: &Of<'_>) {
        let mut violations = self.lock();
        if violations.len() >= self.enough {
            return;
        }
        let history = self.rows.get(fault.id).map(|register| {
            let history = register.history.lock();
            let history = history.unwrap_or_else(PoisonError::into_inner);
            history.iter().cloned().collect()
        });
        violations.push(Violation {
            fault,
            statement: of.statement.to_owned(),
            who: of.who.to_owned(),
            began: of.began.duration_since(self.began),
            ended: self.began.elapsed(),
            history: history.unwrap_or_default(),
        });
        if violations.len() >= self.enough {
            self.is_enough.store(true, Ordering::Relaxed);
        }
    }

    /// True once there are so many violations that more would tell nothing.
    pub(super) fn is_enough(&self) -> bool {
        self.is_enough.load(Ordering::Relaxed)
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.lock().clone()
    }

    pub(super) fn violation_count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Violation>> {
        let lock = self.violations.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows that are only ever written together: no statement may show them with different values.
pub(super) const TWINS: [usize; 2] = [5, 6];

/// Whose read it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'a> {
    pub(super) who: &'a str,
    pub(super) statement: &'a str,
    pub(super) began: Instant,
}

impl Turn<'_> {
    /// Goes on to the next value.
    pub(super) fn take_next(&mut self, never: bool) {
        let rows = self.ids.iter().map(|id| &self.registers.rows[*id]);
        let begun = rows.map(|row| row.begun.load(Ordering::SeqCst)).max();
        let next = (begun.unwrap_or(FIRST) / 2 + 1) * 2;
        self.value = next + i64::from(never);
        for id in &self.ids {
            let row = &self.registers.rows[*id];
            row.begun.fetch_max(self.value, Ordering::SeqCst);
        }
    }

    /// The value is meant to be rolled back.
    pub(super) fn is_never(&self) -> bool {
        self.value % 2 != 0
    }

    /// From now on the rows may be away, and by [`Turn::acknowledged`] they are.
    pub(super) fn removes(&self) {
        for id in &self.ids {
            let row = &self.registers.rows[*id];
            row.gone.store(self.value, Ordering::SeqCst);
        }
    }

    /// Somebody was told that the value is written.
    pub(super) fn acknowledged(&self) {
        for id in &self.ids {
            let row = &self.registers.rows[*id];
            row.floor.fetch_max(self.value, Ordering::SeqCst);
        }
        self.registers.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps for the report how the write went.
    pub(super) fn note(&self, way: &str, began: Instant, outcome: &str) {
        let since = |at: Instant| at.duration_since(self.registers.began).as_secs_f64();
        let line = format!(
            "{:.4} to {:.4} s: {} by {way}: {outcome}",
            since(began),
            since(Instant::now()),
            self.value
        );
        for id in &self.ids {
            let history = self.registers.rows[*id].history.lock();
            let mut history = history.unwrap_or_else(PoisonError::into_inner);
            if history.len() == HISTORY {
                history.pop_front();
            }
            history.push_back(line.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(registers: &Registers, floors: &Floors, ids: &[usize], rows: &[Vec<i64>]) {
        let expected = Expected {
            ids: ids.to_vec(),
            sums: false,
        };
        let of = Of {
            who: "a test",
            statement: "SELECT",
            began: Instant::now(),
        };
        registers.check(floors, &expected, rows, &of);
    }

    fn row(id: i64, value: i64) -> Vec<i64> {
        vec![id, value, check_of(id, value)]
    }

    #[tokio::test]
    async fn a_value_that_was_acknowledged_must_be_seen_by_later_reads_only() {
        let registers = Registers::new(None);
        let before = registers.floors();
        let turn = registers.turn(&[1], false).await;
        turn.acknowledged();
        read(&registers, &before, &[1], &[row(1, FIRST)]);
        assert_eq!(registers.violation_count(), 0);
        let after = registers.floors();
        read(&registers, &after, &[1], &[row(1, FIRST)]);
        assert_eq!(registers.violation_count(), 1);
    }

    #[tokio::test]
    async fn a_value_that_was_read_must_be_seen_by_later_reads() {
        let registers = Registers::new(None);
        let turn = registers.turn(&[1], false).await;
        read(&registers, &registers.floors(), &[1], &[row(1, turn.value)]);
        read(&registers, &registers.floors(), &[1], &[row(1, FIRST)]);
        assert_eq!(registers.violation_count(), 1);
    }

    #[tokio::test]
    async fn values_that_are_rolled_back_torn_or_made_up_are_found() {
        let registers = Registers::new(None);
        let never = registers.turn(&[1], true).await.value;
        read(&registers, &registers.floors(), &[1], &[row(1, never)]);
        read(&registers, &registers.floors(), &[1], &[vec![1, FIRST, 7]]);
        read(&registers, &registers.floors(), &[1], &[row(1, 1000)]);
        read(&registers, &registers.floors(), &[1], &[]);
        assert_eq!(registers.violation_count(), 4);
    }

    #[tokio::test]
    async fn rows_that_nobody_asked_for_or_that_come_twice_are_found() {
        let registers = Registers::new(None);
        let floors = registers.floors();
        read(&registers, &floors, &[], &[row(1, FIRST), row(2, FIRST)]);
        assert_eq!(registers.violation_count(), 0);
        read(&registers, &floors, &[1], &[row(1, FIRST), row(2, FIRST)]);
        assert_eq!(registers.violation_count(), 1);
        read(&registers, &floors, &[1], &[row(1, FIRST), row(1, FIRST)]);
        assert_eq!(registers.violation_count(), 2);
        read(&registers, &floors, &[], &[row(99, FIRST)]);
        assert_eq!(registers.violation_count(), 3);
    }

    #[tokio::test]
    async fn a_row_may_be_away_once_it_is_being_removed() {
        let registers = Registers::new(None);
        let mut turn = registers.turn(&[1], false).await;
        turn.removes();
        read(&registers, &registers.floors(), &[1], &[]);
        turn.acknowledged();
        read(&registers, &registers.floors(), &[1], &[]);
        assert_eq!(registers.violation_count(), 0);
        turn.take_next(false);
        turn.acknowledged();
        read(&registers, &registers.floors(), &[1], &[]);
        assert_eq!(registers.violation_count(), 1);
    }

    #[tokio::test]
    async fn twins_are_equal_and_sums_are_within_their_bounds() {
        let registers = Registers::new(None);
        let floors = registers.floors();
        let turn = registers.turn(&TWINS, false).await;
        let [one, other] = TWINS.map(|id| i64::try_from(id).unwrap());
        let rows = [row(one, turn.value), row(other, FIRST)];
        read(&registers, &floors, &TWINS, &rows);
        assert_eq!(registers.violation_count(), 1);
        turn.acknowledged();
        let expected = Expected {
            ids: TWINS.to_vec(),
            sums: true,
        };
        let (floors, sum) = (registers.floors(), 2 * FIRST);
        let of = Of {
            who: "a test",
            statement: "SELECT SUM",
            began: Instant::now(),
        };
        registers.check(&floors, &expected, &[vec![sum, sum * 31 + 11]], &of);
        assert_eq!(registers.violation_count(), 2);
    }
}
