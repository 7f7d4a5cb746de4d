//! Faults on purpose, for the tests that must find them: each leaves a step out that keeps one
//! session's state from another, or a read from being stale. Only in debug builds; in a release
//! nothing can be left out.

/// A step that is left out on purpose, if any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mutant {
    #[cfg(debug_assertions)]
    fault: Option<Fault>,
}

/// A step to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(debug_assertions),
    expect(dead_code, reason = "no release has a mutant")
)]
pub(crate) enum Fault {
    /// The reset of a connection that carried state.
    Reset,
    /// The steps that lead a connection to its session's state.
    Bring,
    /// The capture of what a session may ask about its last statement.
    Capture,
    /// The count of writes that are being committed.
    Committing,
    /// The move of versions when they are.
    Move,
    /// The look at versions before a result is kept.
    FillCheck,
    /// The wait for the end of a write whose connection was lost.
    Wait,
}

impl Mutant {
    /// The mutant of this name: `no-reset`, `no-bring`, `no-capture`; of the cache `no-committing`,
    /// `no-move`, `no-fill-check`, `no-wait`.
    #[cfg(debug_assertions)]
    pub fn named(name: &str) -> Option<Self> {
        let fault = match name {
            "no-reset" => Fault::Reset,
            "no-bring" => Fault::Bring,
            "no-capture" => Fault::Capture,
            "no-committing" => Fault::Committing,
            "no-move" => Fault::Move,
            "no-fill-check" => Fault::FillCheck,
            "no-wait" => Fault::Wait,
            _ => return None,
        };
        Some(Self { fault: Some(fault) })
    }

    /// What of it is the cache's.
    pub(crate) fn of_cache(self) -> query_cache::Mutant {
        #[cfg(debug_assertions)]
        {
            let name = match self.fault {
                Some(Fault::Committing) => "no-counting",
                Some(Fault::Move) => "no-moving",
                Some(Fault::FillCheck) => "no-comparing",
                _ => return query_cache::Mutant::default(),
            };
            query_cache::Mutant::named(name).unwrap_or_default()
        }
        #[cfg(not(debug_assertions))]
        query_cache::Mutant::default()
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
