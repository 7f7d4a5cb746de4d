//! How long an edge takes from its start until `/ready` says yes, and how large its program is.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::database::Database;
use super::median::median;
use super::programs::Programs;
use super::tidegate::EdgeFiles;
use super::wait::now;

const STARTS: usize = 5;

/// What starting costs.
#[derive(Debug)]
pub(super) struct Startup {
    /// Milliseconds of a start that makes the authority and the store: median.
    pub(super) first_ms: f64,
    /// Milliseconds of a start that finds them: median.
    pub(super) later_ms: f64,
    /// Size of the program in bytes.
    pub(super) program_bytes: u64,
}

/// Starts edges with one hyperdrive, each twice.
pub(super) fn measure(programs: &Programs, database: &Database, folder: &Path) -> Result<Startup> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for turn in 0..STARTS {
        let folder = folder.join(turn.to_string());
        let files = EdgeFiles::write(&folder, &database.origin(), false)?;
        first.push(start(programs, &files)?);
        later.push(start(programs, &files)?);
    }
    Ok(Startup {
        first_ms: median(first.into_iter()),
        later_ms: median(later.into_iter()),
        program_bytes: fs::metadata(&programs.tidegate)?.len(),
    })
}

/// Milliseconds of one start.
fn start(programs: &Programs, files: &EdgeFiles) -> Result<f64> {
    let began = now();
    let mut edge = files.spawn(programs)?;
    edge.until("is ready", || files.is_ready())?;
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
