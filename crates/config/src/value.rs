//! The values that keys take, checked one by one as serde reads them.
//!
//! Every message says what is allowed. None repeats a value of the wrong type, as serde's own
//! would: it may be a password without quotes.

mod cache;

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use domain::{Address, SecretSlice, SecretString, Service, TunnelId};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::{LogFormat, OriginUrl, TlsMode, duration};

pub(crate) use cache::{MaxAge, Size, StaleFor};

/// A value that is written as a TOML string.
pub(crate) trait FromText: Sized {
    /// What is allowed, as in "must be …".
    const EXPECTED: &str;

    /// Reads it; the error is a whole message.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// Reads a [`FromText`] from a TOML string.
#[derive(Debug)]
pub(crate) struct Text<T>(pub(crate) T);

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<const MIN: usize, const MAX: usize>(pub(crate) usize);

/// True or false.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Switch(pub(crate) bool);

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<T>(PhantomData<T>);

        fn no_text<T: FromText, V, E: Error>() -> Result<V, E> {
            Err(E::custom(format_args!(
                "must be {}, in quotes",
                T::EXPECTED
            )))
        }

        impl<T: FromText> Visitor<'_> for TextVisitor<T> {
            type Value = Text<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                T::from_text(text).map(Text).map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
                no_text::<T, _, E>()
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
                no_text::<T, _, E>()
            }

            fn visit_i128<E: Error>(self, _: i128) -> Result<Self::Value, E> {
                no_text::<T, _, E>()
            }

            fn visit_u128<E: Error>(self, _: u128) -> Result<Self::Value, E> {
                no_text::<T, _, E>()
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
                no_text::<T, _, E>()
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
                no_text::<T, _, E>()
            }
        }

        deserializer.deserialize_any(TextVisitor(PhantomData))
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor<const MIN: usize, const MAX: usize>;

        impl<const MIN: usize, const MAX: usize> Visitor<'_> for NumberVisitor<MIN, MAX> {
            type Value = Number<MIN, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {MIN} to {MAX}, without quotes")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                usize::try_from(number)
                    .ok()
                    .filter(|number| (MIN..=MAX).contains(number))
                    .map(Number)
                    .ok_or_else(|| {
                        E::custom(format_args!(
                            "{number} is not a whole number from {MIN} to {MAX}"
                        ))
                    })
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
                Err(E::custom(format_args!(
                    "must be a whole number from {MIN} to {MAX}, without quotes"
                )))
            }
        }

        deserializer.deserialize_any(NumberVisitor)
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchVisitor;

        impl Visitor<'_> for SwitchVisitor {
            type Value = Switch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false, without quotes")
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<Self::Value, E> {
                Ok(Switch(on))
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
                Err(E::custom("must be true or false, without quotes"))
            }
        }

        deserializer.deserialize_any(SwitchVisitor)
    }
}

// === Texts ===

/// What a hyperdrive, a tunnel, a local user or an account is called.
///
/// The characters are those that a URL needs no encoding for (RFC 3986 section 2.3): workerd puts
/// the user unencoded into the `connectionString` that it makes. They are safe in metrics and logs
/// too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name(pub(crate) String);

/// Longest name. MySQL's own user names end at 32 characters, `MariaDB`'s at 128.
const MAX_NAME: usize = 64;

impl FromText for Name {
    const EXPECTED: &str = "a name";

    fn from_text(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        if text.is_empty() || text.len() > MAX_NAME || !text.chars().all(allowed) {
            return Err(format!(
                "`{text}` is not a name; allowed: 1 to {MAX_NAME} of a-z A-Z 0-9 - _ . ~"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Longest server version: it stands in every greeting.
const MAX_VERSION: usize = 64;

/// The version in a greeting. Clients read its leading numbers.
#[derive(Debug)]
pub(crate) struct ServerVersion(pub(crate) String);

impl FromText for ServerVersion {
    const EXPECTED: &str = "a version such as 8.0.11-tidegate";

    fn from_text(text: &str) -> Result<Self, String> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let numbered = text.starts_with(|c: char| c.is_ascii_digit());
        if !numbered || !printable || text.len() > MAX_VERSION {
            return Err(format!(
                "must be {}: a digit first, at most {MAX_VERSION} printable ASCII characters",
                Self::EXPECTED
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A filter for `tracing`; checked where it is used.
#[derive(Debug)]
pub(crate) struct Filter(pub(crate) String);

impl FromText for Filter {
    const EXPECTED: &str = "a filter such as info or info,mysql_proxy=debug";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err(format!("must be {}", Self::EXPECTED));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromText for PathBuf {
    const EXPECTED: &str = "a path";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("must be a path; it is empty".to_owned());
        }
        Ok(Self::from(text))
    }
}

impl FromText for SecretString {
    const EXPECTED: &str = "a text";

    fn from_text(text: &str) -> Result<Self, String> {
        // Passwords travel zero-terminated when they are sent in clear (over TLS).
        if text.is_empty() || text.contains('\0') {
            return Err("must be a text that is not empty and has no zero byte".to_owned());
        }
        Ok(Self::from(text))
    }
}

/// Length of a tunnel's secret. Cloudflare's API asks for 32 bytes at least; more than 256 can only
/// be a mistake.
const TUNNEL_SECRET: std::ops::RangeInclusive<usize> = 32..=256;

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl FromText for SecretSlice<u8> {
    const EXPECTED: &str = "base64 of 32 to 256 bytes";

    fn from_text(text: &str) -> Result<Self, String> {
        match BASE64.decode(text) {
            Ok(bytes) if TUNNEL_SECRET.contains(&bytes.len()) => Ok(Self::from(bytes)),
            _ => Err(format!(
                "must be {} (make one with `openssl rand -base64 32`)",
                Self::EXPECTED
            )),
        }
    }
}

impl FromText for Duration {
    const EXPECTED: &str = "a duration such as 10s (units: ms, s, m, h)";

    fn from_text(text: &str) -> Result<Self, String> {
        duration::parse(text)
    }
}

/// A limit in time that may be absent: zero, in any unit, stands for none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeLimit(pub(crate) Option<Duration>);

impl FromText for TimeLimit {
    const EXPECTED: &str = "a duration such as 10s, or 0s for no limit (units: ms, s, m, h)";

    fn from_text(text: &str) -> Result<Self, String> {
        if duration::is_zero(text) {
            return Ok(Self(None));
        }
        duration::parse(text).map(|limit| Self(Some(limit)))
    }
}

impl FromText for SocketAddr {
    const EXPECTED: &str = "an IP address and port";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            format!(
                "`{text}` is not an IP address and port, as in 127.0.0.1:3306, 0.0.0.0:3306 (all \
                 interfaces) or [::1]:3306"
            )
        })
    }
}

impl FromText for Address {
    const EXPECTED: &str = "host:port";

    fn from_text(text: &str) -> Result<Self, String> {
        match text.parse::<Self>() {
            Ok(address) if address.port != 0 => Ok(address),
            Ok(_) => Err("the port must be a number from 1 to 65535".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl FromText for Service {
    const EXPECTED: &str = "tcp://host:port";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|error: domain::ParseServiceError| error.to_string())
    }
}

impl FromText for TunnelId {
    const EXPECTED: &str = "a UUID";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "must be a UUID, as in 6ff42ae2-765d-4adf-8112-31c55c1551ef".to_owned())
    }
}

impl FromText for OriginUrl {
    const EXPECTED: &str = "mysql://user:password@host:port/database";

    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|error| error.to_string())
    }
}

// === Choices ===

/// The four modes of TLS towards an origin, without their authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OriginTlsMode {
    Disabled,
    Required,
    VerifyCa,
    VerifyIdentity,
}

/// Finds `text` among the choices, or says which there are.
fn choose<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let found = choices.iter().find(|(name, _)| *name == text);
    found.map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        format!("`{text}` is not allowed; allowed: {}", names.join(", "))
    })
}

impl FromText for LogFormat {
    const EXPECTED: &str = "text or json";

    fn from_text(text: &str) -> Result<Self, String> {
        choose(text, &[("text", Self::Text), ("json", Self::Json)])
    }
}

impl FromText for TlsMode {
    const EXPECTED: &str = "off, optional or required";

    fn from_text(text: &str) -> Result<Self, String> {
        choose(
            text,
            &[
                ("off", Self::Off),
                ("optional", Self::Optional),
                ("required", Self::Required),
            ],
        )
    }
}

impl FromText for OriginTlsMode {
    const EXPECTED: &str = "disabled, required, verify-ca or verify-identity";

    fn from_text(text: &str) -> Result<Self, String> {
        choose(
            text,
            &[
                ("disabled", Self::Disabled),
                ("required", Self::Required),
                ("verify-ca", Self::VerifyCa),
                ("verify-identity", Self::VerifyIdentity),
            ],
        )
    }
}
