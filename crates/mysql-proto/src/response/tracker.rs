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

use frame::Framer;
use state::{FIRST_TERMINATOR, State, Then};

use crate::{Capabilities, Command, ProtocolError};

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
    /// Why the response cannot be followed, in [`State::Failed`].
    error: Option<ProtocolError>,
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
    /// force. What cannot be followed (see [`ProtocolError`]) fails at the first feed: among it
    /// `COM_CHANGE_USER`, which is a login and not a command with a response. It is never passed
    /// on; see [`ChangeUser`](crate::ChangeUser).
    pub fn new(command: Command, capabilities: Capabilities) -> Self {
        let begin = State::new(command, capabilities);
        Self {
            capabilities,
            framer: Framer::default(),
            state: begin.unwrap_or(State::Failed),
            summary: Summary::default(),
            error: begin.err(),
        }
    }

    /// The command asked for no cursor.
    #[must_use]
    pub fn without_cursor(mut self) -> Self {
        self.summary.no_cursor = true;
        self
    }

    /// Takes the next bytes from the server, split anywhere. After an error every further call
    /// fails too: nobody knows where the response ends.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Fed, ProtocolError> {
        let mut rest = bytes;
        match self.advance(&mut rest) {
            Ok(state) => Ok(Fed {
                consumed: bytes.len().saturating_sub(rest.len()),
                state,
            }),
            Err(error) => {
                self.state = State::Failed;
                self.error = Some(error);
                Err(error)
            }
        }
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
            .then(|| self.framer.next_sequence_id())
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
                    State::Failed => return Err(self.failure()),
                    State::Rows => self.skip_rows(rest),
                    State::Definitions { left, then } => self.skip_definitions(rest, left, then),
                    _ => {}
                }
            }
            if let Some(packet) = self.framer.next(rest) {
                self.state = self
                    .state
                    .next(&packet, self.capabilities, &mut self.summary)?;
            } else if rest.is_empty() && !self.has_news() {
                return Ok(ResponseState::Incomplete);
            }
        }
    }

    /// True if a packet has ended that makes the state known.
    fn has_news(&self) -> bool {
        self.framer.is_between_packets()
            && matches!(self.state, State::Ended | State::LocalData | State::Failed)
    }

    fn skip_rows(&mut self, rest: &mut &[u8]) {
        let rows = self.framer.skip_packets(rest, FIRST_TERMINATOR, u64::MAX);
        self.summary.rows = self.summary.rows.saturating_add(rows);
    }

    /// All but the last, which changes the state.
    fn skip_definitions(&mut self, rest: &mut &[u8], left: u64, then: Then) {
        let skipped = self
            .framer
            .skip_packets(rest, FIRST_TERMINATOR, left.saturating_sub(1));
        let left = left.saturating_sub(skipped);
        self.state = State::Definitions { left, then };
    }

    fn failure(&self) -> ProtocolError {
        self.error.unwrap_or(ProtocolError::EmptyPacket)
    }
}
