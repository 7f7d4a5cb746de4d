//! The native functions that give the same answer as long as their arguments and the session's
//! variables are the same.
//!
//! The list of [`builtin`](crate::builtin) is about what a call may do; this one is about what it
//! may answer, and by server: what is native to one may be the user's own function on another. In
//! doubt a function is left out: `ENCRYPT` and `PASSWORD` (a random salt), `DES_ENCRYPT` (a file of
//! keys), `DEFAULT(column)` (MariaDB computes it anew), `ST_TRANSFORM`, `JSON_STORAGE_FREE`,
//! `NAME_CONST`, `STATEMENT_DIGEST`, and all that tell the time, wait, lock, or ask who is there.

use crate::builtin::is_in;
use crate::question::Server;

/// True for a native function of the server's that is deterministic.
pub(super) fn is_deterministic(word: &[u8], server: Server) -> bool {
    let of_one = match server {
        Server::MySql => [MYSQL, &[]],
        Server::MariaDb => [MARIADB, &[]],
        Server::TiDb => [MYSQL, TIDB],
    };
    is_in(EVERYWHERE, word) || of_one.iter().any(|names| is_in(names, word))
}

/// True for a word that no function can have as its name, and that may stand before a parenthesis.
pub(super) fn is_keyword(word: &[u8]) -> bool {
    is_in(KEYWORDS, word)
}

/// Operators and types, apart from the keywords that say where tables are. Sorted by bytes, as
/// all that follow.
#[rustfmt::skip]
static KEYWORDS: &[&str] = &[
    "ALL", "AND", "ANY", "BETWEEN", "BIGINT", "BINARY", "BY", "CASE", "CHAR", "DATETIME", "DEC",
    "DECIMAL", "DISTINCT", "DISTINCTROW", "DIV", "DOUBLE", "ELSE", "EXISTS", "FLOAT",
    "HIGH_PRIORITY", "IN", "INT", "INTEGER", "INTERVAL", "LIKE", "MEDIUMINT", "NCHAR", "NOT",
    "NUMERIC", "OR", "REAL", "REGEXP", "RLIKE", "ROW", "SMALLINT", "SOME", "SQL_BIG_RESULT",
    "SQL_SMALL_RESULT", "THEN", "TINYINT", "VARBINARY", "VARCHAR", "WHEN", "XOR",
];

/// Of MySQL, MariaDB and TiDB.
#[rustfmt::skip]
static EVERYWHERE: &[&str] = &[
    "ABS", "ACOS", "ADDDATE", "ADDTIME", "AES_DECRYPT", "AES_ENCRYPT", "ASCII", "ASIN", "ATAN",
    "ATAN2", "AVG", "BIN", "BIT_AND", "BIT_COUNT", "BIT_LENGTH", "BIT_OR", "BIT_XOR", "CAST",
    "CEIL", "CEILING", "CHARACTER_LENGTH", "CHARSET", "CHAR_LENGTH", "COALESCE", "COERCIBILITY",
    "COLLATION", "COMPRESS", "CONCAT", "CONCAT_WS", "CONV", "CONVERT", "CONVERT_TZ", "COS",
    "COT", "COUNT", "CRC32", "CUME_DIST", "DATABASE", "DATE", "DATEDIFF", "DATE_ADD",
    "DATE_FORMAT", "DATE_SUB", "DAY", "DAYNAME", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR",
    "DEGREES", "DENSE_RANK", "ELT", "EXP", "EXPORT_SET", "EXTRACT", "EXTRACTVALUE", "FIELD",
    "FIND_IN_SET", "FIRST_VALUE", "FLOOR", "FORMAT", "FROM_BASE64", "FROM_DAYS", "FROM_UNIXTIME",
    "GET_FORMAT", "GREATEST", "GROUP_CONCAT", "HEX", "HOUR", "IF", "IFNULL", "INET6_ATON",
    "INET6_NTOA", "INET_ATON", "INET_NTOA", "INSERT", "INSTR", "ISNULL", "IS_IPV4",
    "IS_IPV4_COMPAT", "IS_IPV4_MAPPED", "IS_IPV6", "JSON_ARRAY", "JSON_ARRAYAGG",
    "JSON_ARRAY_APPEND", "JSON_ARRAY_INSERT", "JSON_CONTAINS", "JSON_CONTAINS_PATH",
    "JSON_DEPTH", "JSON_EXTRACT", "JSON_INSERT", "JSON_KEYS", "JSON_LENGTH", "JSON_MERGE_PATCH",
    "JSON_MERGE_PRESERVE", "JSON_OBJECT", "JSON_OBJECTAGG", "JSON_OVERLAPS", "JSON_QUOTE",
    "JSON_REMOVE", "JSON_REPLACE", "JSON_SEARCH", "JSON_SET", "JSON_TYPE", "JSON_UNQUOTE",
    "JSON_VALID", "JSON_VALUE", "LAG", "LAST_DAY", "LAST_VALUE", "LCASE", "LEAD", "LEAST",
    "LENGTH", "LINESTRING", "LN", "LOCATE", "LOG", "LOG10", "LOG2", "LOWER", "LPAD", "LTRIM",
    "MAKEDATE", "MAKETIME", "MAKE_SET", "MATCH", "MAX", "MBRCONTAINS", "MBRDISJOINT",
    "MBREQUALS", "MBRINTERSECTS", "MBROVERLAPS", "MBRTOUCHES", "MBRWITHIN", "MD5", "MICROSECOND",
    "MID", "MIN", "MINUTE", "MOD", "MONTH", "MONTHNAME", "MULTILINESTRING", "MULTIPOINT",
    "MULTIPOLYGON", "NTH_VALUE", "NTILE", "NULLIF", "OCT", "OCTET_LENGTH", "ORD", "PERCENT_RANK",
    "PERIOD_ADD", "PERIOD_DIFF", "PI", "POINT", "POLYGON", "POSITION", "POW", "POWER", "QUARTER",
    "QUOTE", "RADIANS", "RANK", "REGEXP_INSTR", "REGEXP_REPLACE", "REGEXP_SUBSTR", "REPEAT",
    "REPLACE", "REVERSE", "ROUND", "ROW_NUMBER", "RPAD", "RTRIM", "SCHEMA", "SECOND",
    "SEC_TO_TIME", "SHA", "SHA1", "SHA2", "SIGN", "SIN", "SOUNDEX", "SPACE", "SQRT", "STD",
    "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "STRCMP", "STR_TO_DATE", "ST_AREA", "ST_ASBINARY",
    "ST_ASGEOJSON", "ST_ASTEXT", "ST_BUFFER", "ST_CENTROID", "ST_CONTAINS", "ST_CONVEXHULL",
    "ST_CROSSES", "ST_DIFFERENCE", "ST_DIMENSION", "ST_DISJOINT", "ST_DISTANCE",
    "ST_DISTANCE_SPHERE", "ST_ENDPOINT", "ST_ENVELOPE", "ST_EQUALS", "ST_EXTERIORRING",
    "ST_GEOMCOLLFROMTEXT", "ST_GEOMCOLLFROMWKB", "ST_GEOMETRYN", "ST_GEOMETRYTYPE",
    "ST_GEOMFROMGEOJSON", "ST_GEOMFROMTEXT", "ST_GEOMFROMWKB", "ST_INTERIORRINGN",
    "ST_INTERSECTION", "ST_INTERSECTS", "ST_ISCLOSED", "ST_ISEMPTY", "ST_ISSIMPLE", "ST_LENGTH",
    "ST_LINEFROMTEXT", "ST_LINEFROMWKB", "ST_MLINEFROMTEXT", "ST_MLINEFROMWKB",
    "ST_MPOINTFROMTEXT", "ST_MPOINTFROMWKB", "ST_MPOLYFROMTEXT", "ST_MPOLYFROMWKB",
    "ST_NUMGEOMETRIES", "ST_NUMINTERIORRINGS", "ST_NUMPOINTS", "ST_OVERLAPS", "ST_POINTFROMTEXT",
    "ST_POINTFROMWKB", "ST_POINTN", "ST_POLYFROMTEXT", "ST_POLYFROMWKB", "ST_SRID",
    "ST_STARTPOINT", "ST_SYMDIFFERENCE", "ST_TOUCHES", "ST_UNION", "ST_WITHIN", "ST_X", "ST_Y",
    "SUBDATE", "SUBSTR", "SUBSTRING", "SUBSTRING_INDEX", "SUBTIME", "SUM", "TAN", "TIME",
    "TIMEDIFF", "TIMESTAMP", "TIMESTAMPADD", "TIMESTAMPDIFF", "TIME_FORMAT", "TIME_TO_SEC",
    "TO_BASE64", "TO_DAYS", "TO_SECONDS", "TRIM", "TRUNCATE", "UCASE", "UNCOMPRESS",
    "UNCOMPRESSED_LENGTH", "UNHEX", "UNIX_TIMESTAMP", "UPDATEXML", "UPPER", "VARIANCE",
    "VAR_POP", "VAR_SAMP", "WEEK", "WEEKDAY", "WEEKOFYEAR", "WEIGHT_STRING", "YEAR", "YEARWEEK",
];

/// Of MySQL and TiDB.
#[rustfmt::skip]
static MYSQL: &[&str] = &[
    "ANY_VALUE", "BIN_TO_UUID", "FORMAT_BYTES", "FORMAT_PICO_TIME", "GEOMCOLLECTION",
    "GEOMETRYCOLLECTION", "GROUPING", "IS_UUID", "JSON_PRETTY", "JSON_SCHEMA_VALID",
    "JSON_SCHEMA_VALIDATION_REPORT", "MBRCOVEREDBY", "MBRCOVERS", "REGEXP_LIKE",
    "STRING_TO_VECTOR", "ST_COLLECT", "ST_FRECHETDISTANCE", "ST_GEOHASH", "ST_HAUSDORFFDISTANCE",
    "ST_ISVALID", "ST_LATFROMGEOHASH", "ST_LATITUDE", "ST_LINEINTERPOLATEPOINT",
    "ST_LINEINTERPOLATEPOINTS", "ST_LONGFROMGEOHASH", "ST_LONGITUDE", "ST_MAKEENVELOPE",
    "ST_POINTATDISTANCE", "ST_POINTFROMGEOHASH", "ST_SIMPLIFY", "ST_SWAPXY", "ST_VALIDATE",
    "UUID_TO_BIN", "VECTOR_DIM", "VECTOR_TO_STRING",
];

/// Of MariaDB.
#[rustfmt::skip]
static MARIADB: &[&str] = &[
    "ADD_MONTHS", "CHR", "COLUMN_CHECK", "COLUMN_EXISTS", "COLUMN_JSON", "COLUMN_LIST",
    "CONCAT_OPERATOR_ORACLE", "CRC32C", "DECODE_ORACLE", "JSON_COMPACT", "JSON_DETAILED",
    "JSON_EQUALS", "JSON_EXISTS", "JSON_LOOSE", "JSON_NORMALIZE", "JSON_QUERY", "LENGTHB",
    "LPAD_ORACLE", "LTRIM_ORACLE", "MEDIAN", "NATURAL_SORT_KEY", "NVL", "NVL2",
    "PERCENTILE_CONT", "PERCENTILE_DISC", "REPLACE_ORACLE", "RPAD_ORACLE", "RTRIM_ORACLE",
    "SFORMAT", "SUBSTR_ORACLE", "TO_CHAR", "TRIM_ORACLE",
];

/// Of TiDB.
#[rustfmt::skip]
static TIDB: &[&str] = &[
    "TIDB_SHARD", "VEC_AS_TEXT", "VEC_COSINE_DISTANCE", "VEC_DIMS", "VEC_FROM_TEXT",
    "VEC_L1_DISTANCE", "VEC_L2_DISTANCE", "VEC_L2_NORM", "VEC_NEGATIVE_INNER_PRODUCT",
    "VITESS_HASH",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::is_builtin;

    #[test]
    fn names_are_sorted() {
        for names in [KEYWORDS, EVERYWHERE, MYSQL, MARIADB, TIDB] {
            assert!(names.is_sorted());
        }
    }

    #[test]
    fn what_is_native_here_is_native_everywhere_in_the_crate() {
        for (server, own) in [(Server::MySql, MYSQL), (Server::MariaDb, MARIADB)] {
            for name in [KEYWORDS, EVERYWHERE, own].concat() {
                assert!(is_builtin(name.as_bytes(), server), "{name}");
            }
        }
    }

    #[test]
    fn functions_are_told_by_server() {
        assert!(is_deterministic(b"concat_ws", Server::MySql));
        assert!(is_deterministic(b"Nvl", Server::MariaDb));
        assert!(!is_deterministic(b"nvl", Server::MySql));
        assert!(!is_deterministic(b"any_value", Server::MariaDb));
        assert!(is_deterministic(b"any_value", Server::TiDb));
        for name in [
            "NOW",
            "RAND",
            "UUID",
            "SLEEP",
            "VERSION",
            "DEFAULT",
            "LAST_INSERT_ID",
        ] {
            for server in [Server::MySql, Server::MariaDb, Server::TiDb] {
                assert!(!is_deterministic(name.as_bytes(), server), "{name}");
            }
        }
    }
}
