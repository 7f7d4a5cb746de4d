//! Prepares statements on an origin connection, and reads responses that no client is to see.

use std::io;

use mysql_proto::{
    Command, ErrPacket, HEADER_LEN, ResponseState, ResponseTracker, Summary, write_command,
};

use super::OriginConn;
use crate::error::OriginLoss;

/// What is kept of a response: an error is shorter.
const KEPT: usize = 4 * 1024;

impl OriginConn {
    /// Sends `COM_STMT_PREPARE`, behind the closing of what is not kept any more.
    pub(crate) async fn send_preparation(&mut self, sql: &[u8]) -> Result<(), OriginLoss> {
        let mut bytes = self.handles.take_closing();
        write_command(&mut bytes, Command::STMT_PREPARE, sql);
        self.begin_command();
        self.send(&bytes).await.map_err(|error| error.source)?;
        Ok(())
    }

    /// Reads the response to a command and keeps nothing but what it tells: it may have thousands
    /// of definitions. Inside, the origin's error.
    pub(crate) async fn read_over(
        &mut self,
        command: Command,
    ) -> Result<Result<Summary, ErrPacket>, OriginLoss> {
        let mut tracker = ResponseTracker::new(command, self.capabilities());
        let mut kept = Vec::new();
        loop {
            let bytes = self.receive().await?;
            let fed = tracker.feed(bytes)?;
            let room = KEPT.saturating_sub(kept.len()).min(fed.consumed);
            kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
            let rest = bytes.len() - fed.consumed;
            self.put_back(rest);
            match fed.state {
                ResponseState::Done => break,
                ResponseState::Incomplete => {}
                ResponseState::AwaitLocalInfile => {
                    return Err(io::Error::other("the origin asks for a file").into());
                }
            }
        }
        let summary = *tracker.summary();
        let Some(code) = summary.error else {
            return Ok(Ok(summary));
        };
        let payload = kept.get(HEADER_LEN..).unwrap_or_default();
        let error = ErrPacket::decode(payload).unwrap_or_else(|_| {
            let message = "The origin failed amid its response";
            ErrPacket::new(code, ErrPacket::GENERAL_STATE, message)
        });
        Ok(Err(error))
    }
}
