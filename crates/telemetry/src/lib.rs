//! Starts tracing and the metrics registry, and serves /metrics and /ready.
