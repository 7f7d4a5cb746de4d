//! Faults on purpose, for the tests that must find them: each leaves a step out that keeps one
//! session's state from another. Only in debug builds; in a release nothing can be left out.

/// A step that is left out on purpose, if any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutant {
    #[cfg(debug_assertions)]
    fault: Option<Fault>,
}

/// A step to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The reset of a connection that carried state.
    Reset,
    /// The steps that lead a connection to its session's state.
    Bring,
    /// The capture of what a session may ask about its last statement.
    Capture,
}

impl Mutant {
    /// The mutant of this name: `no-reset`, `no-bring` or `no-capture`.
    #[cfg(debug_assertions)]
    pub fn named(name: &str) -> Option<Self> {
        let fault = match name {
            "no-reset" => Fault::Reset,
            "no-bring" => Fault::Bring,
            "no-capture" => Fault::Capture,
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
