//! What each path of the admin endpoint answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tracing::error;

use crate::Readiness;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What an unknown path is told.
const PATHS: &str = "not found; there are /metrics, /ready and /healthz\n";

pub(super) fn router(registry: Arc<Registry>, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(metrics).with_state(registry))
        .route("/ready", get(ready).with_state(Arc::new(readiness)))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, PATHS) })
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    let mut body = String::new();
    if let Err(error) = text::encode(&mut body, &registry) {
        error!(%error, "Cannot encode the metrics");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(CONTENT_TYPE, OPEN_METRICS)], body).into_response()
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    let report = readiness.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    match serde_json::to_string(&report) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body + "\n").into_response(),
        Err(error) => {
            error!(%error, "Cannot encode the state of the checks");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
