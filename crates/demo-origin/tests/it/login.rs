//! Who comes in, and who does not.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts};

use crate::{code, connect, options, origin};

#[tokio::test]
async fn says_what_it_is() {
    let origin = origin().await;
    let mut client = connect(&origin).await;
    assert_eq!(client.server_version(), (8, 0, 11));
    let row: (String, String, String) = client
        .query_first("SELECT VERSION(), DATABASE(), @@version_comment")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.0, demo_origin::SERVER_VERSION);
    assert_eq!(row.1, "demo");
    assert!(row.2.contains("SQLite"), "{}", row.2);
    client.disconnect().await.unwrap();
}

#[tokio::test]
async fn wrong_password_user_and_database_are_refused() {
    let origin = origin().await;
    let wrong = [
        (options(&origin).pass(Some("wrong")), 1045),
        (options(&origin).pass(None::<String>), 1045),
        (options(&origin).user(Some("nobody")), 1045),
        (options(&origin).db_name(Some("other")), 1049),
    ];
    for (options, expected) in wrong {
        let error = Conn::new(Opts::from(options)).await.unwrap_err();
        assert_eq!(code(&error), expected);
    }
}

#[tokio::test]
async fn without_a_database_none_is_selected() {
    let origin = origin().await;
    let options = options(&origin).db_name(None::<String>);
    let mut client = Conn::new(Opts::from(options)).await.unwrap();
    let database: Option<Option<String>> = client.query_first("SELECT DATABASE()").await.unwrap();
    assert_eq!(database, Some(None));
    assert_eq!(
        code(&client.query_drop("USE other").await.unwrap_err()),
        1049
    );
    client.query_drop("USE demo").await.unwrap();
    let database: Option<String> = client.query_first("SELECT DATABASE()").await.unwrap();
    assert_eq!(database.as_deref(), Some("demo"));
}
