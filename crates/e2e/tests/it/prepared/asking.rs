//! Statements that ask about their session: with parameters in pieces, and with cursors.

use anyhow::Result;

use super::raw::{CURSOR, Raw, Values};

/// A connection is given what the statement asks for, as the pieces wait there.
pub(super) async fn with_pieces(client: &mut Raw, tag: usize) -> Result<()> {
    let table = format!("asking_{tag}");
    let create = format!("CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, n INT, s TEXT)");
    client.query(&create).await?;
    let parent = format!("INSERT INTO {table} (n) VALUES (7)");
    let insert = format!("INSERT INTO {table} (n, s) VALUES (LAST_INSERT_ID(), ?)");
    let id = client.prepare(&insert).await?;
    let nothing = Values {
        bytes: Vec::new(),
        ..Values::text("")
    };
    for piece in ["abc", "def"] {
        client.query(&parent).await?;
        client.long_data(id, 0, piece.as_bytes()).await?;
        client.execute(id, &nothing).await?;
    }
    if !client.is_tidb {
        // TiDB warns that its cache of plans cannot have this, and has what it is sent instead.
        client.execute(id, &Values::text("in one piece")).await?;
    }
    let select = format!("SELECT id, n, s FROM {table} ORDER BY id");
    client.query(&select).await?;
    client.query(&format!("DROP TABLE {table}")).await?;
    Ok(())
}

/// Executed again, a statement asks again, also if nobody has read its cursor to the end.
pub(super) async fn again(client: &mut Raw, tag: usize) -> Result<()> {
    let table = format!("asking_{tag}");
    let create = format!("CREATE TABLE {table} (id INT AUTO_INCREMENT PRIMARY KEY, n INT)");
    client.query(&create).await?;
    let id = client.prepare("SELECT LAST_INSERT_ID()").await?;
    let with_one = client.prepare("SELECT LAST_INSERT_ID(), ?").await?;
    for number in 0..3 {
        let insert = format!("INSERT INTO {table} (n) VALUES ({number}), ({number})");
        client.query(&insert).await?;
        client.execute(id, &Values::cursor()).await?;
        let asks = Values {
            flags: CURSOR,
            ..Values::text("whole")
        };
        client.execute(with_one, &asks).await?;
        client.long_data(with_one, 0, b"in pieces").await?;
        client.query(&insert).await?;
        let nothing = Values {
            bytes: Vec::new(),
            ..asks
        };
        client.execute(with_one, &nothing).await?;
        client.fetch(with_one, 5).await?;
    }
    client.fetch(id, 5).await?;
    client.query(&format!("DROP TABLE {table}")).await?;
    Ok(())
}

/// The server counts the rows of a cursor before they are fetched.
pub(super) async fn for_rows(client: &mut Raw, tag: usize) -> Result<()> {
    let table = format!("asking_{tag}");
    client
        .query(&format!("CREATE TABLE {table} (n INT)"))
        .await?;
    client
        .query(&format!("INSERT INTO {table} VALUES (1), (2), (3)"))
        .await?;
    let id = client.prepare(&format!("SELECT n FROM {table}")).await?;
    for fetched in [0, 2, 5] {
        client.execute(id, &Values::cursor()).await?;
        if fetched > 0 {
            client.fetch(id, fetched).await?;
        }
        client.query("SELECT FOUND_ROWS()").await?;
    }
    client.query(&format!("DROP TABLE {table}")).await?;
    Ok(())
}
