//! The system variables that a session carries from connection to connection, and how a server
//! spells them.

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
        "transaction_isolation" => "tx_isolation",
        "transaction_read_only" => "tx_read_only",
        _ => name,
    }
}

fn is_mariadb_before_11_1(version: &str) -> bool {
    if !version.contains("MariaDB") {
        return false;
    }
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut numbers = version
        .split(|letter: char| !letter.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    release < (11, 1)
}

/// True when a session may carry the variable with this literal.
pub(crate) fn accepts(name: &str, _literal: &str) -> bool {
    name == "time_zone"
}
