//! Follows one response through raw bytes, without buffering or copying it.
//!
//! This is the hot path of the relay: it reads packet headers and the few payload bytes that tell
//! what a packet is, and skips the rest. Its memory is constant, whatever the response.
//!
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response.html>
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_prepare.html>
//! - <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute_response.html>

mod frame;
mod state;
mod summary;

pub use summary::Summary;

use frame::{Frame, Framer};
use state::State;

use crate::{Capabilities, Command, HEADER_LEN, MAX_PAYLOAD, PacketHeader, ProtocolError};

/// Follows one response.
///
/// ```
/// # use mysql_proto::{Capabilities, Command, ResponseState, ResponseTracker};
/// let mut tracker = ResponseTracker::new(Command::PING, Capabilities::PROTOCOL_41);
/// let ok = [7, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0];
/// assert_eq!(tracker.feed(&ok[..5]).unwrap().state, ResponseState::Incomplete);
/// assert_eq!(tracker.feed(&ok[5..]).unwrap().state, ResponseState::Done);
/// ```
#[derive(Debug)]
pub struct ResponseTracker {
    capabilities: Capabilities,
    framer: Framer,
    state: State,
    summary: Summary,
}

/// How far a [`ResponseTracker::feed`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// Bytes at the front of the input that belong to this response. All of them while the response
    /// is [`ResponseState::Incomplete`]; in the other states there may be more behind.
    pub consumed: usize,
    /// Whether the response has ended.
    pub state: ResponseState,
}

/// Whether a response has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseState {
    /// More bytes of the response are to come.
    Incomplete,
    /// The server asks for a file (`LOAD DATA LOCAL INFILE`): the client must now send its content,
    /// up to an empty packet. The response goes on after that: go on feeding.
    AwaitLocalInfile,
    /// The response has ended: with its last byte, or before its first if the command has none.
    Done,
}

impl ResponseTracker {
    /// Begins to follow the response to `command`, on a connection where `capabilities` are in
    /// force. What cannot be followed (see [`ProtocolError`]) fails at the first feed.
    pub fn new(command: Command, capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            framer: Framer::default(),
            state: State::new(command, capabilities),
            summary: Summary::default(),
        }
    }

    /// Takes the next bytes from the server, split anywhere. After an error every further call
    /// fails too: nobody knows where the response ends.
    #[inline]
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Fed, ProtocolError> {
        let mut rest = bytes;
        let state = match self.advance(&mut rest) {
            Ok(state) => state,
            Err(error) => {
                self.state = State::Failed(error);
                return Err(error);
            }
        };
        Ok(Fed {
            consumed: bytes.len().saturating_sub(rest.len()),
            state,
        })
    }

    /// What the response has told so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The sequence id of the packet that would come next, for whoever has to end the response in
    /// the server's place. `None`: amid a packet, where nothing can be put in.
    pub fn next_sequence_id(&self) -> Option<u8> {
        self.framer
            .is_between_packets()
            .then(|| self.framer.sequence_id.wrapping_add(1))
    }

    fn advance(&mut self, rest: &mut &[u8]) -> Result<ResponseState, ProtocolError> {
        loop {
            if self.framer.is_between_packets() {
                match self.state {
                    State::Ended => return Ok(ResponseState::Done),
                    State::LocalData => {
                        self.state = State::LocalDataAnswer;
                        return Ok(ResponseState::AwaitLocalInfile);
                    }
                    State::Failed(error) => return Err(error),
                    State::Rows => self.skip_rows(rest),
                    _ => {}
                }
            }
            match self.framer.next(rest) {
                None => return Ok(ResponseState::Incomplete),
                Some(Frame::Skipped) => {}
                Some(Frame::Begins {
                    payload_len,
                    prefix,
                }) => {
                    let packet = state::Packet {
                        payload_len,
                        prefix: prefix.as_slice(),
                    };
                    self.state = self
                        .state
                        .next(&packet, self.capabilities, &mut self.summary)?;
                }
            }
        }
    }

    /// Skips the rows that lie whole in `rest`, by their headers and first bytes. Stops at whatever
    /// is not plainly a row: that takes the long way, with all the rules.
    fn skip_rows(&mut self, rest: &mut &[u8]) {
        let mut rows: u64 = 0;
        while let Some(header) = PacketHeader::decode(rest) {
            let is_row = rest
                .get(HEADER_LEN)
                .is_some_and(|first| *first < state::FIRST_TERMINATOR);
            if !is_row || header.payload_len == 0 || header.payload_len == MAX_PAYLOAD {
                break;
            }
            let Some(tail) = rest.get(HEADER_LEN.saturating_add(header.payload_len)..) else {
                break;
            };
            *rest = tail;
            self.framer.sequence_id = header.sequence_id;
            rows = rows.saturating_add(1);
        }
        self.summary.rows = self.summary.rows.saturating_add(rows);
    }
}
