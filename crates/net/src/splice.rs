//! Copies bytes both ways between two streams until both directions have ended.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

/// Buffer of one direction. 16 KiB holds a point select many times over; a bulk result moves in
/// pieces that fit a QUIC flight.
const BUFFER: usize = 16 * 1024;

/// How many bytes went each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spliced {
    /// From the first stream to the second.
    pub a_to_b: u64,
    /// From the second stream to the first.
    pub b_to_a: u64,
}

/// Copies both ways. The end of one direction is passed on as a half-close, and the other goes on
/// until it ends too. Dropping the future stops both at once.
pub async fn splice<A, B>(a: &mut A, b: &mut B) -> io::Result<Spliced>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let (a_to_b, b_to_a) = tokio::io::copy_bidirectional_with_sizes(a, b, BUFFER, BUFFER).await?;
    Ok(Spliced { a_to_b, b_to_a })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn passes_half_close_on_and_keeps_the_other_direction() {
        let (mut client, mut a) = tokio::io::duplex(64);
        let (mut b, mut server) = tokio::io::duplex(64);
        let copying = tokio::spawn(async move { splice(&mut a, &mut b).await });

        client.write_all(b"ask").await.unwrap();
        client.shutdown().await.unwrap();
        let mut asked = Vec::new();
        server.read_to_end(&mut asked).await.unwrap();
        assert_eq!(asked, b"ask");

        server.write_all(b"answer").await.unwrap();
        server.shutdown().await.unwrap();
        let mut answered = Vec::new();
        client.read_to_end(&mut answered).await.unwrap();
        assert_eq!(answered, b"answer");

        let spliced = copying.await.unwrap().unwrap();
        assert_eq!((spliced.a_to_b, spliced.b_to_a), (3, 6));
    }
}
