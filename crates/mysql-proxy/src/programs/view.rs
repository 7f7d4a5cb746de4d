//! What a view does, by its text as servers write it down: with each name in backticks, and each
//! table behind its database.

use mysql_sql::{Dialect, Escapes, Letters, classify};

use super::grants::Grants;
use super::is_of_server;
use crate::origin::Flavor;

/// A name in backticks, and what is around it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
struct Name {
    text: String,
    is_behind_point: bool,
    is_before_point: bool,
    /// It is what the text calls a table, a query in parentheses, or one behind `WITH`. (Columns
    /// have an `AS` before theirs.)
    is_alias: bool,
    /// It stands right behind another name.
    follows_another: bool,
}

/// True when a view of this text calls no stored function and takes no lock, nor can another view
/// that it reads: they are all shown.
pub(super) fn is_plain(text: &str, flavor: Flavor, grants: &Grants) -> bool {
    let dialect = Dialect {
        escapes: Escapes::Backslash,
        letters: Letters::Utf8,
        server: flavor.server(),
        ignores_space: false,
    };
    let effect = classify(text.as_bytes(), dialect).effect;
    let leaves_nothing = !effect.runs_program && effect.pin.is_none();
    !text.is_empty() && leaves_nothing && reads_only(text, |name| grants.show_views_of(name))
}

/// True when all databases that the text names are such. What stands before a point is one, unless
/// it is what the text calls a table itself: then it is followed by the name of a column alone.
fn reads_only(text: &str, is_shown: impl Fn(&str) -> bool) -> bool {
    let names = names(text);
    let is_shown = |name: &str| is_shown(name) || is_of_server(name);
    let is_alias = |name: &str| {
        names
            .iter()
            .any(|other| other.is_alias && other.text == name)
    };
    let is_of_column = |at: usize| {
        let second = names.get(at.saturating_add(1));
        let third = names.get(at.saturating_add(2));
        second.is_some_and(|name| !name.is_before_point)
            && !third.is_some_and(|name| name.follows_another)
    };
    let firsts = names
        .iter()
        .enumerate()
        .filter(|(_, name)| name.is_before_point && !name.is_behind_point);
    firsts
        .into_iter()
        .all(|(at, name)| is_shown(&name.text) || (is_of_column(at) && is_alias(&name.text)))
}

/// The names in a text, without those in its literals.
fn names(text: &str) -> Vec<Name> {
    let mut names = Vec::new();
    let mut is_behind_point = false;
    let mut rest = text;
    while let Some(quote) = rest.chars().next() {
        let after = rest.get(quote.len_utf8()..).unwrap_or_default();
        if !matches!(quote, '`' | '\'' | '"') {
            is_behind_point = quote == '.';
            rest = after;
            continue;
        }
        let before = text.get(..text.len().saturating_sub(rest.len()));
        let before = before.unwrap_or_default().trim_end();
        let (content, behind) = quoted(after, quote);
        let is_alone = !is_behind_point && !behind.starts_with('.');
        if quote == '`' {
            names.push(Name {
                text: content,
                is_behind_point,
                is_before_point: behind.starts_with('.'),
                is_alias: is_alone && (before.ends_with(['`', ')']) || is_behind_keyword(before)),
                follows_another: is_alone && before.ends_with('`'),
            });
        }
        is_behind_point = false;
        rest = behind;
    }
    names
}

/// True where a name that stands alone is that of a query behind `WITH`.
fn is_behind_keyword(before: &str) -> bool {
    let mut words = before.rsplit(|letter: char| !letter.is_ascii_alphabetic());
    let keywords = ["with", "recursive", "from", "join"];
    let is_one = |last: &str| {
        keywords
            .iter()
            .any(|keyword| last.eq_ignore_ascii_case(keyword))
    };
    words.next().is_some_and(is_one)
}

/// What is up to the closing quote, and what is behind it. A doubled one is one inside; a backslash
/// escapes in a literal.
fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut content = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            if letters.next_if(|(_, next)| *next == quote).is_none() {
                let behind = at.saturating_add(quote.len_utf8());
                return (content, text.get(behind..).unwrap_or_default());
            }
        } else if letter == '\\' && quote != '`' {
            letters.next();
            continue;
        }
        content.push(letter);
    }
    (content, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_what_a_view_calls_and_reads() {
        let mariadb = Flavor::MariaDb {
            has_new_names: false,
            has_defaults: false,
        };
        let grants = Grants::new(&["GRANT ALL PRIVILEGES ON `d`.* TO `app`@`%`"]);
        for (text, is_one) in [
            ("select `d`.`t`.`a` AS `a` from `d`.`t`", true),
            (
                "select count(0) AS `n`,sum(`x`.`a`) AS `s` from (`d`.`t` `x` join `d`.`u`)",
                true,
            ),
            (
                "select cast(`d`.`t`.`a` as char charset utf8mb4) AS `b` from `d`.`t`",
                true,
            ),
            ("select '`e`.`t` it''s \\'' AS `c` from `d`.`t`", true),
            ("select `d`.`g`() AS `g`", false),
            ("select `g`(1) AS `g`", false),
            ("select nextval(`d`.`s`) AS `n`,`d`.`g`() AS `g`", false),
            ("select `e`.`t`.`a` AS `a` from `e`.`t`", false),
            ("select `x`.`a` AS `a` from `e`.`t` `x`", false),
            ("select `e`.`t`.`a` AS `e` from `e`.`t`", false),
            ("select `e`.`a` AS `a` from `e`.`t` `e`", false),
            (
                "select `x`.`a` AS `a` from (select `d`.`t`.`a` AS `a` from `d`.`t`) `x`",
                true,
            ),
            (
                "with `c` as (select `d`.`t`.`a` AS `a` from `d`.`t`) select `c`.`a` AS `a` from `c`",
                true,
            ),
            (
                "select `y`.`a` AS `a` from (select `x`.`a` AS `a` from `d`.`t` `x` \
                 where (`x`.`b` = `x`.`c`)) `y`",
                true,
            ),
            (
                "select `t`.`A` AS `A` from `information_schema`.`TABLES` `t`",
                true,
            ),
            ("select get_lock('l',0) AS `g`", false),
            ("", false),
        ] {
            for flavor in [Flavor::MySql, mariadb] {
                assert_eq!(is_plain(text, flavor, &grants), is_one, "{text}");
            }
        }
    }
}
