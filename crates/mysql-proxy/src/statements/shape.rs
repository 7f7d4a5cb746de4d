//! What executions have made of a prepared statement at its origin.
//!
//! A server may settle the types of a statement's result with the parameters that it was executed
//! with, and keep them. So a handle that served one session is not at once as good as a new one for
//! another. What was seen with `SELECT ?`, `CONCAT(?)`, `IFNULL(?, 'x')` and their like, for all
//! pairs of parameter types (MariaDB 11.8, MySQL 9.7, TiDB 8.5):
//!
//! - MariaDB: every execution is as the first.
//! - MySQL: a number or a date settles the parameter's type. A string that comes later is made a
//!   number: `CONCAT(?)` of `'a'` gives `'0'`. Strings and NULL settle nothing.
//!   <https://dev.mysql.com/doc/refman/8.4/en/prepare.html>
//! - TiDB: the first execution settles the types of the columns, also one with NULL.
//!
//! A shape is the history of a statement as far as it matters. A client's statement has one, and so
//! has a handle; a handle of another shape is not used.

use std::hash::{DefaultHasher, Hash, Hasher};

use mysql_proto::ExecuteView;

use crate::origin::Flavor;

/// Bytes of a parameter's type: the type, and a flag for unsigned.
pub(super) const TYPE_LEN: usize = 2;

/// Statements with more parameters than this are told apart by their first execution only: nobody
/// has the history of thousands of parameters, and each would cost every session 8 bytes.
const MAX_MARKS: usize = 256;

/// The mark of a parameter that was NULL when TiDB saw it first.
const NULL: u64 = 1 << 16;

/// Bits of a mark for the class that was seen last; above them is the history before it.
const CLASS_BITS: u32 = 16;

/// The history of a prepared statement. The default: it was not executed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// One for each parameter; 0: nothing is settled. Empty: nothing at all is.
    marks: Box<[u64]>,
    /// Of the marks; 0 if nothing is settled.
    stamp: u64,
}

/// The parameters of an execution, as far as they shape a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a> {
    /// Two bytes for each.
    pub(crate) types: &'a [u8],
    /// A bit for each.
    pub(crate) nulls: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Those of a command; `types` stand in for those that it leaves out.
    pub(crate) fn of(view: &ExecuteView<'_>, payload: &'a [u8], types: &'a [u8]) -> Self {
        Self {
            types,
            nulls: payload.get(view.null_bitmap()).unwrap_or_default(),
        }
    }

    /// The type of each parameter; `None` for NULL.
    fn classes(self) -> impl Iterator<Item = Option<u64>> {
        self.types
            .chunks_exact(TYPE_LEN)
            .enumerate()
            .map(move |(index, kind)| {
                let byte = self.nulls.get(index / 8).copied().unwrap_or_default();
                let is_null = byte & (1 << (index % 8)) != 0;
                let class = u16::from_le_bytes([kind[0], kind[1]]);
                (!is_null).then_some(u64::from(class))
            })
    }
}

impl Shape {
    /// Tells shapes apart; 0: nothing is settled.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// What tells shapes apart to an execution with these parameters: 0 if it is as if it were the
    /// first.
    pub(crate) fn stamp_for(&self, parameters: Parameters<'_>, flavor: Flavor) -> u64 {
        if self.is_as_behind(parameters, flavor) {
            0
        } else {
            self.stamp
        }
    }

    /// True if a first execution with these parameters would have made it.
    fn is_as_behind(&self, parameters: Parameters<'_>, flavor: Flavor) -> bool {
        if self.marks.is_empty() {
            return true;
        }
        let count = parameters.types.len() / TYPE_LEN;
        if count > MAX_MARKS {
            return Self::of_whole(parameters) == *self;
        }
        let marks = parameters.classes().map(|class| match flavor {
            Flavor::TiDb => class.unwrap_or(NULL),
            Flavor::MySql | Flavor::MariaDb { .. } => settled(0, class),
        });
        marks.eq(self.marks.iter().copied())
    }

    /// The shape after an execution. `None`: it stays as it is.
    pub(crate) fn after(&self, parameters: Parameters<'_>, flavor: Flavor) -> Option<Self> {
        let is_new = self.marks.is_empty();
        let count = parameters.types.len() / TYPE_LEN;
        if flavor.is_mariadb() || count == 0 {
            return None;
        }
        if count > MAX_MARKS {
            return is_new.then(|| Self::of_whole(parameters));
        }
        if flavor == Flavor::TiDb {
            return is_new.then(|| Self::of_marks(first_marks(parameters)));
        }
        let is_settled = parameters
            .classes()
            .enumerate()
            .all(|(index, class)| self.mark(index) == settled(self.mark(index), class));
        if is_settled {
            return None;
        }
        let marks = parameters
            .classes()
            .enumerate()
            .map(|(index, class)| settled(self.mark(index), class));
        Some(Self::of_marks(marks.collect()))
    }

    fn mark(&self, index: usize) -> u64 {
        self.marks.get(index).copied().unwrap_or_default()
    }

    fn of_marks(marks: Box<[u64]>) -> Self {
        let mut hasher = DefaultHasher::new();
        marks.hash(&mut hasher);
        Self {
            marks,
            stamp: hasher.finish().max(1),
        }
    }

    fn of_whole(parameters: Parameters<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        parameters.types.hash(&mut hasher);
        parameters.nulls.hash(&mut hasher);
        Self::of_marks(Box::new([hasher.finish()]))
    }
}

/// TiDB: what the first execution has, NULL included.
fn first_marks(parameters: Parameters<'_>) -> Box<[u64]> {
    let classes = parameters.classes();
    classes.map(|class| class.unwrap_or(NULL)).collect()
}

/// MySQL: the mark of a parameter after a value of this class.
fn settled(mark: u64, class: Option<u64>) -> u64 {
    const LAST_CLASS: u64 = (1 << CLASS_BITS) - 1;
    let Some(class) = class.filter(|class| settles(*class)) else {
        return mark;
    };
    if mark == 0 || mark & LAST_CLASS == class {
        return mark | class;
    }
    // Another type than before: what comes out depends on both, and on their order.
    let mut hasher = DefaultHasher::new();
    mark.hash(&mut hasher);
    (hasher.finish() & !LAST_CLASS) | class
}

/// Numbers and dates do; NULL, strings and blobs do not.
fn settles(class: u64) -> bool {
    const NULL: u64 = 6;
    const VARCHAR: u64 = 15;
    /// From `ENUM` on; only `NEWDECIMAL`, 246, is a number.
    const STRINGS: std::ops::RangeInclusive<u64> = 247..=254;
    let kind = class & 0xFF;
    kind != NULL && kind != VARCHAR && !STRINGS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INT: [u8; 2] = [3, 0];
    const DOUBLE: [u8; 2] = [5, 0];
    const STRING: [u8; 2] = [253, 0];
    const NULL_TYPE: [u8; 2] = [6, 0];

    fn run(shape: &Shape, types: &[[u8; 2]], nulls: u8, flavor: Flavor) -> Shape {
        let types = types.concat();
        let parameters = Parameters {
            types: &types,
            nulls: &[nulls],
        };
        let after = shape.after(parameters, flavor);
        after.unwrap_or_else(|| shape.clone())
    }

    proptest! {
        /// A statement is as after a first execution, or it is told apart.
        #[test]
        fn what_is_as_behind_a_first_execution_has_no_stamp(
            turns in prop::collection::vec((prop::sample::select(vec![
                INT, DOUBLE, STRING, NULL_TYPE,
            ]), prop::sample::select(vec![INT, DOUBLE, STRING]), 0_u8..4), 1..5),
            flavor in prop::sample::select(vec![Flavor::MySql, Flavor::TiDb]),
        ) {
            let mut shape = Shape::default();
            for (one, other, nulls) in turns {
                let types = [one, other].concat();
                let parameters = Parameters { types: &types, nulls: &[nulls] };
                let first = run(&Shape::default(), &[one, other], nulls, flavor);
                let expected = if first == shape { 0 } else { shape.stamp() };
                prop_assert_eq!(shape.stamp_for(parameters, flavor), expected);
                shape = run(&shape, &[one, other], nulls, flavor);
            }
        }
    }

    fn after(turns: &[(&[[u8; 2]], u8)], flavor: Flavor) -> u64 {
        let mut shape = Shape::default();
        for (types, nulls) in turns {
            shape = run(&shape, types, *nulls, flavor);
        }
        shape.stamp()
    }

    #[test]
    fn mariadb_forgets() {
        let flavor = Flavor::MariaDb {
            has_new_names: true,
            has_defaults: false,
        };
        assert_eq!(after(&[(&[INT], 0), (&[DOUBLE], 0)], flavor), 0);
    }

    #[test]
    fn mysql_settles_on_numbers_and_not_on_strings() {
        let of = |turns: &[(&[[u8; 2]], u8)]| after(turns, Flavor::MySql);
        assert_eq!(of(&[(&[STRING], 0), (&[NULL_TYPE], 1), (&[INT], 1)]), 0);
        let int = of(&[(&[INT], 0)]);
        assert_ne!(int, 0);
        assert_eq!(of(&[(&[STRING], 0), (&[INT], 0)]), int);
        assert_eq!(of(&[(&[INT], 0), (&[STRING], 0), (&[INT], 1)]), int);
        assert_ne!(of(&[(&[DOUBLE], 0)]), int);
        let mixed = of(&[(&[INT], 0), (&[DOUBLE], 0)]);
        assert_ne!(mixed, of(&[(&[DOUBLE], 0)]));
        assert_ne!(mixed, of(&[(&[DOUBLE], 0), (&[INT], 0)]));
    }

    #[test]
    fn each_parameter_settles_by_itself() {
        let of = |turns: &[(&[[u8; 2]], u8)]| after(turns, Flavor::MySql);
        let both = of(&[(&[INT, DOUBLE], 0)]);
        assert_eq!(of(&[(&[INT, DOUBLE], 0b10), (&[INT, DOUBLE], 0b01)]), both);
        assert_ne!(of(&[(&[INT, DOUBLE], 0b10)]), both);
    }

    #[test]
    fn tidb_keeps_the_first() {
        let of = |turns: &[(&[[u8; 2]], u8)]| after(turns, Flavor::TiDb);
        let null = of(&[(&[INT], 1)]);
        assert_ne!(null, of(&[(&[INT], 0)]));
        assert_ne!(null, 0);
        assert_eq!(of(&[(&[INT], 1), (&[DOUBLE], 0)]), null);
    }

    #[test]
    fn thousands_of_parameters_cost_one_mark() {
        let shape = run(&Shape::default(), &[INT; 1000], 0, Flavor::MySql);
        assert_eq!(shape.marks.len(), 1);
        assert_eq!(run(&shape, &[DOUBLE; 1000], 0, Flavor::MySql), shape);
    }
}
