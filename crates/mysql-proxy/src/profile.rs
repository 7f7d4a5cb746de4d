//! What makes two origin connections interchangeable.

use mysql_proto::Capabilities;

/// The login of an origin connection, as far as it shows in what a client sees.
///
/// Packets pass through unchanged in both directions, so a session can only use connections that
/// were opened with its own capabilities. Two profiles are equal when these are: character set and
/// database of a connection can be changed (see `state.rs`), and are here to log in with.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Capabilities that change what packets look like or what statements mean.
    pub(crate) capabilities: Capabilities,
    /// Character set and collation of the connection.
    pub(crate) collation: u8,
    /// The default database.
    pub(crate) database: Option<String>,
}

/// Capabilities whose presence a client notices after the login.
const NOTICED: Capabilities = Capabilities::FOUND_ROWS
    .union(Capabilities::NO_SCHEMA)
    .union(Capabilities::ODBC)
    .union(Capabilities::LOCAL_FILES)
    .union(Capabilities::IGNORE_SPACE)
    .union(Capabilities::INTERACTIVE)
    .union(Capabilities::MULTI_STATEMENTS)
    .union(Capabilities::MULTI_RESULTS)
    .union(Capabilities::PS_MULTI_RESULTS)
    .union(Capabilities::DEPRECATE_EOF)
    .union(EXTENDED)
    .union(OPTIONAL);

/// Capabilities that an origin need not have. MySQL has both, MariaDB tells of session state, TiDB
/// has neither: a client is not told then what the origin does not tell, and its attributes are
/// left out of its commands (`attributes.rs`).
const OPTIONAL: Capabilities = Capabilities::SESSION_TRACK.union(Capabilities::QUERY_ATTRIBUTES);

/// MariaDB's own, which clients are only offered where the origin is known to have them. Whoever
/// has any says so by leaving out [`Capabilities::LONG_PASSWORD`].
const EXTENDED: Capabilities = Capabilities::MARIADB_EXTENDED_METADATA
    .union(Capabilities::MARIADB_STMT_BULK_OPERATIONS)
    .union(Capabilities::MARIADB_BULK_UNIT_RESULTS);

/// Capabilities that every origin connection has, whatever the client.
const ALWAYS: Capabilities = Capabilities::LONG_PASSWORD
    .union(Capabilities::LONG_FLAG)
    .union(Capabilities::PROTOCOL_41)
    .union(Capabilities::TRANSACTIONS)
    .union(Capabilities::SECURE_CONNECTION)
    .union(Capabilities::PLUGIN_AUTH)
    .union(Capabilities::PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(Capabilities::CONNECT_ATTRS);

/// What the edge offers to clients: what every origin has, what is done without for the others, and
/// compression, which the edge does by itself.
const OFFERED: Capabilities = NOTICED
    .difference(EXTENDED)
    .union(ALWAYS)
    .union(Capabilities::CONNECT_WITH_DB)
    .union(Capabilities::COMPRESS)
    .union(Capabilities::ZSTD_COMPRESSION_ALGORITHM);

/// What the edge offers to clients of an origin that offers this, if that is known.
pub(crate) fn offer(origin: Option<Capabilities>) -> Capabilities {
    let Some(origin) = origin else {
        return OFFERED;
    };
    let offer = OFFERED.difference(OPTIONAL.difference(origin));
    match origin.intersection(EXTENDED) {
        extended if extended.is_empty() => offer,
        extended => offer.difference(Capabilities::LONG_PASSWORD) | extended,
    }
}

impl PartialEq for Profile {
    fn eq(&self, other: &Self) -> bool {
        self.capabilities == other.capabilities
    }
}

impl Eq for Profile {}

impl Profile {
    /// The profile of a client that logged in with these.
    pub(crate) fn new(capabilities: Capabilities, collation: u8, database: Option<String>) -> Self {
        Self {
            capabilities: capabilities.intersection(NOTICED),
            collation,
            database,
        }
    }

    /// The same for an origin that offers these, if that is known: what it has not makes no
    /// difference between two of its connections.
    #[must_use]
    pub(crate) fn at_origin(mut self, offered: Option<Capabilities>) -> Self {
        if let Some(offered) = offered {
            self.capabilities.remove(OPTIONAL.difference(offered));
        }
        self
    }

    /// The capabilities to ask an origin for.
    pub(crate) fn wanted(&self) -> Capabilities {
        let mut wanted = self.capabilities.union(ALWAYS);
        if wanted.intersects(EXTENDED) {
            wanted.remove(Capabilities::LONG_PASSWORD);
        }
        if self.database.is_some() {
            wanted.union(Capabilities::CONNECT_WITH_DB)
        } else {
            wanted
        }
    }
}
