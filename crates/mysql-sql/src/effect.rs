//! The facts that matter of a statement: what it leaves on a connection, and what it needs there.

/// What a statement does to the connection that runs it, and what it needs of it. The default: it
/// leaves the connection as it was and can run on any. (Whether a transaction is open, the origin's
/// status tells.)
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any of them may hold at once"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Leaves something behind that cannot be carried, or is not understood.
    pub pin: Option<PinReason>,
    /// Reads state that other sessions may have left on a connection without anybody's knowledge
    /// (a trigger sets a user variable): needs a connection that nobody has used.
    pub needs_unused: bool,
    /// Reads `LAST_INSERT_ID()`.
    pub reads_insert_id: bool,
    /// Sets it: `LAST_INSERT_ID(expression)`.
    pub sets_insert_id: bool,
    /// Asks about the statement before it: must run where that one ran.
    pub reads_previous: bool,
    /// The statement after it will ask about this one: the connection must be kept for it.
    pub keep_for_next: bool,
    /// Changes the default database to this one, if it succeeds.
    pub use_database: Option<String>,
    /// Names a connection by its id, which only the origin knows.
    pub kill: bool,
}

impl Effect {
    /// The effect of something that pins, and cannot be told anything else of.
    pub fn pin(reason: PinReason) -> Self {
        Self {
            pin: Some(reason),
            needs_unused: reason.may_read_leftovers(),
            ..Self::default()
        }
    }

    /// The effect of `USE`.
    pub fn use_database(name: String) -> Self {
        Self {
            use_database: Some(name),
            ..Self::default()
        }
    }

    /// Both effects, one after the other.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.pin = self.pin.or(other.pin);
        self.needs_unused |= other.needs_unused;
        self.reads_insert_id |= other.reads_insert_id;
        self.sets_insert_id |= other.sets_insert_id;
        self.reads_previous |= other.reads_previous;
        self.keep_for_next |= other.keep_for_next;
        self.kill |= other.kill;
        if self.use_database.is_some() || other.use_database.is_some() {
            // If one of several fails, nothing tells whether `USE` was before or behind it.
            self = self
                .without_database()
                .and(&Self::pin(PinReason::NotUnderstood));
        }
        self
    }

    fn without_database(self) -> Self {
        Self {
            use_database: None,
            ..self
        }
    }
}

/// Why a session keeps a connection beyond a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PinReason {
    /// `SET`: a session variable changed.
    SessionVariable,
    /// `@name` was used.
    UserVariable,
    /// A temporary table may exist.
    TemporaryTable,
    /// `GET_LOCK`.
    UserLock,
    /// `LOCK TABLES`, `FLUSH`: tables may be locked.
    TableLock,
    /// The last value of a sequence was asked for, which is kept per connection.
    Sequence,
    /// The connection's own id was asked for.
    ConnectionId,
    /// Text `PREPARE`.
    TextPrepare,
    /// `XA`: a distributed transaction.
    DistributedTransaction,
    /// `CALL`: a procedure may do anything.
    Procedure,
    /// `GET DIAGNOSTICS`: asks about the statement before, into variables.
    Diagnostics,
    /// `DROP DATABASE`: connections that were in it are in none.
    DroppedDatabase,
    /// A function that is not native was called, and may do anything.
    StoredFunction,
    /// Nothing that this version understands.
    NotUnderstood,
}

impl PinReason {
    /// True when the statement may read what another session left on the connection.
    fn may_read_leftovers(self) -> bool {
        matches!(
            self,
            Self::UserVariable
                | Self::Sequence
                | Self::TextPrepare
                | Self::Procedure
                | Self::StoredFunction
                | Self::NotUnderstood
        )
    }

    /// The reason's name in metrics, logs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionVariable => "session_variable",
            Self::UserVariable => "user_variable",
            Self::TemporaryTable => "temporary_table",
            Self::UserLock => "user_lock",
            Self::TableLock => "table_lock",
            Self::Sequence => "sequence",
            Self::ConnectionId => "connection_id",
            Self::TextPrepare => "text_prepare",
            Self::DistributedTransaction => "distributed_transaction",
            Self::Procedure => "procedure",
            Self::Diagnostics => "diagnostics",
            Self::DroppedDatabase => "dropped_database",
            Self::StoredFunction => "stored_function",
            Self::NotUnderstood => "not_understood",
        }
    }
}
