//! Registration: what a connector presents and what the edge answers, between the RPC's own types
//! and ours.

use domain::{AccountTag, ConnIndex, ConnectorId, ExposeSecret, SecretSlice, TunnelId};
use uuid::Uuid;

use crate::DecodeError;
use crate::credentials::MAX_SECRET;
use crate::tunnelrpc_capnp::{
    client_info, connection_details, connection_error, connection_response, registration_server,
};

/// Longest text that a connector may present, in bytes: an account, a version, a feature.
const MAX_TEXT: usize = 256;

/// Most features of a connector; cloudflared announces about six.
const MAX_FEATURES: u32 = 64;

/// Nanoseconds that a refused connector is asked to wait. cloudflared reads and ignores it.
const RETRY_AFTER: i64 = 10_000_000_000;

/// What a connector presents to register one of its connections.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The account of the credentials.
    pub account: AccountTag,
    /// The proof.
    pub secret: SecretSlice<u8>,
    /// The tunnel.
    pub tunnel: TunnelId,
    /// Which of the connector's connections this is.
    pub index: ConnIndex,
    /// Who registers.
    pub connector: ConnectorInfo,
    /// Failed attempts since this connection was last registered.
    pub previous_attempts: u8,
}

/// A connector, as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorInfo {
    /// Chosen by the process when it started.
    pub id: ConnectorId,
    /// What it can do: see [`feature`](crate::feature).
    pub features: Vec<String>,
    /// Its release, as `2026.8.2`.
    pub version: String,
    /// Its platform, as `linux_amd64`.
    pub arch: String,
}

/// What the edge answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationReply {
    /// The connection is registered, and flows may come.
    Registered(ConnectionDetails),
    /// It is not, for this reason. `Unauthorized: …` means that trying again will not help.
    Refused(String),
}

/// A registered connection, as the edge describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionDetails {
    /// The connection, for logs on both sides.
    pub id: Uuid,
    /// A short name of the edge.
    pub location: String,
    /// Whether the edge will push the ingress rules. If not, the connector tells the edge its own.
    pub remotely_managed: bool,
}

impl ConnectorInfo {
    /// Whether it announced `feature`.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|announced| announced == feature)
    }

    fn read(client: client_info::Reader<'_>) -> Result<Self, DecodeError> {
        let list = field("features", client.get_features())?;
        if list.len() > MAX_FEATURES {
            return Err(DecodeError::malformed(
                "features",
                &format_args!("{} of them, at most {MAX_FEATURES} are read", list.len()),
            ));
        }
        Ok(Self {
            id: ConnectorId(uuid("connector id", client.get_client_id())?),
            features: list
                .iter()
                .map(|feature| text("feature", feature))
                .collect::<Result<_, _>>()?,
            version: text("version", client.get_version())?,
            arch: text("platform", client.get_arch())?,
        })
    }

    fn write(&self, mut client: client_info::Builder<'_>) {
        client.set_client_id(self.id.0.as_bytes());
        client.set_version(self.version.as_str());
        client.set_arch(self.arch.as_str());
        let count = u32::try_from(self.features.len()).unwrap_or(u32::MAX);
        let mut list = client.init_features(count.min(MAX_FEATURES));
        for (index, feature) in (0..list.len()).zip(&self.features) {
            list.set(index, feature.as_str());
        }
    }
}

impl Registration {
    /// Reads the parameters of `registerConnection`.
    pub fn read(
        params: registration_server::register_connection_params::Reader<'_>,
    ) -> Result<Self, DecodeError> {
        let auth = field("auth", params.get_auth())?;
        let options = field("options", params.get_options())?;
        let secret = field("secret", auth.get_tunnel_secret())?;
        if secret.len() > MAX_SECRET {
            return Err(DecodeError::TooLong(secret.len()));
        }
        Ok(Self {
            account: AccountTag(text("account", auth.get_account_tag())?),
            secret: secret.to_vec().into(),
            tunnel: TunnelId(uuid("tunnel id", params.get_tunnel_id())?),
            index: ConnIndex(params.get_conn_index()),
            connector: ConnectorInfo::read(field("client", options.get_client())?)?,
            previous_attempts: options.get_num_previous_attempts(),
        })
    }

    /// Writes the parameters of `registerConnection`.
    pub fn write(&self, mut params: registration_server::register_connection_params::Builder<'_>) {
        params.set_tunnel_id(self.tunnel.0.as_bytes());
        params.set_conn_index(self.index.0);
        let mut auth = params.reborrow().init_auth();
        auth.set_account_tag(self.account.0.as_str());
        auth.set_tunnel_secret(self.secret.expose_secret());
        let mut options = params.init_options();
        options.set_num_previous_attempts(self.previous_attempts);
        self.connector.write(options.init_client());
    }
}

impl RegistrationReply {
    /// Reads the result of `registerConnection`.
    pub fn read(response: connection_response::Reader<'_>) -> Result<Self, DecodeError> {
        use connection_response::result::Which;
        let which = response.get_result().which();
        match which.map_err(|error| DecodeError::malformed("reply", &error))? {
            Which::Error(error) => {
                let cause = field("error", error)?.get_cause();
                Ok(Self::Refused(long_text("cause", cause)?))
            }
            Which::ConnectionDetails(details) => {
                let details = field("details", details)?;
                Ok(Self::Registered(ConnectionDetails {
                    id: uuid("connection id", details.get_uuid())?,
                    location: text("location", details.get_location_name())?,
                    remotely_managed: details.get_tunnel_is_remotely_managed(),
                }))
            }
        }
    }

    /// Writes the result of `registerConnection`.
    pub fn write(&self, response: connection_response::Builder<'_>) {
        let result = response.init_result();
        match self {
            Self::Registered(details) => write_details(details, result.init_connection_details()),
            Self::Refused(cause) => write_error(cause, result.init_error()),
        }
    }
}

fn write_details(details: &ConnectionDetails, mut wire: connection_details::Builder<'_>) {
    wire.set_uuid(details.id.as_bytes());
    wire.set_location_name(details.location.as_str());
    wire.set_tunnel_is_remotely_managed(details.remotely_managed);
}

fn write_error(cause: &str, mut wire: connection_error::Builder<'_>) {
    wire.set_cause(cause);
    wire.set_should_retry(true);
    wire.set_retry_after(RETRY_AFTER);
}

fn field<T>(what: &'static str, value: capnp::Result<T>) -> Result<T, DecodeError> {
    value.map_err(|error| DecodeError::malformed(what, &error))
}

fn text(
    what: &'static str,
    value: capnp::Result<capnp::text::Reader<'_>>,
) -> Result<String, DecodeError> {
    let value = field(what, value)?;
    if value.len() > MAX_TEXT {
        return Err(DecodeError::TooLong(value.len()));
    }
    value
        .to_string()
        .map_err(|error| DecodeError::malformed(what, &error))
}

/// Text for people, cut where it gets too long.
fn long_text(
    what: &'static str,
    value: capnp::Result<capnp::text::Reader<'_>>,
) -> Result<String, DecodeError> {
    let bytes = field(what, value)?.as_bytes();
    let short = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    Ok(String::from_utf8_lossy(short).into_owned())
}

fn uuid(what: &'static str, value: capnp::Result<&[u8]>) -> Result<Uuid, DecodeError> {
    Uuid::from_slice(field(what, value)?).map_err(|error| DecodeError::malformed(what, &error))
}

#[cfg(test)]
mod tests;
