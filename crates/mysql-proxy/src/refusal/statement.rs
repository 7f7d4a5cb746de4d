//! Refusals of commands on prepared statements, in the words of the server that the client believes
//! to speak with. TiDB sends them as its unknown error, with code and state in the text.

use mysql_proto::{Command, ErrPacket};

use crate::origin::Flavor;
use crate::statements::MAX_PREPARED;

/// `ER_UNKNOWN_STMT_HANDLER`.
pub(super) fn unknown(id: u32, command: Command, flavor: Flavor) -> ErrPacket {
    let verb = match command {
        Command::STMT_FETCH => "fetch",
        Command::STMT_RESET => "reset",
        _ => "execute",
    };
    let what = "Unknown prepared statement handler";
    match flavor {
        Flavor::MySql => general(1243, format!("{what} ({id}) given to mysql_stmt_precheck")),
        Flavor::MariaDb { .. } => {
            general(1243, format!("{what} ({id}) given to mysqld_stmt_{verb}"))
        }
        Flavor::TiDb => of_tidb(1243, "HY000", &format!("{what} {id} given to stmt_{verb}")),
    }
}

/// `ER_STMT_HAS_NO_OPEN_CURSOR`, or TiDB's `ER_SP_CURSOR_NOT_OPEN`.
pub(super) fn no_cursor(id: u32, flavor: Flavor) -> ErrPacket {
    let text = format!("The statement ({id}) has no open cursor");
    match flavor {
        Flavor::MySql => general(1421, format!("{text}.")),
        Flavor::MariaDb { .. } => general(1421, text),
        Flavor::TiDb => of_tidb(1326, "24000", "Cursor is not open"),
    }
}

/// `ER_MAX_PREPARED_STMT_COUNT_REACHED`.
pub(super) fn too_many() -> ErrPacket {
    ErrPacket::new(
        1461,
        *b"42000",
        format!(
            "Can't create more than max_prepared_stmt_count statements (current value: \
             {MAX_PREPARED})"
        ),
    )
}

/// `ER_WRONG_ARGUMENTS`: long data for a parameter that there is not.
pub(crate) fn wrong_long_data(flavor: Flavor) -> ErrPacket {
    let what = "Incorrect arguments to";
    match flavor {
        Flavor::MySql => general(1210, format!("{what} mysql_stmt_precheck")),
        Flavor::MariaDb { .. } => general(1210, format!("{what} mysqld_stmt_send_long_data")),
        Flavor::TiDb => of_tidb(1210, "HY000", &format!("{what} stmt_send_longdata")),
    }
}

/// `ER_NET_PACKET_TOO_LARGE`: types that the client left out do not fit into its packet.
pub(crate) fn too_long() -> ErrPacket {
    ErrPacket::new(
        1153,
        *b"08S01",
        "Got a packet bigger than 'max_allowed_packet' bytes: bind the parameters' types anew, or \
         send long ones by mysql_stmt_send_long_data()",
    )
}

/// `ER_MALFORMED_PACKET`.
pub(super) fn malformed_packet(flavor: Flavor) -> ErrPacket {
    let end = if flavor.is_mariadb() { "" } else { "." };
    general(1835, format!("Malformed communication packet{end}"))
}

fn general(code: u16, message: String) -> ErrPacket {
    ErrPacket::new(code, ErrPacket::GENERAL_STATE, message)
}

fn of_tidb(code: u16, state: &str, message: &str) -> ErrPacket {
    general(1105, format!("ERROR {code} ({state}): {message}"))
}
