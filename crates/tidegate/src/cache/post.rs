//! Just enough of an HTTP client to ask an admin endpoint for something.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context, Result};
use domain::Address;

/// Longest that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest silence; the endpoint itself gives a request 10 s.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest answer; that of an edge repeats the tables it was asked for, which fit 16 KiB.
const MAX_ANSWER: u64 = 1024 * 1024;

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Asks with an empty body.
///
/// HTTP/1.0, because then the answer is never in chunks, and ends with the connection
/// (<https://www.rfc-editor.org/rfc/rfc9112#section-6.1>).
pub(super) fn post(address: &Address, target: &str) -> Result<Answer> {
    let mut stream = connect(address)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    let request = format!("POST {target} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    read(&String::from_utf8_lossy(&answer)).context("what answers there is no HTTP server")
}

/// Tries each address of the host.
fn connect(address: &Address) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the host has no address");
    for address in (address.host.as_str(), address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let rest = head.strip_prefix("HTTP/1.")?;
    let status = rest.split(' ').nth(1)?;
    Some(Answer {
        status: status.get(..3)?.parse().ok()?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_status_and_body() {
        let answer = read("HTTP/1.0 404 Not Found\r\ncontent-length: 2\r\n\r\nno").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (404, "no"));
        let answer = read("HTTP/1.1 200\r\n\r\n").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    }

    #[test]
    fn what_is_no_http_is_no_answer() {
        for text in [
            "",
            "HTTP/1.0 200 OK\r\n",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.0 x\r\n\r\n",
        ] {
            assert!(read(text).is_none(), "{text:?}");
        }
    }
}
