//! What the table `edge.hyperdrives.cache` means.

use std::collections::HashSet;

use domain::{CachePolicy, Keep, TableName, TableRule};
use toml::Spanned;

use super::{Meaning, placed};
use crate::value::{MaxAge, Text};
use crate::written::EntrySize;
use crate::{size, written};

impl Meaning {
    /// The cache is off unless it is asked for: only who operates the origin knows whether anybody
    /// writes to it past the edge.
    pub(super) fn cache(&mut self, cache: Option<written::Cache>) -> CachePolicy {
        let default = CachePolicy {
            enabled: false,
            ..CachePolicy::default()
        };
        let Some(cache) = cache else {
            return default;
        };
        let max_bytes = cache.max_bytes.map_or(default.max_bytes, |max| max.0.0);
        CachePolicy {
            enabled: cache.enabled.map_or(default.enabled, |on| on.0),
            max_age: cache.max_age.map_or(default.max_age, |age| age.0.0),
            stale_while_revalidate: cache
                .stale_while_revalidate
                .map_or(default.stale_while_revalidate, |stale| stale.0.0),
            max_bytes,
            max_entry_bytes: cache
                .max_entry_bytes
                .map_or(default.max_entry_bytes, |max| {
                    self.max_entry_bytes(max, max_bytes)
                }),
            follow: cache.follow.map_or(default.follow, |follow| follow.0),
            rules: self.table_rules(cache.tables),
        }
    }

    fn max_entry_bytes(&mut self, max: Spanned<Text<EntrySize>>, all: usize) -> usize {
        let (max, span) = placed(max);
        if max.0 > all {
            let all = u64::try_from(all).unwrap_or(u64::MAX);
            self.complain(
                span,
                format!(
                    "one result may not take more than all together: `max_bytes` is {}",
                    size::show(all)
                ),
            );
        }
        max.0
    }

    fn table_rules(&mut self, tables: Vec<Spanned<written::CacheTable>>) -> Vec<TableRule> {
        let mut seen = HashSet::new();
        tables
            .into_iter()
            .filter_map(|table| self.table_rule(table, &mut seen))
            .collect()
    }

    fn table_rule(
        &mut self,
        rule: Spanned<written::CacheTable>,
        seen: &mut HashSet<String>,
    ) -> Option<TableRule> {
        let span = rule.span();
        let rule = rule.into_inner();
        let never = rule.never.is_some_and(|never| never.0);
        let keep = match (never, rule.max_age.map(placed)) {
            (true, None) => Some(Keep::Never),
            (false, Some((MaxAge(age), _))) => Some(Keep::For(age)),
            (true, Some((_, span))) => {
                self.complain(span, "what is never kept has no age: `never` is true");
                None
            }
            (false, None) => {
                self.complain(
                    span.clone(),
                    "the rule says nothing of the table's results; give `never = true` or `max_age`",
                );
                None
            }
        };
        let Some((table, table_span)) = rule.table.map(placed) else {
            self.complain(
                span,
                "the rule has no `table`; write database.table, or table (in any database)",
            );
            return None;
        };
        // Whether their case matters depends on the origin, so no rule relies on it.
        if !seen.insert(table.to_string().to_lowercase()) {
            self.complain(table_span, "there is a rule for this table already");
        }
        let TableName { database, table } = table;
        Some(TableRule {
            database,
            table,
            keep: keep?,
        })
    }
}
