//! The demo origin as drivers and command lines meet it, over a real socket.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod command_line;
mod drivers;
mod limits;
mod login;
mod transactions;

use demo_origin::{DemoConfig, DemoOrigin};
use mysql_async::{Conn, Opts, OptsBuilder};

const USER: &str = "demo";
const PASSWORD: &str = "correct horse";
const DATABASE: &str = "demo";

async fn origin() -> DemoOrigin {
    DemoOrigin::start(DemoConfig {
        user: USER.to_owned(),
        password: PASSWORD.into(),
        database: DATABASE.to_owned(),
    })
    .await
    .unwrap()
}

fn options(origin: &DemoOrigin) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname(origin.address().ip().to_string())
        .tcp_port(origin.address().port())
        .prefer_socket(false)
        .user(Some(USER))
        .pass(Some(PASSWORD))
        .db_name(Some(DATABASE))
}

async fn connect(origin: &DemoOrigin) -> Conn {
    Conn::new(Opts::from(options(origin))).await.unwrap()
}

/// The code of the server's error.
fn code(error: &mysql_async::Error) -> u16 {
    match error {
        mysql_async::Error::Server(error) => error.code,
        other => panic!("not an error of the server: {other}"),
    }
}
