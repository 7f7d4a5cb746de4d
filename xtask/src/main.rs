//! The project's own commands: `cargo xtask test | check | tidy | ci | bench`. Only dispatches.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to the terminal"
)]

mod bench;
mod check;
mod ci;
mod command;
mod test;
mod tidy;
mod unstable;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  test   install what the tests need, run all of them, and say what was skipped and why
  tidy   check the rules of the source tree that no compiler knows
  check  compare random sessions with direct connections (`cargo xtask check differential`)
  ci     tidy, format, clippy, documentation, licences, then `cargo xtask test`
  bench  measure what a query costs on each way to the database (`cargo xtask bench path`)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["check", rest @ ..] => check::run(rest),
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
