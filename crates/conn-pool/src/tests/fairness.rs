//! Who waits for how long when many share few.

use std::sync::Mutex;

use tokio::time::Instant;

use super::*;

const SESSIONS: u64 = 200;
const CONNECTIONS: usize = 20;
const ROUNDS: u64 = 50;

/// Sessions that ask without a pause, each holding its lease for 1 to 3 ms. Gives the waits, and
/// who was served, both in the order of service.
async fn crowd(pool: &Pool<Numbers>) -> (Vec<Duration>, Vec<(Instant, u64)>) {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let served = Arc::new(Mutex::new(Vec::new()));
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|session| {
            let (pool, waits, served) = (pool.clone(), Arc::clone(&waits), Arc::clone(&served));
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let asked = Instant::now();
                    let lease = pool.lease(&"a", &0, None).await.unwrap();
                    served.lock().unwrap().push((asked, session));
                    waits.lock().unwrap().push(asked.elapsed());
                    sleep(Duration::from_millis(1 + (session + round) % 3)).await;
                    lease.give_back();
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    let (waits, served) = (
        waits.lock().unwrap().clone(),
        served.lock().unwrap().clone(),
    );
    (waits, served)
}

#[tokio::test(start_paused = true)]
async fn two_hundred_sessions_on_twenty_connections_wait_alike() {
    let config = PoolConfig {
        max: CONNECTIONS,
        max_waiting: 1000,
        ..CONFIG
    };
    let pool = pool(&Numbers::default(), config);
    let (mut waits, served) = crowd(&pool).await;

    assert!(
        served.is_sorted_by_key(|(asked, _)| *asked),
        "who asked first was served first"
    );
    waits.sort();
    let at = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    let (median, p99) = (at(50), at(99));
    assert!(median > Duration::ZERO);
    assert!(p99 <= 3 * median, "p50 {median:?}, p99 {p99:?}");
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle), (CONNECTIONS, CONNECTIONS));
    assert_eq!(stats.connects, CONNECTIONS as u64, "nobody opened more");
}

#[tokio::test(start_paused = true)]
async fn tells_how_it_stands() {
    let pool = pool(&Numbers::default(), CONFIG);
    let lease = pool.lease(&"a", &0, None).await.unwrap();
    let (gone, waiting) = (ask(&pool, "a").await, {
        sleep(Duration::from_secs(1)).await;
        ask(&pool, "a").await
    });
    sleep(Duration::from_secs(1)).await;
    let stats = pool.stats();
    assert_eq!((stats.min, stats.max, stats.open), (0, 1, 1));
    assert_eq!((stats.idle, stats.leased, stats.waiting), (0, 1, 2));
    assert_eq!(stats.longest_wait, Duration::from_secs(2));
    gone.abort();
    assert!(gone.await.is_err());
    let stats = pool.stats();
    assert_eq!((stats.waiting, stats.longest_wait.as_secs()), (1, 1));
    lease.give_back();
    waiting.await.unwrap();
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.leased), (1, 0));
    assert_eq!(stats.longest_wait, Duration::ZERO);
}
