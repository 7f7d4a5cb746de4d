//! The real clients. Each runs the same kind of session (types, prepared statements, transactions,
//! errors, session state, big results, several connections at once) and returns what it saw as
//! data, which must be equal for any two ways to the same database.

mod command_line;
mod mysql_async;
mod program;
mod workerd;

use std::fmt;

use anyhow::Result;
use serde_json::Value;
use testkit::skip;

use crate::Endpoint;

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// The command line client of MariaDB.
    CommandLine,
    /// mysql2 in Node.
    Mysql2,
    /// MariaDB's connector in Node.
    MariadbConnector,
    /// `PyMySQL`.
    PyMysql,
    /// `mysql_async`, in this process.
    MysqlAsync,
    /// mysql2 in a Worker in real workerd, through a hyperdrive binding.
    Workerd,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CommandLine,
        Self::Mysql2,
        Self::MariadbConnector,
        Self::PyMysql,
        Self::MysqlAsync,
        Self::Workerd,
    ];

    /// Runs the client's session. `None`: it is not installed, and the skip was written down.
    pub async fn session(self, endpoint: &Endpoint) -> Result<Option<Value>> {
        let seen = match self {
            Self::CommandLine => command_line::session(endpoint).await?,
            Self::Mysql2 => program::mysql2(endpoint).await?,
            Self::MariadbConnector => program::mariadb_connector(endpoint).await?,
            Self::PyMysql => program::pymysql(endpoint).await?,
            Self::MysqlAsync => Some(mysql_async::session(endpoint).await?),
            Self::Workerd => workerd::session(endpoint).await?,
        };
        if seen.is_none() {
            skip(
                &self.to_string(),
                "it is not installed (`cargo xtask test` says why)",
            );
        }
        Ok(seen)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CommandLine => "the mariadb command line",
            Self::Mysql2 => "mysql2 in Node",
            Self::MariadbConnector => "MariaDB's connector in Node",
            Self::PyMysql => "PyMySQL",
            Self::MysqlAsync => "mysql_async",
            Self::Workerd => "mysql2 in workerd",
        })
    }
}
