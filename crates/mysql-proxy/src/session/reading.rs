//! What a text is, and what it touches.
//!
//! An application sends few statements with many values: what was read of one is known of the next
//! by its [`Outline`], without a look at its words.

use std::ops::Deref;
use std::sync::Arc;

use mysql_sql::{
    Assignment, Dialect, Outline, PinReason, Statement, StatementKind, Touched, Touches, hints,
    touches,
};

use super::Session;
use super::cached::LONGEST;
use super::commits::only_reads;
use crate::cache::Reading;

/// What a text touches.
pub(super) enum TextTouches {
    /// As was read of another that differs in values only, or of this one.
    Known(Arc<Reading>),
    Own(Touches),
}

/// A text that was read. What it touches is told where that has to be known: not if it only reads
/// and is not to be kept, or if nothing can be told of it.
pub(super) enum Text {
    /// A [`Statement::plain_read`] that surely writes nothing.
    Plain(Option<TextTouches>),
    Other(Box<Statement>, Option<TextTouches>),
    /// It asks to be explained.
    Explained,
}

impl Session {
    /// What a text is, and what it touches.
    pub(super) fn read_text(&self, sql: &[u8], is_whole: bool) -> Text {
        let dialect = self.dialect();
        let may_be_kept = self.may_look_up();
        let outline = self.outline(sql, is_whole, may_be_kept);
        let outline = outline.as_ref();
        let known = outline.and_then(|own| self.plain_read(own, dialect, may_be_kept));
        if let Some(known) = known {
            return known;
        }
        if is_whole && hints(sql, dialect).explains {
            return Text::Explained;
        }
        let statement = self.classify(sql, is_whole);
        let touches = self.touches((sql, outline), dialect, &statement);
        let may_write = |touches: &TextTouches| touches.writes != Touched::Nothing;
        if statement != Statement::plain_read() || touches.as_ref().is_some_and(may_write) {
            return Text::Other(Box::new(statement), touches);
        }
        if let Some(outline) = outline.filter(|_| !may_be_kept) {
            self.served.plain_reads.remember(outline, dialect);
        }
        Text::Plain(touches)
    }

    /// The outline of a text that can be read, if something may be known by it.
    fn outline(&self, sql: &[u8], is_whole: bool, may_be_kept: bool) -> Option<Outline> {
        let is_sought = is_whole && sql.len() <= LONGEST && (may_be_kept || begins_as_read(sql));
        if is_sought && self.can_read(sql) {
            Outline::of(sql)
        } else {
            None
        }
    }

    /// A text of this outline, if it is known to be a plain read.
    fn plain_read(&self, outline: &Outline, dialect: Dialect, may_be_kept: bool) -> Option<Text> {
        if may_be_kept {
            let readings = &self.served.cache.as_ref()?.readings;
            let reading = readings.of_plain(outline, dialect);
            let reading = reading.filter(|reading| reading.touches.writes == Touched::Nothing)?;
            return Some(Text::Plain(Some(TextTouches::Known(reading))));
        }
        let known = self.served.plain_reads.find(outline)?;
        (known == dialect).then_some(Text::Plain(None))
    }

    fn touches(
        &self,
        (sql, outline): (&[u8], Option<&Outline>),
        dialect: Dialect,
        statement: &Statement,
    ) -> Option<TextTouches> {
        let cache = self.served.cache.as_ref()?;
        let may_be_kept = statement.kind == StatementKind::Read && self.is_past_cache().is_none();
        let is_understood = statement.effect.pin != Some(PinReason::NotUnderstood);
        let has_to_be = may_be_kept || !only_reads(statement);
        if !has_to_be || !is_understood {
            return None;
        }
        let effect = &statement.effect;
        let enters_database =
            effect.is_multi && effect.sets.iter().any(Assignment::enters_database);
        if may_be_kept && cache.keeps() && !enters_database {
            let readings = &cache.readings;
            let reading = readings.of((sql, outline), dialect, statement, &cache.figures);
            return Some(TextTouches::Known(reading));
        }
        let mut touches = touches(sql, dialect, statement);
        if enters_database && touches.writes != Touched::Nothing {
            // Which of the names behind it are looked up there, is not told.
            touches.writes = Touched::Everything;
        }
        Some(TextTouches::Own(touches))
    }
}

/// True for a text that begins as most plain reads do. Any other would pay for an outline by which
/// nothing is known.
fn begins_as_read(sql: &[u8]) -> bool {
    const SELECT: &[u8] = b"SELECT";
    sql.get(..SELECT.len())
        .is_some_and(|word| word.eq_ignore_ascii_case(SELECT))
}

impl Deref for TextTouches {
    type Target = Touches;

    fn deref(&self) -> &Touches {
        match self {
            Self::Known(reading) => &reading.touches,
            Self::Own(touches) => touches,
        }
    }
}
