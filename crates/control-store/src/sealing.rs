//! Sealing of secrets: AES-256-GCM under the key of the folder.
//!
//! A sealed value is `version (1 byte) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. Its place (table,
//! column and id of the row) is authenticated with it, so that a value moved to another place is
//! refused. Nonces are random: safe for 2³² values under one key (NIST SP 800-38D section 8.3), and
//! a start seals a few per hyperdrive.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use domain::{SecretSlice, SecretString};

use crate::StoreError;
use crate::random::KEY_LEN;

/// The only version so far.
const VERSION: u8 = 1;

const NONCE_LEN: usize = aws_lc_rs::aead::NONCE_LEN;

/// Where a sealed value belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: &'a str,
}

/// Seals and unseals with one key.
pub(crate) struct Sealer(RandomizedNonceKey);

impl Sealer {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key);
        Self(key.expect("an AES-256 key is 32 bytes long"))
    }

    /// Seals a value for a place.
    pub(crate) fn seal(&self, plain: &[u8], place: Place<'_>) -> Result<Vec<u8>, StoreError> {
        let mut text = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(place.aad(), &mut text)
            .map_err(|_| StoreError::Random)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + text.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Unseals a value that was sealed for this place.
    pub(crate) fn unseal(
        &self,
        sealed: &[u8],
        place: Place<'_>,
    ) -> Result<SecretSlice<u8>, StoreError> {
        let plain = self.try_unseal(sealed, place);
        plain.map(SecretSlice::from).ok_or_else(|| place.tampered())
    }

    /// Unseals a text that was sealed for this place.
    pub(crate) fn unseal_text(
        &self,
        sealed: &[u8],
        place: Place<'_>,
    ) -> Result<SecretString, StoreError> {
        self.try_unseal(sealed, place)
            .and_then(|plain| String::from_utf8(plain).ok())
            .map(SecretString::from)
            .ok_or_else(|| place.tampered())
    }

    fn try_unseal(&self, sealed: &[u8], place: Place<'_>) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN)?;
        if *version != VERSION {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let plain_len = self
            .0
            .open_in_place(nonce, place.aad(), &mut text)
            .ok()?
            .len();
        text.truncate(plain_len);
        Some(text)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Place<'_> {
    /// Names hold no zero byte, so different places never give the same text.
    fn aad(self) -> Aad<Vec<u8>> {
        Aad::from([self.table, self.column, self.row].join("\0").into_bytes())
    }

    fn tampered(self) -> StoreError {
        StoreError::Tampered {
            table: self.table,
            column: self.column,
            row: self.row.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ExposeSecret as _;

    use super::*;

    const PLACE: Place<'_> = Place {
        table: "hyperdrives",
        column: "password_sealed",
        row: "1",
    };

    #[test]
    fn unseals_what_it_sealed() {
        let sealer = Sealer::new(&[7; KEY_LEN]);
        for text in ["", "hunter2", "利用者"] {
            let blob = sealer.seal(text.as_bytes(), PLACE).unwrap();
            assert_eq!(blob.len(), 1 + 12 + text.len() + 16);
            let plain = sealer.unseal_text(&blob, PLACE).unwrap();
            assert_eq!(plain.expose_secret(), text);
        }
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time() {
        let sealer = Sealer::new(&[7; KEY_LEN]);
        assert_ne!(
            sealer.seal(b"x", PLACE).unwrap(),
            sealer.seal(b"x", PLACE).unwrap()
        );
    }

    #[test]
    fn refuses_every_flipped_bit_and_every_cut() {
        let sealer = Sealer::new(&[7; KEY_LEN]);
        let blob = sealer.seal(b"hunter2", PLACE).unwrap();
        for bit in 0..blob.len() * 8 {
            let mut changed = blob.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(sealer.unseal(&changed, PLACE).is_err(), "bit {bit}");
        }
        for len in 0..blob.len() {
            assert!(sealer.unseal(&blob[..len], PLACE).is_err(), "length {len}");
        }
    }

    #[test]
    fn refuses_another_place_and_another_key() {
        let sealer = Sealer::new(&[7; KEY_LEN]);
        let blob = sealer.seal(b"hunter2", PLACE).unwrap();
        for place in [
            Place { row: "2", ..PLACE },
            Place {
                table: "tunnels",
                ..PLACE
            },
            Place {
                column: "origin_password_sealed",
                ..PLACE
            },
        ] {
            assert!(sealer.unseal(&blob, place).is_err(), "{place:?}");
        }
        assert!(Sealer::new(&[8; KEY_LEN]).unseal(&blob, PLACE).is_err());
    }
}
