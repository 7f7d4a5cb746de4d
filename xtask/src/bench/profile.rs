//! `cargo xtask bench profile`: where a query spends processor time, in HAProxy and in an edge.
//!
//! Three runs of each: one that only counts processor time, one in which perf counts system calls,
//! and one in which perf samples what runs. The last two slow down what they look at; so they give
//! shares, and the first gives the time that is shared out.

mod perf;
mod samples;

use std::path::Path;

use anyhow::{Context, Result};

use super::leg::{EDGE, HAPROXY, Leg};
use super::numbers::{of_clients, versions_text};
use super::options::Options;
use super::programs::{Profile, Programs, provide};
use super::sysbench::{self, Load, Reads, Statements};
use super::ways::Ways;
use super::{progress, rounds};
use perf::Calls;
use samples::Samples;

/// Functions that are listed.
const FUNCTIONS: usize = 25;

/// What was found of one process.
#[derive(Debug)]
struct Profiled {
    leg: &'static str,
    /// Processor time per query in microseconds.
    total: f64,
    calls: Calls,
    samples: Samples,
}

/// Measures and reports, for text and prepared statements and each number of clients.
pub(super) fn run(options: &Options) -> Result<()> {
    let programs = Programs::prepare(Profile::Profiling)?;
    provide("perf", "linux-perf", programs.as_root)?;
    let folder = super::folder()?;
    let ways = Ways::to_mariadb(&programs, folder.path())?;
    let legs = ways.all();
    let legs: Vec<_> = [HAPROXY, EDGE]
        .iter()
        .filter_map(|name| legs.iter().find(|leg| leg.name == *name))
        .collect();
    println!("{}", versions_text(&programs.versions));
    for statements in [Statements::Text, Statements::Prepared] {
        for &clients in &options.clients {
            let load = Load {
                reads: Reads::POINTS,
                statements,
                clients,
                length: options.length(),
                rate: None,
            };
            let what = format!("{}, {}", statements.name(), of_clients(clients));
            let mut profiled = Vec::new();
            for leg in &legs {
                progress(&format!("{what}: {}", leg.name));
                profiled.push(profile(&programs, leg, &load, &ways.log)?);
            }
            print(&what, &profiled);
        }
    }
    Ok(())
}

fn profile(programs: &Programs, leg: &Leg<'_>, load: &Load, log: &Path) -> Result<Profiled> {
    let hop = leg.hops.first().context("a way without processes")?;
    let pid = hop.server.pid();
    let alone = std::slice::from_ref(leg);
    let measured = rounds::measure(programs, alone, (leg.name, load), 1, log)?;
    let measured = measured.first().context("nothing was measured")?;
    let counts = log.with_file_name("perf.counts");
    let under = perf::count_calls(pid, &counts);
    let outcome = sysbench::run_under(under, programs, &leg.target, load, log)?;
    let calls = perf::read_calls(&counts, outcome.queries)?;
    let data = log.with_file_name("perf.data");
    let under = perf::record(pid, &data);
    sysbench::run_under(under, programs, &leg.target, load, log)?;
    Ok(Profiled {
        leg: leg.name,
        total: measured.median(rounds::Sample::first_hop),
        calls,
        samples: Samples::read(&perf::script(&data)?),
    })
}

/// Two tables: by system call, both processes beside each other, and by function of the edge's.
fn print(what: &str, profiled: &[Profiled]) {
    print!("\n{:<48}", format!("{what}: µs and calls per query"));
    for process in profiled {
        print!("{:>10}{:>9}", process.leg, "calls");
    }
    println!();
    for place in places(profiled) {
        print!("{place:<48}");
        for process in profiled {
            let time = process.total * process.samples.share(&place);
            let calls = process.calls.per_query(&place);
            let calls = calls.map_or_else(String::new, |calls| format!("{calls:.2}"));
            print!("{time:>10.1}{calls:>9}");
        }
        println!();
    }
    print!("{:<48}", "all");
    for process in profiled {
        print!("{:>10.1}{:>9.2}", process.total, process.calls.all());
    }
    println!();
    for process in profiled.iter().filter(|process| process.leg == EDGE) {
        println!("\n{what}: functions of the edge, µs per query");
        for (name, share) in process.samples.functions().into_iter().take(FUNCTIONS) {
            println!("{:>8.2}  {name}", process.total * share);
        }
    }
}

/// Where any of them spends time, the most of it first.
fn places(profiled: &[Profiled]) -> Vec<String> {
    let mut places: Vec<(String, f64)> = Vec::new();
    for process in profiled {
        for (place, share) in process.samples.places() {
            match places.iter_mut().find(|(name, _)| *name == place) {
                Some((_, time)) => *time += share * process.total,
                None => places.push((place, share * process.total)),
            }
        }
    }
    places.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    places.into_iter().map(|(place, _)| place).collect()
}
