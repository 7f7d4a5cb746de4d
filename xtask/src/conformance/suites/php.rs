//! PHP's mysqli on mysqlnd, by PHP's own `run-tests.php`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Runner;
use crate::command::{find, output};
use crate::conformance::fetch::source;
use crate::conformance::outcomes::{Outcome, Outcomes};
use crate::conformance::place::Endpoint;
use crate::conformance::run::{copy, finish};

/// Two minutes on an idle machine.
const LIMIT: Duration = Duration::from_secs(1200);

/// mysqli, with the PHP that the system has.
pub(super) fn mysqli() -> Result<Runner> {
    let php = find("php").context("PHP is not installed")?;
    let modules = output(Command::new(&php).arg("-m"))?;
    let has_it = modules.lines().any(|module| module == "mysqli");
    ensure!(has_it, "PHP has no mysqli: install php-mysql");
    let source = source("mysqli")?;
    Ok(Box::new(move |endpoint, folder| {
        run(&php, &source, endpoint, folder)
    }))
}

fn run(php: &Path, source: &Path, endpoint: &Endpoint, folder: &Path) -> Result<Outcomes> {
    let tests = copy(&source.join("ext/mysqli/tests"), &folder.join("tests"))?;
    let mut command = Command::new(php);
    command
        .arg(source.join("run-tests.php"))
        .args([
            "-q",
            "--offline",
            "--no-color",
            "--no-progress",
            "--set-timeout",
            "30",
            "-p",
        ])
        .arg(php)
        .arg(&tests)
        .current_dir(folder)
        .envs([
            ("MYSQL_TEST_HOST", "127.0.0.1"),
            ("MYSQL_TEST_PORT", &endpoint.port.to_string()),
            ("MYSQL_TEST_USER", endpoint.user),
            ("MYSQL_TEST_PASSWD", endpoint.password),
            ("MYSQL_TEST_DB", "test"),
        ]);
    let ended = finish(&mut command, folder, LIMIT)?;
    let outcomes = read(&ended.stdout, |name| difference(&tests, name));
    ensure!(
        !outcomes.is_empty(),
        "run-tests.php ran no test: {}",
        ended.stdout
    );
    Ok(outcomes)
}

/// Where the output of a test was not as expected: lines such as `012- OK` and `012+ Warning`.
fn difference(tests: &Path, name: &str) -> String {
    let file = std::fs::read(tests.join(format!("{name}.diff"))).unwrap_or_default();
    let text = String::from_utf8_lossy(&file);
    let is_other = |line: &&str| line.contains("+ ") || line.contains("- ");
    text.lines().filter(is_other).collect::<Vec<_>>().join("; ")
}

/// Reads lines such as `FAIL Title [tests/mysqli_query.phpt]`.
fn read(text: &str, difference: impl Fn(&str) -> String) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for line in text.lines() {
        let Some((word, rest)) = line.split_once(' ') else {
            continue;
        };
        let name = rest
            .split('[')
            .find_map(|part| Some(part.split_once(".phpt]")?.0));
        let Some(name) = name.and_then(|path| path.rsplit('/').next()) else {
            continue;
        };
        let outcome = match word {
            "PASS" | "XFAIL" => Outcome::Passed,
            "SKIP" => Outcome::Skipped,
            "FAIL" | "BORK" | "LEAK" => Outcome::failed(&difference(name)),
            _ => continue,
        };
        outcomes.note(name, outcome);
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_runner_says() {
        let text = "PASS mysqli_query() [/a/tests/mysqli_query.phpt] \n\
             SKIP Bug #1 (no [b]) [/a/tests/bug1.phpt] reason: none\n\
             FAIL x [/a/tests/x.phpt] \n\
             Number of tests : 3\n";
        let outcomes = read(text, |_| "001- a".to_owned());
        assert_eq!(outcomes.counts(), [1, 1, 1]);
        assert_eq!(outcomes.get("bug1"), Some(&Outcome::Skipped));
    }
}
