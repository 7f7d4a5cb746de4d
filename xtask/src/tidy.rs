//! `cargo xtask tidy`: the rules of the source tree that no compiler knows. Also a test, so that
//! `cargo test` says the same. Each rule is a function from the tree to what breaks it.

mod layers;
mod layout;
mod manifests;
mod sans_io;
mod text;
mod tree;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::command::root;
use tree::Tree;

/// One place where a rule is broken, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) path: PathBuf,
    /// Counted from one; zero: the file as a whole.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Violation {
    fn of_file(path: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self::at(path, 0, message)
    }

    fn at(path: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path.display(), self.message),
            line => write!(f, "{}:{line}: {}", self.path.display(), self.message),
        }
    }
}

const RULES: [fn(&Tree) -> Vec<Violation>; 13] = [
    layout::module_documentation,
    layout::file_length,
    layout::file_names,
    layout::engine_files,
    manifests::lints,
    manifests::inherited_package_keys,
    manifests::versions,
    layers::dependencies,
    layers::anyhow,
    sans_io::purity,
    text::open_ends,
    text::line_width,
    text::machine_paths,
];

/// Checks the whole checkout.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read(root())?;
    let violations = check(&tree);
    for violation in &violations {
        eprintln!("{violation}");
    }
    if !violations.is_empty() {
        bail!("tidy found {} violations", violations.len());
    }
    println!(
        "tidy: {} files keep all {} rules",
        tree.files.len(),
        RULES.len()
    );
    Ok(())
}

fn check(tree: &Tree) -> Vec<Violation> {
    RULES.iter().flat_map(|rule| rule(tree)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_tidy() {
        let tree = Tree::read(root()).unwrap();
        let violations: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}
