//! What tests did not do, and why: nothing is skipped silently.

use std::fs::OpenOptions;
use std::io::Write;

use crate::program::variable;

/// Says that something was not tested. `cargo xtask test` names a file in which this is gathered
/// for its summary; the test itself ends as passed.
#[expect(
    clippy::print_stdout,
    reason = "a person who runs one test reads it here"
)]
pub fn skip(what: &str, why: &str) {
    println!("skipped: {what}: {why}");
    let Some(path) = variable("TIDEGATE_SKIPS") else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(path);
    // One write per line, so that test programs that run at the same time do not mix theirs.
    if let Err(error) =
        file.and_then(|mut file| file.write_all(format!("{what}: {why}\n").as_bytes()))
    {
        println!("cannot write the skip down: {error}");
    }
}
