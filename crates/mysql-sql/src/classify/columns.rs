//! Finds the column that a question makes in a select list, because the server names a column
//! without an alias after its text.
//!
//! Runs only over statements that have a question.

use std::ops::Range;

use crate::question::{Column, Question, Server};
use crate::token::{Token, Tokens};
use crate::word::{is, is_one_of};

/// Deepest parentheses that are followed. What is deeper is not named, which shows in a column's
/// name at most.
const MAX_DEPTH: usize = 64;

/// Words that stand between `SELECT` and its list.
const OPTIONS: [&str; 11] = [
    "ALL",
    "DISTINCT",
    "DISTINCTROW",
    "HIGH_PRIORITY",
    "STRAIGHT_JOIN",
    "SQL_SMALL_RESULT",
    "SQL_BIG_RESULT",
    "SQL_BUFFER_RESULT",
    "SQL_NO_CACHE",
    "SQL_CACHE",
    "SQL_CALC_FOUND_ROWS",
];

/// Words that end a select list.
const ENDS: [&str; 14] = [
    "FROM",
    "INTO",
    "WHERE",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "LIMIT",
    "ORDER",
    "GROUP",
    "HAVING",
    "PROCEDURE",
    "FOR",
    "LOCK",
    "WINDOW",
];

/// Words that end an expression.
const VALUES: [&str; 5] = ["NULL", "TRUE", "FALSE", "UNKNOWN", "END"];

/// Words behind which an expression goes on.
const OPERATORS: [&str; 17] = [
    "AND", "OR", "XOR", "NOT", "DIV", "MOD", "LIKE", "IS", "BETWEEN", "IN", "REGEXP", "RLIKE",
    "BINARY", "COLLATE", "THEN", "ELSE", "WHEN",
];

/// Sets `column` of the questions, which all belong to the statement that begins here.
pub(super) fn name(tokens: Tokens<'_>, questions: &mut [Question], server: Server) {
    Namer {
        questions,
        names_comments: server == Server::TiDb,
        lists: vec![None],
    }
    .run(tokens);
}

/// An item of a select list.
#[derive(Default)]
struct Item<'a> {
    /// Where it stands, as far as it was read.
    range: Option<Range<usize>>,
    has_as: bool,
    /// Its last two tokens.
    last: [Option<Token<'a>>; 2],
}

struct Namer<'q, 'a> {
    questions: &'q mut [Question],
    /// A column is named after all that stands before the next one.
    names_comments: bool,
    /// For each open parenthesis, and the statement itself: the item that is read, if it is a
    /// select list.
    lists: Vec<Option<Item<'a>>>,
}

impl<'a> Namer<'_, 'a> {
    fn run(&mut self, mut tokens: Tokens<'a>) {
        while let Some(token) = tokens.next() {
            let range = tokens.start_of(token)..tokens.position();
            let behind = tokens.slice(self.end_of_item()..range.start);
            match token {
                Token::Sign(b';') => {
                    self.end_item(behind);
                    return;
                }
                Token::Sign(b',') => self.next_item(behind),
                Token::Sign(b'(') => {
                    self.extend(token, range);
                    if self.lists.len() > MAX_DEPTH {
                        return;
                    }
                    self.lists.push(None);
                }
                Token::Sign(b')') => {
                    self.end_item(behind);
                    if self.lists.len() > 1 {
                        self.lists.pop();
                    }
                    self.extend(token, range);
                }
                Token::Word(word) if is(word, "SELECT") || is(word, "RETURNING") => {
                    self.end_item(behind);
                    self.put(Some(Item::default()));
                }
                Token::Word(word) if is_one_of(word, &ENDS) => {
                    self.end_item(behind);
                    self.put(None);
                }
                _ => self.extend(token, range),
            }
        }
        let behind = tokens.slice(self.end_of_item()..tokens.position());
        self.end_item(behind);
    }

    fn put(&mut self, item: Option<Item<'a>>) {
        if let Some(list) = self.lists.last_mut() {
            *list = item;
        }
    }

    /// Where the item ends that is read, as far as it was read.
    fn end_of_item(&self) -> usize {
        let item = self.lists.last().and_then(Option::as_ref);
        let range = item.and_then(|item| item.range.as_ref());
        range.map_or(0, |range| range.end)
    }

    fn next_item(&mut self, behind: &[u8]) {
        self.end_item(behind);
        if let Some(list @ Some(_)) = self.lists.last_mut() {
            *list = Some(Item::default());
        }
    }

    fn extend(&mut self, token: Token<'a>, range: Range<usize>) {
        let Some(Some(item)) = self.lists.last_mut() else {
            return;
        };
        let is_first = item.range.is_none();
        if is_first && matches!(token, Token::Word(word) if is_one_of(word, &OPTIONS)) {
            return;
        }
        item.has_as |= matches!(token, Token::Word(word) if is(word, "AS"));
        let start = item.range.as_ref().map_or(range.start, |known| known.start);
        item.range = Some(start..range.end);
        item.last = [item.last[1], Some(token)];
    }

    /// The item is complete: what was asked in it makes a column of this name. `behind`: what
    /// stands between it and the next token.
    fn end_item(&mut self, behind: &[u8]) {
        let Some(Some(item)) = self.lists.last() else {
            return;
        };
        let Some(range) = item.range.as_ref().filter(|_| !item.has_alias()) else {
            return;
        };
        let comments = if self.names_comments {
            behind.trim_ascii_end().len()
        } else {
            0
        };
        let column = Column {
            range: range.clone(),
            name: range.start..range.end.saturating_add(comments),
        };
        for question in self.questions.iter_mut() {
            if range.start <= question.range.start && question.range.end <= range.end {
                question.column = Some(column.clone());
            }
        }
    }
}

impl Item<'_> {
    /// True when the item ends with a name of its own, with or without `AS`.
    fn has_alias(&self) -> bool {
        let follows_value = match self.last[0] {
            None | Some(Token::AtAt | Token::At) => false,
            Some(Token::Sign(sign)) => sign == b')',
            Some(Token::Word(word)) => !is_one_of(word, &OPERATORS),
            Some(_) => true,
        };
        let is_name = match self.last[1] {
            Some(Token::Word(word)) => {
                !is_one_of(word, &VALUES) && !word.iter().all(u8::is_ascii_digit)
            }
            Some(Token::Quoted(_) | Token::Literal(_)) => true,
            _ => false,
        };
        self.has_as || (follows_value && is_name)
    }
}
