//! Asks an origin for its tables, on a connection aside from the pool.

use super::shown::{Rights, Shown};
use crate::cache::Bypass;
use crate::origin::{Flavor, OriginConn, OriginConnector};
use crate::programs::routines::{self, IS_ORACLE};
use crate::programs::{Bodies, Body, Kind, is_of_users};

/// What was found at an origin.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) flavor: Option<Flavor>,
    pub(super) tables: Vec<FoundTable>,
    /// The texts of those views that are shown: database, name, text.
    pub(super) views: Vec<[String; 3]>,
    /// The triggers that are shown.
    pub(super) triggers: Vec<FoundTrigger>,
    pub(super) routines: Vec<FoundRoutine>,
    /// What follows a change of a row by a foreign key, as far as it is shown: database and table
    /// of the parent, then of the child.
    pub(super) cascades: Vec<[String; 4]>,
    /// A change by a foreign key may fire triggers that are not shown.
    pub(super) cascades_may_fire: bool,
    /// Columns that are computed when they are read: database, table, expression.
    pub(super) computed: Vec<[String; 3]>,
    /// Tables with a column of the type TIME, which is a moment of the day that it is read on when
    /// it is compared with one that has a date.
    pub(super) timed: Vec<[String; 2]>,
    /// Sessions read another state than what is committed at present, unless they say otherwise:
    /// why nothing that they read is kept.
    pub(super) reads_otherwise: Option<Bypass>,
}

/// A table, a view or a sequence.
#[derive(Debug)]
pub(super) struct FoundTable {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) kind: String,
    /// Empty for a view.
    pub(super) engine: String,
    pub(super) shown: Shown,
}

/// A procedure, a function or a package.
#[derive(Debug)]
pub(super) struct FoundRoutine {
    pub(super) body: Body,
    /// All tables of its database are shown.
    pub(super) shows_others: bool,
}

#[derive(Debug)]
pub(super) struct FoundTrigger {
    /// In the database of the trigger.
    pub(super) table: String,
    pub(super) body: Body,
}

/// Asks for everything.
pub(super) async fn ask(connector: &OriginConnector, bodies: &mut Bodies) -> Result<Found, String> {
    let opened = connector.open_aside(None).await;
    let mut conn = opened.map_err(|error| error.to_string())?;
    let identity = conn.identify().await?;
    connector.note_server_name(&identity.server);
    let mut has_roles = false;
    if conn.flavor() == Flavor::MySql {
        // A session may take any role that the user has. Before 8.0 it is an error.
        let all = conn.ask(b"SET ROLE ALL").await;
        has_roles = all.map_err(|error| error.to_string())?.refusal().is_none();
    }
    let rights = Rights::ask(&mut conn, has_roles).await?;
    let mut found = Found {
        flavor: Some(conn.flavor()),
        tables: tables(&mut conn, &rights).await?,
        views: views(&mut conn).await?,
        triggers: triggers(&mut conn).await?,
        routines: routines(&mut conn, &rights).await?,
        cascades: cascades(&mut conn).await?,
        cascades_may_fire: rights.may_fire_by_cascades(&mut conn).await?,
        computed: computed(&mut conn).await?,
        timed: timed(&mut conn).await?,
        reads_otherwise: reads_otherwise(&mut conn).await?,
    };
    let of_routines = found.routines.iter_mut().map(|it| &mut it.body);
    let of_triggers = found.triggers.iter_mut().map(|it| &mut it.body);
    let shown = of_routines.chain(of_triggers);
    bodies.correct(&mut conn, shown).await?;
    conn.quit();
    Ok(found)
}

async fn tables(conn: &mut OriginConn, rights: &Rights) -> Result<Vec<FoundTable>, String> {
    let question = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE \
         FROM information_schema.TABLES WHERE {}",
        is_of_users("TABLE_SCHEMA")
    );
    let rows = conn.ask_columns(&question).await?;
    let tables = rows
        .into_iter()
        .map(|[database, name, kind, engine]| FoundTable {
            shown: rights.show(&database, &name),
            database,
            name,
            kind,
            engine,
        });
    Ok(tables.collect())
}

/// Where the user may not see a text, the server leaves out the view or its text.
async fn views(conn: &mut OriginConn) -> Result<Vec<[String; 3]>, String> {
    let question = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, VIEW_DEFINITION \
         FROM information_schema.VIEWS WHERE {}",
        is_of_users("TABLE_SCHEMA")
    );
    conn.ask_columns(&question).await
}

async fn triggers(conn: &mut OriginConn) -> Result<Vec<FoundTrigger>, String> {
    if conn.flavor() == Flavor::TiDb {
        // It has none.
        return Ok(Vec::new());
    }
    let question = format!(
        "SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, CREATED, \
         IF({IS_ORACLE}, NULL, ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE {}",
        is_of_users("TRIGGER_SCHEMA")
    );
    let rows = conn.ask_columns(&question).await?.into_iter();
    let triggers = rows.map(|[database, table, name, changed, text]| FoundTrigger {
        table,
        body: Body {
            kind: Kind::Trigger,
            database,
            name,
            changed,
            text,
        },
    });
    Ok(triggers.collect())
}

async fn routines(conn: &mut OriginConn, rights: &Rights) -> Result<Vec<FoundRoutine>, String> {
    let bodies = routines::ask(conn).await?.into_iter();
    let routines = bodies.map(|body| FoundRoutine {
        shows_others: rights.show(&body.database, "").others,
        body,
    });
    Ok(routines.collect())
}

/// What deletes or changes rows of another table along.
async fn cascades(conn: &mut OriginConn) -> Result<Vec<[String; 4]>, String> {
    let question = format!(
        "SELECT UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME, CONSTRAINT_SCHEMA, TABLE_NAME \
         FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE (UPDATE_RULE NOT IN ('RESTRICT', 'NO ACTION') \
         OR DELETE_RULE NOT IN ('RESTRICT', 'NO ACTION')) AND {}",
        is_of_users("CONSTRAINT_SCHEMA")
    );
    conn.ask_columns(&question).await
}

/// MariaDB lets such a column tell the time.
async fn computed(conn: &mut OriginConn) -> Result<Vec<[String; 3]>, String> {
    let question = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, GENERATION_EXPRESSION \
         FROM information_schema.COLUMNS WHERE EXTRA LIKE '%VIRTUAL%' AND {}",
        is_of_users("TABLE_SCHEMA")
    );
    conn.ask_columns(&question).await
}

async fn timed(conn: &mut OriginConn) -> Result<Vec<[String; 2]>, String> {
    let question = format!(
        "SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.COLUMNS \
         WHERE DATA_TYPE = 'time' AND {}",
        is_of_users("TABLE_SCHEMA")
    );
    conn.ask_columns(&question).await
}

async fn reads_otherwise(conn: &mut OriginConn) -> Result<Option<Bypass>, String> {
    let name = conn.spelling("transaction_isolation");
    let question = format!("SELECT @@GLOBAL.{name} LIMIT 1");
    let [[isolation]] = conn
        .ask_columns(&question)
        .await?
        .try_into()
        .map_err(|_| "there is no isolation level".to_owned())?;
    if isolation == "READ-UNCOMMITTED" {
        return Ok(Some(Bypass::ReadUncommitted));
    }
    if conn.flavor() != Flavor::TiDb {
        return Ok(None);
    }
    // In this way, because it has been a variable of sessions only.
    let question = "SHOW GLOBAL VARIABLES \
                    WHERE Variable_name = 'tidb_low_resolution_tso' AND Value = 'ON'";
    let is_on: Vec<[String; 2]> = conn.ask_columns(question).await?;
    Ok((!is_on.is_empty()).then_some(Bypass::SessionVariable))
}
