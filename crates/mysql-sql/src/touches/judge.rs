//! Refuses what keeps a result from being kept, wherever it stands in a query.

use super::NotKept;
use super::keyword::Keyword;
use super::native;
use super::piece::Piece;
use super::query::{Opener, Place};
use super::reader::{Judges, Read, Reader};
use crate::builtin::{is_builtin, is_users_if_apart};
use crate::word::is;

impl Reader<'_> {
    /// It may not be kept, for this reason: of no concern to whoever asks for something else.
    pub(super) fn refuse(&self, reason: NotKept) -> Read {
        match self.judges {
            Judges::Nothing | Judges::Calls => Ok(()),
            Judges::Everything => Err(reason),
        }
    }

    /// Likewise, for a reason by which it may do more than to read.
    pub(super) fn refuse_call(&self, reason: NotKept) -> Read {
        match self.judges {
            Judges::Nothing => Ok(()),
            Judges::Calls | Judges::Everything => Err(reason),
        }
    }

    /// The keyword at hand.
    pub(super) fn judge_keyword(&self, keyword: Keyword, place: Place) -> Read {
        match keyword {
            Keyword::For if place == Place::InsideWithFrom => Ok(()),
            Keyword::For => self.judge_for(),
            Keyword::Lock => self.refuse(NotKept::Locks),
            Keyword::Into => self.refuse_call(NotKept::Writes),
            Keyword::Procedure => self.refuse_call(NotKept::NotUnderstood),
            Keyword::Volatile => self.refuse(NotKept::Nondeterministic),
            Keyword::FoundRows => self.refuse(NotKept::FoundRows),
            Keyword::NoCache => self.refuse(NotKept::Hint),
            _ => Ok(()),
        }
    }

    fn judge_for(&self) -> Read {
        let mut following = self.pieces.clone();
        following.take_keyword(Keyword::For);
        if following.take_word("ORDINALITY") {
            Ok(())
        } else if following.take_word("SYSTEM_TIME") {
            // What is behind it is read as an expression.
            self.refuse_call(NotKept::Temporal)
        } else {
            self.refuse(NotKept::Locks)
        }
    }

    /// The parenthesis at hand may begin the arguments of a function, by what is before it.
    pub(super) fn judge_call(&self, opener: Opener<'_>) -> Read {
        match opener.last {
            Piece::Word(word) if native::is_keyword(word) || is_operator(word, opener.before) => {
                Ok(())
            }
            Piece::Word(word) => self.judge_function(word),
            // Names to some servers, and the users' own functions.
            Piece::Keyword(
                Keyword::JsonTable
                | Keyword::Lateral
                | Keyword::MaybeClause
                | Keyword::MaybeUnion
                | Keyword::Window,
            )
            | Piece::Name(_)
            | Piece::Literal
            | Piece::Variable => self.refuse_call(NotKept::Function),
            _ => Ok(()),
        }
    }

    fn judge_function(&self, word: &[u8]) -> Read {
        if !native::is_deterministic(word, self.server) {
            if !is_builtin(word, self.server) {
                return self.refuse_call(NotKept::Function);
            }
            self.refuse(NotKept::Nondeterministic)?;
        }
        if !self.pieces.is_adjacent() && is_users_if_apart(word, self.server) {
            return self.refuse_call(NotKept::Function);
        }
        Ok(())
    }

    /// What is in the parenthesis of a function.
    pub(super) fn judge_arguments(&self, opener: Opener<'_>) -> Read {
        match opener.last {
            // Without arguments it tells the time.
            Piece::Word(word)
                if is(word, "UNIX_TIMESTAMP") && self.pieces.peek() == Piece::Sign(b')') =>
            {
                self.refuse(NotKept::Nondeterministic)
            }
            _ => Ok(()),
        }
    }
}

/// True for words that are no function only because of what is before them: they are not reserved,
/// and a function may have their name.
fn is_operator(word: &[u8], before: Piece<'_>) -> bool {
    match before {
        Piece::Sign(b')') => is(word, "AGAINST") || is(word, "OVER"),
        Piece::Literal => is(word, "COLUMNS"),
        Piece::Word(before) => is(before, "MEMBER") && is(word, "OF"),
        _ => false,
    }
}
