//! Asks the teacher.

use std::io::{Error, ErrorKind, Result};

use mysql_proto::{Capabilities, Command, ResponseState, ResponseTracker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The responses of a benchmark are far shorter.
const BUFFER: usize = 16 * 1024;

/// Who knows the answers.
pub(crate) struct Teacher {
    pub(crate) stream: TcpStream,
    pub(crate) capabilities: Capabilities,
}

impl Teacher {
    /// The whole response to a command, which has one or none.
    pub(crate) async fn ask(&mut self, packet: &[u8], command: Command) -> Result<Vec<u8>> {
        self.stream.write_all(packet).await?;
        let mut response = Vec::new();
        if !command.has_response() {
            return Ok(response);
        }
        let mut tracker = ResponseTracker::new(command, self.capabilities).without_cursor();
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = self.stream.read(&mut buffer).await?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if bytes.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            response.extend_from_slice(bytes);
            let fed = tracker.feed(bytes).map_err(Error::other)?;
            if fed.state == ResponseState::Done {
                return Ok(response);
            }
        }
    }
}
