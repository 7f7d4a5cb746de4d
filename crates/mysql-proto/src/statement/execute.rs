//! `COM_STMT_EXECUTE`, read without a copy.
//!
//! ```text
//!   0x17   id   flags   iterations   [count]   [block of parameters]
//!   1      4    1       4            lenenc    only if there are any
//! ```
//!
//! The count is there where query attributes are in force, if the statement has parameters or the
//! flag `PARAMETER_COUNT_AVAILABLE` is set: the attributes come behind the statement's own
//! parameters then, and all have names.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html>

use std::ops::Range;

use super::{Parameters, put_plain_names};
use crate::Command;
use crate::wire::Reader;

bitflags::bitflags! {
    /// The flags of `COM_STMT_EXECUTE`.
    ///
    /// <https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html#a3e5e9e744ff6f7b989a604fd669977da>
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ExecuteFlags: u8 {
        /// Keep the rows for `COM_STMT_FETCH`.
        const CURSOR_READ_ONLY = 1;
        /// A kind of cursor that no server has.
        const CURSOR_FOR_UPDATE = 1 << 1;
        /// A kind of cursor that no server has.
        const CURSOR_SCROLLABLE = 1 << 2;
        /// The number of parameters is told, so that query attributes may follow them.
        const PARAMETER_COUNT_AVAILABLE = 1 << 3;
    }
}

/// Bytes in front of the count or the parameters.
const HEAD_LEN: usize = 10;

/// Where the flags are.
const FLAGS_AT: usize = 5;

/// `new_params_bound`: types follow.
const BOUND: u8 = 1;

/// The payload of a `COM_STMT_EXECUTE`, and where its parts are.
///
/// It need not be whole: of a command of 16 MiB or more the first packet is enough, if the types
/// lie in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecuteView<'a> {
    payload: &'a [u8],
    flags: ExecuteFlags,
    /// `None`: there is nothing behind the head, or but a count of 0.
    parameters: Option<Parameters>,
}

impl<'a> ExecuteView<'a> {
    /// Finds the parts of `payload`, from the command's byte on. `params`: of the statement, as
    /// [`Summary::statement_params`](crate::Summary) told. `query_attributes`: they are in force on
    /// this connection. `None`: it is no such command, or ends too early.
    pub fn parse(payload: &'a [u8], params: u16, query_attributes: bool) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let [command, _, _, _, _, flags, _, _, _, _] = reader.array::<HEAD_LEN>().ok()?;
        if command != Command::STMT_EXECUTE.0 {
            return None;
        }
        let flags = ExecuteFlags::from_bits_retain(flags);
        let has_count = query_attributes
            && (params > 0 || flags.contains(ExecuteFlags::PARAMETER_COUNT_AVAILABLE));
        let count = if has_count {
            usize::try_from(reader.lenenc().ok()?).ok()?
        } else {
            usize::from(params)
        };
        if count < usize::from(params) {
            return None;
        }
        let start = payload.len().saturating_sub(reader.len());
        let parameters = if count == 0 {
            None
        } else {
            Some(Parameters::find(payload, start, count, query_attributes)?)
        };
        Some(Self {
            payload,
            flags,
            parameters,
        })
    }

    /// The flags.
    pub fn flags(&self) -> ExecuteFlags {
        self.flags
    }

    /// True if it asks for a cursor.
    pub fn opens_cursor(&self) -> bool {
        self.flags.intersects(
            ExecuteFlags::CURSOR_READ_ONLY
                | ExecuteFlags::CURSOR_FOR_UPDATE
                | ExecuteFlags::CURSOR_SCROLLABLE,
        )
    }

    /// Parameters, query attributes included.
    pub fn parameter_count(&self) -> usize {
        self.parameters.as_ref().map_or(0, |block| block.count)
    }

    /// The types are with it (`new_params_bound_flag` is set), or it has no parameters. Otherwise
    /// the server takes the types that the statement was last executed with.
    pub fn has_types(&self) -> bool {
        self.parameters
            .as_ref()
            .is_none_or(|block| !block.types.is_empty())
    }

    /// Where the NULL bitmap is.
    pub fn null_bitmap(&self) -> Range<usize> {
        let block = self.parameters.as_ref();
        block.map_or_else(|| self.end(), |block| block.null_bitmap.clone())
    }

    /// Where `new_params_bound_flag` is. `None`: there are no parameters.
    pub fn bound_flag(&self) -> Option<usize> {
        self.parameters.as_ref().map(|block| block.bound_flag)
    }

    /// Where the types are, each with a name where query attributes are in force; empty if they are
    /// not with it.
    pub fn types(&self) -> Range<usize> {
        let block = self.parameters.as_ref();
        block.map_or_else(|| self.end(), |block| block.types.clone())
    }

    /// Where the values begin.
    pub fn values(&self) -> usize {
        let block = self.parameters.as_ref();
        block.map_or(self.payload.len(), |block| block.values)
    }

    /// The types, two bytes each and without names: what [`ExecuteView::with_types`] takes. Empty
    /// if they are not with it.
    pub fn plain_types(&self) -> Vec<u8> {
        let block = self.parameters.iter();
        block
            .flat_map(|block| block.types(self.payload))
            .flat_map(|(kind, _)| kind)
            .collect()
    }

    /// The same command with `types`, as an execution before had them ([`plain_types`]), for a
    /// server that has not seen them. What it had of types is replaced. `None`: they are too few.
    ///
    /// [`plain_types`]: ExecuteView::plain_types
    pub fn with_types(&self, types: &[u8]) -> Option<Vec<u8>> {
        let Some(block) = &self.parameters else {
            return Some(self.payload.to_vec());
        };
        let mut out = Vec::with_capacity(self.payload.len().saturating_add(types.len()));
        out.extend_from_slice(self.payload.get(..block.bound_flag)?);
        out.push(BOUND);
        put_plain_names(&mut out, types, block.count, block.named)?;
        out.extend_from_slice(self.payload.get(block.values..)?);
        Some(out)
    }

    /// The same command for a server that knows no query attributes: no count, no names, and the
    /// first `params` parameters. `None`: there are fewer.
    ///
    /// The values of the attributes stay behind those of the parameters, where no server looks:
    /// without the types of an earlier execution, or after `COM_STMT_SEND_LONG_DATA`, nobody can
    /// tell where they begin.
    pub fn without_attributes(&self, params: u16) -> Option<Vec<u8>> {
        let params = usize::from(params);
        let mut out = self.payload.get(..HEAD_LEN)?.to_vec();
        let flags = self
            .flags
            .difference(ExecuteFlags::PARAMETER_COUNT_AVAILABLE);
        *out.get_mut(FLAGS_AT)? = flags.bits();
        if params == 0 {
            return Some(out);
        }
        let block = self.parameters.as_ref().filter(|it| it.count >= params)?;
        let bitmap = self.payload.get(block.null_bitmap.clone())?;
        out.extend_from_slice(bitmap.get(..params.div_ceil(8))?);
        out.push(u8::from(self.has_types()));
        let types = block.types(self.payload).take(params);
        out.extend(types.flat_map(|(kind, _)| kind));
        out.extend_from_slice(self.payload.get(block.values..)?);
        Some(out)
    }

    fn end(&self) -> Range<usize> {
        self.payload.len()..self.payload.len()
    }
}
