//! Go's driver, by `go test`.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Runner;
use crate::conformance::fetch::source;
use crate::conformance::outcomes::{Outcome, Outcomes};
use crate::conformance::run::finish;

/// A minute on an idle machine, of which most is the compiler's.
const LIMIT: Duration = Duration::from_secs(900);

/// It dials a host of the internet, and says nothing of a database.
const LEFT_OUT: &str = "TestConnectorReturnsTimeout";

/// go-sql-driver.
pub(super) fn go_sql_driver() -> Result<Runner> {
    let source = source("go-sql-driver")?;
    Ok(Box::new(move |endpoint, folder| {
        let mut command = Command::new("go");
        command
            .args(["test", "-json", "-count=1", "-skip", LEFT_OUT, "."])
            .current_dir(&source)
            .envs([
                (
                    "MYSQL_TEST_ADDR",
                    format!("127.0.0.1:{}", endpoint.port).as_str(),
                ),
                ("MYSQL_TEST_USER", endpoint.user),
                ("MYSQL_TEST_PASS", endpoint.password),
                ("MYSQL_TEST_DBNAME", "test"),
                ("MYSQL_TEST_CONCURRENT", "1"),
            ]);
        let ended = finish(&mut command, folder, LIMIT)?;
        let outcomes = read(&ended.stdout);
        ensure!(
            !outcomes.is_empty(),
            "go test ran no test: {}",
            ended.stderr
        );
        Ok(outcomes)
    }))
}

/// Reads events of `go test -json`: <https://pkg.go.dev/cmd/test2json>.
fn read(log: &str) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let mut messages = std::collections::HashMap::<String, String>::new();
    for line in log.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let Some(test) = event["Test"].as_str() else {
            continue;
        };
        match event["Action"].as_str() {
            Some("output") => {
                let output = event["Output"].as_str().unwrap_or_default();
                let is_frame = output.starts_with("=== ") || output.trim_start().starts_with("---");
                if !is_frame {
                    messages
                        .entry(test.to_owned())
                        .or_default()
                        .push_str(output);
                }
            }
            Some("pass") => outcomes.note(test, Outcome::Passed),
            Some("skip") => outcomes.note(test, Outcome::Skipped),
            Some("fail") => {
                let message = messages.get(test).map_or("", String::as_str);
                outcomes.note(test, Outcome::failed(message));
            }
            _ => {}
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_test_says() {
        let text = "{\"Action\":\"output\",\"Test\":\"TestA\",\"Output\":\"=== RUN   TestA\\n\"}\n\
             {\"Action\":\"output\",\"Test\":\"TestA\",\"Output\":\"a_test.go:1: bad\\n\"}\n\
             {\"Action\":\"fail\",\"Test\":\"TestA\"}\n\
             {\"Action\":\"pass\",\"Test\":\"TestB\"}\n\
             {\"Action\":\"pass\"}\n";
        let outcomes = read(text);
        assert_eq!(outcomes.counts(), [1, 1, 0]);
        let failed = Outcome::Failed("a_test.go:1: bad".to_owned());
        assert_eq!(outcomes.get("TestA"), Some(&failed));
    }
}
