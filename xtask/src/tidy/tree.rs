//! The files of the checkout, read once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 4] = ["target", "node_modules", "__pycache__", "third_party"];

/// The kinds of text file that have rules.
const KINDS: [&str; 9] = ["rs", "toml", "md", "mjs", "js", "py", "sh", "json", "capnp"];

/// All text files of the checkout that are ours.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

/// A text file.
#[derive(Debug)]
pub(super) struct File {
    /// Relative to the root of the checkout.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A crate's `Cargo.toml`.
#[derive(Debug)]
pub(super) struct Manifest<'a> {
    pub(super) path: &'a Path,
    pub(super) name: String,
    pub(super) table: toml::Table,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, root)?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                if !FOREIGN.contains(&name.as_ref()) && (name == ".ci" || !name.starts_with('.')) {
                    self.read_folder(root, &path)?;
                }
            } else if is_ours(&path, &name) {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                self.files.push(File {
                    path: path.strip_prefix(root)?.to_owned(),
                    text,
                });
            }
        }
        Ok(())
    }

    /// The files with one extension.
    pub(super) fn with_extension<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(move |file| file.extension() == wanted)
    }

    /// The Rust files that were written by people.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.with_extension("rs")
            .filter(|file| !file.is_generated())
    }

    /// The manifests of all crates. One that cannot be read is cargo's to complain about.
    pub(super) fn manifests(&self) -> impl Iterator<Item = Manifest<'_>> {
        self.files
            .iter()
            .filter(|file| file.path.ends_with("Cargo.toml"))
            .filter_map(|file| {
                let table: toml::Table = file.text.parse().ok()?;
                let name = table.get("package")?.get("name")?.as_str()?.to_owned();
                Some(Manifest {
                    path: &file.path,
                    name,
                    table,
                })
            })
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File {
            path: PathBuf::from(path),
            text: (*text).to_owned(),
        };
        Self {
            files: files.iter().map(file).collect(),
        }
    }
}

impl File {
    pub(super) fn extension(&self) -> &str {
        self.path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default()
    }

    /// Whether a program wrote it, and says so in its first lines.
    pub(super) fn is_generated(&self) -> bool {
        self.text
            .lines()
            .take(3)
            .any(|line| line.contains("@generated"))
    }

    /// The crate that it belongs to, by its folder.
    pub(super) fn crate_name(&self) -> Option<&str> {
        let mut parts = self.path.iter();
        match parts.next()?.to_str()? {
            "crates" => parts.next()?.to_str(),
            "xtask" => Some("xtask"),
            _ => None,
        }
    }

    /// The lines that are shipped, with their numbers: up to the module of tests at the end; none
    /// of a file that is only tests.
    pub(super) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self
            .path
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        let all: Vec<&str> = self.text.lines().collect();
        let end = (0..all.len())
            .find(|&at| {
                let next = all.get(at + 1).map_or("", |line| line.trim());
                all.get(at)
                    .is_some_and(|line| line.trim() == "#[cfg(test)]")
                    && next.starts_with("mod ")
                    && next.ends_with('{')
            })
            .unwrap_or(all.len());
        let end = if is_test { 0 } else { end };
        all.into_iter()
            .take(end)
            .enumerate()
            .map(|(at, line)| (at + 1, line))
    }
}

impl Manifest<'_> {
    /// The names in a table of dependencies, those under `[target]` too, with what is said of each.
    pub(super) fn dependencies<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a toml::Value)> {
        let targets = self.table.get("target").and_then(toml::Value::as_table);
        let of_targets = targets.into_iter().flat_map(|targets| targets.values());
        let tables = of_targets
            .filter_map(toml::Value::as_table)
            .chain([&self.table]);
        tables
            .filter_map(move |table| table.get(kind)?.as_table())
            .flatten()
            .map(|(name, value)| (name.as_str(), value))
    }
}

fn is_ours(path: &Path, name: &str) -> bool {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let is_script = path
        .parent()
        .is_some_and(|parent| parent.file_name().is_some_and(|name| name == ".ci"));
    name != "package-lock.json" && (KINDS.contains(&extension) || is_script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_lines_end_at_the_module_of_tests() {
        let text = "//! A.\n#[cfg(test)]\nfn seed() {}\n\n#[cfg(test)]\nmod tests {\n}\n";
        let tree = Tree::of(&[
            ("crates/a/src/a.rs", text),
            ("crates/a/tests/it/b.rs", text),
        ]);
        let shipped = |at: usize| tree.files[at].shipped_lines().count();
        assert_eq!((shipped(0), shipped(1)), (4, 0));
    }
}
