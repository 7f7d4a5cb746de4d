//! One connection to an origin, logged in.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use std::sync::Arc;

use conn_pool::Fit;
use mysql_client::LoggedIn;
use mysql_proto::{
    Capabilities, Command, ErrPacket, HEADER_LEN, PacketHeader, StatusFlags, write_command,
};
use mysql_sql::{Escapes, Server};
use net::BoxStream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::insert_id::InsertId;
use super::wear::Wear;
use crate::bring::{self, Steps};
use crate::state::{Names, SessionState};
use crate::statements::{HandleLimits, Handles};

/// What is read from an origin at a time. It holds most responses whole; a bulk result moves in
/// pieces of this size, and the client's own pace is what bounds it.
const READ_BUFFER: usize = 16 * 1024;

/// Longest error that an origin says before it hangs up, which is a sentence.
const LAST_WORDS: usize = 1024;

/// A connection to an origin, logged in and between two commands while nobody uses it.
#[derive(Debug)]
pub(crate) struct OriginConn {
    stream: BoxStream,
    capabilities: Capabilities,
    flavor: Flavor,
    thread: u32,
    buffer: Box<[u8]>,
    /// What of the buffer was read from the stream and not used yet: the beginning of the response
    /// behind one that has ended.
    unread: Range<usize>,
    /// Character set and collation of its login.
    login_names: Names,
    /// How backslashes read on it where nobody has set `sql_mode`: the server's choice, as it was
    /// told last. `None`: not yet. TiDB applies its defaults with the first statement, and says
    /// nothing of them before.
    default_escapes: Option<Escapes>,
    /// What the last session made of it.
    state: Arc<SessionState>,
    /// What may be left on it that no state tells.
    wear: Wear,
    /// Whom it was lent to last.
    last_session: Option<Life>,
    pub(super) insert_id: InsertId,
    /// MySQL: a login has all roles of its user. `None`: nobody has asked yet.
    pub(super) activates_all_roles: Option<bool>,
    /// What is prepared on it.
    pub(crate) handles: Handles,
    /// True between two commands. False while one is under way, and for good when a response was
    /// left unread or was longer than it should be: nobody can tell what it will say next.
    settled: bool,
}

/// A session from its login, its reset or its change of user to the next of these: it finds nothing
/// of what it left on a connection before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// The session's id.
    pub(crate) session: u32,
    /// How often it has begun anew.
    pub(crate) resets: u64,
}

impl OriginConn {
    pub(super) fn new(logged_in: LoggedIn, state: Arc<SessionState>, limits: HandleLimits) -> Self {
        let flavor = Flavor::of(&logged_in.server_version);
        Self {
            stream: logged_in.stream,
            capabilities: logged_in.capabilities,
            flavor,
            thread: logged_in.connection_id,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            unread: 0..0,
            login_names: state.names.clone(),
            default_escapes: (!flavor.is_tidb()).then(|| escapes(logged_in.status)),
            state,
            wear: Wear::default(),
            last_session: None,
            insert_id: InsertId::default(),
            activates_all_roles: None,
            handles: Handles::new(limits),
            settled: true,
        }
    }

    /// Its id at the origin, for `KILL`.
    pub(crate) fn thread(&self) -> u32 {
        self.thread
    }

    /// Whose server it is.
    pub(crate) fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// The name that its server has for a variable.
    pub(crate) fn spelling<'n>(&self, name: &'n str) -> &'n str {
        self.flavor.spelling(name)
    }

    /// True when an EOF packet stands between the columns and the rows of a result set.
    pub(crate) fn has_eof(&self) -> bool {
        !self.capabilities.contains(Capabilities::DEPRECATE_EOF)
    }

    /// How backslashes read in a session that has not set `sql_mode`.
    pub(crate) fn default_escapes(&self) -> Option<Escapes> {
        self.default_escapes
    }

    /// It is in this status, and nobody has set `sql_mode`.
    pub(crate) fn note_default(&mut self, status: StatusFlags) {
        self.default_escapes = Some(escapes(status));
    }

    /// A statement that succeeded has led it to this state.
    pub(crate) fn set_state(&mut self, state: Arc<SessionState>) {
        self.state = state;
    }

    /// True when it is known to be in this database.
    pub(crate) fn is_in(&self, database: Option<&str>) -> bool {
        database.is_some() && self.state.database_name() == database
    }

    /// True when nothing leads it to this state, as it is in that.
    pub(crate) fn is_in_state(&self, state: &Arc<SessionState>) -> bool {
        self.state.is_same(state)
    }

    /// How near it is to a state.
    pub(crate) fn fit(&self, state: &Arc<SessionState>) -> Fit {
        if self.is_in_state(state) {
            Fit::Ready
        } else {
            bring::fit(&self.state, state, self.flavor)
        }
    }

    /// What has to be sent to lead it to a state, by a reset if so asked.
    pub(crate) fn steps_to(&self, state: &Arc<SessionState>, reset: bool) -> Steps {
        let mut steps = Steps::on(self.capabilities);
        if reset || !self.state.is_same(state) {
            let reset = reset.then(|| self.state_after_reset(self.role(true)));
            bring::add_steps(&mut steps, &self.state, state, self.flavor, reset.as_ref());
        }
        steps
    }

    /// The role that it is in, after a reset if so asked: TiDB's leaves it.
    pub(crate) fn role(&self, reset: bool) -> Option<String> {
        let role = self.state.role.clone();
        role.filter(|_| !(reset && self.flavor.is_tidb()))
    }

    /// A session begins its stay.
    ///
    /// `on_writes`, `on_reads`: the origin has programs that statements run which write or read.
    /// They may leave on a connection what no statement betrays (a view calls a function that takes
    /// a lock), so it is reset between two sessions if there was such a statement. So it is behind
    /// routines that are known to leave nothing: somebody may have changed them meanwhile.
    pub(crate) fn begin_stay(&mut self, session: Life, on_writes: bool, on_reads: bool) {
        self.wear.has_leftovers = self.wear.touched;
        let is_anothers = self.last_session != Some(session);
        // Once it is due it stays so, also if this session sends nothing.
        self.wear.must_reset |= is_anothers && self.may_have_run(on_writes, on_reads);
        self.last_session = Some(session);
    }

    /// True when programs may have run on it since its reset. What they left there is no matter of
    /// anybody's but the present session.
    pub(crate) fn may_have_run(&self, on_writes: bool, on_reads: bool) -> bool {
        let unnamed = (on_writes && self.wear.touched) || (on_reads && self.wear.used);
        unnamed || self.wear.ran_program
    }

    /// True when it has to be reset for the present session.
    pub(crate) fn must_reset(&self) -> bool {
        self.wear.must_reset
    }

    /// It has to be as after its login, if it is not.
    pub(crate) fn demand_reset(&mut self) {
        self.wear.must_reset |= self.wear.used;
    }

    /// True when another session may have left something on it that no state tells.
    pub(crate) fn has_leftovers(&self) -> bool {
        self.wear.has_leftovers
    }

    /// A statement was sent that may leave what no state tells.
    pub(crate) fn touch(&mut self) {
        self.wear.touched = true;
    }

    /// A program has run on it, perhaps, of which it is not known what it does: it may have made a
    /// temporary table, so that names mean something else to the present session.
    pub(crate) fn note_names_unsure(&mut self) {
        self.wear.names_unsure = true;
    }

    /// True when names mean there what they mean to all.
    pub(crate) fn are_names_sure(&self) -> bool {
        !self.wear.names_unsure
    }

    /// A statement runs, or has run, that calls a routine, or while there may be programs that it
    /// runs without naming them.
    pub(crate) fn note_program(&mut self) {
        self.wear.ran_program = true;
    }

    /// True when it is not as after its login, or its last reset.
    pub(crate) fn is_used(&self) -> bool {
        self.wear.used
    }

    /// True when something may be on it that no state tells.
    pub(crate) fn is_touched(&self) -> bool {
        self.wear.touched
    }

    /// A statement has warned, or failed.
    pub(crate) fn note_conditions(&mut self) {
        self.wear.has_conditions = true;
    }

    /// True when it may remember warnings or errors.
    pub(crate) fn has_conditions(&self) -> bool {
        self.wear.has_conditions
    }

    /// It remembers none.
    pub(super) fn forget_conditions(&mut self) {
        self.wear.has_conditions = false;
    }

    /// Nothing was sent on it since its reset.
    pub(crate) fn unused(&mut self) {
        self.wear.used = false;
    }

    /// The state after a reset.
    pub(super) fn state_after_reset(&self, role: Option<String>) -> SessionState {
        let names = match self.flavor {
            // MySQL goes to the server's own, MariaDB to those of the login, or of another
            // client's if it did not know them.
            Flavor::MySql | Flavor::MariaDb { .. } => Names::Unknown,
            Flavor::TiDb => self.login_names.clone(),
        };
        SessionState::after_reset(names, role, self.keeps_ignore_space())
    }

    /// True when a reset leaves the mode of a login with `CLIENT_IGNORE_SPACE`: not on MariaDB.
    fn keeps_ignore_space(&self) -> bool {
        self.capabilities.contains(Capabilities::IGNORE_SPACE) && !self.flavor.is_mariadb()
    }

    /// It was reset: nothing of what was on it is left.
    pub(super) fn forget(&mut self) {
        self.state = Arc::new(self.state_after_reset(None));
        self.insert_id = InsertId::default();
        self.default_escapes = None;
        self.wear.touched = false;
        self.wear.ran_program = false;
        self.wear.names_unsure = false;
        self.wear.has_leftovers = false;
        self.wear.must_reset = false;
        self.wear.has_conditions = false;
        self.handles.clear();
    }

    /// A command is about to be sent: only [`OriginConn::end_command`] makes the connection fit for
    /// another, so that whoever is interrupted leaves one that is closed.
    pub(crate) fn begin_command(&mut self) {
        self.settled = false;
    }

    /// The whole response was read, and nothing else.
    pub(crate) fn end_command(&mut self) {
        self.wear.used = true;
        self.settled = true;
    }

    /// True between two commands.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// The capabilities in force on it.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Sends bytes. The count of those that left is in the error's place when it fails, because a
    /// command of which nothing left may be tried elsewhere.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), SendError> {
        let mut sent = false;
        while !bytes.is_empty() {
            match self.stream.write(bytes).await {
                Ok(0) => return Err(SendError::new(sent, io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    sent = true;
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) => return Err(SendError::new(sent, error)),
            }
        }
        // TLS and tunnels may keep bytes back until they are told; TCP does nothing here.
        self.stream
            .flush()
            .await
            .map_err(|error| SendError::new(true, error))
    }

    /// Reads what has come. Never empty: the end of the stream is an error, since it can only come
    /// amid something. Cancel-safe.
    pub(crate) async fn receive(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            let count = self.stream.read(&mut self.buffer).await?;
            if count == 0 {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the origin closed the connection",
                ));
            }
            self.unread = 0..count;
        }
        let read = std::mem::replace(&mut self.unread, 0..0);
        self.unread = read.end..read.end;
        Ok(self.buffer.get(read).unwrap_or_default())
    }

    /// The last `count` bytes that [`OriginConn::receive`] gave belong to the next response.
    pub(crate) fn put_back(&mut self, count: usize) {
        let end = self.unread.end;
        self.unread = end.saturating_sub(count)..end;
    }

    /// True when bytes were read that nobody has used.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Waits until the origin ends the connection, or says something unasked, which it does before
    /// it hangs up: gives that error, if it is one. Cancel-safe.
    pub(crate) async fn hung_up(&mut self) -> Option<ErrPacket> {
        let mut bytes = [0; LAST_WORDS];
        let mut buffer = ReadBuf::new(&mut bytes);
        let stream = &mut self.stream;
        let read = poll_fn(|context| Pin::new(&mut *stream).poll_read(context, &mut buffer)).await;
        self.settled = false;
        read.ok().and_then(|()| last_words(buffer.filled()))
    }

    /// True unless the stream has ended, failed, or said something unasked while nobody used it, or
    /// what carries it is about to go.
    pub(super) fn is_usable(&mut self) -> bool {
        self.settled && !self.has_unread() && !self.stream.is_leaving() && self.stream.is_quiet()
    }

    /// Says goodbye if that can be done without waiting, so that the origin does not count an
    /// aborted connection.
    pub(crate) fn quit(mut self) {
        let mut packet = Vec::new();
        write_command(&mut packet, Command::QUIT, &[]);
        let mut context = Context::from_waker(Waker::noop());
        let mut stream = Pin::new(&mut self.stream);
        if let Poll::Ready(Ok(_)) = stream.as_mut().poll_write(&mut context, &packet) {
            // Whether it leaves does not matter any more.
            let _pending = stream.poll_shutdown(&mut context);
        }
    }
}

/// How backslashes read in a session of this status.
pub(crate) fn escapes(status: StatusFlags) -> Escapes {
    if status.contains(StatusFlags::NO_BACKSLASH_ESCAPES) {
        Escapes::None
    } else {
        Escapes::Backslash
    }
}

/// The error of a packet that nobody asked for.
fn last_words(bytes: &[u8]) -> Option<ErrPacket> {
    let header = PacketHeader::decode(bytes)?;
    let payload = bytes.get(HEADER_LEN..)?.get(..header.payload_len)?;
    ErrPacket::decode(payload).ok()
}

/// Whose server an origin is, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    MySql,
    MariaDb {
        /// Since 11.1.1 it knows `transaction_isolation` as MySQL does.
        has_new_names: bool,
        /// Since 11.8 the parameters of a routine may have defaults, which are expressions.
        has_defaults: bool,
    },
    TiDb,
}

impl Flavor {
    /// Reads it off the version in a greeting.
    pub(super) fn of(server_version: &str) -> Self {
        if let Some(release) = mysql_sql::mariadb_release(server_version) {
            let asked = "transaction_isolation";
            Self::MariaDb {
                has_new_names: mysql_sql::spelling(asked, server_version) == asked,
                has_defaults: release >= (11, 8),
            }
        } else if server_version.contains("TiDB") {
            Self::TiDb
        } else {
            Self::MySql
        }
    }

    /// True for MariaDB.
    pub(crate) fn is_mariadb(self) -> bool {
        matches!(self, Self::MariaDb { .. })
    }

    /// Whose types its calls have.
    pub(crate) fn server(self) -> Server {
        match self {
            Self::MySql => Server::MySql,
            Self::MariaDb { .. } => Server::MariaDb,
            Self::TiDb => Server::TiDb,
        }
    }

    /// True for TiDB.
    pub(crate) fn is_tidb(self) -> bool {
        self == Self::TiDb
    }

    /// The name that the server has for a variable.
    pub(crate) fn spelling(self, name: &str) -> &str {
        match self {
            // Any version before the change reads the same.
            Self::MariaDb {
                has_new_names: false,
                ..
            } => mysql_sql::spelling(name, "10.11.0-MariaDB"),
            _ => name,
        }
    }
}

/// A command did not leave whole.
#[derive(Debug)]
pub(crate) struct SendError {
    /// True when some of it left, so that it may run.
    pub(crate) sent: bool,
    /// Why.
    pub(crate) source: io::Error,
}

impl SendError {
    fn new(sent: bool, source: io::Error) -> Self {
        Self { sent, source }
    }
}
