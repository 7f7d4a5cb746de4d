//! What happens while the demo starts, on standard error: a spinner on a terminal, lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

/// One turn of the spinner.
const FRAME: Duration = Duration::from_millis(90);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Erases the line that the cursor is on.
const ERASE: &str = "\r\x1b[2K";

/// Tells what happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    is_terminal: bool,
}

/// Something that takes a while. Dropped without an outcome, it vanishes.
#[derive(Debug)]
pub(super) struct Step {
    what: String,
    began: Instant,
    spinner: Option<JoinHandle<()>>,
}

impl Progress {
    /// Looks where standard error leads.
    pub(super) fn new() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Begins a step. `what` is a phrase such as "starting MariaDB".
    pub(super) fn step(self, what: impl Into<String>) -> Step {
        let what = what.into();
        let spinner = if self.is_terminal {
            Some(tokio::spawn(spin(what.clone())))
        } else {
            write(&format!("{what} …\n"));
            None
        };
        Step {
            what,
            began: Instant::now(),
            spinner,
        }
    }
}

impl Step {
    /// It is done; `outcome` says what there is now.
    pub(super) fn done(self, outcome: &str) {
        self.end('✔', outcome);
    }

    /// It failed.
    pub(super) fn failed(self, why: &str) {
        let what = self.what.clone();
        self.end('✘', &format!("{what}: {why}"));
    }

    fn end(mut self, mark: char, outcome: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        self.erase();
        write(&format!("{mark} {outcome} ({seconds:.1} s)\n"));
    }

    fn erase(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.abort();
            write(ERASE);
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.erase();
    }
}

async fn spin(what: String) {
    let began = Instant::now();
    for frame in FRAMES.into_iter().cycle() {
        let seconds = began.elapsed().as_secs_f64();
        write(&format!("{ERASE}{frame} {what} … {seconds:.1} s"));
        tokio::time::sleep(FRAME).await;
    }
}

/// Says something, on a line of its own.
pub(super) fn note(what: &str) {
    write(&format!("{what}\n"));
}

/// Nobody is left to be told if standard error is closed.
fn write(text: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(stderr.write_all(text.as_bytes()));
    drop(stderr.flush());
}
