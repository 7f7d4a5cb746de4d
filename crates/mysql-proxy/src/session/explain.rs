//! `/* tidegate: explain */`, or a query attribute `tidegate` of `explain`: what the cache makes of
//! a statement, which is not run.

use mysql_proto::{AttributedQuery, StatusFlags};
use mysql_sql::{StatementKind, Touched, touches, without_explain};
use query_cache::{Lookup, Table, Writes};
use tokio::time::Instant;

use super::Session;
use super::attributes::has_attributes;
use super::cached::Read;
use crate::cache::ResultCache;
use crate::downstream::CommandPacket;
use crate::error::SessionEnd;
use crate::show::Explanation;

impl Session {
    /// True for a statement whose attributes ask for an explanation.
    pub(super) fn has_explaining(&self, packet: CommandPacket) -> bool {
        if !packet.is_whole || !has_attributes(self.downstream.capabilities()) {
            return false;
        }
        let query = AttributedQuery::parse(self.downstream.payload(packet));
        query.is_some_and(|query| {
            let mut attributes = query.attributes();
            attributes.any(|it| it.name == b"tidegate" && it.value == Some(b"explain"))
        })
    }

    /// Answers with what the cache makes of the statement, as it would be without the comment.
    pub(super) async fn explain(&mut self, packet: CommandPacket) -> Result<(), SessionEnd> {
        let sql = without_explain(self.downstream.sql(packet));
        let table = self.explanation(&sql).table();
        self.discard(packet).await?;
        let status = self.status.unwrap_or(StatusFlags::AUTOCOMMIT);
        let mut response = Vec::new();
        table.write(&mut response, self.downstream.capabilities(), status);
        self.downstream.send(&response).await?;
        self.give_back_unused().await
    }

    fn explanation(&self, sql: &[u8]) -> Explanation {
        let mut told = Explanation {
            outcome: "bypass",
            reason: Some("disabled"),
            reads: None,
            writes: None,
            max_age: None,
            stale_while_revalidate: None,
            age: None,
        };
        let cache = self.served.cache.as_ref().filter(|cache| cache.keeps());
        let Some(cache) = cache else {
            return told;
        };
        let statement = self.classify(sql, true);
        let touches = touches(sql, self.dialect(), &statement);
        if touches.writes != Touched::Nothing {
            told.writes = Some(self.that_change(cache, &touches.writes));
        }
        if statement.kind != StatementKind::Read {
            (told.outcome, told.reason) = match touches.writes {
                Touched::Nothing => ("bypass", Some("not_a_select")),
                _ => ("write", None),
            };
            return told;
        }
        let read = Read::Text(sql);
        let plan = self.plan_for(cache, None, Some(&touches), None);
        match plan.and_then(|plan| read.fits().map(|()| plan)) {
            Ok(plan) => {
                (told.outcome, told.reason) = ("miss", None);
                told.reads = Some(names(plan.on.tables()));
                told.max_age = Some(plan.lifetime.max_age);
                told.stale_while_revalidate = Some(plan.lifetime.stale_while_revalidate);
            }
            Err(why) => told.reason = Some(why.name()),
        }
        if !self.may_look_up() {
            return told;
        }
        let now = Instant::now();
        let (outcome, entry) = match cache.store.lookup(&self.key_of(read), now) {
            Lookup::Hit(entry) => ("hit", entry),
            Lookup::Stale(entry, _) => ("stale", entry),
            Lookup::Miss => return told,
        };
        (told.outcome, told.reason, told.age) = (outcome, None, Some(entry.age(now)));
        told
    }

    fn that_change(&self, cache: &ResultCache, touched: &Touched) -> String {
        let database = self.state.database_name().map(str::to_ascii_lowercase);
        let (changes, _) = cache.changes(touched, database.as_deref());
        match changes.writes {
            Writes::Nothing => String::new(),
            Writes::Tables(tables) => names(&tables),
            Writes::Everything => "everything".to_owned(),
        }
    }
}

fn names(tables: &[Table]) -> String {
    let names: Vec<_> = tables.iter().map(Table::name).collect();
    names.join(", ")
}
