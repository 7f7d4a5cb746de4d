//! What the keys of the cache take: ages, sizes, tables.

use std::time::Duration;

use domain::{CachePolicy, Follow, TableName};

use super::{FromText, choose};
use crate::{duration, size};

/// How long a result is served as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxAge(pub(crate) Duration);

impl FromText for MaxAge {
    const EXPECTED: &str = "an age such as 60s (units: ms, s, m, h)";

    fn from_text(text: &str) -> Result<Self, String> {
        let age = duration::parse(text)?;
        if age > CachePolicy::MAX_AGE {
            return Err(format!("`{text}` is too long for a result; at most 1h"));
        }
        Ok(Self(age))
    }
}

/// How long it is served after that; zero, in any unit, is allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaleFor(pub(crate) Duration);

impl FromText for StaleFor {
    const EXPECTED: &str = "a duration such as 15s, or 0s for not at all (units: ms, s, m, h)";

    fn from_text(text: &str) -> Result<Self, String> {
        if duration::is_zero(text) {
            return Ok(Self(Duration::ZERO));
        }
        MaxAge::from_text(text).map(|MaxAge(age)| Self(age))
    }
}

/// Bytes of memory, from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size<const MIN: u64, const MAX: u64>(pub(crate) usize);

impl<const MIN: u64, const MAX: u64> FromText for Size<MIN, MAX> {
    const EXPECTED: &str = "a size such as 64MiB (units: B, kB, MB, GB, KiB, MiB, GiB)";

    fn from_text(text: &str) -> Result<Self, String> {
        let bytes = size::parse(text)?;
        if bytes < MIN {
            let least = size::show(MIN);
            return Err(format!("`{text}` is too small; at least {least}"));
        }
        // What a machine of 32 bits cannot count it cannot hold either.
        usize::try_from(bytes)
            .ok()
            .filter(|_| bytes <= MAX)
            .map(Self)
            .ok_or_else(|| format!("`{text}` is too large; at most {}", size::show(MAX)))
    }
}

impl FromText for TableName {
    const EXPECTED: &str = "a table such as shop.orders, or orders (in any database)";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error: domain::ParseTableNameError| error.to_string())
    }
}

impl FromText for Follow {
    const EXPECTED: &str = "nothing or binlog";

    fn from_text(text: &str) -> Result<Self, String> {
        choose(
            text,
            &[("nothing", Self::Nothing), ("binlog", Self::Binlog)],
        )
    }
}
