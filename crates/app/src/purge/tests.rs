//! Purging over a real socket, from caches that only note what they are asked.

use std::net::SocketAddr;
use std::sync::Mutex;

use telemetry::{Readiness, registry, serve_admin};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// The hyperdrive `app` has a cache, and a table `orders`; that of `off` is off.
#[derive(Debug, Default)]
struct Caches(Mutex<Vec<Vec<String>>>);

impl Purge for Caches {
    fn purge(&self, hyperdrive: &str, tables: &[TableName]) -> Result<(), PurgeError> {
        match hyperdrive {
            "app" => {}
            "off" => return Err(PurgeError::CacheOff),
            _ => return Err(PurgeError::UnknownHyperdrive),
        }
        if tables.iter().any(|table| table.table == "gone") {
            return Err(PurgeError::UnknownTable);
        }
        let names = tables.iter().map(ToString::to_string);
        self.0.lock().unwrap().push(names.collect());
        Ok(())
    }
}

impl Caches {
    fn purged(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }
}

async fn served(caches: Arc<dyn Purge>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let registry = Arc::new(registry("1"));
    let end = std::future::pending();
    tokio::spawn(serve_admin(
        listener,
        registry,
        Readiness::new(),
        routes(caches),
        end,
    ));
    address
}

/// Status, head and body of the answer to a request line, with more headers.
async fn ask(address: SocketAddr, line: &str, headers: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

async fn refused(line: &str, headers: &str, status: u16, code: u32, part: &str) {
    let caches = Arc::new(Caches::default());
    let answer = ask(served(caches.clone()).await, line, headers).await;
    assert_eq!(answer.0, status, "{line}: {answer:?}");
    assert!(answer.1.contains("content-type: application/json"));
    let start = format!(r#"{{"success":false,"result":null,"errors":[{{"code":{code},"message":""#);
    assert!(answer.2.starts_with(&start), "{line}: {answer:?}");
    assert!(answer.2.contains(part), "{line}: {answer:?}");
    assert!(caches.purged().is_empty(), "{line}");
}

#[tokio::test]
async fn everything_is_purged_where_no_table_is_named() {
    let caches = Arc::new(Caches::default());
    let address = served(caches.clone()).await;
    for line in [
        "POST /hyperdrives/app/cache/purge",
        "POST /hyperdrives/app/cache/purge?",
    ] {
        let (status, head, body) = ask(address, line, "").await;
        assert_eq!(status, 200, "{body}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(
            body,
            concat!(
                r#"{"success":true,"result":{"hyperdrive":"app","tables":null},"#,
                r#""errors":[],"messages":[]}"#,
                "\n"
            )
        );
    }
    assert_eq!(caches.purged(), [Vec::<String>::new(), Vec::new()]);
}

#[tokio::test]
async fn several_tables_may_be_named() {
    let caches = Arc::new(Caches::default());
    let address = served(caches.clone()).await;
    let line = "POST /hyperdrives/app/cache/purge?table=shop.orders&table=a%26b%20%C3%A4+";
    let (status, _, body) = ask(address, line, "content-length: 0\r\n").await;
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains(r#""result":{"hyperdrive":"app","tables":["shop.orders","a&b ä+"]}"#),
        "{body}"
    );
    assert_eq!(caches.purged(), [["shop.orders", "a&b ä+"]]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let path = "POST /hyperdrives/nobody/cache/purge";
    refused(path, "", 404, 1003, "no hyperdrive has this name").await;
    let path = "POST /hyperdrives/app/cache/purge?table=gone";
    refused(path, "", 404, 1004, "none of one of these tables").await;
    for path in [
        "POST /hyperdrives/app/cache",
        "GET /hyperdrives",
        "POST /hyperdrives/app/cache/purge/",
        "POST /hyperdrives/a/b/cache/purge",
    ] {
        refused(path, "", 404, 1002, "POST /hyperdrives/NAME/cache/purge").await;
    }
}

#[tokio::test]
async fn a_cache_that_is_off_is_a_conflict() {
    let path = "POST /hyperdrives/off/cache/purge";
    refused(path, "", 409, 1006, "cache.enabled").await;
}

#[tokio::test]
async fn a_mistake_purges_nothing() {
    for (query, part) in [
        ("table=a.b.c", "`a.b.c` is not a table"),
        ("table=", "`` is not a table"),
        ("table", "`` is not a table"),
        ("table=orders&table=%60x%60", "`x`"),
        ("tables=orders", "`tables` is no parameter"),
        ("table=%FF", "percent-encoding"),
    ] {
        let path = format!("POST /hyperdrives/app/cache/purge?{query}");
        refused(&path, "", 400, 1000, part).await;
    }
    let path = "POST /hyperdrives/%FF/cache/purge";
    refused(path, "", 400, 1000, "percent-encoding").await;
}

#[tokio::test]
async fn only_post_purges() {
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let line = format!("{method} /hyperdrives/app/cache/purge");
        refused(&line, "", 405, 1005, "only POST").await;
    }
    let address = served(Arc::new(Caches::default())).await;
    let (_, head, _) = ask(address, "GET /hyperdrives/app/cache/purge", "").await;
    assert!(head.to_ascii_lowercase().contains("allow: post"), "{head}");
}

#[tokio::test]
async fn a_page_in_a_browser_may_not_purge() {
    for origin in ["https://evil.example", "null", "http://127.0.0.1:9090", ""] {
        let headers = format!("origin: {origin}\r\ncontent-type: text/plain\r\n");
        let path = "POST /hyperdrives/app/cache/purge";
        refused(path, &headers, 403, 1001, "browser").await;
    }
}

#[tokio::test]
async fn the_paths_of_every_role_are_there_too() {
    let address = served(Arc::new(Caches::default())).await;
    let (status, _, body) = ask(address, "GET /healthz", "").await;
    assert_eq!((status, body.as_str()), (200, "ok\n"));
    assert_eq!(ask(address, "POST /cache/purge", "").await.0, 404);
}
