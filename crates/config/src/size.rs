//! Sizes of memory as people write them: a whole number and a unit.

/// Bytes in each unit, the largest first.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads `512kB`, `64MiB` or `1GB`, in bytes; what no number can hold is the largest number.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let bytes = UNITS.iter().find(|(name, _)| *name == unit);
    match bytes {
        Some((_, bytes)) if !number.is_empty() => {
            let number = number.parse().unwrap_or(u64::MAX);
            Ok(bytes.saturating_mul(number))
        }
        _ => Err(format!(
            "`{text}` is not a size; allowed: a whole number with a unit (B, kB, MB, GB, KiB, MiB \
             or GiB), as in \"512kB\" or \"64MiB\""
        )),
    }
}

/// Writes it with the largest unit that needs no fraction.
pub(crate) fn show(bytes: u64) -> String {
    let (unit, each) = UNITS
        .into_iter()
        .find(|(_, each)| bytes.is_multiple_of(*each) && bytes > 0)
        .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        for (text, bytes) in [
            ("0B", 0),
            ("7B", 7),
            ("2kB", 2_000),
            ("2MB", 2_000_000),
            ("2GB", 2_000_000_000),
            ("2KiB", 2_048),
            ("2MiB", 2_097_152),
            ("2GiB", 2_147_483_648),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
            assert_eq!(show(bytes), text);
        }
    }

    #[test]
    fn what_is_too_large_for_a_number_is_not_small() {
        for text in ["99999999999999999999B", "18446744073709551615GiB"] {
            assert_eq!(parse(text), Ok(u64::MAX), "{text}");
        }
    }

    #[test]
    fn shows_no_fraction() {
        assert_eq!(show(1_500_000), "1500kB");
        assert_eq!(show(1 << 40), "1024GiB");
        assert_eq!(show(1_001), "1001B");
    }

    #[test]
    fn refuses_what_is_not_meant() {
        for text in [
            "", "64", "MiB", "64 MiB", "-1MiB", "1.5MiB", "64M", "64mib", "64Mb", "64KB", "6４MB",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
