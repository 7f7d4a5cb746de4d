//! What preparing a statement depends on.

use std::sync::Arc;

use mysql_sql::Effect;

use super::{SessionState, put};

/// What a session's connection may have otherwise than its state tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    Nothing,
    /// `SELECT @a := 5`.
    UserVariables,
    /// These, session variables and the character set: a procedure may have set any.
    Variables,
}

impl SessionState {
    /// What preparing a statement of this effect depends on: how its text reads, which tables its
    /// names mean, and the types of the user variables that it reads. Nothing that a step back to
    /// it could do harm with: `autocommit` ends transactions.
    pub(crate) fn for_prepare(&self, effect: &Effect) -> Arc<Self> {
        let mut state = Self::with(self.database.clone(), self.names.clone());
        state.ignore_space = self.ignore_space;
        let variables = self.variables.iter().filter(|(name, _)| is_of_text(name));
        state.variables = variables.cloned().collect();
        let is_read = |name: &String| effect.user_variables.contains(name);
        let user_variables = self.user_variables.iter();
        state.user_variables = user_variables
            .filter(|(name, _)| is_read(name))
            .cloned()
            .collect();
        Arc::new(state.stamped())
    }

    /// Whether that is `under`, without making it.
    pub(crate) fn is_for_prepare(&self, effect: &Effect, under: &Self) -> bool {
        let variables = self.variables.iter().filter(|(name, _)| is_of_text(name));
        let is_read = |name: &String| effect.user_variables.contains(name);
        let user_variables = self.user_variables.iter().filter(|(name, _)| is_read(name));
        self.database == under.database
            && self.names == under.names
            && self.ignore_space == under.ignore_space
            && under.role.is_none()
            && variables.eq(&under.variables)
            && user_variables.eq(&under.user_variables)
    }

    /// This state, but for what preparing a statement depends on, which is as in `under`. What is
    /// in doubt stays as it is: the step back would set it to what it was before.
    pub(crate) fn as_under(&self, under: &Self, doubt: Doubt) -> Self {
        let mut state = self.clone();
        state.database = under.database.clone();
        if doubt == Doubt::Variables {
            return state.stamped();
        }
        state.names = under.names.clone();
        state.ignore_space = under.ignore_space;
        state.variables.retain(|(name, _)| !is_of_text(name));
        state.variables.extend(under.variables.iter().cloned());
        if doubt == Doubt::Nothing {
            for (name, value) in &under.user_variables {
                put(&mut state.user_variables, name, value.clone());
            }
        }
        state.stamped()
    }
}

/// True for a variable that is in what a server makes of a text when it prepares that: how it
/// reads, a locale, the types of its columns.
///
/// Only what does no harm when it is stepped back to, also amid a transaction: `autocommit` ends
/// one, and some cannot be set in one.
fn is_of_text(name: &str) -> bool {
    const OTHERS: [&str; 9] = [
        "sql_mode",
        "block_encryption_mode",
        "default_week_format",
        "div_precision_increment",
        "explain_format",
        "group_concat_max_len",
        "lc_time_names",
        "time_zone",
        "windowing_use_high_precision",
    ];
    OTHERS.contains(&name)
        || name.starts_with("character_set_")
        || name.starts_with("collation_")
        || name.starts_with("default_collation")
}

#[cfg(test)]
mod tests {
    use mysql_sql::{Assignment, Value};

    use super::*;

    /// States that differ in what preparing depends on, and in what it does not.
    fn states() -> Vec<SessionState> {
        let plain = SessionState::new(Some("a".to_owned()), 45);
        let set = |name: &str, value: &str| Assignment::Variable {
            name: name.to_owned(),
            value: Value::Literal(value.to_owned()),
        };
        let user = |name: &str, literal: &str| Assignment::UserVariable {
            name: name.to_owned(),
            value: literal.to_owned(),
        };
        let all = [
            vec![Assignment::Database("b".to_owned())],
            vec![Assignment::Names("NAMES latin1".to_owned())],
            vec![Assignment::Role("r".to_owned())],
            vec![set("sql_mode", "'ANSI'")],
            vec![set("sql_mode", "''"), set("time_zone", "'+00:00'")],
            vec![set("time_zone", "'+00:00'"), set("sql_mode", "''")],
            vec![set("autocommit", "0")],
            vec![user("x", "1")],
            vec![user("x", "NULL"), user("y", "2")],
        ];
        let mut states: Vec<_> = all
            .iter()
            .map(|sets| plain.assigned(sets).unwrap())
            .collect();
        states.push(plain.clone().ignoring_space(true));
        states.push(plain);
        states
    }

    #[test]
    fn what_preparing_depends_on_is_compared_as_it_is_made() {
        let reads_x = Effect {
            user_variables: vec!["x".to_owned()],
            ..Effect::default()
        };
        for effect in [Effect::default(), reads_x] {
            for state in states() {
                let others = states().into_iter();
                let made = others.clone().map(|other| other.for_prepare(&effect));
                for other in others.map(Arc::new).chain(made) {
                    let made = state.for_prepare(&effect);
                    let is_under = state.is_for_prepare(&effect, &other);
                    assert_eq!(is_under, made.is_same(&other), "{state:?}, {other:?}");
                }
            }
        }
    }
}
