//! Which server a connection leads to, and whether its id is that of a thread there.

use std::sync::Arc;

use super::{Flavor, OriginConn};

/// What a connection leads to.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Tells a server from another one that its address may lead to later. All instances of TiDB
    /// are one: their threads have ids of their own.
    pub(crate) server: Arc<str>,
    /// What logins are told is the id of a thread, as the process list has it. A proxy greets with
    /// ids of its own (`TiProxy`, `ProxySQL`, RDS Proxy, another edge).
    pub(crate) tells_threads: bool,
}

impl OriginConn {
    /// Asks what it leads to. An error says why that is not known.
    pub(crate) async fn identify(&mut self) -> Result<Identity, String> {
        let server = match self.flavor() {
            Flavor::TiDb => "''",
            Flavor::MySql | Flavor::MariaDb { .. } => {
                "CONCAT_WS(':', @@hostname, @@port, @@server_id)"
            }
        };
        let question = format!(
            "SELECT CONNECTION_ID(), (SELECT COUNT(*) FROM information_schema.PROCESSLIST \
             WHERE ID = CONNECTION_ID()), {server} LIMIT 1"
        );
        let row = self.ask_row(&question).await;
        let row = row.map_err(|error| error.to_string())?.unwrap_or_default();
        let [Some(id), Some(listed), Some(server)] = row.as_slice() else {
            return Err("the origin does not tell which server it is".to_owned());
        };
        let id: u64 = id.parse().map_err(|_| format!("{id} is no thread"))?;
        // A login is told the lower half of an id.
        let is_told = id & u64::from(u32::MAX) == u64::from(self.thread());
        Ok(Identity {
            server: server.as_str().into(),
            tells_threads: is_told && listed != "0",
        })
    }
}
