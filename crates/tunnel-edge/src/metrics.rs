//! What the edge counts of its tunnels.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Counters and gauges of the tunnel edge; clones count into the same ones.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pub(crate) connections: Gauge,
    pub(crate) registrations: Family<RegistrationLabels, Counter>,
    pub(crate) flows_open: Gauge,
    pub(crate) flows: Family<FlowLabels, Counter>,
    pub(crate) to_connector: Counter,
    pub(crate) from_connector: Counter,
}

/// How a registration ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum RegistrationOutcome {
    Registered,
    WrongSecret,
    UnknownTunnel,
    Malformed,
    Repeated,
    TooManyFailures,
}

/// How the opening of a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum FlowOutcome {
    Opened,
    TunnelDown,
    OriginUnreachable,
    Forbidden,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RegistrationLabels {
    outcome: RegistrationOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FlowLabels {
    outcome: FlowOutcome,
}

impl Metrics {
    /// Registers everything under the prefix `tunnel_edge`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("tunnel_edge");
        registry.register(
            "connections",
            "Connector connections that are registered now",
            metrics.connections.clone(),
        );
        registry.register(
            "registrations",
            "Attempts to register a connection, by how they ended",
            metrics.registrations.clone(),
        );
        registry.register(
            "flows_open",
            "Flows through tunnels that are open now",
            metrics.flows_open.clone(),
        );
        registry.register(
            "flows",
            "Flows that were asked for, by how their opening ended",
            metrics.flows.clone(),
        );
        registry.register_with_unit(
            "to_connector",
            "Bytes of flows sent to connectors",
            Unit::Bytes,
            metrics.to_connector.clone(),
        );
        registry.register_with_unit(
            "from_connector",
            "Bytes of flows received from connectors",
            Unit::Bytes,
            metrics.from_connector.clone(),
        );
        metrics
    }

    pub(crate) fn count_registration(&self, outcome: RegistrationOutcome) {
        self.registrations
            .get_or_create(&RegistrationLabels { outcome })
            .inc();
    }

    pub(crate) fn count_flow(&self, outcome: FlowOutcome) {
        self.flows.get_or_create(&FlowLabels { outcome }).inc();
    }
}
