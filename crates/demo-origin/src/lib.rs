//! The embedded demo origin: SQLite behind the server side of the MySQL protocol.
