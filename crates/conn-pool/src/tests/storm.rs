//! The books under many threads: whatever sessions do, what is open is counted.

use tokio::time::timeout;

use super::*;

const SESSIONS: usize = 64;
const STEPS: usize = 400;
const MAX: usize = 7;

/// Opens connections that count themselves. Every seventh attempt fails.
#[derive(Clone, Default)]
struct Counting {
    attempts: Arc<AtomicUsize>,
    live: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

struct Counted {
    live: Arc<AtomicUsize>,
    is_broken: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Connect for Counting {
    type Key = usize;
    type Wish = usize;
    type Conn = Counted;
    type Error = Refused;

    async fn connect(&self, _key: &usize) -> Result<Counted, Refused> {
        tokio::task::yield_now().await;
        if self.attempts.fetch_add(1, Ordering::SeqCst) % 7 == 6 {
            return Err(Refused);
        }
        let live = self.live.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(live, Ordering::SeqCst);
        Ok(Counted {
            live: Arc::clone(&self.live),
            is_broken: false,
        })
    }

    fn fit(&self, _conn: &Counted, wish: &usize) -> Fit {
        [Fit::Ready, Fit::Bring, Fit::Never][wish % 3]
    }

    fn is_alive(&self, conn: &mut Counted) -> bool {
        !conn.is_broken
    }

    fn close(&self, _conn: Counted) {}
}

/// One session: it leases, and gives back, drops, breaks, keeps or gives up waiting, by turns that
/// look random and are not.
async fn session(pool: Pool<Counting>, number: usize) {
    let mut dice = number * 7919 + 1;
    let mut last = None;
    for _ in 0..STEPS {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let roll = dice >> 33;
        let (key, wish) = (roll % 2, roll / 2 % 16 / 7);
        let asked = pool.lease(&key, &wish, last);
        let patience = Duration::from_micros(if roll.is_multiple_of(5) {
            50
        } else {
            1_000_000
        });
        let Ok(Ok(mut lease)) = timeout(patience, asked).await else {
            continue;
        };
        last = Some(lease.visit());
        match roll / 32 % 8 {
            0 => drop(lease),
            1 => {
                lease.is_broken = true;
                lease.give_back();
            }
            2 => {
                tokio::task::yield_now().await;
                lease.give_back();
            }
            _ => lease.give_back(),
        }
        if (roll / 256).is_multiple_of(4)
            && let Some(lease) = last.and_then(|last| pool.resume(last))
        {
            lease.give_back();
        }
    }
}

/// With nobody there, everything open is idle.
fn books_are_true(pool: &Pool<Counting>, counting: &Counting) -> bool {
    let stats = pool.stats();
    let live = counting.live.load(Ordering::SeqCst);
    (stats.open, stats.idle, stats.leased, stats.waiting) == (live, live, 0, 0)
        && stats.connects - stats.closes == live as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_leaves_the_books_in_order() {
    let counting = Counting::default();
    let config = PoolConfig {
        min: 2,
        max: MAX,
        max_waiting: SESSIONS,
        ..CONFIG
    };
    let pool = Pool::new(
        counting.clone(),
        config,
        crate::PoolMetrics::default(),
        &Handle::current(),
    );
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|number| tokio::spawn(session(pool.clone(), number)))
        .collect();
    for session in sessions {
        session.await.unwrap();
    }
    assert!(counting.most.load(Ordering::SeqCst) <= MAX);

    assert!(pool.stats().connects > 100);
    // The keeper may still be opening one.
    let agree = timeout(Duration::from_secs(10), async {
        while !books_are_true(&pool, &counting) {
            tokio::task::yield_now().await;
        }
    });
    assert!(agree.await.is_ok(), "{:?}", pool.stats());
    pool.close();
    assert_eq!(counting.live.load(Ordering::SeqCst), 0);
}
