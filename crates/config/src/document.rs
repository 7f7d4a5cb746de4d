//! The file as a tree of TOML values that know their place, from which serde reads
//! [`written::File`], and in which every problem finds its line and key.

use std::ops::Range;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use crate::variables::{Lookup, expand};
use crate::{Problem, suggest, written};

/// Most problems reported at once; a person mends no more before trying again.
const MAX_PROBLEMS: usize = 20;

/// Part of the text, in bytes.
pub(crate) type Span = Range<usize>;

/// A problem that does not know its line and key yet.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) span: Span,
    pub(crate) message: String,
}

/// A file's text and tree.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    name: &'a str,
    text: &'a str,
    tree: Spanned<DeTable<'a>>,
    places: Vec<Place>,
}

/// Where a key or an array's element stands.
#[derive(Debug)]
struct Place {
    path: String,
    /// Empty for an element of an array.
    key: Span,
    value: Span,
}

impl<'a> Document<'a> {
    /// Reads the text as TOML.
    pub(crate) fn parse(name: &'a str, text: &'a str) -> Result<Self, Vec<Problem>> {
        let (tree, places, complaints) = match DeTable::parse(text) {
            Ok(tree) => {
                let mut places = Vec::new();
                find_places(tree.get_ref(), "", &mut places);
                (tree, places, Vec::new())
            }
            Err(error) => {
                let complaint = Complaint {
                    span: error.span().unwrap_or_default(),
                    message: explain_syntax(error.message()),
                };
                (
                    Spanned::new(0..0, DeTable::new()),
                    Vec::new(),
                    vec![complaint],
                )
            }
        };
        let document = Self {
            name,
            text,
            tree,
            places,
        };
        if complaints.is_empty() {
            Ok(document)
        } else {
            Err(document.problems(complaints))
        }
    }

    /// Puts the environment's variables in, and reads the structs.
    pub(crate) fn read(&mut self, lookup: Lookup<'_>) -> Result<written::File, Vec<Problem>> {
        let mut complaints = Vec::new();
        expand_table(self.tree.get_mut(), lookup, &mut complaints);
        // After each complaint its key is taken out of the tree and the rest read again, because
        // serde stops at the first. All keys are optional to serde, so nothing that is missing
        // follows from it.
        let mut tree = self.tree.clone();
        for complaint in &complaints {
            remove(tree.get_mut(), &complaint.span);
        }
        let file = loop {
            let error = match written::File::deserialize(Deserializer::from(tree.clone())) {
                Ok(file) => break file,
                Err(error) => error,
            };
            let span = error.span().unwrap_or_default();
            complaints.push(Complaint {
                span: span.clone(),
                message: explain(error.message()),
            });
            if complaints.len() >= MAX_PROBLEMS || !remove(tree.get_mut(), &span) {
                break written::File::default();
            }
        };
        if complaints.is_empty() {
            Ok(file)
        } else {
            Err(self.problems(complaints))
        }
    }

    /// Gives complaints their line, column and key, in the order of the file.
    pub(crate) fn problems(&self, mut complaints: Vec<Complaint>) -> Vec<Problem> {
        complaints.sort_by_key(|complaint| complaint.span.start);
        complaints
            .into_iter()
            .take(MAX_PROBLEMS)
            .map(|Complaint { span, message }| {
                let (line, column) = self.position(span.start);
                Problem {
                    file: self.name.to_owned(),
                    line,
                    column,
                    key: self.path(&span),
                    message,
                }
            })
            .collect()
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    /// Path of the key that the span belongs to: that of exactly this place, else of the smallest
    /// value around it.
    fn path(&self, span: &Span) -> String {
        let exact = self
            .places
            .iter()
            .find(|place| place.key == *span || place.value == *span);
        let around = || {
            self.places
                .iter()
                .filter(|place| place.value.start <= span.start && span.end <= place.value.end)
                .min_by_key(|place| place.value.len())
        };
        exact
            .or_else(around)
            .map_or_else(String::new, |place| place.path.clone())
    }
}

fn find_places(table: &DeTable<'_>, prefix: &str, places: &mut Vec<Place>) {
    for (key, value) in table {
        let path = match prefix {
            "" => key.get_ref().to_string(),
            prefix => format!("{prefix}.{}", key.get_ref()),
        };
        find_value_places(value, path, key.span(), places);
    }
}

fn find_value_places(
    value: &Spanned<DeValue<'_>>,
    path: String,
    key: Span,
    places: &mut Vec<Place>,
) {
    match value.get_ref() {
        DeValue::Table(table) => find_places(table, &path, places),
        DeValue::Array(array) => {
            for (index, element) in array.iter().enumerate() {
                find_value_places(element, format!("{path}[{index}]"), 0..0, places);
            }
        }
        _ => {}
    }
    places.push(Place {
        path,
        key,
        value: value.span(),
    });
}

fn expand_table(table: &mut DeTable<'_>, lookup: Lookup<'_>, complaints: &mut Vec<Complaint>) {
    for (_, value) in table.iter_mut() {
        expand_value(value, lookup, complaints);
    }
}

fn expand_value(
    value: &mut Spanned<DeValue<'_>>,
    lookup: Lookup<'_>,
    complaints: &mut Vec<Complaint>,
) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) if text.contains("${") => match expand(text, lookup) {
            Ok(expanded) => *text = expanded.into(),
            Err(message) => complaints.push(Complaint { span, message }),
        },
        DeValue::Array(array) => {
            for element in array.iter_mut() {
                expand_value(element, lookup, complaints);
            }
        }
        DeValue::Table(table) => expand_table(table, lookup, complaints),
        _ => {}
    }
}

/// Takes the innermost key out whose own place or value holds the span. False: there is none.
fn remove(table: &mut DeTable<'_>, span: &Span) -> bool {
    let holds = |place: Span| place.start <= span.start && span.end <= place.end;
    for (_, value) in table.iter_mut() {
        let removed = match value.get_mut() {
            DeValue::Table(inner) => remove(inner, span),
            DeValue::Array(array) => array.iter_mut().any(|element| match element.get_mut() {
                DeValue::Table(inner) => remove(inner, span),
                _ => false,
            }),
            _ => false,
        };
        if removed {
            return true;
        }
    }
    let found = table
        .iter()
        .find(|(key, value)| holds(key.span()) || holds(value.span()))
        .map(|(key, _)| key.clone());
    found.is_some_and(|key| table.remove(&key).is_some())
}

/// Turns serde's words into ours; in particular they no longer repeat a value of the wrong type.
fn explain(message: &str) -> String {
    if let Some((_, expected)) = message
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.rsplit_once(", expected "))
    {
        return format!("must be {expected}");
    }
    let Some((key, expected)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'))
    else {
        return message.to_owned();
    };
    // The names stand between backticks: each second part.
    let allowed: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let hint = suggest::nearest(key, allowed.iter().copied())
        .map(|nearest| format!("; did you mean `{nearest}`?"))
        .unwrap_or_default();
    format!("unknown key; allowed here: {}{hint}", allowed.join(", "))
}

/// Adds what is mostly meant when a value is none: a text without quotes.
fn explain_syntax(message: &str) -> String {
    let message = message
        .strip_suffix(", expected nothing")
        .unwrap_or(message);
    let hint = if message.starts_with("invalid ") {
        " (a text goes in quotes)"
    } else {
        ""
    };
    format!("not TOML: {message}{hint}")
}
