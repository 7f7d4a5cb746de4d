//! The command against an endpoint that answers what it is told to.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: PurgeArgs,
}

fn args(line: &[&str]) -> PurgeArgs {
    Line::try_parse_from([&["purge"], line].concat())
        .unwrap()
        .args
}

fn failure(line: &[&str]) -> String {
    format!("{:#}", purge(&args(line)).unwrap_err())
}

/// An endpoint for one request: its address, and what it was sent.
fn endpoint(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (address, asked)
}

/// A file with these lines in the table `edge`.
fn file(lines: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("[edge]\n{lines}\n")).unwrap();
    file
}

const WHOLE: &str = concat!(
    "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n",
    r#"{"success":true,"result":{"hyperdrive":"app","tables":null},"errors":[],"messages":[]}"#
);

#[test]
fn asks_the_edge_of_the_file() {
    let (address, asked) = endpoint(WHOLE);
    // Where the edge listens on all interfaces this machine reaches it by its own.
    let listens = address.replace("127.0.0.1", "0.0.0.0");
    let file = file(&format!("admin_listen = '{listens}'"));
    let purged = purge(&args(&["app", "--config", file.path().to_str().unwrap()])).unwrap();
    let whole = Purged {
        hyperdrive: "app".to_owned(),
        tables: None,
    };
    assert_eq!(purged, whole);
    let request = asked.join().unwrap();
    let line = "POST /hyperdrives/app/cache/purge HTTP/1.0\r\n";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains(&format!("\r\nHost: {address}\r\n")));
}

#[test]
fn names_the_tables_at_the_address_that_is_given() {
    let (address, asked) = endpoint(concat!(
        "HTTP/1.0 200 OK\r\n\r\n",
        r#"{"result":{"hyperdrive":"app","tables":["shop.a&b","t"]},"errors":[]}"#
    ));
    let admin = format!("http://{address}/");
    let line = [
        "app", "--table", "shop.a&b", "--table", "t", "--admin", &admin,
    ];
    let purged = purge(&args(&line)).unwrap();
    assert_eq!(purged.tables.unwrap(), ["shop.a&b", "t"]);
    let request = asked.join().unwrap();
    let line = "POST /hyperdrives/app/cache/purge?table=shop%2Ea%26b&table=t HTTP/1.0\r\n";
    assert!(request.starts_with(line), "{request}");
}

#[test]
fn says_why_the_edge_refuses() {
    let (address, _) = endpoint(concat!(
        "HTTP/1.0 404 Not Found\r\n\r\n",
        r#"{"success":false,"result":null,"errors":[{"code":1003,"message":"no such"}]}"#
    ));
    let failure = failure(&["nobody", "--admin", &address]);
    assert_eq!(failure, "cannot purge the cache of nobody: no such");
}

#[test]
fn says_where_nobody_or_somebody_else_answers() {
    // Dropped, so that nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let address = address.unwrap().to_string();
    let nobody = failure(&["app", "--admin", &address]);
    assert!(
        nobody.starts_with(&format!("no edge answers at {address}; does it run?: ")),
        "{nobody}"
    );
    let (address, _) = endpoint("HTTP/1.0 404 Not Found\r\n\r\nnot found; there are /metrics");
    let another = failure(&["app", "--admin", &address]);
    assert!(another.contains("status 404 as no edge does"), "{another}");
    let (address, _) = endpoint("SSH-2.0-OpenSSH\r\n");
    let ssh = failure(&["app", "--admin", &address]);
    assert!(ssh.contains("no HTTP server"), "{ssh}");
}

#[test]
fn says_what_is_missing_in_the_file() {
    for (lines, part) in [
        ("", "give edge.admin_listen in "),
        ("admin_listen = '127.0.0.1:0'", "say with --admin"),
    ] {
        let file = file(lines);
        let path = file.path().to_str().unwrap();
        let failure = failure(&["app", "--config", path]);
        assert!(
            failure.contains(part) && failure.contains(path),
            "{failure}"
        );
    }
}

#[test]
fn says_that_there_is_no_file() {
    let failure = failure(&["app", "--config", "nowhere/edge.toml"]);
    assert!(
        failure.contains("--admin") && failure.contains("nowhere/edge.toml"),
        "{failure}"
    );
}

#[test]
fn refuses_what_is_no_table_or_no_address() {
    for line in [
        ["app", "--table", "a.b.c"],
        ["app", "--table", ""],
        ["app", "--admin", "https://edge:9090"],
        ["app", "--admin", "edge"],
    ] {
        let parsed = Line::try_parse_from([&["purge"], &line[..]].concat());
        assert!(parsed.is_err(), "{line:?}");
    }
}
