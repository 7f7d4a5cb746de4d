//! `cargo xtask ci`: everything that a change must pass, cheapest first. CI runs just this.

use anyhow::{Context, Result, bail};

use crate::command::{cargo, find, output, run as start};
use crate::tidy;

/// Runs every check, then the tests, and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    tidy::run()?;
    start(cargo().args(["fmt", "--all", "--check"]))?;
    rust_version()?;
    start(
        cargo()
            .args(["clippy", "--workspace", "--all-targets", "--"])
            .args(["-D", "warnings"]),
    )?;
    documentation()?;
    licences()?;
    start(cargo().args(["xtask", "test"]))
}

/// No dependency may need a newer Rust than the one that we promise in `rust-version`.
fn rust_version() -> Result<()> {
    let text = output(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    let is_ours = |package: &&serde_json::Value| package["source"].is_null();
    let promised = packages
        .iter()
        .filter(is_ours)
        .find_map(|package| version(&package["rust_version"]))
        .context("no crate of ours says its rust-version")?;
    let newer: Vec<String> = packages
        .iter()
        .filter(|package| version(&package["rust_version"]).is_some_and(|it| it > promised))
        .map(|package| format!("{} {}", package["name"], package["rust_version"]))
        .collect();
    if !newer.is_empty() {
        bail!(
            "these need a newer Rust than our rust-version promises: {}",
            newer.join(", ")
        );
    }
    println!(
        "rust-version: no dependency needs more than {}.{}",
        promised.0, promised.1
    );
    Ok(())
}

/// Major and minor of a `rust_version` as cargo writes it.
fn version(value: &serde_json::Value) -> Option<(u32, u32)> {
    let mut parts = value.as_str()?.split('.');
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next()?.parse().ok()?))
}

/// Builds the documentation of every crate, private items too, with broken links denied.
fn documentation() -> Result<()> {
    start(
        cargo()
            .args([
                "doc",
                "--workspace",
                "--no-deps",
                "--document-private-items",
                "--quiet",
            ])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}

/// Advisories, licences and bans, where `cargo-deny` is installed.
fn licences() -> Result<()> {
    if find("cargo-deny").is_none() {
        println!("skipped: cargo deny (deny.toml): the program cargo-deny is not installed");
        return Ok(());
    }
    start(cargo().args(["deny", "check"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rust_versions_with_and_without_a_patch() {
        assert_eq!(version(&"1.88".into()), Some((1, 88)));
        assert_eq!(version(&"1.70.0".into()), Some((1, 70)));
        assert_eq!(version(&serde_json::Value::Null), None);
    }
}
