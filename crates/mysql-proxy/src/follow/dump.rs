//! The connection on which the log comes.

use std::time::Duration;

use mysql_proto::{BinlogDump, BinlogEvent, BinlogPacket, BinlogReader, binlog_settings};
use tokio::time::timeout;

use super::error::FollowError;
use super::place::Place;
use crate::error::OriginLoss;
use crate::origin::OriginConn;

/// How often the server says that it is there, when it has nothing else to say.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A connection on which nothing came for so long is dead: five heartbeats.
const SILENCE: Duration = Duration::from_secs(5);

/// A connection that has asked for the log.
#[derive(Debug)]
pub(super) struct Dump {
    conn: OriginConn,
    reader: BinlogReader,
}

impl Dump {
    /// Asks for the log from a place on.
    pub(super) async fn begin(
        mut conn: OriginConn,
        place: &Place,
        server_id: u32,
    ) -> Result<Self, FollowError> {
        let settings = binlog_settings(HEARTBEAT);
        let answer = conn.ask(settings.as_bytes()).await?;
        if let Some(error) = answer.refusal() {
            return Err(FollowError::Refused(error));
        }
        let mut command = Vec::new();
        let dump = BinlogDump {
            file: &place.file,
            position: place.position,
            server_id,
        };
        dump.write(&mut command);
        // It never ends: nothing else can be asked on this connection.
        conn.begin_command();
        let sent = conn.send(&command).await;
        sent.map_err(|error| OriginLoss::from(error.source))?;
        Ok(Self {
            conn,
            reader: BinlogReader::new(),
        })
    }

    /// Waits for more, and gives each event of it.
    pub(super) async fn read(
        &mut self,
        mut take: impl FnMut(&BinlogEvent<'_>),
    ) -> Result<(), FollowError> {
        let received = timeout(SILENCE, self.conn.receive()).await;
        let received = received.map_err(|_| FollowError::Silent)?;
        let mut rest = received.map_err(OriginLoss::from)?;
        while let Some(packet) = self.reader.next(&mut rest)? {
            match packet {
                BinlogPacket::Event(event) => take(&event),
                BinlogPacket::Refused(error) => return Err(FollowError::Refused(error)),
                BinlogPacket::End => return Err(FollowError::Ended),
            }
        }
        Ok(())
    }
}
