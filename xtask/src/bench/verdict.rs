//! A figure and what it should be.

use std::fmt;

use serde_json::{Value, json};

use super::numbers::rounded;

/// A figure, and the bound that is its target.
#[derive(Debug)]
pub(super) struct Verdict {
    /// What was measured, with its unit if it has one.
    pub(super) what: String,
    pub(super) figure: f64,
    pub(super) bound: Bound,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// From the first to the second.
    Within(f64, f64),
}

impl Verdict {
    /// Whether the target is met; a figure that is no number meets none.
    pub(super) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.figure <= bound,
            Bound::AtLeast(bound) => self.figure >= bound,
            Bound::Within(least, most) => (least..=most).contains(&self.figure),
        }
    }

    /// `pass` or `FAIL`.
    pub(super) fn word(&self) -> &'static str {
        if self.is_met() { "pass" } else { "FAIL" }
    }

    /// For machines.
    pub(super) fn json(&self) -> Value {
        let (at_most, at_least) = match self.bound {
            Bound::AtMost(bound) => (Some(bound), None),
            Bound::AtLeast(bound) => (None, Some(bound)),
            Bound::Within(least, most) => (Some(most), Some(least)),
        };
        json!({
            "what": self.what,
            "figure": rounded(self.figure),
            "at_most": at_most,
            "at_least": at_least,
            "met": self.is_met(),
        })
    }
}

/// A line for each.
pub(super) fn print(verdicts: &[Verdict]) {
    println!("\n{:<63}{:>9}{:>13}", "target of the edge", "figure", "");
    for verdict in verdicts {
        let Verdict {
            what,
            figure,
            bound,
        } = verdict;
        let bound = bound.to_string();
        println!("{what:<63}{figure:>9.2}{bound:>13}  {}", verdict.word());
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::Within(least, most) => write!(f, "{least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_itself_is_met_and_nothing_is_not() {
        let met = |figure, bound| {
            let what = String::new();
            Verdict {
                what,
                figure,
                bound,
            }
            .is_met()
        };
        assert!(met(1.0, Bound::AtMost(1.0)) && met(1.0, Bound::AtLeast(1.0)));
        assert!(!met(1.1, Bound::AtMost(1.0)) && !met(0.9, Bound::AtLeast(1.0)));
        assert!(met(0.9, Bound::Within(0.9, 1.1)) && met(1.1, Bound::Within(0.9, 1.1)));
        assert!(!met(1.2, Bound::Within(0.9, 1.1)) && !met(f64::NAN, Bound::Within(0.0, 9.0)));
        assert!(!met(f64::NAN, Bound::AtMost(1.0)) && !met(f64::NAN, Bound::AtLeast(1.0)));
    }
}
