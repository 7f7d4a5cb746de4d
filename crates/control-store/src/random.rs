//! What the store makes up: keys, tunnel secrets, passwords.

use aws_lc_rs::rand;
use domain::SecretString;

use crate::StoreError;

/// Length of keys and tunnel secrets.
pub(crate) const KEY_LEN: usize = 32;

/// Length of a password: 190 bits with 62 characters.
const PASSWORD_LEN: usize = 32;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random bytes.
pub(crate) fn key() -> Result<[u8; KEY_LEN], StoreError> {
    let mut key = [0; KEY_LEN];
    rand::fill(&mut key).map_err(|_| StoreError::Random)?;
    Ok(key)
}

/// A password of letters and digits, because workerd's `connectionString` is not percent-encoded.
pub(crate) fn password() -> Result<SecretString, StoreError> {
    let mut password = String::with_capacity(PASSWORD_LEN);
    while password.len() < PASSWORD_LEN {
        let drawn = key()?.into_iter().filter_map(letter);
        password.extend(drawn.take(PASSWORD_LEN - password.len()));
    }
    Ok(password.into())
}

/// The letter of a random byte. Bytes past the last whole alphabet are dropped: they would make the
/// first letters more likely.
fn letter(byte: u8) -> Option<char> {
    let index = usize::from(byte);
    let whole = 256 - 256 % ALPHABET.len();
    (index < whole)
        .then(|| ALPHABET.get(index % ALPHABET.len()))
        .flatten()
        .map(|letter| char::from(*letter))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use domain::ExposeSecret as _;

    use super::*;

    #[test]
    fn passwords_are_letters_and_digits_and_differ() {
        let first = password().unwrap();
        assert_eq!(first.expose_secret().len(), 32);
        assert!(
            first
                .expose_secret()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric())
        );
        assert_ne!(first.expose_secret(), password().unwrap().expose_secret());
    }

    #[test]
    fn every_letter_is_as_likely() {
        let mut counts: HashMap<char, usize> = HashMap::new();
        for letter in (0..=u8::MAX).filter_map(letter) {
            *counts.entry(letter).or_default() += 1;
        }
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|count| *count == 4));
    }
}
