//! Where a client connects to, and what it is told when that fails.

use std::time::Duration;

use anyhow::{Result, bail};
use mysql_async::{Conn, Opts, OptsBuilder};

/// No login takes longer on a working path, however busy the machine; one that waits on purpose, as
/// for an exhausted pool, must be configured to wait less.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// A MySQL server as a client sees it: a database itself, or a hyperdrive on an edge.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// TCP port on 127.0.0.1.
    pub port: u16,
    /// User.
    pub user: String,
    /// Password of the user.
    pub password: String,
    /// Database to begin in.
    pub database: String,
}

/// A MySQL error, as a client is told it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its number, such as 1045.
    pub code: u16,
    /// Its SQL state, such as "28000".
    pub state: String,
    /// Its sentence.
    pub message: String,
}

impl Endpoint {
    /// How `mysql_async` connects to it.
    pub fn options(&self) -> Opts {
        OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .user(Some(&self.user))
            .pass(Some(&self.password))
            .db_name(Some(&self.database))
            .prefer_socket(false)
            .stmt_cache_size(0)
            .into()
    }

    /// A connection by `mysql_async`.
    pub async fn connect(&self) -> mysql_async::Result<Conn> {
        match tokio::time::timeout(CONNECT_LIMIT, Conn::new(self.options())).await {
            Ok(outcome) => outcome,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }

    /// The same endpoint with another password.
    #[must_use]
    pub fn with_password(&self, password: &str) -> Self {
        Self {
            password: password.to_owned(),
            ..self.clone()
        }
    }

    /// The same endpoint with another user.
    #[must_use]
    pub fn with_user(&self, user: &str) -> Self {
        Self {
            user: user.to_owned(),
            ..self.clone()
        }
    }

    /// What the JavaScript and Python clients are given.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
        })
    }
}

/// The MySQL error of an outcome that must be one: neither a success nor a broken connection.
pub fn expect_failure<T>(outcome: mysql_async::Result<T>) -> Result<Failure> {
    match outcome {
        Ok(_) => bail!("it succeeded, and must have failed with a MySQL error"),
        Err(mysql_async::Error::Server(error)) => Ok(Failure {
            code: error.code,
            state: error.state,
            message: error.message,
        }),
        Err(other) => bail!("it failed without a MySQL error: {other}"),
    }
}
