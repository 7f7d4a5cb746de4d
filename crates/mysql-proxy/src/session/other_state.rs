//! What a session may have set to read another state than what is committed at present. Nothing of
//! it is kept.

use super::Session;
use crate::cache::Bypass;

/// Variables of MariaDB's and TiDB's by which a session reads another state than the present one.
const READS_OTHERWISE: [&str; 6] = [
    "system_versioning_asof",
    "tidb_snapshot",
    "tidb_read_staleness",
    "tidb_low_resolution_tso",
    "tidb_read_consistency",
    "tidb_enable_external_ts_read",
];

impl Session {
    /// Why none may because of what the session has set.
    pub(super) fn reads_another_state(&self) -> Option<Bypass> {
        let isolation = self.state.variable("transaction_isolation");
        if isolation.is_some_and(may_read_uncommitted) {
            return Some(Bypass::ReadUncommitted);
        }
        let mut names = READS_OTHERWISE.iter();
        let is_set = names.any(|name| self.state.variable(name).is_some());
        is_set.then_some(Bypass::SessionVariable)
    }
}

/// False for a literal that surely is a level at which only what is committed is read. (Levels also
/// have numbers, and two of them are truth values.)
fn may_read_uncommitted(level: &str) -> bool {
    const SAFE: [&str; 3] = ["READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"];
    let name = level.trim_matches('\'');
    !SAFE.iter().any(|safe| safe.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_levels_read_what_is_committed() {
        for safe in [
            "'READ-COMMITTED'",
            "'repeatable-read'",
            "'Serializable'",
            "SERIALIZABLE",
        ] {
            assert!(!may_read_uncommitted(safe), "{safe}");
        }
        for other in ["'READ-UNCOMMITTED'", "0", "-0", "'0'", "FALSE", "1", "''"] {
            assert!(may_read_uncommitted(other), "{other}");
        }
    }
}
