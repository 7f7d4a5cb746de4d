//! `mysql://user:password@host:port/database`, the way people write an origin.

use domain::{Address, SecretString};

/// MySQL's port. `TiDB` listens on 4000, which has to be written.
const DEFAULT_PORT: u16 = 3306;

/// The parts of an origin's URL, percent-decoded.
#[derive(Clone, Debug)]
pub struct OriginUrl {
    /// Host and port; the port is 3306 when none is written.
    pub address: Address,
    /// The database user; not empty.
    pub user: String,
    /// Its password; empty when none is written.
    pub password: SecretString,
    /// The database; `None` when none is written.
    pub database: Option<String>,
}

/// Why a text is not an [`OriginUrl`]. Shows no part of the text, because any may be the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginUrlError {
    /// It does not begin with `mysql://`.
    #[error("must begin with mysql:// (mysql://user:password@host:port/database)")]
    Scheme,
    /// There is no `user@`, or the user is empty.
    #[error(
        "no user before the host: write mysql://user:password@host:port/database, with `/` `?` `#` `@` \
         `:` and `%` in the user and password percent-encoded (`/` is %2F, `@` is %40)"
    )]
    User,
    /// There is no host, or it holds what no host can.
    #[error(
        "no valid host after the `@` (a name, an IPv4 address, or an IPv6 address in brackets)"
    )]
    Host,
    /// What follows the host is no port.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// There is more than one `/` after the host, or an `@` after it: a password that was not
    /// encoded.
    #[error(
        "after the port goes one database name; a `/` in it, or in the user or password, is written \
         %2F, and `@` is %40"
    )]
    Database,
    /// There is a `?` or `#`.
    #[error(
        "parameters (`?`) and fragments (`#`) have no meaning here; TLS and the pool have keys of \
         their own (in a user, password or database `?` is written %3F and `#` %23)"
    )]
    Parameters,
    /// A `%` without two hexadecimal digits, bytes that are not UTF-8, or a zero byte.
    #[error(
        "a percent-encoded part is broken: `%` goes before two hexadecimal digits (`%` itself is %25), \
         and the result must be UTF-8 without zero bytes"
    )]
    Encoding,
}

impl OriginUrl {
    /// Reads a URL.
    pub fn parse(text: &str) -> Result<Self, OriginUrlError> {
        let rest = text
            .split_once("://")
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("mysql"))
            .map(|(_, rest)| rest)
            .ok_or(OriginUrlError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (login, host) = authority.rsplit_once('@').ok_or(OriginUrlError::User)?;
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let user = decode(user)?;
        if user.is_empty() {
            return Err(OriginUrlError::User);
        }
        Ok(Self {
            address: address(host)?,
            user,
            password: SecretString::from(decode(password)?),
            database: database(tail)?,
        })
    }
}

fn address(text: &str) -> Result<Address, OriginUrlError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or(OriginUrlError::Host)?;
        host.parse::<std::net::Ipv6Addr>()
            .map_err(|_| OriginUrlError::Host)?;
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            None => return Err(OriginUrlError::Port),
            port => port,
        };
        (host, port)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(OriginUrlError::Host);
    }
    let port = port.map_or(Some(DEFAULT_PORT), port_number);
    Ok(Address::new(host, port.ok_or(OriginUrlError::Port)?))
}

fn port_number(text: &str) -> Option<u16> {
    // `parse` alone would take `+1`.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .filter(|port| *port != 0)
}

fn database(tail: &str) -> Result<Option<String>, OriginUrlError> {
    if tail.contains(['?', '#']) {
        return Err(OriginUrlError::Parameters);
    }
    let name = tail.strip_prefix('/').unwrap_or(tail);
    if name.contains(['/', '@']) {
        return Err(OriginUrlError::Database);
    }
    Ok(Some(decode(name)?).filter(|name| !name.is_empty()))
}

/// Percent-decoding (RFC 3986 section 2.1); a `+` stays a `+`.
fn decode(text: &str) -> Result<String, OriginUrlError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(OriginUrlError::Encoding);
        };
        out.push(high << 4 | low);
    }
    // User, password and database travel zero-terminated in the login.
    String::from_utf8(out)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or(OriginUrlError::Encoding)
}

#[cfg(test)]
mod tests {
    use domain::ExposeSecret as _;

    use super::*;

    fn parts(text: &str) -> (String, String, String, Option<String>) {
        let url = OriginUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (
            url.address.to_string(),
            url.user,
            url.password.expose_secret().to_owned(),
            url.database,
        )
    }

    #[test]
    fn reads_all_parts() {
        for (text, address, user, password, database) in [
            ("mysql://u:p@db:4000/app", "db:4000", "u", "p", Some("app")),
            ("mysql://u@db", "db:3306", "u", "", None),
            ("MySQL://u:@db/", "db:3306", "u", "", None),
            (
                "mysql://2ab.root:p%40%2F%25%3a@db",
                "db:3306",
                "2ab.root",
                "p@/%:",
                None,
            ),
            (
                "mysql://u:a@b:c@[::1]:4000/x%20y",
                "[::1]:4000",
                "u",
                "a@b:c",
                Some("x y"),
            ),
            (
                "mysql://%E5%88%A9:+@[fe80::1]",
                "[fe80::1]:3306",
                "利",
                "+",
                None,
            ),
        ] {
            let expected = (
                address.to_owned(),
                user.to_owned(),
                password.to_owned(),
                database.map(str::to_owned),
            );
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_never_what_was_written() {
        for (text, error) in [
            ("", OriginUrlError::Scheme),
            ("postgres://u:secret@db", OriginUrlError::Scheme),
            ("mysql:u:secret@db", OriginUrlError::Scheme),
            ("mysql://db:4000/app", OriginUrlError::User),
            ("mysql://:secret@db", OriginUrlError::User),
            ("mysql://u:sec/ret@db", OriginUrlError::User),
            ("mysql://u:secret@", OriginUrlError::Host),
            ("mysql://u:secret@:4000", OriginUrlError::Host),
            ("mysql://u:secret@a b", OriginUrlError::Host),
            ("mysql://u:secret@[::1", OriginUrlError::Host),
            ("mysql://u:secret@[db]:4000", OriginUrlError::Host),
            ("mysql://u:secret@[::1]4000", OriginUrlError::Port),
            ("mysql://u:secret@::1", OriginUrlError::Host),
            ("mysql://u:secret@db:", OriginUrlError::Port),
            ("mysql://u:secret@db:0", OriginUrlError::Port),
            ("mysql://u:secret@db:65536", OriginUrlError::Port),
            ("mysql://u:secret@db:+1", OriginUrlError::Port),
            ("mysql://u:sec@re/t@db", OriginUrlError::Database),
            ("mysql://u:secret@db/a/b", OriginUrlError::Database),
            ("mysql://u:secret@db/a?ssl=1", OriginUrlError::Parameters),
            ("mysql://u:secret%@db", OriginUrlError::Encoding),
            ("mysql://u:secret%4@db", OriginUrlError::Encoding),
            ("mysql://u:secret%zz@db", OriginUrlError::Encoding),
            ("mysql://u:secret%ff@db", OriginUrlError::Encoding),
            ("mysql://u:secret%00@db", OriginUrlError::Encoding),
        ] {
            let got = OriginUrl::parse(text).expect_err(text);
            assert_eq!(got, error, "{text}");
            assert!(!got.to_string().contains("secret"), "{text}");
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let url = OriginUrl::parse("mysql://u:hunter2@db").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
