//! A small MySQL client: it logs in, runs one statement at a time, and takes the first value. The
//! demo asks by it as any client would, through the path and directly.

use std::time::Duration;

use bytes::BytesMut;
use domain::{Address, ExposeSecret, OriginTls, SecretString};
use mysql_client::{LoginError, log_in};
use mysql_proto::{
    Capabilities, ClientConfig, Command, DecodeError, EofPacket, ErrPacket, OkPacket, Packet,
    PacketReader, write_command,
};
use net::tls::{ClientTls, ClientTlsError};
use net::{BoxStream, DialError, TcpDialer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longest that connecting, logging in and each statement may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of a packet. The demo's questions have one short row.
const MAX_PACKET: usize = 64 * 1024;

/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;

/// Who is asked, and as whom.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) database: Option<String>,
    pub(crate) tls: OriginTls,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody is there.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The server, or the network, hung up.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// TLS failed.
    #[error(transparent)]
    Tls(#[from] ClientTlsError),
    /// The login is not possible.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The server said no.
    #[error("{} (error {})", .0.message, .0.code)]
    Refused(ErrPacket),
    /// The server said something strange.
    #[error("answer cannot be read: {0}")]
    Packet(#[from] DecodeError),
    /// The statement gave no value.
    #[error("statement gave no row")]
    NoRow,
    /// The server said nothing.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl ClientError {
    /// MySQL's code, if the server sent an error.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }
}

/// A connection that is logged in.
#[derive(Debug)]
pub(crate) struct Client {
    wire: Wire,
    capabilities: Capabilities,
}

impl Client {
    /// Connects and logs in.
    pub(crate) async fn connect(target: &Target) -> Result<Self, ClientError> {
        within(async {
            let stream = TcpDialer::connect(&target.address).await?;
            let tls = ClientTls::new(&target.tls, &target.address.host)?;
            let config = client_config(target);
            let logged_in = match log_in(Box::new(stream), config, tls.as_ref()).await {
                Err(LoginError::Refused(error)) => return Err(ClientError::Refused(error)),
                other => other?,
            };
            Ok(Self {
                capabilities: logged_in.capabilities,
                wire: Wire::new(logged_in.stream),
            })
        })
        .await
    }

    /// Runs a statement that gives no rows.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<(), ClientError> {
        match self.ask(sql).await {
            Ok(_) | Err(ClientError::NoRow) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Runs a query, and returns the first value of its first row as text; empty for NULL.
    pub(crate) async fn first_value(&mut self, sql: &str) -> Result<String, ClientError> {
        self.ask(sql).await
    }

    /// Says good-bye.
    pub(crate) async fn quit(mut self) {
        write_command(&mut self.wire.output, Command::QUIT, &[]);
        // The server closes its end either way.
        drop(self.wire.flush().await);
    }

    async fn ask(&mut self, sql: &str) -> Result<String, ClientError> {
        write_command(&mut self.wire.output, Command::QUERY, sql.as_bytes());
        within(async {
            self.wire.flush().await?;
            self.answer().await
        })
        .await
    }

    /// Reads one response to its end.
    async fn answer(&mut self) -> Result<String, ClientError> {
        let head = self.checked_packet().await?;
        if head.payload.first() == Some(&OkPacket::HEADER) {
            return Err(ClientError::NoRow);
        }
        // One byte: nothing that the demo asks has more than 250 columns.
        let columns = head.payload.first().copied().unwrap_or_default();
        for _ in 0..columns {
            self.checked_packet().await?;
        }
        if !self.capabilities.contains(Capabilities::DEPRECATE_EOF) {
            self.checked_packet().await?;
        }
        let mut value = None;
        loop {
            let packet = self.checked_packet().await?;
            let is_short = packet.payload.len() < EofPacket::ROW_LEN
                || self.capabilities.contains(Capabilities::DEPRECATE_EOF);
            if is_short && packet.payload.first() == Some(&EofPacket::HEADER) {
                return value.ok_or(ClientError::NoRow);
            }
            if value.is_none() {
                value = Some(first_value(&packet.payload)?);
            }
        }
    }

    /// The next packet, unless it is an error.
    async fn checked_packet(&mut self) -> Result<Packet, ClientError> {
        let packet = self.wire.packet().await?;
        if packet.payload.first() == Some(&ErrPacket::HEADER) {
            return Err(ClientError::Refused(ErrPacket::decode(&packet.payload)?));
        }
        Ok(packet)
    }
}

/// The first value of a text row.
fn first_value(row: &[u8]) -> Result<String, DecodeError> {
    let (len, rest) = match row {
        // NULL.
        [0xFB, ..] => (0, row),
        [len @ 0..=0xFA, rest @ ..] => (usize::from(*len), rest),
        [0xFC, low, high, rest @ ..] => (usize::from(u16::from_le_bytes([*low, *high])), rest),
        [other, ..] => return Err(DecodeError::BadInteger(*other)),
        [] => return Err(DecodeError::Truncated),
    };
    let value = rest.get(..len).ok_or(DecodeError::Truncated)?;
    Ok(String::from_utf8_lossy(value).into_owned())
}

async fn within<T>(work: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    tokio::time::timeout(TIMEOUT, work)
        .await
        .map_err(|_| ClientError::Timeout)?
}

// === Wire ===

/// The stream with its buffers.
#[derive(Debug)]
struct Wire {
    stream: BoxStream,
    input: BytesMut,
    output: Vec<u8>,
    packets: PacketReader,
}

impl Wire {
    fn new(stream: BoxStream) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: Vec::new(),
            packets: PacketReader::new(MAX_PACKET),
        }
    }

    async fn flush(&mut self) -> Result<(), ClientError> {
        self.stream.write_all(&self.output).await?;
        self.stream.flush().await?;
        self.output.clear();
        Ok(())
    }

    async fn read(&mut self) -> Result<(), ClientError> {
        if self.stream.read_buf(&mut self.input).await? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    async fn packet(&mut self) -> Result<Packet, ClientError> {
        loop {
            if let Some(packet) = self.packets.next(&mut self.input)? {
                return Ok(packet);
            }
            self.read().await?;
        }
    }
}

/// The login of the demo's client.
fn client_config(target: &Target) -> ClientConfig {
    ClientConfig {
        user: target.user.clone(),
        password: target.password.expose_secret().as_bytes().to_vec(),
        database: target.database.clone(),
        collation: COLLATION,
        capabilities: Capabilities::LONG_PASSWORD
            | Capabilities::LONG_FLAG
            | Capabilities::TRANSACTIONS
            | Capabilities::DEPRECATE_EOF,
        attributes: vec![("program_name".to_owned(), "tidegate demo".to_owned())],
        tls: target.tls != OriginTls::Disabled,
        // Without TLS only loopback is asked, or what `--origin-tls disabled` calls private.
        transport_is_private: target.tls == OriginTls::Disabled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_value_reads_every_length() {
        assert_eq!(first_value(&[3, b'a', b'b', b'c', 1, b'd']).unwrap(), "abc");
        assert_eq!(first_value(&[0xFB, 1, b'd']).unwrap(), "");
        let mut long = vec![0xFC, 0x2C, 0x01];
        long.extend_from_slice(&[b'x'; 300]);
        assert_eq!(first_value(&long).unwrap().len(), 300);
        for broken in [&[][..], &[3, b'a'], &[0xFE, 1], &[0xFC, 1, 0]] {
            assert!(first_value(broken).is_err(), "{broken:?}");
        }
    }
}
