//! What a result is kept under.

use std::fmt;

/// A key: bytes, and what tells keys of the same bytes apart.
///
/// Its maker hashes it, once: who fetches what is missing needs the hash in half a dozen places. It
/// must be seeded with something that clients cannot know.
#[derive(Clone)]
pub struct Key<C> {
    pub(crate) context: C,
    pub(crate) hash: u64,
    /// The result will be put behind them.
    pub(crate) bytes: Vec<u8>,
}

/// What is looked for. It need not be a [`Key`], which takes an allocation.
pub trait Sought<C> {
    /// The hash of the key that it looks for.
    fn hash(&self) -> u64;

    /// Whether this is that key.
    fn is(&self, context: &C, bytes: &[u8]) -> bool;
}

impl<C> Key<C> {
    /// Makes a key with this hash. Equal keys must have the same.
    ///
    /// Bytes with room behind them are not moved when a result follows that fits there.
    pub fn new(context: C, bytes: Vec<u8>, hash: u64) -> Self {
        Self {
            context,
            hash,
            bytes,
        }
    }

    /// What tells it apart from others of the same bytes.
    pub fn context(&self) -> &C {
        &self.context
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<C: PartialEq> Sought<C> for Key<C> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn is(&self, context: &C, bytes: &[u8]) -> bool {
        self.bytes == bytes && self.context == *context
    }
}

impl<C: fmt::Debug> fmt::Debug for Key<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("context", self.context())
            .field("bytes", &self.bytes().len())
            .finish_non_exhaustive()
    }
}
