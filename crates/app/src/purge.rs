//! `POST /hyperdrives/{name}/cache/purge` of the admin endpoint: drops what a hyperdrive's cache
//! keeps.
//!
//! ```text
//! request ─ not from a browser? ─ tables of the query ─ Purge::purge ─ envelope
//! ```
//!
//! The answers have the envelope of Cloudflare's API, version 4. They are described in
//! `docs/configuration.md`.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use domain::{ParseTableNameError, TableName};
use mysql_proxy::Hyperdrives;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tracing::{error, info};

/// Drops what caches keep.
pub(crate) trait Purge: Send + Sync {
    /// Drops what the hyperdrive of this name keeps of these tables; without any, everything. It
    /// returns at once, and no read that begins later is served what was kept.
    fn purge(&self, hyperdrive: &str, tables: &[TableName]) -> Result<(), PurgeError>;
}

/// Why nothing was dropped, or not all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PurgeError {
    #[error("no hyperdrive has this name")]
    UnknownHyperdrive,
    #[error("the cache of this hyperdrive is off; edge.hyperdrives.cache.enabled turns it on")]
    CacheOff,
    /// What was read from the others is dropped all the same.
    #[error("the origin has none of one of these tables, as far as the edge knows")]
    UnknownTable,
}

impl Purge for Hyperdrives {
    fn purge(&self, hyperdrive: &str, tables: &[TableName]) -> Result<(), PurgeError> {
        self.purge(hyperdrive, tables).map_err(|error| match error {
            mysql_proxy::PurgeError::UnknownHyperdrive => PurgeError::UnknownHyperdrive,
            mysql_proxy::PurgeError::CacheOff => PurgeError::CacheOff,
            mysql_proxy::PurgeError::UnknownTable => PurgeError::UnknownTable,
        })
    }
}

/// The routes below `/hyperdrives`.
pub(crate) fn routes(caches: Arc<dyn Purge>) -> Router {
    let hyperdrives = Router::new()
        .route(
            "/{name}/cache/purge",
            post(purge).fallback(|| async { Refusal::Method }),
        )
        .fallback(|| async { Refusal::Path })
        .with_state(caches);
    Router::new().nest("/hyperdrives", hyperdrives)
}

async fn purge(
    State(caches): State<Arc<dyn Purge>>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // Every browser sends it with what is no GET, and no page may change anything: the endpoint
    // asks for no password, and who looks at a page may well reach it.
    if headers.contains_key(ORIGIN) {
        return Err(Refusal::Browser);
    }
    let Path(hyperdrive) = name.map_err(|_| Refusal::Encoding)?;
    let tables = tables(query.as_deref().unwrap_or_default())?;
    caches.purge(&hyperdrive, &tables)?;
    info!(
        hyperdrive,
        tables = names(&tables).map(|names| names.join(", ")),
        "Purged a cache"
    );
    let purged = Purged {
        hyperdrive,
        tables: names(&tables),
    };
    Ok(answer(StatusCode::OK, &Envelope::of(purged)))
}

/// The tables of a query such as `table=shop.orders&table=customers`. A parameter of another name
/// is refused: it may be a `table` that was mistyped, and without one everything is purged.
fn tables(query: &str) -> Result<Vec<TableName>, Refusal> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name != "table" {
                return Err(Refusal::Parameter(name.to_owned()));
            }
            let table = percent_decode_str(value).decode_utf8();
            Ok(table.map_err(|_| Refusal::Encoding)?.parse()?)
        })
        .collect()
}

fn names(tables: &[TableName]) -> Option<Vec<String>> {
    let names = || tables.iter().map(ToString::to_string).collect();
    (!tables.is_empty()).then(names)
}

// === Refusal ===

/// Why a request is refused, as whoever sent it is told.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Table(#[from] ParseTableNameError),
    #[error("`{0}` is no parameter; allowed: table")]
    Parameter(String),
    #[error("the percent-encoding is broken")]
    Encoding,
    #[error("a request with the header Origin comes from a page in a browser, which may not purge")]
    Browser,
    #[error("not found; there is POST /hyperdrives/NAME/cache/purge")]
    Path,
    #[error("only POST purges a cache")]
    Method,
    #[error(transparent)]
    Purge(#[from] PurgeError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Table(_) | Self::Parameter(_) | Self::Encoding => StatusCode::BAD_REQUEST,
            Self::Browser => StatusCode::FORBIDDEN,
            Self::Path | Self::Purge(PurgeError::UnknownHyperdrive | PurgeError::UnknownTable) => {
                StatusCode::NOT_FOUND
            }
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Purge(PurgeError::CacheOff) => StatusCode::CONFLICT,
        }
    }

    /// For programs; never another for the same reason.
    fn code(&self) -> u32 {
        match self {
            Self::Table(_) | Self::Parameter(_) | Self::Encoding => 1000,
            Self::Browser => 1001,
            Self::Path => 1002,
            Self::Purge(PurgeError::UnknownHyperdrive) => 1003,
            Self::Purge(PurgeError::UnknownTable) => 1004,
            Self::Method => 1005,
            Self::Purge(PurgeError::CacheOff) => 1006,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let envelope = Envelope::<Purged> {
            success: false,
            result: None,
            errors: vec![Message {
                code: self.code(),
                message: self.to_string(),
            }],
            messages: Vec::new(),
        };
        answer(self.status(), &envelope)
    }
}

// === Envelope ===

/// The form of every answer.
#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    result: Option<T>,
    errors: Vec<Message>,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Message {
    code: u32,
    message: String,
}

#[derive(Serialize)]
struct Purged {
    hyperdrive: String,
    /// `None`: everything.
    tables: Option<Vec<String>>,
}

impl<T> Envelope<T> {
    fn of(result: T) -> Self {
        Self {
            success: true,
            result: Some(result),
            errors: Vec::new(),
            messages: Vec::new(),
        }
    }
}

fn answer(status: StatusCode, envelope: &impl Serialize) -> Response {
    match serde_json::to_string(envelope) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body + "\n").into_response(),
        Err(error) => {
            error!(%error, "Cannot encode an answer of the admin endpoint");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests;
