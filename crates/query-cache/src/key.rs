//! What a result is kept under.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A key: bytes, and what tells keys of the same bytes apart. Cheap to clone.
///
/// Its maker hashes it, once: who fetches what is missing needs the hash in half a dozen places. It
/// must be seeded with something that clients cannot know.
#[derive(Clone, Debug)]
pub struct Key<C> {
    context: C,
    bytes: Arc<[u8]>,
    hash: u64,
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
    pub fn new(context: C, bytes: Arc<[u8]>, hash: u64) -> Self {
        Self {
            context,
            bytes,
            hash,
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
        *self.bytes == *bytes && self.context == *context
    }
}

impl<C: PartialEq> PartialEq for Key<C> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.is(&other.context, &other.bytes)
    }
}

impl<C: PartialEq> Eq for Key<C> {}

impl<C> Hash for Key<C> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}
