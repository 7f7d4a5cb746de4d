//! The database that most tests use, and the user that their hyperdrive logs in to it with.

use anyhow::Result;
use e2e::{Endpoint, Path, PathBuilder};
use testkit::{Database, DatabaseKind};

pub(crate) const DATABASE: &str = "shop";
pub(crate) const USER: &str = "clerk";
pub(crate) const PASSWORD: &str = "0rigin";

/// A server with an empty database and its user. `None`: not installed, and the skip was written
/// down.
pub(crate) async fn server(kind: DatabaseKind) -> Result<Option<Database>> {
    let Some(server) = Database::start(kind).await? else {
        return Ok(None);
    };
    server.create_database(DATABASE, USER, PASSWORD).await?;
    Ok(Some(server))
}

/// A path to that database.
pub(crate) fn path(server: &Database) -> PathBuilder {
    Path::to(server, USER, PASSWORD, DATABASE)
}

/// That database itself, without tidegate.
pub(crate) fn direct(server: &Database) -> Endpoint {
    Endpoint {
        port: server.port(),
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        database: DATABASE.to_owned(),
    }
}
