//! What of a state the results of reads depend on, and what it costs to keep it with them.

use std::sync::Arc;

use super::{Names, SessionState};

impl SessionState {
    /// True when a read that reads no user variables has the same result in both.
    pub(crate) fn gives_same_results(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other)
            || (self.result_stamp == other.result_stamp
                && self.database == other.database
                && self.names == other.names
                && self.ignore_space == other.ignore_space
                && self.variables == other.variables
                && self.role == other.role)
    }

    /// Equal for states that give the same results.
    pub(crate) fn result_stamp(&self) -> u64 {
        self.result_stamp
    }

    /// Bytes that it takes where it is not shared. A state that has nothing set nearly always is.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// This state without its user variables, if there are any.
    pub(crate) fn without_user_variables(&self) -> Option<Self> {
        if self.user_variables.is_empty() {
            return None;
        }
        let mut state = self.clone();
        state.user_variables.clear();
        Some(state.stamped())
    }

    /// What [`Self::weight`] says of it.
    pub(super) fn weigh(&self) -> usize {
        /// Of a pair of strings: their pointers, and what the allocator adds to their bytes.
        const PAIR: usize = 2 * (size_of::<String>() + 16);
        let users = self.user_variables.iter();
        let users = users.map(|(name, value)| (name, &value.literal));
        let all = self.variables.iter().map(|(name, value)| (name, value));
        let variables = all
            .chain(users)
            .map(|(name, value)| PAIR + name.len() + value.len());
        let names = match &self.names {
            Names::Set(text) => text.len(),
            Names::Login(_) | Names::Unknown => 0,
        };
        let role = self.role.as_ref().map_or(0, String::len);
        match variables.sum::<usize>() + names + role {
            0 => 0,
            own => own + size_of::<Self>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use mysql_sql::{Assignment, Value};

    use super::*;

    fn state(sets: &[Assignment]) -> Arc<SessionState> {
        let plain = SessionState::new(Some("a".to_owned()), 45);
        Arc::new(plain.assigned(sets).unwrap())
    }

    fn user_variable(value: &str) -> Assignment {
        Assignment::UserVariable {
            name: "u".to_owned(),
            value: value.to_owned(),
        }
    }

    fn variable(value: &str) -> Assignment {
        Assignment::Variable {
            name: "time_zone".to_owned(),
            value: Value::Literal(value.to_owned()),
        }
    }

    #[test]
    fn user_variables_change_no_result() {
        let (one, other) = (state(&[user_variable("1")]), state(&[user_variable("2")]));
        assert!(!one.is_same(&other));
        assert!(one.gives_same_results(&other));
        assert_eq!(one.result_stamp(), other.result_stamp());
        let without = one.without_user_variables().unwrap();
        assert_eq!(without, *state(&[]));
        assert_eq!(without.without_user_variables(), None);
    }

    #[test]
    fn a_mode_that_ignores_space_is_known() {
        let of = |mode: &str| {
            state(&[Assignment::Variable {
                name: "sql_mode".to_owned(),
                value: Value::Literal(mode.to_owned()),
            }])
        };
        for mode in ["'ANSI'", "'STRICT_ALL_TABLES,ignore_space'"] {
            assert!(of(mode).ignores_space(), "{mode}");
        }
        for mode in ["''", "'ANSI_QUOTES'"] {
            assert!(!of(mode).ignores_space(), "{mode}");
        }
        let logged_in = SessionState::new(None, 45).ignoring_space(true);
        assert!(logged_in.ignores_space());
    }

    #[test]
    fn variables_change_results_and_weigh() {
        let (one, other) = (
            state(&[variable("'+01:00'")]),
            state(&[variable("'+02:00'")]),
        );
        assert!(!one.gives_same_results(&other));
        assert_eq!(state(&[]).weight(), 0);
        assert!(one.weight() > size_of::<SessionState>());
        let long = state(&[user_variable(&"1".repeat(4000))]);
        assert!(long.weight() > 4000);
    }
}
