//! Registration messages survive the wire, and hostile ones are refused.

use capnp::message::Builder;
use proptest::prelude::*;

use super::*;

fn registration() -> Registration {
    Registration {
        account: AccountTag("acc".to_owned()),
        secret: vec![7; 32].into(),
        tunnel: TunnelId::random(),
        index: ConnIndex(3),
        connector: ConnectorInfo {
            id: ConnectorId::random(),
            features: vec!["support_quic_eof".to_owned(), "x".to_owned()],
            version: "2026.8.2".to_owned(),
            arch: "linux_amd64".to_owned(),
        },
        previous_attempts: 2,
    }
}

fn reread(registration: &Registration) -> Result<Registration, DecodeError> {
    let mut message = Builder::new_default();
    registration.write(message.init_root());
    Registration::read(message.get_root_as_reader().unwrap())
}

#[test]
fn registration_round_trips() {
    let sent = registration();
    let read = reread(&sent).unwrap();
    assert_eq!(read.connector, sent.connector);
    assert!(read.connector.has("support_quic_eof"));
    assert!(!read.connector.has("support_quic"));
    assert_eq!(
        (read.tunnel, read.index, read.previous_attempts),
        (sent.tunnel, ConnIndex(3), 2)
    );
    assert_eq!(read.account, sent.account);
    assert_eq!(read.secret.expose_secret(), sent.secret.expose_secret());
}

#[test]
fn registration_has_limits() {
    let mut long = registration();
    long.connector.version = "v".repeat(MAX_TEXT + 1);
    assert_eq!(reread(&long).unwrap_err(), DecodeError::TooLong(257));
    let mut long = registration();
    long.secret = vec![0; MAX_SECRET + 1].into();
    assert_eq!(reread(&long).unwrap_err(), DecodeError::TooLong(1025));
}

#[test]
fn empty_parameters_are_refused() {
    let mut message = Builder::new_default();
    message.init_root::<registration_server::register_connection_params::Builder<'_>>();
    let read = Registration::read(message.get_root_as_reader().unwrap());
    assert!(matches!(read, Err(DecodeError::Malformed { .. })));
}

#[test]
fn replies_round_trip() {
    let replies = [
        RegistrationReply::Registered(ConnectionDetails {
            id: Uuid::new_v4(),
            location: "here".to_owned(),
            remotely_managed: true,
        }),
        RegistrationReply::Refused("Unauthorized: wrong secret".to_owned()),
    ];
    for reply in replies {
        let mut message = Builder::new_default();
        reply.write(message.init_root());
        let read = RegistrationReply::read(message.get_root_as_reader().unwrap());
        assert_eq!(read, Ok(reply));
    }
}

proptest! {
    #[test]
    fn hostile_messages_never_panic(words in proptest::collection::vec(any::<[u8; 8]>(), 0..64)) {
        let bytes = words.concat();
        let segments = [bytes.as_slice()];
        let segments = capnp::message::SegmentArray::new(&segments);
        let message = capnp::message::Reader::new(segments, capnp::message::ReaderOptions::new());
        if let Ok(params) = message.get_root() {
            drop(Registration::read(params));
        }
        if let Ok(response) = message.get_root() {
            drop(RegistrationReply::read(response));
        }
    }
}
