//! Faults on purpose, for the tests that must find them: each leaves a step out that keeps a result
//! from being served after a write. Only in debug builds; in a release nothing can be left out.

/// A step that is left out on purpose, if any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutant {
    #[cfg(debug_assertions)]
    fault: Option<Fault>,
}

/// A step to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Counting a write while it is under way.
    Counting,
    /// Moving the versions when a write has ended.
    Moving,
    /// Comparing the versions before a result is kept.
    Comparing,
}

impl Mutant {
    /// The mutant of this name: `no-counting`, `no-moving` or `no-comparing`.
    #[cfg(debug_assertions)]
    pub fn named(name: &str) -> Option<Self> {
        let fault = match name {
            "no-counting" => Fault::Counting,
            "no-moving" => Fault::Moving,
            "no-comparing" => Fault::Comparing,
            _ => return None,
        };
        Some(Self { fault: Some(fault) })
    }

    #[cfg(debug_assertions)]
    pub(crate) fn has(self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    #[cfg(not(debug_assertions))]
    pub(crate) fn has(self, _fault: Fault) -> bool {
        false
    }
}
