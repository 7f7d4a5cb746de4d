//! What a connector counts.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::error::FailureKind;

/// Counters and gauges of a connector; clones count into the same ones.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pub(crate) connections: Gauge,
    pub(crate) registrations: Counter,
    pub(crate) failures: Family<FailureLabels, Counter>,
    pub(crate) flows_open: Gauge,
    pub(crate) flows: Family<FlowLabels, Counter>,
    pub(crate) to_origin: Counter,
    pub(crate) from_origin: Counter,
}

/// How the opening of a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum FlowOutcome {
    Opened,
    Forbidden,
    Unsupported,
    OriginUnreachable,
    Malformed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FailureLabels {
    reason: FailureKind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FlowLabels {
    outcome: FlowOutcome,
}

impl Metrics {
    /// Registers everything under the prefix `tunnel_connector`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("tunnel_connector");
        registry.register(
            "connections",
            "Connections to edges that are registered now",
            metrics.connections.clone(),
        );
        registry.register(
            "registrations",
            "Connections that were registered, the first time or again",
            metrics.registrations.clone(),
        );
        registry.register(
            "failures",
            "Attempts to connect or register that failed, by reason",
            metrics.failures.clone(),
        );
        registry.register(
            "flows_open",
            "Flows to origins that are open now",
            metrics.flows_open.clone(),
        );
        registry.register(
            "flows",
            "Flows that an edge asked for, by how their opening ended",
            metrics.flows.clone(),
        );
        registry.register_with_unit(
            "to_origin",
            "Bytes of flows sent to origins",
            Unit::Bytes,
            metrics.to_origin.clone(),
        );
        registry.register_with_unit(
            "from_origin",
            "Bytes of flows received from origins",
            Unit::Bytes,
            metrics.from_origin.clone(),
        );
        metrics
    }

    pub(crate) fn count_failure(&self, reason: FailureKind) {
        self.failures.get_or_create(&FailureLabels { reason }).inc();
    }

    pub(crate) fn count_flow(&self, outcome: FlowOutcome) {
        self.flows.get_or_create(&FlowLabels { outcome }).inc();
    }
}
