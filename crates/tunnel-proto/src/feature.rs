//! Feature strings that a connector announces when it registers. Unknown ones are ignored on both
//! sides, so a private one is how two ends of ours agree on more than cloudflared can.

/// The connector accepts configuration pushed by the edge.
pub const ALLOW_REMOTE_CONFIG: &str = "allow_remote_config";
/// The connector understands the serialized form of HTTP headers.
pub const SERIALIZED_HEADERS: &str = "serialized_headers";
/// UDP sessions over datagrams, second version.
pub const DATAGRAM_V2: &str = "support_datagram_v2";
/// The connector ends a QUIC stream by FIN.
pub const QUIC_EOF: &str = "support_quic_eof";
/// The connector serves its log over the management service.
pub const MANAGEMENT_LOGS: &str = "management_logs";
/// The connector offered post-quantum key exchange only.
pub const POST_QUANTUM: &str = "postquantum";

/// Ours: the end of one direction of a flow is passed on, and the other direction goes on. Towards
/// a connector without it, the edge must keep an end to itself until the other direction ended:
/// cloudflared tears the whole flow down when either direction ends.
pub const HALF_CLOSE: &str = "tidegate_half_close";
/// Ours: a destination may be `host:port` by name, resolved where the connector is. cloudflared
/// takes a literal `ip:port` only.
pub const DIAL_BY_NAME: &str = "tidegate_dial_by_name";
