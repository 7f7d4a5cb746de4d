//! What goes wrong between client, edge and origin. What the client is told of it is decided in
//! `refusal.rs`.

use conn_pool::LeaseError;
use mysql_client::LoginError;
use mysql_proto::{Command, ErrPacket, HandshakeError, ProtocolError};
use net::DialError;
use net::tls::ClientTlsError;

use crate::kill::KillError;
use crate::origin::Flavor;
use crate::registry::Interruption;

/// Why no connection to an origin could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The way to it is closed: see [`net::DialErrorKind`] for who is to blame.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] ClientTlsError),
    /// The login did not succeed.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// It lacks a capability that the client has been promised.
    #[error("origin does not speak {0}, which the client was promised")]
    MissingCapability(&'static str),
}

/// Why a session ended. Only for logs and figures: the client was told what it had to be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionEnd {
    /// The client left, with or without a word.
    #[error("client left")]
    ClientLeft,
    /// The client broke off, or does not read any more.
    #[error("client connection failed: {0}")]
    Downstream(std::io::Error),
    /// The client neither reads its response nor goes on with its command.
    #[error("client made no progress in time")]
    Stalled,
    /// The client broke the protocol.
    #[error("client broke the protocol: {0}")]
    Protocol(&'static str),
    /// The client began a command with a sequence id other than 0.
    #[error("client broke the protocol: packets out of order")]
    OutOfOrder,
    /// The login did not succeed.
    #[error("login refused: {0}")]
    LoginRefused(&'static str),
    /// The client and we do not understand each other's handshake.
    #[error("handshake failed: {0}")]
    Handshake(#[from] HandshakeError),
    /// The login took too long.
    #[error("login took too long")]
    LoginTimeout,
    /// The origin connection that held the session's state is gone, so the session is too.
    #[error("origin connection with the session's state was lost")]
    StateLost,
    /// Likewise, and perhaps the origin said why.
    #[error("origin hung up on the session{}", because(.0.as_ref()))]
    OriginHungUp(Option<ErrPacket>),
    /// The edge shuts down.
    #[error("edge is draining")]
    Draining,
    /// `KILL`.
    #[error("session was killed")]
    Killed,
    /// A transaction was open for too long.
    #[error("transaction was open for too long")]
    TransactionTimeout,
    /// The client said nothing for too long within a transaction.
    #[error("client said nothing for too long within a transaction")]
    IdleTransactionTimeout,
    /// A statement was killed, and its response did not end.
    #[error("killed statement did not end")]
    NotInterrupted,
}

impl SessionEnd {
    /// True when it is the client that has gone.
    pub(crate) fn is_of_client(&self) -> bool {
        matches!(self, Self::ClientLeft | Self::Downstream(_))
    }
}

fn because(why: Option<&ErrPacket>) -> String {
    why.map_or_else(String::new, |why| format!(": {}", why.message))
}

/// Why a command could not be run. The session goes on.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The client left while its command waited: nobody is to be told, and nothing was sent.
    Client(SessionEnd),
    /// No lease.
    NoLease(LeaseError<OriginError>),
    /// The origin connection was lost with the command on it; its outcome is unknown.
    OriginLost(OriginLoss),
    /// The origin refused to be led to the session's state: its own error.
    Refused(ErrPacket),
    /// Asks about a statement that ran on a connection which somebody else has used since.
    PreviousGone,
    /// Not carried by this version.
    NotSupported(&'static str),
    /// No server knows the command.
    UnknownCommand,
    /// A packet is shorter than its command has to be, or cannot be read by this server.
    Malformed(Flavor),
    /// It was not to wait any longer.
    Interrupted(Interruption),
    /// `KILL` of the session's own connection, at this server.
    KilledItself(Flavor),
    /// `KILL` of a session that is none of this hyperdrive's.
    UnknownThread(u64),
    /// The statement that was to be killed may run on.
    NotKilled(KillError),
    /// `SHOW TIDEGATE` of something that there is not.
    UnknownTable,
    /// `SHOW TIDEGATE` and `KILL` cannot be prepared.
    NotPreparable,
    /// An id that names no prepared statement of this session.
    UnknownStatement {
        /// As the client has it.
        id: u32,
        /// What was to be done with it.
        command: Command,
        /// Whose words the client expects.
        flavor: Flavor,
    },
    /// `COM_STMT_FETCH` of a statement without a cursor.
    NoCursor {
        /// As the client has it.
        id: u32,
        /// Whose words the client expects.
        flavor: Flavor,
    },
    /// The session has as many prepared statements as it may.
    TooManyStatements,
}

/// How an origin connection was lost.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OriginLoss {
    /// The network, or the origin's end.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What it sent cannot be followed any more.
    #[error("{0}")]
    Protocol(#[from] ProtocolError),
    /// It was refused its reset, and is closed: nobody knows what is on it.
    #[error("its reset was refused with error {0}")]
    NotReset(u16),
}

/// Why kept results could not be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurgeError {
    /// There is none of this name.
    #[error("there is no hyperdrive of this name")]
    UnknownHyperdrive,
    /// Its results are not kept.
    #[error("the cache of this hyperdrive is off")]
    CacheOff,
    /// The origin has no such table, or does not show it to its user. What was read from the others
    /// is dropped all the same.
    #[error("the origin has none of one of these tables, as far as the edge knows")]
    UnknownTable,
}
