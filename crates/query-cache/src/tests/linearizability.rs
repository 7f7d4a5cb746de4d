//! Threads read and write registers through a cache as fast as they can: no read shows less than
//! what was acknowledged or read before it began. And the test finds each fault that can be made.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::LIFETIME;
use crate::{
    CacheConfig, Joined, Key, Lookup, Mutant, NotFilled, Outcome, QueryCache, Table, Versions,
    Weigh, Writes,
};

const REGISTERS: usize = 3;
const READERS: u64 = 4;
const WRITERS: u64 = 2;

/// A query of two registers, which may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Query([usize; 2]);

/// What the registers held.
#[derive(Clone, Copy)]
struct Values([u64; 2]);

impl Weigh for Query {
    fn bytes(&self) -> usize {
        0
    }
}

impl Query {
    fn key(self) -> Key<Self> {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        Key::new(self, Vec::new(), hasher.finish())
    }
}

/// A register of the origin, which only grows.
struct Register {
    table: Table,
    value: AtomicU64,
    /// The greatest value that somebody was shown or told to be written.
    known: AtomicU64,
}

struct World {
    cache: QueryCache<Query, Values>,
    versions: Versions,
    registers: [Register; REGISTERS],
    /// Each write has another value.
    last_written: AtomicU64,
    hits: AtomicU64,
    follows: AtomicU64,
    is_over: AtomicBool,
    is_violated: AtomicBool,
}

/// A thread's dice: xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("less than `sides`")
    }

    /// Lets another thread run, sometimes.
    fn dawdle(&mut self) {
        if self.roll(4) == 0 {
            thread::yield_now();
        }
    }
}

impl World {
    fn new(mutant: Mutant) -> Self {
        let versions = Versions::new(mutant);
        let config = CacheConfig {
            bytes: 1 << 20,
            entry_bytes: 1 << 10,
        };
        Self {
            cache: QueryCache::new(config, mutant),
            registers: std::array::from_fn(|at| Register {
                table: versions.table(&at.to_string()),
                value: AtomicU64::new(0),
                known: AtomicU64::new(0),
            }),
            versions,
            last_written: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            follows: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            is_violated: AtomicBool::new(false),
        }
    }

    /// Writes to one register, which may be declared as a write to everything.
    fn write(&self, dice: &mut Dice) {
        let register = &self.registers[dice.roll(REGISTERS)];
        let writes = match dice.roll(8) {
            0 => Writes::Everything,
            _ => Writes::Tables(vec![register.table.clone()]),
        };
        let generation = self.versions.generation();
        if dice.roll(32) == 0 {
            self.versions.new_generation();
        }
        let value = self.last_written.fetch_add(1, SeqCst) + 1;
        let committing = self.versions.begin(writes, generation);
        dice.dawdle();
        register.value.fetch_max(value, SeqCst);
        dice.dawdle();
        committing.end();
        register.known.fetch_max(value, SeqCst);
    }

    /// Reads two registers, and compares them with what was known when it began.
    fn read(&self, dice: &mut Dice, runtime: &Runtime) {
        let query = Query([dice.roll(REGISTERS), dice.roll(REGISTERS)]);
        let known = query.0.map(|at| self.registers[at].known.load(SeqCst));
        let Values(shown) = self.answer(query, dice, runtime);
        if shown.iter().zip(known).any(|(shown, known)| *shown < known) {
            self.is_violated.store(true, SeqCst);
            self.is_over.store(true, SeqCst);
        }
        for (at, shown) in query.0.into_iter().zip(shown) {
            self.registers[at].known.fetch_max(shown, SeqCst);
        }
    }

    fn answer(&self, query: Query, dice: &mut Dice, runtime: &Runtime) -> Values {
        if let Lookup::Hit(entry) = self.cache.lookup(&query.key(), Instant::now()) {
            self.hits.fetch_add(1, SeqCst);
            return *entry.value();
        }
        let outcome = match self.cache.join(query.key()) {
            Joined::Filled(entry) => return *entry.value(),
            Joined::Follow(follower) => runtime.block_on(follower.outcome()),
            Joined::Alone => Outcome::Alone,
            Joined::Lead(mut leader) => {
                let tables = query.0.map(|at| self.registers[at].table.clone());
                let on = self.versions.dependencies(tables);
                leader.note(self.versions.note(&on, self.versions.generation()));
                let values = self.ask(query, dice);
                let filled = leader.fill(values, LIFETIME);
                assert!(matches!(filled, Ok(_) | Err(NotFilled::Moved)));
                return values;
            }
        };
        match outcome {
            Outcome::Filled(entry) => {
                self.follows.fetch_add(1, SeqCst);
                *entry.value()
            }
            Outcome::Retry(_) | Outcome::Overdue(_) | Outcome::Alone => self.ask(query, dice),
        }
    }

    /// Asks the origin.
    fn ask(&self, query: Query, dice: &mut Dice) -> Values {
        dice.dawdle();
        let values = query.0.map(|at| self.registers[at].value.load(SeqCst));
        dice.dawdle();
        Values(values)
    }
}

/// One thread's doings until the end.
fn live(world: &World, seed: u64) {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("it needs no more than memory");
    let mut dice = Dice(seed + 1);
    while !world.is_over.load(SeqCst) {
        if seed < READERS {
            world.read(&mut dice, &runtime);
        } else {
            world.write(&mut dice);
            // Some quiet, in which entries are kept and served.
            thread::sleep(Duration::from_micros(dice.roll(100) as u64));
        }
    }
}

/// Lets threads loose for so long, or until one sees what it must not.
fn run(mutant: Mutant, longest: Duration) -> World {
    let world = World::new(mutant);
    thread::scope(|scope| {
        for seed in 0..READERS + WRITERS {
            let world = &world;
            scope.spawn(move || live(world, seed));
        }
        let begin = Instant::now();
        while begin.elapsed() < longest && !world.is_over.load(SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        world.is_over.store(true, SeqCst);
    });
    world
}

#[test]
fn no_read_shows_less_than_what_was_known() {
    let world = run(Mutant::default(), Duration::from_secs(1));
    assert!(!world.is_violated.load(SeqCst));
    // The threads have met.
    assert!(world.last_written.load(SeqCst) > 100);
    assert!(world.hits.load(SeqCst) > 100);
    assert!(world.follows.load(SeqCst) > 0);
    // All that was counted has ended.
    assert_eq!(world.versions.committing(), 0);
    let tables = world
        .registers
        .each_ref()
        .map(|register| register.table.clone());
    let on = world.versions.dependencies(tables);
    let noted = world.versions.note(&on, world.versions.generation());
    assert!(noted.is_some());
}

#[cfg(debug_assertions)]
#[test]
fn each_fault_is_found() {
    for name in ["no-counting", "no-moving", "no-comparing"] {
        let mutant = Mutant::named(name).unwrap();
        let world = run(mutant, Duration::from_secs(10));
        assert!(world.is_violated.load(SeqCst), "{name} is not found");
    }
}
