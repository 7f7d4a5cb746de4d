//! Who may register: checks what a connector presents on its control stream.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use domain::{ExposeSecret, Snapshot};
use subtle::ConstantTimeEq;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{debug, info, warn};
use tunnel_proto::{ConnectionDetails, DecodeError, Registration, RegistrationReply};
use uuid::Uuid;

use crate::Metrics;
use crate::failures::Failures;
use crate::metrics::RegistrationOutcome;
use crate::registry::{CLOSE, Registered, Registry};

/// The same for an unknown tunnel and a wrong secret: a stranger learns nothing. The log and the
/// metrics of the edge tell them apart.
const UNAUTHORIZED: &str = "Unauthorized: this edge knows no tunnel with this account, id and \
                            secret; give the connector the token that the edge prints for it";

const BLOCKED: &str = "Unauthorized: too many failed registrations from this address; wait a \
                       minute after the token is corrected";

const REPEATED: &str = "this connection is registered already";

/// Longest configuration of a connector that is kept, in bytes; it is only shown to people.
const MAX_CONFIGURATION: usize = 64 * 1024;

/// What all connections of an edge share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) failures: Failures,
    pub(crate) metrics: Metrics,
    pub(crate) location: String,
}

/// One connection's control stream: what the RPC calls do, without the RPC.
#[derive(Debug)]
pub(crate) struct Control {
    shared: Arc<Shared>,
    connection: quinn::Connection,
    registered: OnceLock<Arc<Registered>>,
    on_registered: Notify,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>, connection: quinn::Connection) -> Self {
        Self {
            shared,
            connection,
            registered: OnceLock::new(),
            on_registered: Notify::new(),
        }
    }

    /// Waits until the connection is registered. For one waiter.
    pub(crate) async fn registered(&self) -> Arc<Registered> {
        loop {
            if let Some(registered) = self.registered.get() {
                return registered.clone();
            }
            self.on_registered.notified().await;
        }
    }

    /// Takes the connection off the registry, if it is on it.
    pub(crate) fn forget(&self) {
        if let Some(registered) = self.registered.get() {
            self.shared.registry.remove(registered);
        }
    }

    /// Answers `registerConnection`.
    pub(crate) fn register(
        &self,
        presented: Result<Registration, DecodeError>,
    ) -> RegistrationReply {
        let source = self.source();
        let checked = if self.shared.failures.allows(source, Instant::now()) {
            presented
                .map_err(|error| Rejected::Malformed(error.to_string()))
                .and_then(|registration| self.admit(registration))
        } else {
            Err(Rejected::TooManyFailures)
        };
        match checked {
            Ok(details) => {
                self.count(RegistrationOutcome::Registered);
                RegistrationReply::Registered(details)
            }
            Err(rejected) => self.reject(&rejected),
        }
    }

    /// Answers `unregisterConnection`: nothing new comes, what is under way goes on.
    pub(crate) fn unregister(&self) {
        if let Some(registered) = self.registered.get() {
            debug!(tunnel = %registered.tunnel, connector = %registered.connector_id(),
                index = %registered.index, "Connector begins to drain a connection");
            self.shared.registry.start_draining(registered);
        }
    }

    /// The control stream ended: without it a connection can at most finish what it carries.
    pub(crate) fn ended(&self) {
        if self.registered.get().is_some() {
            self.unregister();
        } else {
            self.connection.close(CLOSE, b"not registered");
        }
    }

    /// Takes what `updateLocalConfiguration` tells: the connector's own rules.
    pub(crate) fn configure(&self, configuration: &[u8]) {
        let Some(registered) = self.registered.get() else {
            return;
        };
        let short = configuration.len() <= MAX_CONFIGURATION;
        let Some(text) = std::str::from_utf8(configuration).ok().filter(|_| short) else {
            debug!(connector = %registered.connector_id(), bytes = configuration.len(),
                "Ignored a configuration that is no text or too long");
            return;
        };
        info!(tunnel = %registered.tunnel, connector = %registered.connector_id(),
            configuration = text, "Connector told its configuration");
        self.shared.registry.configured(registered, text.into());
    }

    fn admit(&self, presented: Registration) -> Result<ConnectionDetails, Rejected> {
        check(&self.shared.snapshots.borrow(), &presented)?;
        let registered = Arc::new(Registered::new(
            presented.tunnel,
            presented.connector,
            presented.index,
            self.connection.clone(),
        ));
        self.registered
            .set(registered.clone())
            .map_err(|_| Rejected::Repeated)?;
        let tunnel = registered.tunnel;
        let still_there = || self.shared.snapshots.borrow().tunnel(tunnel).is_some();
        if !self.shared.registry.add(registered.clone(), still_there) {
            return Err(Rejected::UnknownTunnel);
        }
        info!(%tunnel, connector = %registered.connector_id(), index = %registered.index,
            remote = %registered.remote(), version = registered.connector.version,
            "Connector registered a connection");
        self.on_registered.notify_one();
        Ok(ConnectionDetails {
            id: Uuid::new_v4(),
            location: self.shared.location.clone(),
            remotely_managed: false,
        })
    }

    fn reject(&self, rejected: &Rejected) -> RegistrationReply {
        let source = self.source();
        warn!(%source, reason = %rejected, "Refused to register a connector");
        if !matches!(rejected, Rejected::TooManyFailures | Rejected::Repeated) {
            self.shared.failures.count(source, Instant::now());
        }
        self.count(rejected.outcome());
        RegistrationReply::Refused(match rejected {
            Rejected::WrongSecret | Rejected::UnknownTunnel => UNAUTHORIZED.to_owned(),
            Rejected::TooManyFailures => BLOCKED.to_owned(),
            Rejected::Repeated => REPEATED.to_owned(),
            Rejected::Malformed(reason) => reason.clone(),
        })
    }

    fn source(&self) -> IpAddr {
        self.connection.remote_address().ip()
    }

    fn count(&self, outcome: RegistrationOutcome) {
        self.shared.metrics.count_registration(outcome);
    }
}

/// Why a registration was refused.
#[derive(Debug, thiserror::Error)]
enum Rejected {
    #[error("no such tunnel")]
    UnknownTunnel,
    #[error("wrong account or secret for the tunnel")]
    WrongSecret,
    #[error("too many failures from this source")]
    TooManyFailures,
    #[error("the connection is registered already")]
    Repeated,
    #[error("{0}")]
    Malformed(String),
}

impl Rejected {
    fn outcome(&self) -> RegistrationOutcome {
        match self {
            Self::UnknownTunnel => RegistrationOutcome::UnknownTunnel,
            Self::WrongSecret => RegistrationOutcome::WrongSecret,
            Self::TooManyFailures => RegistrationOutcome::TooManyFailures,
            Self::Repeated => RegistrationOutcome::Repeated,
            Self::Malformed(_) => RegistrationOutcome::Malformed,
        }
    }
}

/// Whether the tunnel exists and the secret is its own, in a time that does not tell how much of
/// the secret was right.
fn check(snapshot: &Snapshot, presented: &Registration) -> Result<(), Rejected> {
    let tunnel = snapshot
        .tunnel(presented.tunnel)
        .ok_or(Rejected::UnknownTunnel)?;
    let known = tunnel.secret.expose_secret();
    let same_secret = known.ct_eq(presented.secret.expose_secret());
    let same_account = tunnel
        .account
        .0
        .as_bytes()
        .ct_eq(presented.account.0.as_bytes());
    if bool::from(same_secret & same_account) {
        Ok(())
    } else {
        Err(Rejected::WrongSecret)
    }
}
