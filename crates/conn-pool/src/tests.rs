//! What a pool promises, under a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::{Connect, Fit, Lease, LeaseError, Metrics, Pool, PoolConfig};

mod fairness;
mod figures;
mod fitting;
mod keeping;
mod storm;

/// Connections are numbers, counted as they are opened.
#[derive(Clone, Default)]
struct Numbers {
    opened: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    dead: Arc<AtomicBool>,
    refuses: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    delay: Duration,
}

/// The origin refuses.
#[derive(Debug)]
struct Refused;

impl Connect for Numbers {
    type Key = &'static str;
    type Wish = usize;
    type Conn = usize;
    type Error = Refused;

    async fn connect(&self, _key: &&'static str) -> Result<usize, Refused> {
        sleep(self.delay).await;
        if self.refuses.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Refused);
        }
        Ok(self.opened.fetch_add(1, Ordering::SeqCst))
    }

    /// Who wishes for 0 takes any; else numbers of the same ten are near, those of another far.
    fn fit(&self, conn: &usize, wish: &usize) -> Fit {
        match wish {
            0 => Fit::Ready,
            wish if wish == conn => Fit::Ready,
            wish if wish / 10 == conn / 10 => Fit::Bring,
            _ => Fit::Never,
        }
    }

    fn is_alive(&self, _conn: &mut usize) -> bool {
        !self.dead.load(Ordering::SeqCst)
    }

    fn close(&self, _conn: usize) {
        self.closed.fetch_add(1, Ordering::SeqCst);
    }
}

const CONFIG: PoolConfig = PoolConfig {
    min: 0,
    max: 1,
    max_waiting: 2,
    wait_timeout: Duration::from_secs(5),
    connect_timeout: Duration::from_secs(3),
    idle_timeout: Duration::from_secs(60),
    max_lifetime: Duration::from_secs(300),
};

fn pool(numbers: &Numbers, config: PoolConfig) -> Pool<Numbers> {
    let metrics = Metrics::register(&mut Registry::default());
    Pool::new(
        numbers.clone(),
        config,
        metrics.of("test"),
        &Handle::current(),
    )
}

/// Asks in the background and lets the question reach the queue.
async fn ask(pool: &Pool<Numbers>, key: &'static str) -> JoinHandle<usize> {
    let pool = pool.clone();
    let asked = tokio::spawn(async move {
        let lease = pool.lease(&key, &0, None).await.unwrap();
        let number = *lease;
        lease.give_back();
        number
    });
    tokio::task::yield_now().await;
    asked
}

#[tokio::test(start_paused = true)]
async fn reuses_what_is_given_back_and_closes_what_is_dropped() {
    let pool = pool(&Numbers::default(), CONFIG);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    let again = pool.lease(&"a", &0, None).await.unwrap();
    assert_eq!(*again, 0);
    drop(again);
    assert_eq!(pool.stats().open, 0);
    assert_eq!(*pool.lease(&"a", &0, None).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn serves_waiters_in_their_order() {
    let pool = pool(
        &Numbers::default(),
        PoolConfig {
            max_waiting: 100,
            ..CONFIG
        },
    );
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let served = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut waiters = Vec::new();
    for number in 0..50 {
        let (pool, served) = (pool.clone(), Arc::clone(&served));
        waiters.push(tokio::spawn(async move {
            let lease = pool.lease(&"a", &0, None).await.unwrap();
            served.lock().unwrap().push(number);
            lease.give_back();
        }));
        tokio::task::yield_now().await;
    }
    assert_eq!(pool.stats().waiting, 50);
    lease.give_back();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(*served.lock().unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn another_key_takes_the_place_of_an_idle_connection() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, CONFIG);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    let other = pool.lease(&"b", &0, None).await.unwrap();
    assert_eq!((*other, numbers.closed.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(pool.stats().open, 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_of_another_key_opens_its_own() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let waiting = ask(&pool, "b").await;
    lease.give_back();
    assert_eq!(waiting.await.unwrap(), 1);
    assert_eq!(pool.stats().open, 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_lease_makes_room_for_a_waiter() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let waiting = ask(&pool, "a").await;
    drop(lease);
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_vanishes_loses_nothing() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let (gone, waiting) = (ask(&pool, "a").await, ask(&pool, "a").await);
    gone.abort();
    lease.give_back();
    assert_eq!(waiting.await.unwrap(), 0);

    // And one that vanishes with the connection already on its way.
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let gone = ask(&pool, "a").await;
    lease.give_back();
    gone.abort();
    assert!(gone.await.is_err());
    assert_eq!(*pool.lease(&"a", &0, None).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn waits_no_longer_than_told_and_refuses_over_the_limit() {
    let pool = pool(&Numbers::default(), CONFIG);
    let _lease = pool.lease(&"a", &0, None).await.unwrap();
    let waiters = [pool.clone(), pool.clone()]
        .map(|pool| tokio::spawn(async move { pool.lease(&"a", &0, None).await.err() }));
    tokio::task::yield_now().await;
    assert!(matches!(
        pool.lease(&"a", &0, None).await,
        Err(LeaseError::QueueFull { waiting: 2 })
    ));
    for waiter in waiters {
        assert!(matches!(
            waiter.await.unwrap(),
            Some(LeaseError::WaitTimeout { .. })
        ));
    }
    assert_eq!(pool.stats().waiting, 0);
    let waiting = ask(&pool, "a").await;
    assert_eq!(pool.stats().waiting, 1);
    waiting.abort();
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_its_own_is_of_the_wait_alone() {
    const LIMIT: Duration = Duration::from_millis(500);
    let slow = Numbers {
        delay: Duration::from_secs(2),
        ..Numbers::default()
    };
    let pool = pool(&slow, CONFIG);
    let lease = pool.lease_within(LIMIT, &"a", &0, None).await.unwrap();
    assert!(matches!(
        pool.lease_within(LIMIT, &"a", &0, None).await,
        Err(LeaseError::WaitTimeout { waited: LIMIT })
    ));
    assert_eq!(pool.stats().wait_timeouts, 1);
    drop(lease);
    pool.lease_within(LIMIT, &"b", &0, None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn connecting_has_a_limit_and_gives_its_permit_back() {
    let slow = Numbers {
        delay: Duration::from_secs(10),
        ..Numbers::default()
    };
    let pool = pool(&slow, CONFIG);
    assert!(matches!(
        pool.lease(&"a", &0, None).await,
        Err(LeaseError::ConnectTimeout { .. })
    ));
    assert_eq!(pool.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn closes_the_idle_and_the_old() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, CONFIG);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    sleep(Duration::from_secs(100)).await;
    assert_eq!(pool.stats().open, 0);

    let old = pool.lease(&"a", &0, None).await.unwrap();
    sleep(CONFIG.max_lifetime).await;
    old.give_back();
    assert_eq!(pool.stats().open, 0);
    assert_eq!(numbers.closed.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn does_not_lend_what_died_while_idle() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, CONFIG);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    numbers.dead.store(true, Ordering::SeqCst);
    assert_eq!(*pool.lease(&"a", &0, None).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn closes_what_died_while_idle_without_being_asked() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, CONFIG);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    numbers.dead.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(pool.stats().open, 0);
}

#[tokio::test(start_paused = true)]
async fn resumes_only_an_untouched_visit() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let mine = lease.visit();
    assert!(pool.resume(mine).is_none(), "still lent");
    lease.give_back();
    let again = pool.resume(mine).unwrap();
    let mine = again.visit();
    again.give_back();
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    assert!(pool.resume(mine).is_none(), "somebody used it since");
}

#[tokio::test(start_paused = true)]
async fn a_closed_pool_refuses_and_lets_waiters_go() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let waiting = {
        let pool = pool.clone();
        tokio::spawn(async move { pool.lease(&"a", &0, None).await.err() })
    };
    tokio::task::yield_now().await;
    pool.close();
    assert!(matches!(waiting.await.unwrap(), Some(LeaseError::Closed)));
    lease.give_back();
    assert_eq!(pool.stats().open, 0);
    assert!(matches!(
        pool.lease(&"a", &0, None).await,
        Err(LeaseError::Closed)
    ));
}
