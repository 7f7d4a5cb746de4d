//! Rules of `Cargo.toml` files: one place for lints, one for versions.

use super::Violation;
use super::tree::Tree;

/// The keys of `[package]` that are the same for every crate.
const INHERITED: [&str; 5] = ["version", "edition", "rust-version", "license", "publish"];

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Each crate takes the lints of the workspace.
pub(super) fn lints(tree: &Tree) -> Vec<Violation> {
    tree.manifests()
        .filter(|manifest| !inherits(manifest.table.get("lints")))
        .map(|manifest| {
            let message = "add `[lints]` with `workspace = true`: no crate has lints of its own";
            Violation::of_file(manifest.path, message)
        })
        .collect()
}

/// Each crate takes edition, promised Rust version and the like from the workspace.
pub(super) fn inherited_package_keys(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in tree.manifests() {
        for key in INHERITED {
            let value = manifest
                .table
                .get("package")
                .and_then(|package| package.get(key));
            if !inherits(value) {
                let message = format!("write `{key}.workspace = true` under `[package]`");
                violations.push(Violation::of_file(manifest.path, message));
            }
        }
    }
    violations
}

/// Versions, paths and sources of dependencies are said once, in the workspace table.
pub(super) fn versions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in tree.manifests() {
        for kind in DEPENDENCY_TABLES {
            for (name, value) in manifest.dependencies(kind) {
                if !inherits(Some(value)) {
                    let message = format!(
                        "`{name}`: put its version under `[workspace.dependencies]` of the root, \
                         and `{name}.workspace = true` here"
                    );
                    violations.push(Violation::of_file(manifest.path, message));
                }
            }
        }
    }
    violations
}

fn inherits(value: Option<&toml::Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(toml::Value::as_bool)
        == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n[dependencies]\nbytes = { workspace = true }\n\
        [lints]\nworkspace = true\n";

    fn tree(text: &str) -> Tree {
        Tree::of(&[("crates/a/Cargo.toml", text)])
    }

    #[test]
    fn a_crate_without_our_lints_is_found() {
        assert!(lints(&tree(GOOD)).is_empty());
        assert_eq!(lints(&tree(&GOOD.replace("[lints]", "[other]"))).len(), 1);
    }

    #[test]
    fn a_crate_with_an_edition_of_its_own_is_found() {
        assert!(inherited_package_keys(&tree(GOOD)).is_empty());
        let own = GOOD.replace("edition.workspace = true", "edition = \"2021\"");
        assert_eq!(inherited_package_keys(&tree(&own)).len(), 1);
    }

    #[test]
    fn a_version_outside_the_workspace_table_is_found() {
        assert!(versions(&tree(GOOD)).is_empty());
        let own = GOOD.replace("{ workspace = true }", "\"1\"");
        assert_eq!(versions(&tree(&own)).len(), 1);
        let of_target = format!("{GOOD}[target.'cfg(unix)'.dev-dependencies]\nnix = \"1\"\n");
        assert_eq!(versions(&tree(&of_target)).len(), 1);
    }
}
