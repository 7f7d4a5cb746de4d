//! End to end: real clients, the built binary, real databases.

mod bulk;
mod cache;
mod change_user;
mod demo;
mod differential;
mod drain;
mod errors;
mod faults;
mod insert_id;
mod isolation;
mod kill;
mod leading;
mod ledger;
mod limits;
mod matrix;
mod origin_user;
mod orm;
mod pooling;
mod prepared;
mod protocol;
mod show;
mod tls;
mod turns;
mod wire;
mod world;
