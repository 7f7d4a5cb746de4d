//! One asks, the others wait for it, and nobody waits in vain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, timeout};

use super::{Key, LIFETIME, Rig, fill, key};
use crate::{Follower, Joined, Lookup, NotFilled, Outcome, Sought};

fn follow(rig: &Rig, text: &str) -> Follower<(), ()> {
    match rig.cache.join(key(text)) {
        Joined::Follow(follower) => follower,
        other => panic!("{other:?} instead of a place behind the leader"),
    }
}

#[tokio::test(start_paused = true)]
async fn followers_get_what_the_leader_fills() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let (early, late) = (follow(&rig, "k"), follow(&rig, "k"));
    let early = tokio::spawn(early.outcome());
    sleep(Duration::from_secs(1)).await;
    let filled = fill(leader, "v");
    assert!(filled.is_ok());
    for outcome in [early.await.unwrap(), late.outcome().await] {
        assert!(matches!(outcome, Outcome::Filled(entry) if entry.bytes() == b"v"));
    }
    assert_eq!(rig.cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn other_keys_have_flights_of_their_own() {
    let rig = Rig::new();
    let (_a, _b) = (rig.lead("a"), rig.lead("b"));
    assert_eq!(rig.cache.stats().flights, 2);
}

#[tokio::test(start_paused = true)]
async fn two_keys_of_one_hash_have_one_flight_and_two_results() {
    let rig = Rig::new();
    let other = || Key::new((), b"other".to_vec(), key("k").hash());
    let leader = rig.lead_noted("k");
    let (own, others) = (follow(&rig, "k"), rig.cache.join(other()));
    assert!(fill(leader, "v").is_ok());
    assert!(matches!(own.outcome().await, Outcome::Filled(entry) if entry.bytes() == b"v"));
    let Joined::Follow(others) = others else {
        panic!("{others:?} instead of a place behind the leader");
    };
    assert!(matches!(others.outcome().await, Outcome::Alone));
    // Of both what is kept is their own.
    let Joined::Lead(mut leader) = rig.cache.join(other()) else {
        panic!("it was given the result of another key");
    };
    assert!(leader.note(rig.note()));
    assert!(fill(leader, "w").is_ok());
    assert_eq!(rig.hit("k").as_deref(), Some("v"));
    let found = rig.cache.lookup(&other(), Instant::now());
    assert!(matches!(found, Lookup::Hit(entry) if entry.bytes() == b"w"));
}

#[tokio::test(start_paused = true)]
async fn who_joins_after_the_landing_is_served() {
    let rig = Rig::new();
    rig.fill("k", "v");
    let joined = rig.cache.join(key("k"));
    assert!(matches!(joined, Joined::Filled(entry) if entry.bytes() == b"v"));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_fails_makes_way() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let followers = [follow(&rig, "k"), follow(&rig, "k")];
    drop(leader);
    for follower in followers {
        assert!(matches!(follower.outcome().await, Outcome::Retry(_)));
    }
    let _next = rig.lead("k");
    follow(&rig, "k");
}

#[tokio::test(start_paused = true)]
async fn a_leader_without_a_result_lets_go_and_is_forgotten() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let followers = [follow(&rig, "k"), follow(&rig, "k")];
    leader.let_go();
    for follower in followers {
        assert!(matches!(follower.outcome().await, Outcome::Alone));
    }
    let _next = rig.lead("k");
    follow(&rig, "k");
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_goes_disturbs_nobody() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let gone = timeout(Duration::from_millis(10), follow(&rig, "k").outcome()).await;
    assert!(gone.is_err());
    let stays = follow(&rig, "k");
    let filled = fill(leader, "v");
    assert!(filled.is_ok());
    assert!(matches!(stays.outcome().await, Outcome::Filled(_)));
}

#[tokio::test(start_paused = true)]
async fn a_write_under_way_lets_followers_go() {
    let rig = Rig::new();
    let generation = rig.versions.generation();
    let committing = rig.versions.begin(rig.writes(), generation);
    let mut leader = rig.lead("k");
    let follower = follow(&rig, "k");
    assert!(!leader.note(rig.note()));
    assert!(matches!(follower.outcome().await, Outcome::Alone));

    // The key is free though the leader goes on, and stays so for the next one when it ends.
    committing.end();
    let next = rig.lead_noted("k");
    let filled = fill(leader, "v");
    assert_eq!(filled.unwrap_err(), NotFilled::Moved);
    follow(&rig, "k");
    assert!(fill(next, "w").is_ok());
    assert_eq!(rig.hit("k").as_deref(), Some("w"));
}

#[tokio::test(start_paused = true)]
async fn a_write_since_the_note_keeps_the_result_from_others() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let before = follow(&rig, "k");
    rig.write();
    // It joins after the write was acknowledged, and must not see what was before.
    let after = follow(&rig, "k");
    let filled = fill(leader, "old");
    assert_eq!(filled.unwrap_err(), NotFilled::Moved);
    assert!(matches!(before.outcome().await, Outcome::Retry(_)));
    assert!(matches!(after.outcome().await, Outcome::Retry(_)));
    assert_eq!(rig.hit("k"), None);
}

#[tokio::test(start_paused = true)]
async fn a_write_since_the_fill_keeps_the_result_from_a_late_follower() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let follower = follow(&rig, "k");
    let filled = fill(leader, "old");
    assert!(filled.is_ok());
    rig.write();
    assert!(matches!(follower.outcome().await, Outcome::Retry(_)));
}

#[tokio::test(start_paused = true)]
async fn one_of_those_who_wait_for_long_leads_as_well() {
    let rig = Rig::new();
    let wedged = rig.lead_noted("k");
    let (one, other) = (follow(&rig, "k"), follow(&rig, "k"));
    let began = Instant::now();
    let (one, other) = tokio::join!(one.outcome(), other.outcome());
    assert!(matches!(
        (one, other),
        (Outcome::Overdue(_), Outcome::Overdue(_))
    ));
    assert_eq!(began.elapsed(), Duration::from_secs(3));

    let next = rig.lead_noted("k");
    let follower = follow(&rig, "k");
    // What becomes of the first does not touch the second, nor who waits for it.
    wedged.set_stalled(true);
    drop(wedged);
    let another = follow(&rig, "k");
    assert!(fill(next, "v").is_ok());
    for follower in [follower, another] {
        assert!(matches!(follower.outcome().await, Outcome::Filled(_)));
    }
    assert_eq!(rig.hit("k").as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_overdue_leader_is_told_by_the_next() {
    let rig = Rig::new();
    let _wedged = rig.lead_noted("k");
    let _first = follow(&rig, "k");
    advance(Duration::from_secs(2)).await;
    let waits = tokio::spawn(follow(&rig, "k").outcome());
    advance(Duration::from_secs(1)).await;
    let next = rig.lead_noted("k");
    assert!(fill(next, "v").is_ok());
    let outcome = waits.await.expect("it does not panic");
    assert!(matches!(outcome, Outcome::Filled(_)));
    assert_eq!(rig.hit("k").as_deref(), Some("v"));
}

#[tokio::test(start_paused = true)]
async fn what_an_overdue_leader_brings_is_kept_and_told() {
    let rig = Rig::new();
    let slow = rig.lead_noted("k");
    let outcome = follow(&rig, "k").outcome().await;
    assert!(matches!(outcome, Outcome::Overdue(_)));
    let next = rig.lead_noted("k");
    let (follower, began) = (follow(&rig, "k"), Instant::now());
    assert!(fill(slow, "v").is_ok());
    assert!(matches!(follower.outcome().await, Outcome::Filled(_)));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(rig.hit("k").as_deref(), Some("v"));
    assert_eq!(rig.cache.stats().flights, 1);
    assert!(fill(next, "w").is_ok());
    assert_eq!(rig.hit("k").as_deref(), Some("w"));
    assert_eq!(rig.cache.stats().flights, 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_overdue_leader_brings_takes_the_place_of_nothing_newer() {
    let rig = Rig::new();
    let slow = rig.lead_noted("k");
    let outcome = follow(&rig, "k").outcome().await;
    assert!(matches!(outcome, Outcome::Overdue(_)));
    rig.fill("k", "newer");
    assert!(fill(slow, "older").is_ok());
    assert_eq!(rig.hit("k").as_deref(), Some("newer"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_was_declined() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let follower = follow(&rig, "k");
    leader.decline();
    assert!(matches!(follower.outcome().await, Outcome::Alone));
    let joined = rig.cache.join(key("k"));
    assert!(matches!(joined, Joined::Alone));
    advance(Duration::from_secs(60)).await;
    rig.fill("k", "small by now");
}

#[tokio::test(start_paused = true)]
async fn followers_leave_a_leader_that_stays_stalled() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    let follower = tokio::spawn(follow(&rig, "k").outcome());
    sleep(Duration::from_secs(2)).await;
    let since = Instant::now();
    leader.set_stalled(true);
    assert!(matches!(follower.await.unwrap(), Outcome::Alone));
    assert_eq!(since.elapsed().as_millis(), 100);
}

#[tokio::test(start_paused = true)]
async fn followers_stay_with_a_leader_that_goes_on() {
    let rig = Rig::new();
    let leader = rig.lead_noted("k");
    leader.set_stalled(true);
    let follower = tokio::spawn(follow(&rig, "k").outcome());
    sleep(Duration::from_millis(50)).await;
    leader.set_stalled(false);
    sleep(Duration::from_secs(2)).await;
    let filled = fill(leader, "v");
    assert!(filled.is_ok());
    assert!(matches!(follower.await.unwrap(), Outcome::Filled(_)));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_leader_may_still_fill_or_fail() {
    let rig = Rig::new();
    for fills in [true, false] {
        let leader = rig.lead_noted("k");
        leader.set_stalled(true);
        let follower = tokio::spawn(follow(&rig, "k").outcome());
        sleep(Duration::from_millis(50)).await;
        if fills {
            let filled = fill(leader, "v");
            assert!(filled.is_ok());
            assert!(matches!(follower.await.unwrap(), Outcome::Filled(_)));
            rig.write();
        } else {
            drop(leader);
            assert!(matches!(follower.await.unwrap(), Outcome::Retry(_)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_a_flight_that_can_be_followed() {
    let rig = Rig::new();
    rig.fill("k", "v");
    advance(LIFETIME.max_age + Duration::from_secs(1)).await;
    let Lookup::Stale(_, Some(permit)) = rig.cache.lookup(&key("k"), Instant::now()) else {
        panic!("no permit");
    };
    let leader = rig.cache.refresh(key("k"), permit);
    let mut leader = leader.expect("nobody asks for it");
    assert!(leader.note(rig.note()));
    let follower = follow(&rig, "k");
    let filled = fill(leader, "w");
    assert!(filled.is_ok());
    assert!(matches!(follower.outcome().await, Outcome::Filled(_)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_refreshed_twice_at_a_time() {
    let rig = Rig::new();
    rig.fill("k", "v");
    advance(LIFETIME.max_age + Duration::from_secs(1)).await;
    let _asks_already = rig.lead("k");
    let Lookup::Stale(_, Some(permit)) = rig.cache.lookup(&key("k"), Instant::now()) else {
        panic!("no permit");
    };
    let leader = rig.cache.refresh(key("k"), permit);
    assert!(leader.is_none());
    // The permit went back.
    let found = rig.cache.lookup(&key("k"), Instant::now());
    assert!(matches!(found, Lookup::Stale(_, Some(_))));
}

/// Sessions that come at once, and what they did.
#[derive(Default)]
struct Herd {
    asked: AtomicUsize,
    served: AtomicUsize,
}

async fn one_of_a_herd(rig: Arc<Rig>, herd: Arc<Herd>) {
    let outcome = match rig.cache.join(key("k")) {
        Joined::Follow(follower) => follower.outcome().await,
        Joined::Filled(entry) => Outcome::Filled(entry),
        Joined::Alone => Outcome::Alone,
        Joined::Lead(mut leader) => {
            assert!(leader.note(rig.note()));
            herd.asked.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_millis(20)).await;
            let filled = fill(leader, "v");
            assert!(filled.is_ok());
            return;
        }
    };
    assert!(matches!(outcome, Outcome::Filled(entry) if entry.bytes() == b"v"));
    herd.served.fetch_add(1, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_herd_one_asks() {
    let (rig, herd) = (Arc::new(Rig::new()), Arc::new(Herd::default()));
    let mut tasks = JoinSet::new();
    for _ in 0..1_000 {
        tasks.spawn(one_of_a_herd(Arc::clone(&rig), Arc::clone(&herd)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(herd.asked.load(Ordering::SeqCst), 1);
    assert_eq!(herd.served.load(Ordering::SeqCst), 999);
}
