//! Puts bytes into compressed packets.

use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};

use super::{Algorithm, HEADER_LEN};

/// Shorter contents are not worth it: `MIN_COMPRESS_LENGTH` of MySQL.
const THRESHOLD: usize = 50;

/// Of zlib, 1 to 9. Servers take 6; an edge is shared, and 3 takes half the processor.
const ZLIB_LEVEL: u32 = 3;

/// Appends `content` to `out` as one packet; it must be shorter than 16 MiB. What does not get
/// shorter goes as it is.
pub(super) fn encode(
    algorithm: Algorithm,
    sequence_id: u8,
    content: &[u8],
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_LEN]);
    let mut content_len = 0;
    if content.len() >= THRESHOLD && compress(algorithm, content, out)? {
        content_len = content.len();
    } else {
        out.truncate(start + HEADER_LEN);
        out.extend_from_slice(content);
    }
    let len = out.len() - start - HEADER_LEN;
    if let Some(header) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *header = packet_header(len, sequence_id, content_len);
    }
    Ok(())
}

fn packet_header(len: usize, sequence_id: u8, content_len: usize) -> [u8; HEADER_LEN] {
    let [l0, l1, l2, ..] = len.to_le_bytes();
    let [c0, c1, c2, ..] = content_len.to_le_bytes();
    [l0, l1, l2, sequence_id, c0, c1, c2]
}

/// Appends the compressed form. False: it is not shorter, and part of it may be in `out`.
fn compress(algorithm: Algorithm, content: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
    match algorithm {
        Algorithm::Zlib => {
            // It may grow up to the content, and is given up there.
            out.reserve_exact(content.len());
            let mut zlib = Compress::new(Compression::new(ZLIB_LEVEL), true);
            let status = zlib.compress_vec(content, out, FlushCompress::Finish)?;
            let len = usize::try_from(zlib.total_out()).unwrap_or(usize::MAX);
            Ok(status == Status::StreamEnd && len < content.len())
        }
        Algorithm::Zstd { level } => {
            let compressed = zstd::bulk::compress(content, i32::from(level))?;
            out.extend_from_slice(&compressed);
            Ok(compressed.len() < content.len())
        }
    }
}
