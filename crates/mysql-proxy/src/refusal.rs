//! What a client is told when something goes wrong: the one place where errors of ours become
//! MySQL errors. Each has its own code, and a sentence that says what to do.
//!
//! | code | SQL state | when |
//! |---|---|---|
//! | 1040 `ER_CON_COUNT_ERROR` | 08004 | the edge has as many clients as it may |
//! | 1043 `ER_HANDSHAKE_ERROR` | 08S01 | what a client sends is no login |
//! | 1045 `ER_ACCESS_DENIED_ERROR` | 28000 | wrong local password |
//! | 1047 `ER_UNKNOWN_COM_ERROR` | 08S01 | no server knows the command |
//! | 1049 `ER_BAD_DB_ERROR` | 42000 | no hyperdrive has this user |
//! | 1053 `ER_SERVER_SHUTDOWN` | 08S01 | the edge shuts down |
//! | 1064 `ER_PARSE_ERROR` | 42000 | `SHOW TIDEGATE` of something that there is not |
//! | 1094 `ER_NO_SUCH_THREAD` | HY000 | `KILL` of a session of another hyperdrive |
//! | 1153 `ER_NET_PACKET_TOO_LARGE` | 08S01 | no room for the types of an execution |
//! | 1156 `ER_NET_PACKETS_OUT_OF_ORDER` | 08S01 | a command has a sequence id |
//! | 1158 `ER_NET_READ_ERROR` | 08S01 | the origin connection was lost under a statement |
//! | 1203 `ER_TOO_MANY_USER_CONNECTIONS` | 42000 | the pool is exhausted |
//! | 1210 `ER_WRONG_ARGUMENTS` | HY000 | long data for a parameter that there is not |
//! | 1226 `ER_USER_LIMIT_REACHED` | 42000 | the local user has as many clients as it may |
//! | 1231 `ER_WRONG_VALUE_FOR_VAR` | 42000 | a login with utf16, utf32 or ucs2 |
//! | 1235 `ER_NOT_SUPPORTED_YET` | 42000 | this version does not carry it |
//! | 1243 `ER_UNKNOWN_STMT_HANDLER` | HY000 | no such prepared statement in this session |
//! | 1295 `ER_UNSUPPORTED_PS` | HY000 | `SHOW TIDEGATE` and `KILL` cannot be prepared |
//! | 1317 `ER_QUERY_INTERRUPTED` | 70100 | `KILL` while the command waited for a connection |
//! | 1421 `ER_STMT_HAS_NO_OPEN_CURSOR` | HY000 | a fetch without a cursor |
//! | 1429 `ER_CONNECT_TO_FOREIGN_DATA_SOURCE` | HY000 | the origin is down, or refused our login |
//! | 1461 `ER_MAX_PREPARED_STMT_COUNT_REACHED` | 42000 | the session has 16,382 statements |
//! | 1477 `ER_FOREIGN_SERVER_DOESNT_EXIST` | HY000 | the tunnel has no connector |
//! | 1835 `ER_MALFORMED_PACKET` | HY000 | a packet cannot be read |
//! | 1927 `ER_CONNECTION_KILLED` (MariaDB's) | 70100 | `transaction_timeout`; `KILL` of itself |
//! | 3024 `ER_QUERY_TIMEOUT` | HY000 | `query_timeout` was over before there was a connection |
//! | 3159 `ER_SECURE_TRANSPORT_REQUIRED` | HY000 | the edge demands TLS |
//! | 4031 `ER_CLIENT_INTERACTION_TIMEOUT` | HY000 | `idle_transaction_timeout` is over |
//!
//! Codes: <https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html>.

mod statement;

use conn_pool::LeaseError;
use domain::Hyperdrive;
use mysql_client::LoginError;
use mysql_proto::{ErrPacket, HandshakeError};
use net::{DialError, DialErrorKind};

pub(crate) use statement::{too_long, wrong_long_data};

use crate::collation;
use crate::error::{OriginError, SessionEnd, Trouble};
use crate::origin::Flavor;
use crate::registry::Interruption;
use crate::show::TABLES;

/// Errors of an origin that are about what the client asked for, and are passed on as they are:
/// `ER_DBACCESS_DENIED_ERROR`, `ER_BAD_DB_ERROR`.
const CLIENTS_OWN: [u16; 2] = [1044, 1049];

/// The origin has as many connections as it takes, of all users or of its own:
/// `ER_CON_COUNT_ERROR`, `ER_TOO_MANY_USER_CONNECTIONS`, `ER_USER_LIMIT_REACHED`.
const FULL: [u16; 3] = [1040, 1203, 1226];

/// As servers say it.
pub(crate) fn bad_handshake() -> ErrPacket {
    ErrPacket::new(1043, *b"08S01", "Bad handshake")
}

pub(crate) fn too_many_clients(limit: usize) -> ErrPacket {
    ErrPacket::new(
        1040,
        *b"08004",
        format!(
            "Too many connections: this edge takes {limit} clients; close some, or raise \
             edge.max_clients"
        ),
    )
}

pub(crate) fn wrong_password(user: &str) -> ErrPacket {
    ErrPacket::new(
        1045,
        *b"28000",
        format!(
            "Access denied for user '{user}': the password is not the hyperdrive's local one; \
             copy the connection string that the edge printed"
        ),
    )
}

pub(crate) fn unknown_hyperdrive(user: &str) -> ErrPacket {
    ErrPacket::new(
        1049,
        *b"42000",
        format!(
            "Unknown hyperdrive: none has the user '{user}'; use the user of one of \
             edge.hyperdrives in the edge's configuration"
        ),
    )
}

/// `ER_WRONG_VALUE_FOR_VAR`, in the words of servers, for a collation that nobody logs in with.
pub(crate) fn unfit_collation(id: u8, flavor: Flavor) -> Option<ErrPacket> {
    let name = collation::unfit_for_clients(id, flavor)?;
    Some(ErrPacket::new(
        1231,
        *b"42000",
        format!("Variable 'character_set_client' can't be set to the value of '{name}'"),
    ))
}

pub(crate) fn tls_required() -> ErrPacket {
    ErrPacket::new(
        3159,
        *b"HY000",
        "Connections using insecure transport are prohibited: turn TLS on in the client \
         (edge.tls.mode is \"required\")",
    )
}

pub(crate) fn broken_hyperdrive(hyperdrive: &str, error: &OriginError) -> ErrPacket {
    ErrPacket::new(
        1429,
        *b"HY000",
        format!("Hyperdrive '{hyperdrive}' cannot be served: {error}; correct its configuration"),
    )
}

pub(crate) fn too_many_of_user(user: &str, limit: usize) -> ErrPacket {
    ErrPacket::new(
        1226,
        *b"42000",
        format!(
            "User '{user}' has exceeded the 'max_user_connections' resource (current value: \
             {limit}): close some clients, or raise it in the hyperdrive's limits"
        ),
    )
}

/// What a client is told when its session ends for this reason. `None`: nothing.
pub(crate) fn of_end(end: &SessionEnd, hyperdrive: &Hyperdrive) -> Option<ErrPacket> {
    let limits = hyperdrive.limits;
    let (code, state, what, limit) = match end {
        SessionEnd::Draining => return Some(draining()),
        SessionEnd::OutOfOrder => {
            let text = "Got packets out of order";
            return Some(ErrPacket::new(1156, *b"08S01", text));
        }
        // The client reads what it would read from the origin itself.
        SessionEnd::OriginHungUp(why) => return why.clone(),
        SessionEnd::TransactionTimeout => (
            1927,
            *b"70100",
            "Connection was killed: its transaction was open for longer than transaction_timeout",
            limits.transaction_timeout,
        ),
        SessionEnd::IdleTransactionTimeout => (
            4031,
            *b"HY000",
            "The client was disconnected because of inactivity: within a transaction it said \
             nothing for longer than idle_transaction_timeout",
            limits.idle_transaction_timeout,
        ),
        _ => return None,
    };
    let limit = limit.unwrap_or_default();
    let message = format!("{what} ({limit:?}); what was not committed was rolled back");
    Some(ErrPacket::new(code, state, message))
}

fn draining() -> ErrPacket {
    ErrPacket::new(
        1053,
        *b"08S01",
        "Server shutdown in progress: this edge is draining; connect again",
    )
}

/// What a client is told of trouble with a command.
pub(crate) fn of_trouble(trouble: &Trouble, hyperdrive: &Hyperdrive) -> ErrPacket {
    let name = &hyperdrive.name;
    match trouble {
        Trouble::Client(_) => draining(),
        Trouble::NoLease(error) => of_lease_error(error, hyperdrive),
        Trouble::OriginLost(loss) => ErrPacket::new(
            1158,
            *b"08S01",
            format!(
                "Lost the connection to the origin of hyperdrive '{name}' while the statement was \
                 running ({loss}); whether it took effect is not known and it was not sent \
                 again: check, then retry"
            ),
        ),
        Trouble::Refused(error) => error.clone(),
        Trouble::PreviousGone => ErrPacket::new(
            1235,
            *b"42000",
            "The connection that ran the previous statement serves another session by now: run \
             both statements in one transaction",
        ),
        Trouble::NotSupported(what) => ErrPacket::new(
            1235,
            *b"42000",
            format!("This version of tidegate does not carry {what}; connect to the origin for it"),
        ),
        Trouble::UnknownCommand => ErrPacket::new(1047, *b"08S01", "Unknown command"),
        Trouble::Malformed(flavor) => statement::malformed_packet(*flavor),
        Trouble::KilledItself(flavor) if flavor.is_mariadb() => {
            ErrPacket::new(1927, *b"70100", "Connection was killed")
        }
        Trouble::KilledItself(_) | Trouble::Interrupted(Interruption::Killed) => {
            ErrPacket::new(1317, *b"70100", "Query execution was interrupted")
        }
        Trouble::Interrupted(Interruption::TimedOut) => ErrPacket::new(
            3024,
            *b"HY000",
            "Query execution was interrupted, maximum statement execution time exceeded: no \
             origin connection became free within query_timeout",
        ),
        Trouble::UnknownThread(id) => {
            ErrPacket::new(1094, *b"HY000", format!("Unknown thread id: {id}"))
        }
        Trouble::NotKilled(error) => ErrPacket::new(
            1429,
            *b"HY000",
            format!("The statement may run on, the origin could not be told to kill it: {error}"),
        ),
        Trouble::UnknownTable => ErrPacket::new(
            1064,
            *b"42000",
            format!("SHOW TIDEGATE shows {TABLES}, and nothing else"),
        ),
        Trouble::NotPreparable => ErrPacket::new(
            1295,
            *b"HY000",
            "This command is not supported in the prepared statement protocol: tidegate answers \
             it itself; send it as text",
        ),
        Trouble::UnknownStatement {
            id,
            command,
            flavor,
        } => statement::unknown(*id, *command, *flavor),
        Trouble::NoCursor { id, flavor } => statement::no_cursor(*id, *flavor),
        Trouble::TooManyStatements => statement::too_many(),
    }
}

fn of_lease_error(error: &LeaseError<OriginError>, hyperdrive: &Hyperdrive) -> ErrPacket {
    let name = &hyperdrive.name;
    let max = hyperdrive.pool.max;
    match error {
        LeaseError::Connect(error) => of_origin_error(error, hyperdrive),
        LeaseError::ConnectTimeout { limit } => ErrPacket::new(
            1429,
            *b"HY000",
            format!(
                "Unable to connect to the origin {} of hyperdrive '{name}' within {limit:?}: check \
                 that the address is right and the way to it open",
                hyperdrive.origin.address
            ),
        ),
        LeaseError::WaitTimeout { waited } => ErrPacket::new(
            1203,
            *b"42000",
            format!(
                "Pool of hyperdrive '{name}' exhausted: all {max} origin connections stayed in use \
                 for {waited:?}; shorten transactions, or raise pool.max or pool.wait_timeout"
            ),
        ),
        LeaseError::QueueFull { waiting } => ErrPacket::new(
            1203,
            *b"42000",
            format!(
                "Pool of hyperdrive '{name}' exhausted: all {max} origin connections are in use and \
                 {waiting} sessions wait already; raise pool.max or pool.max_waiting"
            ),
        ),
        LeaseError::Closed => ErrPacket::new(
            1053,
            *b"08S01",
            format!("The configuration of hyperdrive '{name}' changed: connect again"),
        ),
    }
}

fn of_origin_error(error: &OriginError, hyperdrive: &Hyperdrive) -> ErrPacket {
    match error {
        OriginError::Login(LoginError::Refused(refusal)) if CLIENTS_OWN.contains(&refusal.code) => {
            refusal.clone()
        }
        OriginError::Dial(error) if error.kind() == DialErrorKind::TunnelDown => {
            tunnel_down(error, hyperdrive)
        }
        error => {
            let told = match error {
                // The origin's own words name its user, which is not the client's to know.
                OriginError::Login(LoginError::Refused(refusal)) => {
                    format!("it refused the login with error {}", refusal.code)
                }
                error => error.to_string(),
            };
            let advice = match error {
                OriginError::Login(LoginError::Refused(refusal))
                    if FULL.contains(&refusal.code) =>
                {
                    "it has as many connections as it takes: lower pool.max, or raise its \
                     max_connections or max_user_connections"
                }
                OriginError::Login(LoginError::Refused(_)) => {
                    "check the user and password in its origin"
                }
                OriginError::Tls(_) | OriginError::Login(LoginError::Tls(_)) => {
                    "check its tls and ca_file"
                }
                OriginError::Dial(error) if error.kind() == DialErrorKind::Forbidden => {
                    "name the address in an ingress rule of the connector"
                }
                OriginError::Dial(_) | OriginError::Login(LoginError::Io(_)) => {
                    "check that the database runs and that its address is right"
                }
                OriginError::Login(LoginError::Handshake(HandshakeError::TlsUnavailable)) => {
                    "give the server a certificate, or set the hyperdrive's tls to \"disabled\""
                }
                OriginError::Login(LoginError::Handshake(_))
                | OriginError::MissingCapability(_) => {
                    "check the origin's version and its user's authentication plugin"
                }
            };
            ErrPacket::new(
                1429,
                *b"HY000",
                format!(
                    "Unable to connect to the origin of hyperdrive '{}': {told}; {advice}",
                    hyperdrive.name
                ),
            )
        }
    }
}

fn tunnel_down(error: &DialError, hyperdrive: &Hyperdrive) -> ErrPacket {
    ErrPacket::new(
        1477,
        *b"HY000",
        format!(
            "The tunnel of hyperdrive '{}' is down: {error}; start its connector, or check the \
             connector's log",
            hyperdrive.name
        ),
    )
}
