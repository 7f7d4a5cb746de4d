//! A cache takes as much memory as it says. What the system says of this process is only known on
//! Linux; there is one test here, so that nothing else grows meanwhile.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and the test runner shows what it prints"
)]

use std::fs;
use std::time::Duration;

use query_cache::{
    CacheConfig, Dependencies, Joined, Key, Lifetime, Mutant, QueryCache, Versions, Weigh, Writes,
};

/// A context of a key that takes no memory, and is as large as that of a statement.
#[derive(Clone, PartialEq)]
struct Context([u64; 6]);

impl Weigh for Context {
    fn bytes(&self) -> usize {
        0
    }
}

/// So many bytes, which begin with a number.
fn bytes(number: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![b'.'; length];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// The key of a number.
fn key(number: usize) -> Key<Context> {
    // Sizes differ, as those of statements and results do.
    let bytes = bytes(number, 100 + number % 41);
    let hash = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Key::new(Context([0; 6]), bytes, hash)
}

struct Rig {
    cache: QueryCache<Context, ()>,
    versions: Versions,
    on: Dependencies,
}

impl Rig {
    fn new(budget: usize) -> Self {
        let versions = Versions::new(Mutant::default());
        let config = CacheConfig {
            bytes: budget,
            entry_bytes: 1 << 20,
        };
        Self {
            cache: QueryCache::new(config, Mutant::default()),
            on: versions.dependencies([versions.table("t")]),
            versions,
        }
    }

    fn fill(&self, key: Key<Context>, result: &[u8]) {
        let Joined::Lead(mut leader) = self.cache.join(key) else {
            panic!("a key came twice");
        };
        leader.note(self.versions.note(&self.on, self.versions.generation()));
        let lifetime = Lifetime {
            max_age: Duration::from_secs(60),
            stale_while_revalidate: Duration::ZERO,
        };
        leader.push(result);
        assert!(leader.fill((), lifetime).is_ok());
    }
}

/// Fills a cache half beyond its budget with results of about so many bytes.
fn fill(budget: usize, length: usize) -> Rig {
    let rig = Rig::new(budget);
    let typical = length + 400;
    for number in 0..budget / typical * 3 / 2 {
        let result = bytes(number, length * 3 / 4 + number * 7 % (length / 2));
        rig.fill(key(number), &result);
    }
    let stats = rig.cache.stats();
    assert!(stats.evictions > 0, "it is not full: {stats:?}");
    // What is not current takes its memory, too.
    rig.versions.move_now(&Writes::Everything);
    rig
}

/// Memory that the process holds, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1));
    kibibytes.unwrap().parse::<usize>().unwrap() * 1024
}

/// Fills a cache and compares what it takes with its budget, in percent. The cache is kept, so that
/// its memory is not taken by the next one.
fn check(budget: usize, length: usize) -> Rig {
    let before = resident();
    let rig = fill(budget, length);
    let percent = (resident() - before) * 100 / budget;
    println!(
        "results of {length} bytes: {percent} % of the budget, {:?}",
        rig.cache.stats()
    );
    assert!((90..=110).contains(&percent), "{percent} % of the budget");
    rig
}

#[test]
fn a_cache_takes_its_budget_of_memory() {
    let _small = check(64 << 20, 200);
    let _large = check(64 << 20, 16 << 10);
}
