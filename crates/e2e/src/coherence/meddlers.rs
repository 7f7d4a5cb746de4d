//! Sessions that see what others must not: what they read is theirs alone, so nothing of it may be
//! found in the cache. What they are told is not looked at; what the readers are told is.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::client::Client;
use super::round::Round;
use super::schema::DATABASE;
use super::shapes::to_meddle_with;
use crate::random::Random;

/// Tells the numbers of those who meddle from others.
const FIRST_NUMBER: usize = 200;

/// The longest time that such a session keeps what it sees.
const LONGEST: usize = 40;

/// How a session comes to see what others must not.
#[derive(Clone, Copy, Debug)]
struct Meddler {
    before: &'static [&'static str],
    after: &'static [&'static str],
    /// It defines something.
    defines: bool,
}

const MEDDLERS: [Meddler; 6] = [
    // It sees what was written and may be rolled back.
    Meddler {
        before: &["SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"],
        after: &[],
        defines: false,
    },
    // It goes on to see what was there when it began.
    Meddler {
        before: &["START TRANSACTION WITH CONSISTENT SNAPSHOT"],
        after: &["COMMIT"],
        defines: false,
    },
    // Likewise, from its first read.
    Meddler {
        before: &["SET autocommit = 0"],
        after: &["COMMIT", "SET autocommit = 1"],
        defines: false,
    },
    // It has a table of its own under the name; an odd value is never committed elsewhere.
    Meddler {
        before: &[
            "CREATE TEMPORARY TABLE register (id BIGINT PRIMARY KEY, v BIGINT NOT NULL, c BIGINT \
             NOT NULL)",
            "INSERT INTO register VALUES (1, 1, 32), (5, 1, 36), (6, 1, 37)",
        ],
        after: &["DROP TEMPORARY TABLE register"],
        defines: true,
    },
    // It sees one row of two.
    Meddler {
        before: &["SET sql_select_limit = 1"],
        after: &["SET sql_select_limit = DEFAULT"],
        defines: false,
    },
    // It has written, and will not commit.
    Meddler {
        before: &[
            "BEGIN",
            "UPDATE register SET v = v + 1, c = v * 31 + id WHERE id = 4",
            "SELECT id, v, c FROM register WHERE id = 4",
        ],
        after: &["ROLLBACK"],
        defines: false,
    },
];

/// Starts one of each.
pub(super) fn meddle(round: &Arc<Round>, players: &mut JoinSet<()>) {
    for (number, meddler) in MEDDLERS.into_iter().enumerate() {
        if meddler.defines && !round.has_definitions {
            continue;
        }
        players.spawn(run(Arc::clone(round), number, meddler));
    }
}

async fn run(round: Arc<Round>, number: usize, meddler: Meddler) {
    let number = round.number_of(FIRST_NUMBER + number);
    let mut random = Random::of(round.common.seed, number);
    while !round.is_over() {
        if let Err(error) = session(&round, &meddler, &mut random).await {
            round.common.failed(&error);
        }
    }
}

/// One session, which ends after some turns or with an error.
async fn session(round: &Round, meddler: &Meddler, random: &mut Random) -> Result<()> {
    let texts = to_meddle_with();
    let mut client = Client::open(&round.endpoint, DATABASE).await?;
    for _ in 0..20 {
        for sql in meddler.before {
            client.query(sql).await?;
        }
        for _ in 0..2 {
            for _ in 0..4 {
                client.query(random.pick::<String>(&texts)).await?;
            }
            let time = u64::try_from(random.between(1, LONGEST)).unwrap_or_default();
            round.sleep(Duration::from_millis(time)).await;
        }
        for sql in meddler.after {
            client.query(sql).await?;
        }
        round.sleep(Duration::from_millis(20)).await;
        if round.is_over() {
            break;
        }
    }
    Ok(())
}
