//! The two messages of a data stream: what the edge asks for, and what the connector answers.
//!
//! ```text
//! signature (6) │ version "01" (2) │ u32 segments - 1 │ u32 words of each │ pad to 8 │ segments
//! ```
//! The frame is Cap'n Proto's, not packed: <https://capnproto.org/encoding.html#serialization-over-a-stream>.
//! The flow's bytes follow at once.

mod frame;

use capnp::message::ReaderOptions;
use capnp::struct_list;

use crate::quic_metadata_capnp as wire;
use crate::{DecodeError, StreamKind};

/// Longest request or response, in bytes. The headers of an HTTP answer live in one; 64 KiB is four
/// times what servers allow for them.
pub const MAX_CONNECT_MESSAGE: usize = 64 * 1024;

/// Most key-value pairs in a message: each header is one.
const MAX_METADATA: u32 = 512;

/// The version that both messages carry. Read, and not checked, as cloudflared does.
const VERSION: [u8; 2] = *b"01";

const REFUSAL_KEY: &str = "TidegateRefusal";
const REFUSAL_FORBIDDEN: &str = "forbidden";

/// What kind of flow is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionType {
    /// One HTTP request; its headers are metadata.
    Http,
    /// An HTTP request that becomes a websocket.
    Websocket,
    /// Raw bytes to a TCP destination.
    Tcp,
}

/// One key-value pair beside a request or response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// `HttpHost`, `FlowID`, `HttpHeader:<name>`, …
    pub key: String,
    /// Anything.
    pub value: String,
}

/// What the edge asks of a connector when it opens a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// `ip:port` for TCP (`host:port` where [`DIAL_BY_NAME`](crate::feature::DIAL_BY_NAME) is
    /// announced), a URL for HTTP.
    pub destination: String,
    /// What kind of flow.
    pub kind: ConnectionType,
    /// More about it.
    pub metadata: Vec<Metadata>,
}

/// What the connector answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectResponse {
    /// Empty: the flow is open. Otherwise a sentence for people.
    pub error: String,
    /// More about it.
    pub metadata: Vec<Metadata>,
}

/// Why a connector did not open a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No rule of the connector names the destination. Only connectors of ours say so.
    Forbidden(String),
    /// The destination could not be reached, or the connector does not serve such flows.
    Failed(String),
}

impl ConnectRequest {
    /// A flow of raw bytes to `destination`.
    pub fn tcp(destination: impl Into<String>) -> Self {
        Self {
            destination: destination.into(),
            kind: ConnectionType::Tcp,
            metadata: Vec::new(),
        }
    }

    /// The bytes that open the stream, signature and version first. They must leave in one write:
    /// cloudflared reads the version in a single read.
    pub fn encode(&self) -> Vec<u8> {
        frame::encode(|message| {
            let mut request = message.init_root::<wire::connect_request::Builder<'_>>();
            request.set_dest(self.destination.as_str());
            request.set_type(self.kind.into());
            write_metadata(&self.metadata, |count| request.init_metadata(count));
        })
    }

    /// Reads a request from the bytes that follow the signature. `None`: not all of it is there
    /// yet. Otherwise the message, and how many bytes it took; what follows belongs to the flow.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((message, length)) = frame::decode(bytes)? else {
            return Ok(None);
        };
        let request = message.get_root::<wire::connect_request::Reader<'_>>();
        let request = request.map_err(|error| DecodeError::malformed("request", &error))?;
        let decoded = Self {
            destination: text(request.get_dest(), "destination")?,
            kind: request
                .get_type()
                .map_err(|error| DecodeError::malformed("connection type", &error))?
                .into(),
            metadata: read_metadata(request.get_metadata())?,
        };
        Ok(Some((decoded, length)))
    }
}

impl ConnectResponse {
    /// The flow is open.
    pub fn accepted() -> Self {
        Self::default()
    }

    /// The bytes that answer on the stream, signature and version first.
    pub fn encode(&self) -> Vec<u8> {
        frame::encode(|message| {
            let mut response = message.init_root::<wire::connect_response::Builder<'_>>();
            response.set_error(self.error.as_str());
            write_metadata(&self.metadata, |count| response.init_metadata(count));
        })
    }

    /// Reads a response from the beginning of the stream's answer, signature first. `None`: not all
    /// of it is there yet. Otherwise the message, and how many bytes it took with its signature.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((signature, rest)) = bytes.split_first_chunk() else {
            return Ok(None);
        };
        if StreamKind::of(signature)? != StreamKind::Data {
            return Err(DecodeError::Signature);
        }
        let Some((message, length)) = frame::decode(rest)? else {
            return Ok(None);
        };
        let response = message.get_root::<wire::connect_response::Reader<'_>>();
        let response = response.map_err(|error| DecodeError::malformed("response", &error))?;
        let decoded = Self {
            error: text(response.get_error(), "error")?,
            metadata: read_metadata(response.get_metadata())?,
        };
        Ok(Some((decoded, length.saturating_add(signature.len()))))
    }

    /// Whether the flow is open.
    pub fn into_result(self) -> Result<(), Refusal> {
        if self.error.is_empty() {
            return Ok(());
        }
        let forbidden = self
            .metadata
            .iter()
            .any(|pair| pair.key == REFUSAL_KEY && pair.value == REFUSAL_FORBIDDEN);
        Err(if forbidden {
            Refusal::Forbidden(self.error)
        } else {
            Refusal::Failed(self.error)
        })
    }
}

impl From<Refusal> for ConnectResponse {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Forbidden(error) => Self {
                error,
                metadata: vec![Metadata {
                    key: REFUSAL_KEY.to_owned(),
                    value: REFUSAL_FORBIDDEN.to_owned(),
                }],
            },
            Refusal::Failed(error) => Self {
                error,
                metadata: Vec::new(),
            },
        }
    }
}

impl From<ConnectionType> for wire::ConnectionType {
    fn from(kind: ConnectionType) -> Self {
        match kind {
            ConnectionType::Http => Self::Http,
            ConnectionType::Websocket => Self::Websocket,
            ConnectionType::Tcp => Self::Tcp,
        }
    }
}

impl From<wire::ConnectionType> for ConnectionType {
    fn from(kind: wire::ConnectionType) -> Self {
        match kind {
            wire::ConnectionType::Http => Self::Http,
            wire::ConnectionType::Websocket => Self::Websocket,
            wire::ConnectionType::Tcp => Self::Tcp,
        }
    }
}

fn write_metadata<'a>(
    metadata: &[Metadata],
    init: impl FnOnce(u32) -> struct_list::Builder<'a, wire::metadata::Owned>,
) {
    let count = u32::try_from(metadata.len()).unwrap_or(u32::MAX);
    let mut list = init(count.min(MAX_METADATA));
    for (index, pair) in (0..list.len()).zip(metadata) {
        let mut entry = list.reborrow().get(index);
        entry.set_key(pair.key.as_str());
        entry.set_val(pair.value.as_str());
    }
}

fn read_metadata(
    list: capnp::Result<struct_list::Reader<'_, wire::metadata::Owned>>,
) -> Result<Vec<Metadata>, DecodeError> {
    let list = list.map_err(|error| DecodeError::malformed("metadata", &error))?;
    if list.len() > MAX_METADATA {
        return Err(DecodeError::malformed(
            "metadata",
            &format_args!("{} pairs, at most {MAX_METADATA} are read", list.len()),
        ));
    }
    list.iter()
        .map(|pair| {
            Ok(Metadata {
                key: text(pair.get_key(), "metadata key")?,
                value: text(pair.get_val(), "metadata value")?,
            })
        })
        .collect()
}

fn text(
    field: capnp::Result<capnp::text::Reader<'_>>,
    what: &'static str,
) -> Result<String, DecodeError> {
    let field = field.map_err(|error| DecodeError::malformed(what, &error))?;
    field
        .to_string()
        .map_err(|error| DecodeError::malformed(what, &error))
}

fn reader_options() -> ReaderOptions {
    let mut options = ReaderOptions::new();
    // In words. Pointers that overlap count again each time, so a short message cannot be read as
    // a long one.
    options.traversal_limit_in_words(Some(MAX_CONNECT_MESSAGE / 8));
    options
}

#[cfg(test)]
mod tests;
