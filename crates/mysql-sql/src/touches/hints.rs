//! What the comments of a statement ask of the cache: `/* tidegate: max_age=5, swr=0 */`.

use std::time::Duration;

use crate::classify::Dialect;
use crate::token::{Token, Tokens};

/// What a comment begins with that asks for something.
const MARK: &[u8] = b"tidegate:";

const EXPLAIN: &[u8] = b"explain";

/// What the comments of a statement ask of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Hints {
    /// `no-cache`: its result is neither taken from the cache nor kept.
    pub no_cache: bool,
    /// `max_age=5`: how old the result may be.
    pub max_age: Option<Duration>,
    /// `swr=5`: how much older, while a new one is fetched.
    pub swr: Option<Duration>,
    /// `explain`: tell what the cache makes of it.
    pub explains: bool,
}

impl Hints {
    fn add(&mut self, word: &[u8]) {
        match word {
            b"no-cache" => self.no_cache = true,
            EXPLAIN => self.explains = true,
            _ => {
                let mut parts = word.splitn(2, |&byte| byte == b'=');
                let (key, value) = (parts.next(), parts.next().and_then(duration));
                match (key, value) {
                    (Some(b"max_age"), Some(value)) => self.max_age = Some(value),
                    (Some(b"swr"), Some(value)) => self.swr = Some(value),
                    _ => {}
                }
            }
        }
    }
}

/// Reads the hints in the comments of a text: `/* tidegate: word, word … */`, wherever they stand.
/// What is not known is passed over. A literal is no comment, whatever it holds.
///
/// Costs one look for a colon where there are none.
pub fn hints(sql: &[u8], dialect: Dialect) -> Hints {
    let mut hints = Hints::default();
    if !mentions_us(sql) {
        return hints;
    }
    let mut tokens = Tokens::new(sql, dialect.escapes, dialect.letters);
    let mut end = 0;
    loop {
        let token = tokens.next();
        let start = token.map_or(sql.len(), |token| tokens.start_of(token));
        if matches!(token, Some(Token::ExecutableComment | Token::Unfinished)) {
            // Where it began is not known.
            end = tokens.position();
            continue;
        }
        for words in comments(tokens.slice(end..start)).filter_map(words_for_us) {
            words.for_each(|word| hints.add(word));
        }
        if token.is_none() {
            return hints;
        }
        end = tokens.position();
    }
}

/// A text that asks for no explanation: without that word in its comments, without a comment that
/// had no other, and without the white space that was around that at the ends of the text.
pub fn without_explain(sql: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, inside, behind)) = split_at_comment(rest) {
        text.extend_from_slice(before);
        let words = || words_for_us(inside).into_iter().flatten();
        if words().any(|word| word == EXPLAIN) {
            let others = words().filter(|word| !word.is_empty() && *word != EXPLAIN);
            let others: Vec<_> = others.collect();
            if !others.is_empty() {
                text.extend_from_slice(
                    &[b"/* tidegate: ", &*others.join(&b", "[..]), b" */"].concat(),
                );
            }
        } else {
            text.extend_from_slice(&[b"/*", inside, b"*/"].concat());
        }
        rest = behind;
    }
    text.extend_from_slice(rest);
    text.trim_ascii().to_vec()
}

/// What is before the next `/* … */`, what is inside it, and what is behind it.
fn split_at_comment(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let split = |text: &[u8], mark: &[u8]| {
        let at = text.windows(2).position(|pair| pair == mark)?;
        Some((at, at.saturating_add(2)))
    };
    let (start, inside) = split(text, b"/*")?;
    let comment = text.get(inside..)?;
    let (end, behind) = split(comment, b"*/")?;
    Some((
        text.get(..start)?,
        comment.get(..end)?,
        comment.get(behind..)?,
    ))
}

fn mentions_us(sql: &[u8]) -> bool {
    sql.contains(&b':') && sql.windows(MARK.len()).any(|part| part == MARK)
}

/// The insides of the comments `/* … */` of a text that is nothing but comments and white space.
fn comments(mut gap: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        loop {
            match gap {
                [] => return None,
                [b'/', b'*', rest @ ..] => {
                    let len = rest.windows(2).position(|pair| pair == b"*/")?;
                    let (inside, rest) = rest.split_at_checked(len)?;
                    gap = rest.get(2..)?;
                    return Some(inside);
                }
                [b'#' | b'-', ..] => {
                    let end = gap.iter().position(|&byte| byte == b'\n')?;
                    gap = gap.get(end..)?;
                }
                [_, rest @ ..] => gap = rest,
            }
        }
    })
}

fn words_for_us(comment: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let words = comment.trim_ascii_start().strip_prefix(MARK)?;
    Some(words.split(|&byte| byte == b',' || byte.is_ascii_whitespace()))
}

/// `5`, `5s`, `500ms`, `1m`.
fn duration(text: &[u8]) -> Option<Duration> {
    let digits = text.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, unit) = text.split_at_checked(digits.unwrap_or(text.len()))?;
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b"" | b"s" => Some(Duration::from_secs(number)),
        b"ms" => Some(Duration::from_millis(number)),
        b"m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Escapes;

    fn of(sql: &str) -> Hints {
        hints(sql.as_bytes(), Escapes::Backslash.into())
    }

    #[test]
    fn reads_what_comments_ask_for() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (sql, hints) in [
            (
                "/* tidegate: no-cache */ SELECT 1",
                Hints {
                    no_cache: true,
                    ..Hints::default()
                },
            ),
            (
                "SELECT 1 /*tidegate:max_age=5,swr=0*/",
                Hints {
                    max_age: seconds(5),
                    swr: seconds(0),
                    ..Hints::default()
                },
            ),
            (
                "SELECT /* tidegate: explain\n max_age=500ms */ 1",
                Hints {
                    max_age: Some(Duration::from_millis(500)),
                    explains: true,
                    ..Hints::default()
                },
            ),
            (
                "SELECT /* a */ /* tidegate: max_age=1m */ 1 -- b\n /* tidegate: swr=2s */ # c",
                Hints {
                    max_age: seconds(60),
                    swr: seconds(2),
                    ..Hints::default()
                },
            ),
            (
                "SELECT '/* ' /* tidegate: explain */",
                Hints {
                    explains: true,
                    ..Hints::default()
                },
            ),
            (
                "SELECT 1 /*!2 */ /* tidegate: no-cache */ + 1",
                Hints {
                    no_cache: true,
                    ..Hints::default()
                },
            ),
            (
                "SELECT 1 /* tidegate: max_age=5 max_age=7 */",
                Hints {
                    max_age: seconds(7),
                    ..Hints::default()
                },
            ),
        ] {
            assert_eq!(of(sql), hints, "{sql}");
        }
    }

    #[test]
    fn passes_over_what_is_no_hint() {
        for sql in [
            "SELECT 1",
            "SELECT '/* tidegate: no-cache */'",
            "SELECT \"/* tidegate: no-cache */\", `/* tidegate: no-cache */`",
            "SELECT 1 -- /* tidegate: no-cache */",
            "SELECT 1 # /* tidegate: no-cache */",
            "SELECT 1 -- tidegate: no-cache",
            "SELECT 1 /* not tidegate: no-cache */",
            "SELECT 1 /*! tidegate: no-cache */",
            "SELECT 1 /* tidegate: nocache, max_age=, max_age=-1, max_age=5h, swr, swr=99999999999999999999 */",
            "SELECT 1 /* tidegate: max_age=999999999999999999m */",
            "SELECT 1 /* tidegate: no-cache",
            "/* tidegate:",
            "",
        ] {
            assert_eq!(of(sql), Hints::default(), "{sql}");
        }
    }
    #[test]
    fn leaves_all_but_the_hints() {
        for (sql, left) in [
            ("SELECT 1", "SELECT 1"),
            (
                " /*tidegate:explain*/ SELECT 1 /* tidegate: no-cache */ ",
                "SELECT 1 /* tidegate: no-cache */",
            ),
            (
                "SELECT 1 /*tidegate:max_age=5,explain swr=1*/",
                "SELECT 1 /* tidegate: max_age=5, swr=1 */",
            ),
            (
                "/*tidegate:a*//*tidegate:explain*/SELECT 1",
                "/*tidegate:a*/SELECT 1",
            ),
            ("SELECT /* a */*/*tidegate:explain*/1", "SELECT /* a */*1"),
            ("SELECT 1 /*tidegate:explain", "SELECT 1 /*tidegate:explain"),
            ("/*tidegate:explain*/", ""),
        ] {
            assert_eq!(without_explain(sql.as_bytes()), left.as_bytes(), "{sql}");
        }
    }
}
