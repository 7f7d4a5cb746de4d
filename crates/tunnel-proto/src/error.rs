//! Why bytes are not what they should be.

/// Why a peer's bytes are not a message of this wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first bytes of a stream are no signature that is known here.
    #[error("the stream begins with no signature of a data or RPC stream")]
    Signature,
    /// A message says that it is longer than is allowed.
    #[error("a message of {0} bytes or more is over the limit")]
    TooLong(usize),
    /// A message is not Cap'n Proto, or a field is not what it should be.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// The message or field.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl DecodeError {
    pub(crate) fn malformed(what: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self::Malformed {
            what,
            reason: reason.to_string(),
        }
    }
}

/// Why a token or a credentials file cannot be used. Never repeats any of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A token is not base64.
    #[error("the token is not base64; copy it whole, without spaces or quotes")]
    NotBase64,
    /// Not the JSON object that it should be.
    #[error("not tunnel credentials: {category} at line {line} column {column} of the JSON")]
    Json {
        /// `syntax error`, `wrong or missing field` or `unexpected end`.
        category: &'static str,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// The tunnel's id is not a UUID.
    #[error("the tunnel id in the credentials is not a UUID")]
    TunnelId,
    /// The secret is not base64, empty, or longer than [`Credentials`](crate::Credentials) allow.
    #[error("the tunnel secret in the credentials is not base64 of 1 to 1024 bytes")]
    Secret,
}

impl From<serde_json::Error> for CredentialsError {
    fn from(error: serde_json::Error) -> Self {
        // The error's own text may quote a value, and the secret is one of them.
        let category = match error.classify() {
            serde_json::error::Category::Data => "wrong or missing field",
            serde_json::error::Category::Eof => "unexpected end",
            _ => "syntax error",
        };
        Self::Json {
            category,
            line: error.line(),
            column: error.column(),
        }
    }
}
