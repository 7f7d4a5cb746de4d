//! One client: connects, logs in, asks for a row, and leaves.

use anyhow::{Result, bail, ensure};
use mysql_client::log_in;
use mysql_proto::{
    Capabilities, ClientConfig, Command, ResponseState, ResponseTracker, write_command,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bench::database::NAME;
use crate::bench::server::local;
use crate::bench::sysbench::Target;

/// The same point select as sysbench's.
const QUERY: &[u8] = b"SELECT c FROM sbtest1 WHERE id=1";

/// The answer is a fifth of it.
const BUFFER: usize = 1024;

/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;

/// Returns once the row is here. It leaves as a driver does that closes its connection.
pub(super) async fn exchange(target: Target) -> Result<()> {
    let stream = TcpStream::connect(local(target.port)).await?;
    stream.set_nodelay(true)?;
    let config = ClientConfig {
        user: target.user.to_owned(),
        password: target.password.as_bytes().to_vec(),
        database: Some(NAME.to_owned()),
        collation: COLLATION,
        capabilities: Capabilities::TRANSACTIONS | Capabilities::PLUGIN_AUTH,
        attributes: Vec::new(),
        tls: false,
        transport_is_private: true,
    };
    let mut session = log_in(Box::new(stream), config, None).await?;
    let mut output = Vec::new();
    write_command(&mut output, Command::QUERY, QUERY);
    session.stream.write_all(&output).await?;
    let mut tracker = ResponseTracker::new(Command::QUERY, session.capabilities);
    let mut buffer = [0; BUFFER];
    loop {
        let count = session.stream.read(&mut buffer).await?;
        ensure!(count > 0, "hung up amid the answer");
        let bytes = buffer.get(..count).unwrap_or_default();
        if tracker.feed(bytes)?.state == ResponseState::Done {
            break;
        }
    }
    if let Some(code) = tracker.summary().error {
        bail!("the query failed with {code}");
    }
    ensure!(tracker.summary().rows == 1, "the row is not there");
    output.clear();
    write_command(&mut output, Command::QUIT, b"");
    session.stream.write_all(&output).await?;
    Ok(())
}
