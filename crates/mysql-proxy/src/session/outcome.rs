//! How the relay of a command went, and what the client is told where it has no response.

use mysql_proto::{ResponseTracker, Summary};

use super::Session;
use crate::downstream::CommandPacket;
use crate::error::{OriginLoss, SessionEnd, Trouble};
use crate::origin::{BringError, SendError};

/// How a command went.
pub(super) enum Relayed {
    /// The client has the whole response.
    Response(Summary),
    /// It has none, or not the whole of it.
    Failed(Box<Failed>),
}

/// Why a client has no whole response.
pub(super) enum Failed {
    /// There was no way to send the command.
    Trouble(Trouble),
    /// The origin was lost when some of the command had left.
    OriginLost {
        loss: OriginLoss,
        /// The sequence id that an error must have to end the response; `None`: the client has half
        /// a packet, so nothing can be said to it.
        next_packet: Option<u8>,
        /// The client is amid sending: what still comes from it is no command.
        client_is_amid: bool,
    },
}

/// What ends the sending of a command early.
pub(super) enum SendTrouble {
    Client(SessionEnd),
    Origin(OriginLoss),
    NoLease(Trouble),
}

/// A packet did not leave.
pub(super) struct NotSent {
    /// Nothing of the client's left.
    pub(super) may_retry: bool,
    pub(super) trouble: SendTrouble,
}

impl Relayed {
    fn failed(how: Failed) -> Self {
        Self::Failed(Box::new(how))
    }
}

impl SendTrouble {
    /// The origin was lost.
    pub(super) fn lost(loss: impl Into<OriginLoss>) -> Self {
        Self::Origin(loss.into())
    }
}

impl NotSent {
    /// The origin was lost when some of the client's command may have left.
    pub(super) fn lost(loss: OriginLoss) -> Self {
        Self {
            may_retry: false,
            trouble: SendTrouble::Origin(loss),
        }
    }

    /// There was trouble before anything of the client's left.
    pub(super) fn nothing_left(trouble: Trouble) -> Self {
        match trouble {
            Trouble::OriginLost(loss) => Self {
                may_retry: true,
                trouble: SendTrouble::Origin(loss),
            },
            Trouble::Client(end) => Self {
                may_retry: false,
                trouble: SendTrouble::Client(end),
            },
            trouble => Self {
                may_retry: false,
                trouble: SendTrouble::NoLease(trouble),
            },
        }
    }

    /// The origin refused a step.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.trouble, SendTrouble::NoLease(Trouble::Refused(_)))
    }

    pub(super) fn by_step(error: BringError, may_retry: bool) -> Self {
        match error {
            BringError::Lost(loss) => Self {
                may_retry,
                trouble: SendTrouble::Origin(loss),
            },
            // Another connection may do better, if this one was used.
            BringError::Refused(error) => Self {
                may_retry: false,
                trouble: SendTrouble::NoLease(Trouble::Refused(error)),
            },
            // What went out behind it without being awaited does no harm, wherever it ran.
            BringError::NotReset(code) => Self {
                may_retry: true,
                trouble: SendTrouble::Origin(OriginLoss::NotReset(code)),
            },
        }
    }
}

impl From<SendError> for NotSent {
    fn from(error: SendError) -> Self {
        Self {
            may_retry: !error.sent,
            trouble: SendTrouble::Origin(error.source.into()),
        }
    }
}

impl Session {
    /// Tells the client why its command has no response, or no whole one.
    pub(super) async fn tell_failed(&mut self, how: Failed) -> Result<(), SessionEnd> {
        match how {
            Failed::Trouble(trouble) => self.tell(trouble).await,
            Failed::OriginLost {
                loss,
                next_packet,
                client_is_amid,
            } => {
                self.origin_lost(loss, next_packet).await?;
                if client_is_amid {
                    return Err(SessionEnd::StateLost);
                }
                Ok(())
            }
        }
    }
}

/// How a command went that was not sent whole.
pub(super) fn unsent(trouble: SendTrouble, packet: CommandPacket) -> Result<Relayed, SessionEnd> {
    match trouble {
        SendTrouble::Client(end) => Err(end),
        SendTrouble::NoLease(trouble) => Ok(Relayed::failed(Failed::Trouble(trouble))),
        SendTrouble::Origin(loss) => Ok(Relayed::failed(Failed::OriginLost {
            loss,
            next_packet: Some(1),
            client_is_amid: !packet.is_whole,
        })),
    }
}

/// How a command went whose response broke off.
pub(super) fn unanswered(
    trouble: SendTrouble,
    tracker: &ResponseTracker,
    client_is_amid: bool,
) -> Result<Relayed, SessionEnd> {
    match trouble {
        SendTrouble::Client(end) => Err(end),
        SendTrouble::NoLease(trouble) => Ok(Relayed::failed(Failed::Trouble(trouble))),
        SendTrouble::Origin(loss) => Ok(Relayed::failed(Failed::OriginLost {
            loss,
            next_packet: tracker.next_sequence_id(),
            client_is_amid,
        })),
    }
}
