//! The compressed protocol, towards clients that ask for it.
//!
//! After the login everything goes in compressed packets, whose bounds have nothing to do with
//! those of the packets within:
//!
//! ```text
//!   length of what follows   sequence id   length before compression, 0: not compressed
//!   3                        1             3
//! ```
//!
//! It is here and not in `mysql-proto`, because zstd is C and that crate is to stay pure Rust. It
//! is a stream around a stream, so nothing else of a session knows of it.
//!
//! Contexts of the compressors live as long as a packet: an idle client costs no memory, and beside
//! compressing 16 KiB their making does not count.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_compression_packet.html>

mod continuation;
mod decoder;
mod encoder;
mod stream;

#[cfg(test)]
mod tests;

pub(crate) use stream::Compressed;

use mysql_proto::Capabilities;

/// Bytes of a compressed packet's header.
const HEADER_LEN: usize = 7;

/// The highest level of zstd that a client gets. Higher ones take many times the processor of an
/// edge that is shared, for a few percent.
const MAX_ZSTD_LEVEL: u8 = 9;

/// The level that a client gets which names none: `zstd_compression_level` of MySQL.
const DEFAULT_ZSTD_LEVEL: u8 = 3;

/// How packets are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Zlib,
    Zstd { level: u8 },
}

impl Algorithm {
    /// What a login has agreed on. `None`: nothing is compressed. With both, zlib: so do servers.
    pub(crate) fn negotiated(capabilities: Capabilities, zstd_level: u8) -> Option<Self> {
        if capabilities.contains(Capabilities::COMPRESS) {
            Some(Self::Zlib)
        } else if capabilities.contains(Capabilities::ZSTD_COMPRESSION_ALGORITHM) {
            let level = match zstd_level {
                0 => DEFAULT_ZSTD_LEVEL,
                level => level.min(MAX_ZSTD_LEVEL),
            };
            Some(Self::Zstd { level })
        } else {
            None
        }
    }
}
