//! What tests need of the world: real databases, the built `tidegate`, certificates. Everything is
//! started unprivileged in a temporary folder, on a free port of 127.0.0.1, and is killed when its
//! handle is dropped; what it wrote to its log is then printed, which the test runner shows for a
//! test that fails.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use testkit::{Database, DatabaseKind};
//! let Some(mut database) = Database::start(DatabaseKind::MariaDb).await? else {
//!     return Ok(()); // It is not installed: the skip was written down.
//! };
//! database.execute("CREATE DATABASE shop").await?;
//! database.kill()?;
//! database.restart().await?; // The same port and data.
//! # Ok(())
//! # }
//! ```
//!
//! Programs are found by the variables that `cargo xtask test` sets, on `PATH`, or in `.cache`, so
//! that plain `cargo test` works after one `cargo xtask test --prepare`.

mod certificates;
mod database;
mod http;
mod port;
mod process;
mod program;
mod skip;
mod tidegate;
mod wait;

pub use certificates::Certificates;
pub use database::{ADMIN, Database, DatabaseKind};
pub use http::{Response, http_get};
pub use port::free_port;
pub use process::Process;
pub use program::{checkout, cloudflared, find, node, python, workerd};
pub use skip::skip;
pub use tidegate::Tidegate;
pub use wait::eventually;
