//! Reads a row of a result set in text form.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query_response_text_resultset_row.html>

use crate::DecodeError;
use crate::wire::{NULL, Reader};

/// The values of a row, from its payload. `None` is NULL. Ends with the row, or after an error.
#[derive(Clone, Debug)]
pub struct TextRow<'a> {
    rest: &'a [u8],
}

impl<'a> TextRow<'a> {
    /// Reads the row in `payload`.
    pub fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    fn value(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        if let Some((&NULL, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(None);
        }
        let mut reader = Reader::new(self.rest);
        let value = reader.lenenc_bytes()?;
        self.rest = reader.rest();
        Ok(Some(value))
    }
}

impl<'a> Iterator for TextRow<'a> {
    type Item = Result<Option<&'a [u8]>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let value = self.value();
        if value.is_err() {
            self.rest = &[];
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_and_nulls() {
        let values: Result<Vec<_>, _> = TextRow::new(b"\x02ab\xFB\x00").collect();
        assert_eq!(values.unwrap(), [Some(&b"ab"[..]), None, Some(&b""[..])]);
    }

    #[test]
    fn a_cut_row_is_an_error_and_the_end() {
        let mut row = TextRow::new(b"\x01a\x05xy");
        assert_eq!(row.next(), Some(Ok(Some(&b"a"[..]))));
        assert!(row.next().unwrap().is_err());
        assert_eq!(row.next(), None);
    }
}
