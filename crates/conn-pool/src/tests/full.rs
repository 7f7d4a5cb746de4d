//! The other end takes fewer connections than the pool may have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::CONFIG;
use crate::{Connect, Fit, LeaseError, Metrics, Pool, PoolConfig};

/// An end that has room for so many.
#[derive(Clone)]
struct Narrow {
    room: Arc<Semaphore>,
    tries: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Full;

impl Connect for Narrow {
    type Key = &'static str;
    type Wish = ();
    type Conn = OwnedSemaphorePermit;
    type Error = Full;

    async fn connect(&self, _key: &&'static str) -> Result<OwnedSemaphorePermit, Full> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(1)).await;
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| Full)
    }

    fn is_full(&self, _error: &Full) -> bool {
        true
    }

    fn fit(&self, _conn: &OwnedSemaphorePermit, _wish: &()) -> Fit {
        Fit::Ready
    }

    fn is_alive(&self, _conn: &mut OwnedSemaphorePermit) -> bool {
        true
    }

    fn close(&self, _conn: OwnedSemaphorePermit) {}
}

fn pool(room: usize) -> (Pool<Narrow>, Narrow) {
    let narrow = Narrow {
        room: Arc::new(Semaphore::new(room)),
        tries: Arc::default(),
    };
    let config = PoolConfig {
        max: 8,
        max_waiting: 1000,
        ..CONFIG
    };
    let metrics = Metrics::register(&mut Registry::default());
    let pool = Pool::new(
        narrow.clone(),
        config,
        metrics.of("test"),
        &Handle::current(),
    );
    (pool, narrow)
}

#[tokio::test(start_paused = true)]
async fn who_asks_waits_for_what_comes_back() {
    let (pool, narrow) = pool(1);
    for is_given_back in [true, false] {
        let lease = pool.lease(&"a", &(), None).await.unwrap();
        let asks = tokio::spawn({
            let pool = pool.clone();
            async move { pool.lease(&"a", &(), None).await.map(|_lease| ()) }
        });
        sleep(Duration::from_secs(3)).await;
        assert!(!asks.is_finished());
        if is_given_back {
            lease.give_back();
        } else {
            drop(lease);
        }
        asks.await.unwrap().unwrap();
    }
    assert_eq!(pool.stats().open, 0);
    assert_eq!(narrow.room.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_that_the_other_end_is_full() {
    let (pool, narrow) = pool(1);
    let lease = pool.lease(&"a", &(), None).await.unwrap();
    let began = Instant::now();
    let others = pool.clone();
    let other = tokio::spawn(async move { others.lease(&"a", &(), None).await.err() });
    let refused = pool.lease(&"a", &(), None).await;
    assert!(matches!(refused, Err(LeaseError::Full { .. })));
    assert!(began.elapsed() >= CONFIG.wait_timeout);
    assert!(matches!(
        other.await.unwrap(),
        Some(LeaseError::Full { .. })
    ));
    drop(lease);

    // With none that could come back, at once.
    let taken = narrow.room.try_acquire().unwrap();
    let began = Instant::now();
    let refused = pool.lease(&"a", &(), None).await;
    assert!(matches!(refused, Err(LeaseError::Connect(Full))));
    assert!(began.elapsed() < CONFIG.wait_timeout);
    drop(taken);
    pool.lease(&"a", &(), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_again_when_others_may_have_gone() {
    let (pool, narrow) = pool(2);
    let taken = narrow.room.try_acquire().unwrap();
    let _lease = pool.lease(&"a", &(), None).await.unwrap();
    let began = Instant::now();
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { pool.lease(&"a", &(), None).await.map(|_lease| ()) }
    });
    sleep(Duration::from_millis(2500)).await;
    assert!(!waits.is_finished());
    drop(taken);
    waits.await.unwrap().unwrap();
    assert!(began.elapsed() < CONFIG.wait_timeout);
    let tries = narrow.tries.load(Ordering::SeqCst);
    assert!((3..=5).contains(&tries), "{tries}");
}

/// None of them waits for good, and the other end is not stormed.
#[tokio::test(start_paused = true)]
async fn a_crowd_is_served_by_what_there_is() {
    const CLIENTS: usize = 200;
    let (pool, narrow) = pool(2);
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let pool = pool.clone();
        clients.spawn(async move {
            let key = if number % 50 == 0 { "b" } else { "a" };
            let lease = pool.lease(&key, &(), None).await.unwrap();
            sleep(Duration::from_millis(20)).await;
            if number % 10 == 0 {
                drop(lease);
            } else {
                lease.give_back();
            }
        });
    }
    while let Some(served) = clients.join_next().await {
        served.unwrap();
    }
    let tries = narrow.tries.load(Ordering::SeqCst);
    assert!(tries < CLIENTS / 2, "{tries}");
    let stats = pool.stats();
    assert_eq!((stats.waiting, stats.leased), (0, 0), "{stats:?}");
    assert_eq!(stats.open + narrow.room.available_permits(), 2);
}
