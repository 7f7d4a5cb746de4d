//! Black-box tests with real databases, drivers and clients.
