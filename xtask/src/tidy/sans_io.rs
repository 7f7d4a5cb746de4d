//! The crates that hold protocols take bytes and the time as arguments: no socket, no clock, no
//! runtime. That is what lets tests feed them every byte sequence, and lets them compile to wasm.

use super::Violation;
use super::tree::Tree;

const CRATES: [&str; 4] = ["domain", "mysql-proto", "mysql-sql", "tunnel-proto"];

/// What may not stand in their shipped code.
const FORBIDDEN: [&str; 7] = [
    "tokio::",
    "std::net::",
    "std::fs",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime",
];

/// Addresses are data, although the standard library keeps them with the sockets.
const ADDRESSES: [&str; 4] = ["IpAddr", "Ipv4Addr", "Ipv6Addr", "SocketAddr"];

/// No shipped line of a sans-IO crate names a socket, a clock or a runtime.
pub(super) fn purity(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in tree
        .manifests()
        .filter(|it| CRATES.contains(&it.name.as_str()))
    {
        if manifest
            .dependencies("dependencies")
            .any(|(name, _)| name == "tokio")
        {
            let message = "a sans-IO crate has no runtime: bytes and `now` in, events out";
            violations.push(Violation::of_file(manifest.path, message));
        }
    }
    let files = tree
        .rust()
        .filter(|file| file.crate_name().is_some_and(|it| CRATES.contains(&it)));
    for file in files {
        for (number, line) in file.shipped_lines() {
            let code = line.split("//").next().unwrap_or_default();
            if ADDRESSES.iter().any(|address| code.contains(address)) {
                continue;
            }
            if let Some(word) = FORBIDDEN.iter().find(|word| code.contains(**word)) {
                let message = format!("`{word}` in a sans-IO crate: take it as an argument");
                violations.push(Violation::at(&file.path, number, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_sockets_and_runtimes_are_found() {
        let tree = Tree::of(&[
            (
                "crates/mysql-proto/src/a.rs",
                "let now = Instant::now();\nuse tokio::net;\n",
            ),
            (
                "crates/mysql-proto/src/b.rs",
                "use std::net::IpAddr;\n/// Not `tokio::net`.\n",
            ),
            ("crates/net/src/tcp.rs", "use tokio::net::TcpStream;\n"),
            (
                "crates/mysql-sql/Cargo.toml",
                "[package]\nname = \"mysql-sql\"\n[dependencies]\ntokio.workspace = true\n",
            ),
        ]);
        let found = purity(&tree);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[1].line, 1);
    }
}
