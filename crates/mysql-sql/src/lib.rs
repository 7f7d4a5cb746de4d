//! Reads a MySQL statement just enough to pool it, sans-IO.
