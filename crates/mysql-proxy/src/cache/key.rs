//! What a result is kept under: everything that can change a byte of it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use mysql_proto::{Capabilities, StatusFlags};
use query_cache::{Equivalent, Weigh};

use crate::state::SessionState;

/// The key of a result. (Each hyperdrive has a cache of its own, and with it an origin's user.)
#[derive(Clone, Debug)]
pub(crate) struct Key {
    state: Arc<SessionState>,
    capabilities: Capabilities,
    status: StatusFlags,
    prepared: Option<(Arc<SessionState>, u64)>,
    /// Length of the statement: what is behind it are parameters.
    sql_len: usize,
    bytes: Arc<[u8]>,
}

/// The same in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyParts<'a> {
    /// Of the session: database, character set, time zone, mode, role and all other variables.
    pub(crate) state: &'a Arc<SessionState>,
    /// They decide what packets look like.
    pub(crate) capabilities: Capabilities,
    /// Each result tells it.
    pub(crate) status: StatusFlags,
    /// Of a prepared statement: the state in which it was prepared, and what executions have made
    /// of it since. Its values come in binary, and else as text.
    pub(crate) prepared: Option<(&'a Arc<SessionState>, u64)>,
    pub(crate) sql: &'a [u8],
    /// Of an execution in its plain form, from the flags on.
    pub(crate) parameters: &'a [u8],
}

impl KeyParts<'_> {
    /// To be kept.
    pub(crate) fn to_key(self) -> Key {
        let prepared = self
            .prepared
            .map(|(state, shape)| (Arc::clone(state), shape));
        Key {
            state: Arc::clone(self.state),
            capabilities: self.capabilities,
            status: self.status,
            prepared,
            sql_len: self.sql.len(),
            bytes: if self.parameters.is_empty() {
                self.sql.into()
            } else {
                [self.sql, self.parameters].concat().into()
            },
        }
    }
}

impl Key {
    /// Its parts.
    pub(crate) fn parts(&self) -> KeyParts<'_> {
        let (sql, parameters) = self
            .bytes
            .split_at_checked(self.sql_len)
            .unwrap_or_default();
        let prepared = self.prepared.as_ref();
        KeyParts {
            state: &self.state,
            capabilities: self.capabilities,
            status: self.status,
            prepared: prepared.map(|(state, shape)| (state, *shape)),
            sql,
            parameters,
        }
    }
}

impl PartialEq for KeyParts<'_> {
    fn eq(&self, other: &Self) -> bool {
        let is_same_preparation = match (self.prepared, other.prepared) {
            (None, None) => true,
            (Some((mine, shape)), Some((other, other_shape))) => {
                shape == other_shape && mine.is_same(other)
            }
            _ => false,
        };
        is_same_preparation
            && self.sql == other.sql
            && self.parameters == other.parameters
            && self.capabilities == other.capabilities
            && self.status == other.status
            && self.state.is_same(other.state)
    }
}

impl Hash for KeyParts<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let prepared = self.prepared.map(|(state, shape)| !(state.stamp() ^ shape));
        hasher.write_u64(self.state.stamp());
        hasher.write_u64(self.capabilities.bits());
        hasher.write_u64(prepared.unwrap_or(0) ^ u64::from(self.status.bits()));
        hasher.write_usize(self.sql.len());
        hasher.write(self.sql);
        hasher.write(self.parameters);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.parts().hash(hasher);
    }
}

impl Equivalent<Key> for KeyParts<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.parts()
    }
}

impl Weigh for Key {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
