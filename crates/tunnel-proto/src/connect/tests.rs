//! Requests and responses survive the wire, split anywhere, and hostile bytes are refused.

use proptest::prelude::*;

use super::*;
use crate::SIGNATURE_LEN;

/// A request for `127.0.0.1:4000`, laid out by hand from the encoding's documentation.
const REQUEST_BY_HAND: &[u8] = &[
    0x0A, 0x36, 0xCD, 0x12, 0xA1, 0x3E, b'0', b'1', // signature, version
    0, 0, 0, 0, 6, 0, 0, 0, // one segment of 6 words
    0, 0, 0, 0, 1, 0, 2, 0, // root: a struct, 1 word of data, 2 pointers
    2, 0, 0, 0, 0, 0, 0, 0, // type = tcp
    5, 0, 0, 0, 0x7A, 0, 0, 0, // dest: 15 bytes with the zero, 1 word on
    0, 0, 0, 0, 0, 0, 0, 0, // no metadata
    b'1', b'2', b'7', b'.', b'0', b'.', b'0', b'.', //
    b'1', b':', b'4', b'0', b'0', b'0', 0, 0,
];

fn decode_request(bytes: &[u8]) -> Result<Option<(ConnectRequest, usize)>, DecodeError> {
    ConnectRequest::decode(&bytes[SIGNATURE_LEN..])
}

#[test]
fn reads_a_request_laid_out_by_hand() {
    let (request, length) = decode_request(REQUEST_BY_HAND).unwrap().unwrap();
    assert_eq!(request, ConnectRequest::tcp("127.0.0.1:4000"));
    assert_eq!(length, REQUEST_BY_HAND.len() - SIGNATURE_LEN);
}

#[test]
fn truncated_requests_ask_for_more() {
    for end in SIGNATURE_LEN..REQUEST_BY_HAND.len() {
        assert_eq!(decode_request(&REQUEST_BY_HAND[..end]), Ok(None), "{end}");
    }
}

#[test]
fn refuses_what_claims_to_be_huge() {
    let mut bytes = b"01".to_vec();
    bytes.extend([0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    assert!(matches!(
        ConnectRequest::decode(&bytes),
        Err(DecodeError::TooLong(_))
    ));
    bytes[2..6].copy_from_slice(&[0xFF; 4]);
    assert!(matches!(
        ConnectRequest::decode(&bytes),
        Err(DecodeError::Malformed { .. })
    ));
}

#[test]
fn response_needs_the_data_signature() {
    let mut bytes = ConnectResponse::accepted().encode();
    bytes[..SIGNATURE_LEN].copy_from_slice(StreamKind::Rpc.signature());
    assert_eq!(ConnectResponse::decode(&bytes), Err(DecodeError::Signature));
}

#[test]
fn refusals_survive_as_responses() {
    for refusal in [
        Refusal::Forbidden("no rule".to_owned()),
        Refusal::Failed("connection refused".to_owned()),
    ] {
        let bytes = ConnectResponse::from(refusal.clone()).encode();
        let (response, _) = ConnectResponse::decode(&bytes).unwrap().unwrap();
        assert_eq!(response.into_result(), Err(refusal));
    }
    assert_eq!(ConnectResponse::accepted().into_result(), Ok(()));
}

fn metadata() -> impl Strategy<Value = Vec<Metadata>> {
    let pair = (".{0,20}", ".{0,60}").prop_map(|(key, value)| Metadata { key, value });
    proptest::collection::vec(pair, 0..8)
}

proptest! {
    #[test]
    fn requests_round_trip(
        destination in ".{0,80}",
        kind in prop_oneof![
            Just(ConnectionType::Http),
            Just(ConnectionType::Websocket),
            Just(ConnectionType::Tcp),
        ],
        metadata in metadata(),
        payload in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let request = ConnectRequest { destination, kind, metadata };
        let mut bytes = request.encode();
        let whole = bytes[SIGNATURE_LEN..].len();
        bytes.extend(payload);
        prop_assert_eq!(decode_request(&bytes), Ok(Some((request, whole))));
    }

    #[test]
    fn responses_round_trip(error in ".{0,80}", metadata in metadata()) {
        let response = ConnectResponse { error, metadata };
        let bytes = response.encode();
        for end in 0..bytes.len() {
            prop_assert_eq!(ConnectResponse::decode(&bytes[..end]), Ok(None));
        }
        prop_assert_eq!(ConnectResponse::decode(&bytes), Ok(Some((response, bytes.len()))));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(ConnectRequest::decode(&bytes));
        drop(ConnectResponse::decode(&bytes));
    }

    #[test]
    fn damaged_messages_never_panic(position in 0..56usize, value in any::<u8>()) {
        let mut bytes = REQUEST_BY_HAND.to_vec();
        bytes[position] = value;
        drop(decode_request(&bytes));
    }
}
