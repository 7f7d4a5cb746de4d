//! The metrics registry, and what the process says of itself.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Every metric's name begins with this.
const PREFIX: &str = "tidegate";

/// Makes the registry of a process that starts now. Each engine registers its own metrics in it.
///
/// It holds `tidegate_build_info{version}` and `tidegate_process_start_time_seconds` (since 1970).
pub fn registry(version: &'static str) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register(
        "build",
        "What runs here",
        Info::new(vec![("version", version)]),
    );
    // A clock before 1970 is shown as 1970.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    registry.register_with_unit(
        "process_start_time",
        "When the process started, since 1970 UTC",
        Unit::Seconds,
        ConstGauge::new(now.unwrap_or_default().as_secs_f64()),
    );
    registry
}
