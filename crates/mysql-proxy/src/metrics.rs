//! What the front end counts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mysql_sql::StatementKind;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::cache;
use crate::registry::TRANSACTION;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfHyperdrive {
    hyperdrive: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStatement {
    hyperdrive: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPin {
    hyperdrive: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfError {
    code: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Kind {
    Read,
    Write,
    Define,
    Transaction,
    Other,
}

/// The families of the front end, registered once. The pool's own are in `conn-pool`.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) sessions: Gauge,
    pub(crate) logins: Counter,
    errors: Family<OfError, Counter>,
    statements: Family<OfStatement, Counter>,
    commands: Family<OfHyperdrive, Counter>,
    pins: Family<OfPin, Counter>,
    origin_losses: Family<OfHyperdrive, Counter>,
    pub(crate) pools: conn_pool::Metrics,
    pub(crate) caches: cache::Metrics,
}

/// The figures of one hyperdrive.
#[derive(Clone, Debug)]
pub(crate) struct HyperdriveMetrics {
    statements: [Counter; 5],
    /// Commands other than `COM_QUERY`.
    pub(crate) commands: Counter,
    pub(crate) origin_losses: Counter,
    /// Pins by an open transaction, which are as frequent as transactions.
    pub(crate) transactions: Counter,
    /// By reason: those that there have been.
    pins: Arc<Mutex<BTreeMap<&'static str, Counter>>>,
    hyperdrive: String,
    families: Family<OfPin, Counter>,
}

impl Metrics {
    /// Registers the families.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            sessions: Gauge::default(),
            logins: Counter::default(),
            errors: Family::default(),
            statements: Family::default(),
            commands: Family::default(),
            pins: Family::default(),
            origin_losses: Family::default(),
            pools: conn_pool::Metrics::register(registry),
            caches: cache::Metrics::register(registry),
        };
        let mysql = registry.sub_registry_with_prefix("mysql");
        mysql.register("sessions", "Clients connected", metrics.sessions.clone());
        mysql.register("logins", "Logins that succeeded", metrics.logins.clone());
        mysql.register(
            "errors",
            "Errors that the edge itself sent, by MySQL error code",
            metrics.errors.clone(),
        );
        mysql.register(
            "statements",
            "Statements sent to the origin as text, by kind",
            metrics.statements.clone(),
        );
        mysql.register(
            "commands",
            "Other commands sent to the origin",
            metrics.commands.clone(),
        );
        mysql.register(
            "pins",
            "Times that a session kept a lease beyond a transaction, by reason",
            metrics.pins.clone(),
        );
        mysql.register(
            "origin_losses",
            "Origin connections lost with a command on them",
            metrics.origin_losses.clone(),
        );
        metrics
    }

    /// Counts an error that the edge itself sent.
    pub(crate) fn error(&self, code: u16) {
        self.errors.get_or_create(&OfError { code }).inc();
    }

    /// The figures of one hyperdrive.
    pub(crate) fn of(&self, hyperdrive: &str) -> HyperdriveMetrics {
        let counter = |kind| {
            let labels = OfStatement {
                hyperdrive: hyperdrive.to_owned(),
                kind,
            };
            self.statements.get_or_create(&labels).clone()
        };
        let labels = OfHyperdrive {
            hyperdrive: hyperdrive.to_owned(),
        };
        let transactions = OfPin {
            hyperdrive: hyperdrive.to_owned(),
            reason: TRANSACTION,
        };
        HyperdriveMetrics {
            transactions: self.pins.get_or_create(&transactions).clone(),
            statements: [
                counter(Kind::Read),
                counter(Kind::Write),
                counter(Kind::Define),
                counter(Kind::Transaction),
                counter(Kind::Other),
            ],
            commands: self.commands.get_or_create(&labels).clone(),
            origin_losses: self.origin_losses.get_or_create(&labels).clone(),
            pins: Arc::default(),
            hyperdrive: hyperdrive.to_owned(),
            families: self.pins.clone(),
        }
    }
}

impl HyperdriveMetrics {
    /// Counts a statement.
    pub(crate) fn statement(&self, kind: StatementKind) {
        let [read, write, define, transaction, other] = &self.statements;
        match kind {
            StatementKind::Read | StatementKind::Show => read,
            StatementKind::Write => write,
            StatementKind::Define => define,
            StatementKind::Transaction => transaction,
            StatementKind::Other => other,
        }
        .inc();
    }

    /// Counts a pin.
    pub(crate) fn pin(&self, reason: &'static str) {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        pins.entry(reason)
            .or_insert_with(|| self.family(reason))
            .inc();
    }

    /// How many pins there have been since the edge started, by reason.
    pub(crate) fn pins(&self) -> Vec<(&'static str, u64)> {
        let pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        let of_statements = pins.iter().map(|(reason, count)| (*reason, count.get()));
        let transactions = self.transactions.get();
        of_statements
            .chain((transactions > 0).then_some((TRANSACTION, transactions)))
            .collect()
    }

    fn family(&self, reason: &'static str) -> Counter {
        let labels = OfPin {
            hyperdrive: self.hyperdrive.clone(),
            reason,
        };
        self.families.get_or_create(&labels).clone()
    }
}
