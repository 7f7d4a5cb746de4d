//! Whether the process can do its work now: the checks behind `/ready`.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// What a check finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// All is well.
    Ready,
    /// Work would fail now; the reason is shown to whoever asks, so it holds no secret.
    NotReady(String),
}

/// Asks for the present state of one part. It answers at once: it neither blocks nor waits.
pub type Check = Arc<dyn Fn() -> CheckState + Send + Sync>;

/// The named checks of a process. Without any it is ready.
#[derive(Clone, Default)]
pub struct Readiness(Vec<(String, Check)>);

impl Readiness {
    /// No checks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a check. The name is shown; a part of the process, such as `tunnel office`.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        check: impl Fn() -> CheckState + Send + Sync + 'static,
    ) {
        self.0.push((name.into(), Arc::new(check)));
    }

    /// Asks every check now.
    pub(crate) fn report(&self) -> Report<'_> {
        let checks: Vec<CheckReport<'_>> = self
            .0
            .iter()
            .map(|(name, check)| match check() {
                CheckState::Ready => CheckReport {
                    name,
                    state: "ready",
                    reason: None,
                },
                CheckState::NotReady(reason) => CheckReport {
                    name,
                    state: "not ready",
                    reason: Some(reason),
                },
            })
            .collect();
        Report {
            ready: checks.iter().all(|check| check.reason.is_none()),
            checks,
        }
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// The body of `/ready`.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    pub(crate) ready: bool,
    pub(crate) checks: Vec<CheckReport<'a>>,
}

/// One check in the body of `/ready`.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport<'a> {
    pub(crate) name: &'a str,
    /// `ready` or `not ready`.
    pub(crate) state: &'static str,
    /// Only with `not ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}
