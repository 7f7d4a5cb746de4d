//! What pools tell of themselves.

use prometheus_client::encoding::text::encode;

use super::*;

/// The lines of a registry that are no comments.
fn shown(registry: &Registry) -> Vec<String> {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

fn has(registry: &Registry, name: &str, hyperdrive: &str, value: u64) -> bool {
    let line = format!("pool_{name}{{hyperdrive=\"{hyperdrive}\"}} {value}");
    shown(registry).contains(&line)
}

#[tokio::test(start_paused = true)]
async fn figures_are_read_off_the_books() {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    assert_eq!(shown(&registry), Vec::<String>::new());
    let start = |name| {
        let (numbers, metrics) = (Numbers::default(), metrics.of(name));
        Pool::new(numbers, CONFIG, metrics, &Handle::current())
    };
    let (pool, other) = (start("app"), start("other"));
    let lease = pool.lease(&"key", &0, None).await.unwrap();
    let waiting = ask(&pool, "key").await;
    for (name, value) in [
        ("open_connections", 1),
        ("idle_connections", 0),
        ("leased_connections", 1),
        ("waiting_sessions", 1),
        ("leases_total", 1),
        ("waits_total", 1),
        ("wait_timeouts_total", 0),
        ("connects_total", 1),
        ("connect_failures_total", 0),
    ] {
        assert!(has(&registry, name, "app", value), "{name}");
        assert!(has(&registry, name, "other", 0), "{name} of another");
    }
    lease.give_back();
    waiting.await.unwrap();
    assert!(has(&registry, "leases_total", "app", 2));
    assert!(has(&registry, "idle_connections", "app", 1));
    drop(other);
}

#[tokio::test(start_paused = true)]
async fn counters_outlive_a_pool_that_is_replaced() {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    for round in 1..=3 {
        let handle = Handle::current();
        let pool = Pool::new(Numbers::default(), CONFIG, metrics.of("app"), &handle);
        pool.lease(&"key", &0, None).await.unwrap().give_back();
        assert!(has(&registry, "leases_total", "app", round));
        assert!(has(&registry, "open_connections", "app", 1));
        pool.close();
        drop(pool);
        assert!(has(&registry, "connects_total", "app", round));
        assert!(has(&registry, "open_connections", "app", 0));
    }
}
