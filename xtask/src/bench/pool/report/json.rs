//! One JSON object, for machines.

use serde_json::{Value, json};

use super::Report;
use crate::bench::numbers::{rounded, versions_json};
use crate::bench::pool::comparison::Comparison;
use crate::bench::pool::crowd::{self, CLIENTS, Crowd};
use crate::bench::pool::storm::Storm;
use crate::bench::rounds::{Measured, Sample};
use crate::bench::sysbench::ROWS;
use crate::bench::tidegate::{POOL_MAX, THREADS};
use crate::bench::verdict::Verdict;

/// The whole report.
pub(super) fn of(report: &Report<'_>, verdicts: &[Verdict]) -> Value {
    let findings = &report.findings;
    json!({
        "benchmark": "pool",
        "versions": versions_json(&report.programs.versions),
        "seconds": report.options.seconds,
        "rounds": report.options.rounds,
        "rows": ROWS,
        "threads": THREADS,
        "pool_max": POOL_MAX,
        "comparisons": findings.comparisons.iter().map(comparison).collect::<Vec<_>>(),
        "crowd": findings.crowd.as_ref().map(crowd_json),
        "storm": findings.storm.as_ref().map(storm),
        "idle": findings.idle.as_ref().map(|idle| json!({
            "clients": idle.clients,
            "memory_kib_before": idle.before,
            "memory_kib": idle.with_clients,
            "kib_per_client": rounded(idle.each()),
        })),
        "targets": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
        "skipped": findings.skipped,
    })
}

fn comparison(comparison: &Comparison) -> Value {
    json!({
        "database": comparison.database,
        "statements": comparison.statements.name(),
        "clients": comparison.clients,
        "ways": comparison.ways.iter().map(way).collect::<Vec<_>>(),
    })
}

fn way(way: &Measured) -> Value {
    let proxy = way.first_hop().map(|[user, system, total]| {
        json!({ "user": rounded(user), "system": rounded(system), "total": rounded(total) })
    });
    json!({
        "name": way.leg,
        "queries_per_second": rounded(way.median(Sample::queries_per_second)),
        "latency_ms": {
            "p50": way.median(|sample| sample.outcome.p50),
            "p95": way.median(|sample| sample.outcome.p95),
            "p99": way.median(|sample| sample.outcome.p99),
        },
        "proxy_cpu_us_per_query": proxy,
        "database_cpu_us_per_query": rounded(way.database()),
    })
}

fn crowd_json(crowd: &Crowd) -> Value {
    let ways = |ways: &[Measured]| {
        let each = ways.iter().map(|measured| {
            let mut value = way(measured);
            if let Some(fields) = value.as_object_mut() {
                let spread = rounded(measured.median(crowd::spread));
                fields.insert("p99_by_p50".to_owned(), json!(spread));
            }
            value
        });
        each.collect::<Vec<_>>()
    };
    json!({
        "clients": CLIENTS,
        "full_load": ways(&crowd.full),
        "half_load": ways(&crowd.half),
        "half_load_queries_per_second": crowd.half_rate,
    })
}

fn storm(storm: &Storm) -> Value {
    let ways = storm.ways.iter().map(|way| {
        json!({
            "name": way.leg,
            "served": way.served,
            "failed": way.failed,
            "first_failure": way.error,
            "exchange_ms": { "p50": rounded(way.p50), "p99": rounded(way.p99) },
            "first_hop_cpu_us_per_client": rounded(way.first_hop),
            "database_cpu_us_per_client": rounded(way.database),
        })
    });
    json!({
        "clients_per_second": storm.rate,
        "seconds": storm.seconds,
        "ways": ways.collect::<Vec<_>>(),
    })
}
