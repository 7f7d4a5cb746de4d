//! An execution in one form, by which the cache finds its result.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use mysql_proto::ExecuteView;

use super::shape::TYPE_LEN;
use super::{Parameters, Prepared, Shape};
use crate::cache::Pieces;
use crate::origin::Flavor;

/// An execution with its types and without attributes: all that its result depends on, in one form.
#[derive(Debug)]
pub(crate) struct Plain<'p> {
    /// From its command's byte on.
    payload: Cow<'p, [u8]>,
    parts: Parts<'p>,
}

/// Where the parts of an execution are.
#[derive(Debug)]
struct Parts<'p> {
    nulls: Range<usize>,
    /// Where `new_params_bound_flag` is, if it has parameters. Types belong behind it.
    bound_flag: Option<usize>,
    types: Types<'p>,
    /// Where the values begin.
    values: usize,
}

/// The types of the parameters, two bytes each.
#[derive(Debug)]
enum Types<'p> {
    /// They are with the execution.
    Sent(Range<usize>),
    /// Those that the client has bound before.
    Bound(&'p [u8]),
}

/// What an execution has made of a statement.
#[derive(Debug)]
pub(crate) struct Made {
    types: Option<Arc<[u8]>>,
    shape: Option<Shape>,
}

/// Where the flags of an execution are, behind its command's byte and the statement's id: before
/// them nothing says what it executes.
const FLAGS: usize = 5;

/// `new_params_bound_flag` where types follow.
const BOUND: &[u8] = &[1];

impl<'p> Parts<'p> {
    /// `bound`: the types that the client has bound before. `None`: they are too few.
    fn of(view: &ExecuteView<'_>, bound: Option<&'p [u8]>) -> Option<Self> {
        let types = if view.has_types() {
            Types::Sent(view.types())
        } else {
            Types::Bound(bound?.get(..TYPE_LEN * view.parameter_count())?)
        };
        Some(Self {
            nulls: view.null_bitmap(),
            bound_flag: view.bound_flag(),
            types,
            values: view.values(),
        })
    }
}

impl Plain<'_> {
    /// What is executed, from the flags on, in pieces that are the same whether the types came with
    /// it or not.
    pub(crate) fn pieces(&self) -> Pieces<'_> {
        let part = |range: Range<usize>| self.payload.get(range).unwrap_or_default();
        let end = self.payload.len();
        match self.parts.bound_flag {
            None => [part(FLAGS..end), &[], &[], &[]],
            Some(flag) => [
                part(FLAGS..flag),
                BOUND,
                self.types(),
                part(self.parts.values..end),
            ],
        }
    }

    fn types(&self) -> &[u8] {
        match &self.parts.types {
            Types::Sent(range) => self.payload.get(range.clone()).unwrap_or_default(),
            Types::Bound(types) => types,
        }
    }

    /// The value of the first parameter, if that is a string of at most 250 bytes.
    pub(crate) fn first_string(&self) -> Option<&[u8]> {
        const VARCHAR: u8 = 15;
        const TINY_BLOB: u8 = 249;
        const STRING: u8 = 254;
        /// Above it the length has more than a byte.
        const LONGEST: u8 = 250;
        let kind = *self.types().first()?;
        let is_string = matches!(kind, VARCHAR | TINY_BLOB..=STRING);
        let is_null = self.parameters().nulls.first()? & 1 != 0;
        let (&len, rest) = self.payload.get(self.parts.values..)?.split_first()?;
        let is_there = is_string && !is_null && len <= LONGEST;
        rest.get(..usize::from(len)).filter(|_| is_there)
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters {
            types: self.types(),
            nulls: self
                .payload
                .get(self.parts.nulls.clone())
                .unwrap_or_default(),
        }
    }
}

impl Prepared {
    /// An execution in its plain form. `None`: it asks for a cursor, has attributes, or cannot be
    /// read.
    pub(crate) fn plain_execution<'p>(
        &'p self,
        payload: &'p [u8],
        client_has_attributes: bool,
    ) -> Option<Plain<'p>> {
        let view = ExecuteView::parse(payload, self.params, client_has_attributes)?;
        if view.opens_cursor() || view.parameter_count() > usize::from(self.params) {
            return None;
        }
        let bound = self.types.as_deref();
        if !client_has_attributes {
            return Some(Plain {
                parts: Parts::of(&view, bound)?,
                payload: Cow::Borrowed(payload),
            });
        }
        let payload = view.without_attributes(self.params)?;
        let view = ExecuteView::parse(&payload, self.params, false)?;
        Some(Plain {
            parts: Parts::of(&view, bound)?,
            payload: Cow::Owned(payload),
        })
    }

    /// What executions have made of the statement, as it matters to this one.
    pub(crate) fn shape_for(&self, plain: &Plain<'_>, flavor: Flavor) -> u64 {
        self.shape.stamp_for(plain.parameters(), flavor)
    }

    /// What an execution makes of the statement that is answered without an origin. `None`: it
    /// stays as it is.
    pub(crate) fn made_by(&self, plain: &Plain<'_>, flavor: Flavor) -> Option<Made> {
        let types = plain.types();
        let is_new = !types.is_empty() && self.types.as_deref() != Some(types);
        let made = Made {
            types: is_new.then(|| types.into()),
            shape: self.shape.after(plain.parameters(), flavor),
        };
        (made.types.is_some() || made.shape.is_some()).then_some(made)
    }

    /// The statement is as an execution has made it.
    pub(super) fn note_made(&mut self, made: Made) {
        if let Some(types) = made.types {
            self.types = Some(types);
        }
        if let Some(shape) = made.shape {
            self.shape = shape;
        }
    }
}
