//! The tables, for people.

use super::Report;
use crate::bench::idle::Idle;
use crate::bench::leg::HAPROXY;
use crate::bench::numbers::versions_text;
use crate::bench::pool::comparison::Comparison;
use crate::bench::pool::crowd::{self, CLIENTS, Crowd};
use crate::bench::pool::storm::Storm;
use crate::bench::rounds::Sample;
use crate::bench::sysbench::ROWS;
use crate::bench::tidegate::{POOL_MAX, THREADS};
use crate::bench::verdict;
use crate::bench::verdict::Verdict;

/// Prints all, the targets last.
pub(super) fn print(report: &Report<'_>, verdicts: &[Verdict]) {
    print_setting(report);
    let findings = &report.findings;
    findings.comparisons.iter().for_each(print_comparison);
    if let Some(crowd) = &findings.crowd {
        print_crowd(crowd);
    }
    if let Some(storm) = &findings.storm {
        print_storm(storm);
    }
    if let Some(idle) = &findings.idle {
        print_idle(idle);
    }
    verdict::print(verdicts);
    for skipped in &findings.skipped {
        println!("skipped: {skipped}");
    }
}

fn print_setting(report: &Report<'_>) {
    println!("{}", versions_text(&report.programs.versions));
    println!(
        "point selects over {ROWS} rows, no TLS; {THREADS} worker threads in HAProxy, Router and \
         each edge;\nat most {POOL_MAX} origin connections per edge; medians of {} rounds of {} s; \
         ratios are medians of each round's",
        report.options.rounds, report.options.seconds
    );
}

fn print_comparison(comparison: &Comparison) {
    let haproxy = comparison.way(HAPROXY);
    println!(
        "\n{:<31}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}",
        comparison.title(),
        "queries/s",
        "×HAP",
        "p50 ms",
        "p99 ms",
        "user µs",
        "sys µs",
        "CPU µs",
        "×HAP",
        "DB µs"
    );
    for way in &comparison.ways {
        let rate = Sample::queries_per_second;
        let ratio = |figure: fn(&Sample) -> f64| {
            haproxy.map_or(f64::NAN, |haproxy| way.ratio(figure, haproxy, figure))
        };
        let head = format!(
            "{:<31}{:>9.0}{:>8.2}{:>8.2}{:>8.2}",
            way.leg,
            way.median(rate),
            ratio(rate),
            way.median(|sample| sample.outcome.p50),
            way.median(|sample| sample.outcome.p99)
        );
        let processor = way.first_hop().map_or_else(
            || " ".repeat(32),
            |used| {
                let [user, system, total] = used;
                let ratio = ratio(Sample::first_hop);
                format!("{user:>8.1}{system:>8.1}{total:>8.1}{ratio:>8.2}")
            },
        );
        println!("{head}{processor}{:>8.1}", way.database());
    }
}

fn print_crowd(crowd: &Crowd) {
    let half = format!("half load: {} queries/s", crowd.half_rate);
    for (load, ways) in [("full load", &crowd.full), (half.as_str(), &crowd.half)] {
        println!(
            "\n{:<44}{:>10}{:>8}{:>8}{:>8}{:>10}",
            format!("{CLIENTS} clients, {load}"),
            "queries/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "p99÷p50"
        );
        for way in ways {
            println!(
                "{:<44}{:>10.0}{:>8.2}{:>8.2}{:>8.2}{:>10.2}",
                way.leg,
                way.median(Sample::queries_per_second),
                way.median(|sample| sample.outcome.p50),
                way.median(|sample| sample.outcome.p95),
                way.median(|sample| sample.outcome.p99),
                way.median(crowd::spread)
            );
        }
    }
}

fn print_storm(storm: &Storm) {
    println!(
        "\n{:<44}{:>10}{:>8}{:>8}{:>8}{:>8}{:>8}",
        format!(
            "{} new clients per second for {} s",
            storm.rate, storm.seconds
        ),
        "served",
        "failed",
        "p50 ms",
        "p99 ms",
        "CPU µs",
        "DB µs"
    );
    for way in &storm.ways {
        println!(
            "{:<44}{:>10}{:>8}{:>8.2}{:>8.2}{:>8.0}{:>8.0}",
            way.leg, way.served, way.failed, way.p50, way.p99, way.first_hop, way.database
        );
        if let Some(error) = &way.error {
            println!("    the first failure: {error}");
        }
    }
}

fn print_idle(idle: &Idle) {
    println!(
        "\nedge's memory: {:.1} MB, with {} idle clients {:.1} MB: {:.1} KiB each",
        idle.before * 1024.0 / 1e6,
        idle.clients,
        idle.with_clients * 1024.0 / 1e6,
        idle.each()
    );
}
