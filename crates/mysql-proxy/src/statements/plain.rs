//! An execution in one form, by which the cache finds its result.

use std::borrow::Cow;
use std::ops::Range;

use mysql_proto::ExecuteView;

use super::shape::TYPE_LEN;
use super::{Parameters, Prepared};
use crate::origin::Flavor;

/// An execution with its types and without attributes, from its command's byte on: all that its
/// result depends on, in one form.
#[derive(Debug)]
pub(crate) struct Plain<'p> {
    payload: Cow<'p, [u8]>,
    nulls: Range<usize>,
    types: Range<usize>,
}

impl<'p> Plain<'p> {
    fn of(view: &ExecuteView<'p>, payload: &'p [u8]) -> Self {
        Self {
            payload: Cow::Borrowed(payload),
            nulls: view.null_bitmap(),
            types: view.types(),
        }
    }

    /// The same execution with these types. `None`: they are too few.
    fn with_types(view: &ExecuteView<'_>, types: &[u8]) -> Option<Self> {
        let payload = view.with_types(types)?;
        let start = view.bound_flag().map_or(payload.len(), |flag| flag + 1);
        let len = TYPE_LEN * view.parameter_count();
        Some(Self {
            payload: Cow::Owned(payload),
            nulls: view.null_bitmap(),
            types: start..start + len,
        })
    }

    fn into_owned(self) -> Plain<'static> {
        Plain {
            payload: Cow::Owned(self.payload.into_owned()),
            nulls: self.nulls,
            types: self.types,
        }
    }

    /// From its command's byte on.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.payload
    }

    fn types(&self) -> &[u8] {
        self.payload.get(self.types.clone()).unwrap_or_default()
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters {
            types: self.types(),
            nulls: self.payload.get(self.nulls.clone()).unwrap_or_default(),
        }
    }
}

impl Prepared {
    /// An execution in its plain form. `None`: it asks for a cursor, has attributes, or cannot be
    /// read.
    pub(crate) fn plain_execution<'p>(
        &self,
        payload: &'p [u8],
        client_has_attributes: bool,
    ) -> Option<Plain<'p>> {
        let view = ExecuteView::parse(payload, self.params, client_has_attributes)?;
        if view.opens_cursor() || view.parameter_count() > usize::from(self.params) {
            return None;
        }
        if client_has_attributes {
            let plain = view.without_attributes(self.params)?;
            return Some(self.plain_execution(&plain, false)?.into_owned());
        }
        if view.has_types() {
            return Some(Plain::of(&view, payload));
        }
        Plain::with_types(&view, self.types.as_deref()?)
    }

    /// What executions have made of the statement, as it matters to this one.
    pub(crate) fn shape_for(&self, plain: &Plain<'_>, flavor: Flavor) -> u64 {
        self.shape.stamp_for(plain.parameters(), flavor)
    }

    /// An execution was answered without an origin: notes what it makes of the statement.
    pub(crate) fn note_plain(&mut self, plain: &Plain<'_>, flavor: Flavor) {
        self.bind_types(plain.types());
        if let Some(after) = self.shape.after(plain.parameters(), flavor) {
            self.shape = after;
        }
    }
}
