//! The corners of the protocol, through a pool of one, in comparison with a direct connection:
//! every byte of every response is the same.

use anyhow::{Result, ensure};
use e2e::Endpoint;
use mysql_proto::{Capabilities, Command, HEADER_LEN, PacketHeader};
use testkit::{DatabaseKind, eventually};

use crate::wire::{Wire, error_of};
use crate::world::{direct, path, server};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

const MIB: usize = 1024 * 1024;

const CAPABILITIES: Capabilities = Capabilities::LOCAL_FILES
    .union(Capabilities::MULTI_STATEMENTS)
    .union(Capabilities::SESSION_TRACK);

/// Attributes that servers without them never see.
const ATTRIBUTES: [(&str, &str); 2] = [("traceparent", "00-abc"), ("n", "5")];

const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))";

/// An empty packet, a command that there is not, one that is too short for an execution, and one
/// that is not the first packet of a command.
const MALFORMED: [&[u8]; 4] = [
    &[0, 0, 0, 0],
    &[1, 0, 0, 0, 0x63],
    &[3, 0, 0, 0, 0x17, 1, 0],
    &[1, 0, 0, 5, 0x0E],
];

/// Statements whose OK packets tell of the session, for those who asked to be told.
const TOLD: [&str; 15] = [
    "INSERT INTO t (v) VALUES ('a'), ('b')",
    "UPDATE t SET v = 'c'",
    "SET NAMES utf8mb4",
    "SET autocommit = 0",
    "SELECT COUNT(*) FROM t",
    "COMMIT",
    "SET autocommit = 1",
    "SET @x = 1",
    "USE information_schema",
    "USE shop",
    "ALTER TABLE t ADD w INT",
    "BEGIN",
    "SELECT COUNT(*) FROM t",
    "ROLLBACK",
    "SELECT LAST_INSERT_ID(), ROW_COUNT(), @x",
];

type Replies = Vec<(String, Vec<u8>)>;

/// The responses to everything, with a client of these capabilities.
async fn replies(
    endpoint: &Endpoint,
    kind: DatabaseKind,
    capabilities: Capabilities,
) -> Result<Replies> {
    let mut wire = Wire::open(endpoint, CAPABILITIES | capabilities).await?;
    let mut all = Replies::new();
    for sql in [TABLE].iter().chain(&TOLD) {
        all.push(((*sql).to_owned(), wire.query_with(sql, &ATTRIBUTES).await?));
    }
    results(&mut wire, &mut all).await?;
    commands(&mut wire, kind, &mut all).await?;
    long(&mut wire, &mut all).await?;
    wire.query("DROP TABLE shop.t").await?;
    Ok(all)
}

/// Several results, files, errors.
async fn results(wire: &mut Wire, all: &mut Replies) -> Result<()> {
    for sql in [
        "SELECT 1; SELECT 2, 'b'; DO 3; SELECT 4",
        "SELECT 1; SELECT nothing; SELECT 2",
        "TRUNCATE t",
        "LOAD DATA LOCAL INFILE 'any' INTO TABLE t (id, v)",
        "SELECT * FROM t ORDER BY id",
        "LOAD DATA LOCAL INFILE 'any' INTO TABLE missing",
        "SELEC 1",
        "SELECT 'still here'",
    ] {
        all.push((sql.to_owned(), wire.query_with(sql, &ATTRIBUTES).await?));
    }
    Ok(())
}

async fn commands(wire: &mut Wire, kind: DatabaseKind, all: &mut Replies) -> Result<()> {
    const ON: [u8; 2] = [0, 0];
    const OFF: [u8; 2] = [1, 0];
    let mut commands: Vec<(Command, &[u8])> = vec![
        (Command::PING, b""),
        (Command::INIT_DB, b"information_schema"),
        (Command::INIT_DB, b"missing"),
        (Command::INIT_DB, b"shop"),
        (Command::FIELD_LIST, b"t\0"),
        (Command::FIELD_LIST, b"missing\0"),
        (Command::SET_OPTION, &OFF),
        (Command::SET_OPTION, &ON),
    ];
    if kind == DatabaseKind::MySql {
        // MySQL 9 has taken it out, and closes the connection.
        commands.retain(|(command, _)| *command != Command::FIELD_LIST);
    }
    for (command, argument) in commands {
        let reply = wire.ask(command, argument).await?;
        all.push((format!("{command:?} {argument:?}"), reply));
        let several = "SELECT DATABASE(); SELECT 2";
        all.push((several.to_owned(), wire.query(several).await?));
        // The OK of some commands counts the warnings of the statement before, and after several
        // statements that may be one of the edge's own.
        wire.query("SELECT 1").await?;
    }
    // Its figures differ from moment to moment.
    let figures = wire.ask(Command::STATISTICS, b"").await?;
    let figures = String::from_utf8_lossy(figures.get(HEADER_LEN..).unwrap_or_default());
    ensure!(figures.starts_with("Uptime: "), "{figures}");
    wire.query("SET @x = 1").await?;
    wire.query("SET NAMES latin1").await?;
    wire.query("USE information_schema").await?;
    let reset = wire.ask(Command::RESET_CONNECTION, b"").await?;
    all.push(("reset".to_owned(), reset));
    let left = "SELECT DATABASE(), @x IS NULL, @@character_set_client, @@character_set_results, \
                @@collation_connection, LAST_INSERT_ID()";
    all.push((left.to_owned(), wire.query(left).await?));
    Ok(())
}

/// Packets over 16 MiB, both ways, as text and prepared.
async fn long(wire: &mut Wire, all: &mut Replies) -> Result<()> {
    let long = "y".repeat(17 * MIB);
    for length in [17 * MIB, 16 * MIB - 20, 16 * MIB - 100] {
        let sql = format!("SELECT LENGTH('{}')", "y".repeat(length));
        let reply = wire.query_with(&sql, &ATTRIBUTES).await?;
        all.push((format!("{length} bytes of text"), reply));
    }
    let repeated = wire.query("SELECT REPEAT('y', 17825792)").await?;
    ensure!(repeated.len() > 17 * MIB, "{} bytes came", repeated.len());
    all.push(("a long row".to_owned(), repeated));
    let (id, prepared) = wire.prepare("SELECT LENGTH(?), ?").await?;
    all.push(("prepare".to_owned(), prepared));
    for length in [10, 17 * MIB, 16 * MIB - 60, 16 * MIB - 40, 16 * MIB - 25] {
        let parameters = [&long.as_bytes()[..length], b"end"];
        for attributes in [&ATTRIBUTES[..], &[]] {
            let reply = wire.execute(id, &parameters, attributes).await?;
            all.push((format!("{length} bytes as a parameter"), reply));
        }
    }
    Ok(())
}

async fn is_as_direct(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    if kind != DatabaseKind::Tidb {
        server.execute("SET GLOBAL local_infile = 1").await?;
    }
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    for capabilities in [
        Capabilities::empty(),
        Capabilities::DEPRECATE_EOF | Capabilities::QUERY_ATTRIBUTES,
    ] {
        let expected = replies(&direct(&server), kind, capabilities).await?;
        let given = replies(path.endpoint(), kind, capabilities).await?;
        compare(&expected, &given)?;
    }
    Ok(())
}

/// Fails at the first response that is not the same.
fn compare(expected: &Replies, given: &Replies) -> Result<()> {
    for ((what, expected), (_, given)) in expected.iter().zip(given) {
        let differs = expected != given;
        let [expected, given] = [expected, given].map(|reply| shown(reply));
        ensure!(!differs, "{what}\n direct: {expected}\n edge:   {given}");
    }
    Ok(())
}

fn forget_sequence_ids(reply: &mut [u8]) {
    let mut rest = reply;
    while let Some(header) = PacketHeader::decode(rest) {
        rest[HEADER_LEN - 1] = 0;
        let next = HEADER_LEN + header.payload_len;
        rest = rest.get_mut(next..).unwrap_or_default();
    }
}

/// The beginning of a response.
fn shown(reply: &[u8]) -> String {
    reply[..reply.len().min(1024)].escape_ascii().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_is_as_direct_on_mariadb() -> Result<()> {
    is_as_direct(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_is_as_direct_on_mysql() -> Result<()> {
    is_as_direct(DatabaseKind::MySql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_is_as_direct_on_tidb() -> Result<()> {
    is_as_direct(DatabaseKind::Tidb).await
}

/// An edge of two hyperdrives offers query attributes to all, whatever their origins have.
async fn leaves_attributes_out(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let another = format!(
        "[[edge.hyperdrives]]\nname = \"second\"\npassword = \"s2\"\norigin = \"{}\"",
        server.url(
            crate::world::USER,
            crate::world::PASSWORD,
            crate::world::DATABASE
        )
    );
    let path = path(&server).pool("max = 2").limit(&another);
    let Some(path) = path.start().await? else {
        return Ok(());
    };
    let mut wire = Wire::open(path.endpoint(), Capabilities::QUERY_ATTRIBUTES).await?;
    ensure!(wire.capabilities.contains(Capabilities::QUERY_ATTRIBUTES));
    let mut plain = Wire::open(&direct(&server), Capabilities::empty()).await?;
    let (mut given, mut expected) = (Replies::new(), Replies::new());
    for (wire, replies) in [(&mut wire, &mut given), (&mut plain, &mut expected)] {
        for sql in [TABLE]
            .iter()
            .chain(&TOLD)
            .chain(&["SELEC 1", "DROP TABLE t"])
        {
            let reply = wire.query_with(sql, &ATTRIBUTES).await?;
            replies.push(((*sql).to_owned(), reply));
        }
    }
    compare(&expected, &given)?;
    for (wire, replies) in [(&mut wire, &mut given), (&mut plain, &mut expected)] {
        long(wire, replies).await?;
        // With attributes a command may need one packet more, and the response begins one later.
        for (_, reply) in replies {
            forget_sequence_ids(reply);
        }
    }
    compare(&expected, &given)?;
    let unreadable = wire.ask(Command::QUERY, &[5, 1, b'S']).await?;
    ensure!(error_of(&unreadable)?.code == 1835, "{unreadable:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_left_out_for_mariadb() -> Result<()> {
    leaves_attributes_out(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_left_out_for_tidb() -> Result<()> {
    leaves_attributes_out(DatabaseKind::Tidb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_reach_mysql() -> Result<()> {
    let Some(server) = server(DatabaseKind::MySql).await? else {
        return Ok(());
    };
    let install = "INSTALL COMPONENT 'file://component_query_attributes'";
    server.execute(install).await?;
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let read = "SELECT mysql_query_attribute_string('traceparent'), LAST_INSERT_ID()";
    let attributes = Capabilities::QUERY_ATTRIBUTES;
    let mut replies = Vec::new();
    for endpoint in [direct(&server), path.endpoint().clone()] {
        let mut wire = Wire::open(&endpoint, attributes).await?;
        // Another session's state lies between: the edge's own statements carry no attributes.
        let mut other = Wire::open(&endpoint, attributes).await?;
        other.query("SET @x = 5").await?;
        let text = wire.query_with(read, &ATTRIBUTES).await?;
        other.query("SELECT @x").await?;
        let (id, _) = wire.prepare(read).await?;
        let prepared = wire.execute(id, &[], &ATTRIBUTES).await?;
        ensure!(
            text.windows(6).any(|part| part == b"00-abc"),
            "{}",
            shown(&text)
        );
        replies.push((text, prepared));
    }
    ensure!(replies[0] == replies[1], "{replies:?}");
    Ok(())
}

/// `COM_PROCESS_KILL`, which MySQL 9 has not any more, by the ids that clients see.
async fn kills_by_command(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let mut killer = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    let victim = Wire::open(path.endpoint(), Capabilities::empty()).await?;
    let id = victim.id.to_le_bytes();
    let reply = killer.ask(Command::PROCESS_KILL, &id).await?;
    ensure!(reply.get(HEADER_LEN) == Some(&0), "{}", shown(&reply));
    victim.closed().await?;
    eventually("nobody has the id any more", PATIENCE, async || {
        let again = killer.ask(Command::PROCESS_KILL, &id).await?;
        ensure!(error_of(&again)?.code != 0);
        Ok(())
    })
    .await?;
    killer.query("SELECT 1").await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_kills_on_mariadb() -> Result<()> {
    kills_by_command(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_kills_on_tidb() -> Result<()> {
    kills_by_command(DatabaseKind::Tidb).await
}

/// What cannot be served is refused in the server's own words, and by the same end.
async fn refuses_as_directly(kind: DatabaseKind) -> Result<()> {
    let Some(server) = server(kind).await? else {
        return Ok(());
    };
    let Some(path) = path(&server).pool("max = 1").start().await? else {
        return Ok(());
    };
    let mut all = Vec::new();
    for endpoint in [&direct(&server), path.endpoint()] {
        let mut wire = Wire::open(endpoint, Capabilities::empty()).await?;
        wire.query("SELECT 1").await?;
        let mut replies = Vec::new();
        for bytes in MALFORMED {
            replies.push(wire.ask_raw(bytes).await?);
        }
        wire.closed().await?;
        all.push(replies);
    }
    ensure!(all[0] == all[1], "directly and through tidegate: {all:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_packets_are_refused_as_by_mariadb() -> Result<()> {
    refuses_as_directly(DatabaseKind::MariaDb).await
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_packets_are_refused_as_by_mysql() -> Result<()> {
    refuses_as_directly(DatabaseKind::MySql).await
}

/// What statements cannot be read in, nobody logs in with.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_refused_the_character_sets_that_servers_refuse() -> Result<()> {
    for kind in [DatabaseKind::MariaDb, DatabaseKind::MySql] {
        let Some(server) = server(kind).await? else {
            continue;
        };
        let Some(path) = path(&server).start().await? else {
            continue;
        };
        for collation in [35, 54, 56, 60, 90, 101, 128, 160] {
            let told = async |endpoint: &Endpoint| {
                let opened = Wire::open_in(endpoint, Capabilities::empty(), collation).await;
                opened.err().map(|error| format!("{error:#}"))
            };
            let expected = told(&direct(&server)).await;
            let seen = told(path.endpoint()).await;
            ensure!(expected.is_some(), "{kind} takes {collation}");
            ensure!(
                seen == expected,
                "{kind}, {collation}: {seen:?}, not {expected:?}"
            );
        }
    }
    Ok(())
}
