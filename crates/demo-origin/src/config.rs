//! Who may log in to the demo origin, and what its database is called.

use domain::SecretString;

/// What a [`DemoOrigin`](crate::DemoOrigin) is started with.
#[derive(Clone, Debug)]
pub struct DemoConfig {
    /// The only user.
    pub user: String,
    /// That user's password; may be empty.
    pub password: SecretString,
    /// The only database. Statements may qualify tables with it.
    pub database: String,
}
