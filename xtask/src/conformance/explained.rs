//! The differences that have a reason: `clients/conformance/differences.toml`.

use anyhow::{Context, Result, bail};
use testkit::DatabaseKind;

use super::origin_name;
use crate::command::root;

const FILE: &str = "clients/conformance/differences.toml";

/// One test whose result differs for a reason.
#[derive(Debug)]
struct Entry {
    driver: String,
    /// Its name; `*` at the end stands for the rest.
    test: String,
    /// The databases with which it differs; empty for all.
    origins: Vec<String>,
    reason: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Explained(Vec<Entry>);

impl Explained {
    /// Reads the list of the checkout.
    pub(super) fn read() -> Result<Self> {
        let text = std::fs::read_to_string(root().join(FILE))?;
        Self::parse(&text).context(FILE)
    }

    fn parse(text: &str) -> Result<Self> {
        let document: toml::Table = toml::from_str(text)?;
        let mut entries = Vec::new();
        for (driver, listed) in &document {
            let listed = listed
                .as_array()
                .context("each driver has an array of tables")?;
            for each in listed {
                entries.push(Entry::parse(driver, each)?);
            }
        }
        Ok(Self(entries))
    }

    /// Why a test of a driver differs with a database, if that is known.
    pub(super) fn reason(&self, driver: &str, origin: DatabaseKind, test: &str) -> Option<&str> {
        let entry = self
            .0
            .iter()
            .find(|entry| entry.covers(driver, origin, test))?;
        Some(&entry.reason)
    }
}

impl Entry {
    fn parse(driver: &str, entry: &toml::Value) -> Result<Self> {
        let value = |key| {
            entry
                .get(key)
                .and_then(toml::Value::as_str)
                .map(str::to_owned)
        };
        let test = value("test").with_context(|| format!("an entry of {driver} has no `test`"))?;
        let reason = value("reason").unwrap_or_default();
        if reason.is_empty() {
            bail!("{driver}: {test} has no `reason`");
        }
        let origins = entry.get("origins").and_then(toml::Value::as_array);
        let origins = origins
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str);
        Ok(Self {
            driver: driver.to_owned(),
            test,
            origins: origins.map(str::to_owned).collect(),
            reason,
        })
    }

    fn covers(&self, driver: &str, origin: DatabaseKind, test: &str) -> bool {
        let is_named = match self.test.strip_suffix('*') {
            Some(begin) => test.starts_with(begin),
            None => test == self.test,
        };
        let origin = origin_name(origin);
        let is_of_origin =
            self.origins.is_empty() || self.origins.iter().any(|name| name == origin);
        self.driver == driver && is_named && is_of_origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_reason_of_a_test() {
        let list = "[[a]]\ntest = 'x*'\nreason = 'r'\norigins = ['tidb']\n[[b]]\ntest = 'y'\nreason = 's'\n";
        let list = Explained::parse(list).unwrap();
        assert_eq!(list.reason("a", DatabaseKind::Tidb, "xyz"), Some("r"));
        assert_eq!(list.reason("a", DatabaseKind::MySql, "xyz"), None);
        assert_eq!(list.reason("b", DatabaseKind::MySql, "y"), Some("s"));
        assert_eq!(list.reason("b", DatabaseKind::MySql, "yz"), None);
    }

    #[test]
    fn a_difference_without_a_reason_is_refused() {
        assert!(Explained::parse("[[a]]\ntest = 'x'\n").is_err());
    }

    #[test]
    fn the_list_of_the_checkout_can_be_read() {
        Explained::read().unwrap();
    }
}
