//! Query attributes: what a client sends in front of a statement, for an origin that may know them
//! or not. MySQL does; for MariaDB and TiDB they are left out.

use std::borrow::Cow;

use mysql_proto::{AttributedQuery, Capabilities, Command, write_command};

use super::Session;
use super::outgoing::Outgoing;
use crate::downstream::{CommandPacket, Downstream};

impl Session {
    /// True for a `COM_QUERY` whose attributes cannot be read, so that nobody knows where its
    /// statement begins.
    pub(super) fn is_malformed(&self, packet: CommandPacket) -> bool {
        has_attributes(self.downstream.capabilities())
            && AttributedQuery::parse(self.downstream.payload(packet)).is_none()
    }
}

/// The first packet of a command as a connection with these capabilities takes it: with the
/// statement that is in the place of the client's, behind the client's attributes.
pub(super) fn first_packet<'a>(
    downstream: &'a mut Downstream,
    outgoing: &Outgoing<'_>,
    capabilities: Capabilities,
) -> Cow<'a, [u8]> {
    let packet = outgoing.packet;
    let start = start_of_sql(downstream, packet);
    let keeps = start == 1 || has_attributes(capabilities);
    if !keeps && !packet.is_whole {
        // As long as it was, so that the packets behind it are as they were, too: servers pass over
        // spaces.
        if let Some(attributes) = downstream.payload_mut(packet).get_mut(1..start) {
            attributes.fill(b' ');
        }
        return Cow::Borrowed(downstream.packet(packet));
    }
    if keeps && outgoing.sql.is_none() {
        return Cow::Borrowed(downstream.packet(packet));
    }
    let payload = downstream.payload(packet);
    let attributes = payload.get(1..start).filter(|_| keeps);
    let sql = match &outgoing.sql {
        Some(sql) => sql,
        None => payload.get(start..).unwrap_or_default(),
    };
    let argument = [attributes.unwrap_or_default(), sql].concat();
    let mut bytes = Vec::with_capacity(argument.len() + 8);
    write_command(&mut bytes, packet.command, &argument);
    Cow::Owned(bytes)
}

/// Where the statement of a `COM_QUERY` begins; 1 for any other command.
fn start_of_sql(downstream: &Downstream, packet: CommandPacket) -> usize {
    if packet.command != Command::QUERY || !has_attributes(downstream.capabilities()) {
        return 1;
    }
    let query = AttributedQuery::parse(downstream.payload(packet));
    query.map_or(1, |query| query.statement_start())
}

pub(super) fn has_attributes(capabilities: Capabilities) -> bool {
    capabilities.contains(Capabilities::QUERY_ATTRIBUTES)
}
