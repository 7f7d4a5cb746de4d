//! What is known of texts by their outlines: of those that differ in values only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mysql_sql::Outline;
use query_cache::DefaultHashBuilder;

/// Most outlines that are remembered, of up to 512 bytes each. Beyond that, all are forgotten and
/// the next ones remembered.
const MOST: usize = 4096;

/// What is known by outline, of the text that was read last. Clients cannot know the seed by which
/// it is hashed.
#[derive(Debug)]
pub(crate) struct Outlines<T>(Mutex<Known<T>>);

type Known<T> = HashMap<Box<[u8]>, T, DefaultHashBuilder>;

impl<T: Clone> Outlines<T> {
    pub(crate) fn find(&self, outline: &Outline) -> Option<T> {
        self.known().get(outline.bytes()).cloned()
    }

    pub(crate) fn remember(&self, outline: &Outline, what: T) {
        let outline = outline.bytes().into();
        let mut known = self.known();
        let forgotten = (known.len() >= MOST).then(|| std::mem::take(&mut *known));
        known.insert(outline, what);
        // Who reads a text need not wait for all that to be freed.
        drop(known);
        drop(forgotten);
    }

    fn known(&self) -> MutexGuard<'_, Known<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Outlines<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(sql: &str) -> Outline {
        Outline::of(sql.as_bytes()).unwrap()
    }

    #[test]
    fn what_was_read_last_is_known() {
        let outlines = Outlines::default();
        outlines.remember(&outline("SELECT 1"), 'a');
        outlines.remember(&outline("SELECT 2"), 'b');
        assert_eq!(outlines.find(&outline("SELECT 3")), Some('b'));
        assert_eq!(outlines.find(&outline("SELECT a")), None);
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let outlines = Outlines::default();
        for number in 0..2 * MOST {
            outlines.remember(&outline(&format!("SELECT a FROM t{number}")), number);
        }
        assert!(outlines.known().len() <= MOST);
    }
}
