//! The tables, for people.

use anyhow::Result;

use super::Report;
use crate::bench::cache::comparison::Comparison;
use crate::bench::cache::herd::Herd;
use crate::bench::cache::memory::Memory;
use crate::bench::cache::rig::{ECHO, OFF, ROWS};
use crate::bench::numbers::versions_text;
use crate::bench::rounds::{Measured, Sample};
use crate::bench::tidegate::{POOL_MAX, THREADS};
use crate::bench::verdict::{self, Verdict};

/// Prints all, the targets last.
pub(super) fn print(report: &Report<'_>, verdicts: &[Verdict]) -> Result<()> {
    println!("{}", versions_text(&report.programs.versions));
    println!(
        "{ROWS} rows, no TLS; {THREADS} worker threads in the echo server and each edge; at most \
         {POOL_MAX} origin connections\nper edge; medians of {} rounds of {} s; ratios are medians \
         of each round's",
        report.options.rounds, report.options.seconds
    );
    let findings = &report.findings;
    for comparison in &findings.hits {
        print_comparison(comparison, comparison.way(ECHO)?, "× echo");
    }
    for comparison in &findings.misses {
        print_comparison(comparison, comparison.way(OFF)?, "× off");
    }
    findings.memory.iter().for_each(print_memory);
    findings.herd.iter().for_each(print_herd);
    verdict::print(verdicts);
    Ok(())
}

/// `times` is the head of what is a multiple of the other way's.
fn print_comparison(comparison: &Comparison, other: &Measured, times: &str) {
    println!(
        "\n{:<39}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}",
        comparison.title(),
        "queries/s",
        times,
        "p50 ms",
        "p99 ms",
        "user µs",
        "sys µs",
        "CPU µs",
        times,
        "DB µs"
    );
    for way in &comparison.ways {
        let rate = Sample::queries_per_second;
        let head = format!(
            "{:<39}{:>9.0}{:>8.2}{:>8.2}{:>8.2}",
            way.leg,
            way.median(rate),
            way.ratio(rate, other, rate),
            way.median(|sample| sample.outcome.p50),
            way.median(|sample| sample.outcome.p99)
        );
        let processor = way.first_hop().map_or_else(
            || " ".repeat(32),
            |[user, system, total]| {
                let ratio = way.ratio(Sample::first_hop, other, Sample::first_hop);
                format!("{user:>8.1}{system:>8.1}{total:>8.1}{ratio:>8.2}")
            },
        );
        println!("{head}{processor}{:>8.1}", way.database());
    }
    println!("hits: {:.1} %", comparison.hit_share * 1e2);
}

fn print_memory(memory: &Memory) {
    println!(
        "\n{:<39}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        format!("budget of {:.0} MiB, reads", mebibytes(memory.budget)),
        "results",
        "said MiB",
        "RSS MiB",
        "÷ said",
        "÷ budget",
        "B each"
    );
    for look in &memory.looks {
        println!(
            "{:<39}{:>10.0}{:>10.1}{:>10.1}{:>10.2}{:>10.2}{:>10.0}",
            look.asked,
            look.entries,
            mebibytes(look.bytes),
            mebibytes(look.growth),
            look.growth / look.bytes,
            look.growth / memory.budget,
            look.each()
        );
    }
}

fn mebibytes(bytes: f64) -> f64 {
    bytes / 1024.0 / 1024.0
}

fn print_herd(herd: &Herd) {
    println!(
        "\n{} equal reads at once: {} at the origin, all answered in {:.2} s",
        herd.clients,
        herd.queries,
        herd.took.as_secs_f64()
    );
}
