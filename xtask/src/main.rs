//! The commands of the project: `cargo xtask COMMAND`. Only dispatches.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to the terminal"
)]

mod bench;
mod check;
mod ci;
mod command;
mod conformance;
mod test;
mod tidy;
mod unstable;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  test         install what the tests need, run all of them, and say what was skipped and why
  conformance  run the drivers' own test suites directly and through tidegate, and compare
  check        compare random sessions with direct connections, and check the cache's coherence
  tidy         check the rules of the source tree that no compiler knows
  ci           tidy, format, clippy, documentation, licences, then `cargo xtask test`
  bench        measure what tidegate costs: `bench path`, `pool`, `cache`, `profile`";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["check", rest @ ..] => check::run(rest),
        ["conformance", rest @ ..] => conformance::run(rest),
        ["tidy"] => tidy::run(),
        ["ci"] => ci::run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
