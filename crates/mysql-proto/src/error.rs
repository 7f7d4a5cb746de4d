//! What can be wrong with the bytes of a peer.

/// A packet does not say what its place requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The packet ends before its last field does.
    #[error("packet ends too early")]
    Truncated,
    /// A length-encoded integer begins with a byte that begins none.
    #[error("length-encoded integer begins with {0:#04x}")]
    BadInteger(u8),
    /// The logical packet is longer than its reader allows.
    #[error("packet of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The length of what has been announced so far, in bytes.
        length: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The first byte of the packet is not the one of its kind.
    #[error("packet begins with {0:#04x}")]
    UnexpectedHeader(u8),
    /// A greeting of a protocol version other than 10, which MySQL has spoken since 3.21.
    #[error("protocol version {0} is not supported")]
    UnsupportedVersion(u8),
    /// The peer does not speak the protocol of MySQL 4.1 and later.
    #[error("peer speaks the protocol of before MySQL 4.1")]
    OldProtocol,
}

/// A handshake cannot go on. The connection is of no use after it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// A packet could not be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A packet that has no place here; its first byte.
    #[error("unexpected packet that begins with {0:#04x}")]
    UnexpectedPacket(u8),
    /// The client asks for TLS, which the greeting did not offer.
    #[error("client asks for TLS, which was not offered")]
    TlsNotOffered,
    /// We ask for TLS, and the server has none.
    #[error("server offers no TLS")]
    TlsUnavailable,
    /// The server does not offer what the configuration needs, for example a database at login.
    #[error("server lacks the capability {0}")]
    MissingCapability(&'static str),
    /// The server wants the password in clear text over a connection that is not encrypted.
    #[error("server asks for the password in clear text, and the connection has no TLS")]
    ClearPasswordWithoutTls,
    /// The server has not cached the password's digest, and wants the password: that needs TLS, or
    /// a private transport and the server's RSA key.
    #[error("server asks for full authentication, which needs TLS or a private transport")]
    FullAuthWithoutTls,
    /// The server wants the password digest of before MySQL 4.1, which can be reversed.
    #[error("server asks for the insecure password of before MySQL 4.1")]
    OldPassword,
    /// The server wants an authentication plugin that is not known here.
    #[error("server asks for the unknown authentication plugin {0:?}")]
    UnknownPlugin(String),
    /// The server's public key is not text in PEM form.
    #[error("public key of the server is not in PEM form")]
    BadPublicKey,
    /// The caller called a function of the handshake that has no meaning in its present state.
    #[error("handshake step out of order")]
    OutOfOrder,
}

/// The bytes of a response do not follow the protocol, or cannot be followed: where the response
/// ends is not known, so the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The response to this command cannot be followed.
    #[error("response to {0} cannot be followed")]
    UnsupportedCommand(&'static str),
    /// These capabilities change the form of responses in a way that cannot be followed.
    #[error("responses with the capabilities {0:?} cannot be followed")]
    UnsupportedCapabilities(crate::Capabilities),
    /// A packet that must have a payload has none.
    #[error("empty packet within a response")]
    EmptyPacket,
    /// A packet that has no place here; its first byte.
    #[error("unexpected packet that begins with {0:#04x} within a response")]
    UnexpectedPacket(u8),
    /// A packet is shorter than its fields, or longer.
    #[error("malformed packet within a response: {0}")]
    Malformed(#[from] DecodeError),
}
