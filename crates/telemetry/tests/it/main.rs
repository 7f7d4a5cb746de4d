//! The admin endpoint over a real socket.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, also in its helpers"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use telemetry::{CheckState, Readiness, Registry, registry, serve_admin};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A served endpoint.
struct Served {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

async fn served(registry: Registry, readiness: Readiness) -> Served {
    served_with(registry, readiness, Router::new()).await
}

async fn served_with(registry: Registry, readiness: Readiness, more: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (shutdown, signal) = oneshot::channel::<()>();
    let signal = async move { drop(signal.await) };
    let registry = Arc::new(registry);
    let done = tokio::spawn(serve_admin(listener, registry, readiness, more, signal));
    Served {
        address,
        shutdown,
        done,
    }
}

async fn plain() -> Served {
    served(registry("1.2.3"), Readiness::new()).await
}

/// Sends bytes, and reads until the other side closes.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

async fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
}

#[tokio::test]
async fn metrics_are_in_openmetrics_text() {
    let mut metrics = registry("1.2.3");
    let requests = prometheus_client::metrics::counter::Counter::<u64>::default();
    metrics.register("requests", "Requests", requests.clone());
    let served = served(metrics, Readiness::new()).await;
    requests.inc_by(7);
    let response = get(served.address, "/metrics").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(
        response.contains("tidegate_build_info{version=\"1.2.3\"} 1\n"),
        "{response}"
    );
    assert!(
        response.contains("\ntidegate_process_start_time_seconds 1"),
        "{response}"
    );
    assert!(
        response.contains("\ntidegate_requests_total 7\n"),
        "{response}"
    );
    assert!(response.ends_with("# EOF\n"), "{response}");
}

#[tokio::test]
async fn ready_follows_its_checks() {
    let up = Arc::new(AtomicBool::new(false));
    let tunnel = up.clone();
    let mut readiness = Readiness::new();
    readiness.add("mysql", || CheckState::Ready);
    readiness.add("tunnel office", move || {
        if tunnel.load(Ordering::Relaxed) {
            CheckState::Ready
        } else {
            CheckState::NotReady("no connector is registered".to_owned())
        }
    });
    let served = served(registry("1"), readiness).await;
    let response = get(served.address, "/ready").await;
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(
        response.contains("content-type: application/json"),
        "{response}"
    );
    let body = concat!(
        r#"{"ready":false,"checks":[{"name":"mysql","state":"ready"},"#,
        r#"{"name":"tunnel office","state":"not ready","reason":"no connector is registered"}]}"#,
    );
    assert!(response.contains(body), "{response}");

    up.store(true, Ordering::Relaxed);
    let response = get(served.address, "/ready").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains(r#"{"ready":true,"#), "{response}");
}

#[tokio::test]
async fn other_paths_and_methods_are_told_what_there_is() {
    let served = plain().await;
    assert!(
        get(served.address, "/healthz")
            .await
            .ends_with("\r\n\r\nok\n")
    );
    for path in [
        "/",
        "/metric",
        "/metrics/",
        "/ready/x",
        "/%00",
        "/metrics%2f",
    ] {
        let response = get(served.address, path).await;
        assert!(response.starts_with("HTTP/1.1 404 "), "{path}: {response}");
        assert!(
            response.contains("/metrics, /ready and /healthz"),
            "{path}: {response}"
        );
    }
    let response = exchange(served.address, "POST /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    let response = exchange(served.address, "HEAD /ready HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn routes_of_a_role_stand_beside_the_others() {
    let more = Router::new().route("/caches/{name}", post(|| async { "purged\n" }));
    let served = served_with(registry("1"), Readiness::new(), more).await;
    let post = "POST /caches/app HTTP/1.1\r\nhost: x\r\n\r\n";
    let response = exchange(served.address, post).await;
    assert!(response.ends_with("\r\n\r\npurged\n"), "{response}");
    let response = get(served.address, "/caches/app").await;
    assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    assert!(get(served.address, "/healthz").await.contains("200 OK"));
    let response = get(served.address, "/caches").await;
    assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
}

#[tokio::test]
async fn what_is_no_http_is_closed() {
    let served = plain().await;
    let response = exchange(served.address, "\x16\x03\x01 hello\r\n\r\n").await;
    assert!(
        response.is_empty() || response.starts_with("HTTP/1.1 400 "),
        "{response}"
    );
    assert!(get(served.address, "/healthz").await.contains("200 OK"));
}

#[tokio::test]
async fn many_headers_are_refused() {
    let served = plain().await;
    let headers: Vec<String> = (0..65).map(|n| format!("h{n}: x\r\n")).collect();
    let request = format!("GET /healthz HTTP/1.1\r\n{}\r\n", headers.concat());
    let response = exchange(served.address, &request).await;
    assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
}

#[tokio::test]
async fn a_connection_serves_one_request() {
    let served = plain().await;
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    let response = exchange(served.address, &request).await;
    assert_eq!(response.matches("HTTP/1.1 200 OK").count(), 1, "{response}");
}

/// The clock is paused: it jumps to the next timer as soon as nothing else can be done.
#[tokio::test(start_paused = true)]
async fn a_silent_client_is_cut() {
    let served = plain().await;
    for request in ["", "GET /healthz HTTP/1.1\r\nhost:"] {
        let start = Instant::now();
        let response = exchange(served.address, request).await;
        assert!(!response.contains("200 OK"), "{response}");
        assert!(start.elapsed() <= Duration::from_secs(11), "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn silent_clients_do_not_lock_others_out_for_long() {
    let served = plain().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(served.address).await.unwrap());
    }
    let response = get(served.address, "/healthz").await;
    assert!(response.contains("200 OK"), "{response}");
}

#[tokio::test]
async fn shutdown_finishes_what_began_and_takes_no_more() {
    let served = plain().await;
    let mut begun = TcpStream::connect(served.address).await.unwrap();
    begun.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    // A whole request after it: when it is answered, the first connection was accepted too.
    assert!(get(served.address, "/healthz").await.contains("200 OK"));
    served.shutdown.send(()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(served.address).await.is_ok() {
        assert!(Instant::now() < deadline, "still listening");
        tokio::task::yield_now().await;
    }
    begun.write_all(b"host: x\r\n\r\n").await.unwrap();
    let mut response = String::new();
    begun.read_to_string(&mut response).await.unwrap();
    assert!(response.ends_with("ok\n"), "{response}");
    served.done.await.unwrap();
}
