//! The project's own commands: `cargo xtask test | tidy | ci | bench`.

fn main() {}
