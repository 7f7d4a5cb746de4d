//! The frame of a Cap'n Proto message in a stream, found without trusting what it says.

use capnp::message::{Builder, HeapAllocator, Reader};
use capnp::serialize::{self, OwnedSegments};

use super::{MAX_CONNECT_MESSAGE, VERSION, reader_options};
use crate::{DecodeError, StreamKind};

/// Most segments of a message: writers use one, or a few for a long one. Cap'n Proto's own limit is
/// 512.
const MAX_SEGMENTS: usize = 64;

/// First allocation of a message, in words: a request or answer for a TCP flow fits.
const FIRST_SEGMENT_WORDS: u32 = 64;

const WORD: usize = 8;

/// Signature, version and the message that `fill` makes.
pub(super) fn encode(fill: impl FnOnce(&mut Builder<HeapAllocator>)) -> Vec<u8> {
    let allocator = HeapAllocator::new().first_segment_words(FIRST_SEGMENT_WORDS);
    let mut message = Builder::new(allocator);
    fill(&mut message);
    let body = serialize::write_message_to_words(&message);
    [StreamKind::Data.signature().as_slice(), &VERSION, &body].concat()
}

/// The message that follows a signature, and its length with the version. `None`: more is to come.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<(Reader<OwnedSegments>, usize)>, DecodeError> {
    let Some((version, framed)) = bytes.split_first_chunk::<{ VERSION.len() }>() else {
        return Ok(None);
    };
    let Some(length) = framed_length(framed)? else {
        return Ok(None);
    };
    let Some(mut message) = framed.get(..length) else {
        return Ok(None);
    };
    let message = serialize::read_message(&mut message, reader_options())
        .map_err(|error| DecodeError::malformed("message", &error))?;
    Ok(Some((message, length.saturating_add(version.len()))))
}

/// How long the message is with its table of segments; `None` while the table is not all there.
fn framed_length(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
    let mut numbers = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|number| u32::from_le_bytes(*number) as usize);
    let Some(last_segment) = numbers.next() else {
        return Ok(None);
    };
    let segments = last_segment.saturating_add(1);
    if segments > MAX_SEGMENTS {
        return Err(DecodeError::malformed(
            "message",
            &format_args!("{segments} segments, at most {MAX_SEGMENTS} are read"),
        ));
    }
    let mut words = 0usize;
    for _ in 0..segments {
        let Some(segment) = numbers.next() else {
            return Ok(None);
        };
        words = words.saturating_add(segment);
    }
    // The table is a count and one size for each segment, padded to whole words.
    let table_words = segments.saturating_add(2) / 2;
    let length = words.saturating_add(table_words).saturating_mul(WORD);
    if length > MAX_CONNECT_MESSAGE {
        return Err(DecodeError::TooLong(length));
    }
    Ok(Some(length))
}
