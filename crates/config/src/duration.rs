//! Durations as people write them: a whole number and a unit.

use std::time::Duration;

/// Longest duration accepted. All of ours are timeouts and ages; more than a day is a wrong unit.
const MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Milliseconds in each unit.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Reads `250ms`, `10s`, `4m` or `1h`; more than zero, at most 24 hours.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let Some((number, per_unit)) = split(text) else {
        return Err(format!(
            "`{text}` is not a duration; allowed: a whole number with a unit (ms, s, m or h), as in \
             \"250ms\", \"10s\" or \"4m\""
        ));
    };
    match number.checked_mul(per_unit).map(Duration::from_millis) {
        Some(Duration::ZERO) => Err("must be longer than zero".to_owned()),
        Some(duration) if duration <= MAX => Ok(duration),
        _ => Err(format!("`{text}` is too long; at most 24h")),
    }
}

/// Whether the text says zero, in whatever unit.
pub(crate) fn is_zero(text: &str) -> bool {
    matches!(split(text), Some((0, _)))
}

/// The number, and the milliseconds of its unit.
fn split(text: &str) -> Option<(u64, u64)> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let per_unit = UNITS
        .iter()
        .find_map(|(name, per_unit)| (*name == unit).then_some(*per_unit))?;
    Some((number.parse().ok()?, per_unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        for (text, millis) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("4m", 240_000),
            ("1h", 3_600_000),
            ("24h", 86_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn knows_zero() {
        for text in ["0s", "0ms", "000m"] {
            assert!(is_zero(text), "{text}");
        }
        for text in ["0", "s", "", "1s", "00.0s"] {
            assert!(!is_zero(text), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_meant() {
        for text in [
            "",
            "10",
            "s",
            "10 s",
            "-1s",
            "1.5s",
            "10sec",
            "1m30s",
            "0s",
            "25h",
            "99999999999999999999s",
            "18446744073709551615h",
            "10S",
            "１０s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
