//! What a result is kept under.

use std::fmt;
use std::hash::{Hash, Hasher};

use triomphe::ThinArc;

/// A key: bytes, and what tells keys of the same bytes apart. Cheap to clone: all of it is one
/// allocation, and what many keys share in their contexts is counted once for each key.
///
/// Its maker hashes it, once: who fetches what is missing needs the hash in half a dozen places. It
/// must be seeded with something that clients cannot know.
pub struct Key<C>(ThinArc<Head<C>, u8>);

/// What a key is, besides its bytes.
struct Head<C> {
    context: C,
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
    pub fn new(context: C, bytes: &[u8], hash: u64) -> Self {
        Self(ThinArc::from_header_and_slice(
            Head { context, hash },
            bytes,
        ))
    }

    fn head(&self) -> &Head<C> {
        &self.0.header.header
    }

    /// What tells it apart from others of the same bytes.
    pub fn context(&self) -> &C {
        &self.head().context
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.slice
    }
}

impl<C: PartialEq> Sought<C> for Key<C> {
    fn hash(&self) -> u64 {
        self.head().hash
    }

    fn is(&self, context: &C, bytes: &[u8]) -> bool {
        self.bytes() == bytes && self.context() == context
    }
}

impl<C: PartialEq> PartialEq for Key<C> {
    fn eq(&self, other: &Self) -> bool {
        let is_one = std::ptr::eq(self.head(), other.head());
        is_one || (self.head().hash == other.head().hash && self.is(other.context(), other.bytes()))
    }
}

impl<C: PartialEq> Eq for Key<C> {}

impl<C> Hash for Key<C> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.head().hash);
    }
}

impl<C> Clone for Key<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
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
