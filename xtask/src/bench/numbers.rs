//! How figures and versions are written.

use serde_json::{Map, Value, json};

/// More digits than these are noise.
pub(super) fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}

/// A size to the nearest kilobyte, in megabytes.
pub(super) fn megabytes(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) / 1e3
}

/// `1 client`, `16 clients`.
pub(super) fn of_clients(clients: u32) -> String {
    let unit = if clients == 1 { "client" } else { "clients" };
    format!("{clients} {unit}")
}

/// Names and versions on one line.
pub(super) fn versions_text(versions: &[(&str, String)]) -> String {
    let each = versions.iter();
    let each: Vec<_> = each
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    each.join(", ")
}

/// Names, in lower case, and versions.
pub(super) fn versions_json(versions: &[(&str, String)]) -> Value {
    let each = versions.iter();
    let each: Map<_, _> = each
        .map(|(name, version)| (name.to_lowercase(), json!(version)))
        .collect();
    Value::Object(each)
}

/// The first word that looks like a version, of a line that says more.
pub(super) fn version_in(line: &str) -> &str {
    let mut words = line.split_whitespace();
    let is_number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    words.find(is_number).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_version_in_what_programs_say() {
        let haproxy = "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/";
        assert_eq!(version_in(haproxy), "2.6.12-1+deb12u4");
        assert_eq!(version_in("sysbench 1.0.20"), "1.0.20");
        assert_eq!(version_in("unknown"), "unknown");
    }
}
