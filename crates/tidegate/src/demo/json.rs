//! The report as programs read it: one object on one line.

use domain::ExposeSecret;
use serde_json::{Value, json};

use super::render::milliseconds;
use super::report::{Hop, Report};

/// The object. Its `connection_string` holds the local password, as the text for people does.
pub(super) fn report(report: &Report) -> Value {
    // To the microsecond.
    let milliseconds =
        |time: Option<_>| time.map(|time| (milliseconds(time) * 1000.0).round() / 1000.0);
    let connection_string = report.connection_string.as_ref();
    json!({
        "ready": report.is_ready(),
        "connection_string": connection_string.map(ExposeSecret::expose_secret),
        "path": report.path.iter().map(hop).collect::<Vec<_>>(),
        "timings_ms": {
            "direct": milliseconds(report.timings.direct),
            "cold": milliseconds(report.timings.cold),
            "pooled": milliseconds(report.timings.pooled),
        },
        "origin": {
            "kind": report.origin.kind,
            "version": report.origin.version,
        },
        "admin": report.admin,
    })
}

fn hop(hop: &Hop) -> Value {
    json!({
        "name": hop.name,
        "state": hop.state.name(),
        "detail": hop.detail,
        "remedy": hop.remedy,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demo::report::{OriginSummary, State, Timings};

    #[test]
    fn an_object_of_one_line() {
        let object = report(&Report {
            path: vec![Hop {
                name: "edge",
                state: State::Failed,
                detail: "a\nb".to_owned(),
                remedy: Some("do it".to_owned()),
            }],
            timings: Timings {
                direct: Some(Duration::from_micros(1500)),
                ..Timings::default()
            },
            origin: OriginSummary {
                kind: "sqlite",
                version: None,
            },
            connection_string: None,
            command: None,
            admin: None,
        });
        assert!(!object.to_string().contains('\n'));
        assert_eq!(object["ready"], false);
        assert_eq!(object["path"][0]["state"], "failed");
        assert_eq!(object["timings_ms"]["direct"], 1.5);
        assert_eq!(object["timings_ms"]["pooled"], Value::Null);
        assert_eq!(object["origin"]["kind"], "sqlite");
    }
}
