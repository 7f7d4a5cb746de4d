//! Little-endian numbers and length-encoded strings, as parameters and binary rows have them.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html>

use mysql_proto::ErrPacket;

/// A packet of the client that does not say what its command requires.
pub(super) fn malformed() -> ErrPacket {
    ErrPacket::new(1835, *b"HY000", "Malformed communication packet")
}

/// Takes `N` bytes from the front.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], ErrPacket> {
    let (head, tail) = bytes.split_first_chunk::<N>().ok_or_else(malformed)?;
    *bytes = tail;
    Ok(*head)
}

/// Takes `len` bytes from the front.
pub(super) fn take_slice<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], ErrPacket> {
    let (head, tail) = bytes.split_at_checked(len).ok_or_else(malformed)?;
    *bytes = tail;
    Ok(head)
}

/// Takes one byte from the front.
pub(super) fn take_u8(bytes: &mut &[u8]) -> Result<u8, ErrPacket> {
    take::<1>(bytes).map(|[byte]| byte)
}

/// Takes a `string<lenenc>` from the front.
pub(super) fn take_string<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], ErrPacket> {
    let len = match take_u8(bytes)? {
        byte @ 0..=0xFA => u64::from(byte),
        0xFC => u64::from(u16::from_le_bytes(take(bytes)?)),
        0xFD => {
            let [a, b, c] = take(bytes)?;
            u64::from(u32::from_le_bytes([a, b, c, 0]))
        }
        0xFE => u64::from_le_bytes(take(bytes)?),
        _ => return Err(malformed()),
    };
    take_slice(bytes, usize::try_from(len).map_err(|_| malformed())?)
}

/// Appends an `int<lenenc>`.
pub(super) fn put_length(out: &mut Vec<u8>, len: usize) {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = (len as u64).to_le_bytes();
    match len {
        0..=0xFA => out.push(b0),
        0xFB..=0xFFFF => out.extend_from_slice(&[0xFC, b0, b1]),
        0x1_0000..=0xFF_FFFF => out.extend_from_slice(&[0xFD, b0, b1, b2]),
        _ => out.extend_from_slice(&[0xFE, b0, b1, b2, b3, b4, b5, b6, b7]),
    }
}

/// Appends a `string<lenenc>`.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}
