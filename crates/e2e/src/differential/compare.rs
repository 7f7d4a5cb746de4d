//! Where two sessions were told different things.

use std::collections::BTreeMap;

use testkit::DatabaseKind;

use super::exceptions::{Reason, excuse};
use super::play::Transcript;
use super::reply::Reply;
use super::step::Program;

/// A step on which the two sides disagree.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    /// Place of the program in its scenario.
    pub(super) program: usize,
    /// Number of the step, from 1; 0 is the login.
    pub(super) step: usize,
    /// What is the same for all differences of a kind.
    pub(super) signature: String,
    /// Both replies, as far as they differ.
    pub(super) text: String,
}

/// What came of a comparison.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Whatever differs has an excuse.
    Equal,
    /// Likewise, but one side did not run what the other did: the rest cannot be compared, and the
    /// tables may differ by now.
    CutShort,
    /// The first difference that there is no excuse for.
    Differs(Difference),
}

/// Compares what two sessions were told. Excuses are counted.
pub(super) fn compare(
    kind: DatabaseKind,
    (place, program): (usize, &Program),
    direct: &Transcript,
    through: &Transcript,
    excused: &mut BTreeMap<Reason, usize>,
) -> Verdict {
    let count = direct.0.len().max(through.0.len());
    let mut places = (0..count).filter(|at| direct.0.get(*at) != through.0.get(*at));
    let at = loop {
        let Some(at) = places.next() else {
            return Verdict::Equal;
        };
        let Some(reason) = excuse(kind, program, at, direct, through) else {
            break at;
        };
        *excused.entry(reason).or_default() += 1;
        // What a refused one would have set is not there for the rest of the program.
        if errors(through, at).ne(errors(direct, at)) {
            return Verdict::CutShort;
        }
    };
    let none = Vec::new();
    let expected = direct.0.get(at).unwrap_or(&none);
    let seen = through.0.get(at).unwrap_or(&none);
    let what = match at.checked_sub(1) {
        None => "login".to_owned(),
        Some(step) => program
            .steps
            .get(step)
            .map_or_else(|| program.ending.to_string(), Program::kind_of),
    };
    let (expected, seen) = (lines(expected), lines(seen));
    Verdict::Differs(Difference {
        program: place,
        step: at,
        signature: format!("{what}: {}", manner(&expected, &seen)),
        text: text(&expected, &seen),
    })
}

/// The codes of the errors that a step was told; 0 for no reply.
fn errors(transcript: &Transcript, at: usize) -> impl Iterator<Item = u16> {
    let replies = transcript.0.get(at).into_iter().flatten();
    replies.filter_map(|reply| match reply {
        Reply::Lost(_) => Some(0),
        reply => reply.error().map(|packet| packet.code),
    })
}

/// A session that could not be compared, as its tables could not be kept.
pub(super) fn stuck(place: usize, error: &anyhow::Error) -> Difference {
    Difference {
        program: place,
        step: 0,
        signature: "the tables of the lane cannot be kept".to_owned(),
        text: format!("    {error:#}\n"),
    }
}

fn lines(replies: &[Reply]) -> Vec<String> {
    let text: String = replies.iter().map(ToString::to_string).collect();
    if text.is_empty() {
        return vec!["nothing".to_owned()];
    }
    text.lines().map(str::to_owned).collect()
}

/// The first lines that differ, without figures.
fn manner(expected: &[String], seen: &[String]) -> String {
    let count = expected.len().max(seen.len());
    let at = (0..count).find(|at| expected.get(*at) != seen.get(*at));
    let first = |lines: &[String]| {
        let line = at.and_then(|at| lines.get(at)).map_or("", String::as_str);
        // The name of a column is that of the statement, which comes first.
        let line = line.strip_prefix("column ").map_or(line, |column| {
            column.split_once("):").map_or(column, |(_, rest)| rest)
        });
        let plain = line
            .chars()
            .map(|c| if c.is_ascii_digit() { '#' } else { c });
        plain.take(60).collect::<String>()
    };
    format!("{} / {}", first(expected), first(seen))
}

/// What both were told; lines that both have are shown once.
fn text(expected: &[String], seen: &[String]) -> String {
    let mut text = String::new();
    let same = expected
        .iter()
        .zip(seen)
        .take_while(|(a, b)| a == b)
        .count();
    let rest = |lines: &[String]| lines.len() - same;
    let tail = expected
        .iter()
        .rev()
        .zip(seen.iter().rev())
        .take(rest(expected).min(rest(seen)))
        .take_while(|(a, b)| a == b)
        .count();
    let mut put = |mark: &str, lines: &[String]| {
        for line in lines {
            for part in ["    ", mark, line, "\n"] {
                text += part;
            }
        }
    };
    put("both     ", &expected[..same]);
    put("directly ", &expected[same..expected.len() - tail]);
    put("through  ", &seen[same..seen.len() - tail]);
    text
}
