//! Procedures, functions and packages, as an origin shows them to its user.

use std::collections::HashMap;

use super::bodies::{Body, Kind};
use super::is_of_users;
use crate::origin::{Flavor, OriginConn};

/// Longest body of a routine that is read.
const LONGEST_BODY: usize = 64 << 10;

/// Most bytes of bodies that are read in all.
const LONGEST_BODIES: u64 = 8 << 20;

/// True where a name alone may be the call of a procedure.
pub(crate) const IS_ORACLE: &str = "FIND_IN_SET('ORACLE', SQL_MODE)";

/// Database, name and type (`PROCEDURE`, `FUNCTION`), as the origin writes them.
pub(super) type ShownName = [String; 3];

/// Asks for all routines. MySQL shows one without its text where the user may only call it.
pub(crate) async fn ask(conn: &mut OriginConn) -> Result<Vec<Body>, String> {
    if conn.flavor() == Flavor::TiDb {
        return Ok(Vec::new());
    }
    let texts = "SELECT COALESCE(SUM(LENGTH(ROUTINE_DEFINITION)), 0) FROM \
                 information_schema.ROUTINES LIMIT 1";
    let length = conn.ask_number(texts).await;
    if length
        .map_err(|error| error.to_string())?
        .is_none_or(|length| length > LONGEST_BODIES)
    {
        // As if there were none: a call is one of anything.
        return Ok(Vec::new());
    }
    let question = format!(
        "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, LAST_ALTERED, \
         IF(ROUTINE_BODY <> 'SQL' OR {IS_ORACLE} OR LENGTH(ROUTINE_DEFINITION) > {LONGEST_BODY}, \
         NULL, ROUTINE_DEFINITION) FROM information_schema.ROUTINES WHERE {}",
        is_of_users("ROUTINE_SCHEMA")
    );
    let rows = conn.ask_columns(&question).await?.into_iter();
    let routines = rows.map(|[database, name, kind, changed, text]| Body {
        kind: match kind.as_str() {
            "PROCEDURE" => Kind::Procedure,
            "FUNCTION" => Kind::Function,
            _ => Kind::Package,
        },
        database,
        name,
        changed,
        text,
    });
    Ok(routines.collect())
}

/// The names of parameters, by what the routines are called.
pub(super) async fn parameters(
    conn: &mut OriginConn,
) -> Result<HashMap<ShownName, Vec<String>>, String> {
    let question = format!(
        "SELECT SPECIFIC_SCHEMA, SPECIFIC_NAME, ROUTINE_TYPE, PARAMETER_NAME \
         FROM information_schema.PARAMETERS WHERE PARAMETER_NAME IS NOT NULL AND {}",
        is_of_users("SPECIFIC_SCHEMA")
    );
    let mut parameters: HashMap<ShownName, Vec<String>> = HashMap::new();
    for [database, routine, kind, name] in conn.ask_columns(&question).await? {
        let of_routine = parameters.entry([database, routine, kind]).or_default();
        of_routine.push(name.to_ascii_lowercase());
    }
    Ok(parameters)
}
