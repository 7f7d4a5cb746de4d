//! A block of parameters: which are NULL, of what types they are, their values.
//!
//! `COM_STMT_EXECUTE` has one, and `COM_QUERY` where query attributes are in force.
//!
//! ```text
//!   NULL bitmap   new_params_bound   types                              values
//!   (n + 7) / 8   1                  n × (2, with names string<lenenc>)
//!                                    only if new_params_bound
//! ```

use std::ops::Range;

use crate::wire::Reader;

/// Bytes of one parameter's type: the type, and a flag for unsigned.
const TYPE_LEN: usize = 2;

/// Where the parts of a block are in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// Parameters, query attributes included.
    pub(crate) count: usize,
    pub(crate) null_bitmap: Range<usize>,
    /// Of the byte that says whether types follow.
    pub(crate) bound_flag: usize,
    /// Empty if the flag is 0.
    pub(crate) types: Range<usize>,
    pub(crate) values: usize,
    /// A name follows each type.
    pub(crate) named: bool,
}

impl Parameters {
    /// Finds the block of `count` parameters that begins at `start`. `None`: the payload ends
    /// within it.
    pub(crate) fn find(payload: &[u8], start: usize, count: usize, named: bool) -> Option<Self> {
        let mut reader = Reader::new(payload.get(start..)?);
        let position = |reader: &Reader<'_>| payload.len().saturating_sub(reader.len());
        reader.bytes(count.div_ceil(8)).ok()?;
        let bound_flag = position(&reader);
        let has_types = reader.u8().ok()? != 0;
        let types = position(&reader);
        if has_types && !named {
            reader.bytes(count.saturating_mul(TYPE_LEN)).ok()?;
        } else if has_types {
            for _ in 0..count {
                reader.array::<TYPE_LEN>().ok()?;
                reader.lenenc_bytes().ok()?;
            }
        }
        let values = position(&reader);
        Some(Self {
            count,
            null_bitmap: start..bound_flag,
            bound_flag,
            types: types..values,
            values,
            named,
        })
    }

    /// Each parameter's type and name; the name is empty where there are none.
    pub(crate) fn types<'a>(
        &self,
        payload: &'a [u8],
    ) -> impl Iterator<Item = ([u8; TYPE_LEN], &'a [u8])> {
        let mut reader = Reader::new(payload.get(self.types.clone()).unwrap_or_default());
        let named = self.named;
        std::iter::from_fn(move || {
            let kind = reader.array().ok()?;
            let name = if named {
                reader.lenenc_bytes().ok()?
            } else {
                &[]
            };
            Some((kind, name))
        })
    }

    /// True if the parameter of this index, from 0, is NULL.
    pub(crate) fn is_null(&self, payload: &[u8], index: usize) -> bool {
        let bitmap = payload.get(self.null_bitmap.clone()).unwrap_or_default();
        let byte = bitmap.get(index / 8).copied().unwrap_or_default();
        byte & (1 << (index % 8)) != 0
    }
}

/// Appends the first `count` of `types`, which have no names, with empty ones where `named`.
/// `None`: they are fewer.
pub(crate) fn put_plain_names(
    out: &mut Vec<u8>,
    types: &[u8],
    count: usize,
    named: bool,
) -> Option<()> {
    let types = types.get(..count.checked_mul(TYPE_LEN)?)?;
    if !named {
        out.extend_from_slice(types);
        return Some(());
    }
    for kind in types.chunks(TYPE_LEN) {
        out.extend_from_slice(kind);
        out.push(0); // string<lenenc>, empty
    }
    Some(())
}
