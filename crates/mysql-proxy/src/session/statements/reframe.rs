//! Types that are put into an execution make it longer. Where it is a run of full packets, each
//! gives its end to the next one.
//!
//! ```text
//!   client   [ head │ 16 MiB …            ] [ …               ]
//!   origin   [ head │ types │ 16 MiB …    ] [ carry │ …       ]
//! ```

use mysql_proto::{HEADER_LEN, MAX_PAYLOAD, PacketHeader, patch_statement_id};

/// The first packet of an execution with this payload, for the handle of this id. What does not fit
/// in becomes the `carry`. `None`: the client has sent one packet, and two would be needed, which
/// its count of packets does not allow for.
pub(super) fn first_packet(
    mut payload: Vec<u8>,
    id: u32,
    is_whole: bool,
    carry: &mut Vec<u8>,
) -> Option<Vec<u8>> {
    patch_statement_id(&mut payload, id);
    if is_whole && payload.len() >= MAX_PAYLOAD {
        return None;
    }
    if payload.len() > MAX_PAYLOAD {
        *carry = payload.split_off(MAX_PAYLOAD);
    }
    // One that has become shorter gets its end from the next one.
    let len = if is_whole { payload.len() } else { MAX_PAYLOAD };
    let mut packet = header(len, 0).to_vec();
    packet.append(&mut payload);
    Some(packet)
}

/// How a packet of the client is cut for the origin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Of the origin's packet.
    pub(super) header: [u8; HEADER_LEN],
    /// Bytes of the client's payload that go into it, behind the carry.
    pub(super) taken: usize,
    /// Bytes that are left for the next one.
    pub(super) left: usize,
}

/// Cuts a packet of the client behind a carry of this length. `None`: it is the last one and too
/// long, so that the origin would need one packet more.
pub(super) fn cut(client: PacketHeader, carry: usize) -> Option<Cut> {
    let len = client.payload_len + carry;
    let sent = len.min(MAX_PAYLOAD);
    if len >= MAX_PAYLOAD && client.payload_len < MAX_PAYLOAD {
        return None;
    }
    Some(Cut {
        header: header(sent, client.sequence_id),
        taken: sent - carry,
        left: len - sent,
    })
}

fn header(payload_len: usize, sequence_id: u8) -> [u8; HEADER_LEN] {
    PacketHeader {
        payload_len,
        sequence_id,
    }
    .encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(payload_len: usize, sequence_id: u8) -> PacketHeader {
        PacketHeader {
            payload_len,
            sequence_id,
        }
    }

    #[test]
    fn a_short_execution_stays_one_packet() {
        let mut carry = Vec::new();
        let packet = first_packet(vec![0x17, 0, 0, 0, 0, 1, 2], 5, true, &mut carry);
        assert_eq!(packet.unwrap(), [7, 0, 0, 0, 0x17, 5, 0, 0, 0, 1, 2]);
        assert!(carry.is_empty());
        assert!(first_packet(vec![0; MAX_PAYLOAD], 5, true, &mut carry).is_none());
    }

    #[test]
    fn a_long_one_carries_its_end() {
        let mut carry = Vec::new();
        let mut payload = vec![0; MAX_PAYLOAD + 2];
        payload[MAX_PAYLOAD] = 1;
        let packet = first_packet(payload, 5, false, &mut carry).unwrap();
        assert_eq!(packet.len(), HEADER_LEN + MAX_PAYLOAD);
        assert_eq!(carry, [1, 0]);
        let full = cut(client(MAX_PAYLOAD, 1), 2).unwrap();
        assert_eq!((full.taken, full.left), (MAX_PAYLOAD - 2, 2));
        assert_eq!(full.header, [0xFF, 0xFF, 0xFF, 1]);
        let last = cut(client(10, 2), 2).unwrap();
        assert_eq!((last.taken, last.left, last.header), (10, 0, [12, 0, 0, 2]));
        assert_eq!(cut(client(MAX_PAYLOAD - 1, 2), 2), None);
    }
}
