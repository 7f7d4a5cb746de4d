//! The lines at the head of a dump: `/*!40101 SET NAMES utf8mb4 */`.
//!
//! A comment of that kind runs on some servers and not on others, so it pins in general. But what
//! `mysqldump` begins with, every server runs that we know.

use super::{Dialect, Reader, Statement};
use crate::word;

/// From here on a version stands for a server that came after MariaDB had gone its own way, and
/// MariaDB does not run it (<https://mariadb.com/kb/en/comment-syntax/>).
const FIRST_UNSURE: u32 = 50_700;

/// Reads a text that is nothing but one such comment around a `SET` that pins nothing.
pub(super) fn read(sql: &[u8], dialect: Dialect) -> Option<Statement> {
    let inside = inside(sql)?;
    let starts_with_set = inside
        .split_at_checked(3)
        .is_some_and(|(word, rest)| word::is(word, "SET") && rest.starts_with(b" "));
    if !starts_with_set || inside.windows(2).any(|pair| pair == b"*/" || pair == b"/*") {
        return None;
    }
    let mut statement = Reader::new(inside, dialect).read();
    // Their places would be those of the inside.
    let effect = &mut statement.effect;
    let is_carried = effect.pin.is_none() && !effect.is_multi && effect.questions.is_empty();
    is_carried.then_some(statement)
}

/// What is inside the comment, if every server runs it.
pub(crate) fn inside(sql: &[u8]) -> Option<&[u8]> {
    let comment = sql
        .trim_ascii_start()
        .strip_prefix(b"/*!")?
        .trim_ascii_end();
    let comment = comment
        .strip_suffix(b";")
        .unwrap_or(comment)
        .trim_ascii_end();
    let comment = comment.strip_suffix(b"*/")?;
    let digits = comment.iter().take_while(|byte| byte.is_ascii_digit());
    let (version, rest) = comment.split_at_checked(digits.count())?;
    let is_sure = version.is_empty()
        || (version.len() == 5
            && str::from_utf8(version).ok()?.parse::<u32>().ok()? < FIRST_UNSURE);
    is_sure.then(|| rest.trim_ascii())
}
