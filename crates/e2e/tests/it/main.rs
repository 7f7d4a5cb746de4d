//! End to end: real clients, the built binary, real databases.

mod demo;
mod drain;
mod errors;
mod faults;
mod insert_id;
mod isolation;
mod ledger;
mod matrix;
mod origin_user;
mod pooling;
mod tls;
mod world;
