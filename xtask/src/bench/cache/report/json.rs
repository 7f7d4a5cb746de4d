//! One JSON object, for machines.

use serde_json::{Value, json};

use super::Report;
use crate::bench::cache::comparison::Comparison;
use crate::bench::cache::memory::Memory;
use crate::bench::cache::rig::ROWS;
use crate::bench::numbers::{rounded, versions_json};
use crate::bench::rounds::{Measured, Sample};
use crate::bench::tidegate::{POOL_MAX, THREADS};
use crate::bench::verdict::Verdict;

/// The whole report.
pub(super) fn of(report: &Report<'_>, verdicts: &[Verdict]) -> Value {
    let findings = &report.findings;
    json!({
        "benchmark": "cache",
        "versions": versions_json(&report.programs.versions),
        "seconds": report.options.seconds,
        "rounds": report.options.rounds,
        "rows": ROWS,
        "threads": THREADS,
        "pool_max": POOL_MAX,
        "hits": findings.hits.iter().map(comparison).collect::<Vec<_>>(),
        "misses": findings.misses.iter().map(comparison).collect::<Vec<_>>(),
        "memory": findings.memory.as_ref().map(memory),
        "herd": findings.herd.as_ref().map(|herd| json!({
            "clients": herd.clients,
            "queries_at_origin": herd.queries,
            "seconds": rounded(herd.took.as_secs_f64()),
        })),
        "targets": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
    })
}

fn comparison(comparison: &Comparison) -> Value {
    json!({
        "reads": comparison.shape.name(),
        "statements": comparison.statements.name(),
        "clients": comparison.clients,
        "hit_share": rounded(comparison.hit_share),
        "ways": comparison.ways.iter().map(way).collect::<Vec<_>>(),
    })
}

fn way(way: &Measured) -> Value {
    let server = way.first_hop().map(|[user, system, total]| {
        json!({ "user": rounded(user), "system": rounded(system), "total": rounded(total) })
    });
    json!({
        "name": way.leg,
        "queries_per_second": rounded(way.median(Sample::queries_per_second)),
        "latency_ms": {
            "p50": way.median(|sample| sample.outcome.p50),
            "p99": way.median(|sample| sample.outcome.p99),
        },
        "server_cpu_us_per_query": server,
        "database_cpu_us_per_query": rounded(way.database()),
    })
}

fn memory(memory: &Memory) -> Value {
    let looks = memory.looks.iter().map(|look| {
        json!({
            "reads": look.asked,
            "results": look.entries,
            "said_bytes": look.bytes,
            "rss_growth_bytes": look.growth,
        })
    });
    json!({ "budget_bytes": memory.budget, "looks": looks.collect::<Vec<_>>() })
}
