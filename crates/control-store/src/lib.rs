//! Durable state in SQLite: hyperdrives and tunnels, secrets sealed.
