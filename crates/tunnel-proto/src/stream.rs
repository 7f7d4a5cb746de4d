//! How a stream begins, and what that makes of it.

use crate::DecodeError;

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 6;

const DATA_SIGNATURE: [u8; SIGNATURE_LEN] = [0x0A, 0x36, 0xCD, 0x12, 0xA1, 0x3E];
const RPC_SIGNATURE: [u8; SIGNATURE_LEN] = [0x52, 0xBB, 0x82, 0x5C, 0xDB, 0x65];

/// What a stream is for. The control stream, a connection's first, has no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// One flow: version, request or response, then the flow's bytes.
    Data,
    /// A short Cap'n Proto RPC session.
    Rpc,
}

impl StreamKind {
    /// What a signature says.
    pub fn of(signature: &[u8; SIGNATURE_LEN]) -> Result<Self, DecodeError> {
        match *signature {
            DATA_SIGNATURE => Ok(Self::Data),
            RPC_SIGNATURE => Ok(Self::Rpc),
            _ => Err(DecodeError::Signature),
        }
    }

    /// The bytes that begin such a stream.
    pub fn signature(self) -> &'static [u8; SIGNATURE_LEN] {
        match self {
            Self::Data => &DATA_SIGNATURE,
            Self::Rpc => &RPC_SIGNATURE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_tell_the_kinds_apart() {
        for kind in [StreamKind::Data, StreamKind::Rpc] {
            assert_eq!(StreamKind::of(kind.signature()), Ok(kind));
        }
        assert_eq!(
            StreamKind::of(b"GET / "),
            Err(DecodeError::Signature),
            "an HTTP request is no stream of ours"
        );
    }
}
