//! The system variables that a session carries from connection to connection, and how a server
//! spells them.
//!
//! Each of them is its session's own, takes `DEFAULT` and its own value as a literal, and sets no
//! other of them along, in every server that has it and lets it be set: seen by changing each and
//! taking it back on MariaDB 10.11, MySQL 9.7 and TiDB 8.4. What is not here pins. Left out on
//! purpose:
//!
//! - what is no setting but a state or an event: `timestamp`, `insert_id`, `last_insert_id`,
//!   `identity`, `rand_seed1`, `rand_seed2`, `gtid_next`, `gtid_seq_no`, `pseudo_thread_id` and all
//!   `pseudo_…`, `tx_read_ts`, `tx_isolation_one_shot`;
//! - what changes what the server tells of a session, or keeps of it: `resultset_metadata`,
//!   `profiling`, `optimizer_trace…`, `debug…`;
//! - what a replica or an administrator's tool sets: `sql_log_bin`, `binlog_…`, `original_…`,
//!   `skip_replication`, `server_id`, `wsrep_on`;
//! - one of two names of the same variable, or one that sets others along: `max_join_size` sets
//!   `sql_big_selects`; `storage_engine`, `alter_algorithm`, `log_slow_query_time`,
//!   `tmp_memory_table_size`, `max_delayed_threads`, `wsrep_causal_reads`;
//!   `character_set_server` and `…_database` with their collations;
//!   `default_collation_for_utf8mb4` and `character_set_collations`, which decide what `SET
//!   NAMES` makes of a session;
//! - what TiDB sets for all its sessions though it takes a `SET` without `GLOBAL` for it;
//! - what is a moment of the session's own time zone: `tidb_snapshot`, `system_versioning_asof`.

use crate::assignment::Value;

/// The canonical names of what a transaction may have of its own.
pub(crate) const ISOLATION: &str = "transaction_isolation";
pub(crate) const READ_ONLY: &str = "transaction_read_only";

/// Shortest `wait_timeout` that is carried, in seconds. With a shorter one the origin would close
/// connections that the pool still counts on, or that another session is about to get.
const SHORTEST_TIMEOUT: u64 = 3600;

/// How a variable is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// As the literal that it is set to.
    Plain,
    /// A literal changes a part of it: it is asked back.
    Partly,
    /// Only a value that switches it off: on, it changes what statements mean.
    Off,
    /// A character set or collation, unless it hides ASCII; `DEFAULT` depends on the login.
    Charset,
    /// `sql_mode`.
    Mode,
    /// A number of seconds.
    Timeout,
    /// What a transaction may have of its own.
    NextTransaction,
    /// MySQL makes of `DEFAULT` the opposite of the default (seen in 9.7).
    Inverted,
}

impl Carried {
    /// The value as it is carried. `None`: it pins.
    pub(crate) fn check(self, value: Value) -> Option<Value> {
        let Value::Literal(text) = &value else {
            let is_carried = !(self == Self::Off && value == Value::Expression);
            let asks = matches!(self, Self::Charset | Self::Inverted) && value == Value::Default;
            let value = if asks { Value::Expression } else { value };
            return is_carried.then_some(value);
        };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Plain | Self::NextTransaction | Self::Inverted => Some(value),
            Self::Partly => Some(Value::Expression),
            // By the number of a collation, or as a sum of flags.
            Self::Charset if is_number => Some(Value::Expression),
            Self::Mode if is_number && text != "0" => Some(Value::Expression),
            _ => self.accepts(text).then_some(value),
        }
    }

    /// True when the literal, which says all, can be carried.
    fn accepts(self, literal: &str) -> bool {
        let text = literal.trim_matches('\'').to_ascii_lowercase();
        match self {
            Self::Off => matches!(text.as_str(), "0" | "off" | "false" | "no_chain" | ""),
            Self::Charset => !hides_ascii(&text),
            // The first changes the grammar, and the other what `''` is in the `SET` that carries.
            Self::Mode => !(text.contains("oracle") || text.contains("empty_string_is_null")),
            Self::Timeout => literal.parse().is_ok_and(|s: u64| s >= SHORTEST_TIMEOUT),
            _ => true,
        }
    }
}

/// True when a session may carry the variable with this literal, which the server answered.
pub(crate) fn accepts(name: &str, literal: &str) -> bool {
    find(canonical(name)).is_some_and(|carried| carried.accepts(literal))
}

/// True for a variable that `SET NAMES` sets along: on it may depend which bytes of a statement are
/// letters.
pub fn is_character_set(name: &str) -> bool {
    matches!(
        name,
        "character_set_client"
            | "character_set_connection"
            | "character_set_results"
            | "collation_connection"
    )
}

/// True when a byte of a character may look like a quote or a backslash in this character set or
/// collation: no statement in it can be read safely.
pub(crate) fn hides_ascii(name: &str) -> bool {
    let charset = name.split('_').next().unwrap_or(name);
    matches!(charset, "big5" | "cp932" | "gb18030" | "gbk" | "sjis")
}

/// The one name of a variable that has two.
pub(crate) fn canonical(name: &str) -> &str {
    match name {
        "tx_isolation" => ISOLATION,
        "tx_read_only" => READ_ONLY,
        _ => name,
    }
}

/// True for hints to the optimizer with a `SET_VAR` that may hold beyond its statement.
///
/// Servers put a variable back by setting it to what it was. That makes another thing of those that
/// are no settings (`timestamp` stands still from then on, `insert_id` is 0 for the next `INSERT`:
/// MySQL 9.7, TiDB 8.4), and leaves what they set along. None of these is carried.
pub(crate) fn may_leave_set(hints: &[u8]) -> bool {
    const SETS: &[u8] = b"SET_VAR";
    let begins = |part: &[u8]| part.eq_ignore_ascii_case(SETS);
    let mut rest = hints;
    while let Some(at) = rest.windows(SETS.len()).position(begins) {
        rest = rest
            .get(at.saturating_add(SETS.len())..)
            .unwrap_or_default();
        let carried = set_name(rest).and_then(|name| find(canonical(&name)));
        if carried.is_none() {
            return true;
        }
    }
    false
}

/// The name in `(name = value)`, in lower case.
fn set_name(text: &[u8]) -> Option<String> {
    let text = text
        .trim_ascii_start()
        .strip_prefix(b"(")?
        .trim_ascii_start();
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let len = text.iter().position(|byte| !is_of_name(byte))?;
    let (name, behind) = text.split_at_checked(len)?;
    let is_whole = behind.trim_ascii_start().starts_with(b"=");
    let name = str::from_utf8(name).ok().filter(|_| is_whole)?;
    Some(name.to_ascii_lowercase())
}

/// How a variable is carried, by its canonical name in lower case. `None`: it pins.
pub(crate) fn find(name: &str) -> Option<Carried> {
    if let Ok(at) = CARRIED.binary_search_by(|(known, _)| (*known).cmp(name)) {
        return CARRIED.get(at).map(|&(_, carried)| carried);
    }
    // All others of TiDB's own have a default, and none sets another along.
    let is_tidbs = name.starts_with("tidb_") || name.starts_with("tiflash_");
    let is_left_out =
        name.starts_with("tidb_last_") || TIDB_LEFT_OUT.contains(&name) || is_of_instance(name);
    (is_tidbs && !is_left_out && name.len() <= 64).then_some(Carried::Plain)
}

/// True for a variable whose value TiDB folds into the plan that it keeps of a prepared statement,
/// and finds again by the text alone.
pub(crate) fn is_of_plan(name: &str) -> bool {
    matches!(name, "div_precision_increment" | "default_week_format")
}

/// True for a variable of the server process, which TiDB lets a session set by a plain `SET` while
/// `tidb_enable_legacy_instance_scope` is on, its default: that holds for all sessions.
///
/// Those that `information_schema.variables_info` of TiDB 8.4 says to be so, and
/// <https://docs.pingcap.com/tidb/stable/system-variables/> of earlier ones.
pub(crate) fn is_of_instance(name: &str) -> bool {
    TIDB_OF_INSTANCE.contains(&name)
}

const TIDB_OF_INSTANCE: [&str; 26] = [
    "tidb_check_mb4_value_in_utf8",
    "tidb_config",
    "tidb_ddl_slow_opr_threshold",
    "tidb_enable_collect_execution_info",
    "tidb_enable_ddl",
    "tidb_enable_slow_log",
    "tidb_enable_stats_owner",
    "tidb_expensive_query_time_threshold",
    "tidb_expensive_txn_time_threshold",
    "tidb_force_priority",
    "tidb_general_log",
    "tidb_log_file_max_days",
    "tidb_memory_usage_alarm_ratio",
    "tidb_pprof_sql_cpu",
    "tidb_query_log_max_len",
    "tidb_rc_read_check_ts",
    "tidb_record_plan_in_slow_log",
    "tidb_service_scope",
    "tidb_slow_log_masking",
    "tidb_slow_log_threshold",
    "tidb_stmt_summary_enable_persistent",
    "tidb_stmt_summary_file_max_backups",
    "tidb_stmt_summary_file_max_days",
    "tidb_stmt_summary_file_max_size",
    "tidb_stmt_summary_filename",
    "tidb_store_limit",
];

/// A moment of the session's time zone, a switch of what `SET` means, another name of
/// `tidb_session_plan_cache_size`, and what can only be read.
const TIDB_LEFT_OUT: [&str; 4] = [
    "tidb_current_ts",
    "tidb_enable_legacy_instance_scope",
    "tidb_prepared_plan_cache_size",
    "tidb_snapshot",
];

/// The name by which a server knows a variable of an [`Assignment`](crate::Assignment).
///
/// `version` is that of its greeting. MariaDB has `transaction_isolation` and
/// `transaction_read_only` since 11.1.1; before, only `tx_isolation` and `tx_read_only`
/// (<https://mariadb.com/kb/en/server-system-variables/>).
pub fn spelling<'a>(name: &'a str, version: &str) -> &'a str {
    if !is_mariadb_before_11_1(version) {
        return name;
    }
    match name {
        ISOLATION => "tx_isolation",
        READ_ONLY => "tx_read_only",
        _ => name,
    }
}

/// What to set a variable to so that it is as on a new connection: `DEFAULT`, but for those of
/// which MySQL makes the opposite then.
///
/// Not for the character sets and `collation_connection`, which a new connection has from its
/// login.
pub fn initial(name: &str) -> &'static str {
    match name {
        "foreign_key_checks" => "@@GLOBAL.foreign_key_checks",
        "unique_checks" => "@@GLOBAL.unique_checks",
        _ => "DEFAULT",
    }
}

fn is_mariadb_before_11_1(version: &str) -> bool {
    mariadb_release(version).is_some_and(|release| release < (11, 1))
}

/// The release of a MariaDB by the version of its greeting. `None`: it is another server.
pub fn mariadb_release(version: &str) -> Option<(u32, u32)> {
    if !version.contains("MariaDB") {
        return None;
    }
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut numbers = version
        .split(|letter: char| !letter.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    Some((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

mod table;
pub(crate) use table::CARRIED;

#[cfg(test)]
mod tests;
