//! What a run of `cargo test` came to.

use std::time::Duration;

/// Counts over all test programs of one run.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) passed: u32,
    pub(super) failed: u32,
    pub(super) ignored: u32,
    /// The names of the tests that failed.
    pub(super) failures: Vec<String>,
    /// What tests wrote down that they did not do, and why.
    pub(super) skipped: Vec<String>,
    pub(super) succeeded: bool,
}

impl Summary {
    /// Takes one line of what `cargo test` prints.
    pub(super) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
        } else if let Some(test) = line.strip_prefix("test ")
            && let Some(name) = test.strip_suffix(" ... FAILED")
        {
            self.failures.push(name.to_owned());
        }
    }

    pub(super) fn print(&self, took: Duration) {
        for failure in &self.failures {
            println!("failed: {failure}");
        }
        for skip in &self.skipped {
            println!("skipped: {skip}");
        }
        println!(
            "took {} s; ignored by #[ignore]: {}",
            took.as_secs(),
            self.ignored
        );
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped.len());
        println!("{passed} passed, {failed} failed, {skipped} skipped");
    }
}

/// The number before `word` in "ok. 3 passed; 0 failed; 1 ignored; …".
fn count(text: &str, word: &str) -> u32 {
    text.split(['.', ';'])
        .filter_map(|item| item.trim().strip_suffix(word))
        .find_map(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_all_test_programs() {
        let mut summary = Summary::default();
        for line in [
            "test a::b ... ok",
            "test a::c ... FAILED",
            "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished",
        ] {
            summary.read(line);
        }
        assert_eq!(
            (summary.passed, summary.failed, summary.ignored),
            (15, 1, 2)
        );
        assert_eq!(summary.failures, ["a::c"]);
    }
}
