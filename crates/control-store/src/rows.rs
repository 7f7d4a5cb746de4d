//! From rows to the domain's nouns. A row that breaks the schema's promises is damage.

use std::str::FromStr;
use std::time::Duration;

use domain::{
    AccountTag, Address, CachePolicy, Follow, Hyperdrive, HyperdriveId, Keep, Limits,
    LocalCredentials, Origin, OriginTls, PoolPolicy, Snapshot, TableRule, Tunnel, Via,
};
use rusqlite::{Connection, Params, Row};

use crate::StoreError;
use crate::sealing::{Place, Sealer};

// Tables and columns of secrets, as they are named in the schema and authenticated with the secret.
pub(crate) const TUNNELS: &str = "tunnels";
pub(crate) const SECRET: &str = "secret_sealed";
pub(crate) const HYPERDRIVES: &str = "hyperdrives";
pub(crate) const PASSWORD: &str = "password_sealed";
pub(crate) const ORIGIN_PASSWORD: &str = "origin_password_sealed";

// Values of `tls_mode`.
pub(crate) const TLS_DISABLED: &str = "disabled";
pub(crate) const TLS_REQUIRED: &str = "required";
pub(crate) const TLS_VERIFY_CA: &str = "verify-ca";
pub(crate) const TLS_VERIFY_IDENTITY: &str = "verify-identity";

// Values of `cache_follow`.
pub(crate) const FOLLOW_NOTHING: &str = "nothing";
pub(crate) const FOLLOW_BINLOG: &str = "binlog";

/// Everything. Within a transaction it is of one moment.
pub(crate) fn snapshot(connection: &Connection, sealer: &Sealer) -> Result<Snapshot, StoreError> {
    let tunnels = tunnels(connection, sealer)?;
    Ok(Snapshot::new(hyperdrives(connection, sealer)?, tunnels))
}

/// All tunnels.
pub(crate) fn tunnels(connection: &Connection, sealer: &Sealer) -> Result<Vec<Tunnel>, StoreError> {
    all(connection, "SELECT * FROM tunnels", [], |row| {
        let row_id: String = row.get("id")?;
        let blob: Vec<u8> = row.get(SECRET)?;
        let place = Place {
            table: TUNNELS,
            column: SECRET,
            row: &row_id,
        };
        Ok(Tunnel {
            id: id(TUNNELS, &row_id)?,
            name: row.get("name")?,
            account: AccountTag(row.get("account")?),
            secret: sealer.unseal(&blob, place)?,
        })
    })
}

fn hyperdrives(connection: &Connection, sealer: &Sealer) -> Result<Vec<Hyperdrive>, StoreError> {
    all(connection, "SELECT * FROM hyperdrives", [], |row| {
        let row_id: String = row.get("id")?;
        let unseal = |column| {
            let blob: Vec<u8> = row.get(column)?;
            let place = Place {
                table: HYPERDRIVES,
                column,
                row: &row_id,
            };
            sealer.unseal_text(&blob, place)
        };
        Ok(Hyperdrive {
            id: id::<HyperdriveId>(HYPERDRIVES, &row_id)?,
            name: row.get("name")?,
            origin: Origin {
                address: Address::new(
                    row.get::<_, String>("origin_host")?,
                    row.get("origin_port")?,
                ),
                via: via(row)?,
                tls: tls(row)?,
                user: row.get("origin_user")?,
                password: unseal(ORIGIN_PASSWORD)?,
                database: row.get("origin_database")?,
            },
            credentials: LocalCredentials {
                user: row.get("user")?,
                password: unseal(PASSWORD)?,
            },
            pool: pool(row)?,
            limits: limits(row)?,
            cache: cache(row, table_rules(connection, &row_id)?)?,
        })
    })
}

fn via(row: &Row<'_>) -> Result<Via, StoreError> {
    let tunnel: Option<String> = row.get("tunnel_id")?;
    match tunnel {
        None => Ok(Via::Direct),
        Some(tunnel) => Ok(Via::Tunnel(id(TUNNELS, &tunnel)?)),
    }
}

fn tls(row: &Row<'_>) -> Result<OriginTls, StoreError> {
    let mode: String = row.get("tls_mode")?;
    let roots_pem: Option<String> = row.get("tls_roots_pem")?;
    match mode.as_str() {
        TLS_DISABLED => Ok(OriginTls::Disabled),
        TLS_REQUIRED => Ok(OriginTls::Required),
        TLS_VERIFY_CA => Ok(OriginTls::VerifyCa { roots_pem }),
        TLS_VERIFY_IDENTITY => Ok(OriginTls::VerifyIdentity { roots_pem }),
        other => Err(StoreError::Damaged(format!("`{other}` is no mode of TLS"))),
    }
}

fn pool(row: &Row<'_>) -> Result<PoolPolicy, StoreError> {
    Ok(PoolPolicy {
        min: row.get("pool_min")?,
        max: row.get("pool_max")?,
        max_waiting: row.get("pool_max_waiting")?,
        wait_timeout: duration(row, "pool_wait_timeout")?,
        connect_timeout: duration(row, "pool_connect_timeout")?,
        idle_timeout: duration(row, "pool_idle_timeout")?,
        max_lifetime: duration(row, "pool_max_lifetime")?,
        max_statements: row.get("pool_max_statements")?,
    })
}

fn limits(row: &Row<'_>) -> Result<Limits, StoreError> {
    Ok(Limits {
        max_user_connections: row.get("limit_user_connections")?,
        query_timeout: time_limit(row, "limit_query_timeout")?,
        transaction_timeout: time_limit(row, "limit_transaction_timeout")?,
        idle_transaction_timeout: time_limit(row, "limit_idle_transaction_timeout")?,
    })
}

fn cache(row: &Row<'_>, rules: Vec<TableRule>) -> Result<CachePolicy, StoreError> {
    Ok(CachePolicy {
        enabled: row.get("cache_enabled")?,
        max_age: duration(row, "cache_max_age")?,
        stale_while_revalidate: duration(row, "cache_stale_while_revalidate")?,
        max_bytes: row.get("cache_max_bytes")?,
        max_entry_bytes: row.get("cache_max_entry_bytes")?,
        follow: follow(row)?,
        rules,
    })
}

fn follow(row: &Row<'_>) -> Result<Follow, StoreError> {
    let follow: String = row.get("cache_follow")?;
    match follow.as_str() {
        FOLLOW_NOTHING => Ok(Follow::Nothing),
        FOLLOW_BINLOG => Ok(Follow::Binlog),
        other => Err(StoreError::Damaged(format!(
            "`{other}` is nothing to follow"
        ))),
    }
}

fn table_rules(connection: &Connection, hyperdrive: &str) -> Result<Vec<TableRule>, StoreError> {
    let select = "SELECT * FROM cache_rules WHERE hyperdrive_id = ?1 ORDER BY position";
    all(connection, select, [hyperdrive], |row| {
        Ok(TableRule {
            database: row.get("table_database")?,
            table: row.get("table_name")?,
            keep: time_limit(row, "max_age")?.map_or(Keep::Never, Keep::For),
        })
    })
}

fn time_limit(row: &Row<'_>, column: &str) -> Result<Option<Duration>, StoreError> {
    let millis: Option<u64> = row.get(column)?;
    Ok(millis.map(Duration::from_millis))
}

fn duration(row: &Row<'_>, column: &str) -> Result<Duration, StoreError> {
    Ok(Duration::from_millis(row.get(column)?))
}

/// Reads an id of a table.
pub(crate) fn id<T: FromStr>(table: &str, text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Damaged(format!("`{text}` in {table} is no id")))
}

fn all<T>(
    connection: &Connection,
    select: &str,
    of: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query(of)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}
