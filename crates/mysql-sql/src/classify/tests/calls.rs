//! Which routines a statement calls, and whether it pins for these alone.

use super::*;
use crate::leftovers::Leftovers;

/// Each routine as it is called, in lower case.
fn shown(routines: &[Routine]) -> Vec<String> {
    let shown = routines.iter().map(|routine| {
        let database = routine.database.as_ref().map(|name| format!("{name}."));
        let parentheses = match routine.kind {
            RoutineKind::Procedure => "",
            RoutineKind::Function => "()",
        };
        database.unwrap_or_default() + &routine.name + parentheses
    });
    shown.collect()
}

#[test]
fn the_routines_of_a_statement_are_told() {
    for (sql, expected) in [
        ("CALL p", &["p"][..]),
        ("CALL P(1, 'a')", &["p"]),
        ("call `Shop` . `p``q`(1);", &["shop.p`q"]),
        ("CALL p(f(1), Shop.G(2))", &["p", "f()", "shop.g()"]),
        ("SELECT f(1), F(2), UPPER('a') FROM t", &["f()"]),
        (
            "SELECT `f`(1), `d`.`g`(2), d.`g`(3), `d`.g(4)",
            &["f()", "d.g()"],
        ),
        ("SELECT d.upper(1)", &["d.upper()"]),
        ("SELECT f(@a) FROM t WHERE b = @c", &["f()"]),
        ("INSERT INTO t (a, b) VALUES (f(1), 2)", &["f()"]),
        ("UPDATE t SET a = f(1) WHERE b = g(2)", &["f()", "g()"]),
        ("DELETE FROM t WHERE f(a)", &["f()"]),
        ("DO f(1)", &["f()"]),
        ("SELECT 1", &[]),
    ] {
        let routines = effect(sql).routines;
        assert_eq!(shown(routines.named()), expected, "{sql}");
        assert_eq!(shown(routines.alone()), expected, "{sql}");
    }
}

#[test]
fn what_pins_for_something_else_too_does_not_pin_for_routines_alone() {
    for sql in [
        "CALL p(@out)",
        "CALL d.p.q()",
        "CALL pß()",
        "SELECT f(1) INTO @a",
        "SELECT @a := f(1)",
        "SELECT f(GET_LOCK('a', 1))",
        "SELECT \"d\".f(1)",
        "SELECT fß(1)",
        "SET @a = f(1)",
        "CREATE TEMPORARY TABLE t AS SELECT f(1)",
        "SELECT f(1), NEXTVAL(s)",
        "EXPLAIN ANALYZE FORMAT = f(1) /*!99999 1 */ SELECT 1",
        "SELECT a(1), b(1), c(1), d(1), e(1), f(1), g(1), h(1), i(1), j(1), k(1), l(1), m(1), \
         n(1), o(1), p(1), q(1)",
    ] {
        let effect = effect(sql);
        assert!(effect.pin.is_some(), "{sql}");
        assert_eq!(shown(effect.routines.alone()), [""; 0], "{sql}");
    }
}

#[test]
fn who_relies_on_routines_does_not_pin_for_them() {
    let mut called = effect("CALL p(1)");
    assert_eq!(called.defines, Defines::Anything);
    assert!(called.needs_unused && called.may_begin);
    called.rely_on(Leftovers {
        insert_id: true,
        ..Leftovers::default()
    });
    assert_eq!(called.pin, None);
    assert_eq!(called.defines, Defines::Nothing);
    assert!(!(called.needs_unused || called.may_begin));
    assert!(called.runs_program && called.may_write && called.calls_procedure());
    assert_eq!(called.makes_insert_id, MakesInsertId::Untold);

    let mut made = effect("CREATE VIEW v AS SELECT f(1)");
    made.rely_on(Leftovers::default());
    assert_eq!(made.defines, Defines::Views);
    assert!(!made.calls_procedure());
}
