//! What a look for tables has found, and the parts that all that is read consists of.

use super::keyword::Keyword;
use super::piece::{Piece, Pieces};
use super::table::{TableRef, folded};
use super::{NotKept, Touched};
use crate::question::Server;
use crate::token::Tokens;

/// Deepest nesting that is read: each level takes some of the stack.
const MAX_DEPTH: usize = 64;

/// Most tables, and most names of queries. What has more is no client's daily work.
pub(super) const MAX_NAMES: usize = 128;

/// Nothing, or why it is not understood or not kept.
pub(super) type Read<T = ()> = Result<T, NotKept>;

/// What a reader refuses, besides what it does not understand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Judges {
    /// Nothing: it only looks for tables.
    Nothing,
    /// What may run a program, or change something.
    Calls,
    /// All that may not be kept.
    Everything,
}

/// Reads queries and references to tables.
pub(super) struct Reader<'a> {
    pub(super) pieces: Pieces<'a>,
    pub(super) server: Server,
    pub(super) judges: Judges,
    depth: usize,
    tables: Vec<TableRef>,
    /// The names that `WITH` gives to queries, wherever it stands.
    queries: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Looks for tables only.
    pub(super) fn new(pieces: Pieces<'a>, server: Server) -> Self {
        Self {
            pieces,
            server,
            judges: Judges::Nothing,
            depth: 0,
            tables: Vec::new(),
            queries: Vec::new(),
        }
    }

    /// Refuses more than what it does not understand.
    pub(super) fn judging(judges: Judges, tokens: Tokens<'a>, server: Server) -> Self {
        Self {
            judges,
            ..Self::new(Pieces::new(tokens), server)
        }
    }

    /// The tables that were found. Which of them are within reach of a query of the same name is
    /// not followed up.
    pub(super) fn into_tables(self) -> Vec<TableRef> {
        let mut tables = self.tables;
        for table in &mut tables {
            let is_bare = table.database.is_none();
            table.may_be_query = is_bare && self.queries.contains(&table.name);
        }
        tables
    }

    /// Likewise, as what is written to.
    pub(super) fn into_writes(self) -> Touched {
        let tables = self.into_tables();
        if tables.is_empty() || tables.iter().any(TableRef::is_of_server) {
            Touched::Everything
        } else {
            Touched::Tables(tables)
        }
    }

    /// Forgets the tables so far, which are only read.
    pub(super) fn forget_tables(&mut self) {
        self.tables.clear();
    }

    /// `[database .] table`.
    pub(super) fn table(&mut self) -> Read {
        let is_bare = self.pieces.take_sign(b'.');
        let mut name = self.name()?;
        let mut database = None;
        if !is_bare && self.pieces.take_sign(b'.') {
            database = Some(name);
            name = self.name()?;
        }
        expect(self.pieces.peek() != Piece::Sign(b'.'))?;
        let table = TableRef {
            database,
            name,
            may_be_query: false,
        };
        if !self.tables.contains(&table) {
            expect(self.tables.len() < MAX_NAMES)?;
            self.tables.push(table);
        }
        Ok(())
    }

    /// The name of a query.
    pub(super) fn name_of_query(&mut self) -> Read {
        let name = self.name()?;
        expect(self.queries.len() < MAX_NAMES)?;
        self.queries.push(name);
        Ok(())
    }

    fn name(&mut self) -> Read<String> {
        match self.pieces.next()? {
            Piece::Word(name) | Piece::Name(name) => folded(name),
            _ => Err(NotKept::NotUnderstood),
        }
    }

    /// `(name, …)`: columns, partitions, indexes.
    pub(super) fn names(&mut self) -> Read {
        expect(self.pieces.take_sign(b'('))?;
        loop {
            match self.pieces.next()? {
                Piece::Word(_) | Piece::Name(_) | Piece::Sign(b',') => {}
                Piece::Sign(b')') => return Ok(()),
                _ => return Err(NotKept::NotUnderstood),
            }
        }
    }

    /// True for the beginning of a query in parentheses.
    pub(super) fn begins_query(&self) -> bool {
        use Keyword::{Select, Table, Values, With};
        let next = self.pieces.peek();
        matches!(next, Piece::Keyword(Select | With | Table | Values))
    }

    /// A parenthesis that opens.
    pub(super) fn enter(&mut self) -> Read {
        self.depth = self.depth.saturating_add(1);
        expect(self.depth <= MAX_DEPTH && self.pieces.take_sign(b'('))
    }

    /// The one that closes it.
    pub(super) fn leave(&mut self) -> Read {
        self.depth = self.depth.saturating_sub(1);
        expect(self.pieces.take_sign(b')'))
    }
}

/// What is not as expected is not understood.
pub(super) fn expect(is_as_expected: bool) -> Read {
    if is_as_expected {
        Ok(())
    } else {
        Err(NotKept::NotUnderstood)
    }
}
