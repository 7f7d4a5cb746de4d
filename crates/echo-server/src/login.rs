//! Passes a login on, as it is, and learns of it what the two ends have agreed upon.

use std::io::{Error, Result};

use mysql_proto::{Capabilities, Greeting, HEADER_LEN, HandshakeResponse, PacketHeader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// First bytes of the packets that end a login.
const OK: u8 = 0;
const ERR: u8 = 0xff;

/// Passes a login on. Returns when the client has been told that it is in, with the capabilities in
/// force.
pub(crate) async fn pass(client: &mut TcpStream, teacher: &mut TcpStream) -> Result<Capabilities> {
    let greeting = pass_packet(teacher, client).await?;
    let greeting = Greeting::decode(payload(&greeting)).map_err(Error::other)?;
    let login = pass_packet(client, teacher).await?;
    let login = HandshakeResponse::decode(payload(&login)).map_err(Error::other)?;
    loop {
        let answer = pass_packet(teacher, client).await?;
        match payload(&answer).first() {
            Some(&OK) => return Ok(greeting.capabilities & login.capabilities),
            Some(&ERR) => return Err(Error::other("refused")),
            // It wants more, unless it says that what it has is right.
            _ if payload(&answer) == [1, 3] => {}
            _ => drop(pass_packet(client, teacher).await?),
        }
    }
}

/// Passes a packet on, and returns it.
async fn pass_packet(from: &mut TcpStream, to: &mut TcpStream) -> Result<Vec<u8>> {
    let mut packet = vec![0; HEADER_LEN];
    from.read_exact(&mut packet).await?;
    let header = PacketHeader::decode(&packet);
    packet.resize(
        HEADER_LEN + header.map_or(0, |header| header.payload_len),
        0,
    );
    if let Some(payload) = packet.get_mut(HEADER_LEN..) {
        from.read_exact(payload).await?;
    }
    to.write_all(&packet).await?;
    Ok(packet)
}

fn payload(packet: &[u8]) -> &[u8] {
    packet.get(HEADER_LEN..).unwrap_or_default()
}
