//! When an entry is served, and when it makes room.

use std::time::Duration;

use tokio::time::{Instant, advance};

use super::{CONFIG, LIFETIME, Rig, fill, key};
use crate::{CacheConfig, Joined, Lookup, NotFilled, RefreshPermit};

fn stale(rig: &Rig, text: &str) -> Option<RefreshPermit<(), ()>> {
    match rig.cache.lookup(&key(text), Instant::now()) {
        Lookup::Stale(_, permit) => permit,
        other => panic!("{other:?} instead of a stale entry"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_entry_is_served_and_counted() {
    let rig = Rig::new();
    assert_eq!(rig.hit("k"), None);
    rig.fill("k", "v");
    assert_eq!(rig.hit("k").as_deref(), Some("v"));
    advance(LIFETIME.max_age).await;
    let Lookup::Hit(entry) = rig.cache.lookup(&key("k"), Instant::now()) else {
        panic!("not served at its greatest age");
    };
    assert_eq!(entry.hits(), 2);
    assert_eq!(entry.age(Instant::now()), LIFETIME.max_age);
}

#[tokio::test(start_paused = true)]
async fn an_old_entry_is_served_stale_and_refreshed_by_one() {
    let rig = Rig::new();
    rig.fill("k", "v");
    advance(LIFETIME.max_age + Duration::from_millis(1)).await;
    let permit = stale(&rig, "k").expect("nobody has the permit");
    assert!(stale(&rig, "k").is_none());
    drop(permit);
    let permit = stale(&rig, "k").expect("it was given back");

    let leader = rig.cache.refresh(key("k"), permit);
    let mut leader = leader.expect("nobody asks for it");
    assert!(leader.note(rig.note()));
    assert!(stale(&rig, "k").is_none());
    let filled = fill(leader, "w");
    assert!(filled.is_ok());
    assert_eq!(rig.hit("k").as_deref(), Some("w"));
}

#[tokio::test(start_paused = true)]
async fn an_entry_past_both_ages_is_missing() {
    let rig = Rig::new();
    rig.fill("k", "v");
    advance(LIFETIME.max_age + LIFETIME.stale_while_revalidate).await;
    assert!(stale(&rig, "k").is_some());
    advance(Duration::from_millis(1)).await;
    assert!(matches!(
        rig.cache.lookup(&key("k"), Instant::now()),
        Lookup::Miss
    ));
}

#[tokio::test(start_paused = true)]
async fn the_age_counts_from_when_it_was_asked_for() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    advance(LIFETIME.max_age + Duration::from_millis(1)).await;
    let filled = fill(leader, "v");
    assert!(filled.is_ok());
    assert!(stale(&rig, "k").is_some());
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_missing_from_when_a_write_begins() {
    let rig = Rig::new();
    rig.fill("k", "v");
    let generation = rig.versions.generation();
    let committing = rig.versions.begin(rig.writes(), generation);
    assert_eq!(rig.hit("k"), None);
    committing.end();
    assert_eq!(rig.hit("k"), None);
    rig.fill("k", "w");
    assert_eq!(rig.hit("k").as_deref(), Some("w"));
}

#[tokio::test(start_paused = true)]
async fn a_stale_entry_is_not_served_after_a_write() {
    let rig = Rig::new();
    rig.fill("k", "v");
    advance(LIFETIME.max_age + Duration::from_millis(1)).await;
    rig.write();
    assert!(matches!(
        rig.cache.lookup(&key("k"), Instant::now()),
        Lookup::Miss
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_replaced_is_not_counted_as_evicted() {
    let rig = Rig::new();
    rig.fill("k", "v");
    rig.write();
    rig.fill("k", "w");
    let stats = rig.cache.stats();
    assert_eq!((stats.entries, stats.evictions), (1, 0));
    assert!(stats.bytes > 0);
    rig.cache.clear();
    let stats = rig.cache.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn entries_make_room_within_the_budget() {
    let rig = Rig::new();
    let value = "v".repeat(10_000);
    for key in 0..1_000 {
        rig.fill(&key.to_string(), &value);
    }
    let stats = rig.cache.stats();
    assert!(stats.bytes <= CONFIG.bytes as u64, "{stats:?}");
    assert!(stats.bytes > CONFIG.bytes as u64 * 8 / 10, "{stats:?}");
    assert_eq!(stats.evictions + stats.entries as u64, 1_000, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn an_entry_may_take_most_of_the_budget_or_be_too_large() {
    let rig = Rig::with(CacheConfig {
        bytes: 64 << 20,
        entry_bytes: 50 << 20,
    });
    rig.fill("large", &"v".repeat(49 << 20));
    assert!(rig.hit("large").is_some());

    let leader = rig.lead_noted("too large");
    let filled = fill(leader, &"v".repeat(50 << 20));
    let limit = rig.cache.largest_entry();
    assert!(
        matches!(filled, Err(NotFilled::TooLarge { bytes, .. }) if bytes > limit),
        "{filled:?}"
    );
    // Nobody waits for it a second time.
    let joined = rig.cache.join(key("too large"));
    assert!(matches!(joined, Joined::Alone), "{joined:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_beyond_the_budget_is_cut() {
    let rig = Rig::with(CacheConfig {
        bytes: 1 << 20,
        entry_bytes: usize::MAX,
    });
    let limit = rig.cache.largest_entry();
    assert!((900_000..1 << 20).contains(&limit), "{limit}");
    rig.fill("k", &"v".repeat(limit - 500));
    assert!(rig.hit("k").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_used_often_survives_a_scan() {
    let rig = Rig::new();
    let value = "v".repeat(700);
    let scan = |from: usize, times: usize| {
        let count = times * CONFIG.bytes / value.len();
        for key in from..from + count {
            rig.fill(&format!("scan {key}"), &value);
        }
    };
    // The cache is full when they come for the first time.
    scan(0, 1);
    let hot: Vec<String> = (0..200).map(|key| format!("hot {key}")).collect();
    for key in &hot {
        rig.fill(key, &value);
        rig.hit(key);
        rig.hit(key);
    }
    scan(1_000_000, 10);
    let survivors = hot.iter().filter(|key| rig.hit(key).is_some()).count();
    assert!(survivors >= 190, "{survivors} of {}", hot.len());
}
