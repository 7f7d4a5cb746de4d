//! The layers of the workspace: who may use whom. The table is ARCHITECTURE.md's, as data.

use super::Violation;
use super::tree::{Manifest, Tree};

/// A crate of ours, and the crates of ours that it may depend on.
struct Layer {
    /// The lowest is 0.
    level: u8,
    name: &'static str,
    may_use: &'static [&'static str],
}

const fn layer(level: u8, name: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer {
        level,
        name,
        may_use,
    }
}

/// Bottom first; an arrow only points down.
const LAYERS: [Layer; 21] = [
    layer(0, "domain", &[]),
    layer(0, "mysql-proto", &[]),
    layer(0, "mysql-sql", &[]),
    layer(0, "tunnel-proto", &["domain"]),
    layer(0, "conn-pool", &[]),
    layer(0, "query-cache", &[]),
    layer(0, "net", &["domain"]),
    layer(0, "mysql-client", &["net", "mysql-proto"]),
    layer(0, "telemetry", &[]),
    layer(1, "config", &["domain"]),
    layer(
        1,
        "mysql-proxy",
        &[
            "domain",
            "net",
            "mysql-client",
            "mysql-proto",
            "mysql-sql",
            "conn-pool",
            "query-cache",
        ],
    ),
    layer(1, "tunnel-edge", &["domain", "net", "tunnel-proto"]),
    layer(1, "tunnel-connector", &["domain", "net", "tunnel-proto"]),
    layer(1, "control-store", &["domain"]),
    layer(1, "demo-origin", &["domain", "net", "mysql-proto"]),
    layer(
        1,
        "testkit",
        &["domain", "net", "mysql-proto", "tunnel-proto"],
    ),
    layer(
        3,
        "app",
        &[
            "domain",
            "mysql-proto",
            "mysql-sql",
            "tunnel-proto",
            "conn-pool",
            "net",
            "telemetry",
            "config",
            "mysql-proxy",
            "tunnel-edge",
            "tunnel-connector",
            "control-store",
            "demo-origin",
        ],
    ),
    // The demo brings a database and asks it as a client would; the rest is what commands print.
    // The engines and the store it reaches through `app` only.
    layer(
        4,
        "tidegate",
        &[
            "app",
            "config",
            "domain",
            "telemetry",
            "demo-origin",
            "mysql-client",
            "mysql-proto",
            "net",
            "tunnel-connector",
            "tunnel-proto",
        ],
    ),
    // Its own client shows every byte of a reply.
    layer(
        4,
        "e2e",
        &["app", "testkit", "net", "mysql-client", "mysql-proto"],
    ),
    // Nothing of ours is to be in it that could cost time.
    layer(4, "echo-server", &["mysql-proto"]),
    // The clients of a benchmark log in as clients do.
    layer(4, "xtask", &["mysql-client", "mysql-proto", "testkit"]),
];

/// Arrows that are wrong for a reason of their own, which is worth more than "not in the table".
const FORBIDDEN: [(&str, &str, &str); 5] = [
    (
        "mysql-proxy",
        "tunnel-edge",
        "they meet in `app`, through `Arc<dyn net::Dial>`",
    ),
    (
        "tunnel-edge",
        "mysql-proxy",
        "they meet in `app`, through `Arc<dyn net::Dial>`",
    ),
    (
        "mysql-proxy",
        "control-store",
        "the data plane serves on without the store",
    ),
    (
        "tunnel-edge",
        "control-store",
        "the data plane serves on without the store",
    ),
    (
        "tunnel-connector",
        "control-store",
        "the data plane serves on without the store",
    ),
];

/// Only for tests, whatever the layer.
const DEV_ONLY: &str = "testkit";

/// anyhow erases what went wrong, which is for whoever only prints it.
const MAY_USE_ANYHOW: [&str; 5] = ["tidegate", "app", "xtask", "testkit", "e2e"];

/// Each crate depends only on crates of ours below it. Its tests may also use those beside it.
pub(super) fn dependencies(tree: &Tree) -> Vec<Violation> {
    tree.manifests()
        .flat_map(|manifest| check(&manifest))
        .collect()
}

fn check(manifest: &Manifest<'_>) -> Vec<Violation> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == manifest.name) else {
        let message = format!(
            "`{}` has no layer: add it to xtask/src/tidy/layers.rs",
            manifest.name
        );
        return vec![Violation::of_file(manifest.path, message)];
    };
    let mut violations = Vec::new();
    for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
        for (name, _) in manifest.dependencies(kind) {
            if let Some(message) = refusal(layer, name, kind == "dev-dependencies") {
                violations.push(Violation::of_file(manifest.path, message));
            }
        }
    }
    violations
}

/// Why a crate may not have a dependency.
fn refusal(layer: &Layer, name: &str, is_dev: bool) -> Option<String> {
    if !LAYERS.iter().any(|layer| layer.name == name) || layer.may_use.contains(&name) {
        return None;
    }
    let user = layer.name;
    let forbidden = FORBIDDEN
        .iter()
        .find(|(from, to, _)| *from == user && *to == name);
    if let Some((_, _, reason)) = forbidden {
        return Some(format!("`{user}` must not know `{name}`: {reason}"));
    }
    if is_dev && (name == DEV_ONLY || !is_above(name, layer)) {
        return None;
    }
    let allowed = layer.may_use.join(", ");
    Some(format!(
        "`{user}` may use of ours only [{allowed}], not `{name}`: arrows point down"
    ))
}

fn is_above(upper: &str, layer: &Layer) -> bool {
    LAYERS
        .iter()
        .any(|other| other.name == upper && other.level > layer.level)
}

/// Libraries have an error type of their own.
pub(super) fn anyhow(tree: &Tree) -> Vec<Violation> {
    tree.manifests()
        .filter(|manifest| !MAY_USE_ANYHOW.contains(&manifest.name.as_str()))
        .filter(|manifest| {
            manifest
                .dependencies("dependencies")
                .any(|(name, _)| name == "anyhow")
        })
        .map(|manifest| {
            let message = "a library's errors are a type of its own (thiserror), not anyhow";
            Violation::of_file(manifest.path, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, table: &str, dependency: &str) -> Vec<Violation> {
        let text =
            format!("[package]\nname = \"{name}\"\n[{table}]\n{dependency}.workspace = true\n");
        let tree = Tree::of(&[("crates/a/Cargo.toml", &text)]);
        [dependencies(&tree), anyhow(&tree)].concat()
    }

    #[test]
    fn arrows_down_are_fine() {
        assert!(found("mysql-proxy", "dependencies", "net").is_empty());
        assert!(found("mysql-proxy", "dependencies", "bytes").is_empty());
        assert!(found("conn-pool", "dev-dependencies", "testkit").is_empty());
        assert!(found("tunnel-edge", "dev-dependencies", "tunnel-connector").is_empty());
        assert!(found("app", "dependencies", "anyhow").is_empty());
    }

    #[test]
    fn arrows_up_are_found() {
        assert_eq!(found("domain", "dependencies", "net").len(), 1);
        assert_eq!(found("domain", "dev-dependencies", "app").len(), 1);
        assert_eq!(
            found("tunnel-edge", "dependencies", "tunnel-connector").len(),
            1
        );
        assert_eq!(found("net", "dependencies", "testkit").len(), 1);
    }

    #[test]
    fn the_two_engines_that_must_not_meet_are_found_with_the_reason() {
        let found = found("mysql-proxy", "dev-dependencies", "tunnel-edge");
        assert!(found[0].message.contains("they meet in `app`"), "{found:?}");
    }

    #[test]
    fn the_store_in_the_data_plane_is_found() {
        let found = found("tunnel-edge", "dependencies", "control-store");
        assert!(found[0].message.contains("serves on"), "{found:?}");
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        assert!(
            found("new", "dependencies", "bytes")[0]
                .message
                .contains("no layer")
        );
    }

    #[test]
    fn anyhow_in_a_library_is_found() {
        assert_eq!(found("net", "dependencies", "anyhow").len(), 1);
        assert!(found("net", "dev-dependencies", "anyhow").is_empty());
    }
}
