//! The demo as a whole, on the embedded database.

use clap::Parser;

use super::*;
use report::State;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    demo: DemoArgs,
}

/// Any port: tests run side by side, and with a demo.
fn arguments(more: &[&str]) -> DemoArgs {
    let fixed = ["tidegate", "--listen", "127.0.0.1:0"];
    Cli::parse_from(fixed.iter().chain(more)).demo
}

async fn demo(args: &DemoArgs, database: Database, folder: &Folder) -> Demo {
    Demo::start(args, Some(database), folder, Progress::new())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_go_through_the_whole_path() {
    let (args, folder) = (arguments(&["--pool-max", "2"]), Folder::make().unwrap());
    let database = Database::embedded(Progress::new()).await.unwrap();
    let demo = demo(&args, database, &folder).await;

    let report = demo.report();
    assert!(report.is_ready(), "{:#?}", report.path);
    assert!(report.timings.cold.is_some() && report.timings.pooled.is_some());
    let version = report.origin.version.unwrap();
    assert_eq!(version, demo_origin::SERVER_VERSION);

    // The connection string is what a client has to be given.
    let text = report.connection_string.unwrap();
    let url = OriginUrl::parse(text.expose_secret()).unwrap();
    let pasted = Database::given(url, OriginTls::Disabled);
    let mut client = Client::connect(&pasted.target).await.unwrap();
    let count = client.first_value("SELECT COUNT(*) FROM products").await;
    assert_eq!(count.unwrap(), "12");
    client.quit().await;
    demo.stop().await.unwrap();
    Client::connect(&pasted.target).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_the_hop_that_failed() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let origin = format!("mysql://user:password@{address}/db");
    let (args, folder) = (arguments(&["--origin", &origin]), Folder::make().unwrap());
    let database = given(&args).unwrap().unwrap();
    let demo = demo(&args, database, &folder).await;

    let report = demo.report();
    let failed: Vec<&str> = report
        .path
        .iter()
        .filter(|hop| hop.state != State::Ok)
        .map(|hop| hop.name)
        .collect();
    assert_eq!(failed, ["database"]);
    demo.stop().await.unwrap();
}

#[test]
fn the_origin_is_never_shown() {
    let args = arguments(&["--origin", "mysql://user:hush@host/db"]);
    assert!(!format!("{args:?}").contains("hush"));
    let args = arguments(&["--origin", "mysql://hush"]);
    let error = given(&args).unwrap_err();
    assert!(!format!("{error:#}").contains("hush"));
}

#[test]
fn tls_is_required_where_the_network_is_not_this_machine() {
    for (origin, more, expected) in [
        ("mysql://u@127.0.0.1/db", vec![], OriginTls::Disabled),
        ("mysql://u@localhost/db", vec![], OriginTls::Disabled),
        ("mysql://u@10.0.0.5/db", vec![], OriginTls::Required),
        (
            "mysql://u@10.0.0.5/db",
            vec!["--origin-tls", "disabled"],
            OriginTls::Disabled,
        ),
    ] {
        let options = [vec!["--origin", origin], more].concat();
        let database = given(&arguments(&options)).unwrap().unwrap();
        assert_eq!(database.target.tls, expected, "{origin}");
    }
}
