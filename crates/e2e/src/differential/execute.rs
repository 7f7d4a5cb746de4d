//! Writes `COM_STMT_EXECUTE`.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_stmt_execute.html>

use std::collections::BTreeSet;

use super::step::{Execution, Value};

/// `CURSOR_TYPE_READ_ONLY`.
const READ_ONLY_CURSOR: u8 = 1;

/// What the server knows of a statement's parameters.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// The types that were sent last.
    types: Option<Vec<[u8; 2]>>,
    /// Parameters of which pieces were sent.
    long_data: BTreeSet<u16>,
}

impl Bound {
    pub(super) fn has_long_data(&mut self, parameter: u16) {
        self.long_data.insert(parameter);
    }

    pub(super) fn forget_long_data(&mut self) {
        self.long_data.clear();
    }
}

/// The argument for a statement that has no parameters, or does not exist.
pub(super) fn without_parameters(id: u32, cursor: bool) -> Vec<u8> {
    let mut argument = id.to_le_bytes().to_vec();
    argument.push(if cursor { READ_ONLY_CURSOR } else { 0 });
    argument.extend_from_slice(&1_u32.to_le_bytes());
    argument
}

/// The argument for a statement with `count` parameters; values that are not there are NULL.
pub(super) fn encode(
    id: u32,
    count: usize,
    execution: &Execution,
    bound: &mut Bound,
    connection_id: u32,
) -> Vec<u8> {
    let mut argument = without_parameters(id, execution.cursor);
    if count == 0 {
        return argument;
    }
    let long_data = std::mem::take(&mut bound.long_data);
    let is_long = |at: usize| u16::try_from(at).is_ok_and(|at| long_data.contains(&at));
    let value = |at: usize| execution.values.get(at).unwrap_or(&Value::Null);
    let mut nulls = vec![0_u8; count.div_ceil(8)];
    let mut types = Vec::new();
    let mut data = Vec::new();
    for at in 0..count {
        types.push(if is_long(at) {
            Value::Blob(Vec::new()).wire_type()
        } else {
            value(at).wire_type()
        });
        if is_long(at) {
            continue;
        }
        match value(at) {
            Value::Null => nulls[at / 8] |= 1 << (at % 8),
            value => value.encode(&mut data, connection_id),
        }
    }
    argument.extend_from_slice(&nulls);
    let is_bound = bound.types.as_ref() == Some(&types);
    if execution.rebind || !is_bound {
        argument.push(1);
        argument.extend(types.iter().flatten());
        bound.types = Some(types);
    } else {
        argument.push(0);
    }
    argument.extend_from_slice(&data);
    argument
}

impl Value {
    /// The type and its flag (0x80: unsigned).
    fn wire_type(&self) -> [u8; 2] {
        match self {
            Self::Null => [0x06, 0],
            Self::Integer(_) => [0x08, 0],
            Self::Unsigned(_) | Self::ConnectionId => [0x08, 0x80],
            Self::Double(_) => [0x05, 0],
            Self::Text(_) => [0xFD, 0],
            Self::Blob(_) => [0xFC, 0],
        }
    }

    fn encode(&self, out: &mut Vec<u8>, connection_id: u32) {
        match self {
            Self::Null => {}
            Self::Integer(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Unsigned(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::ConnectionId => out.extend_from_slice(&u64::from(connection_id).to_le_bytes()),
            Self::Double(value) => out.extend_from_slice(&value.to_le_bytes()),
            Self::Text(value) => put(out, value.as_bytes()),
            Self::Blob(value) => put(out, value),
        }
    }
}

/// A length-encoded string; none of ours is longer than two bytes can say.
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    let [low, high] = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes();
    if bytes.len() <= 0xFA {
        out.push(low);
    } else {
        out.extend_from_slice(&[0xFC, low, high]);
    }
    out.extend(bytes.iter().take(usize::from(u16::MAX)));
}
