//! How long a client waits: connect, log in, first row.

use std::time::Duration;

use tokio::time::Instant;

use super::client::{Client, ClientError, Target};

/// Measurements behind a median.
const ROUNDS: usize = 100;

/// A median is made of fewer where they would take longer than this altogether: far databases.
const BUDGET: Duration = Duration::from_secs(3);

/// The statement: nothing that a database has to look for.
const QUESTION: &str = "SELECT 1";

/// A median, and of how many measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Median {
    pub(super) time: Duration,
    pub(super) rounds: usize,
}

/// One new client.
pub(super) async fn first_row(target: &Target) -> Result<Duration, ClientError> {
    let began = Instant::now();
    let mut client = Client::connect(target).await?;
    client.first_value(QUESTION).await?;
    let time = began.elapsed();
    client.quit().await;
    Ok(time)
}

/// Many new clients, one after the other; at least one.
pub(super) async fn median_first_row(target: &Target) -> Result<Median, ClientError> {
    let began = Instant::now();
    let mut times = Vec::with_capacity(ROUNDS);
    loop {
        times.push(first_row(target).await?);
        if times.len() == ROUNDS || began.elapsed() > BUDGET {
            return Ok(median(times));
        }
    }
}

fn median(mut times: Vec<Duration>) -> Median {
    times.sort_unstable();
    Median {
        time: times.get(times.len() / 2).copied().unwrap_or_default(),
        rounds: times.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_one_in_the_middle() {
        let times = [9, 1, 5].map(Duration::from_millis).to_vec();
        let expected = Median {
            time: Duration::from_millis(5),
            rounds: 3,
        };
        assert_eq!(median(times), expected);
    }
}
