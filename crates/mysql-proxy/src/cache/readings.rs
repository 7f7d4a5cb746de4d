//! What was read of texts, for those that differ from them in values only.
//!
//! A read that is not kept has to be looked at closely: which tables it reads, and under which
//! fingerprint it counts. An application sends few statements with many values.

use std::sync::Arc;

use mysql_sql::{Dialect, Outline, Statement, Touched, Touches, touches};

use super::figures::AllFigures;
use super::{Figures, LastPlan};
use crate::outlines::Outlines;

/// Most names in a text that is remembered: tables, and what else is told of it one by one. More
/// than that take their time at the origin, and their room here; so few take up to some 2 KiB.
const MOST_NAMES: usize = 8;

/// What was read of a text.
#[derive(Debug)]
pub(crate) struct Reading {
    dialect: Dialect,
    statement: Statement,
    is_plain: bool,
    pub(crate) touches: Touches,
    pub(crate) figures: Arc<Figures>,
    pub(crate) last_plan: LastPlan,
}

impl Reading {
    /// How many names it holds.
    fn names(&self) -> usize {
        let of_writes = match &self.touches.writes {
            Touched::Tables(tables) => tables.len(),
            Touched::Called { tables, routines } => tables.len() + routines.len(),
            Touched::Nothing | Touched::Everything => 0,
        };
        let effect = &self.statement.effect;
        of_writes
            + self.touches.keeps.as_ref().map_or(0, Vec::len)
            + effect.sets.len()
            + effect.user_variables.len()
            + effect.questions.len()
            + effect.routines.named().len()
    }
}

/// By outline.
#[derive(Debug, Default)]
pub(crate) struct Readings(Outlines<Arc<Reading>>);

impl Readings {
    /// What was read of a plain read of this outline, of which any other is one as well.
    pub(crate) fn of_plain(&self, outline: &Outline, dialect: Dialect) -> Option<Arc<Reading>> {
        let known = self.0.find(outline)?;
        (known.is_plain && known.dialect == dialect).then_some(known)
    }

    /// What is read of this text, of which this is known already.
    pub(crate) fn of(
        &self,
        (sql, outline): (&[u8], Option<&Outline>),
        dialect: Dialect,
        statement: &Statement,
        figures: &AllFigures,
    ) -> Arc<Reading> {
        if let Some(known) = outline.and_then(|outline| self.0.find(outline))
            && known.dialect == dialect
            && known.statement == *statement
        {
            return known;
        }
        let reading = Arc::new(Reading {
            dialect,
            is_plain: *statement == Statement::plain_read(),
            statement: statement.clone(),
            touches: touches(sql, dialect, statement),
            figures: figures.of(sql, dialect),
            last_plan: LastPlan::default(),
        });
        if let Some(outline) = outline.filter(|_| reading.names() <= MOST_NAMES) {
            self.0.remember(outline, Arc::clone(&reading));
        }
        reading
    }
}

#[cfg(test)]
mod tests {
    use mysql_sql::{Escapes, Letters, Server, classify};

    use super::*;

    const DIALECT: Dialect = Dialect {
        escapes: Escapes::Backslash,
        letters: Letters::Utf8,
        server: Server::MariaDb,
        ignores_space: false,
    };

    fn read(readings: &Readings, figures: &AllFigures, sql: &str) -> Arc<Reading> {
        let sql = sql.as_bytes();
        let (statement, outline) = (classify(sql, DIALECT), Outline::of(sql));
        readings.of((sql, outline.as_ref()), DIALECT, &statement, figures)
    }

    #[test]
    fn a_text_with_other_values_is_not_read_again() {
        let (readings, figures) = Default::default();
        let read = |sql| read(&readings, &figures, sql);
        let one = read("SELECT a FROM t WHERE b = 5 AND c = 'x'");
        let other = read("SELECT a FROM t WHERE b = 17 AND c = 'yz'");
        assert!(Arc::ptr_eq(&one, &other));
        let table = read("SELECT a FROM u WHERE b = 5 AND c = 'x'");
        assert_ne!(one.touches, table.touches);
        let hint = read("SELECT a FROM t WHERE b = 5 /* tidegate: max_age=1 */");
        let other_hint = read("SELECT a FROM t WHERE b = 5 /* tidegate: max_age=2 */");
        assert_ne!(hint.touches, other_hint.touches);
    }

    #[test]
    fn a_plain_read_is_known_by_its_outline() {
        let (readings, figures) = <(Readings, AllFigures)>::default();
        let of_plain = |sql: &str, dialect| {
            let outline = Outline::of(sql.as_bytes()).unwrap();
            readings.of_plain(&outline, dialect)
        };
        let plain = read(&readings, &figures, "SELECT a FROM t WHERE b = 5");
        read(
            &readings,
            &figures,
            "SELECT a FROM t WHERE b = LAST_INSERT_ID(5)",
        );
        let known = of_plain("SELECT a FROM t WHERE b = 17", DIALECT).unwrap();
        assert!(Arc::ptr_eq(&known, &plain));
        let other = Dialect {
            server: Server::TiDb,
            ..DIALECT
        };
        assert!(of_plain("SELECT a FROM t WHERE b = 17", other).is_none());
        assert!(of_plain("SELECT a FROM t WHERE b = LAST_INSERT_ID(6)", DIALECT).is_none());
        assert!(of_plain("SELECT a FROM u WHERE b = 17", DIALECT).is_none());
    }

    #[test]
    fn a_text_of_many_names_is_not_remembered() {
        let (readings, figures) = Default::default();
        for (names, is_remembered) in [(MOST_NAMES, true), (MOST_NAMES + 1, false)] {
            let tables: Vec<_> = (0..names).map(|name| format!("t{name}x")).collect();
            let sql = format!("SELECT 1 FROM {}", tables.join(", "));
            let one = read(&readings, &figures, &sql);
            let other = read(&readings, &figures, &sql);
            assert_eq!(Arc::ptr_eq(&one, &other), is_remembered, "{sql}");
        }
    }

    #[test]
    fn another_dialect_is_another_reading() {
        let (readings, figures) = <(Readings, AllFigures)>::default();
        let sql = b"SELECT a FROM t WHERE b = f(5)";
        for server in [Server::MariaDb, Server::TiDb, Server::MariaDb] {
            let dialect = Dialect { server, ..DIALECT };
            let (statement, outline) = (classify(sql, dialect), Outline::of(sql));
            let reading = readings.of((sql, outline.as_ref()), dialect, &statement, &figures);
            assert_eq!(reading.touches, touches(sql, dialect, &statement));
        }
    }
}
