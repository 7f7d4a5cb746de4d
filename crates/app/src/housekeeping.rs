//! A runtime of its own for what is done now and then.
//!
//! A runtime that has a timer, however far away, asks the kernel for an alarm with each wait for
//! I/O, and reads the clock several times. With one client that is a tenth of what a query costs.
//! So what wakes up each second or each minute does so elsewhere, on one thread that sleeps.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime. Its tasks end with it.
#[derive(Debug)]
pub(crate) struct Housekeeping {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Housekeeping {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("housekeeping")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        let runtime = self.runtime.as_ref();
        runtime
            .expect("it is there until it is dropped")
            .handle()
            .clone()
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops it may be a task, which must not wait for others.
            runtime.shutdown_background();
        }
    }
}
