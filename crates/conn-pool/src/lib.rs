//! A generic transaction pool: leases, FIFO waiters, limits, ageing.
