//! What a connection says to be sent the log.

use std::time::Duration;

use crate::{Command, write_command};

/// The statement that has to be sent before [`BinlogDump`], in which the server finds what it must
/// know of whoever reads. Servers take what they know of it from the session's user variables:
///
/// - `@master_binlog_checksum`, `@source_binlog_checksum` (its newer name): checksums are known of,
///   without which a server that has them refuses to send anything. `NONE` is for what comes before
///   the first format; behind it events are sent as they are in the file.
/// - `@master_heartbeat_period`, `@source_heartbeat_period`: after so long without an event, say
///   that you are there. In nanoseconds.
/// - `@mariadb_slave_capability`: 4 is "knows GTIDs". A MariaDB server puts other events in their
///   place otherwise.
///
/// <https://mariadb.com/kb/en/5-slave-registration/>
pub fn binlog_settings(heartbeat: Duration) -> String {
    let period = heartbeat.as_nanos();
    format!(
        "SET @master_binlog_checksum = 'NONE', @source_binlog_checksum = 'NONE', \
         @master_heartbeat_period = {period}, @source_heartbeat_period = {period}, \
         @mariadb_slave_capability = 4"
    )
}

/// `COM_BINLOG_DUMP`: asks for the log from a place on. A registration as a replica
/// (`COM_REGISTER_SLAVE`) is not needed for it; it only serves `SHOW REPLICAS`.
///
/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_binlog_dump.html>
#[derive(Clone, Copy, Debug)]
pub struct BinlogDump<'a> {
    /// The file's name.
    pub file: &'a [u8],
    /// Where in it an event begins; 4 is the first.
    pub position: u32,
    /// Who asks. A server ends an older dump for the same id, as that of a replica that came back.
    pub server_id: u32,
}

impl BinlogDump<'_> {
    /// Wait for more at the end of the log, and send no annotations.
    const FLAGS: u16 = 0;

    /// Appends the command to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let position = self.position.to_le_bytes();
        let flags = Self::FLAGS.to_le_bytes();
        let server_id = self.server_id.to_le_bytes();
        let argument = [&position[..], &flags, &server_id, self.file].concat();
        write_command(out, Command::BINLOG_DUMP, &argument);
    }
}
