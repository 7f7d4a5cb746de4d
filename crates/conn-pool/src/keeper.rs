//! Keeps [`crate::PoolConfig::min`] connections open: opens what is missing, one after the other,
//! before anybody has to wait for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::sleep;
use tracing::debug;

use crate::circulation::Shared;
use crate::connect::Connect;
use crate::lease::Permit;

/// After a failure the origin is left alone for this long, at first …
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// … and for twice as long after each other, up to this: sessions that need a connection try on
/// their own, so nobody waits for the keeper.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Opens what is missing, whenever the books say that something may be.
pub(crate) async fn run<C: Connect>(pool: Weak<Shared<C>>) {
    let Some(missing) = pool.upgrade().map(|pool| Arc::clone(&pool.missing)) else {
        return;
    };
    let mut wait = FIRST_WAIT;
    loop {
        missing.notified().await;
        loop {
            let Some(pool) = pool.upgrade() else { return };
            let Some(opened) = open_missing(&pool).await else {
                break;
            };
            drop(pool);
            if opened {
                wait = FIRST_WAIT;
            } else {
                sleep(wait).await;
                wait = LONGEST_WAIT.min(wait * 2);
            }
        }
    }
}

/// Opens one connection and puts it to the idle ones. `None`: none is missing.
async fn open_missing<C: Connect>(pool: &Arc<Shared<C>>) -> Option<bool> {
    let key = pool.state().claim_missing(&pool.config)?;
    match pool.open(Permit::to_open(pool), &key).await {
        Ok(lease) => {
            lease.give_back();
            Some(true)
        }
        Err(error) => {
            debug!(?error, "Cannot open a connection to keep");
            Some(false)
        }
    }
}
