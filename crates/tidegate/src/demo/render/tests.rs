//! What people see.

use super::*;
use crate::demo::report::OriginSummary;

fn hop(name: &'static str, state: State, detail: &str, remedy: Option<&str>) -> Hop {
    Hop {
        name,
        state,
        detail: detail.to_owned(),
        remedy: remedy.map(str::to_owned),
    }
}

fn example(path: Vec<Hop>) -> Report {
    Report {
        path,
        timings: Timings {
            direct: Some(Duration::from_micros(1234)),
            cold: Some(Duration::from_micros(12_345)),
            pooled: Some(Duration::from_micros(987)),
            rounds: (100, 100),
        },
        origin: OriginSummary {
            kind: "mariadb",
            version: Some("10.11.6-MariaDB".to_owned()),
        },
        connection_string: Some("mysql://demo:secret@127.0.0.1:3307/demo".into()),
        command: Some("mariadb --host=127.0.0.1".into()),
        admin: Some("127.0.0.1:9090".to_owned()),
    }
}

const PLAIN: Style = Style { colour: false };

#[test]
fn a_path_that_works() {
    let report = example(vec![
        hop("client", State::Ok, "this process", None),
        hop("edge", State::Ok, "127.0.0.1:3307", None),
        hop("database", State::Ok, "MariaDB", None),
    ]);
    assert!(report.is_ready());
    assert_eq!(
        super::report(&report, PLAIN),
        "
The path
  client          ✔ this process
  └─ edge         ✔ 127.0.0.1:3307
     └─ database  ✔ MariaDB

Connect, log in, first row
  directly                      1.23 ms   median of 100
  through the path, cold       12.35 ms   the first client
  through the path, pooled      0.99 ms   median of 100

Connection string, for any MySQL client
  mysql://demo:secret@127.0.0.1:3307/demo

Try it
  mariadb --host=127.0.0.1

Watch it
  curl http://127.0.0.1:9090/metrics
"
    );
}

#[test]
fn a_path_that_breaks_says_where_and_what_to_do() {
    let mut report = example(vec![
        hop("client", State::Ok, "this process", None),
        hop("tunnel", State::Failed, "no connection", Some("open UDP")),
        hop("database", State::NotReached, "nothing came this far", None),
    ]);
    report.timings = Timings::default();
    assert!(!report.is_ready());
    assert_eq!(
        super::report(&report, PLAIN),
        "
The path
  client          ✔ this process
  └─ tunnel       ✘ no connection
                  → open UDP
     └─ database  · nothing came this far
"
    );
}

#[test]
fn colours_only_where_they_are_wanted() {
    let report = example(vec![hop("client", State::Ok, "this process", None)]);
    assert!(!super::report(&report, PLAIN).contains('\x1b'));
    let coloured = super::report(&report, Style { colour: true });
    assert!(coloured.contains("\x1b[32m✔\x1b[0m"), "{coloured}");
}
