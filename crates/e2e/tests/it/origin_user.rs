//! The origin's user belongs to the origin alone.

use anyhow::{Result, ensure};
use e2e::{Path, expect_failure};
use mysql_async::prelude::Queryable;
use testkit::{Database, DatabaseKind};

use crate::world::{DATABASE, PASSWORD};

/// As TiDB Cloud gives them: many clusters share an address, and a prefix of the user tells which
/// one is meant. See <https://docs.pingcap.com/tidbcloud/select-cluster-tier/#user-name-prefix>.
const PREFIXED: &str = "3pTAoNNegb47Uc8.root";

#[tokio::test(flavor = "multi_thread")]
async fn a_prefixed_user_reaches_the_origin_and_is_unknown_downstream() -> Result<()> {
    let Some(server) = Database::start(DatabaseKind::MariaDb).await? else {
        return Ok(());
    };
    server.create_database(DATABASE, PREFIXED, PASSWORD).await?;
    let path = Path::to(&server, PREFIXED, PASSWORD, DATABASE);
    let Some(path) = path.start().await? else {
        return Ok(());
    };
    let mut connection = path.endpoint().connect().await?;
    let user: Option<String> = connection
        .query_first("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)")
        .await?;
    ensure!(user.as_deref() == Some(PREFIXED), "{user:?}");
    connection.disconnect().await?;

    for stranger in [PREFIXED, "root", "3pTAoNNegb47Uc8.app"] {
        let endpoint = path.endpoint().with_user(stranger);
        let failure = expect_failure(endpoint.connect().await)?;
        ensure!(failure.code == 1049, "{stranger}: {failure:?}");
        let endpoint = endpoint.with_password(PASSWORD);
        let failure = expect_failure(endpoint.connect().await)?;
        ensure!(failure.code == 1049, "{stranger}: {failure:?}");
    }
    Ok(())
}
