//! Small TCP servers that stand for a database.

use domain::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::address;

/// Sends back what it gets.
pub(crate) async fn echo() -> Address {
    serve(|mut stream| async move {
        let (mut read, mut write) = stream.split();
        // A test that ends cuts its streams.
        drop(tokio::io::copy(&mut read, &mut write).await);
        drop(write.shutdown().await);
    })
    .await
}

/// Reads to the end, and only then answers: how many bytes it got.
pub(crate) async fn count_to_the_end() -> Address {
    serve(|mut stream| async move {
        let mut read = Vec::new();
        stream.read_to_end(&mut read).await.unwrap();
        let answer = read.len().to_string();
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await
}

/// Greets first, as a MySQL server does, and then says nothing.
pub(crate) async fn greets() -> Address {
    serve(|mut stream| async move {
        stream.write_all(b"hello").await.unwrap();
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await
}

/// Sends without end.
pub(crate) async fn floods() -> Address {
    serve(|mut stream| async move { while stream.write_all(&[0; 8192]).await.is_ok() {} }).await
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    address(listener.local_addr().unwrap())
}

async fn serve<F>(behave: impl Fn(TcpStream) -> F + Send + 'static) -> Address
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listening = address(listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(behave(stream));
        }
    });
    listening
}
