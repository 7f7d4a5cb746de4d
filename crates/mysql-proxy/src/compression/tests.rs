//! What one end packs, the other takes out, however it comes; and nothing else is taken.

use std::io;

use bytes::BytesMut;
use mysql_proto::Capabilities;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::decoder::Decoder;
use super::encoder::encode;
use super::{Algorithm, Compressed, HEADER_LEN};

const BOTH: [Algorithm; 2] = [Algorithm::Zlib, Algorithm::Zstd { level: 3 }];

/// More than any packet says, so that what is too much would show.
const ROOM: usize = 1 << 20;

fn packet(algorithm: Algorithm, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(algorithm, 7, content, &mut out).unwrap();
    out
}

/// Decodes `bytes`, in pieces of `piece`, with room for `room` bytes at a time.
fn decode(algorithm: Algorithm, bytes: &[u8], piece: usize, room: usize) -> io::Result<Vec<u8>> {
    let mut decoder = Decoder::new(algorithm);
    let (mut input, mut content, mut output) = (BytesMut::new(), Vec::new(), vec![0; room]);
    for bytes in bytes.chunks(piece) {
        input.extend_from_slice(bytes);
        loop {
            let count = decoder.decode(&mut input, &mut output)?;
            if count == 0 {
                break;
            }
            content.extend_from_slice(&output[..count]);
        }
    }
    if decoder.is_between_packets() && input.is_empty() {
        Ok(content)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Text that gets shorter, and noise that does not.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 1..300),
        vec(0..4u8, 1..3000),
        (1..20_000usize).prop_map(|len| vec![b'x'; len]),
    ]
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop_oneof![
        Just(Algorithm::Zlib),
        (1..9u8).prop_map(|level| Algorithm::Zstd { level })
    ]
}

proptest! {
    #[test]
    fn what_is_packed_comes_out(
        algorithm in algorithms(),
        contents in vec(contents(), 1..5),
        piece in 1..200usize,
        room in 1..5000usize,
    ) {
        let mut bytes = Vec::new();
        for content in &contents {
            encode(algorithm, 0, content, &mut bytes).unwrap();
        }
        let decoded = decode(algorithm, &bytes, piece, room).unwrap();
        prop_assert_eq!(decoded, contents.concat());
    }

    #[test]
    fn any_bytes_are_borne(
        algorithm in algorithms(),
        bytes in vec(any::<u8>(), 0..200),
        len in 1..150u8,
        room in 1..99usize,
    ) {
        let _content = decode(algorithm, &bytes, bytes.len().max(1), room);
        let mut framed = vec![len, 0, 0, 0, 100, 0, 0];
        framed.extend_from_slice(&bytes);
        let _content = decode(algorithm, &framed, framed.len(), room);
    }

    /// A packet whose bytes are damaged gives no more than it says.
    #[test]
    fn damage_is_borne(
        algorithm in algorithms(), content in contents(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = packet(algorithm, &content);
        let at = HEADER_LEN + at.index(bytes.len() - HEADER_LEN);
        bytes[at] = byte;
        if let Ok(decoded) = decode(algorithm, &bytes, bytes.len(), ROOM) {
            prop_assert_eq!(decoded.len(), content.len());
        }
    }
}

#[test]
fn every_cut_is_an_end_too_early() {
    for algorithm in BOTH {
        let bytes = packet(algorithm, &[b'x'; 500]);
        for len in 1..bytes.len() {
            let error = decode(algorithm, &bytes[..len], 1, ROOM).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "cut at {len}");
        }
    }
}

#[test]
fn short_contents_and_noise_go_as_they_are() {
    let noise: Vec<u8> = (0..200u32)
        .map(|at| at.wrapping_mul(at).to_le_bytes()[1])
        .collect();
    for algorithm in BOTH {
        assert_eq!(packet(algorithm, b"hello"), b"\x05\0\0\x07\0\0\0hello");
        assert_eq!(packet(algorithm, &[b'x'; 49]).len(), 49 + HEADER_LEN);
        let long = packet(algorithm, &[b'x'; 50]);
        assert!(long.len() < 50 && long[4..7] == [50, 0, 0], "{long:?}");
        assert!(packet(algorithm, &noise).len() <= noise.len() + HEADER_LEN);
    }
}

/// A packet that says less than it inflates to, or more, is an error, not an allocation.
#[test]
fn lengths_that_lie_are_errors() {
    for algorithm in BOTH {
        let bytes = packet(algorithm, &vec![0; 1 << 20]);
        for content_len in [1u32, 1 << 10, (1 << 20) - 1, (1 << 20) + 1, 0xFF_FFFF] {
            let mut lies = bytes.clone();
            lies[4..7].copy_from_slice(&content_len.to_le_bytes()[..3]);
            let mut decoder = Decoder::new(algorithm);
            let mut input = BytesMut::from(&lies[..]);
            let (mut output, mut total) = (vec![0; 4096], 0);
            let error = loop {
                match decoder.decode(&mut input, &mut output) {
                    Ok(0) => panic!("it waits for more"),
                    Ok(count) => total += count,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(total <= content_len as usize);
        }
        let mut short = bytes.clone();
        short[0] -= 1;
        short.pop();
        let error = decode(algorithm, &short, short.len(), 1 << 21).unwrap_err();
        assert!(
            matches!(error.kind(), io::ErrorKind::InvalidData),
            "{error:?}"
        );
        let mut long = bytes;
        long[0] += 1;
        long.push(0);
        assert!(decode(algorithm, &long, long.len(), 1 << 21).is_err());
    }
}

#[test]
fn the_login_says_how() {
    let (zlib, zstd) = (
        Capabilities::COMPRESS,
        Capabilities::ZSTD_COMPRESSION_ALGORITHM,
    );
    let negotiated = Algorithm::negotiated;
    assert_eq!(negotiated(Capabilities::SSL, 3), None);
    assert_eq!(negotiated(zlib | zstd, 3), Some(Algorithm::Zlib));
    assert_eq!(negotiated(zstd, 5), Some(Algorithm::Zstd { level: 5 }));
    assert_eq!(negotiated(zstd, 0), Some(Algorithm::Zstd { level: 3 }));
    assert_eq!(negotiated(zstd, 22), Some(Algorithm::Zstd { level: 9 }));
}

fn pair(algorithm: Algorithm, room: usize) -> (Compressed<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(room);
    (Compressed::new(ours, BytesMut::new(), algorithm), theirs)
}

/// Sequence ids go on from the client's, and a flush makes one packet.
#[tokio::test]
async fn a_response_goes_on_after_its_command() {
    for algorithm in BOTH {
        let (mut ours, mut theirs) = pair(algorithm, 1 << 16);
        for (begin, expected) in [(0, 1), (0, 1), (4, 5)] {
            theirs
                .write_all(&[3, 0, 0, begin, 0, 0, 0, 1, 2, 3])
                .await
                .unwrap();
            let mut command = [0; 3];
            ours.read_exact(&mut command).await.unwrap();
            assert_eq!(command, [1, 2, 3]);
            for id in [expected, expected + 1] {
                // A packet within, in two pieces.
                ours.write_all(&[2, 0, 0, 1, b'a']).await.unwrap();
                ours.write_all(b"b").await.unwrap();
                ours.flush().await.unwrap();
                let mut packet = [0; 13];
                theirs.read_exact(&mut packet).await.unwrap();
                assert_eq!(packet, [6, 0, 0, id, 0, 0, 0, 2, 0, 0, 1, b'a', b'b']);
            }
        }
    }
}

/// However it is written and flushed, a packet within lies in one compressed packet.
#[tokio::test]
async fn packets_within_are_not_split() {
    const LENS: [usize; 6] = [5, 60_000, 16_380, 0, 16_384, 3];
    let mut content = Vec::new();
    for (len, id) in LENS.into_iter().zip(0..) {
        content.extend_from_slice(&u32::try_from(len).unwrap().to_le_bytes()[..3]);
        content.push(id);
        content.extend((0..len).map(|at| u8::try_from(at % 251).unwrap()));
    }
    for piece in [1, 100, 16 * 1024, 50_000] {
        let (mut ours, mut theirs) = pair(Algorithm::Zlib, 1 << 20);
        for bytes in content.chunks(piece) {
            ours.write_all(bytes).await.unwrap();
            if piece > 1 {
                ours.flush().await.unwrap();
            }
        }
        ours.shutdown().await.unwrap();
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).await.unwrap();
        let (mut passed, mut rest) = (0, sent.as_slice());
        let bounds: Vec<usize> = LENS
            .iter()
            .scan(0, |end, len| {
                *end += len + 4;
                Some(*end)
            })
            .collect();
        while let [l0, l1, l2, _, c0, c1, c2, ..] = *rest {
            let len = u32::from_le_bytes([l0, l1, l2, 0]) as usize;
            let inflated = u32::from_le_bytes([c0, c1, c2, 0]) as usize;
            passed += if inflated == 0 { len } else { inflated };
            assert!(bounds.contains(&passed), "{passed} in pieces of {piece}");
            rest = &rest[HEADER_LEN + len..];
        }
        assert_eq!(passed, content.len());
    }
}

/// Far more than fits anywhere passes both ways, through a pipe of a few bytes.
#[tokio::test]
async fn long_streams_pass_both_ways() {
    let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    for algorithm in BOTH {
        let (ours, theirs) = pair(algorithm, 100);
        let theirs = Compressed::new(theirs, BytesMut::new(), algorithm);
        let (mut read, mut write) = tokio::io::split(ours);
        let echo = tokio::spawn(async move {
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
        });
        let (mut read, mut write) = tokio::io::split(theirs);
        let copy = content.clone();
        let send = tokio::spawn(async move {
            write.write_all(&copy).await.unwrap();
            write.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        read.read_to_end(&mut received).await.unwrap();
        assert!(received == content, "{} bytes came back", received.len());
        send.await.unwrap();
        echo.await.unwrap();
    }
}

#[tokio::test]
async fn what_was_read_before_comes_first() {
    let (ours, mut theirs) = duplex(100);
    let received = BytesMut::from(&[2, 0, 0, 0, 0, 0, 0, b'a'][..]);
    let mut ours = Compressed::new(ours, received, Algorithm::Zlib);
    theirs.write_all(b"b\x01\0").await.unwrap();
    drop(theirs);
    let mut content = [0; 2];
    ours.read_exact(&mut content).await.unwrap();
    assert_eq!(&content, b"ab");
    let error = ours.read(&mut content).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
