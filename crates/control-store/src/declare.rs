//! Replaces the state by what is declared, keeping what was made for those that stay.

use std::collections::HashMap;
use std::time::Duration;

use domain::{
    DeclaredHyperdrive, DeclaredTunnel, DeclaredVia, ExposeSecret as _, Follow, HyperdriveId, Keep,
    OriginTls, SecretSlice, SecretString, TableRule, TunnelId,
};
use rusqlite::{Transaction, named_params};

use crate::rows::{self, HYPERDRIVES, ORIGIN_PASSWORD, PASSWORD, SECRET, TUNNELS};
use crate::sealing::{Place, Sealer};
use crate::{StoreError, random};

const INSERT_HYPERDRIVE: &str = "
    INSERT INTO hyperdrives (
        id, name, user, password_sealed, password_made, origin_host, origin_port,
        tunnel_id, tls_mode, tls_roots_pem, origin_user, origin_password_sealed,
        origin_database, pool_max, pool_max_waiting, pool_wait_timeout,
        pool_connect_timeout, pool_idle_timeout, pool_max_lifetime, cache_enabled,
        cache_max_age, cache_stale_while_revalidate, pool_min, pool_max_statements,
        limit_user_connections, limit_query_timeout, limit_transaction_timeout,
        limit_idle_transaction_timeout, cache_max_bytes, cache_max_entry_bytes,
        cache_follow)
    VALUES (
        :id, :name, :user, :password_sealed, :password_made, :origin_host, :origin_port,
        :tunnel_id, :tls_mode, :tls_roots_pem, :origin_user, :origin_password_sealed,
        :origin_database, :pool_max, :pool_max_waiting, :pool_wait_timeout,
        :pool_connect_timeout, :pool_idle_timeout, :pool_max_lifetime, :cache_enabled,
        :cache_max_age, :cache_stale_while_revalidate, :pool_min, :pool_max_statements,
        :limit_user_connections, :limit_query_timeout, :limit_transaction_timeout,
        :limit_idle_transaction_timeout, :cache_max_bytes, :cache_max_entry_bytes,
        :cache_follow)";

/// What a row with this name had: its id, and its sealed secret if the store made that.
struct Kept {
    id: String,
    made: Option<Vec<u8>>,
}

/// Replaces all hyperdrives and tunnels.
///
/// All rows are deleted and written again, rather than changed one by one: then two that exchange
/// a unique value (a user, an id) do not collide half-way.
pub(crate) fn replace(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    hyperdrives: &[DeclaredHyperdrive],
    tunnels: &[DeclaredTunnel],
) -> Result<(), StoreError> {
    let kept_hyperdrives = kept(
        transaction,
        "SELECT name, id, password_sealed, password_made FROM hyperdrives",
    )?;
    let kept_tunnels = kept(
        transaction,
        "SELECT name, id, secret_sealed, secret_made FROM tunnels",
    )?;
    transaction
        .execute_batch("DELETE FROM cache_rules; DELETE FROM hyperdrives; DELETE FROM tunnels;")?;
    let mut tunnel_ids = HashMap::new();
    for tunnel in tunnels {
        let id = insert_tunnel(transaction, sealer, tunnel, kept_tunnels.get(&tunnel.name))?;
        tunnel_ids.insert(tunnel.name.as_str(), id);
    }
    for hyperdrive in hyperdrives {
        let tunnel_id = match &hyperdrive.origin.via {
            DeclaredVia::Direct => None,
            DeclaredVia::Tunnel(name) => match tunnel_ids.get(name.as_str()) {
                Some(id) => Some(*id),
                None => return Err(StoreError::UnknownTunnel(name.clone())),
            },
        };
        let kept = kept_hyperdrives.get(&hyperdrive.name);
        insert_hyperdrive(transaction, sealer, hyperdrive, tunnel_id, kept)?;
    }
    Ok(())
}

fn kept(transaction: &Transaction<'_>, select: &str) -> Result<HashMap<String, Kept>, StoreError> {
    let mut statement = transaction.prepare(select)?;
    let rows = statement.query_map([], |row| {
        let sealed: Vec<u8> = row.get(2)?;
        let made: bool = row.get(3)?;
        Ok((
            row.get(0)?,
            Kept {
                id: row.get(1)?,
                made: made.then_some(sealed),
            },
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn insert_tunnel(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    tunnel: &DeclaredTunnel,
    kept: Option<&Kept>,
) -> Result<TunnelId, StoreError> {
    let kept_id = kept.map(|kept| rows::id(TUNNELS, &kept.id)).transpose()?;
    let id = tunnel.id.or(kept_id).unwrap_or_else(TunnelId::random);
    let row = id.to_string();
    let secret = match (&tunnel.secret, kept) {
        (Some(secret), _) => secret.clone(),
        (
            None,
            Some(Kept {
                id,
                made: Some(made),
            }),
        ) => sealer.unseal(made, place(TUNNELS, SECRET, id))?,
        (None, _) => SecretSlice::from(random::key()?.to_vec()),
    };
    transaction.execute(
        "INSERT INTO tunnels (id, name, account, secret_sealed, secret_made)
         VALUES (:id, :name, :account, :secret_sealed, :secret_made)",
        named_params! {
            ":id": row,
            ":name": tunnel.name,
            ":account": tunnel.account.0,
            ":secret_sealed": sealer.seal(secret.expose_secret(), place(TUNNELS, SECRET, &row))?,
            ":secret_made": tunnel.secret.is_none(),
        },
    )?;
    Ok(id)
}

fn insert_hyperdrive(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    hyperdrive: &DeclaredHyperdrive,
    tunnel_id: Option<TunnelId>,
    kept: Option<&Kept>,
) -> Result<(), StoreError> {
    let id = kept.map_or_else(
        || HyperdriveId::random().to_string(),
        |kept| kept.id.clone(),
    );
    let password = password(sealer, hyperdrive, kept)?;
    let seal = |column, secret: &SecretString| {
        sealer.seal(
            secret.expose_secret().as_bytes(),
            place(HYPERDRIVES, column, &id),
        )
    };
    let DeclaredHyperdrive {
        origin,
        pool,
        limits,
        cache,
        ..
    } = hyperdrive;
    let (tls_mode, tls_roots_pem) = tls(&origin.tls);
    transaction.execute(
        INSERT_HYPERDRIVE,
        named_params! {
            ":id": id,
            ":name": hyperdrive.name,
            ":user": hyperdrive.user,
            ":password_sealed": seal(PASSWORD, &password)?,
            ":password_made": hyperdrive.password.is_none(),
            ":origin_host": origin.address.host,
            ":origin_port": origin.address.port,
            ":tunnel_id": tunnel_id.map(|id| id.to_string()),
            ":tls_mode": tls_mode,
            ":tls_roots_pem": tls_roots_pem,
            ":origin_user": origin.user,
            ":origin_password_sealed": seal(ORIGIN_PASSWORD, &origin.password)?,
            ":origin_database": origin.database,
            ":pool_max": number(pool.max),
            ":pool_max_waiting": number(pool.max_waiting),
            ":pool_wait_timeout": millis(pool.wait_timeout),
            ":pool_connect_timeout": millis(pool.connect_timeout),
            ":pool_idle_timeout": millis(pool.idle_timeout),
            ":pool_max_lifetime": millis(pool.max_lifetime),
            ":cache_enabled": cache.enabled,
            ":cache_max_age": millis(cache.max_age),
            ":cache_stale_while_revalidate": millis(cache.stale_while_revalidate),
            ":pool_min": number(pool.min),
            ":pool_max_statements": number(pool.max_statements),
            ":limit_user_connections": limits.max_user_connections.map(number),
            ":limit_query_timeout": limits.query_timeout.map(millis),
            ":limit_transaction_timeout": limits.transaction_timeout.map(millis),
            ":limit_idle_transaction_timeout": limits.idle_transaction_timeout.map(millis),
            ":cache_max_bytes": number(cache.max_bytes),
            ":cache_max_entry_bytes": number(cache.max_entry_bytes),
            ":cache_follow": follow(cache.follow),
        },
    )?;
    insert_rules(transaction, &id, &cache.rules)
}

fn insert_rules(
    transaction: &Transaction<'_>,
    hyperdrive: &str,
    rules: &[TableRule],
) -> Result<(), StoreError> {
    for (position, rule) in rules.iter().enumerate() {
        transaction.execute(
            "INSERT INTO cache_rules (
                 hyperdrive_id, position, table_database, table_name, max_age)
             VALUES (:hyperdrive_id, :position, :table_database, :table_name, :max_age)",
            named_params! {
                ":hyperdrive_id": hyperdrive,
                ":position": number(position),
                ":table_database": rule.database,
                ":table_name": rule.table,
                ":max_age": match rule.keep {
                    Keep::Never => None,
                    Keep::For(age) => Some(millis(age)),
                },
            },
        )?;
    }
    Ok(())
}

/// The password that is declared, else the one that was made, else a new one. One that was declared
/// and is no longer is not kept: whoever took it out of the file wants it gone.
fn password(
    sealer: &Sealer,
    hyperdrive: &DeclaredHyperdrive,
    kept: Option<&Kept>,
) -> Result<SecretString, StoreError> {
    match (&hyperdrive.password, kept) {
        (Some(password), _) => Ok(password.clone()),
        (
            None,
            Some(Kept {
                id,
                made: Some(made),
            }),
        ) => sealer.unseal_text(made, place(HYPERDRIVES, PASSWORD, id)),
        (None, _) => random::password(),
    }
}

fn tls(tls: &OriginTls) -> (&'static str, Option<&str>) {
    match tls {
        OriginTls::Disabled => (rows::TLS_DISABLED, None),
        OriginTls::Required => (rows::TLS_REQUIRED, None),
        OriginTls::VerifyCa { roots_pem } => (rows::TLS_VERIFY_CA, roots_pem.as_deref()),
        OriginTls::VerifyIdentity { roots_pem } => {
            (rows::TLS_VERIFY_IDENTITY, roots_pem.as_deref())
        }
    }
}

fn follow(follow: Follow) -> &'static str {
    match follow {
        Follow::Nothing => rows::FOLLOW_NOTHING,
        Follow::Binlog => rows::FOLLOW_BINLOG,
    }
}

fn place<'a>(table: &'static str, column: &'static str, row: &'a str) -> Place<'a> {
    Place { table, column, row }
}

/// SQLite's integers have 63 bits; a larger limit is no limit.
fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
