//! Which connection is lent to whom.

use super::*;

/// Opens connections 0 to `count`, and gives them back in this order.
async fn filled(pool: &Pool<Numbers>, count: usize) {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(pool.lease(&"a", &0, None).await.unwrap());
    }
    for lease in leases {
        lease.give_back();
    }
}

#[tokio::test(start_paused = true)]
async fn prefers_the_last_visit_then_ready_then_the_least_recently_used() {
    let pool = pool(&Numbers::default(), PoolConfig { max: 5, ..CONFIG });
    filled(&pool, 5).await;
    let mine = pool.lease(&"a", &2, None).await.unwrap();
    assert_eq!(*mine, 2, "ready, though others were used later");
    let visit = mine.visit();
    mine.give_back();

    let again = pool.lease(&"a", &4, Some(visit)).await.unwrap();
    assert_eq!(*again, 2, "the last visit, though another is ready");
    again.give_back();
    let other = pool.lease(&"a", &4, Some(visit)).await.unwrap();
    assert_eq!(*other, 4, "the visit is over: somebody used it since");
    other.give_back();

    // None is number 7, but all are near it. Oldest first: 0, 1, 3, 2, 4.
    let far = pool.lease(&"a", &7, None).await.unwrap();
    assert_eq!(*far, 0);
    let next = pool.lease(&"a", &7, None).await.unwrap();
    assert_eq!(*next, 1);
}

#[tokio::test(start_paused = true)]
async fn takes_the_most_recently_used_of_those_that_are_ready() {
    let pool = pool(&Numbers::default(), PoolConfig { max: 3, ..CONFIG });
    filled(&pool, 3).await;
    assert_eq!(*pool.lease(&"a", &0, None).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn brings_an_idle_one_before_it_opens_another() {
    let pool = pool(&Numbers::default(), PoolConfig { max: 2, ..CONFIG });
    pool.lease(&"a", &0, None).await.unwrap().give_back();
    assert_eq!(*pool.lease(&"a", &7, None).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_left_alone_while_there_is_room_and_makes_room_then() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, PoolConfig { max: 2, ..CONFIG });
    let first = pool.lease(&"a", &0, None).await.unwrap();
    let visit = first.visit();
    first.give_back();
    let far = pool.lease(&"a", &15, Some(visit)).await.unwrap();
    assert_eq!((*far, pool.stats().idle), (1, 1), "opened beside it");
    let farther = pool.lease(&"a", &15, Some(visit)).await.unwrap();
    assert_eq!((*farther, pool.stats().idle), (2, 0), "opened in its place");
    assert_eq!(numbers.closed.load(Ordering::SeqCst), 1);
    let stats = pool.stats();
    assert_eq!((stats.open, stats.connects, stats.closes), (2, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_is_handed_what_never_fits_opens_its_own() {
    let numbers = Numbers::default();
    let pool = pool(&numbers, CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let waiting = {
        let pool = pool.clone();
        tokio::spawn(async move { *pool.lease(&"a", &15, None).await.unwrap() })
    };
    tokio::task::yield_now().await;
    lease.give_back();
    assert_eq!(waiting.await.unwrap(), 1);
    assert_eq!(numbers.closed.load(Ordering::SeqCst), 1);
    assert_eq!(pool.stats().open, 0, "the lease was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_takes_what_can_be_brought() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let waiting = {
        let pool = pool.clone();
        tokio::spawn(async move { *pool.lease(&"a", &7, None).await.unwrap() })
    };
    tokio::task::yield_now().await;
    lease.give_back();
    assert_eq!(waiting.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_visit_on_a_connection_of_another_key_is_no_reason_to_lend_it() {
    let pool = pool(&Numbers::default(), PoolConfig { max: 2, ..CONFIG });
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let visit = lease.visit();
    lease.give_back();
    assert_eq!(*pool.lease(&"b", &0, Some(visit)).await.unwrap(), 1);
}
