//! What a result is kept under: everything that can change a byte of it.

use std::hash::{BuildHasher, Hasher};
use std::iter;
use std::sync::{Arc, LazyLock};

use mysql_proto::{Capabilities, StatusFlags};
use query_cache::{DefaultHashBuilder, Sought, Weigh};

use crate::state::SessionState;
use crate::states::States;

/// The key of a result: its bytes are the statement and, behind it, parameters. (Each hyperdrive
/// has a cache of its own, and with it an origin's user.)
pub(crate) type Key = query_cache::Key<Context>;

/// In what a statement was asked.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    state: Arc<SessionState>,
    capabilities: Capabilities,
    status: StatusFlags,
    prepared: Option<(Arc<SessionState>, u64)>,
    /// Length of the statement.
    sql_len: usize,
}

/// A key in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyParts<'a> {
    /// Of the session: database, character set, time zone, mode, role and all other variables; a
    /// read whose result is kept reads no user variables.
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

/// Parts with their hash, to be looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashed<'a> {
    parts: KeyParts<'a>,
    hash: u64,
}

/// Hashes the parts. A miss asks for its key's hash in half a dozen places, and who makes room for
/// it is asked for its own; so a key holds it. Clients cannot know the seed.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

impl<'a> KeyParts<'a> {
    /// To be looked for.
    pub(crate) fn hashed(self) -> Hashed<'a> {
        let mut hasher = HASHER.build_hasher();
        self.hash_into(&mut hasher);
        Hashed {
            hash: hasher.finish(),
            parts: self,
        }
    }

    fn hash_into(&self, hasher: &mut impl Hasher) {
        let prepared = self.prepared.map(|(state, shape)| !(state.stamp() ^ shape));
        hasher.write_u64(self.state.result_stamp());
        hasher.write_u64(self.capabilities.bits());
        hasher.write_u64(prepared.unwrap_or(0) ^ u64::from(self.status.bits()));
        hasher.write_usize(self.sql.len());
        hasher.write(self.sql);
        hasher.write(self.parameters);
    }
}

impl Hashed<'_> {
    /// To be kept, with the session's state as these have it.
    pub(crate) fn to_key(self, states: &States) -> Key {
        let Self { parts, hash } = self;
        let prepared = parts
            .prepared
            .map(|(state, shape)| (Arc::clone(state), shape));
        let context = Context {
            state: match parts.state.without_user_variables() {
                None => Arc::clone(parts.state),
                Some(state) => states.share(state),
            },
            capabilities: parts.capabilities,
            status: parts.status,
            prepared,
            sql_len: parts.sql.len(),
        };
        Key::new(context, joined(parts.sql, parts.parameters), hash)
    }
}

/// Both, one behind the other, in one allocation.
fn joined(sql: &[u8], parameters: &[u8]) -> Arc<[u8]> {
    if parameters.is_empty() {
        return sql.into();
    }
    let mut bytes: Arc<[u8]> = iter::repeat_n(0, sql.len() + parameters.len()).collect();
    let halves = Arc::get_mut(&mut bytes).and_then(|own| own.split_at_mut_checked(sql.len()));
    if let Some((head, tail)) = halves {
        head.copy_from_slice(sql);
        tail.copy_from_slice(parameters);
    }
    bytes
}

impl<'a> KeyParts<'a> {
    /// Those of a key.
    pub(crate) fn of(key: &'a Key) -> Self {
        Self::from_bytes(key.context(), key.bytes())
    }

    fn from_bytes(context: &'a Context, bytes: &'a [u8]) -> Self {
        let (sql, parameters) = bytes.split_at_checked(context.sql_len).unwrap_or_default();
        let prepared = context.prepared.as_ref();
        Self {
            state: &context.state,
            capabilities: context.capabilities,
            status: context.status,
            prepared: prepared.map(|(state, shape)| (state, *shape)),
            sql,
            parameters,
        }
    }
}

impl PartialEq for KeyParts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.sql == other.sql && self.parameters == other.parameters && self.is_asked_as(other)
    }
}

impl KeyParts<'_> {
    /// Whether both are the same but for their bytes.
    fn is_asked_as(&self, other: &Self) -> bool {
        let is_same_preparation = match (self.prepared, other.prepared) {
            (None, None) => true,
            (Some((mine, shape)), Some((other, other_shape))) => {
                shape == other_shape && mine.is_same(other)
            }
            _ => false,
        };
        is_same_preparation
            && self.capabilities == other.capabilities
            && self.status == other.status
            && self.state.gives_same_results(other.state)
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        let (mine, others) = (
            KeyParts::from_bytes(self, &[]),
            KeyParts::from_bytes(other, &[]),
        );
        self.sql_len == other.sql_len && mine.is_asked_as(&others)
    }
}

impl Sought<Context> for Hashed<'_> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn is(&self, context: &Context, bytes: &[u8]) -> bool {
        self.parts == KeyParts::from_bytes(context, bytes)
    }
}

impl Weigh for Context {
    fn bytes(&self) -> usize {
        let prepared = self.prepared.as_ref();
        let under = prepared.map_or(0, |(state, _)| state.weight());
        self.state.weight() + under
    }
}
