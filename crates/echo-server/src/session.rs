//! One client. Between a packet and its response nothing is done but to find the packet's end.

use std::io::Result;
use std::net::Ipv4Addr;

use mysql_proto::{Command, HEADER_LEN, PacketHeader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lesson::Teacher;
use crate::login;

/// Room for a command, of which a client sends one at a time.
const BUFFER: usize = 16 * 1024;

/// What a statement that gives rows begins with, in a text.
const SELECT: &[u8] = b"SELECT";

/// The constant responses, once they are known.
#[derive(Default)]
struct Known {
    query: Option<Vec<u8>>,
    execution: Option<Vec<u8>>,
}

/// Serves a client until it leaves.
pub(crate) async fn run(mut client: TcpStream, teacher: u16) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, teacher)).await?;
    stream.set_nodelay(true)?;
    let capabilities = login::pass(&mut client, &mut stream).await?;
    let mut teacher = Teacher {
        stream,
        capabilities,
    };
    let mut known = Known::default();
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    loop {
        let count = client
            .read(buffer.get_mut(filled..).unwrap_or_default())
            .await?;
        if count == 0 {
            return Ok(());
        }
        filled += count;
        while let Some(len) = packet_len(buffer.get(..filled).unwrap_or_default()) {
            let packet = buffer.get(..len).unwrap_or_default();
            let command = Command(packet.get(HEADER_LEN).copied().unwrap_or_default());
            match known.answer(packet, command) {
                Some(Some(answer)) => client.write_all(answer).await?,
                Some(unknown) => {
                    let answer = teacher.ask(packet, command).await?;
                    client.write_all(&answer).await?;
                    *unknown = Some(answer);
                }
                None if command == Command::QUIT => return Ok(()),
                None => {
                    let answer = teacher.ask(packet, command).await?;
                    client.write_all(&answer).await?;
                }
            }
            buffer.copy_within(len..filled, 0);
            filled -= len;
        }
    }
}

/// The length of the first packet, if the whole of it is here.
fn packet_len(bytes: &[u8]) -> Option<usize> {
    let len = HEADER_LEN + PacketHeader::decode(bytes)?.payload_len;
    (len <= bytes.len()).then_some(len)
}

impl Known {
    /// What always answers such a command. `None`: nothing does.
    fn answer(&mut self, packet: &[u8], command: Command) -> Option<&mut Option<Vec<u8>>> {
        match command {
            Command::STMT_EXECUTE => Some(&mut self.execution),
            Command::QUERY => {
                let text = packet.get(HEADER_LEN + 1..).unwrap_or_default();
                text.starts_with(SELECT).then_some(&mut self.query)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_found_when_it_is_whole() {
        let packet = [1, 0, 0, 0, 1, 9];
        assert_eq!(packet_len(&packet[..4]), None);
        assert_eq!(packet_len(&packet), Some(5));
    }

    #[test]
    fn only_what_gives_rows_has_a_constant_answer() {
        let mut known = Known::default();
        let select = b"\x09\0\0\0\x03SELECT 1";
        assert!(known.answer(select, Command::QUERY).is_some());
        let other = b"\x06\0\0\0\x03BEGIN";
        assert!(known.answer(other, Command::QUERY).is_none());
        assert!(known.answer(other, Command::STMT_PREPARE).is_none());
    }
}
