//! Why a session keeps a connection beyond a transaction, and what gives it back.

/// Why a session keeps a connection beyond a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PinReason {
    /// `SET`: a session variable changed that is not carried.
    SessionVariable,
    /// Likewise, and which bytes of a statement are letters may depend on it.
    CharacterSet,
    /// `@name` was set to something that no literal stands for, or by something else than `SET`.
    UserVariable,
    /// A temporary table may exist.
    TemporaryTable,
    /// `GET_LOCK`.
    UserLock,
    /// `LOCK TABLES`, `FLUSH TABLES … WITH READ LOCK`: tables may be locked.
    TableLock,
    /// The last value of a sequence was asked for, which is kept per connection.
    Sequence,
    /// Text `PREPARE`.
    TextPrepare,
    /// `XA`: a distributed transaction.
    DistributedTransaction,
    /// `HANDLER … OPEN`: a table is open for reading by hand.
    HandlerStatement,
    /// `CALL`: a procedure may do anything.
    Procedure,
    /// `GET DIAGNOSTICS`: asks about the statement before, into variables.
    Diagnostics,
    /// A function that is not native was called, and may do anything.
    StoredFunction,
    /// Nothing that this version understands.
    NotUnderstood,
}

impl PinReason {
    /// True when the statement may read what another session left on the connection.
    pub(crate) fn may_read_leftovers(self) -> bool {
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

    /// True when the statement may run what is not in its text.
    pub(crate) fn may_run_program(self) -> bool {
        matches!(
            self,
            Self::TextPrepare | Self::Procedure | Self::StoredFunction | Self::NotUnderstood
        )
    }

    /// True when the statement may use `XA`: a program may, but no function.
    pub(crate) fn may_distribute(self) -> bool {
        matches!(
            self,
            Self::DistributedTransaction
                | Self::TextPrepare
                | Self::Procedure
                | Self::NotUnderstood
        )
    }

    /// True when a [`Release`] may lift it.
    fn can_end(self) -> bool {
        matches!(
            self,
            Self::UserLock
                | Self::TableLock
                | Self::TextPrepare
                | Self::DistributedTransaction
                | Self::HandlerStatement
        )
    }

    /// Of two reasons the one that does not end, and leaves less certain; of two that end by
    /// different statements neither does.
    pub(crate) fn and(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        // What is not understood leaves nothing certain, and then no text can be read for certain.
        // A prepared text is none that is read, and another reason outlasts it.
        let is = |reason| self == reason || other == reason;
        if is(Self::NotUnderstood) || is(Self::TextPrepare) {
            return Self::NotUnderstood;
        }
        for reason in [Self::CharacterSet, Self::SessionVariable, Self::Procedure] {
            if is(reason) {
                return reason;
            }
        }
        match (self.can_end(), other.can_end()) {
            (true, true) => Self::NotUnderstood,
            (true, false) => other,
            (false, _) => self,
        }
    }

    /// The reason's name in metrics, logs and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionVariable => "session_variable",
            Self::CharacterSet => "character_set",
            Self::UserVariable => "user_variable",
            Self::TemporaryTable => "temporary_table",
            Self::UserLock => "user_lock",
            Self::TableLock => "table_lock",
            Self::Sequence => "sequence",
            Self::TextPrepare => "text_prepare",
            Self::DistributedTransaction => "distributed_transaction",
            Self::HandlerStatement => "handler_statement",
            Self::Procedure => "procedure",
            Self::Diagnostics => "diagnostics",
            Self::StoredFunction => "stored_function",
            Self::NotUnderstood => "not_understood",
        }
    }
}

/// A statement that, if it succeeds, ends what others have pinned for.
///
/// Pins are counted by their reason and [`Effect::pin_name`](crate::Effect::pin_name), one for
/// each statement that was sent, whether it succeeded or not, but for a `GET_LOCK` whose answer
/// tells that nothing was taken: rather more is believed to be held than is, never less. A release
/// with a name takes one from the pins of the same reason and the same name; without a name it
/// takes all of the reason, named or not. Nothing else lifts a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Pins of this reason end.
    pub reason: PinReason,
    /// One pin with this name. `None`: all of the reason.
    pub name: Option<String>,
}
