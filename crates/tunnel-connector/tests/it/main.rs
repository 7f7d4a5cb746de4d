//! A connector against a scripted edge: what it answers to streams that ours would never open.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scripted_edge;
mod streams;
