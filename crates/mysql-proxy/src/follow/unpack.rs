//! Undoes the compression of a transaction.

use std::borrow::Cow;

use mysql_proto::{PackedEvents, PackedForm};

/// Longest transaction that is unpacked, as that is done at once and in memory. A longer one is
/// told as anything.
const MAX_UNPACKED: u64 = 8 * 1024 * 1024;

/// The events of a transaction, one after the other. `None`: there is no way to them.
pub(super) fn unpack<'a>(events: &PackedEvents<'a>) -> Option<Cow<'a, [u8]>> {
    match events.form {
        PackedForm::Plain => Some(Cow::Borrowed(events.bytes)),
        PackedForm::Zstd if events.unpacked_len <= MAX_UNPACKED => {
            let len = usize::try_from(events.unpacked_len).ok()?;
            let unpacked = zstd::bulk::decompress(events.bytes, len).ok()?;
            (unpacked.len() == len).then_some(Cow::Owned(unpacked))
        }
        PackedForm::Zstd | PackedForm::Unknown(_) => None,
    }
}
