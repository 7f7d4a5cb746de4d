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
    /// Of an execution in its plain form, from the flags on, in pieces. A text has none.
    pub(crate) parameters: Pieces<'a>,
}

/// The parts of an execution, which are hashed one by one: they are the same with its types in it
/// and without.
pub(crate) type Pieces<'a> = [&'a [u8]; 4];

/// Parts with their hash, to be looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashed<'a> {
    parts: KeyParts<'a>,
    hash: u64,
}

/// Bytes of a result that a key has room for: a row or two, and what tells their columns.
const USUAL_RESULT: usize = 512;

/// Hashes the parts. A miss asks for its key's hash in half a dozen places, and who makes room for
/// it is asked for its own; so a key holds it. Clients cannot know the seed.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The hash of a statement's text, for [`KeyParts::hashed`].
pub(crate) fn hash_of_text(sql: &[u8]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    hasher.write(sql);
    hasher.finish()
}

impl<'a> KeyParts<'a> {
    /// To be looked for. The text's own hash is known where it is a prepared statement's.
    pub(crate) fn hashed(self, hash_of_text: u64) -> Hashed<'a> {
        let prepared = self.prepared.map(|(state, shape)| !(state.stamp() ^ shape));
        let mut hasher = HASHER.build_hasher();
        hasher.write_u64(hash_of_text);
        hasher.write_u64(self.state.result_stamp());
        hasher.write_u64(self.capabilities.bits());
        hasher.write_u64(prepared.unwrap_or(0) ^ u64::from(self.status.bits()));
        if prepared.is_some() {
            self.parameters.iter().for_each(|piece| hasher.write(piece));
        }
        self.with_hash(hasher.finish())
    }

    /// Likewise; the hash is known.
    pub(crate) fn with_hash(self, hash: u64) -> Hashed<'a> {
        Hashed { parts: self, hash }
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
        Key::new(context, parts.joined(), hash)
    }
}

impl<'a> KeyParts<'a> {
    /// Those of a key, with its parameters in one piece: to be read, not to be hashed again.
    pub(crate) fn of(key: &'a Key) -> Self {
        let context = key.context();
        let halves = key.bytes().split_at_checked(context.sql_len);
        let (sql, parameters) = halves.unwrap_or_default();
        Self {
            state: &context.state,
            capabilities: context.capabilities,
            status: context.status,
            prepared: context.prepared(),
            sql,
            parameters: [parameters, &[], &[], &[]],
        }
    }

    fn asked(&self) -> Asked<'a> {
        Asked {
            state: self.state,
            capabilities: self.capabilities,
            status: self.status,
            prepared: self.prepared,
            sql_len: self.sql.len(),
        }
    }

    /// The statement and its parameters.
    fn pieces(&self) -> impl Iterator<Item = &'a [u8]> {
        iter::once(self.sql).chain(self.parameters)
    }

    /// All pieces, one behind the other, with room for a result.
    fn joined(&self) -> Vec<u8> {
        let len: usize = self.pieces().map(<[u8]>::len).sum();
        let mut bytes = Vec::with_capacity(len + USUAL_RESULT);
        self.pieces()
            .for_each(|piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// Whether these are all pieces, one behind the other.
    fn are(&self, bytes: &[u8]) -> bool {
        if self.prepared.is_none() {
            return self.sql == bytes;
        }
        let mut pieces = self.pieces();
        let rest = pieces.try_fold(bytes, |rest, piece| rest.strip_prefix(piece));
        rest.is_some_and(<[u8]>::is_empty)
    }
}

/// What two statements of the same bytes must have alike for one result.
#[derive(Clone, Copy)]
struct Asked<'a> {
    state: &'a Arc<SessionState>,
    capabilities: Capabilities,
    status: StatusFlags,
    prepared: Option<(&'a Arc<SessionState>, u64)>,
    sql_len: usize,
}

impl Context {
    fn prepared(&self) -> Option<(&Arc<SessionState>, u64)> {
        let prepared = self.prepared.as_ref();
        prepared.map(|(state, shape)| (state, *shape))
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            state: &self.state,
            capabilities: self.capabilities,
            status: self.status,
            prepared: self.prepared(),
            sql_len: self.sql_len,
        }
    }
}

impl PartialEq for Asked<'_> {
    fn eq(&self, other: &Self) -> bool {
        let is_same_preparation = match (self.prepared, other.prepared) {
            (None, None) => true,
            (Some((mine, shape)), Some((other, other_shape))) => {
                shape == other_shape && mine.is_same(other)
            }
            _ => false,
        };
        is_same_preparation
            && self.sql_len == other.sql_len
            && self.capabilities == other.capabilities
            && self.status == other.status
            && self.state.gives_same_results(other.state)
    }
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.asked() == other.asked()
    }
}

impl Sought<Context> for Hashed<'_> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn is(&self, context: &Context, bytes: &[u8]) -> bool {
        self.parts.are(bytes) && self.parts.asked() == context.asked()
    }
}

impl Weigh for Context {
    fn bytes(&self) -> usize {
        let prepared = self.prepared.as_ref();
        let under = prepared.map_or(0, |(state, _)| state.weight());
        self.state.weight() + under
    }
}
