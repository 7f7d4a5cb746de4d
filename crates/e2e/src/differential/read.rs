//! Takes the replies of a command from a connection, all of them, into a form to compare.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use mysql_proto::{
    Capabilities, Command, EofPacket, ErrPacket, MAX_PAYLOAD, NONCE_LEN, OkPacket, StateChange,
    StateChangeKind, StatusFlags, caching_sha2, native_password, state_changes,
};

use super::connection::Connection;
use super::reply::{Column, End, Outcome, Prepared, Reply, ResultSet, Row, Status};

/// Begins a request for a file of the client's.
const INFILE: u8 = 0xFB;

/// Asks for another plugin, amid `COM_CHANGE_USER`.
const AUTH_SWITCH: u8 = 0xFE;

/// Tells how an authentication goes on; with [`FAST_AUTH_OK`], that it is done.
const AUTH_MORE_DATA: u8 = 0x01;
const FAST_AUTH_OK: u8 = 0x03;

/// The file: the second row has a value that is too long, the last one too few.
const FILE: &[u8] = b"301\tfrom a file\n302\tfrom a file, at length\n303\n";

/// Bytes of an OK packet for `COM_STMT_PREPARE`.
const PREPARED_LEN: usize = 12;

/// NULL in a row of the text protocol.
const NULL: u8 = 0xFB;

/// All replies to a command, and the id of the statement that it prepared.
pub(super) async fn replies(
    connection: &mut Connection,
    command: Command,
) -> (Vec<Reply>, Option<Statement>) {
    let mut all = Vec::new();
    let mut statement = None;
    loop {
        let reply = match one(connection, command, &mut statement).await {
            Ok(reply) => reply,
            Err(error) => Reply::lost(&error),
        };
        let more = reply.has_more();
        all.push(reply);
        if !more {
            return (all, statement);
        }
    }
}

/// What has to be known of a prepared statement to execute it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) id: u32,
    pub(super) parameters: usize,
}

async fn one(
    connection: &mut Connection,
    command: Command,
    statement: &mut Option<Statement>,
) -> Result<Reply> {
    let first = connection.packet().await?;
    let header = *first.first().context("an empty packet")?;
    if header == ErrPacket::HEADER {
        return Ok(Reply::Error(ErrPacket::decode(&first)?));
    }
    match command {
        Command::STATISTICS => Ok(Reply::Text),
        Command::STMT_PREPARE => prepared(connection, &first, statement).await,
        Command::FIELD_LIST => fields(connection, first).await,
        Command::STMT_FETCH => {
            let mut fetched = ResultSet::default();
            rows(connection, true, &mut fetched, Some(first)).await?;
            Ok(Reply::Rows(fetched))
        }
        _ if header == OkPacket::HEADER => outcome(connection, &first),
        // `COM_SET_OPTION` ends with what ends a result set.
        _ if is_end(connection, &first) => Ok(Reply::Ok(Outcome {
            end: end(connection, &first)?,
            ..Outcome::default()
        })),
        _ if header == INFILE => infile(connection, &first).await,
        _ => result_set(connection, command == Command::STMT_EXECUTE, &first).await,
    }
}

/// The server's answers to `COM_CHANGE_USER`, up to its verdict.
pub(super) async fn change_user(connection: &mut Connection, password: &[u8]) -> Result<Reply> {
    loop {
        let packet = connection.packet().await?;
        match packet.first().copied() {
            Some(ErrPacket::HEADER) => return Ok(Reply::Error(ErrPacket::decode(&packet)?)),
            Some(OkPacket::HEADER) => return outcome(connection, &packet),
            Some(AUTH_MORE_DATA) if packet.get(1) == Some(&FAST_AUTH_OK) => {}
            Some(AUTH_SWITCH) => {
                let nonce = packet.iter().rev().skip(1).take(NONCE_LEN);
                let mut nonce: Vec<u8> = nonce.copied().collect();
                nonce.reverse();
                let nonce = nonce.first_chunk().context("a short nonce")?;
                let is_native = packet[1..].starts_with(native_password::NAME.as_bytes());
                let answer = if is_native {
                    native_password::scramble(password, nonce)
                } else {
                    caching_sha2::scramble(password, nonce)
                };
                connection.answer(&answer).await?;
            }
            _ => bail!("not understood: {packet:?}"),
        }
    }
}

fn outcome(connection: &Connection, packet: &Bytes) -> Result<Reply> {
    let ok = OkPacket::decode(packet, connection.capabilities)?;
    Ok(Reply::Ok(Outcome {
        affected_rows: ok.affected_rows,
        last_insert_id: ok.last_insert_id,
        end: End {
            status: Status(ok.status),
            warnings: ok.warnings,
            info: String::new(),
        },
        info: ok.info,
        session_state: in_order(&ok.session_state),
    }))
}

fn deprecates_eof(connection: &Connection) -> bool {
    connection
        .capabilities
        .contains(Capabilities::DEPRECATE_EOF)
}

/// True for what ends columns or rows.
fn is_end(connection: &Connection, packet: &Bytes) -> bool {
    let longest = if deprecates_eof(connection) {
        MAX_PAYLOAD
    } else {
        EofPacket::ROW_LEN
    };
    packet.first() == Some(&EofPacket::HEADER) && packet.len() < longest
}

fn end(connection: &Connection, packet: &Bytes) -> Result<End> {
    // `COM_SET_OPTION` may be answered by a short one whatever was agreed.
    if !deprecates_eof(connection) || packet.len() == EofPacket::LEN {
        let eof = EofPacket::decode(packet)?;
        return Ok(End {
            status: Status(eof.status),
            warnings: eof.warnings,
            info: String::new(),
        });
    }
    let ok = OkPacket::decode(packet, connection.capabilities)?;
    let figures = (ok.affected_rows, ok.last_insert_id);
    let figures = if figures == (0, 0) {
        String::new()
    } else {
        format!("{figures:?} ")
    };
    Ok(End {
        status: Status(ok.status),
        warnings: ok.warnings,
        info: figures + &ok.info,
    })
}

async fn columns(connection: &mut Connection, count: usize) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    for _ in 0..count {
        columns.push(Column(connection.packet().await?));
    }
    Ok(columns)
}

/// The EOF packet after columns, where it is in use.
async fn between(connection: &mut Connection) -> Result<Option<End>> {
    if deprecates_eof(connection) {
        return Ok(None);
    }
    let packet = connection.packet().await?;
    ensure!(is_end(connection, &packet), "no EOF after the columns");
    end(connection, &packet).map(Some)
}

async fn prepared(
    connection: &mut Connection,
    packet: &Bytes,
    statement: &mut Option<Statement>,
) -> Result<Reply> {
    let fixed: &[u8; PREPARED_LEN] = packet.first_chunk().context("a short packet")?;
    let [
        _,
        a,
        b,
        c,
        d,
        columns0,
        columns1,
        parameters0,
        parameters1,
        _,
        warnings0,
        warnings1,
    ] = *fixed;
    let count = |low, high| usize::from(u16::from_le_bytes([low, high]));
    let parameters = columns(connection, count(parameters0, parameters1)).await?;
    if !parameters.is_empty() {
        between(connection).await?;
    }
    let columns = columns(connection, count(columns0, columns1)).await?;
    if !columns.is_empty() {
        between(connection).await?;
    }
    *statement = Some(Statement {
        id: u32::from_le_bytes([a, b, c, d]),
        parameters: parameters.len(),
    });
    Ok(Reply::Prepared(Prepared {
        parameters,
        columns,
        warnings: u16::from_le_bytes([warnings0, warnings1]),
    }))
}

async fn fields(connection: &mut Connection, first: Bytes) -> Result<Reply> {
    let mut columns = Vec::new();
    let mut packet = first;
    while !is_end(connection, &packet) {
        columns.push(Column(packet));
        packet = connection.packet().await?;
    }
    let end = end(connection, &packet)?;
    Ok(Reply::Fields(columns, end))
}

/// A file is asked for: it is always the same, in two packets. Another reply follows.
async fn infile(connection: &mut Connection, packet: &Bytes) -> Result<Reply> {
    let name = String::from_utf8_lossy(packet.get(1..).unwrap_or_default()).into_owned();
    for part in [FILE, &[]] {
        connection.answer(part).await?;
    }
    Ok(Reply::Infile(name))
}

async fn result_set(connection: &mut Connection, binary: bool, first: &Bytes) -> Result<Reply> {
    let (count, rest) = length(first).context("no number of columns")?;
    ensure!(rest.is_empty(), "more than a number of columns: {first:?}");
    let columns = columns(connection, count).await?;
    let mut result = ResultSet {
        columns,
        between: between(connection).await?,
        ..ResultSet::default()
    };
    let status = result.between.as_ref().map(|between| between.status.0);
    if status.is_some_and(|status| status.contains(StatusFlags::CURSOR_EXISTS)) {
        return Ok(Reply::Rows(result));
    }
    rows(connection, binary, &mut result, None).await?;
    Ok(Reply::Rows(result))
}

async fn rows(
    connection: &mut Connection,
    binary: bool,
    result: &mut ResultSet,
    first: Option<Bytes>,
) -> Result<()> {
    let mut next = first;
    loop {
        let packet = match next.take() {
            Some(packet) => packet,
            None => connection.packet().await?,
        };
        if is_end(connection, &packet) {
            result.end = Some(end(connection, &packet)?);
            return Ok(());
        }
        if packet.first() == Some(&ErrPacket::HEADER) {
            result.error = Some(ErrPacket::decode(&packet)?);
            return Ok(());
        }
        result.rows.push(if binary {
            Row::Binary(packet)
        } else {
            Row::Text(values(&packet).context("an unreadable row")?)
        });
    }
}

fn values(packet: &Bytes) -> Option<Vec<Option<Bytes>>> {
    let mut rest = &packet[..];
    let mut values = Vec::new();
    while let Some(first) = rest.first() {
        if *first == NULL {
            values.push(None);
            rest = &rest[1..];
            continue;
        }
        let (len, after) = length(rest)?;
        let (value, after) = after.split_at_checked(len)?;
        values.push(Some(packet.slice_ref(value)));
        rest = after;
    }
    Some(values)
}

/// A length-encoded integer and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let width = match first {
        0xFC => 2,
        0xFD => 3,
        0xFE => 8,
        _ => return Some((usize::from(*first), rest)),
    };
    let (number, rest) = rest.split_at_checked(width)?;
    let mut whole = [0; 8];
    whole[..width].copy_from_slice(number);
    Some((usize::try_from(u64::from_le_bytes(whole)).ok()?, rest))
}

/// The changes of a session's state in an order of their own: MariaDB gives its variables in that
/// of a hash table.
fn in_order(block: &[u8]) -> Vec<u8> {
    // How many statements the server has run, whoever sent them.
    let is_count = |change: &StateChange<'_>| {
        change.kind == StateChangeKind::SYSTEM_VARIABLES
            && change
                .data
                .get(1..)
                .is_some_and(|data| data.starts_with(b"statement_id"))
    };
    let mut changes: Vec<_> = state_changes(block)
        .filter(|change| !change.as_ref().is_ok_and(is_count))
        .map(|change| match change {
            Ok(change) => [&[change.kind.0], change.data].concat(),
            Err(error) => error.to_string().into_bytes(),
        })
        .collect();
    changes.sort();
    changes.concat()
}
