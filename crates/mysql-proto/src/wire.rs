//! The basic data types of the protocol: integers, length-encoded integers, strings.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_data_types.html>

use crate::DecodeError;

/// Begins NULL where a row has a string.
pub(crate) const NULL: u8 = 0xFB;

/// Reads a payload from its front. Whatever does not fit is [`DecodeError::Truncated`].
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that are left.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Everything that is left; nothing is left then.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// `int<lenenc>`.
    #[inline]
    pub(crate) fn lenenc(&mut self) -> Result<u64, DecodeError> {
        match self.u8()? {
            byte @ 0..=0xFA => Ok(u64::from(byte)),
            0xFC => self.u16().map(u64::from),
            0xFD => {
                let [a, b, c] = self.array()?;
                Ok(u64::from(u32::from_le_bytes([a, b, c, 0])))
            }
            0xFE => self.array().map(u64::from_le_bytes),
            byte => Err(DecodeError::BadInteger(byte)),
        }
    }

    /// `string<lenenc>`.
    pub(crate) fn lenenc_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        // A length that does not fit the machine's word does not fit the payload either.
        let len = usize::try_from(self.lenenc()?).map_err(|_| DecodeError::Truncated)?;
        self.bytes(len)
    }

    /// `string<NUL>`, without its NUL.
    pub(crate) fn nul_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(DecodeError::Truncated)?;
        let string = self.bytes(len)?;
        self.u8()?;
        Ok(string)
    }

    /// `string<NUL>` at the end of a packet, where some peers leave the NUL out.
    pub(crate) fn nul_bytes_or_rest(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let mut parts = rest.splitn(2, |byte| *byte == 0);
        let string = parts.next().unwrap_or_default();
        self.0 = parts.next().unwrap_or_default();
        string
    }
}

/// Text of a peer, for people and for comparison. What is not UTF-8 becomes U+FFFD.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Appends an `int<lenenc>`.
pub(crate) fn put_lenenc(out: &mut Vec<u8>, value: u64) {
    let [b0, b1, b2, b3, ..] = value.to_le_bytes();
    match value {
        0..=0xFA => out.push(b0),
        0xFB..=0xFFFF => out.extend_from_slice(&[0xFC, b0, b1]),
        0x1_0000..=0xFF_FFFF => out.extend_from_slice(&[0xFD, b0, b1, b2]),
        _ => {
            out.extend_from_slice(&[0xFE, b0, b1, b2, b3]);
            out.extend_from_slice(&u32::try_from(value >> 32).unwrap_or_default().to_le_bytes());
        }
    }
}

/// Appends a `string<lenenc>`.
pub(crate) fn put_lenenc_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_lenenc(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a `string<NUL>`, cut at its first NUL, which the form cannot carry.
pub(crate) fn put_nul_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(bytes.iter().take_while(|byte| **byte != 0));
    out.push(0);
}
