//! Free ports for servers that must be told theirs, and keep it over a restart.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to outgoing connections (from 32768 on Linux): one of
/// those could take the port while its server is down, even a client that keeps trying to reach
/// that very server and so connects to itself.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody had a moment ago, neither TCP on 127.0.0.1 nor UDP. Test programs that run at
/// the same time begin at different places, and each gives out a port once.
pub fn free_port() -> u16 {
    // 997 is prime, so neighbours in process id are far from each other.
    let begin = u64::from(std::process::id()) * 997;
    loop {
        let turn = u64::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = u16::try_from((begin + turn) % u64::from(COUNT)).unwrap_or(0);
        let port = FIRST + offset;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if tcp.is_ok() && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_given_once() {
        let ports: std::collections::HashSet<u16> = (0..50).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 50);
        assert!(
            ports
                .iter()
                .all(|port| (FIRST..FIRST + COUNT).contains(port))
        );
    }
}
