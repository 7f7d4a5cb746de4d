//! Connections that are kept open though nobody asks, and how long each lives.

use super::*;

const KEPT: PoolConfig = PoolConfig {
    min: 3,
    max: 5,
    ..CONFIG
};

#[tokio::test(start_paused = true)]
async fn fills_up_after_the_first_lease_and_not_before() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, KEPT);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(pool.stats().open, 0, "of which key?");
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    sleep(Duration::from_millis(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.leased), (3, 2, 1));
    drop(lease);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(pool.stats().idle, 3, "a broken one is replaced");
}

#[tokio::test(start_paused = true)]
async fn keeps_no_more_than_may_be_open() {
    let pool = pool(
        &Numbers::default(),
        PoolConfig {
            min: 9,
            max: 2,
            ..CONFIG
        },
    );
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    sleep(Duration::from_secs(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.min, stats.open), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn idle_ones_are_closed_down_to_the_minimum() {
    let pool = pool(&Numbers::default(), KEPT);
    let mut leases = Vec::new();
    for _ in 0..5 {
        leases.push(pool.lease(&"a", &0, None).await.unwrap());
    }
    leases.into_iter().for_each(Lease::give_back);
    sleep(KEPT.idle_timeout + Duration::from_secs(2)).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.connects), (3, 3, 5));
    assert_eq!(*pool.lease(&"a", &0, None).await.unwrap(), 4, "still lent");
}

#[tokio::test(start_paused = true)]
async fn a_renewed_pool_lends_none_of_before() {
    let numbers = Numbers {
        delay: Duration::from_millis(100),
        ..Numbers::default()
    };
    let pool = pool(&numbers, PoolConfig { max: 5, ..CONFIG });
    let lent = pool.lease(&"a", &0, None).await.unwrap();
    let idle = pool.lease(&"a", &0, None).await.unwrap();
    idle.give_back();
    let opening = tokio::spawn({
        let pool = pool.clone();
        async move { pool.lease(&"b", &0, None).await.unwrap().give_back() }
    });
    sleep(Duration::from_millis(50)).await;
    pool.renew();
    assert_eq!(pool.stats().idle, 0);
    lent.give_back();
    opening.await.unwrap();
    assert_eq!(pool.stats().idle, 0, "it was being opened then");
    assert_eq!(*pool.lease(&"a", &0, None).await.unwrap(), 3);
    assert_eq!(numbers.closed.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn the_old_are_replaced_one_after_the_other() {
    let numbers = Numbers::default();
    let config = PoolConfig {
        min: 5,
        idle_timeout: Duration::from_secs(3600),
        ..KEPT
    };
    let pool = pool(&numbers, config);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    let mut fewest = usize::MAX;
    for second in 0..config.max_lifetime.as_secs() {
        sleep(Duration::from_secs(1)).await;
        fewest = fewest.min(pool.stats().open);
        if second < config.max_lifetime.as_secs() * 4 / 5 - 2 {
            assert_eq!(pool.stats().connects, 5, "after {second} s");
        }
    }
    sleep(Duration::from_secs(2)).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.connects, stats.closes), (5, 10, 5));
    assert!(fewest >= 4, "{fewest} were left at a time");
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_refuses_is_asked_ever_less_often() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, KEPT);
    numbers.refuses.store(true, Ordering::SeqCst);
    assert!(matches!(
        pool.lease(&"a", &0, None).await,
        Err(LeaseError::Connect(Refused))
    ));
    sleep(Duration::from_secs(600)).await;
    // 1 + 2 + 4 + 8 + 16 s, then every 30 s: about 24 attempts in ten minutes.
    let attempts = numbers.refused.load(Ordering::SeqCst);
    assert!((20..30).contains(&attempts), "{attempts} attempts");
    assert_eq!(pool.stats().open, 0);
    numbers.refuses.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(pool.stats().idle, 3, "it is back");
}

#[tokio::test(start_paused = true)]
async fn what_the_keeper_opens_goes_to_the_first_waiter() {
    let numbers = Numbers {
        delay: Duration::from_secs(1),
        ..Numbers::default()
    };
    let config = PoolConfig {
        min: 2,
        max: 2,
        ..CONFIG
    };
    let pool = pool(&numbers, config);
    let _held = pool.lease(&"a", &0, None).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(pool.stats().open, 2, "the keeper opens the second one");
    let waiting = ask(&pool, "a").await;
    assert_eq!(pool.stats().waiting, 1);
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_pool_keeps_nothing() {
    let pool = pool(&Numbers::default(), KEPT);
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    sleep(Duration::from_secs(1)).await;
    pool.close();
    sleep(Duration::from_secs(60)).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.connects, stats.closes), (0, 3, 3));
}
