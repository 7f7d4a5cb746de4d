//! Reads the captures of `tests/golden`, whose first lines tell their form.

use mysql_proto::{Capabilities, Command, HEADER_LEN, PacketHeader};

/// The captures of one server.
#[derive(Clone, Copy)]
pub(crate) struct Server(&'static str);

pub(crate) const MARIADB_10_11: Server = Server(include_str!("../golden/mariadb_10_11.hex"));
pub(crate) const MYSQL_9_7: Server = Server(include_str!("../golden/mysql_9_7.hex"));
pub(crate) const TIDB_8_5: Server = Server(include_str!("../golden/tidb_8_5.hex"));
pub(crate) const BINLOG_MARIADB_10_11: Server =
    Server(include_str!("../golden/binlog_mariadb_10_11.hex"));
pub(crate) const BINLOG_MYSQL_9_7: Server = Server(include_str!("../golden/binlog_mysql_9_7.hex"));
const CLIENTS: &str = include_str!("../golden/clients.hex");

pub(crate) struct Response {
    pub(crate) command: Command,
    pub(crate) capabilities: Capabilities,
    pub(crate) bytes: Vec<u8>,
}

/// One side's packet of a login.
pub(crate) struct Said {
    pub(crate) by_server: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Server {
    pub(crate) fn response(self, name: &str) -> Response {
        let mut words = words(self.0, name);
        let command = u8::from_str_radix(words.next().unwrap(), 16).unwrap();
        Response {
            command: Command(command),
            capabilities: capabilities(words.next().unwrap()),
            bytes: hex::decode(words.next().unwrap()).unwrap(),
        }
    }

    /// The names of all responses.
    pub(crate) fn responses(self) -> impl Iterator<Item = &'static str> {
        let names = self.0.lines().filter_map(|line| line.split(' ').next());
        names.filter(|name| name.ends_with("_eof") || name.ends_with("_ok"))
    }

    /// The packets of a binary log: what was done at the server, and a payload that came of it.
    pub(crate) fn log(self) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| {
            let (step, payload) = line.split_once(' ').unwrap();
            (step, hex::decode(payload).unwrap())
        })
    }

    pub(crate) fn login(self, name: &str) -> Vec<Said> {
        let packets = words(self.0, name).skip(1);
        packets
            .map(|word| {
                let (side, bytes) = word.split_once(':').unwrap();
                Said {
                    by_server: side == "s",
                    bytes: hex::decode(bytes).unwrap(),
                }
            })
            .collect()
    }
}

/// The packet by which a client logged in.
pub(crate) fn client(name: &str) -> Vec<u8> {
    hex::decode(words(CLIENTS, name).next().unwrap()).unwrap()
}

/// The payloads of packets that are shorter than 16 MiB.
pub(crate) fn payloads(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    while let Some(header) = PacketHeader::decode(bytes) {
        let (payload, rest) = bytes[HEADER_LEN..].split_at(header.payload_len);
        payloads.push(payload);
        bytes = rest;
    }
    assert!(bytes.is_empty());
    payloads
}

fn words(file: &'static str, name: &str) -> impl Iterator<Item = &'static str> {
    let mut lines = file.lines().map(|line| line.split(' '));
    lines
        .find_map(|mut words| (words.next() == Some(name)).then_some(words))
        .unwrap_or_else(|| panic!("there is no capture {name}"))
}

fn capabilities(word: &str) -> Capabilities {
    Capabilities::from_bits_retain(u64::from_str_radix(word, 16).unwrap())
}
