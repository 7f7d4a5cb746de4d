//! Says the result: tables for people, or one JSON object.

use anyhow::Result;
use serde_json::{Value, json};

use super::results::{HopResult, LegResult, Run};
use crate::bench::idle::Idle;
use crate::bench::numbers::{megabytes, of_clients, rounded, versions_json, versions_text};
use crate::bench::options::Options;
use crate::bench::programs::Programs;
use crate::bench::startup::Startup;
use crate::bench::sysbench::ROWS;
use crate::bench::tidegate::{POOL_MAX, THREADS};

/// Everything that was found.
#[derive(Debug)]
pub(super) struct Report<'a> {
    pub(super) options: &'a Options,
    pub(super) programs: &'a Programs,
    pub(super) startup: Startup,
    pub(super) runs: Vec<Run>,
    pub(super) idle: Option<Idle>,
}

impl Report<'_> {
    /// Prints it on stdout.
    pub(super) fn print(&self) -> Result<()> {
        if self.options.json {
            println!("{}", serde_json::to_string(&self.json())?);
            return Ok(());
        }
        self.print_setting();
        for run in &self.runs {
            print_run(run);
        }
        self.print_rest();
        Ok(())
    }

    fn print_setting(&self) {
        println!("{}", versions_text(&self.programs.versions));
        println!(
            "point selects as text over {ROWS} rows, no TLS to clients or database; \
             {THREADS} worker threads in HAProxy (nbthread),\neach edge and the connector; \
             at most {POOL_MAX} origin connections per edge; medians of {} rounds of {} s",
            self.options.rounds, self.options.seconds
        );
    }

    fn print_rest(&self) {
        let Startup {
            first_ms,
            later_ms,
            program_bytes,
        } = self.startup;
        println!("\nedge from start to ready: {later_ms:.0} ms (first start {first_ms:.0} ms)");
        println!("program: {:.1} MB", megabytes(program_bytes));
        if let Some(idle) = &self.idle {
            println!(
                "edge's memory: {:.1} MB, with {} idle clients {:.1} MB: {:.1} KiB each",
                idle.before * 1024.0 / 1e6,
                idle.clients,
                idle.with_clients * 1024.0 / 1e6,
                idle.each()
            );
        }
    }

    fn json(&self) -> Value {
        json!({
            "benchmark": "path",
            "versions": versions_json(&self.programs.versions),
            "seconds": self.options.seconds,
            "rounds": self.options.rounds,
            "rows": ROWS,
            "threads": THREADS,
            "pool_max": POOL_MAX,
            "runs": self.runs.iter().map(run_json).collect::<Vec<_>>(),
            "start_to_ready_ms": {
                "first": rounded(self.startup.first_ms),
                "later": rounded(self.startup.later_ms),
            },
            "program_bytes": self.startup.program_bytes,
            "idle": self.idle.as_ref().map(|idle| json!({
                "clients": idle.clients,
                "memory_kib_before": idle.before,
                "memory_kib": idle.with_clients,
                "kib_per_client": rounded(idle.each()),
            })),
        })
    }
}

fn print_run(run: &Run) {
    println!(
        "\n{:<16}{:>12}{:>12}{:>12}{:>12}",
        of_clients(run.clients),
        "queries/s",
        "p50 ms",
        "p95 ms",
        "p99 ms"
    );
    for leg in &run.legs {
        let LegResult {
            name,
            queries_per_second,
            p50,
            p95,
            p99,
            ..
        } = leg;
        println!("{name:<16}{queries_per_second:>12.0}{p50:>12.3}{p95:>12.3}{p99:>12.3}");
    }
    println!(
        "\n{:<28}{:>8}{:>8}{:>8}{:>12}{:>10}",
        "CPU µs per query", "user", "system", "total", "× HAProxy", "target"
    );
    for leg in &run.legs {
        for hop in &leg.hops {
            print_hop(leg.name, hop);
        }
    }
}

fn print_hop(leg: &str, hop: &HopResult) {
    let HopResult {
        name,
        user,
        system,
        total,
        ratio_to_haproxy: ratio,
        target,
    } = hop;
    let verdict = target.map_or_else(String::new, |target| {
        let sign = if hop.is_met() { "met" } else { "missed" };
        format!("≤ {target:.1} {sign}")
    });
    let label = if leg == *name {
        leg.to_owned()
    } else {
        format!("{leg}: {name}")
    };
    let line = format!("{label:<28}{user:>8.1}{system:>8.1}{total:>8.1}{ratio:>12.2}");
    println!("{}", format!("{line}   {verdict}").trim_end());
}

impl HopResult {
    fn is_met(&self) -> bool {
        self.target
            .is_none_or(|target| self.ratio_to_haproxy <= target)
    }
}

fn run_json(run: &Run) -> Value {
    let hop = |hop: &HopResult| {
        json!({
            "name": hop.name,
            "cpu_us_per_query": {
                "user": rounded(hop.user),
                "system": rounded(hop.system),
                "total": rounded(hop.total),
            },
            "ratio_to_haproxy": rounded(hop.ratio_to_haproxy),
            "target": hop.target,
        })
    };
    let leg = |leg: &LegResult| {
        json!({
            "name": leg.name,
            "queries_per_second": rounded(leg.queries_per_second),
            "latency_ms": { "p50": leg.p50, "p95": leg.p95, "p99": leg.p99 },
            "hops": leg.hops.iter().map(hop).collect::<Vec<_>>(),
        })
    };
    json!({
        "clients": run.clients,
        "legs": run.legs.iter().map(leg).collect::<Vec<_>>(),
    })
}
