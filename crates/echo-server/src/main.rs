//! A bare echo server, for `cargo xtask bench cache`: the least that a server of MySQL clients can
//! do. It reads one packet and writes one constant response, over the runtime that an edge has.
//!
//! The constant is learned. A session's login, and its first query and execution, pass to a server
//! that can answer them; from then on the same bytes answer each query, whatever it asks:
//!
//! ```text
//!   login, first query, first execution, all that is rare    client ◄──► here ◄──► teacher
//!   each query and execution after it                        client ◄──► here
//! ```

mod lesson;
mod login;
mod session;

use std::env;
use std::io::{Error, ErrorKind, Result};
use std::net::Ipv4Addr;

use tokio::net::TcpListener;

/// `echo-server PORT TEACHER`: two ports of 127.0.0.1.
fn main() -> Result<()> {
    let mut ports = env::args().skip(1).map(|argument| argument.parse());
    let (Some(Ok(port)), Some(Ok(teacher)), None) = (ports.next(), ports.next(), ports.next())
    else {
        let usage = "usage: echo-server PORT TEACHER";
        return Err(Error::new(ErrorKind::InvalidInput, usage));
    };
    // As an edge's: `crates/tidegate/src/main.rs`.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(port, teacher))
}

/// Serves until it is killed.
async fn serve(port: u16, teacher: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        // What ends a session is of interest to its client alone, who sees it.
        tokio::spawn(async move { session::run(client, teacher).await });
    }
}
