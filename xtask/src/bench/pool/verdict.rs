//! A figure and what it should be.

use std::fmt;

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
}

impl Verdict {
    /// Whether the target is met; a figure that is no number meets none.
    pub(super) fn is_met(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.figure <= bound,
            Bound::AtLeast(bound) => self.figure >= bound,
        }
    }

    /// `pass` or `FAIL`.
    pub(super) fn word(&self) -> &'static str {
        if self.is_met() { "pass" } else { "FAIL" }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
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
        assert!(!met(f64::NAN, Bound::AtMost(1.0)) && !met(f64::NAN, Bound::AtLeast(1.0)));
    }
}
