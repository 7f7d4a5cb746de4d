//! `cargo xtask bench cache`: what the query cache costs, and what it saves.
//!
//! Hits beside an echo server that does nothing but send the same bytes; misses beside an edge
//! without a cache; the memory of a million results; a thousand clients that ask for the same at
//! once. Each has a target, and the last table says which are met.

mod comparison;
mod herd;
mod memory;
mod report;
mod rig;

use anyhow::Result;

use super::options::{Options, Part};
use super::programs::{Profile, Programs};
use comparison::Comparison;
use herd::Herd;
use memory::Memory;
use report::Report;
use rig::Rig;

/// Everything that was found.
#[derive(Debug, Default)]
struct Findings {
    hits: Vec<Comparison>,
    misses: Vec<Comparison>,
    memory: Option<Memory>,
    herd: Option<Herd>,
}

/// Measures and reports.
pub(super) fn run(options: &Options) -> Result<()> {
    let programs = Programs::prepare(Profile::Release)?;
    let folder = super::folder()?;
    let rig = Rig::start(&programs, folder.path())?;
    let mut findings = Findings::default();
    if options.wants(Part::Hits) {
        findings.hits = comparison::hits(&programs, options, &rig)?;
    }
    if options.wants(Part::Misses) {
        findings.misses = comparison::misses(&programs, options, &rig)?;
    }
    if options.wants(Part::Herd) {
        findings.herd = Some(herd::measure(&rig)?);
    }
    if options.wants(Part::Memory) {
        findings.memory = Some(memory::measure(&programs, options, &rig)?);
    }
    let report = Report {
        options,
        programs: &programs,
        findings,
    };
    report.print()
}
