//! The harness itself, against the real databases.

mod databases;
