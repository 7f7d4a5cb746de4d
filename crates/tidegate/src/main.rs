//! The tidegate binary: `main` and its commands.

fn main() {}
