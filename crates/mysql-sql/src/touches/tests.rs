//! Statements and what they touch, by topic.

use super::*;
use crate::{Escapes, Letters, Server, classify};

mod judged;
mod random;
mod written;

const SERVERS: [Server; 3] = [Server::MySql, Server::MariaDb, Server::TiDb];

fn dialect(server: Server) -> Dialect {
    Dialect {
        escapes: Escapes::Backslash,
        letters: Letters::Utf8,
        server,
        ignores_space: false,
    }
}

fn of(sql: &str, server: Server) -> Touches {
    let dialect = dialect(server);
    touches(sql.as_bytes(), dialect, &classify(sql.as_bytes(), dialect))
}

/// Tables as one text: `d.t` for one of a database, `t?` for one that may be a query.
fn shown(tables: &[TableRef]) -> String {
    let show = |table: &TableRef| {
        let database = table.database.as_deref().map(|name| format!("{name}."));
        let doubt = if table.may_be_query { "?" } else { "" };
        format!("{}{}{doubt}", database.unwrap_or_default(), table.name)
    };
    tables.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// The tables that a statement reads, or why it is not kept.
fn keeps(sql: &str, server: Server) -> String {
    match of(sql, server).keeps {
        Ok(tables) => shown(&tables),
        Err(reason) => format!("! {}", reason.name()),
    }
}

/// On every server.
fn assert_keeps(table: &[(&str, &str)]) {
    for (sql, expected) in table {
        for server in SERVERS {
            assert_eq!(keeps(sql, server), *expected, "{sql} ({server:?})");
        }
    }
}

#[test]
fn finds_tables_behind_from_and_join() {
    assert_keeps(&[
        ("SELECT a FROM t", "t"),
        ("select c from sbtest1 where id=5", "sbtest1"),
        ("SELECT * FROM T, t, `t`", "t"),
        ("SELECT * FROM a, b c, d AS e, `f` `g`", "a b d f"),
        (
            "SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c USING (x, y)",
            "a b c",
        ),
        (
            "SELECT * FROM a INNER JOIN b CROSS JOIN c NATURAL LEFT OUTER JOIN d",
            "a b c d",
        ),
        (
            "SELECT * FROM a RIGHT JOIN b ON 1 STRAIGHT_JOIN c ON 2",
            "a b c",
        ),
        ("SELECT STRAIGHT_JOIN * FROM a STRAIGHT_JOIN b", "a b"),
        (
            "SELECT * FROM a JOIN b JOIN c ON b.x = c.x ON a.x = b.x, d",
            "a b c d",
        ),
        (
            "SELECT * FROM a JOIN b ON LEFT(a.x, 1) = RIGHT(b.x, 1) LEFT JOIN c ON 1",
            "a b c",
        ),
        ("SELECT * FROM (a, (b JOIN c ON b.x = c.x)), d", "a b c d"),
        ("SELECT * FROM a JOIN (b, c) ON a.x = b.x", "a b c"),
        ("SELECT * FROM ((((a)))) JOIN ((b))", "a b"),
        (
            "SELECT * FROM a LEFT JOIN (b INNER JOIN c ON c.x = b.x) ON a.x = b.x WHERE 1",
            "a b c",
        ),
        (
            "SELECT * FROM a AS x USE INDEX (i, PRIMARY), b FORCE INDEX FOR ORDER BY (j) IGNORE KEY (k), c",
            "a b c",
        ),
        (
            "SELECT * FROM a USE INDEX (), b IGNORE INDEX FOR JOIN (i) JOIN c",
            "a b c",
        ),
        ("SELECT * FROM t PARTITION (p0, p1) AS a, u", "t u"),
        (
            "SELECT * FROM `where` JOIN b ON where.x = b.x, c",
            "where b c",
        ),
        ("SELECT 1, (SELECT 2 FROM DUAL) FROM t, DUAL", "t"),
        ("SELECT * FROM `dual`, dual.x", "dual dual.x"),
        (
            "SELECT HIGH_PRIORITY SQL_SMALL_RESULT SQL_BUFFER_RESULT DISTINCT a FROM t",
            "t",
        ),
        ("SELECT * FROM t;", "t"),
        ("SELECT * FROM t ; -- ;", "t"),
        ("SELECT * FROM t WHERE a = ? LIMIT ?, ?", "t"),
    ]);
}

#[test]
fn finds_names_however_they_are_written() {
    assert_keeps(&[
        (
            "SELECT * FROM db.t, Db . T, db.`t`, `db`.t, `DB` . `T`",
            "db.t",
        ),
        ("SELECT * FROM db/* x */./* y */t", "db.t"),
        ("SELECT * FROM db -- x\n . # y\n t", "db.t"),
        ("SELECT * FROM .t", "t"),
        ("SELECT * FROM`t`", "t"),
        ("SELECT * FROM(t)", "t"),
        ("SELECT * FROM/**/t", "t"),
        ("SELECT*FROM\tt\rWHERE\x0b1", "t"),
        ("SELECT(1)FROM(`t`)WHERE(1)", "t"),
        ("SELECT * FROM `a``b`, `c.d`, `e f`", "a`b c.d e f"),
        (
            "SELECT * FROM `from`, `select`.`join`, db.from",
            "from select.join db.from",
        ),
        ("SELECT t.from, t.`from`, t . from FROM t", "t"),
        (
            "SELECT a AS `from`, b `join` FROM t `where`, u `join`",
            "t u",
        ),
        ("SELECT where.a FROM t `where`, u", "t u"),
        ("SELECT order.a FROM `order`", "order"),
        ("SELECT order.* FROM `order`", "! not_understood"),
        ("SELECT * FROM a_1, $t$, t$1", "! not_understood"),
        ("SELECT * FROM a_1, t$1", "a_1 t$1"),
        ("SELECT * FROM t offset, u", "! not_understood"),
        ("SELECT * FROM t minus, u", "! not_understood"),
        ("SELECT * FROM t except, u", "! not_understood"),
        ("SELECT * FROM t lateral, u", "! not_understood"),
        ("SELECT * FROM t window, u", "! not_understood"),
        ("SELECT * FROM t tablesample, u", "! not_understood"),
        ("SELECT * FROM t full, u", "t u"),
        (
            "SELECT offset, minus, intersect, window, lateral FROM t",
            "t",
        ),
        ("SELECT * FROM a JOIN b ON a.x = window, c", "a b c"),
        ("SELECT * FROM a JOIN b ON a.x = minus, c", "a b c"),
        ("SELECT * FROM a.b.c", "! not_understood"),
        ("SELECT * FROM .a.b", "! not_understood"),
        ("SELECT * FROM ``", "! not_understood"),
        ("SELECT * FROM \"t\"", "! not_understood"),
        ("SELECT * FROM db.\"t\"", "! not_understood"),
        ("SELECT * FROM t \"x\", u", "! not_understood"),
        ("SELECT * FROM t AS 'x', u", "! not_understood"),
        ("SELECT * FROM caf\u{e9}", "! not_understood"),
        ("SELECT * FROM `caf\u{e9}`", "! not_understood"),
        ("SELECT caf\u{e9} AS `\u{e9}t\u{e9}` FROM t", "t"),
    ]);
}

#[test]
fn hides_no_word_behind_a_number() {
    assert_keeps(&[
        (
            "SELECT 1.5, .5, 1., 1e5, 1.5e-3, 1.e5, 0x1F, 0b01, -1 FROM t",
            "t",
        ),
        ("SELECT t.1 FROM t", "t"),
        ("SELECT 1from t", "! not_understood"),
        ("SELECT 1.5from t, u", "! not_understood"),
        ("SELECT (SELECT 1e5from u) FROM t", "! not_understood"),
        ("SELECT (SELECT 1e+5from u) FROM t", "! not_understood"),
        ("SELECT (SELECT .5from u) FROM t", "! not_understood"),
        ("SELECT (SELECT 1.from u) FROM t", "! not_understood"),
        ("SELECT (SELECT 1. from u) FROM t", "! not_understood"),
        ("SELECT (SELECT 1.e5from u) FROM t", "! not_understood"),
        ("SELECT (SELECT 0x41from u) FROM t", "! not_understood"),
        ("SELECT (SELECT 1.5.from u) FROM t", "! not_understood"),
        ("SELECT (SELECT \\Nfrom u) FROM t", "! not_understood"),
        ("SELECT * FROM a JOIN b ON 1.5join c", "! not_understood"),
        ("SELECT a FROM t WHERE.`x`", "! not_understood"),
    ]);
}

#[test]
fn finds_tables_in_subqueries() {
    assert_keeps(&[
        ("SELECT (SELECT a FROM b), c FROM d", "b d"),
        (
            "SELECT a FROM t WHERE a IN (SELECT b FROM u WHERE c = (SELECT MAX(d) FROM v))",
            "t u v",
        ),
        (
            "SELECT a FROM t WHERE EXISTS(SELECT 1 FROM u) AND a > ALL (SELECT b FROM v)",
            "t u v",
        ),
        (
            "SELECT a FROM t GROUP BY (SELECT 1 FROM g) HAVING (SELECT 1 FROM h) ORDER BY (SELECT 1 FROM o)",
            "t g h o",
        ),
        (
            "SELECT a FROM t JOIN u ON t.a = (SELECT b FROM v), w",
            "t u v w",
        ),
        ("SELECT COUNT((SELECT a FROM u)) FROM t", "u t"),
        (
            "SELECT ((SELECT 1 FROM a) + ((SELECT 2 FROM b))) FROM t",
            "a b t",
        ),
        (
            "SELECT ((SELECT 1 FROM a) UNION (SELECT 2 FROM b)) FROM t",
            "a b t",
        ),
        (
            "SELECT a FROM t WHERE b IN ((SELECT 1 FROM a) EXCEPT (SELECT 2 FROM b))",
            "t a b",
        ),
        ("SELECT EXTRACT(DAY FROM x) FROM t", "t"),
        ("SELECT EXTRACT(DAY FROM (SELECT x FROM u)) FROM t", "u t"),
        (
            "SELECT TRIM(BOTH 'x' FROM (SELECT a FROM u)), TRIM(FROM ' ') FROM t",
            "u t",
        ),
        (
            "SELECT SUBSTRING(a FROM 2 FOR 3), MID(a FROM (SELECT 1 FROM u) FOR 2) FROM t",
            "u t",
        ),
        (
            "SELECT CASE WHEN (SELECT 1 FROM a) THEN (SELECT 2 FROM b) ELSE 3 END FROM t",
            "a b t",
        ),
        (
            "SELECT a FROM t WHERE (a, b) IN (SELECT c, d FROM u)",
            "t u",
        ),
        ("SELECT a FROM t LIMIT 1 OFFSET 2", "t"),
        ("SELECT a IN (TABLE u) FROM t", "u t"),
        ("SELECT a FROM t WHERE b = ANY (TABLE u)", "t u"),
        ("SELECT a FROM t WHERE FROM u", "! not_understood"),
        ("SELECT a FROM t WHERE (a FROM u)", "! not_understood"),
        ("SELECT a FROM t WHERE COUNT(a FROM u)", "! not_understood"),
        (
            "SELECT a FROM t WHERE a = SELECT b FROM u",
            "! not_understood",
        ),
        (
            "SELECT NTH_VALUE(a, 2) FROM FIRST OVER w FROM t",
            "! not_understood",
        ),
        ("SELECT a FROM t WHERE a JOIN u", "! not_understood"),
        ("SELECT a FROM (t", "! not_understood"),
        ("SELECT a FROM t)", "! not_understood"),
    ]);
}

#[test]
fn finds_tables_in_derived_tables() {
    assert_keeps(&[
        ("SELECT * FROM (SELECT a FROM b) AS x, c", "b c"),
        ("SELECT * FROM (SELECT a FROM b) x (y, z) JOIN c", "b c"),
        (
            "SELECT * FROM (SELECT a FROM b UNION ALL SELECT c FROM d) x",
            "b d",
        ),
        (
            "SELECT * FROM ((SELECT 1 FROM a) UNION (SELECT 2 FROM b)) x",
            "a b",
        ),
        (
            "SELECT * FROM ((SELECT 1 FROM a) EXCEPT ALL SELECT 2 FROM b) x",
            "a b",
        ),
        (
            "SELECT * FROM ((SELECT 1 FROM a) ORDER BY (SELECT 1 FROM b)) x, c",
            "a b c",
        ),
        ("SELECT * FROM ((SELECT 1 FROM a) x JOIN b) JOIN c", "a b c"),
        (
            "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x) AS c",
            "a b",
        ),
        ("SELECT * FROM a JOIN LATERAL (TABLE b) c ON 1", "a b"),
        ("SELECT * FROM (TABLE a) AS x", "a"),
        (
            "SELECT * FROM (VALUES ROW(1, 2), ROW(3, (SELECT 1 FROM b))) AS x (c, d), a",
            "b a",
        ),
        (
            "SELECT * FROM (WITH x AS (SELECT 1 FROM a) SELECT * FROM x) y",
            "a x?",
        ),
        (
            "SELECT * FROM { OJ a LEFT JOIN b ON 1 }",
            "! not_understood",
        ),
    ]);
    for sql in ["SELECT * FROM f(1)", "SELECT * FROM t x (a)"] {
        assert_eq!(keeps(sql, Server::MySql), "! function", "{sql}");
        assert_eq!(keeps(sql, Server::TiDb), "! not_understood", "{sql}");
    }
    let json = "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$', b VARCHAR(10) \
                PATH '$.b' DEFAULT '0' ON EMPTY, NESTED PATH '$[*]' COLUMNS (c INT PATH '$'))) AS j, t";
    assert_keeps(&[(json, "t")]);
    assert_keeps(&[(
        "SELECT * FROM t, JSON_TABLE((SELECT a FROM u), '$' COLUMNS (b FOR ORDINALITY)) j JOIN v",
        "t u v",
    )]);
}

#[test]
fn finds_tables_in_unions() {
    assert_keeps(&[
        ("SELECT * FROM t1 UNION TABLE t2", "t1 t2"),
        (
            "(SELECT a FROM t) UNION (SELECT b FROM u) ORDER BY 1",
            "t u",
        ),
        ("((SELECT a FROM t)) UNION DISTINCT SELECT b FROM u", "t u"),
        (
            "SELECT a FROM t UNION ALL (SELECT b FROM u INTERSECT SELECT c FROM v)",
            "t u v",
        ),
        ("SELECT a FROM t EXCEPT SELECT b FROM u", "t u"),
        ("SELECT a FROM t MINUS SELECT b FROM u", "t u"),
        ("SELECT a FROM t WHERE 1 INTERSECT (SELECT b FROM u)", "t u"),
        (
            "SELECT a FROM t JOIN s ON 1 EXCEPT DISTINCT TABLE u",
            "t s u",
        ),
        ("SELECT a UNION SELECT b FROM u", "u"),
        (
            "SELECT a FROM t WINDOW w AS (ORDER BY b) UNION SELECT b FROM u",
            "t u",
        ),
        ("SELECT a FROM t UNION VALUES ROW(1)", "t"),
        ("SELECT a FROM t UNION", "! not_understood"),
        ("SELECT a FROM t UNION u", "! not_understood"),
    ]);
    let limited = "SELECT a FROM t UNION SELECT b FROM u LIMIT 1";
    assert_eq!(keeps(limited, Server::MariaDb), "! found_rows");
    assert_eq!(keeps(limited, Server::MySql), "! found_rows");
    assert_eq!(keeps(limited, Server::TiDb), "t u");
}

#[test]
fn tells_tables_that_may_be_queries() {
    assert_keeps(&[
        ("WITH x AS (SELECT a FROM t) SELECT * FROM x", "t x?"),
        (
            "WITH x (a, b) AS (SELECT a, b FROM t), `Y` AS (SELECT * FROM x) SELECT * FROM y, d.x",
            "t x? y? d.x",
        ),
        (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n, t",
            "n? t",
        ),
        (
            "SELECT (WITH x AS (SELECT 1 FROM a) SELECT * FROM x), b FROM t, x",
            "a x? t",
        ),
        (
            "SELECT * FROM t WHERE a IN (WITH t AS (SELECT 1 FROM u) SELECT * FROM t)",
            "t? u",
        ),
        (
            "WITH x AS (WITH y AS (SELECT 1 FROM a) SELECT * FROM y) SELECT * FROM x",
            "a y? x?",
        ),
        ("(WITH x AS (SELECT 1 FROM a) SELECT * FROM x)", "a x?"),
        ("WITH x AS (SELECT 1) (SELECT * FROM x)", "x?"),
        (
            "WITH \"x\" AS (SELECT 1) SELECT * FROM x",
            "! not_understood",
        ),
        ("WITH x AS (SELECT 1), SELECT * FROM x", "! not_understood"),
        ("WITH x AS SELECT 1 SELECT * FROM x", "! not_understood"),
        (
            "WITH x AS (SELECT 1 FROM t) UPDATE t SET a = 1",
            "! not_understood",
        ),
    ]);
}

#[test]
fn reads_the_text_of_a_view() {
    assert_keeps(&[
        (
            "select `d`.`t`.`a` AS `a`,count(0) AS `n` from `d`.`t` where (`d`.`t`.`b` = 1) group by `d`.`t`.`a`",
            "d.t",
        ),
        (
            "select `a`.`x` AS `x` from ((`d`.`a` join `d`.`b` on((`d`.`a`.`x` = `d`.`b`.`x`))) left join `e`.`c` on((1 = 1)))",
            "d.a d.b e.c",
        ),
        (
            "select cast(`d`.`t`.`a` as char charset utf8mb4) AS `a` from `d`.`t`",
            "d.t",
        ),
        (
            "with `c` as (select 1 AS `1`) select `c`.`1` AS `1` from `c`",
            "c?",
        ),
        ("select now() AS `n` from `d`.`t`", "! nondeterministic"),
    ]);
    let calls = "select `d`.`f`() AS `f` from `d`.`t`";
    assert_eq!(keeps(calls, Server::MySql), "! function");
}

#[test]
fn gives_up_on_what_is_too_large() {
    let nested = |depth| format!("SELECT {}1{} FROM t", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(keeps(&nested(60), Server::MySql), "t");
    for depth in [70, 100_000] {
        assert_eq!(keeps(&nested(depth), Server::MySql), "! not_understood");
    }
    let froms = "SELECT * FROM (".repeat(10_000);
    assert_eq!(keeps(&froms, Server::MySql), "! not_understood");
    let tables = (0..1000).map(|n| format!("t{n}")).collect::<Vec<_>>();
    let many = format!("SELECT * FROM {}", tables.join(", "));
    assert_eq!(keeps(&many, Server::MySql), "! not_understood");
    let update = format!("UPDATE {} SET a = 1", tables.join(", "));
    assert_eq!(of(&update, Server::MySql).writes, Touched::Everything);
    let statements = |count| {
        let one = |n: usize| format!("UPDATE t{n} SET a = 1;");
        let many: String = (0..count).map(one).collect();
        of(&many, Server::MySql).writes
    };
    assert!(matches!(statements(100), Touched::Tables(tables) if tables.len() == 100));
    assert_eq!(statements(1000), Touched::Everything);
}
